using RomFlash.Sdk.Confirmation;
using RomFlash.Sdk.Journal;
using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Pipeline;
using RomFlash.Sdk.Probing;
using RomFlash.Sdk.Scheduling;
using RomFlash.Sdk.Targets;
using RomFlash.Sdk.Testing.Simulation;
using RomFlash.Sdk.Tests.Pipeline;
using RomFlash.Sdk.Transports;

namespace RomFlash.Sdk.Tests.Confirmation;

/// <summary>What an interrupted run left is settled by evidence: confirmed, cancelled, adopted or resumed.</summary>
public sealed class ReconcileTests
{
    [Fact]
    public void ConfirmAsync_ShortWaitForABootingMachine_IsIndeterminate()
    {
        var bench = new Bench();
        bench.FlashAndCrashAfter(FlashJournalRecordKind.RebootRequested);
        bench.Clock.Advance(TimeSpan.FromSeconds(20));
        Assert.True(bench.Target.IsAway);

        var report = bench.Confirm(TimeSpan.FromSeconds(5));
        Bench.Fails<OutcomeIndeterminate>(report);
        Assert.Equal(FlashOutcomeKind.Indeterminate, report.Outcome);

        Bench.IsUpgraded(bench.Confirm(TimeSpan.FromMinutes(10)));
        Assert.Equal(FlashJournalRecordKind.Concluded, bench.Disk.Kinds.Last());
    }

    [Fact]
    public void ConfirmAsync_MachineAwayForLongerThanItMayBe_RequiresRecovery()
    {
        var bench = new Bench(change: o => o with { PowerLossAtBlock = 0 });
        bench.FlashAndCrashAfter(FlashJournalRecordKind.RebootRequested);
        bench.Clock.Advance(bench.Policy.Deadlines.Return + TimeSpan.FromMinutes(1));

        var report = bench.Confirm(TimeSpan.Zero);
        Bench.Fails<TargetDidNotReturn>(report);
        Assert.Equal(FlashOutcomeKind.RecoveryRequired, report.Outcome);
        Assert.True(bench.Target.NeedsRecovery);
    }

    [Fact]
    public void ConfirmAsync_NothingWaits_SaysSo()
    {
        var bench = new Bench();
        Bench.Fails<InvalidParameter>(bench.Confirm(TimeSpan.Zero));
        Assert.Empty(bench.Target.OperationLog);
    }

    [Fact]
    public void CancelAsync_NoOpenOperation_LooksAtTheTarget()
    {
        var bench = new Bench(SimulatedPersona.NoPower);
        Assert.Equal(new CancellationReport(TargetState.Untouched, WasArmed: false), bench.Cancel().GetValueOrThrow());

        Assert.Equal(FlashOutcomeKind.Pending, bench.Flash().Outcome);
        bench.Disk.Records.Clear();
        var failure = Assert.IsType<AnotherFlashPending>(Bench.FailureOf(bench.Cancel()));
        Assert.Equal(TargetState.Armed, failure.TargetState);
        Assert.Equal(ArmedPhase.Armed, bench.Target.ArmedPhase);
    }

    // Nobody is told that nothing is armed by somebody who could not look.
    [Fact]
    public void CancelAsync_NoOpenOperationAndTheArmedStateIsUnknown_IsNotCalledUnarmed()
    {
        var bench = new Bench { Probe = new BlindProbe() };
        bench.Target.PlantForeignCapsule("foreign.cap", Bench.OldSystem.Content);
        var failure = Assert.IsType<OutcomeIndeterminate>(Bench.FailureOf(bench.Cancel()));
        Assert.Equal((FlashStage.Cancel, TargetState.Indeterminate), (failure.Stage, failure.TargetState));
    }

    [Fact]
    public void CancelAsync_ArmedAndNotBooted_DisarmsAndCleansUp()
    {
        var bench = new Bench(SimulatedPersona.NoPower);
        Assert.Equal(FlashOutcomeKind.Pending, bench.Flash().Outcome);
        Assert.Equal(new CancellationReport(TargetState.Untouched, WasArmed: true), bench.Cancel().GetValueOrThrow());
        Assert.Equal(ArmedPhase.None, bench.Target.ArmedPhase);
        Assert.Null(bench.Target.Claim);
        bench.Target.Restart();
        bench.Clock.Advance(TimeSpan.FromMinutes(10));
        Assert.True(bench.IsAllOld);
    }

    [Fact]
    public void CancelAsync_AfterTheBoot_IsRefused()
    {
        var bench = new Bench(SimulatedPersona.NoPower);
        bench.Flash();
        bench.Target.Restart();
        bench.Clock.Advance(TimeSpan.FromMinutes(10));
        Assert.Equal(TargetState.RomChanged, Assert.IsType<CancellationRefused>(Bench.FailureOf(bench.Cancel())).TargetState);
        Assert.True(bench.IsAllNew);
    }

    [Fact]
    public void CancelAsync_CannotDisarm_SaysThatItStaysArmed()
    {
        var bench = new Bench(SimulatedPersona.CannotDisarm with { HasPower = false });
        Assert.Equal(FlashOutcomeKind.Pending, bench.Flash().Outcome);
        Assert.Equal(TargetState.Armed, Assert.IsType<DisarmNotPossible>(Bench.FailureOf(bench.Cancel())).TargetState);
    }

    [Fact]
    public void FlashAsync_CancelledWhileAnAwayTargetIsAdopted_IsReported()
    {
        using var cancellation = new CancellationTokenSource();
        var bench = new Bench();
        bench.FlashAndCrashAfter(FlashJournalRecordKind.RebootRequested);
        bench.Clock.Advance(TimeSpan.FromSeconds(20));
        var operations = 0;
        bench.Target.OnOperation = _ =>
        {
            if (++operations == 3)
            {
                cancellation.Cancel();
            }
        };

        var report = bench.Flash(cancellation.Token);
        Assert.NotEqual(TargetState.Untouched, Bench.Fails<CancellationRefused>(report).TargetState);
        bench.Target.OnOperation = null;
        bench.Clock.Advance(TimeSpan.FromMinutes(10));
        Bench.IsUpgraded(bench.Confirm(TimeSpan.Zero));
    }

    [Theory]
    [InlineData(FlashJournalRecordKind.Started)]
    [InlineData(FlashJournalRecordKind.StagingIntent)]
    [InlineData(FlashJournalRecordKind.Staged)]
    [InlineData(FlashJournalRecordKind.ArmIntent)]
    [InlineData(FlashJournalRecordKind.Armed)]
    [InlineData(FlashJournalRecordKind.RebootIntent)]
    [InlineData(FlashJournalRecordKind.RebootRequested)]
    public void FlashAsync_DryRunWithAnOpenOperation_WritesNothing(FlashJournalRecordKind last)
    {
        var bench = new Bench();
        bench.FlashAndCrashAfter(last);
        bench.Clock.Advance(TimeSpan.FromMinutes(10));
        var (events, records) = (bench.Target.History.Length, bench.Disk.Records.Count);
        bench.Policy = bench.Policy with { DryRun = true };

        Bench.Fails<FlashInProgress>(bench.Flash());
        Assert.Empty(Bench.Done(bench.Target, events));
        Assert.Equal(records, bench.Disk.Records.Count);
        Assert.Contains(bench.Preflight().Blockers, b => b.Name == "operation-open");

        // And without it, whatever was left comes to a good end, and flashes once.
        bench.Policy = bench.Policy with { DryRun = false };
        Bench.IsUpgraded(bench.Flash());
        Assert.Equal([Bench.System, Bench.Array], Bench.Flashed(bench.Target));
        Assert.Empty(bench.Target.Deposits);
        Assert.Null(bench.Target.Claim);
    }

    [Fact]
    public void FlashAsync_ResumedWithAPendingRestart_TakesItBackBeforeGatesAreAsked()
    {
        var bench = new Bench();
        bench.Policy = bench.Policy with { RebootDelay = TimeSpan.FromMinutes(5) };
        bench.FlashAndCrashAfter(FlashJournalRecordKind.RebootRequested);
        Assert.NotNull(bench.Target.RebootDue);
        DateTimeOffset? dueWhenAsked = DateTimeOffset.MaxValue;
        bench.Gates.Add(new BenchGate("drain", () =>
        {
            dueWhenAsked = bench.Target.RebootDue;
            return GateDecision.Refuse("busy");
        }));

        var failure = Bench.Fails<GateRefused>(bench.Flash());
        Assert.Null(dueWhenAsked);
        Assert.Equal(("drain", "busy", TargetState.Untouched), (failure.Gate, failure.Detail, failure.TargetState));
        Assert.Equal(ArmedPhase.None, bench.Target.ArmedPhase);
        Assert.Null(bench.Target.RebootDue);
    }

    [Fact]
    public void FlashAsync_ReflashWithAStaleLastAttempt_IsIndeterminate()
    {
        var bench = new Bench(SimulatedPersona.ForgettingTheTask, o => o with { Roms = [new(Bench.System, Bench.NewSystem)] }) { Images = [Bench.NewSystem.Image] };
        bench.Policy = bench.Policy with { Reflash = true };
        var report = bench.Flash();
        Assert.Equal(FlashOutcomeKind.Indeterminate, report.Outcome);
        Bench.Fails<OutcomeIndeterminate>(report);
    }

    [Fact]
    public void FlashAsync_ReflashThatTheDeviceTellsOf_IsUpgraded()
    {
        var bench = new Bench(change: o => o with { Roms = [new(Bench.System, Bench.NewSystem)] }) { Images = [Bench.NewSystem.Image] };
        bench.Policy = bench.Policy with { Reflash = true };
        Bench.IsUpgraded(bench.Flash());
        Assert.Equal([Bench.System], Bench.Flashed(bench.Target));
    }

    [Fact]
    public void FlashAsync_InventoryLagsBehindTheBoot_IsUpgraded()
    {
        var bench = new Bench();
        DateTimeOffset? booted = null;
        bench.Wrap = t => new WrappingTransport(t, s => new LaggingSession(s, facts =>
        {
            if (bench.Target.BootCount == 0)
            {
                return facts;
            }

            booted ??= bench.Clock.GetUtcNow();
            return bench.Clock.GetUtcNow() - booted < TimeSpan.FromMinutes(1)
                ? facts with { Roms = facts.Roms.TryGet(out var roms) ? roms.Select(r => r with { Versions = (r.Id == Bench.System ? Bench.OldSystem : Bench.OldArray).ReportedAs.Where(v => r.Versions.Any(w => w.Source == v.Source)).ToArray() is { } old ? [.. old] : [], LastAttempt = Fact<LastAttempt>.Unknown("not yet") }).ToArray() is { } all ? global::System.Collections.Immutable.ImmutableArray.Create(all) : roms : facts.Roms }
                : facts;
        }));
        Bench.IsUpgraded(bench.Flash());
        Assert.NotNull(booted);
    }

    private sealed class LaggingSession(ITargetSession inner, Func<TargetFacts, TargetFacts> change) : ITargetSession, IFactsCapability
    {
        public TCapability? GetCapability<TCapability>()
            where TCapability : class, ITargetCapability =>
            typeof(TCapability) == typeof(IFactsCapability) ? this as TCapability : inner.GetCapability<TCapability>();

        public async ValueTask<TransportResult<TargetFacts>> ReadFactsAsync(FactKinds kinds, CancellationToken cancellationToken)
        {
            var read = await inner.GetCapability<IFactsCapability>()!.ReadFactsAsync(kinds, cancellationToken);
            return read.TryGetValue(out var facts, out var fault) ? change(facts) : fault;
        }

        public ValueTask DisposeAsync() => inner.DisposeAsync();
    }

    private sealed class BlindProbe : ITargetProbe
    {
        public async ValueTask<FlashResult<ProbeEvidence>> ProbeAsync(StageContext context, FactKinds kinds, CancellationToken cancellationToken) =>
            (await DefaultStages.Probe.ProbeAsync(context, kinds, cancellationToken)).TryGetValue(out var evidence, out var failure)
                ? evidence with { Armed = Fact<ArmedState>.Unknown("the system partition is not mounted") }
                : failure;
    }
}
