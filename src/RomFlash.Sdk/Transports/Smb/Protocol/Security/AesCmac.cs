using System.Buffers.Binary;
using System.Security.Cryptography;

namespace RomFlash.Sdk.Transports.Smb.Protocol.Security;

/// <summary>
/// AES-CMAC (RFC 4493) by the framework's CBC: a MAC is the last block of what CBC gives from a zero vector. One encryptor serves all messages, a large piece with each call;
/// what it still holds of the message before is known, and cancelled by adding it to the next one's first block.
/// </summary>
/// <remarks>Not thread-safe.</remarks>
internal sealed class AesCmac : IDisposable
{
    private const int BlockBytes = 16;

    // A call costs about as much as 200 bytes do; more than this would leave the nearest cache.
    private const int PieceBytes = 16 << 10;

    private readonly Aes _aes;
    private readonly ICryptoTransform _cbc;
    private readonly byte[] _piece = GC.AllocateArray<byte>(PieceBytes, pinned: true);
    private readonly byte[] _last = GC.AllocateArray<byte>(BlockBytes, pinned: true);
    private readonly byte[] _whole = GC.AllocateArray<byte>(BlockBytes, pinned: true);
    private readonly byte[] _partial = GC.AllocateArray<byte>(BlockBytes, pinned: true);

    public AesCmac(ReadOnlySpan<byte> key)
    {
        _aes = Aes.Create();
        _aes.SetKey(key);
        _aes.Mode = CipherMode.CBC;
        _aes.Padding = PaddingMode.None;
        _aes.IV = new byte[BlockBytes];
        _cbc = _aes.CreateEncryptor();

        // Generate_Subkey (RFC 4493, 2.3): what the last block is mixed with, when it is whole and when it is filled up.
        Encrypt(BlockBytes);
        Double(_last, _whole);
        Double(_whole, _partial);
    }

    /// <summary>Computes the MAC.</summary>
    /// <param name="message">Any number of bytes.</param>
    /// <param name="mac">16 bytes.</param>
    public void Compute(ReadOnlySpan<byte> message, Span<byte> mac)
    {
        // The last block, whole or not, is a case by itself; an empty message has one that is not.
        var head = message.IsEmpty ? 0 : (message.Length - 1) / BlockBytes * BlockBytes;
        var tail = message[head..];
        Span<byte> chained = stackalloc byte[BlockBytes];
        _last.CopyTo(chained);
        for (var offset = 0; offset < head;)
        {
            var count = Math.Min(PieceBytes, head - offset);
            message.Slice(offset, count).CopyTo(_piece);
            Mix(_piece, chained);
            chained.Clear();
            Encrypt(count);
            offset += count;
        }

        var last = _piece.AsSpan(0, BlockBytes);
        last.Clear();
        tail.CopyTo(last);
        if (tail.Length < BlockBytes)
        {
            last[tail.Length] = 0x80;
        }

        Mix(last, tail.Length < BlockBytes ? _partial : _whole);
        Mix(last, chained);
        Encrypt(BlockBytes);
        _last.CopyTo(mac);
    }

    /// <summary>Wipes the keys.</summary>
    public void Dispose()
    {
        _cbc.Dispose();
        _aes.Dispose();
        CryptographicOperations.ZeroMemory(_piece);
        CryptographicOperations.ZeroMemory(_last);
        CryptographicOperations.ZeroMemory(_whole);
        CryptographicOperations.ZeroMemory(_partial);
    }

    private void Encrypt(int count)
    {
        if (_cbc.TransformBlock(_piece, 0, count, _piece, 0) != count)
        {
            throw new CryptographicException("The platform's CBC keeps blocks back.");
        }

        _piece.AsSpan(count - BlockBytes, BlockBytes).CopyTo(_last);
    }

    private static void Mix(Span<byte> block, ReadOnlySpan<byte> with)
    {
        var mixed = BinaryPrimitives.ReadUInt128LittleEndian(block) ^ BinaryPrimitives.ReadUInt128LittleEndian(with);
        BinaryPrimitives.WriteUInt128LittleEndian(block, mixed);
    }

    // Doubling in GF(2^128), without a branch on what is secret (RFC 4493, 2.3).
    private static void Double(ReadOnlySpan<byte> block, Span<byte> doubled)
    {
        var value = BinaryPrimitives.ReadUInt128BigEndian(block);
        var carry = (byte)(value >> 127);
        BinaryPrimitives.WriteUInt128BigEndian(doubled, (value << 1) ^ (UInt128)(byte)(0x87 * carry));
    }
}
