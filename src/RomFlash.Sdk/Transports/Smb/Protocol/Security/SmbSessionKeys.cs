using System.Security.Cryptography;

namespace RomFlash.Sdk.Transports.Smb.Protocol.Security;

/// <summary>
/// The keys of one session (MS-SMB2, 3.1.4.2 and 3.2.5.3.1): of the session key itself for 2.1, by the counter mode of SP 800-108 with HMAC-SHA256 for 3.x. From 3.1.1 on the hash of
/// all that was said before goes in: whoever changed a word of it has other keys.
/// </summary>
/// <remarks>Thread-safe. Signers and sealers have copies of what they need: disposing of this does not end them, and the other way round.</remarks>
internal sealed class SmbSessionKeys : IDisposable
{
    /// <summary>How long a session key is: the first 16 bytes of what the logon gives (MS-SMB2, 3.2.1.3).</summary>
    public const int SessionKeyBytes = 16;

    /// <summary>How long the hash of 3.1.1 is: SHA-512.</summary>
    public const int PreauthHashBytes = 64;

    private const int SigningKeyBytes = 16;

    // Pinned, so that the collector leaves no copies behind.
    private readonly byte[] _signing = GC.AllocateArray<byte>(SigningKeyBytes, pinned: true);
    private readonly byte[] _sealing;
    private readonly byte[] _opening;

    // Of the keys and not of a sealer: two sealers of the same keys must not use a nonce twice.
    private readonly NonceCounter _nonces;
    private readonly SmbDialect _dialect;
    private readonly SmbCipher _cipher;

    private SmbSessionKeys(SmbDialect dialect, SmbCipher cipher, ulong firstNonce)
    {
        _dialect = dialect;
        _cipher = cipher;
        _nonces = new(firstNonce);
        var length = KeyBytes(cipher);
        _sealing = GC.AllocateArray<byte>(length, pinned: true);
        _opening = GC.AllocateArray<byte>(length, pinned: true);
    }

    /// <summary>Derives them.</summary>
    /// <param name="dialect">The dialect that was agreed upon.</param>
    /// <param name="cipher">The cipher that was agreed upon, or none.</param>
    /// <param name="sessionKey">16 bytes; the caller wipes its own.</param>
    /// <param name="preauthHash">64 bytes for 3.1.1, empty below.</param>
    /// <param name="role">Whose keys: what the client seals with, the server opens with.</param>
    /// <param name="firstNonce">Where the nonces begin; for tests.</param>
    /// <returns>The keys, to be disposed of.</returns>
    public static SmbSessionKeys Derive(
        SmbDialect dialect, SmbCipher cipher, ReadOnlySpan<byte> sessionKey, ReadOnlySpan<byte> preauthHash, SmbRole role = SmbRole.Client, ulong firstNonce = 0)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(sessionKey.Length, SessionKeyBytes);
        ArgumentOutOfRangeException.ThrowIfNotEqual(preauthHash.Length, dialect is SmbDialect.Smb311 ? PreauthHashBytes : 0);
        if (!IsKnown(dialect, cipher))
        {
            throw new ArgumentException("The dialect has no such cipher.", nameof(cipher));
        }

        var keys = new SmbSessionKeys(dialect, cipher, firstNonce);
        var (toServer, toClient) = role is SmbRole.Client ? (keys._sealing, keys._opening) : (keys._opening, keys._sealing);
        switch (dialect)
        {
            case SmbDialect.Smb210:
                sessionKey.CopyTo(keys._signing);
                break;

            // Labels and contexts are counted with the zero at their end (3.1.4.2).
            case SmbDialect.Smb300 or SmbDialect.Smb302:
                Fill(sessionKey, "SMB2AESCMAC\0"u8, "SmbSign\0"u8, keys._signing);
                Fill(sessionKey, "SMB2AESCCM\0"u8, "ServerIn \0"u8, toServer);
                Fill(sessionKey, "SMB2AESCCM\0"u8, "ServerOut\0"u8, toClient);
                break;

            // A 256-bit cipher is derived of the "full" session key, which NTLM's 16 bytes are (3.2.5.3.1).
            default:
                Fill(sessionKey, "SMBSigningKey\0"u8, preauthHash, keys._signing);
                Fill(sessionKey, "SMBC2SCipherKey\0"u8, preauthHash, toServer);
                Fill(sessionKey, "SMBS2CCipherKey\0"u8, preauthHash, toClient);
                break;
        }

        return keys;
    }

    /// <summary>Makes a signer. One is needed for each direction: an instance serves one thread at a time.</summary>
    /// <param name="algorithm">An algorithm that the dialect has.</param>
    /// <returns>The signer, to be disposed of.</returns>
    public SmbSigner CreateSigner(SmbSigningAlgorithm algorithm)
    {
        var isKnown = _dialect switch
        {
            SmbDialect.Smb210 => algorithm is SmbSigningAlgorithm.HmacSha256,
            SmbDialect.Smb300 or SmbDialect.Smb302 => algorithm is SmbSigningAlgorithm.AesCmac,
            _ => algorithm is SmbSigningAlgorithm.HmacSha256 or SmbSigningAlgorithm.AesCmac or SmbSigningAlgorithm.AesGmac,
        };
        if (!isKnown)
        {
            throw new ArgumentException("The dialect has no such signatures.", nameof(algorithm));
        }

        return algorithm switch
        {
            SmbSigningAlgorithm.HmacSha256 => new HmacSha256Signer(_signing),
            SmbSigningAlgorithm.AesCmac => new AesCmacSigner(_signing),
            _ => new AesGmacSigner(_signing),
        };
    }

    /// <summary>Makes a sealer. Sealing and opening may run at once; two at once of either may not.</summary>
    /// <param name="sessionId">The session's id, which every sealed message carries.</param>
    /// <returns>The sealer, to be disposed of.</returns>
    public SmbSealer CreateSealer(ulong sessionId)
    {
        if (_cipher is SmbCipher.None)
        {
            throw new InvalidOperationException("No cipher was agreed upon.");
        }

        return new(_cipher, _sealing, _opening, sessionId, _nonces);
    }

    /// <summary>Wipes the keys.</summary>
    public void Dispose()
    {
        CryptographicOperations.ZeroMemory(_signing);
        CryptographicOperations.ZeroMemory(_sealing);
        CryptographicOperations.ZeroMemory(_opening);
    }

    private static bool IsKnown(SmbDialect dialect, SmbCipher cipher) => dialect switch
    {
        SmbDialect.Smb210 => cipher is SmbCipher.None,
        SmbDialect.Smb300 or SmbDialect.Smb302 => cipher is SmbCipher.None or SmbCipher.Aes128Ccm,
        SmbDialect.Smb311 => cipher is >= SmbCipher.None and <= SmbCipher.Aes256Gcm,
        _ => false,
    };

    private static int KeyBytes(SmbCipher cipher) => cipher switch
    {
        SmbCipher.None => 0,
        SmbCipher.Aes256Ccm or SmbCipher.Aes256Gcm => 32,
        _ => 16,
    };

    private static void Fill(ReadOnlySpan<byte> sessionKey, ReadOnlySpan<byte> label, ReadOnlySpan<byte> context, Span<byte> key)
    {
        if (!key.IsEmpty)
        {
            SP800108HmacCounterKdf.DeriveBytes(sessionKey, HashAlgorithmName.SHA256, label, context, key);
        }
    }
}
