using System.Collections.Immutable;
using RomFlash.Sdk.Probing;
using RomFlash.Sdk.Targets;
using RomFlash.Sdk.Testing.Simulation;
using RomFlash.Sdk.Transports;

namespace RomFlash.Sdk.Testing.Redfish.Service;

/// <summary>The target as its controller reaches it: through the simulated transport. A controller knows by itself whether its host is up, and answers while it is not.</summary>
internal sealed class FarSide
{
    private readonly SimulatedTransport _transport;
    private readonly TargetEndpoint _endpoint;
    private TargetClaim? _claim;
    private TargetFacts _facts = new();

    public FarSide(SimulatedRack rack, SimulatedTarget target)
    {
        // A life of its own: the controller outlives the clients of a test.
        _transport = rack.CreateTransport(new ClientLife());
        _endpoint = target.ToFlashTarget().Endpoints[0];
        Clock = rack.Clock;
        Target = target;
    }

    public TimeProvider Clock { get; }

    public SimulatedTarget Target { get; }

    /// <summary>What the target told when it last answered.</summary>
    public async ValueTask<TargetFacts> ReadFactsAsync(CancellationToken cancellationToken)
    {
        var facts = await RunAsync<IFactsCapability, TargetFacts>(
            (facts, token) => facts.ReadFactsAsync(FactKinds.Identity | FactKinds.Roms | FactKinds.Readiness | FactKinds.Boot | FactKinds.Hardware, token),
            cancellationToken).ConfigureAwait(false);
        if (facts.TryGetValue(out var fresh, out _))
        {
            // A target in recovery has its ROMs still, and tells no versions.
            var known = Volatile.Read(ref _facts).Roms;
            Volatile.Write(ref _facts, fresh.Roms.IsKnown || !known.TryGet(out var roms) ? fresh : fresh with { Roms = ImmutableArray.CreateRange(roms, r => r with { Versions = [] }) });
        }

        return Volatile.Read(ref _facts);
    }

    /// <summary>Runs one operation in a session of its own. Nothing that happens to a session outlives it.</summary>
    public async ValueTask<TransportResult<T>> RunAsync<TCapability, T>(Func<TCapability, CancellationToken, ValueTask<TransportResult<T>>> operate, CancellationToken cancellationToken)
        where TCapability : class, ITargetCapability
        where T : notnull
    {
        var opened = await _transport.ConnectAsync(new(_endpoint, TargetCredentials.None, Clock), cancellationToken).ConfigureAwait(false);
        if (opened.IsDefault)
        {
            return Broken;
        }

        if (!opened.TryGetValue(out var session, out var fault))
        {
            return fault;
        }

        await using (session.ConfigureAwait(false))
        {
            if (session.GetCapability<TCapability>() is not { } capability)
            {
                return new TransportFault(TransportFaultKind.Unsupported, FaultEffect.NotSent, "the target can't do this");
            }

            var result = await operate(capability, cancellationToken).ConfigureAwait(false);
            return result.IsDefault ? Broken : result;
        }
    }

    /// <summary>The generation that deposits are made under; where the target has claims, the controller holds one.</summary>
    public async ValueTask<TransportResult<long>> GenerationAsync(CancellationToken cancellationToken)
    {
        if (!Target.Persona.HasClaim)
        {
            return 0L;
        }

        if (_claim is null || Target.Claim != _claim)
        {
            var acquired = await RunAsync<IClaimCapability, TargetClaim>((claims, token) => claims.AcquireClaimAsync(new("controller"), token), cancellationToken).ConfigureAwait(false);
            if (!acquired.TryGetValue(out var claim, out var fault))
            {
                return fault;
            }

            _claim = claim;
        }

        return _claim.Generation;
    }

    private static TransportFault Broken => new(TransportFaultKind.TransportBroken, FaultEffect.MayHaveApplied, "the target answered with nothing");
}
