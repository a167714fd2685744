using System.Buffers.Binary;

namespace RomFlash.Sdk.Transports.Ssh.Firmware;

/// <summary>An EFI variable: its attributes (UEFI 2.10, 8.2) and its value.</summary>
internal sealed record EfiVariable(uint Attributes, byte[] Value)
{
    /// <summary>The longest variable that is read or written, with its attributes.</summary>
    public const int MaxBytes = 16 * 1024;

    /// <summary>EFI_VARIABLE_NON_VOLATILE, _BOOTSERVICE_ACCESS and _RUNTIME_ACCESS.</summary>
    public const uint KeptAndSeenByAll = 7;

    private const int AttributeBytes = sizeof(uint);

    /// <summary>Reads it as Linux's efivarfs has it: the attributes, then the value.</summary>
    public static EfiVariable? TryParse(ReadOnlySpan<byte> bytes) =>
        bytes.Length is >= AttributeBytes and <= MaxBytes ? new(BinaryPrimitives.ReadUInt32LittleEndian(bytes), bytes[AttributeBytes..].ToArray()) : null;

    public byte[] ToBytes()
    {
        var bytes = new byte[AttributeBytes + Value.Length];
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, Attributes);
        Value.CopyTo(bytes, AttributeBytes);
        return bytes;
    }

    public bool IsSameAs(EfiVariable other) => Attributes == other.Attributes && Value.AsSpan().SequenceEqual(other.Value);
}
