using RomFlash.Sdk.Transports;

namespace RomFlash.Sdk.Testing.Simulation;

/// <summary>The capabilities that an address of a simulated target offers.</summary>
[Flags]
public enum SimulatedCapabilities
{
    /// <summary>None.</summary>
    None = 0,

    /// <summary><see cref="IFactsCapability"/>.</summary>
    Facts = 1,

    /// <summary><see cref="IDepositCapability"/>.</summary>
    Deposit = 2,

    /// <summary><see cref="IArmingCapability"/>.</summary>
    Arming = 4,

    /// <summary><see cref="IPowerCapability"/>.</summary>
    Power = 8,

    /// <summary><see cref="IClaimCapability"/>.</summary>
    Claim = 16,

    /// <summary>All that the persona has.</summary>
    All = Facts | Deposit | Arming | Power | Claim,
}

/// <summary>
/// Connects <c>sim://name</c> to the target of that name in one <see cref="SimulatedRack"/>, and to nothing else: a target that was not
/// put there does not exist.
/// </summary>
/// <remarks>Thread-safe. Returns faults and throws nothing, unless a fault is injected that makes it throw.</remarks>
public sealed class SimulatedTransport : ITransport
{
    /// <summary>The scheme, <c>sim</c>.</summary>
    public const string SchemeName = "sim";

    private readonly SimulatedRack _rack;

    internal SimulatedTransport(SimulatedRack rack, ClientLife life)
    {
        _rack = rack;
        Life = life;
    }

    /// <summary>The client that connects through this transport.</summary>
    public ClientLife Life { get; }

    /// <inheritdoc/>
    public string Scheme => SchemeName;

    /// <inheritdoc/>
    public ValueTask<TransportResult<ITargetSession>> ConnectAsync(TransportConnectRequest request, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(request);
        if (!Life.IsAlive)
        {
            return new(Life.Never<TransportResult<ITargetSession>>());
        }

        if (cancellationToken.IsCancellationRequested)
        {
            return new(SimulatedSession.Cancelled(FaultEffect.NotSent));
        }

        if (request.Endpoint.Scheme != SchemeName || !_rack.TryFind(request.Endpoint.Address.Host, out var target, out var capabilities))
        {
            return new(new TransportFault(TransportFaultKind.NameNotResolved, FaultEffect.NotSent, "no target of this name is in the rack"));
        }

        var session = new SimulatedSession(target, capabilities, Life);
        var opening = session.ConnectAsync(request.Credentials, cancellationToken);
        return opening.IsCompletedSuccessfully ? new(Finish(opening.Result, session)) : FinishAsync(opening, session);
    }

    private static TransportResult<ITargetSession> Finish(TransportResult<Done> opened, SimulatedSession session) =>
        opened.IsDefault ? default
        : opened.TryGetValue(out _, out var fault) ? TransportResult<ITargetSession>.From(session)
        : fault;

    private static async ValueTask<TransportResult<ITargetSession>> FinishAsync(ValueTask<TransportResult<Done>> opening, SimulatedSession session) =>
        Finish(await opening.ConfigureAwait(false), session);
}
