using RomFlash.Sdk.Targets;

namespace RomFlash.Sdk.Transports;

/// <summary>
/// Speaks one wire protocol to a target. Knows no policy: it reads what it is asked for, puts bytes where it is told, and says what
/// happened and whether it may have taken effect.
/// </summary>
/// <remarks>
/// Thread-safe: one instance connects many targets at once. No call of a transport, and of what it hands out, blocks the thread that it is called on: neither a deadline nor a cancellation reaches it before it has returned
/// its task. What can only block runs on a thread of its own.
/// </remarks>
public interface ITransport
{
    /// <summary>The URI scheme that this transport serves, in lower case.</summary>
    string Scheme { get; }

    /// <summary>Opens a session. Nothing on the target is changed by this.</summary>
    /// <param name="request">What to connect to, and as whom.</param>
    /// <param name="cancellationToken">Cancelled by the caller or at the deadline.</param>
    /// <returns>A session to be disposed of, or a fault with <see cref="FaultEffect.NotSent"/>.</returns>
    ValueTask<TransportResult<ITargetSession>> ConnectAsync(TransportConnectRequest request, CancellationToken cancellationToken);
}

/// <summary>What to connect to, and as whom.</summary>
/// <param name="Endpoint">The endpoint.</param>
/// <param name="Credentials">The credentials; owned by the caller and wiped when the session has been opened.</param>
/// <param name="TimeProvider">The clock.</param>
public sealed record TransportConnectRequest(TargetEndpoint Endpoint, TargetCredentials Credentials, TimeProvider TimeProvider);

/// <summary>An open connection to one endpoint of one target. Offers capabilities; disposing of it ends the connection, never an armed flash.</summary>
/// <remarks>The pipeline calls one operation at a time. Disposing twice is allowed, and never throws.</remarks>
public interface ITargetSession : IAsyncDisposable
{
    /// <summary>Gives a capability, or null where this transport lacks it. A session that implements the interface itself needs no code.</summary>
    /// <typeparam name="TCapability">The capability's interface.</typeparam>
    /// <returns>The capability, or null.</returns>
    TCapability? GetCapability<TCapability>()
        where TCapability : class, ITargetCapability => this as TCapability;
}

/// <summary>Marks the small interfaces that a session may offer.</summary>
public interface ITargetCapability;
