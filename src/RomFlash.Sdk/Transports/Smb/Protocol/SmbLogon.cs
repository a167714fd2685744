using System.Runtime.InteropServices;
using System.Security.Cryptography;
using RomFlash.Sdk.Transports.Smb.Protocol.Authentication;
using RomFlash.Sdk.Transports.Smb.Protocol.Flow;
using RomFlash.Sdk.Transports.Smb.Protocol.Security;
using RomFlash.Sdk.Transports.Smb.Protocol.Wire;

namespace RomFlash.Sdk.Transports.Smb.Protocol;

/// <summary>What was agreed upon.</summary>
/// <param name="ClientGuid">Who the client said it is.</param>
/// <param name="Answer">What the peer answered to the negotiation.</param>
/// <param name="SealsAll">Whether every message is encrypted.</param>
internal sealed record SmbAgreement(Guid ClientGuid, NegotiateAnswer Answer, bool SealsAll)
{
    public SmbSecurity ToSecurity() => new(
        Answer.Dialect switch
        {
            SmbDialect.Smb210 => "2.1",
            SmbDialect.Smb300 => "3.0",
            SmbDialect.Smb302 => "3.0.2",
            _ => "3.1.1",
        },
        Answer.Signing switch
        {
            SmbSigningAlgorithm.HmacSha256 => "HMAC-SHA256",
            SmbSigningAlgorithm.AesCmac => "AES-128-CMAC",
            _ => "AES-128-GMAC",
        },
        !SealsAll
            ? null
            : Answer.Cipher switch
            {
                SmbCipher.Aes128Ccm => "AES-128-CCM",
                SmbCipher.Aes128Gcm => "AES-128-GCM",
                SmbCipher.Aes256Ccm => "AES-256-CCM",
                _ => "AES-256-GCM",
            },
        IsGuest: false);
}

/// <summary>NEGOTIATE and SESSION_SETUP (MS-SMB2, 3.2.4.2.2 and 3.2.4.2.3): from a fresh channel to one on which every message is protected.</summary>
internal sealed class SmbLogon(SmbChannel channel, SmbConnectorOptions options, ISmbAuthenticator authenticator) : IDisposable
{
    /// <summary>NTLM takes two; a peer that goes on asking is not listened to.</summary>
    private const int MaxRounds = 6;

    /// <summary>Less than this is no limit that a peer can have (MS-SMB2, 3.3.5.4: 65536 at least; what is smaller works as well).</summary>
    private const uint MinTransferBytes = 1024;

    private readonly PreauthHash _hash = new();

    public async ValueTask<TransportResult<SmbAgreement>> RunAsync(CancellationToken cancellationToken)
    {
        var clientGuid = Guid.NewGuid();
        var negotiated = await NegotiateAsync(clientGuid, cancellationToken).ConfigureAwait(false);
        if (!negotiated.TryGetValue(out var answer, out var fault))
        {
            return fault;
        }

        // Before any credentials are sent.
        if (options.Protection == SmbProtection.Encrypted && answer is { Dialect: not SmbDialect.Smb210, Cipher: SmbCipher.None })
        {
            return SmbFault.NotTrusted("the peer does not encrypt, and encryption is demanded");
        }

        if (Math.Min(answer.MaxTransact, Math.Min(answer.MaxRead, answer.MaxWrite)) < MinTransferBytes)
        {
            return SmbFault.Violation("the peer takes requests of no useful size");
        }

        channel.MaxDataBytes = SmbLimits.Of(answer).Read;
        var setUp = await SetUpSessionAsync(answer, cancellationToken).ConfigureAwait(false);
        return setUp.TryGetValue(out var sealsAll, out fault) ? new SmbAgreement(clientGuid, answer, sealsAll) : fault;
    }

    public void Dispose() => _hash.Dispose();

    private async ValueTask<TransportResult<NegotiateAnswer>> NegotiateAsync(Guid clientGuid, CancellationToken cancellationToken)
    {
        var frame = channel.Rent(NegotiateCodec.RequestBytes);
        WriteNegotiate(frame, clientGuid);
        using var reply = await channel.ExchangeAsync(frame, default, _hash, cancellationToken).ConfigureAwait(false);
        if (reply.Fault is { } fault)
        {
            return fault;
        }

        if (reply.Status != NtStatus.Success)
        {
            return SmbFault.FromStatus(reply.Status, FaultEffect.NotSent, "negotiating");
        }

        if (!NegotiateCodec.TryRead(reply.Message, out var answer, out fault))
        {
            return fault!;
        }

        _hash.Append(reply.Message);
        return answer!;
    }

    private static void WriteNegotiate(SmbFrame frame, Guid clientGuid)
    {
        Span<byte> salt = stackalloc byte[32];
        RandomNumberGenerator.Fill(salt);
        NegotiateCodec.Write(frame.Add(SmbCommand.Negotiate, 0, NegotiateCodec.RequestBytes), clientGuid, salt);
    }

    private async ValueTask<TransportResult<bool>> SetUpSessionAsync(NegotiateAnswer answer, CancellationToken cancellationToken)
    {
        var said = answer.SecurityBlob;
        for (var round = 0; round < MaxRounds; round++)
        {
            var step = authenticator.Step(said);
            if (step.Token is not { } token)
            {
                return SmbFault.NotTrusted("logging on: " + step.Problem);
            }

            var frame = channel.Rent(SessionCodec.SetupBytes + token.Length);
            SessionCodec.WriteSetup(frame.Add(SmbCommand.SessionSetup, 0, SessionCodec.SetupBytes + token.Length), token);
            CryptographicOperations.ZeroMemory(token);
            using var reply = await channel.ExchangeAsync(frame, default, _hash, cancellationToken).ConfigureAwait(false);
            if (reply.Fault is { } fault)
            {
                return fault;
            }

            var read = ReadSetup(reply.Message);
            if (!read.TryGetValue(out var next, out fault))
            {
                return fault;
            }

            if (next.IsLast)
            {
                return Finish(answer, next, reply.Message);
            }

            _hash.Append(reply.Message);
            said = next.Token;
        }

        return SmbFault.Violation("the peer goes on asking for credentials");
    }

    private TransportResult<SetupAnswer> ReadSetup(ReadOnlySpan<byte> message)
    {
        var status = SmbHeader.StatusOf(message);
        if (status is not (NtStatus.Success or NtStatus.MoreProcessingRequired))
        {
            return SmbFault.FromStatus(status, FaultEffect.NotSent, "logging on");
        }

        var sessionId = SmbHeader.SessionIdOf(message);
        if (!SessionCodec.TryReadSetup(message, out var flags, out var token) || sessionId == 0 || (channel.SessionId != 0 && channel.SessionId != sessionId))
        {
            return channel.Violate("the answer to the logon has another form than the protocol says");
        }

        channel.SessionId = sessionId;
        return new SetupAnswer(status == NtStatus.Success, flags, token.ToArray());
    }

    private TransportResult<bool> Finish(NegotiateAnswer answer, in SetupAnswer last, Span<byte> message)
    {
        if ((last.Flags & (SmbSessionFlags.IsGuest | SmbSessionFlags.IsNull)) != 0)
        {
            return new TransportFault(TransportFaultKind.CredentialsRejected, FaultEffect.NotSent, "logging on: the peer does not know the account, and made a guest of it; what a guest is told can't be signed");
        }

        if ((last.Flags & SmbSessionFlags.EncryptData) != 0 && answer.Cipher == SmbCipher.None)
        {
            return channel.Violate("the peer demands an encryption that was not agreed upon");
        }

        if (authenticator.Step(last.Token) is { Problem: { } problem })
        {
            return SmbFault.NotTrusted("logging on: " + problem);
        }

        if (!authenticator.IsComplete)
        {
            return SmbFault.NotTrusted("logging on: the peer ended the logon before it was complete");
        }

        var canSeal = answer.Cipher != SmbCipher.None;
        var sealsAll = canSeal && (options.Protection == SmbProtection.Encrypted || (last.Flags & SmbSessionFlags.EncryptData) != 0);
        var shield = MakeShield(answer, canSeal, sealsAll);

        // The first message that the peer can prove anything with, and in 3.1.1 the proof that nobody changed a word of what was said before.
        if ((SmbHeader.FlagsOf(message) & SmbHeaderFlags.Signed) == 0 || !shield.Verify(message))
        {
            shield.Dispose();
            return SmbFault.NotTrusted("logging on: the peer's last answer is not signed, or not rightly");
        }

        channel.Protect(shield);
        return sealsAll;
    }

    private SmbShield MakeShield(NegotiateAnswer answer, bool canSeal, bool sealsAll)
    {
        Span<byte> sessionKey = stackalloc byte[SmbSessionKeys.SessionKeyBytes];
        try
        {
            authenticator.CopySessionKey(sessionKey);
            using var keys = SmbSessionKeys.Derive(answer.Dialect, answer.Cipher, sessionKey, answer.Dialect == SmbDialect.Smb311 ? _hash.Value : default);
            return new(keys, answer.Signing, channel.SessionId, canSeal, sealsAll);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(sessionKey);
        }
    }

    [StructLayout(LayoutKind.Auto)]
    private readonly record struct SetupAnswer(bool IsLast, SmbSessionFlags Flags, byte[] Token);
}
