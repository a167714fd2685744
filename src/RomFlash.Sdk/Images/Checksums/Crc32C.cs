using System.Buffers.Binary;

namespace RomFlash.Sdk.Images.Checksums;

/// <summary>CRC-32C, with the Castagnoli polynomial (RFC 3720, 12.1).</summary>
/// <remarks>Not thread-safe; the static members are.</remarks>
public sealed class Crc32C() : RomChecksum(4)
{
    private static readonly CrcEngine Engine = new(0x82F6_3B78);

    private uint _state = uint.MaxValue;

    /// <summary>The value of what was appended so far.</summary>
    public uint CurrentValue => ~_state;

    /// <summary>Computes the checksum of bytes.</summary>
    /// <param name="bytes">The bytes.</param>
    /// <returns>The checksum.</returns>
    public static uint Hash(ReadOnlySpan<byte> bytes) => ~Engine.Update(uint.MaxValue, bytes);

    /// <inheritdoc/>
    public override void Append(ReadOnlySpan<byte> bytes) => _state = Engine.Update(_state, bytes);

    /// <inheritdoc/>
    public override void Reset() => _state = uint.MaxValue;

    private protected override void Write(Span<byte> destination) => BinaryPrimitives.WriteUInt32BigEndian(destination, CurrentValue);
}
