using System.Buffers.Binary;
using System.Text;

namespace RomFlash.Sdk.Transports.Ssh.Firmware;

/// <summary>What a boot entry says (UEFI 2.10, 3.1.3, EFI_LOAD_OPTION): whether it counts, what it is called, and the GPT partition that it boots from, or null. Untrusted.</summary>
internal sealed record LoadOption(bool IsActive, string Description, Guid? Partition)
{
    /// <summary>The longest value of a Boot#### that is read.</summary>
    public const int MaxBytes = 4096;

    // UEFI 2.10, 3.1.3: LOAD_OPTION_ACTIVE.
    private const uint Active = 1;

    // UEFI 2.10, 10.3: nodes of a device path have a type, a subtype and their own length with these four bytes.
    private const int NodeHeader = 4;
    private const byte End = 0x7F;
    private const byte Media = 4;

    // UEFI 2.10, 10.3.5.1: Hard Drive.
    private const byte HardDrive = 1;
    private const int HardDriveLength = 42;
    private const byte GptFormat = 2;
    private const byte GuidSignature = 2;

    /// <summary>Reads the value of a Boot#### variable.</summary>
    /// <returns>Null when it is none.</returns>
    public static LoadOption? TryParse(ReadOnlySpan<byte> value)
    {
        const int Fixed = sizeof(uint) + sizeof(ushort);
        if (value.Length is < Fixed or > MaxBytes)
        {
            return null;
        }

        var isActive = (BinaryPrimitives.ReadUInt32LittleEndian(value) & Active) != 0;
        int pathLength = BinaryPrimitives.ReadUInt16LittleEndian(value[sizeof(uint)..]);
        var rest = value[Fixed..];
        var length = 0;
        while (length + 1 < rest.Length && (rest[length] | rest[length + 1]) != 0)
        {
            length += 2;
        }

        if (length + 2 > rest.Length || rest.Length - length - 2 < pathLength)
        {
            return null;
        }

        return TryFindPartition(rest.Slice(length + 2, pathLength), out var partition) ? new(isActive, Encoding.Unicode.GetString(rest[..length]), partition) : null;
    }

    // False for what is no device path. The list may hold further paths behind the first: they are not what is booted from.
    private static bool TryFindPartition(ReadOnlySpan<byte> path, out Guid? partition)
    {
        partition = null;
        while (true)
        {
            if (path.Length < NodeHeader || BinaryPrimitives.ReadUInt16LittleEndian(path[2..]) is var length && (length < NodeHeader || length > path.Length))
            {
                return false;
            }

            if (path[0] == End)
            {
                return true;
            }

            if (partition is null && path[0] == Media && path[1] == HardDrive && length == HardDriveLength && path[40] == GptFormat && path[41] == GuidSignature)
            {
                partition = new Guid(path.Slice(24, 16));
            }

            path = path[length..];
        }
    }
}
