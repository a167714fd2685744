using System.Buffers.Binary;
using RomFlash.Sdk.Probing;
using RomFlash.Sdk.Transports.SystemPartitions;

namespace RomFlash.Sdk.Transports.Ssh.Firmware;

/// <summary>
/// The bit by which the firmware is told to look for capsules on the system partition at the next boot (UEFI 2.10, 8.5.4 and 8.5.5). The firmware clears it; all other bits of the variable are
/// somebody else's.
/// </summary>
internal sealed class OsIndications(EfiVariables variables)
{
    /// <summary>EFI_OS_INDICATIONS_FILE_CAPSULE_DELIVERY_SUPPORTED (UEFI 2.10, 8.5.4).</summary>
    public const ulong FileCapsuleDelivery = 0x0000_0000_0000_0004;

    public const string Name = "OsIndications";
    public const string SupportedName = "OsIndicationsSupported";

    /// <summary>Whether the firmware says that it looks for capsules there.</summary>
    public async ValueTask<Fact<bool>> IsSupportedAsync(CancellationToken cancellationToken)
    {
        try
        {
            return await variables.ReadAsync(SupportedName, cancellationToken).ConfigureAwait(false) is { } variable ? (BitsOf(SupportedName, variable) & FileCapsuleDelivery) != 0
                : await variables.IsThereAsync(cancellationToken).ConfigureAwait(false) ? Fact<bool>.Unknown($"the firmware has no variable {SupportedName}")
                : Fact<bool>.Unknown($"the target shows no EFI variables ({EfiVariables.Folder})");
        }
        catch (PartitionFaultException e) when (e.IsOwn || PartitionFaultException.IsOfTheTarget(e.Fault))
        {
            return Fact<bool>.Unknown(e.Message);
        }
    }

    /// <summary>Whether the bit is set. A variable that is not there has no bit; where no variables are shown, nobody can tell.</summary>
    /// <exception cref="PartitionFaultException">The variable can't be read, or holds something else than 64 bits.</exception>
    public async ValueTask<Fact<bool>> ReadAsync(CancellationToken cancellationToken) =>
        await variables.ReadAsync(Name, cancellationToken).ConfigureAwait(false) is { } variable ? (BitsOf(Name, variable) & FileCapsuleDelivery) != 0
            : await variables.IsThereAsync(cancellationToken).ConfigureAwait(false) ? false
            : Fact<bool>.Unknown($"the target shows no EFI variables ({EfiVariables.Folder})");

    /// <summary>Sets the bit, unless it is set.</summary>
    /// <exception cref="PartitionFaultException">It is not set for sure.</exception>
    public ValueTask SetAsync(CancellationToken cancellationToken) => WriteAsync(isSet: true, cancellationToken);

    /// <summary>Clears the bit, unless it is clear.</summary>
    /// <exception cref="PartitionFaultException">It is not clear for sure.</exception>
    public ValueTask ClearAsync(CancellationToken cancellationToken) => WriteAsync(isSet: false, cancellationToken);

    private static ulong BitsOf(string name, EfiVariable variable) =>
        variable.Value.Length == sizeof(ulong) ? BinaryPrimitives.ReadUInt64LittleEndian(variable.Value) : throw PartitionFaultException.Violation($"the EFI variable {name} holds {variable.Value.Length} bytes, not 8");

    private async ValueTask WriteAsync(bool isSet, CancellationToken cancellationToken)
    {
        var there = await variables.ReadAsync(Name, cancellationToken).ConfigureAwait(false);
        var before = there is null ? 0 : BitsOf(Name, there);
        var bits = isSet ? before | FileCapsuleDelivery : before & ~FileCapsuleDelivery;
        if (bits == before)
        {
            return;
        }

        var wanted = new EfiVariable(there?.Attributes ?? EfiVariable.KeptAndSeenByAll, new byte[sizeof(ulong)]);
        BinaryPrimitives.WriteUInt64LittleEndian(wanted.Value, bits);
        TransportFault? refusal = null;
        try
        {
            await variables.WriteAsync(Name, wanted, cancellationToken).ConfigureAwait(false);
        }
        catch (PartitionFaultException e) when (PartitionFaultException.IsOfTheTarget(e.Fault))
        {
            refusal = e.Fault;
        }

        EfiVariable? after;
        try
        {
            after = await variables.ReadAsync(Name, cancellationToken).ConfigureAwait(false);
        }
        catch (PartitionFaultException e)
        {
            throw new PartitionFaultException((refusal ?? e.Fault) with { Effect = FaultEffect.MayHaveApplied });
        }

        // A refusal is a text of the far side's; what happened is what the variable says.
        if (refusal is not null)
        {
            throw new PartitionFaultException(refusal with { Effect = IsSame(after, there) ? FaultEffect.NotSent : FaultEffect.MayHaveApplied });
        }

        if (!IsSame(after, wanted))
        {
            throw new PartitionFaultException(new TransportFault(TransportFaultKind.ProtocolViolation, FaultEffect.MayHaveApplied, $"the EFI variable {Name} does not hold what was written"));
        }
    }

    private static bool IsSame(EfiVariable? one, EfiVariable? other) => one is null ? other is null : other is not null && one.IsSameAs(other);
}
