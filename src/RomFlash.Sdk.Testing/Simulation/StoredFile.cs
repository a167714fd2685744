using System.Security.Cryptography;
using RomFlash.Sdk.Images;

namespace RomFlash.Sdk.Testing.Simulation;

/// <summary>A file on a simulated target. As long as what arrives equals a known image, only a reference to that image is kept.</summary>
internal sealed class StoredFile
{
    private SimulatedRom? _shared;
    private byte[]? _own;
    private ContentDigest _digest;

    public StoredFile(SimulatedRom? expected, long announced)
    {
        _shared = expected is not null && expected.Bytes.Length == announced ? expected : null;
    }

    public StoredFile(byte[] content)
    {
        _own = content;
        Length = content.Length;
    }

    public int Length { get; private set; }

    /// <summary>The known image that this is, whole and unchanged; null otherwise.</summary>
    public SimulatedRom? Shared => _shared is not null && Length == _shared.Bytes.Length ? _shared : null;

    public ReadOnlySpan<byte> Content => (_shared?.Bytes ?? _own ?? []).AsSpan(0, Length);

    public ContentDigest Digest
    {
        get
        {
            if (Shared is { } whole)
            {
                return whole.Sha256;
            }

            return _digest.IsEmpty ? _digest = new(SHA256.HashData(Content)) : _digest;
        }
    }

    public void Append(ReadOnlySpan<byte> data)
    {
        if (_shared is not null && data.SequenceEqual(_shared.Bytes.AsSpan(Length, data.Length)))
        {
            Length += data.Length;
            return;
        }

        MakeOwn(Length + data.Length);
        data.CopyTo(_own.AsSpan(Length));
        Length += data.Length;
    }

    /// <summary>Flips the bits of one byte.</summary>
    public void Flip(int offset)
    {
        if (Length > 0)
        {
            MakeOwn(Length);
            _own![Math.Clamp(offset, 0, Length - 1)] ^= 0x5A;
        }
    }

    /// <summary>The content as an array that nobody writes to any more.</summary>
    public byte[] ToArray() => Content.ToArray();

    private void MakeOwn(int capacity)
    {
        _digest = default;
        if (_own is null || _own.Length < capacity)
        {
            var larger = new byte[_own is null ? capacity : Math.Max(capacity, Math.Min(_own.Length * 2, _own.Length + (1 << 24)))];
            Content.CopyTo(larger);
            _own = larger;
            _shared = null;
        }
    }
}
