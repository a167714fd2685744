namespace RomFlash.Sdk.Transports.Smb.Protocol.Security;

/// <summary>AES-128-CMAC (MS-SMB2, 3.1.4.1; RFC 4493).</summary>
internal sealed class AesCmacSigner(ReadOnlySpan<byte> key) : SmbSigner
{
    private readonly AesCmac _cmac = new(key);

    protected override void Compute(ReadOnlySpan<byte> message, Span<byte> signature) => _cmac.Compute(message, signature);

    protected override void Dispose(bool disposing) => _cmac.Dispose();
}
