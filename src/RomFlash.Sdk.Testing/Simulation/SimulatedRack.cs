using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;

namespace RomFlash.Sdk.Testing.Simulation;

/// <summary>Holds simulated targets, and the transports that reach them. Nothing is reachable that was not put here by name.</summary>
/// <remarks>Thread-safe.</remarks>
public sealed class SimulatedRack
{
    private readonly ConcurrentDictionary<string, (SimulatedTarget Target, SimulatedCapabilities Capabilities)> _addresses = new(StringComparer.OrdinalIgnoreCase);
    private readonly TimeProvider _clock;
    private volatile SimulatedTransport _transport;

    /// <summary>Creates an empty rack.</summary>
    /// <param name="clock">The clock of the targets that are built here.</param>
    public SimulatedRack(TimeProvider clock)
    {
        ArgumentNullException.ThrowIfNull(clock);
        _clock = clock;
        _transport = new(this, new ClientLife());
    }

    /// <summary>The clock of the targets that are built here: what stands in front of a target tells the same time.</summary>
    public TimeProvider Clock => _clock;

    /// <summary>The transport of the current client; see <see cref="NewClient"/>.</summary>
    public SimulatedTransport Transport => _transport;

    /// <summary>The life of the current client.</summary>
    public ClientLife Client => _transport.Life;

    /// <summary>Builds a target and puts it at <c>sim://name</c>.</summary>
    /// <param name="options">What it is.</param>
    /// <returns>The target.</returns>
    public SimulatedTarget Add(SimulatedTargetOptions options)
    {
        var target = new SimulatedTarget(options, _clock);
        SetAddress(target.Name, target, SimulatedCapabilities.All);
        return target;
    }

    /// <summary>Puts a target at an address: a second one, such as that of its management controller, or one that was another target's before.</summary>
    /// <param name="name">The name in <c>sim://name</c>: letters, digits and hyphens.</param>
    /// <param name="target">The target.</param>
    /// <param name="capabilities">What the address offers.</param>
    public void SetAddress(string name, SimulatedTarget target, SimulatedCapabilities capabilities)
    {
        CheckName(name);
        ArgumentNullException.ThrowIfNull(target);
        _addresses[name] = (target, capabilities);
    }

    /// <summary>Takes an address out of the rack.</summary>
    /// <param name="name">The name.</param>
    /// <returns>False when there was none.</returns>
    public bool Remove(string name) => _addresses.TryRemove(name, out _);

    /// <summary>Ends the current client and starts another: sessions opened from now on, through the new transport, work.</summary>
    /// <returns>The new client's transport, which is <see cref="Transport"/> from now on.</returns>
    public SimulatedTransport NewClient()
    {
        Client.Kill();
        return _transport = new(this, new ClientLife());
    }

    /// <summary>Makes a transport for a client that runs beside the current one.</summary>
    /// <param name="life">Its life.</param>
    /// <returns>The transport.</returns>
    public SimulatedTransport CreateTransport(ClientLife life)
    {
        ArgumentNullException.ThrowIfNull(life);
        return new(this, life);
    }

    internal static void CheckName(string name)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        if (name.Length > 63 || !name.All(c => char.IsAsciiLetterOrDigit(c) || c == '-'))
        {
            throw new ArgumentException("A simulated target's name is 1 to 63 ASCII letters, digits and hyphens.", nameof(name));
        }
    }

    internal bool TryFind(string name, [NotNullWhen(true)] out SimulatedTarget? target, out SimulatedCapabilities capabilities)
    {
        var found = _addresses.TryGetValue(name, out var entry);
        (target, capabilities) = entry;
        return found;
    }
}
