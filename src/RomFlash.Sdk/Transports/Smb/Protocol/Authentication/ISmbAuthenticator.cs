namespace RomFlash.Sdk.Transports.Smb.Protocol.Authentication;

/// <summary>One logon: the conversation of security tokens within SESSION_SETUP (MS-SMB2, 3.2.4.2.3 and 3.2.5.3).</summary>
/// <remarks>
/// NTLMv2 stands behind it. Kerberos is absent: it would need an implementation that gets a service ticket for <c>cifs/host</c>, gives AP-REQ for a token and checks AP-REP, and has the
/// session's subkey to hand out. The framework's NegotiateAuthentication has no way to hand out a session key, so that nobody can sign SMB with what it gives. Not thread-safe.
/// </remarks>
internal interface ISmbAuthenticator : IDisposable
{
    /// <summary>Whether the peer's last token has been checked, its mechListMIC included.</summary>
    bool IsComplete { get; }

    /// <summary>Goes on with what the peer has said.</summary>
    /// <param name="fromPeer">The security blob of NEGOTIATE's answer first, which may be empty; then that of each SESSION_SETUP answer. Hostile.</param>
    /// <returns>What to send, or why it can't go on; after that it never can.</returns>
    SmbAuthenticationStep Step(ReadOnlySpan<byte> fromPeer);

    /// <summary>Copies the session key.</summary>
    /// <param name="key">16 bytes; the caller wipes them.</param>
    /// <exception cref="InvalidOperationException">There is none before the last token was made.</exception>
    void CopySessionKey(Span<byte> key);
}

/// <summary>What comes next in a logon; exactly one is set.</summary>
/// <param name="Token">The blob to send; empty when nothing more is to be sent.</param>
/// <param name="Problem">Why it can't go on, for people. Holds nothing of what the peer sent, and no secret.</param>
internal readonly record struct SmbAuthenticationStep(byte[]? Token, string? Problem);
