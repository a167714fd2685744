using System.Buffers.Binary;
using System.Security.Cryptography;

namespace RomFlash.Sdk.Transports.Smb.Protocol.Security;

/// <summary>Seals and opens messages: a TRANSFORM_HEADER (MS-SMB2, 2.2.41; 3.1.4.3 and 3.2.5.1.1), and after it the encrypted message.</summary>
/// <remarks>One thread may seal while another one opens; two at once of either may not. With GCM nothing is allocated for a message; the framework's CCM makes a handle for each.</remarks>
internal sealed class SmbSealer : IDisposable
{
    /// <summary>How long the header is.</summary>
    public const int HeaderBytes = 52;

    private const uint ProtocolId = 0x424D_53FD;
    private const int SignatureOffset = 4;
    private const int SignatureBytes = 16;
    private const int NonceOffset = 20;
    private const int NonceFieldBytes = 16;
    private const int SizeOffset = 36;
    private const int FlagsOffset = 42;
    private const int SessionIdOffset = 44;

    // AES-128-CCM below 3.1.1, "encrypted" from there on: the same number.
    private const ushort Encrypted = 1;

    private const int CcmNonceBytes = 11;
    private const int GcmNonceBytes = 12;

    private readonly NonceCounter _nonces;
    private readonly ulong _sessionId;
    private readonly AesGcm? _sealingGcm;
    private readonly AesGcm? _openingGcm;
    private readonly AesCcm? _sealingCcm;
    private readonly AesCcm? _openingCcm;

    public SmbSealer(SmbCipher cipher, ReadOnlySpan<byte> sealing, ReadOnlySpan<byte> opening, ulong sessionId, NonceCounter nonces)
    {
        _nonces = nonces;
        _sessionId = sessionId;
        if (cipher is SmbCipher.Aes128Gcm or SmbCipher.Aes256Gcm)
        {
            _sealingGcm = new(sealing, SignatureBytes);
            _openingGcm = new(opening, SignatureBytes);
        }
        else
        {
            _sealingCcm = new(sealing);
            _openingCcm = new(opening);
        }
    }

    /// <summary>Seals in place.</summary>
    /// <param name="message">52 bytes that are written over, then the message.</param>
    /// <exception cref="CryptographicException">The nonces are used up.</exception>
    public void Seal(Span<byte> message)
    {
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(message.Length, HeaderBytes);
        var header = message[..HeaderBytes];
        var text = message[HeaderBytes..];
        header.Clear();
        BinaryPrimitives.WriteUInt32LittleEndian(header, ProtocolId);
        BinaryPrimitives.WriteUInt64LittleEndian(header[NonceOffset..], _nonces.Next());
        BinaryPrimitives.WriteInt32LittleEndian(header[SizeOffset..], text.Length);
        BinaryPrimitives.WriteUInt16LittleEndian(header[FlagsOffset..], Encrypted);
        BinaryPrimitives.WriteUInt64LittleEndian(header[SessionIdOffset..], _sessionId);
        var signature = header.Slice(SignatureOffset, SignatureBytes);
        var nonce = header.Slice(NonceOffset, NonceFieldBytes);
        var rest = header[NonceOffset..];
        if (_sealingGcm is { } gcm)
        {
            gcm.Encrypt(nonce[..GcmNonceBytes], text, text, signature, rest);
        }
        else
        {
            _sealingCcm!.Encrypt(nonce[..CcmNonceBytes], text, text, signature, rest);
        }
    }

    /// <summary>Opens in place.</summary>
    /// <param name="message">The header and what follows it. The plain text is there afterwards, from the header's end on; garbage when it is not authentic.</param>
    /// <returns>Whether it is well-formed, of this session and authentic.</returns>
    public bool TryOpen(Span<byte> message)
    {
        if (message.Length <= HeaderBytes
            || BinaryPrimitives.ReadUInt32LittleEndian(message) != ProtocolId
            || BinaryPrimitives.ReadUInt32LittleEndian(message[SizeOffset..]) != (uint)(message.Length - HeaderBytes)
            || BinaryPrimitives.ReadUInt16LittleEndian(message[FlagsOffset..]) != Encrypted
            || BinaryPrimitives.ReadUInt64LittleEndian(message[SessionIdOffset..]) != _sessionId)
        {
            return false;
        }

        var header = message[..HeaderBytes];
        var text = message[HeaderBytes..];
        var signature = header.Slice(SignatureOffset, SignatureBytes);
        var nonce = header.Slice(NonceOffset, NonceFieldBytes);
        var rest = header[NonceOffset..];
        try
        {
            if (_openingGcm is { } gcm)
            {
                gcm.Decrypt(nonce[..GcmNonceBytes], text, signature, text, rest);
            }
            else
            {
                _openingCcm!.Decrypt(nonce[..CcmNonceBytes], text, signature, text, rest);
            }

            return true;
        }
        catch (AuthenticationTagMismatchException)
        {
            return false;
        }
    }

    /// <summary>Wipes the keys.</summary>
    public void Dispose()
    {
        _sealingGcm?.Dispose();
        _openingGcm?.Dispose();
        _sealingCcm?.Dispose();
        _openingCcm?.Dispose();
    }
}
