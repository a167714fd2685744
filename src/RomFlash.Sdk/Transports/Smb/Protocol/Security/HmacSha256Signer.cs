using System.Security.Cryptography;

namespace RomFlash.Sdk.Transports.Smb.Protocol.Security;

/// <summary>The first 16 bytes of HMAC-SHA256 (MS-SMB2, 3.1.4.1).</summary>
internal sealed class HmacSha256Signer(ReadOnlySpan<byte> key) : SmbSigner
{
    private readonly IncrementalHash _hmac = IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, key);

    protected override void Compute(ReadOnlySpan<byte> message, Span<byte> signature)
    {
        Span<byte> whole = stackalloc byte[SHA256.HashSizeInBytes];
        _hmac.AppendData(message);
        _hmac.GetHashAndReset(whole);
        whole[..SignatureBytes].CopyTo(signature);
    }

    protected override void Dispose(bool disposing) => _hmac.Dispose();
}
