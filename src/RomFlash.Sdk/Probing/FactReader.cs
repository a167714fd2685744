using System.Collections.Immutable;
using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Pipeline;
using RomFlash.Sdk.Targets;
using RomFlash.Sdk.Transports;

namespace RomFlash.Sdk.Probing;

/// <summary>Reads facts from all endpoints that tell them: each kind from the first that knows it. Reading is the one thing that is repeated after a fault.</summary>
internal static class FactReader
{
    public static ValueTask<FlashResult<(TargetFacts Facts, ImmutableArray<FactOrigin> Origins)>> ReadAsync(
        StageContext context,
        FactKinds kinds,
        FlashStage stage,
        int retries,
        CancellationToken cancellationToken) =>
        RepeatedReading.RunAsync(context, retries, () => ReadOnceAsync(context, kinds, stage, cancellationToken), cancellationToken);

    private static async ValueTask<FlashResult<(TargetFacts Facts, ImmutableArray<FactOrigin> Origins)>> ReadOnceAsync(
        StageContext context,
        FactKinds kinds,
        FlashStage stage,
        CancellationToken cancellationToken)
    {
        if (!(await context.Connection.GetAllAsync<IFactsCapability>(stage, cancellationToken).ConfigureAwait(false)).TryGetValue(out var sources, out var failure))
        {
            return failure with { Stage = failure is CapabilityMissing ? stage : failure.Stage };
        }

        var merged = new TargetFacts();
        var origins = ImmutableArray.CreateBuilder<FactOrigin>();
        FlashFailure? first = null;
        var answered = false;
        foreach (var source in sources)
        {
            // The identity is asked of every endpoint: two addresses of one target have to be one machine.
            var missing = (kinds & ~merged.Known) | (kinds & FactKinds.Identity);
            if (missing == FactKinds.None)
            {
                break;
            }

            if (!(await source.Capability.ReadFactsAsync(missing, cancellationToken).ConfigureAwait(false)).TryGetValue(out var facts, out var fault))
            {
                cancellationToken.ThrowIfCancellationRequested();
                first ??= fault.ToFailure(stage, context.Target, source.Endpoint, TargetState.Untouched);
                continue;
            }

            answered = true;
            if (facts.Identity.TryGet(out var identity))
            {
                if (merged.Identity.TryGet(out var known) && known.CompareWith(identity) is var match and not IdentityMatch.Same)
                {
                    if (match == IdentityMatch.Different)
                    {
                        return new TargetIdentityChanged { Stage = stage, TargetId = context.Target.Id, TargetAddress = source.Endpoint.ToString(), TargetState = TargetState.Untouched, Detail = "two endpoints of the target are two machines" };
                    }
                }
                else
                {
                    origins.Add(new(FactOrigin.Identified, source.Endpoint.ToString()));
                }
            }

            merged = Merge(merged, facts, missing, source.Endpoint.ToString(), origins);
        }

        return answered ? (merged, origins.ToImmutable()) : first!;
    }

    private static TargetFacts Merge(TargetFacts known, TargetFacts more, FactKinds wanted, string endpoint, ImmutableArray<FactOrigin>.Builder origins)
    {
        return new()
        {
            Identity = Pick(known.Identity, more.Identity, FactKinds.Identity, nameof(FactKinds.Identity)),
            Roms = Pick(known.Roms, more.Roms, FactKinds.Roms, nameof(FactKinds.Roms)),
            SystemPartition = Pick(known.SystemPartition, more.SystemPartition, FactKinds.SystemPartition, nameof(FactKinds.SystemPartition)),
            Account = Pick(known.Account, more.Account, FactKinds.Account, nameof(FactKinds.Account)),
            Services = Pick(known.Services, more.Services, FactKinds.Services, nameof(FactKinds.Services)),
            Readiness = Pick(known.Readiness, more.Readiness, FactKinds.Readiness, nameof(FactKinds.Readiness)),
            Boot = Pick(known.Boot, more.Boot, FactKinds.Boot, nameof(FactKinds.Boot)),
            Hardware = Pick(known.Hardware, more.Hardware, FactKinds.Hardware, nameof(FactKinds.Hardware)),
        };

        Fact<T> Pick<T>(Fact<T> old, Fact<T> next, FactKinds kind, string name)
            where T : notnull
        {
            if (old.IsKnown || (wanted & kind) == 0)
            {
                return old;
            }

            if (next.IsKnown)
            {
                origins.Add(new(name, endpoint));
            }

            return next;
        }
    }
}
