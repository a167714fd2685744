using RomFlash.Sdk.Targets;

namespace RomFlash.Sdk.Transports.Smb.Protocol.Authentication;

/// <summary>Chooses how credentials are shown to a peer.</summary>
internal static class SmbAuthenticators
{
    /// <summary>Begins a logon.</summary>
    /// <param name="credentials">The credentials; what is needed of them is copied.</param>
    /// <param name="host">The peer's name, as the caller wrote it.</param>
    /// <param name="time">The clock.</param>
    /// <returns>
    /// The logon, to be disposed of; <see cref="TransportFaultKind.CurrentUserUnavailable"/> for the current user: the framework's NegotiateAuthentication could log on as that, but hands out
    /// no session key, and without it nothing can be signed. <see cref="TransportFaultKind.CredentialsUnavailable"/> for none, and for names and passwords that can't be an account's.
    /// </returns>
    public static TransportResult<ISmbAuthenticator> Create(TargetCredentials credentials, string host, TimeProvider time)
    {
        if (credentials is not PasswordCredentials account)
        {
            return ReferenceEquals(credentials, TargetCredentials.CurrentUser)
                ? new TransportFault(TransportFaultKind.CurrentUserUnavailable, FaultEffect.NotSent, "SMB needs a user name and a password: the platform gives nobody the session key of the current user's logon, and without it nothing can be signed")
                : Unavailable("SMB needs a user name and a password");
        }

        var (user, domain) = Split(account.UserName);
        if (user.Length == 0)
        {
            return Unavailable("the account's name is empty");
        }

        if (user.Contains('\\', StringComparison.Ordinal) || user.AsSpan().ContainsAnyInRange('\0', '\x1F') || domain.AsSpan().ContainsAnyInRange('\0', '\x1F'))
        {
            return Unavailable("the account's name is no name, DOMAIN\\name or name@domain");
        }

        if (user.Length > NtlmMessages.MaxNameLength || domain.Length > NtlmMessages.MaxNameLength || host.Length > NtlmMessages.MaxNameLength)
        {
            return Unavailable("a name is too long");
        }

        // Neither Windows nor Samba lets an account in from the network that has an empty password.
        var logon = account.UsePassword(
            (user, domain, host, time),
            static (s, password) => password.IsEmpty ? null : new NtlmAuthenticator(s.user, s.domain, password, s.host, s.time));
        return logon is null ? Unavailable("the account's password is empty") : TransportResult<ISmbAuthenticator>.From(logon);

        static TransportResult<ISmbAuthenticator> Unavailable(string why) => new TransportFault(TransportFaultKind.CredentialsUnavailable, FaultEffect.NotSent, why);
    }

    // name@domain stays as it is, with an empty domain: that is how NTLM has it. A domain of "." is the peer itself.
    private static (string User, string Domain) Split(string account)
    {
        var slash = account.IndexOf('\\', StringComparison.Ordinal);
        return slash < 0 ? (account, string.Empty) : (account[(slash + 1)..], account[..slash] is var domain and not "." ? domain : string.Empty);
    }
}
