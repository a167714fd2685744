using System.Collections.Concurrent;
using System.Collections.Immutable;
using RomFlash.Sdk.Compatibility;
using RomFlash.Sdk.Confirmation;
using RomFlash.Sdk.Pipeline;
using RomFlash.Sdk.Scheduling;

namespace CustomOrchestrator;

/// <summary>Takes a server out of service before it is armed, and puts it back when it is healthy.</summary>
internal sealed class DrainGate(LoadBalancer balancer) : IFlashGate
{
    public string Name => "drain";

    public ValueTask<GateDecision> BeforeRebootAsync(StageContext context, ImmutableArray<UpgradeComponent> components, CancellationToken cancellationToken) =>
        new(balancer.TryDrain(context.Target.Id) ? GateDecision.Allow : GateDecision.Refuse("too few servers would be left in service"));

    public ValueTask<GateDecision> AfterReturnAsync(StageContext context, FlashOutcome outcome, CancellationToken cancellationToken) => new(GateDecision.Allow);
}

/// <summary>Asks the workload, once the version is confirmed, whether the server does its work again.</summary>
internal sealed class HealthGate(LoadBalancer balancer, Func<string, bool> isHealthy) : IFlashGate
{
    public string Name => "health";

    public ValueTask<GateDecision> BeforeRebootAsync(StageContext context, ImmutableArray<UpgradeComponent> components, CancellationToken cancellationToken) =>
        new(GateDecision.Allow);

    public ValueTask<GateDecision> AfterReturnAsync(StageContext context, FlashOutcome outcome, CancellationToken cancellationToken)
    {
        if (!isHealthy(context.Target.Id))
        {
            return new(GateDecision.Refuse("the workload does not start"));
        }

        balancer.PutBack(context.Target.Id);
        return new(GateDecision.Allow);
    }
}

/// <summary>Stands for whatever sends traffic to the servers.</summary>
internal sealed class LoadBalancer(int servers, int atLeastInService)
{
    private readonly ConcurrentDictionary<string, bool> _drained = new();
    private readonly Lock _lock = new();

    public int InService => servers - _drained.Count;

    public bool TryDrain(string id)
    {
        lock (_lock)
        {
            return _drained.ContainsKey(id) || (InService > atLeastInService && _drained.TryAdd(id, true));
        }
    }

    public void PutBack(string id) => _drained.TryRemove(id, out _);
}
