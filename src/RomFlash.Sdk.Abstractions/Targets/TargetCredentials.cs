using System.Diagnostics;

namespace RomFlash.Sdk.Targets;

/// <summary>Who the client is towards a target: explicit credentials, the current user, or nobody. Closed; disposing wipes.</summary>
[DebuggerDisplay("{ToString(),nq}")]
public abstract class TargetCredentials : IDisposable
{
    private protected TargetCredentials()
    {
    }

    /// <summary>
    /// The documented rule: the same user name and password as the local administrative client. A transport or platform that can't
    /// supply it answers with <see cref="Transports.TransportFaultKind.CurrentUserUnavailable"/>.
    /// </summary>
    public static TargetCredentials CurrentUser { get; } = new CurrentUserCredentials();

    /// <summary>No credentials, for transports that need none (a local directory).</summary>
    public static TargetCredentials None { get; } = new NoCredentials();

    /// <summary>A user name and a password.</summary>
    /// <param name="userName">The account, such as <c>admin</c> or <c>DOMAIN\admin</c>.</param>
    /// <param name="password">The password; owned, and wiped, by the result.</param>
    /// <returns>Credentials to be disposed of after use.</returns>
    public static PasswordCredentials Password(string userName, Secret password) => new(userName, password);

    /// <summary>Wipes what can be wiped.</summary>
    public void Dispose()
    {
        Wipe();
        GC.SuppressFinalize(this);
    }

    private protected virtual void Wipe()
    {
    }

    private sealed class CurrentUserCredentials : TargetCredentials
    {
        public override string ToString() => "current user";
    }

    private sealed class NoCredentials : TargetCredentials
    {
        public override string ToString() => "none";
    }
}

/// <summary>A user name and a password.</summary>
public sealed class PasswordCredentials : TargetCredentials
{
    private readonly Secret _password;

    internal PasswordCredentials(string userName, Secret password)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(userName);
        ArgumentNullException.ThrowIfNull(password);
        UserName = userName;
        _password = password;
    }

    /// <summary>The account.</summary>
    public string UserName { get; }

    /// <summary>Gives the password to a function for the length of the call; see <see cref="Secret.Use"/>.</summary>
    /// <typeparam name="TState">The type of what is handed through.</typeparam>
    /// <typeparam name="TResult">The type of what the function gives.</typeparam>
    /// <param name="state">Handed through.</param>
    /// <param name="use">Called with the characters.</param>
    /// <returns>What the function gave.</returns>
    public TResult UsePassword<TState, TResult>(TState state, Func<TState, ReadOnlySpan<char>, TResult> use)
        where TState : allows ref struct => _password.Use(state, use);

    /// <summary>The user name; the password is not shown.</summary>
    /// <returns>Text for a log; the user name may be anything.</returns>
    public override string ToString() => $"{UserName}:***";

    private protected override void Wipe() => _password.Dispose();
}
