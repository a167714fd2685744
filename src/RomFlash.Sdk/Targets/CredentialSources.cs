using RomFlash.Sdk.Outcomes;

namespace RomFlash.Sdk.Targets;

/// <summary>Ready-made credential sources. All are thread-safe.</summary>
public static class CredentialSources
{
    /// <summary>The documented rule: the same user name and password as the local administrative client, for every target.</summary>
    public static ITargetCredentialSource CurrentUser { get; } = new Delegating(static (_, _, _) => new(TargetCredentials.CurrentUser));

    /// <summary>No credentials, for transports that need none.</summary>
    public static ITargetCredentialSource None { get; } = new Delegating(static (_, _, _) => new(TargetCredentials.None));

    /// <summary>Asks a function.</summary>
    /// <param name="get">Called when an endpoint is to be connected; from several threads at once.</param>
    /// <returns>A source.</returns>
    public static ITargetCredentialSource From(Func<FlashTarget, TargetEndpoint, CancellationToken, ValueTask<FlashResult<TargetCredentials>>> get)
    {
        ArgumentNullException.ThrowIfNull(get);
        return new Delegating(get);
    }

    private sealed class Delegating(Func<FlashTarget, TargetEndpoint, CancellationToken, ValueTask<FlashResult<TargetCredentials>>> get) : ITargetCredentialSource
    {
        public ValueTask<FlashResult<TargetCredentials>> GetAsync(FlashTarget target, TargetEndpoint endpoint, CancellationToken cancellationToken) =>
            get(target, endpoint, cancellationToken);
    }
}
