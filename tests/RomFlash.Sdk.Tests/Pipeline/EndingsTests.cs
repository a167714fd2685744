using System.Collections.Immutable;
using RomFlash.Sdk.Compatibility;
using RomFlash.Sdk.Confirmation;
using RomFlash.Sdk.Journal;
using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Pipeline;
using RomFlash.Sdk.Probing;
using RomFlash.Sdk.Scheduling;
using RomFlash.Sdk.Staging;
using RomFlash.Sdk.Targets;
using RomFlash.Sdk.Testing.Simulation;
using RomFlash.Sdk.Transports;

namespace RomFlash.Sdk.Tests.Pipeline;

/// <summary>How a run ends when something goes wrong at an unlucky moment: what the report says is what the target is.</summary>
public sealed class EndingsTests
{
    private static readonly SimulatedPersona AtOnceThatDisarms = SimulatedPersona.FlashingAtOnce with { CanDisarm = true };

    private static FlashTarget Pair(string first, string second) => FlashTarget.TryCreate(
        "pair",
        [TargetEndpoint.TryCreate("sim://" + first).GetValueOrThrow(), TargetEndpoint.TryCreate("sim://" + second).GetValueOrThrow()]).GetValueOrThrow();

    [Fact]
    public void FlashAsync_EndpointsOfTwoMachines_ChangesNeither()
    {
        var bench = new Bench();
        var other = bench.Add("server-2");
        bench.Rack.SetAddress("server-1", bench.Target, SimulatedCapabilities.All & ~SimulatedCapabilities.Power);
        bench.Rack.SetAddress("bmc-2", other, SimulatedCapabilities.Facts | SimulatedCapabilities.Power);
        bench.FlashTarget = Pair("server-1", "bmc-2");

        Bench.Fails<TargetIdentityChanged>(bench.Flash());
        Assert.Empty(Bench.Done(bench.Target));
        Assert.Empty(Bench.Done(other));
        Assert.Empty(bench.Disk.Records);
    }

    [Fact]
    public void FlashAsync_PowerAtAnotherEndpointOfTheSameMachine_Upgrades()
    {
        var bench = new Bench();
        bench.Rack.SetAddress("server-1", bench.Target, SimulatedCapabilities.All & ~SimulatedCapabilities.Power);
        bench.Rack.SetAddress("bmc-1", bench.Target, SimulatedCapabilities.Facts | SimulatedCapabilities.Power);
        bench.FlashTarget = Pair("server-1", "bmc-1");

        Bench.IsUpgraded(bench.Flash());
        Assert.True(bench.IsAllNew);
    }

    [Fact]
    public void FlashAsync_PowerAtAnEndpointThatDoesNotIdentify_NeedsAWaiver()
    {
        var bench = new Bench();
        bench.Rack.SetAddress("server-1", bench.Target, SimulatedCapabilities.All & ~SimulatedCapabilities.Power);
        bench.Rack.SetAddress("pdu-1", bench.Target, SimulatedCapabilities.Power);
        bench.FlashTarget = Pair("server-1", "pdu-1");

        var refused = bench.Flash();
        Bench.Fails<TargetIdentityUnknown>(refused);
        Assert.Equal(["endpoint-unidentified"], refused.Blockers.Select(b => b.Name));
        Assert.Empty(Bench.Done(bench.Target));

        bench.Policy = bench.Policy with { Waivers = [new("endpoint-unidentified", "operator", "wired by hand")] };
        var report = bench.Flash();
        Bench.IsUpgraded(report);
        Assert.Equal("operator", Assert.Single(report.Waived).Who);
    }

    [Fact]
    public void FlashAsync_ArmingEndpointUnreachable_DoesNotFailOverToAnother()
    {
        var bench = new Bench();
        bench.Rack.SetAddress("bmc-1", bench.Target, SimulatedCapabilities.All);
        bench.FlashTarget = Pair("nobody", "bmc-1");

        var failure = Bench.Fails<NameNotResolved>(bench.Flash());
        Assert.Equal("sim://nobody", failure.TargetAddress);
        Assert.Empty(Bench.Done(bench.Target));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void FlashAsync_FlashesAtOnceAndJournalFailsAfterArming_IsNeverCalledUntouched(bool canDisarm)
    {
        var bench = new Bench(canDisarm ? AtOnceThatDisarms : SimulatedPersona.FlashingAtOnce) { Policy = FlashPolicy.Default with { AllowImmediateFlash = true } };
        bench.Disk.OnAppend = r => r.Kind == FlashJournalRecordKind.Armed ? BenchFault.Fail : null;

        var failure = Bench.Fails<JournalUnavailable>(bench.Flash());
        Assert.DoesNotContain(failure.TargetState, new[] { TargetState.Untouched, TargetState.Prepared });
        Assert.Contains(SimulatedEventKind.Armed, Bench.Done(bench.Target));
        Assert.DoesNotContain(SimulatedEventKind.Disarmed, Bench.Done(bench.Target));

        // The operation stays open, and the next run finds what became of it.
        bench.Disk.OnAppend = null;
        Bench.IsUpgraded(bench.Flash());
        Assert.Equal([Bench.System, Bench.Array], Bench.Flashed(bench.Target));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void FlashAsync_CancelledAfterArmingAndTargetHangs_ReportsInsteadOfThrowing(bool ignoresCancellation)
    {
        using var cancellation = new CancellationTokenSource();
        var bench = new Bench();
        bench.Target.OnOperation = e =>
        {
            if (e.Operation == SimulatedOperation.ScheduleReboot && !cancellation.IsCancellationRequested)
            {
                bench.Target.InjectFrom(e.Number + 1, ignoresCancellation ? SimulatedFault.HangIgnoringCancellation : SimulatedFault.Hang);
                cancellation.Cancel();
            }
        };

        var report = bench.Flash(cancellation.Token);
        var failure = Bench.Fails<CancellationRefused>(report);
        Assert.DoesNotContain(failure.TargetState, new[] { TargetState.Untouched, TargetState.Prepared });

        // It restarts all the same, and a later look finds that.
        bench.Target.ClearFaults();
        bench.Clock.Advance(TimeSpan.FromMinutes(10));
        Bench.IsUpgraded(bench.Confirm(TimeSpan.Zero));
    }

    [Fact]
    public void FlashAsync_CleanUpDeadlinePassesAfterArming_GivesAReportAlthoughNobodyCancelled()
    {
        var bench = new Bench();
        bench.Disk.OnAppend = r => r.Kind == FlashJournalRecordKind.Armed ? BenchFault.Fail : null;
        bench.Target.OnOperation = e =>
        {
            if (e.Operation == SimulatedOperation.Disarm)
            {
                bench.Target.Inject(SimulatedOperation.ReadFacts, SimulatedFault.Hang, 0, 99);
            }
        };

        var failure = Bench.Fails<JournalUnavailable>(bench.Flash());
        Assert.Equal(TargetState.Indeterminate, failure.TargetState);
        Assert.Equal(ArmedPhase.None, bench.Target.ArmedPhase);
    }

    [Fact]
    public void FlashAsync_ProgressThrows_IsNotHeard()
    {
        var bench = new Bench { Progress = new ThrowingProgress() };
        Bench.IsUpgraded(bench.Flash());
        Assert.Null(bench.Target.Claim);
        Assert.Empty(bench.Target.Deposits);
    }

    [Fact]
    public void FlashAsync_WindowFurtherAwayThanATimerReaches_WaitsForIt()
    {
        var bench = new Bench();
        var opens = bench.Clock.GetUtcNow().AddDays(60);
        bench.Policy = bench.Policy with { Window = FlashWindow.Between(opens, opens.AddDays(1)) };

        Bench.IsUpgraded(bench.Flash());
        Assert.All(bench.Target.History.Where(e => e.Kind is SimulatedEventKind.Armed or SimulatedEventKind.RebootRequested), e => Assert.InRange(e.At, opens, opens.AddDays(1)));
    }

    [Fact]
    public void FlashAsync_ForeignCapsuleOnACurrentTarget_IsNoSuccess()
    {
        var bench = new Bench(change: o => o with { Roms = [new(Bench.System, Bench.NewSystem), new(Bench.Array, Bench.NewArray)] });
        Assert.Equal(FlashOutcomeKind.AlreadyCurrent, bench.Flash().Outcome);

        bench.Target.PlantForeignCapsule("other.cap", Bench.OldSystem.Content);
        var report = bench.Flash();
        Assert.Equal(TargetState.Armed, Bench.Fails<ForeignCapsulePending>(report).TargetState);
        Assert.Equal(["foreign-capsule", "another-flash-pending"], report.Blockers.Select(b => b.Name));
        Assert.Empty(Bench.Done(bench.Target));
    }

    [Fact]
    public void FlashAsync_ForeignCapsuleAppearsAfterTheCheck_IsNotArmedBesideIt()
    {
        var bench = new Bench();
        bench.Target.OnOperation = e =>
        {
            if (e.Operation == SimulatedOperation.Commit)
            {
                bench.Target.PlantForeignCapsule("other.cap", Bench.OldSystem.Content);
            }
        };

        Assert.Equal(TargetState.Armed, Bench.Fails<ForeignCapsulePending>(bench.Flash()).TargetState);
        Assert.DoesNotContain(SimulatedEventKind.Armed, Bench.Done(bench.Target));
        Assert.Empty(bench.Target.Deposits);
    }

    [Fact]
    public void FlashAsync_CatalogClaimsThatAnOldRomIsCurrent_IsRejected()
    {
        var bench = new Bench { Catalog = new LyingCatalog() };
        Bench.Fails<VerdictRejected>(bench.Flash());
        Assert.Empty(Bench.Done(bench.Target));
    }

    [Theory]
    [InlineData(TransportFaultKind.Unreachable, 3)]
    [InlineData(TransportFaultKind.PeerNotTrusted, 1)]
    public void FlashAsync_ConnectionThatCantBeMade_IsTriedAgainUnlessThePeerIsNotTrusted(TransportFaultKind kind, int times)
    {
        var bench = new Bench();
        var connects = 0;
        bench.Target.OnOperation = e => connects += e.Operation == SimulatedOperation.Connect ? 1 : 0;
        bench.Target.InjectFrom(1, SimulatedFault.Refuse(kind));
        Assert.IsAssignableFrom<ConnectionFailure>(Bench.FailureOf(bench.Flash().Result));
        Assert.Equal(times, connects);
    }

    [Fact]
    public void FlashAsync_AnswerToTheClaimIsLost_ReleasesTheClaim()
    {
        var bench = new Bench();
        bench.Target.Inject(SimulatedOperation.AcquireClaim, SimulatedFault.DisconnectAfter);
        var failure = Bench.Fails<ConnectionLost>(bench.Flash());
        Assert.Equal(TargetState.Untouched, failure.TargetState);
        Assert.Empty(failure.Leftovers);
        Assert.Null(bench.Target.Claim);
    }

    [Fact]
    public void FlashAsync_AnswerToTheClaimIsLostAndTheTargetIsGone_NamesTheClaim()
    {
        var bench = new Bench();
        bench.Target.OnOperation = e =>
        {
            if (e.Operation == SimulatedOperation.AcquireClaim)
            {
                bench.Target.InjectFrom(e.Number + 1, SimulatedFault.Refuse(TransportFaultKind.Unreachable));
            }
        };
        bench.Target.Inject(SimulatedOperation.AcquireClaim, SimulatedFault.DisconnectAfter);
        var failure = Bench.Fails<ConnectionLost>(bench.Flash());
        Assert.Contains(failure.Leftovers, l => l.Contains("claim of client-a", StringComparison.Ordinal));
        Assert.NotNull(bench.Target.Claim);
    }

    [Fact]
    public void FlashAsync_SessionThatThrowsWhenAskedForACapability_IsNotTakenForOneWithoutIt()
    {
        var bench = new Bench();
        bench.Wrap = t => new WrappingTransport(t, s => new NoClaimToday(s));
        Bench.Fails<PlugInFault>(bench.Flash());
        Assert.Empty(Bench.Done(bench.Target));
    }

    [Theory]
    [InlineData("stage")]
    [InlineData("arm")]
    [InlineData("confirm")]
    [InlineData("probe")]
    public void FlashAsync_StageAnswersWithNullEvidence_IsAPlugInFaultAndCleansUp(string stage)
    {
        var bench = new Bench();
        var wrong = new NullStages();
        switch (stage)
        {
            case "stage":
                bench.Stager = wrong;
                break;
            case "arm":
                bench.Scheduler = wrong;
                break;
            case "confirm":
                bench.Confirmer = wrong;
                break;
            default:
                bench.Probe = wrong;
                break;
        }

        var report = bench.Flash();
        var failure = Bench.FailureOf(report.Result);
        Assert.True(failure is PlugInFault or StagingEvidenceRejected or ArmingEvidenceRejected, failure.ToString());
        if (stage != "confirm")
        {
            Assert.True(bench.IsAllOld);
            Assert.Equal(ArmedPhase.None, bench.Target.ArmedPhase);
            Assert.Null(bench.Target.Claim);
            Assert.Empty(bench.Target.Deposits);
        }
        else
        {
            // It is told to restart by then: nobody knows, and nobody claims to.
            Assert.Equal(FlashOutcomeKind.Indeterminate, report.Outcome);
        }
    }

    private sealed class ThrowingProgress : IProgress<FlashProgress>
    {
        public void Report(FlashProgress value) => throw new InvalidOperationException("the window is closed");
    }

    private sealed class LyingCatalog : ICompatibilityCatalog
    {
        public ValueTask<FlashResult<CompatibilityVerdict>> EvaluateAsync(CompatibilityQuery query, CancellationToken cancellationToken) => new(new CompatibilityVerdict
        {
            IsTargetSupported = true,
            Catalogs = [new CatalogProvenance("lying", default)],
            Components =
            [
                new() { ComponentId = Bench.System, Decision = RomDecision.AlreadyCurrent, Path = [Bench.NewSystem.ToRelease()] },
                new() { ComponentId = Bench.Array, Decision = RomDecision.AlreadyCurrent, Path = [Bench.NewArray.ToRelease()] },
            ],
        });
    }

    private sealed class NoClaimToday(ITargetSession inner) : ITargetSession
    {
        public TCapability? GetCapability<TCapability>()
            where TCapability : class, ITargetCapability =>
            typeof(TCapability) == typeof(IClaimCapability) ? throw new InvalidOperationException("not today") : inner.GetCapability<TCapability>();

        public ValueTask DisposeAsync() => inner.DisposeAsync();
    }

    private sealed class NullStages : IImageStager, IFlashScheduler, IFlashConfirmer, ITargetProbe
    {
        public ValueTask<FlashResult<ProbeEvidence>> ProbeAsync(StageContext context, FactKinds kinds, CancellationToken cancellationToken) =>
            new(new ProbeEvidence { Facts = null!, ReadAt = context.TimeProvider.GetUtcNow() });

        public ValueTask<FlashResult<StagingEvidence>> StageAsync(StageContext context, ApprovedUpgrade approved, DepositKey deposit, CancellationToken cancellationToken) =>
            new(new StagingEvidence { Manifest = null!, Files = default, Verification = VerificationMethod.ReadBack, UsualVerification = VerificationMethod.ReadBack });

        public ValueTask<FlashResult<CleanUpEvidence>> CleanUpAsync(StageContext context, CleanUpScope scope, CancellationToken cancellationToken) =>
            DefaultStages.Stager.CleanUpAsync(context, scope, cancellationToken);

        public ValueTask<FlashResult<ArmedState>> InspectAsync(StageContext context, CancellationToken cancellationToken) => DefaultStages.Scheduler.InspectAsync(context, cancellationToken);

        public async ValueTask<FlashResult<ArmingEvidence>> ArmAsync(StageContext context, StagedImage staged, Func<ArmingBaseline, CancellationToken, ValueTask<FlashResult<Done>>> beforeArming, CancellationToken cancellationToken)
        {
            await DefaultStages.Scheduler.ArmAsync(context, staged, beforeArming, cancellationToken);
            return new ArmingEvidence { Baseline = null!, DepositId = null!, Armed = null! };
        }

        public ValueTask<FlashResult<ArmedState>> DisarmAsync(StageContext context, string depositId, CancellationToken cancellationToken) => DefaultStages.Scheduler.DisarmAsync(context, depositId, cancellationToken);

        public ValueTask<FlashResult<RebootEvidence>> RebootAsync(StageContext context, ScheduledFlash scheduled, CancellationToken cancellationToken) => DefaultStages.Scheduler.RebootAsync(context, scheduled, cancellationToken);

        public ValueTask<FlashResult<Done>> AbortRebootAsync(StageContext context, CancellationToken cancellationToken) => DefaultStages.Scheduler.AbortRebootAsync(context, cancellationToken);

        public ValueTask<FlashResult<ConfirmationEvidence>> ConfirmAsync(StageContext context, ScheduledFlash scheduled, TimeSpan wait, CancellationToken cancellationToken) =>
            new(new ConfirmationEvidence { Answered = true, Facts = null! });
    }
}
