using System.Security.Cryptography;
using RomFlash.Sdk.Transports.Smb.Protocol.Security;

namespace RomFlash.Sdk.Transports.Smb.Protocol.Authentication;

/// <summary>
/// NTLMv2 in SPNEGO (MS-NLMP, 3.1.5.1; RFC 4178). NTLM is offered alone, so that there is nothing to be talked down to; and still both mechListMIC are made and checked, as Windows
/// and Samba do: the peer's shows that it knows the session key, before the first signed message does.
/// </summary>
/// <remarks>
/// A peer whose last answer has no token at all is taken, because the signature of that answer shows the same. One whose answer has a token without mechListMIC breaks RFC 4178 (5)
/// and is refused.
/// </remarks>
internal sealed class NtlmAuthenticator : ISmbAuthenticator
{
    private readonly byte[] _passwordHash = GC.AllocateArray<byte>(NtlmHash.KeyBytes, pinned: true);
    private readonly byte[] _sessionKey = GC.AllocateArray<byte>(NtlmHash.KeyBytes, pinned: true);
    private readonly string _user;
    private readonly string _domain;
    private readonly string _targetName;
    private readonly TimeProvider _time;
    private State _state;
    private byte[] _negotiate = [];
    private NtlmMac? _peerMac;

    /// <summary>Begins a logon.</summary>
    /// <param name="user">The user's name, not empty: without one it would be an anonymous logon.</param>
    /// <param name="domain">The domain's name; empty for an account of the peer's own, and when the user's name has it in itself.</param>
    /// <param name="password">The password; its hash is kept until the response is made.</param>
    /// <param name="host">The peer's name.</param>
    /// <param name="time">The clock.</param>
    public NtlmAuthenticator(string user, string domain, ReadOnlySpan<char> password, string host, TimeProvider time)
    {
        ArgumentException.ThrowIfNullOrEmpty(user);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(Math.Max(user.Length, Math.Max(domain.Length, host.Length)), NtlmMessages.MaxNameLength);
        (_user, _domain, _targetName, _time) = (user, domain, "cifs/" + host, time);
        NtlmHash.OfPassword(password, _passwordHash);
    }

    private enum State
    {
        Begun = 0,
        Negotiating,
        Authenticating,
        Complete,
        Failed,
    }

    public bool IsComplete => _state is State.Complete;

    public SmbAuthenticationStep Step(ReadOnlySpan<byte> fromPeer)
    {
        var step = Next(fromPeer);
        if (step.Problem is not null)
        {
            _state = State.Failed;
            Wipe();
        }

        return step;
    }

    public void CopySessionKey(Span<byte> key)
    {
        if (_state is not (State.Authenticating or State.Complete))
        {
            throw new InvalidOperationException("There is no session key.");
        }

        _sessionKey.CopyTo(key);
    }

    public void Dispose()
    {
        _state = State.Failed;
        Wipe();
    }

    private static SmbAuthenticationStep Problem(string problem) => new(null, problem);

    private SmbAuthenticationStep Next(ReadOnlySpan<byte> fromPeer)
    {
        if (fromPeer.Length > SpnegoTokens.MaxBytes)
        {
            return Problem("the peer's security token is too long");
        }

        if (SpnegoTokens.IsRawNtlm(fromPeer))
        {
            return Problem("the peer speaks NTLM without SPNEGO");
        }

        try
        {
            var blob = fromPeer.ToArray();
            return _state switch
            {
                State.Begun => Begin(blob),
                State.Negotiating => Respond(blob),
                State.Authenticating => Finish(blob),
                State.Complete => Problem("the peer goes on after the logon's end"),
                _ => Problem("the logon has failed before"),
            };
        }
        catch (CryptographicException)
        {
            // As with OpenSSL in its FIPS mode, which refuses MD5.
            return Problem("this machine does not allow the algorithms that NTLM needs");
        }
    }

    private SmbAuthenticationStep Begin(byte[] blob)
    {
        // A peer may leave it to the client (MS-SMB2, 3.2.4.2.3).
        if (blob.Length > 0)
        {
            if (!SpnegoTokens.TryReadOffer(blob, out var hasNtlm))
            {
                return Problem("the peer's list of security mechanisms is malformed");
            }

            if (!hasNtlm)
            {
                return Problem("the peer does not take NTLM (Kerberos only), and nothing else is spoken here");
            }
        }

        _negotiate = NtlmMessages.Negotiate();
        _state = State.Negotiating;
        return new(SpnegoTokens.Initial(_negotiate), null);
    }

    private SmbAuthenticationStep Respond(byte[] blob)
    {
        if (!SpnegoTokens.TryReadResponse(blob, out var response))
        {
            return Problem("the peer's security token is malformed");
        }

        if (response.IsOtherMechanism || response.State is SpnegoState.Reject)
        {
            return Problem("the peer refuses NTLM, or chose another mechanism than the one it was offered");
        }

        if (response.State is SpnegoState.AcceptCompleted || response.Mic is not null)
        {
            return Problem("the peer ends the logon before it has begun");
        }

        var message = response.Token.Span;
        if (NtlmChallenge.Parse(message, out var challenge) is { } problem)
        {
            return Problem(problem);
        }

        var token = Authenticate(message, challenge);
        Span<byte> mic = stackalloc byte[NtlmMac.MacBytes];
        using (var ownMac = new NtlmMac(_sessionKey, SmbRole.Client))
        {
            ownMac.Compute(SpnegoTokens.Mechanisms, mic);
        }

        _peerMac = new(_sessionKey, SmbRole.Server);
        CryptographicOperations.ZeroMemory(_passwordHash);
        _state = State.Authenticating;
        return new(SpnegoTokens.Response(SpnegoState.AcceptIncomplete, isFirst: false, token, mic), null);
    }

    private byte[] Authenticate(ReadOnlySpan<byte> message, in NtlmChallenge challenge)
    {
        Span<byte> responseKey = stackalloc byte[NtlmHash.KeyBytes];
        NtlmHash.ResponseKey(_passwordHash, _user, _domain, responseKey);
        RandomNumberGenerator.Fill(_sessionKey);
        var now = (ulong)Math.Max(0, (_time.GetUtcNow() - DateTimeOffset.FromFileTime(0)).Ticks);
        var token = NtlmMessages.Authenticate(responseKey, _user, _domain, challenge, NtlmMessages.Pairs(challenge, _targetName), now, _sessionKey);
        CryptographicOperations.ZeroMemory(responseKey);

        // Over all three, its own place being zero (MS-NLMP, 3.1.5.1.2).
        Span<byte> mic = stackalloc byte[NtlmHash.KeyBytes];
        NtlmHash.Keyed(_sessionKey, _negotiate, message, mic, third: token);
        mic.CopyTo(token.AsSpan(NtlmMessages.MicOffset));
        return token;
    }

    private SmbAuthenticationStep Finish(byte[] blob)
    {
        if (blob.Length > 0)
        {
            if (!SpnegoTokens.TryReadResponse(blob, out var response))
            {
                return Problem("the peer's security token is malformed");
            }

            if (response.IsOtherMechanism || response.State is not SpnegoState.AcceptCompleted || !response.Token.IsEmpty)
            {
                return Problem("the peer does not end the logon when it ought to");
            }

            if (response.Mic is not { } found)
            {
                return Problem("the peer's last security token lacks its checksum (mechListMIC)");
            }

            Span<byte> right = stackalloc byte[NtlmMac.MacBytes];
            _peerMac!.Compute(SpnegoTokens.Mechanisms, right);
            if (!CryptographicOperations.FixedTimeEquals(found.Span, right))
            {
                return Problem("the checksum (mechListMIC) of the peer's last security token is wrong: somebody else speaks for it, or changed the negotiation");
            }
        }

        _state = State.Complete;
        return new([], null);
    }

    private void Wipe()
    {
        CryptographicOperations.ZeroMemory(_passwordHash);
        CryptographicOperations.ZeroMemory(_sessionKey);
        _peerMac?.Dispose();
    }
}
