using System.Collections.Immutable;
using System.Text.Json;
using RomFlash.Sdk.Compatibility;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Journal;
using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Pipeline;
using RomFlash.Sdk.Planning;
using RomFlash.Sdk.Probing;
using RomFlash.Sdk.Scheduling;
using RomFlash.Sdk.Targets;
using RomFlash.Sdk.Testing.Simulation;
using RomFlash.Sdk.Tests.Pipeline;

namespace RomFlash.Sdk.Tests.Planning;

/// <summary>What is left to do by an earlier client, and what comes up between two boots, is held to the plan as strictly as the first write.</summary>
public sealed class PlanBindingTests
{
    [Theory]
    [InlineData("target")]
    [InlineData("policy")]
    [InlineData("window")]
    public void Armed_RequestWasChangedAfterwards_IsNotAdopted(string what)
    {
        var bench = new Bench();
        var second = bench.Add("server-2");
        var plan = Plan(bench);
        bench.FlashTarget = FlashTarget.Parse(what == "target" ? "sim://server-2" : "sim://server-1");
        bench.FlashAndCrashAfter(FlashJournalRecordKind.Armed);
        var before = (bench.Target.History.Length, second.History.Length);
        var now = bench.Clock.GetUtcNow();
        var request = plan.ToRequests(bench.Images).GetValueOrThrow()[0];
        request = what switch
        {
            "target" => request with { Target = bench.FlashTarget },
            "policy" => request with { Policy = request.Policy with { ForceReboot = true } },
            _ => request with { Policy = request.Policy with { Window = FlashWindow.Between(now, now.AddHours(1)) } },
        };

        var failure = Bench.Fails<PlanOutdated>(Execute(bench, request));

        Assert.Equal(TargetState.Indeterminate, failure.TargetState);
        Assert.Empty(Bench.Done(bench.Target, before.Item1));
        Assert.Empty(Bench.Done(second, before.Item2));
    }

    [Fact]
    public void LeftOver_RequestForAnotherTarget_CleansNothingUpThere()
    {
        var bench = new Bench();
        var second = bench.Add("server-2");
        var plan = Plan(bench);
        bench.FlashTarget = FlashTarget.Parse("sim://server-2");
        bench.FlashAndCrashAfter(FlashJournalRecordKind.Staged);
        var before = second.History.Length;

        Bench.Fails<PlanOutdated>(Execute(bench, plan.ToRequests(bench.Images).GetValueOrThrow()[0] with { Target = bench.FlashTarget }));

        Assert.Empty(Bench.Done(second, before));
    }

    [Fact]
    public void Armed_ThePlanRefusesTheTarget_IsNotAdopted()
    {
        var bench = new Bench();
        bench.FlashAndCrashAfter(FlashJournalRecordKind.Armed);
        var plan = Plan(bench);
        Assert.Equal(PlannedStanding.Refused, plan.Targets[0].Standing);
        var before = bench.Target.History.Length;

        Bench.Fails<PlanOutdated>(Execute(bench, plan.ToRequests(bench.Images).GetValueOrThrow()[0]));

        Assert.Empty(Bench.Done(bench.Target, before));
    }

    [Fact]
    public void Armed_OnAnotherMachineThanThePlanned_IsNotAdopted()
    {
        var planned = new Bench(change: o => o with { Identity = new TargetIdentity { SerialNumber = "planned" } });
        var plan = Plan(planned);
        var bench = new Bench(change: o => o with { Identity = new TargetIdentity { SerialNumber = "another" } });
        bench.FlashAndCrashAfter(FlashJournalRecordKind.Armed);
        var before = bench.Target.History.Length;

        Bench.Fails<PlanOutdated>(Execute(bench, plan.ToRequests(bench.Images).GetValueOrThrow()[0]));

        Assert.Empty(Bench.Done(bench.Target, before));
    }

    [Fact]
    public void SecondBoot_AnotherRomChangedInBetween_IsRefusedWithTheDifference()
    {
        var bench = new Bench(SimulatedPersona.OneComponentPerBoot);
        var plan = Plan(bench);
        bench.Probe = new ChangingProbe(bench.Probe, evidence => bench.IsNew(Bench.System) ? evidence with { Facts = evidence.Facts with { Roms = Changed(evidence.Facts.Roms) } } : evidence);

        var failure = Bench.Fails<PlanOutdated>(Execute(bench, plan.ToRequests(bench.Images).GetValueOrThrow()[0]));

        Assert.Contains(failure.Differences, d => d.EndsWith("/roms/array-0/installed/device/version: was '6.88', is '6.90'", StringComparison.Ordinal));
        Assert.DoesNotContain(failure.Differences, d => d.Contains("/roms/system/", StringComparison.Ordinal));
        Assert.Equal(TargetState.RomChanged, failure.TargetState);
        Assert.Single(Bench.Flashed(bench.Target));
    }

    [Fact]
    public void SecondBoot_SomethingElseHasToBeWaived_IsRefusedAlthoughThePolicyWaivesIt()
    {
        var bench = new Bench(SimulatedPersona.OneComponentPerBoot) { Policy = FlashPolicy.Default with { Waivers = [new("external-power", "ann", "bench supply")] } };
        var plan = Plan(bench);
        bench.Probe = new ChangingProbe(bench.Probe, e => bench.IsNew(Bench.System) ? e with { Facts = e.Facts with { Readiness = Powered(e.Facts.Readiness, false) } } : e);

        var failure = Bench.Fails<PlanOutdated>(Execute(bench, plan.ToRequests(bench.Images).GetValueOrThrow()[0]));

        Assert.Contains(failure.Differences, d => d.Contains("/waived/external-power/who", StringComparison.Ordinal));
        Assert.Single(Bench.Flashed(bench.Target));
    }

    [Fact]
    public void SecondBoot_WhatWasWaivedIsGoodNow_GoesOn()
    {
        var bench = new Bench(SimulatedPersona.OneComponentPerBoot) { Policy = FlashPolicy.Default with { Waivers = [new("external-power", "ann", "bench supply")] } };
        bench.Probe = new ChangingProbe(bench.Probe, e => e with { Facts = e.Facts with { Readiness = Powered(e.Facts.Readiness, bench.IsNew(Bench.System)) } });
        var plan = Plan(bench);
        Assert.Single(plan.Targets[0].Waived);

        Bench.IsUpgraded(Execute(bench, plan.ToRequests(bench.Images).GetValueOrThrow()[0]));
        Assert.True(bench.IsAllNew);
    }

    [Fact]
    public void Reflash_SeveralBoots_IsCarriedOut()
    {
        var bench = new Bench(SimulatedPersona.OneComponentPerBoot, o => o with { Roms = [new SimulatedRomSlot(Bench.System, Bench.NewSystem), new SimulatedRomSlot(Bench.Array, Bench.NewArray)] })
        {
            Policy = FlashPolicy.Default with { Reflash = true },
        };
        var plan = Plan(bench);

        Bench.IsUpgraded(Execute(bench, plan.ToRequests(bench.Images).GetValueOrThrow()[0]));
        Assert.Equal(2, Bench.Flashed(bench.Target).Count());
    }

    [Fact]
    public void Compare_TwoPlacesWithOneName_HideNoDifference()
    {
        // An id that looks like a place in another element.
        const string Was = """[{"id":"a","installed":[{"source":"b/installed/c","version":"1"}]},{"id":"a/installed/b","installed":[{"source":"c","version":"1"}]}]""";

        foreach (var changed in (string[])[Was.Replace("""b/installed/c","version":"1""", """b/installed/c","version":"2""", StringComparison.Ordinal), Was.Replace("""source":"c","version":"1""", """source":"c","version":"2""", StringComparison.Ordinal)])
        {
            Assert.NotEqual(Was, changed);
            Assert.Single(PlanComparison.Compare(Json(Was), Json(changed), "roms"));
        }

        static JsonElement Json(string text) => JsonDocument.Parse(text).RootElement;
    }

    [Fact]
    public void ToRequests_AnyDelay_IsThePlansOwn()
    {
        for (var tenths = 0; tenths < 600; tenths++)
        {
            var policy = FlashPolicy.Default with { RebootDelay = TimeSpan.FromTicks(tenths * (TimeSpan.TicksPerSecond / 10)) };

            Assert.Equal(policy.RebootDelay, PlannedPolicy.Of(policy).ToPolicy(null, null).RebootDelay);
        }
    }

    private static Fact<ImmutableArray<InstalledRom>> Changed(Fact<ImmutableArray<InstalledRom>> roms) => roms.TryGet(out var known)
        ? known.Select(r => r.Id == Bench.Array ? r with { Versions = [new(FactSource.Device, RomVersion.Parse("6.90")), new(FactSource.Esrt, RomVersion.FromPacked(0x0006_9000))] } : r).ToImmutableArray()
        : roms;

    private static Fact<TargetReadiness> Powered(Fact<TargetReadiness> readiness, bool isPowered) => (readiness.TryGet(out var known) ? known : new()) with { ExternalPower = isPowered };

    private static FlashPlan Plan(Bench bench) => bench.Clock.Drive(() => bench.Client().PlanAsync(
        new PlanRequest([FlashTarget.Parse("sim://server-1")], bench.Images, bench.Policy) { CreatedBy = "ann" }, 1, CancellationToken.None)).GetValueOrThrow();

    private static FlashReport Execute(Bench bench, FlashRequest request) => bench.Clock.Drive(() => bench.Client().FlashAsync(request, null, CancellationToken.None));

    private sealed class ChangingProbe(ITargetProbe inner, Func<ProbeEvidence, ProbeEvidence> change) : ITargetProbe
    {
        public async ValueTask<FlashResult<ProbeEvidence>> ProbeAsync(StageContext context, FactKinds kinds, CancellationToken cancellationToken)
        {
            var probed = await inner.ProbeAsync(context, kinds, cancellationToken);
            return probed.TryGetValue(out var evidence, out var failure) ? change(evidence) : failure;
        }
    }
}
