using System.Collections.Immutable;
using RomFlash.Sdk.Compatibility;
using RomFlash.Sdk.Confirmation;
using RomFlash.Sdk.Images;
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

/// <summary>What happens between the last look and the step that can't be taken back, and after a run has answered.</summary>
public sealed class CommitPointTests
{
    private static readonly SimulatedPersona RestartsAtOnce = SimulatedPersona.Ordinary with { Name = nameof(RestartsAtOnce), RestartsAtOnce = true };

    public static TheoryData<string> Roads => [nameof(SimulatedPersona.Ordinary), nameof(SimulatedPersona.ArmsByDeposit), nameof(SimulatedPersona.FlashesByDeposit), nameof(SimulatedPersona.FlashingAtOnce)];

    public static TheoryData<bool, int> Lateness
    {
        get
        {
            var data = new TheoryData<bool, int>();
            foreach (var hasAnnounced in new[] { false, true })
            {
                foreach (var seconds in new[] { 1, 3, 6, 10, 11, 12, 13, 14, 16, 20, 40, 90, 600 })
                {
                    data.Add(hasAnnounced, seconds);
                }
            }

            return data;
        }
    }

    // The delay is kept by the client, because the target can't: minutes in which the copy may change.
    [Fact]
    public void FlashAsync_ArmedCopyChangesWhileTheRestartIsPutOff_IsDisarmedAndToldAsThat()
    {
        var bench = new Bench(RestartsAtOnce) { Policy = FlashPolicy.Default with { RebootDelay = TimeSpan.FromMinutes(10) } };
        bench.Disk.OnAppend = r =>
        {
            Assert.True(r.Kind != FlashJournalRecordKind.RebootIntent || bench.Target.CorruptArmed());
            return null;
        };

        var failure = Bench.Fails<ArmedCopyDiffers>(bench.Flash());
        Assert.Equal(TargetState.Untouched, failure.TargetState);
        Assert.Equal(ArmedPhase.None, bench.Target.ArmedPhase);
        Assert.DoesNotContain(SimulatedEventKind.RebootRequested, Bench.Done(bench.Target));
        bench.Target.Restart();
        bench.Clock.Advance(TimeSpan.FromHours(1));
        Assert.True(bench.IsAllOld);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void FlashAsync_WindowClosesWhileTheRestartIsPutOff_IsDisarmed(bool restartsAtOnce)
    {
        var bench = new Bench(restartsAtOnce ? RestartsAtOnce : null);
        var opens = bench.Clock.GetUtcNow();
        bench.Policy = bench.Policy with { RebootDelay = TimeSpan.FromMinutes(20), Window = FlashWindow.Between(opens, opens.AddMinutes(30)) };
        bench.Disk.OnAppend = r =>
        {
            if (r.Kind is FlashJournalRecordKind.Armed)
            {
                bench.Clock.Advance(TimeSpan.FromMinutes(15));
            }

            return null;
        };
        Assert.Equal(TargetState.Untouched, Bench.Fails<WindowMissed>(bench.Flash()).TargetState);
        Assert.Contains(bench.Disk.Records, r => r.Kind is FlashJournalRecordKind.Armed);
        Assert.Equal(ArmedPhase.None, bench.Target.ArmedPhase);
        Assert.Null(bench.Target.RebootDue);
    }

    // Nothing is staged or armed for a restart that could not be asked for, and that is told before a window that is yet to open.
    [Theory]
    [InlineData(0, false)]
    [InlineData(0, true)]
    [InlineData(48, false)]
    [InlineData(48, true)]
    public void FlashAsync_WindowIsNotLongerThanTheRestartsDelay_IsRefusedAtOnce(int hoursUntilItOpens, bool isLonger)
    {
        var bench = new Bench();
        var opens = bench.Clock.GetUtcNow().AddHours(hoursUntilItOpens);
        bench.Policy = bench.Policy with { RebootDelay = TimeSpan.FromMinutes(30), Window = FlashWindow.Between(opens, opens.AddMinutes(isLonger ? 60 : 30)) };
        if (isLonger)
        {
            Bench.IsUpgraded(bench.Flash());
            return;
        }

        Assert.Equal(TargetState.Untouched, Bench.Fails<WindowMissed>(bench.Flash()).TargetState);
        Assert.True(bench.Clock.GetUtcNow() < opens.AddMinutes(5));
        Assert.Empty(Bench.Done(bench.Target));
    }

    // The restart comes when the target's own delay is over, which may be longer than the one that was asked for.
    [Theory]
    [InlineData(30, true)]
    [InlineData(120, false)]
    public void FlashAsync_TargetCountsTheDelayInLargerSteps_TheWindowIsComparedWithThat(int minutes, bool isRefused)
    {
        var bench = new Bench(SimulatedPersona.Ordinary with { DelayStep = TimeSpan.FromMinutes(45) });
        var opens = bench.Clock.GetUtcNow();
        bench.Policy = bench.Policy with { RebootDelay = TimeSpan.FromSeconds(15), Window = FlashWindow.Between(opens, opens.AddMinutes(minutes)) };
        if (!isRefused)
        {
            Bench.IsUpgraded(bench.Flash());
            Assert.Equal(TimeSpan.FromMinutes(45), bench.Disk.Records.Single(r => r.Kind is FlashJournalRecordKind.RebootIntent).RebootDelay);
            return;
        }

        Assert.Equal(TargetState.Untouched, Bench.Fails<WindowMissed>(bench.Flash()).TargetState);
        Assert.Empty(Bench.Done(bench.Target));
    }

    // A probe that does not know of the delay, or knows one that is none; and whoever serves the restart in the end is asked once more.
    [Theory]
    [InlineData(null)]
    [InlineData(0L)]
    [InlineData(-1L)]
    [InlineData(long.MaxValue)]
    public void FlashAsync_ProbeTellsAnotherDelayThanTheTargetKeeps_NoRestartIsAskedForThatWouldMissTheWindow(long? told)
    {
        var bench = new Bench(SimulatedPersona.Ordinary with { DelayStep = TimeSpan.FromMinutes(45) }) { Probe = new TellingProbe(told is { } ticks ? TimeSpan.FromTicks(ticks) : null) };
        var opens = bench.Clock.GetUtcNow();
        bench.Policy = bench.Policy with { RebootDelay = TimeSpan.FromSeconds(15), Window = FlashWindow.Between(opens, opens.AddMinutes(30)) };
        Assert.Equal(TargetState.Untouched, Bench.Fails<WindowMissed>(bench.Flash()).TargetState);
        Assert.Equal(ArmedPhase.None, bench.Target.ArmedPhase);
        Assert.Null(bench.Target.RebootDue);

        bench.Policy = bench.Policy with { Window = FlashWindow.Always };
        Bench.IsUpgraded(bench.Flash());
    }

    // Who may flash at once mostly does not; and what is written before the restart waits for ours.
    [Theory]
    [InlineData(nameof(SimulatedPersona.Ordinary), true)]
    [InlineData(nameof(SimulatedPersona.FlashesByDepositForRestart), true)]
    [InlineData(nameof(SimulatedPersona.FlashesByDeposit), false)]
    public void FlashAsync_MayFlashAtOnceAndTheWindowIsShorterThanTheDelay_IsRefusedWhereTheRestartIsOurs(string persona, bool isRefused)
    {
        var bench = new Bench(SimulatedPersona.All.Single(p => p.Name == persona)) { Images = [Bench.NewSystem.Image], Catalog = SimulatedCatalog.Of(Bench.NewSystem) };
        var opens = bench.Clock.GetUtcNow();
        bench.Policy = bench.Policy with { AllowImmediateFlash = true, RebootDelay = TimeSpan.FromMinutes(45), Window = FlashWindow.Between(opens, opens.AddMinutes(30)) };
        if (!isRefused)
        {
            Bench.IsUpgraded(bench.Flash());
            return;
        }

        Assert.Equal(TargetState.Untouched, Bench.Fails<WindowMissed>(bench.Flash()).TargetState);
        Assert.Empty(Bench.Done(bench.Target));
    }

    // The delay is that of a restart which this client asks for.
    [Fact]
    public void FlashAsync_WindowIsShorterThanADelayThatIsNobodys_Arms()
    {
        var bench = new Bench();
        var opens = bench.Clock.GetUtcNow();
        bench.Policy = bench.Policy with { Reboot = RebootMode.LeaveToOperator, RebootDelay = TimeSpan.FromMinutes(45), Window = FlashWindow.Between(opens, opens.AddMinutes(30)) };
        Assert.Equal(FlashOutcomeKind.Pending, bench.Flash().Outcome);
    }

    // How long it is away is counted from when the restart comes, not from when it was asked for.
    [Fact]
    public void ConfirmAsync_TargetIsAwayBehindALongDelay_IsNotCalledLostTooEarly()
    {
        var bench = new Bench(change: o => o with { BootDuration = TimeSpan.FromHours(3) }) { Policy = FlashPolicy.Default with { RebootDelay = TimeSpan.FromHours(2) } };
        bench.FlashAndCrashAfter(FlashJournalRecordKind.RebootRequested);

        // Whoever looks later need not know the policy of the upgrade: the journal does.
        bench.Policy = FlashPolicy.Default;
        bench.Clock.Advance(TimeSpan.FromMinutes(130));
        Bench.Fails<OutcomeIndeterminate>(bench.Confirm(TimeSpan.Zero));
        bench.Clock.Advance(TimeSpan.FromMinutes(40));
        Bench.Fails<TargetDidNotReturn>(bench.Confirm(TimeSpan.Zero));
    }

    // Whoever keeps the delay, the target or the client.
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void FlashAsync_DelayIsLongerThanAStageMayTake_IsWaitedFor(bool restartsAtOnce)
    {
        var bench = new Bench(restartsAtOnce ? RestartsAtOnce : null);
        bench.Policy = bench.Policy with { RebootDelay = bench.Policy.Deadlines.Stage + TimeSpan.FromHours(1) };
        Bench.IsUpgraded(bench.Flash());
    }

    [Theory]
    [MemberData(nameof(Roads))]
    public void FlashAsync_WindowClosesBeforeTheArmingStep_ArmsNothing(string persona)
    {
        var bench = new Bench(SimulatedPersona.All.Single(p => p.Name == persona)) { Images = [Bench.NewSystem.Image], Catalog = SimulatedCatalog.Of(Bench.NewSystem), Scheduler = new SlowScheduler(TimeSpan.FromMinutes(45)) };
        var opens = bench.Clock.GetUtcNow();
        bench.Policy = bench.Policy with { AllowImmediateFlash = true, Window = FlashWindow.Between(opens, opens.AddMinutes(30)) };
        var failure = Bench.Fails<WindowMissed>(bench.Flash());
        Assert.Equal(TargetState.Untouched, failure.TargetState);
        Assert.DoesNotContain(SimulatedEventKind.Armed, Bench.Done(bench.Target));
        bench.Target.Restart();
        bench.Clock.Advance(TimeSpan.FromHours(2));
        Assert.True(bench.IsAllOld);
    }

    // A stage that ignores its cancellation is given up, and goes on somewhere: while this run cleans up, and after it has answered.
    [Theory]
    [MemberData(nameof(Lateness))]
    public void FlashAsync_SchedulerGoesOnWhenItWasGivenUp_ArmsNothingThatIsCalledUntouched(bool hasAnnounced, int seconds)
    {
        using var cancellation = new CancellationTokenSource();
        var bench = new Bench();
        bench.Target.Inject(SimulatedOperation.DiscardDeposit, SimulatedFault.Hang, 0, 1);
        bench.Scheduler = new DeafScheduler(cancellation.Cancel, hasAnnounced, TimeSpan.FromSeconds(seconds));
        var failure = Bench.FailureOf(bench.Flash(cancellation.Token).Result);
        bench.Clock.Advance(TimeSpan.FromHours(1));
        Assert.True(failure.TargetState is not TargetState.Untouched || bench.Target.ArmedPhase is ArmedPhase.None, failure.ToString());

        // Nothing that came late makes the next run believe otherwise.
        bench.Scheduler = DefaultStages.Scheduler;
        Bench.IsUpgraded(bench.Flash());
    }

    // What flashes as soon as it is told is never called untouched on a scheduler's word alone.
    [Fact]
    public void FlashAsync_SchedulerCallsWhatItHasSentUnsent_IsNotCalledUntouched()
    {
        var bench = new Bench(SimulatedPersona.FlashingAtOnce with { Name = "at once, and can disarm", CanDisarm = true }) { Policy = FlashPolicy.Default with { AllowImmediateFlash = true }, Scheduler = new DenyingScheduler() };
        var failure = Bench.FailureOf(bench.Flash().Result);
        Assert.DoesNotContain(failure.TargetState, new[] { TargetState.Untouched, TargetState.Prepared });
        bench.Scheduler = DefaultStages.Scheduler;
        Bench.IsUpgraded(bench.Flash());
    }

    [Fact]
    public void FlashAsync_TargetBootsBetweenTheProbeAndTheLook_IsNotConcludedAsNotArmed()
    {
        var bench = new Bench { Policy = FlashPolicy.Default with { Reboot = RebootMode.LeaveToOperator } };
        Assert.Equal(FlashOutcomeKind.Pending, bench.Flash().Outcome);
        var restarted = false;
        bench.Progress = new Watch(p =>
        {
            if (p.Stage is FlashStage.Reconcile && !restarted)
            {
                restarted = true;
                bench.Target.Restart();
                bench.Clock.Advance(TimeSpan.FromMinutes(20));
            }
        });
        var report = bench.Flash();
        Assert.True(restarted && bench.IsAllNew);
        Assert.DoesNotContain(bench.Disk.Records, r => r.Kind == FlashJournalRecordKind.Concluded && r.TargetState == TargetState.Untouched);
        Assert.Contains(bench.Disk.Records, r => r.Kind == FlashJournalRecordKind.Concluded && r.Outcome == FlashOutcomeKind.Upgraded);
        Assert.True(report.Outcome is FlashOutcomeKind.Upgraded or FlashOutcomeKind.AlreadyCurrent, report.Result.ToString());
    }

    // Some management controllers write, and forget the task when it is done: "nothing is armed" is not "nothing was written".
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void CancelAsync_TargetHasWrittenAndForgotten_IsNotCalledUntouched(bool isCancelled)
    {
        using var cancellation = new CancellationTokenSource();
        var persona = SimulatedPersona.WritingBeforeRestart with { Name = "writes before the restart, and can disarm", CanDisarm = true };
        var scheduler = new ForgetfulScheduler();
        var bench = new Bench(persona) { Scheduler = scheduler, Policy = FlashPolicy.Default with { Reboot = isCancelled ? RebootMode.Request : RebootMode.LeaveToOperator } };
        if (isCancelled)
        {
            // Armed, and stopped before the answer was given.
            bench.Disk.OnAppend = r =>
            {
                if (r.Kind is FlashJournalRecordKind.Armed)
                {
                    scheduler.HasForgotten = true;
                    cancellation.Cancel();
                }

                return null;
            };
            Assert.Equal(TargetState.Indeterminate, Bench.FailureOf(bench.Flash(cancellation.Token).Result).TargetState);
            bench.Disk.OnAppend = null;
        }
        else
        {
            Assert.Equal(FlashOutcomeKind.Pending, bench.Flash().Outcome);
            scheduler.HasForgotten = true;
        }

        bench.Clock.Advance(TimeSpan.FromHours(1));
        var failure = Assert.IsType<DisarmNotPossible>(Bench.FailureOf(bench.Cancel()));
        Assert.Equal(TargetState.Indeterminate, failure.TargetState);
        Assert.DoesNotContain(bench.Disk.Records, r => r.Kind is FlashJournalRecordKind.Disarmed);

        bench.Target.Restart();
        bench.Clock.Advance(TimeSpan.FromHours(1));
        Bench.IsUpgraded(bench.Confirm(TimeSpan.Zero));
        Assert.True(bench.IsAllNew);
    }

    // Cancelled while the intent is written down: the commit is refused before it leaves the client.
    [Fact]
    public void FlashAsync_CancelledBeforeTheCommitLeavesTheClient_IsUntouched()
    {
        using var cancellation = new CancellationTokenSource();
        var bench = new Bench(SimulatedPersona.ArmsByDeposit with { Name = "waits", WritesBeforeRestart = true, CanDisarm = true }) { Images = [Bench.NewSystem.Image], Catalog = SimulatedCatalog.Of(Bench.NewSystem) };
        bench.Journal = new SlowJournal(new BenchJournal(bench.Disk, new ClientLife(), "client-a"), cancellation.Cancel, bench.Clock);

        Assert.Equal(TargetState.Untouched, Bench.Fails<OperationCancelled>(bench.Flash(cancellation.Token)).TargetState);
        Assert.DoesNotContain(SimulatedEventKind.Armed, Bench.Done(bench.Target));
        Assert.Equal(FlashJournalRecordKind.Concluded, bench.Disk.Records[^1].Kind);
    }

    // "Until it boots", and a remaining time that is over.
    [Fact]
    public void ConfirmAsync_WaitThatIsNoTime_IsTheLongestOrASingleLook()
    {
        var bench = new Bench();
        bench.FlashAndCrashAfter(FlashJournalRecordKind.RebootRequested);
        Assert.Equal(FlashOutcomeKind.Pending, bench.Confirm(-TimeSpan.FromDays(1)).Outcome);
        Bench.IsUpgraded(bench.Confirm(TimeSpan.MaxValue));
    }

    // A journal may be anybody's.
    [Theory]
    [InlineData(long.MaxValue)]
    [InlineData(long.MinValue)]
    public void FlashAsync_DelayInTheJournalIsNoTime_IsSettledAllTheSame(long ticks)
    {
        var bench = new Bench();
        bench.FlashAndCrashAfter(FlashJournalRecordKind.RebootRequested);
        for (var i = 0; i < bench.Disk.Records.Count; i++)
        {
            bench.Disk.Records[i] = bench.Disk.Records[i] with { RebootDelay = TimeSpan.FromTicks(ticks) };
        }

        bench.Clock.Advance(TimeSpan.FromMinutes(1));
        Bench.IsUpgraded(bench.Flash());
    }

    [Fact]
    public void CancelAsync_TargetThatWritesIsStillAskedToWait_IsDisarmed()
    {
        var bench = new Bench(SimulatedPersona.ArmsByDeposit with { Name = "waits", WritesBeforeRestart = true, CanDisarm = true }) { Images = [Bench.NewSystem.Image], Catalog = SimulatedCatalog.Of(Bench.NewSystem), Policy = FlashPolicy.Default with { Reboot = RebootMode.LeaveToOperator } };
        Assert.Equal(FlashOutcomeKind.Pending, bench.Flash().Outcome);
        Assert.Equal(TargetState.Untouched, bench.Cancel().GetValueOrThrow().State);
        Assert.True(bench.IsAllOld);
    }

    [Fact]
    public void FlashAsync_GateFindsItSick_TheWayBackIsStillThereAndTheClaimWasHeld()
    {
        var bench = new Bench { Images = [Bench.NewSystem.Image], Catalog = SimulatedCatalog.Of(Bench.NewSystem, Bench.OldSystem), BackupImages = [Bench.OldSystem.Image] };
        var hadClaim = false;
        bench.Gates.Add(new BenchGate("health", after: () =>
        {
            hadClaim = bench.Target.Claim is not null;
            return GateDecision.Refuse("sick");
        }));
        var failure = Bench.Fails<GateRefused>(bench.Flash());
        Assert.Equal(TargetState.RomChanged, failure.TargetState);
        Assert.True(hadClaim);
        Assert.EndsWith("-backup", Assert.Single(bench.Target.Deposits).Id, StringComparison.Ordinal);
        Assert.Contains(failure.Leftovers, l => l.Contains("-backup, kept", StringComparison.Ordinal));
        Assert.Null(bench.Target.Claim);

        // It stays for as long as nobody knows that the machine came up well.
        bench.Gates.Clear();
        bench.Flash();
        Assert.Single(bench.Target.Deposits);
    }

    [Fact]
    public void CancelAsync_ClientDiedRightAfterItsClaim_GivesTheClaimBack()
    {
        var bench = new Bench();
        bench.Target.Inject(SimulatedOperation.AcquireClaim, SimulatedFault.CrashAfter);
        bench.FlashAndCrash();
        Assert.NotNull(bench.Target.Claim);
        Assert.True(bench.Cancel().TryGetValue(out _, out var failure), failure?.ToString());
        Assert.Null(bench.Target.Claim);
    }

    [Fact]
    public void FlashAsync_AnotherClientsBackup_IsNotItsToRemove()
    {
        var bench = new Bench();
        var file = new DepositFile("old.rom", Bench.OldSystem.Content.Length, Bench.OldSystem.Sha256, Bench.System);
        bench.Target.PlantDeposit(new("rffffffffffff-000000000001-0-backup", 1, [file]), committed: true);
        Bench.IsUpgraded(bench.Flash());
        Assert.Equal("rffffffffffff-000000000001-0-backup", Assert.Single(bench.Target.Deposits).Id);
    }

    [Fact]
    public void FlashAsync_SlowestRateThatMakesADeadlineOfMonths_IsBoundedAndArmsAsUsual()
    {
        var rom = Bench.SystemRom("U30 v2.50 (03/12/2021)", 0x0002_5000, 2, payloadLength: 5_000_000);
        var bench = new Bench(change: o => o with { KnownImages = [rom], MaxWriteBytes = 1 << 20 }) { Images = [rom.Image], Catalog = SimulatedCatalog.Of(rom) };
        bench.Policy = bench.Policy with { Deadlines = bench.Policy.Deadlines with { SlowestBytesPerSecond = 1 } };
        bench.Target.Inject(SimulatedOperation.Arm, SimulatedFault.Slow(TimeSpan.FromSeconds(5)));
        Bench.IsUpgraded(bench.Flash());
    }

    private sealed class Watch(Action<FlashProgress> see) : IProgress<FlashProgress>
    {
        public void Report(FlashProgress value) => see(value);
    }

    private sealed class TellingProbe(TimeSpan? delay) : ITargetProbe
    {
        public async ValueTask<FlashResult<ProbeEvidence>> ProbeAsync(StageContext context, FactKinds kinds, CancellationToken cancellationToken)
        {
            var probed = await DefaultStages.Probe.ProbeAsync(context, kinds, cancellationToken);
            return probed.TryGetValue(out var evidence, out var failure) ? evidence with { RebootDelay = delay } : failure;
        }
    }

    private abstract class OwnScheduler : IFlashScheduler
    {
        protected static IFlashScheduler Inner => DefaultStages.Scheduler;

        public virtual ValueTask<FlashResult<ArmedState>> InspectAsync(StageContext context, CancellationToken cancellationToken) => Inner.InspectAsync(context, cancellationToken);

        public virtual ValueTask<FlashResult<ArmingEvidence>> ArmAsync(
            StageContext context, StagedImage staged, Func<ArmingBaseline, CancellationToken, ValueTask<FlashResult<Done>>> beforeArming, CancellationToken cancellationToken) =>
            Inner.ArmAsync(context, staged, beforeArming, cancellationToken);

        public virtual ValueTask<FlashResult<ArmingEvidence>> ArmByDepositAsync(
            StageContext context, ApprovedUpgrade approved, DepositKey deposit, Func<ArmingBaseline, CancellationToken, ValueTask<FlashResult<StagedImage>>> makeDeposit, CancellationToken cancellationToken) =>
            Inner.ArmByDepositAsync(context, approved, deposit, makeDeposit, cancellationToken);

        public virtual ValueTask<FlashResult<ArmedState>> DisarmAsync(StageContext context, string depositId, CancellationToken cancellationToken) => Inner.DisarmAsync(context, depositId, cancellationToken);

        public ValueTask<FlashResult<RebootEvidence>> RebootAsync(StageContext context, ScheduledFlash scheduled, CancellationToken cancellationToken) => Inner.RebootAsync(context, scheduled, cancellationToken);

        public ValueTask<FlashResult<Done>> AbortRebootAsync(StageContext context, CancellationToken cancellationToken) => Inner.AbortRebootAsync(context, cancellationToken);
    }

    private sealed class SlowScheduler(TimeSpan delay) : OwnScheduler
    {
        public override async ValueTask<FlashResult<ArmingEvidence>> ArmAsync(
            StageContext context, StagedImage staged, Func<ArmingBaseline, CancellationToken, ValueTask<FlashResult<Done>>> beforeArming, CancellationToken cancellationToken)
        {
            await Task.Delay(delay, context.TimeProvider, cancellationToken);
            return await Inner.ArmAsync(context, staged, beforeArming, cancellationToken);
        }

        public override async ValueTask<FlashResult<ArmingEvidence>> ArmByDepositAsync(
            StageContext context, ApprovedUpgrade approved, DepositKey deposit, Func<ArmingBaseline, CancellationToken, ValueTask<FlashResult<StagedImage>>> makeDeposit, CancellationToken cancellationToken)
        {
            await Task.Delay(delay, context.TimeProvider, cancellationToken);
            return await Inner.ArmByDepositAsync(context, approved, deposit, makeDeposit, cancellationToken);
        }
    }

    private sealed class DeafScheduler(Action cancel, bool hasAnnounced, TimeSpan delay) : OwnScheduler
    {
        public override ValueTask<FlashResult<ArmingEvidence>> ArmAsync(
            StageContext context, StagedImage staged, Func<ArmingBaseline, CancellationToken, ValueTask<FlashResult<Done>>> beforeArming, CancellationToken cancellationToken) =>
            Inner.ArmAsync(
                context,
                staged,
                async (baseline, _) =>
                {
                    if (!hasAnnounced)
                    {
                        cancel();
                        await Task.Delay(delay, context.TimeProvider, CancellationToken.None);
                        return await beforeArming(baseline, CancellationToken.None);
                    }

                    var announced = await beforeArming(baseline, CancellationToken.None);
                    cancel();
                    await Task.Delay(delay, context.TimeProvider, CancellationToken.None);
                    return announced;
                },
                CancellationToken.None);
    }

    private sealed class DenyingScheduler : OwnScheduler
    {
        public override async ValueTask<FlashResult<ArmingEvidence>> ArmAsync(
            StageContext context, StagedImage staged, Func<ArmingBaseline, CancellationToken, ValueTask<FlashResult<Done>>> beforeArming, CancellationToken cancellationToken)
        {
            await Inner.ArmAsync(context, staged, beforeArming, cancellationToken);
            return new DeadlineExceeded { Stage = FlashStage.Arm, TargetId = context.Target.Id, TargetState = TargetState.Untouched };
        }
    }

    private sealed class ForgetfulScheduler : OwnScheduler
    {
        public bool HasForgotten { get; set; }

        public override async ValueTask<FlashResult<ArmedState>> InspectAsync(StageContext context, CancellationToken cancellationToken)
        {
            var inspected = await Inner.InspectAsync(context, cancellationToken);
            return HasForgotten && inspected.TryGetValue(out var state, out _) ? state with { Phase = ArmedPhase.None, DepositId = null, Items = [] } : inspected;
        }

        public override ValueTask<FlashResult<ArmedState>> DisarmAsync(StageContext context, string depositId, CancellationToken cancellationToken) =>
            HasForgotten ? InspectAsync(context, cancellationToken) : Inner.DisarmAsync(context, depositId, cancellationToken);
    }

    private sealed class SlowJournal(IFlashJournal inner, Action atTheIntent, TimeProvider time) : IFlashJournal
    {
        public string ClientId => inner.ClientId;

        public async ValueTask<FlashResult<Done>> AppendAsync(FlashJournalRecord record, CancellationToken cancellationToken)
        {
            if (record.Kind is FlashJournalRecordKind.ArmIntent)
            {
                atTheIntent();
                await Task.Delay(TimeSpan.FromSeconds(1), time, CancellationToken.None);
            }

            return await inner.AppendAsync(record, cancellationToken);
        }

        public ValueTask<FlashResult<ImmutableArray<FlashJournalRecord>>> ReadOpenAsync(string targetId, TargetIdentity? identity, CancellationToken cancellationToken) => inner.ReadOpenAsync(targetId, identity, cancellationToken);

        public IAsyncEnumerable<FlashJournalRecord> ReadHistoryAsync(string? targetId, CancellationToken cancellationToken) => inner.ReadHistoryAsync(targetId, cancellationToken);
    }
}
