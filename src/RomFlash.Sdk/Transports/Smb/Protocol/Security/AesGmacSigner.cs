using System.Buffers.Binary;
using System.Security.Cryptography;

namespace RomFlash.Sdk.Transports.Smb.Protocol.Security;

/// <summary>AES-128-GMAC (MS-SMB2, 3.1.4.1; SP 800-38D): GCM with nothing to encrypt and the message as what is authenticated.</summary>
internal sealed class AesGmacSigner(ReadOnlySpan<byte> key) : SmbSigner
{
    private const int NonceBytes = 12;

    // The header (MS-SMB2, 2.2.1.1).
    private const int CommandOffset = 12;
    private const int FlagsOffset = 16;
    private const int MessageIdOffset = 24;
    private const uint ServerToRedirectorFlag = 1;
    private const ushort CancelCommand = 0x000C;

    private readonly AesGcm _gcm = new(key, SignatureBytes);

    protected override void Compute(ReadOnlySpan<byte> message, Span<byte> signature)
    {
        // The message's id, and what tells apart those that have the same one: an answer from its request, CANCEL from what it cancels.
        Span<byte> nonce = stackalloc byte[NonceBytes];
        message.Slice(MessageIdOffset, sizeof(ulong)).CopyTo(nonce);
        var isAnswer = BinaryPrimitives.ReadUInt32LittleEndian(message[FlagsOffset..]) & ServerToRedirectorFlag;
        var isCancel = BinaryPrimitives.ReadUInt16LittleEndian(message[CommandOffset..]) == CancelCommand ? 2u : 0u;
        BinaryPrimitives.WriteUInt32LittleEndian(nonce[sizeof(ulong)..], isAnswer | isCancel);
        _gcm.Encrypt(nonce, [], [], signature, message);
    }

    protected override void Dispose(bool disposing) => _gcm.Dispose();
}
