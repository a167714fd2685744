using System.Diagnostics.CodeAnalysis;

namespace RomFlash.Sdk.Testing.Simulation;

/// <summary>
/// The life of one client process. What a dead client asks for has no effect and is never answered, cancelled or not: as if the process
/// had ended there. Shared by the sessions of a simulated transport and whatever else dies with the process, such as a test's journal.
/// </summary>
/// <remarks>Thread-safe.</remarks>
public sealed class ClientLife
{
    private volatile bool _isDead;

    /// <summary>False once the client has died; a driver stops driving then and starts a new client.</summary>
    public bool IsAlive => !_isDead;

    /// <summary>Ends the client. A dead client does not come back: a restarted one has a life of its own.</summary>
    public void Kill() => _isDead = true;

    /// <summary>What a dead client gets for an answer.</summary>
    /// <typeparam name="T">The type of the answer that never comes.</typeparam>
    /// <returns>A task that never completes, whatever is cancelled.</returns>
    [SuppressMessage("Performance", "CA1822:Mark members as static", Justification = "It reads as what this client gets, and a later kind of life may answer differently.")]
    public Task<T> Never<T>() => new TaskCompletionSource<T>().Task;
}
