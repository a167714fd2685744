using RomFlash.Sdk.Targets;
using RomFlash.Sdk.Transports;

namespace RomFlash.Sdk.Testing.Conformance;

/// <summary>
/// A fresh target behind the transport to check, with nothing deposited, armed or claimed. Each rule gets a subject of its own and
/// disposes of it. The optional hooks open further rules; without them these are reported as not applicable.
/// </summary>
/// <remarks>
/// The rules deposit, arm and disarm, and ask for restarts hours ahead that they take back. A transport that is broken may do more than
/// it is asked for: hand in a simulated target, or a machine that may be flashed.
/// </remarks>
public sealed class ConformanceSubject : IAsyncDisposable
{
    /// <summary>The transport.</summary>
    public required ITransport Transport { get; init; }

    /// <summary>The target's endpoint.</summary>
    public required TargetEndpoint Endpoint { get; init; }

    /// <summary>The clock that the transport is given, and that the kit's patience is measured by.</summary>
    public required TimeProvider TimeProvider { get; init; }

    /// <summary>Bytes that the target takes as an image, at least 16.</summary>
    public required ReadOnlyMemory<byte> Image { get; init; }

    /// <summary>The id of the installed ROM that they are for.</summary>
    public string ComponentId { get; init; } = "system";

    /// <summary>Gives the right credentials; called for each connection, and disposed of after it.</summary>
    public Func<TargetCredentials> Credentials { get; init; } = () => TargetCredentials.None;

    /// <summary>How long an operation may take before the kit concludes that it never answers.</summary>
    public TimeSpan Patience { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Gives credentials that the target rejects, or null.</summary>
    public Func<TargetCredentials>? WrongCredentials { get; init; }

    /// <summary>An endpoint that nothing answers at, or null.</summary>
    public TargetEndpoint? UnknownEndpoint { get; init; }

    /// <summary>Text with control characters that was planted as the machine's serial number or product, or null.</summary>
    public string? HostileText { get; init; }

    /// <summary>Breaks every connection that is open now, or null.</summary>
    public Func<ValueTask>? CutConnections { get; init; }

    /// <summary>Has the next operation take effect and its answer never arrive, because the connection breaks; or null.</summary>
    public Func<ValueTask>? LoseNextAnswer { get; init; }

    /// <summary>Has the next operation wait until it is cancelled, or null.</summary>
    public Func<ValueTask>? HangNextOperation { get; init; }

    /// <summary>Removes the target, or null.</summary>
    public Func<ValueTask>? CleanUp { get; init; }

    /// <summary>Removes the target.</summary>
    /// <returns>A task that ends when it is removed.</returns>
    public ValueTask DisposeAsync() => CleanUp?.Invoke() ?? ValueTask.CompletedTask;
}
