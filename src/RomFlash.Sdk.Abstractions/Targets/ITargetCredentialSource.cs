using RomFlash.Sdk.Outcomes;

namespace RomFlash.Sdk.Targets;

/// <summary>Supplies credentials when they are needed; they live no longer than the connection that asked for them.</summary>
/// <remarks>Called from several threads at once.</remarks>
public interface ITargetCredentialSource
{
    /// <summary>Gets credentials for one endpoint of one target. The caller disposes of them.</summary>
    /// <param name="target">The target.</param>
    /// <param name="endpoint">The endpoint to be connected.</param>
    /// <param name="cancellationToken">Stops the look-up.</param>
    /// <returns>Credentials, or <see cref="CredentialsUnavailable"/>.</returns>
    ValueTask<FlashResult<TargetCredentials>> GetAsync(FlashTarget target, TargetEndpoint endpoint, CancellationToken cancellationToken);
}
