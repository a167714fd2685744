using System.Buffers.Binary;

namespace RomFlash.Sdk.Images.Checksums;

/// <summary>CRC-32 as zip, gzip, UEFI variables and UEFI's CRC-32 sections have it (IEEE 802.3, 3.2.9; ITU-T V.42, 8.1.1.6.2).</summary>
/// <remarks>Not thread-safe; the static members are.</remarks>
public sealed class Crc32() : RomChecksum(4)
{
    private static readonly CrcEngine Engine = new(0xEDB8_8320);

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
