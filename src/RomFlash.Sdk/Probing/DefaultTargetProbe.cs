using System.Collections.Immutable;
using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Pipeline;
using RomFlash.Sdk.Targets;
using RomFlash.Sdk.Transports;

namespace RomFlash.Sdk.Probing;

/// <summary>Reads facts, what is armed, who holds the claim, and what the transports can do.</summary>
internal sealed class DefaultTargetProbe : ITargetProbe
{
    public ValueTask<FlashResult<ProbeEvidence>> ProbeAsync(StageContext context, FactKinds kinds, CancellationToken cancellationToken)
    {
        context.Report(FlashStage.Probe);
        return RepeatedReading.RunAsync(context, () => ProbeOnceAsync(context, kinds, cancellationToken), cancellationToken);
    }

    private static async ValueTask<FlashResult<ProbeEvidence>> ProbeOnceAsync(StageContext context, FactKinds kinds, CancellationToken cancellationToken)
    {
        var read = await FactReader.ReadAsync(context, kinds, FlashStage.Probe, retries: 0, cancellationToken).ConfigureAwait(false);
        if (!read.TryGetValue(out var found, out var failure))
        {
            return failure;
        }

        var origins = found.Origins.ToBuilder();
        var connection = context.Connection;
        Fact<ArmedState> armed;
        if ((await connection.GetAsync<IArmingCapability>(FlashStage.Probe, cancellationToken).ConfigureAwait(false)).TryGetValue(out var arming, out var missing))
        {
            var state = await arming.Capability.ReadArmedStateAsync(withDigests: false, cancellationToken).ConfigureAwait(false);
            if (FindFailure(state, context, arming.Endpoint, found.Facts) is { } lost)
            {
                return lost;
            }

            armed = ToFact(state);
            origins.Add(new("Arming", arming.Endpoint.ToString()));
        }
        else if (missing is not CapabilityMissing)
        {
            return missing;
        }
        else
        {
            armed = Fact<ArmedState>.Unknown(missing.Message);
        }

        Fact<ClaimState> claim;
        if ((await connection.GetAsync<IClaimCapability>(FlashStage.Probe, cancellationToken).ConfigureAwait(false)).TryGetValue(out var claims, out missing))
        {
            var state = await claims.Capability.ReadClaimAsync(cancellationToken).ConfigureAwait(false);
            if (FindFailure(state, context, claims.Endpoint, found.Facts) is { } lost)
            {
                return lost;
            }

            claim = ToFact(state);
            origins.Add(new("Claim", claims.Endpoint.ToString()));
        }
        else if (missing is not CapabilityMissing)
        {
            return missing;
        }
        else
        {
            claim = Fact<ClaimState>.Unknown(missing.Message);
        }

        var deposit = Fact<DepositTraits>.Unknown("no endpoint takes deposits");
        if ((await connection.GetAsync<IDepositCapability>(FlashStage.Probe, cancellationToken).ConfigureAwait(false)).TryGetValue(out var deposits, out missing))
        {
            deposit = deposits.Capability.Traits;
            origins.Add(new("Deposit", deposits.Endpoint.ToString()));
        }
        else if (missing is not CapabilityMissing)
        {
            return missing;
        }
        else
        {
            deposit = Fact<DepositTraits>.Unknown(missing.Message);
        }

        var canReboot = (await connection.GetAsync<IPowerCapability>(FlashStage.Probe, cancellationToken).ConfigureAwait(false)).TryGetValue(out var power, out missing);
        if (!canReboot && missing is not CapabilityMissing && context.Policy.Reboot == RebootMode.Request)
        {
            // Armed and then not restarted is not what was asked for.
            return missing!;
        }

        if (canReboot)
        {
            origins.Add(new("Power", power.Endpoint.ToString()));
        }

        cancellationToken.ThrowIfCancellationRequested();
        return new ProbeEvidence
        {
            Facts = found.Facts,
            Armed = armed,
            Claim = claim,
            Deposit = deposit,
            CanReboot = canReboot,
            RebootDelay = !canReboot ? null
                : power.Capability.RestartsAtOnce ? context.Policy.RebootDelay + power.Capability.DelayOf(TimeSpan.Zero)
                : power.Capability.DelayOf(context.Policy.RebootDelay),
            Origins = origins.ToImmutable(),
            ReadAt = context.TimeProvider.GetUtcNow(),
        };
    }

    // What the target does not tell is unknown; but a broken connection, a missing right or a broken plug-in says nothing about the target.
    private static FlashFailure? FindFailure<T>(TransportResult<T> result, StageContext context, TargetEndpoint endpoint, TargetFacts facts)
        where T : notnull =>
        !result.TryGetValue(out _, out var fault) && !IsTold(fault, facts) && fault.ToFailure(FlashStage.Probe, context.Target, endpoint, TargetState.Untouched) is var failure and (ConnectionFailure or AccessFailure or OperationFailure)
            ? failure
            : null;

    // The facts say it already, beside everything else that is wrong with the target: one table has all of it.
    private static bool IsTold(TransportFault fault, TargetFacts facts) => fault.Kind switch
    {
        TransportFaultKind.AccessDenied => facts.Account.TryGet(out var rights) && rights == AccountRights.NotAdministrator,
        TransportFaultKind.NotFound => !facts.SystemPartition.TryGet(out var partition) || !partition.HasEfiDirectory.TryGet(out var hasEfi) || !hasEfi,
        _ => false,
    };

    private static Fact<T> ToFact<T>(TransportResult<T> result)
        where T : notnull => result.TryGetValue(out var value, out var fault) ? value : Fact<T>.Unknown(fault.ToString());
}
