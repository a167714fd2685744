using System.Buffers.Binary;
using System.Security.Cryptography;
using RomFlash.Sdk.Transports.Smb.Protocol.Security;

namespace RomFlash.Sdk.Transports.Smb.Protocol.Authentication;

/// <summary>The checksums of one direction, with extended session security, key exchange and 128 bits (MS-NLMP, 3.4.4.2, 3.4.5.2 and 3.4.5.3). SPNEGO's are the only ones that SMB makes with them.</summary>
internal sealed class NtlmMac : IDisposable
{
    public const int MacBytes = 16;

    private const int ChecksumBytes = 8;

    private readonly byte[] _signing = GC.AllocateArray<byte>(NtlmHash.KeyBytes, pinned: true);
    private readonly Rc4 _sealing;
    private uint _next;

    /// <summary>Derives the keys of a direction.</summary>
    /// <param name="sessionKey">The exported session key.</param>
    /// <param name="from">Who speaks.</param>
    public NtlmMac(ReadOnlySpan<byte> sessionKey, SmbRole from)
    {
        Derive(
            sessionKey,
            from is SmbRole.Client ? "session key to client-to-server signing key magic constant\0"u8 : "session key to server-to-client signing key magic constant\0"u8,
            _signing);
        Span<byte> key = stackalloc byte[NtlmHash.KeyBytes];
        Derive(
            sessionKey,
            from is SmbRole.Client ? "session key to client-to-server sealing key magic constant\0"u8 : "session key to server-to-client sealing key magic constant\0"u8,
            key);
        _sealing = new(key);
        CryptographicOperations.ZeroMemory(key);
    }

    /// <summary>Computes the next message's checksum.</summary>
    public void Compute(ReadOnlySpan<byte> message, Span<byte> mac)
    {
        Span<byte> number = stackalloc byte[sizeof(uint)];
        Span<byte> hash = stackalloc byte[NtlmHash.KeyBytes];
        BinaryPrimitives.WriteUInt32LittleEndian(number, _next++);
        NtlmHash.Keyed(_signing, number, message, hash);
        BinaryPrimitives.WriteUInt32LittleEndian(mac, 1);
        _sealing.Transform(hash[..ChecksumBytes], mac[sizeof(uint)..]);
        number.CopyTo(mac[(sizeof(uint) + ChecksumBytes)..]);
    }

    public void Dispose()
    {
        _sealing.Dispose();
        CryptographicOperations.ZeroMemory(_signing);
    }

    private static void Derive(ReadOnlySpan<byte> sessionKey, ReadOnlySpan<byte> what, Span<byte> key)
    {
        using var md5 = IncrementalHash.CreateHash(HashAlgorithmName.MD5);
        md5.AppendData(sessionKey);
        md5.AppendData(what);
        md5.GetHashAndReset(key);
    }
}
