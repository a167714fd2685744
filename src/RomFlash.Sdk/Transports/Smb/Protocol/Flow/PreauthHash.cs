using System.Security.Cryptography;

namespace RomFlash.Sdk.Transports.Smb.Protocol.Flow;

/// <summary>The hash over all that is said before a session has keys (MS-SMB2, 3.2.1.1 and 3.2.1.3, PreauthIntegrityHashValue): SHA-512 over the hash so far and the next message.</summary>
internal sealed class PreauthHash : IDisposable
{
    private readonly byte[] _value = new byte[SHA512.HashSizeInBytes];
    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA512);

    public ReadOnlySpan<byte> Value => _value;

    public void Append(ReadOnlySpan<byte> message)
    {
        _hash.AppendData(_value);
        _hash.AppendData(message);
        _hash.GetHashAndReset(_value);
    }

    public void Dispose() => _hash.Dispose();
}
