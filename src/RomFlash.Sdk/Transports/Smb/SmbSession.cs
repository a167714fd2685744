using System.Collections.Immutable;
using RomFlash.Sdk.Probing;
using RomFlash.Sdk.Transports.Smb.Facts;
using RomFlash.Sdk.Transports.Smb.Rpc;
using RomFlash.Sdk.Transports.SystemPartitions;

namespace RomFlash.Sdk.Transports.Smb;

/// <summary>A Windows-like target that somebody has logged on to.</summary>
internal sealed class SmbSession(ISmbConnection connection, SmbAddress address, TimeProvider time) : PartitionSession(new SmbPartition(connection, address, time)), IPowerCapability
{
    private static readonly ArmingOffer FileOnly = new(ArmingMethod.CapsuleFileOnly, CanDisarm: true, FlashesAtOnce: false, PartitionLayout.MaxFiles);

    private readonly SmbFacts _facts = new(connection, address);

    /// <summary>How the connection is protected.</summary>
    public SmbSecurity Security => connection.Security;

    public override DepositTraits Traits { get; } = new()
    {
        Verification = [VerificationMethod.ReadBack],
        MaxWriteBytes = SmbPartition.Chunk,
        PreferredWriteBytes = SmbPartition.Chunk,
        UsesSystemPartition = true,
    };

    protected override string WhyNoOffer =>
        $"SMB can't set OsIndications, and the target does not say that its firmware takes capsule files without it ({ArmingFacts.Place}); a second endpoint could arm it: redfish: (its controller), or ssh: with efivarfs";

    public override ValueTask<TransportResult<TargetFacts>> ReadFactsAsync(FactKinds kinds, CancellationToken cancellationToken) => RunAsync(layout => _facts.ReadAsync(layout, kinds), cancellationToken);

    public TimeSpan DelayOf(TimeSpan asked) => asked > ShutdownClient.MaxDelay ? asked : TimeSpan.FromSeconds(ShutdownClient.SecondsOf(asked));

    public ValueTask<TransportResult<Done>> ScheduleRebootAsync(RebootRequest request, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(request);
        if (cancellationToken.IsCancellationRequested)
        {
            return new(new TransportFault(TransportFaultKind.Cancelled, FaultEffect.NotSent));
        }

        return request.Delay > ShutdownClient.MaxDelay
            ? new(new TransportFault(TransportFaultKind.Unsupported, FaultEffect.NotSent, "a restart can't be asked for more than ten years ahead"))
            : new ShutdownClient(connection).InitiateAsync(request.Delay, request.Message, request.Force, reboot: true, ShutdownReason.PlannedHardwareMaintenance, cancellationToken);
    }

    public ValueTask<TransportResult<Done>> AbortRebootAsync(CancellationToken cancellationToken) => cancellationToken.IsCancellationRequested
        ? new(new TransportFault(TransportFaultKind.Cancelled, FaultEffect.NotSent))
        : new ShutdownClient(connection).AbortAsync(cancellationToken);

    protected override async ValueTask<ImmutableArray<ArmingOffer>> ReadOffersAsync(PartitionLayout layout) =>
        await ArmingFacts.TakesCapsuleFilesAsync(connection, layout.Token).ConfigureAwait(false) ? [FileOnly] : [];

    protected override ValueTask CloseAsync() => connection.DisposeAsync();
}
