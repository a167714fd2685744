using System.Buffers.Binary;
using RomFlash.Sdk.Transports.Smb.Protocol.Security;

namespace RomFlash.Sdk.Transports.Smb.Protocol.Wire;

/// <summary>What both sides can do (MS-SMB2, 2.2.3 and 2.2.4, Capabilities).</summary>
[Flags]
internal enum SmbCapabilities : uint
{
    None = 0,
    LargeMtu = 0x00000004,
    Encryption = 0x00000040,
}

/// <summary>What a peer answered to NEGOTIATE.</summary>
internal sealed record NegotiateAnswer(
    SmbDialect Dialect,
    ushort SecurityMode,
    Guid ServerGuid,
    SmbCapabilities Capabilities,
    uint MaxTransact,
    uint MaxRead,
    uint MaxWrite,
    SmbCipher Cipher,
    SmbSigningAlgorithm Signing,
    byte[] SecurityBlob);

/// <summary>NEGOTIATE (MS-SMB2, 2.2.3 and 2.2.4): the dialects 2.1 to 3.1.1, and what protects them.</summary>
internal static class NegotiateCodec
{
    /// <summary>SMB2_NEGOTIATE_SIGNING_ENABLED and _REQUIRED (MS-SMB2, 2.2.3): what the client says, and says again in FSCTL_VALIDATE_NEGOTIATE_INFO.</summary>
    public const ushort SecurityMode = 0x0003;

    public const SmbCapabilities ClientCapabilities = SmbCapabilities.LargeMtu | SmbCapabilities.Encryption;

    /// <summary>What the request takes after the header.</summary>
    public const int RequestBytes = DialectsEnd + ((PreauthContextBytes + 7) & ~7) + ((CipherContextBytes + 7) & ~7) + SigningContextBytes;

    private const ushort PreauthContext = 0x0001;
    private const ushort EncryptionContext = 0x0002;
    private const ushort SigningContext = 0x0008;
    private const ushort Sha512 = 0x0001;
    private const int SaltBytes = 32;

    private const int DialectsOffset = 36;

    // Contexts begin at multiples of 8 from the header on (MS-SMB2, 2.2.3.1): 36 bytes, four dialects, 4 bytes of padding.
    private const int DialectsEnd = 48;
    private const int PreauthContextBytes = 8 + 6 + SaltBytes;
    private const int CipherContextBytes = 8 + 2 + (4 * 2);
    private const int SigningContextBytes = 8 + 2 + (3 * 2);

    /// <summary>The dialects that are offered, in this order.</summary>
    public static ReadOnlySpan<ushort> Dialects => [(ushort)SmbDialect.Smb210, (ushort)SmbDialect.Smb300, (ushort)SmbDialect.Smb302, (ushort)SmbDialect.Smb311];

    private static ReadOnlySpan<ushort> Ciphers => [(ushort)SmbCipher.Aes128Gcm, (ushort)SmbCipher.Aes256Gcm, (ushort)SmbCipher.Aes128Ccm, (ushort)SmbCipher.Aes256Ccm];

    private static ReadOnlySpan<ushort> SigningAlgorithms => [(ushort)SmbSigningAlgorithm.AesGmac, (ushort)SmbSigningAlgorithm.AesCmac, (ushort)SmbSigningAlgorithm.HmacSha256];

    /// <summary>Writes the request's body.</summary>
    /// <param name="body">Where to; <see cref="RequestBytes"/>, cleared.</param>
    /// <param name="clientGuid">Who the client is, the same on all of a connection.</param>
    /// <param name="salt">32 random bytes.</param>
    public static void Write(Span<byte> body, Guid clientGuid, ReadOnlySpan<byte> salt)
    {
        BinaryPrimitives.WriteUInt16LittleEndian(body, 36);
        BinaryPrimitives.WriteUInt16LittleEndian(body[2..], (ushort)Dialects.Length);
        BinaryPrimitives.WriteUInt16LittleEndian(body[4..], SecurityMode);
        BinaryPrimitives.WriteUInt32LittleEndian(body[8..], (uint)ClientCapabilities);
        clientGuid.TryWriteBytes(body[12..]);
        BinaryPrimitives.WriteUInt32LittleEndian(body[28..], SmbHeader.Bytes + DialectsEnd);
        BinaryPrimitives.WriteUInt16LittleEndian(body[32..], 3);
        WriteAll(body[DialectsOffset..], Dialects);

        var context = body[DialectsEnd..];
        WriteContext(context, PreauthContext, 6 + SaltBytes);
        BinaryPrimitives.WriteUInt16LittleEndian(context[8..], 1);
        BinaryPrimitives.WriteUInt16LittleEndian(context[10..], SaltBytes);
        BinaryPrimitives.WriteUInt16LittleEndian(context[12..], Sha512);
        salt[..SaltBytes].CopyTo(context[14..]);

        context = context[Align(PreauthContextBytes)..];
        WriteContext(context, EncryptionContext, CipherContextBytes - 8);
        BinaryPrimitives.WriteUInt16LittleEndian(context[8..], (ushort)Ciphers.Length);
        WriteAll(context[10..], Ciphers);

        context = context[Align(CipherContextBytes)..];
        WriteContext(context, SigningContext, SigningContextBytes - 8);
        BinaryPrimitives.WriteUInt16LittleEndian(context[8..], (ushort)SigningAlgorithms.Length);
        WriteAll(context[10..], SigningAlgorithms);
    }

    /// <summary>Reads the answer.</summary>
    /// <param name="message">The whole message.</param>
    /// <param name="answer">What it says.</param>
    /// <param name="fault">Why it can't be used.</param>
    /// <returns>True when there is an answer.</returns>
    public static bool TryRead(ReadOnlySpan<byte> message, out NegotiateAnswer? answer, out TransportFault? fault)
    {
        answer = null;
        fault = SmbFault.Violation("the answer to the negotiation has another form than the protocol says");
        if (!SmbBody.Has(message, 65) || !SmbBody.TryGetPart(message, 64, SmbBody.U16(message, 56), SmbBody.U16(message, 58), out var blob))
        {
            return false;
        }

        var dialect = (SmbDialect)SmbBody.U16(message, 4);
        if (!Dialects.Contains((ushort)dialect))
        {
            fault = SmbFault.Violation($"the peer chose a dialect that was not offered: 0x{(ushort)dialect:X4}");
            return false;
        }

        var capabilities = (SmbCapabilities)SmbBody.U32(message, 24);
        var (cipher, signing) = dialect switch
        {
            SmbDialect.Smb210 => (SmbCipher.None, SmbSigningAlgorithm.HmacSha256),

            // Before 3.1.1 there is one cipher, and a capability says whether the peer has it (MS-SMB2, 3.2.5.2).
            SmbDialect.Smb300 or SmbDialect.Smb302 => ((capabilities & SmbCapabilities.Encryption) != 0 ? SmbCipher.Aes128Ccm : SmbCipher.None, SmbSigningAlgorithm.AesCmac),
            _ => (SmbCipher.None, SmbSigningAlgorithm.AesCmac),
        };
        if (dialect == SmbDialect.Smb311 && !TryReadContexts(message, ref cipher, ref signing))
        {
            return false;
        }

        answer = new(
            dialect,
            SmbBody.U16(message, 2),
            new Guid(message.Slice(SmbHeader.Bytes + 8, 16)),
            capabilities,
            SmbBody.U32(message, 28),
            SmbBody.U32(message, 32),
            SmbBody.U32(message, 36),
            cipher,
            signing,
            blob.ToArray());
        fault = null;
        return true;
    }

    // Exactly one context of each kind, with exactly one choice that was offered (MS-SMB2, 3.2.5.2).
    private static bool TryReadContexts(ReadOnlySpan<byte> message, ref SmbCipher cipher, ref SmbSigningAlgorithm signing)
    {
        var (hasPreauth, hasCipher, hasSigning) = (false, false, false);
        var offset = SmbBody.U32(message, 60);
        for (var left = SmbBody.U16(message, 6); left > 0; left--)
        {
            if (offset < SmbHeader.Bytes + 64 || offset % 8 != 0 || offset > (uint)message.Length - 8)
            {
                return false;
            }

            var context = message[(int)offset..];
            var length = BinaryPrimitives.ReadUInt16LittleEndian(context[2..]);
            if (length > context.Length - 8)
            {
                return false;
            }

            var data = context.Slice(8, length);
            switch (BinaryPrimitives.ReadUInt16LittleEndian(context))
            {
                case PreauthContext when !hasPreauth && length >= 6 && U16(data, 0) == 1 && U16(data, 2) == length - 6 && U16(data, 4) == Sha512:
                    hasPreauth = true;
                    break;
                case EncryptionContext when !hasCipher && length == 4 && U16(data, 0) == 1 && (U16(data, 2) == 0 || Ciphers.Contains(U16(data, 2))):
                    cipher = (SmbCipher)U16(data, 2);
                    hasCipher = true;
                    break;
                case SigningContext when !hasSigning && length == 4 && U16(data, 0) == 1 && SigningAlgorithms.Contains(U16(data, 2)):
                    signing = (SmbSigningAlgorithm)U16(data, 2);
                    hasSigning = true;
                    break;
                case PreauthContext or EncryptionContext or SigningContext:
                    return false;
                default:
                    break;
            }

            offset += (uint)Align(8 + length);
        }

        return hasPreauth;
    }

    private static ushort U16(ReadOnlySpan<byte> data, int offset) => BinaryPrimitives.ReadUInt16LittleEndian(data[offset..]);

    private static int Align(int length) => (length + 7) & ~7;

    private static void WriteContext(Span<byte> context, ushort type, int length)
    {
        BinaryPrimitives.WriteUInt16LittleEndian(context, type);
        BinaryPrimitives.WriteUInt16LittleEndian(context[2..], (ushort)length);
    }

    private static void WriteAll(Span<byte> to, ReadOnlySpan<ushort> values)
    {
        foreach (var value in values)
        {
            BinaryPrimitives.WriteUInt16LittleEndian(to, value);
            to = to[2..];
        }
    }
}
