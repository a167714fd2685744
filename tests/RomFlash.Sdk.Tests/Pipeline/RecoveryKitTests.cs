using System.Collections.Immutable;
using RomFlash.Sdk.Compatibility;
using RomFlash.Sdk.Confirmation;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Journal;
using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Pipeline;
using RomFlash.Sdk.Recovery;
using RomFlash.Sdk.Staging;
using RomFlash.Sdk.Testing.Simulation;
using RomFlash.Sdk.Transports;

namespace RomFlash.Sdk.Tests.Pipeline;

/// <summary>What is written down and laid beside the upgrade before anything is armed, so that somebody can bring the target back.</summary>
public sealed class RecoveryKitTests
{
    private const long Overhead = 1 << 20;

    private static readonly SimulatedCatalog Releases = SimulatedCatalog.Of(Bench.NewSystem, Bench.NewArray, Bench.OldSystem, Bench.OldArray);

    private static Bench Stocked(SimulatedPersona? persona = null, Func<SimulatedTargetOptions, SimulatedTargetOptions>? change = null) => new(persona, change)
    {
        Catalog = Releases,
        BackupImages = [Bench.OldSystem.Image, Bench.OldArray.Image],
    };

    // Just enough for the upgrade, and not for what is to lie beside it.
    private static Bench Small() => Stocked(change: o => o with { SystemPartition = o.SystemPartition with { FreeBytes = Overhead + Bench.NewSystem.Content.Length + Bench.NewArray.Content.Length + 100 } });

    private static FlashJournalRecord ArmIntent(Bench bench) => Assert.Single(bench.Disk.Records, r => r.Kind == FlashJournalRecordKind.ArmIntent);

    private static IEnumerable<BackupCopy> Copies(FlashReport report) => report.Recovery.Select(p => p.Copy);

    [Fact]
    public void FlashAsync_BackupGiven_IsJournalledBeforeArmingAndLiesBesideUnarmed()
    {
        var bench = Stocked();
        ImmutableArray<string> deposits = [];
        ImmutableArray<RecoveryPlan> written = [];
        ImmutableArray<ContentDigest> armed = [];
        bench.Target.OnOperation = e =>
        {
            if (e.Operation == SimulatedOperation.Arm)
            {
                deposits = [.. bench.Target.Deposits.Where(d => d.IsCommitted).Select(d => d.Id)];
                written = ArmIntent(bench).Recovery;
            }
            else if (e.Operation == SimulatedOperation.ScheduleReboot)
            {
                armed = bench.Target.ArmedDigests;
            }
        };

        var report = bench.Flash();
        Bench.IsUpgraded(report);
        Assert.Equal(2, deposits.Length);
        Assert.Equal(deposits[0] + DepositKey.BackupSuffix, deposits[1]);
        Assert.Equal<ContentDigest>([Bench.NewSystem.Sha256, Bench.NewArray.Sha256], armed);
        Assert.Equal([(Bench.System, Bench.OldSystem.Sha256), (Bench.Array, Bench.OldArray.Sha256)], written.Select(p => (p.ComponentId, p.Image!.Sha256)));
        Assert.All(written, p => Assert.Equal((BackupCopy.Staged, $"deposit {deposits[1]}", RecoveryRoad.SystemPartition), (p.Copy, p.CopyLocation, p.Road)));
        Assert.Equal(bench.Disk.Records[0].Components.Select(c => c.From[0]), written.Select(p => p.Before[0]));

        Assert.Empty(bench.Target.Deposits);
        Assert.Equal([BackupCopy.Removed, BackupCopy.Removed], Copies(report));
        Assert.Equal(BackupCopy.Removed, bench.Disk.Records[^1].Recovery[0].Copy);
    }

    [Fact]
    public void FlashAsync_NoBackupGivenOrKnown_IsNoBlockerAndSaysSo()
    {
        var notGiven = Stocked();
        notGiven.BackupImages = [];
        var report = notGiven.Flash();
        Bench.IsUpgraded(report);
        Assert.Equal([BackupCopy.NotGiven, BackupCopy.NotGiven], Copies(report));
        Assert.Equal(Bench.OldSystem.Sha256, ArmIntent(notGiven).Recovery[0].Image!.Sha256);

        var notKnown = Stocked();
        notKnown.Catalog = SimulatedCatalog.Of(Bench.NewSystem, Bench.NewArray);
        report = notKnown.Flash();
        Bench.IsUpgraded(report);
        Assert.Equal([BackupCopy.NoImageKnown, BackupCopy.NoImageKnown], Copies(report));
        Assert.Null(ArmIntent(notKnown).Recovery[0].Image);
        Assert.Contains(Bench.OldSystem.Version.Text, report.Recovery[0].Steps[1], StringComparison.Ordinal);
        Assert.Equal(1, notKnown.Target.History.Count(e => e.Kind == SimulatedEventKind.DepositOpened));
    }

    [Fact]
    public void FlashAsync_ReleaseNamesItsRecovery_IsTakenBeforeTheInstalledRelease()
    {
        var bench = Stocked();
        bench.Images = [Bench.NewSystem.Image];
        bench.BackupImages = [Bench.OldSystem.Image, Bench.MiddleSystem.Image];
        bench.Catalog = new NamingCatalog(Releases, new RecoveryImage(Bench.MiddleSystem.Sha256, Bench.MiddleSystem.Content.Length, "the maker's"));

        var report = bench.Flash();
        Bench.IsUpgraded(report);
        Assert.Equal(("the maker's", BackupCopy.Removed), (report.Recovery[0].Image!.Name, report.Recovery[0].Copy));
        Assert.Equal(
            [Bench.NewSystem.Sha256, Bench.MiddleSystem.Sha256],
            bench.Target.History.Where(e => e.Kind == SimulatedEventKind.Deposited).Select(e => e.Digest));
    }

    [Fact]
    public void FlashAsync_BackupDoesNotFit_IsBlockedBeforeAnythingIsWritten()
    {
        var bench = Small();
        var report = bench.Flash();
        var failure = Bench.Fails<SystemPartitionFull>(report);
        var blocker = Assert.Single(report.Blockers);
        Assert.Equal((FlashBlocker.BackupDoesNotFit, true), (blocker.Name, blocker.CanBeWaived));
        Assert.Equal(Overhead + ((Bench.NewSystem.Content.Length + Bench.NewArray.Content.Length) * 2L), failure.RequiredBytes);
        Assert.Empty(Bench.Done(bench.Target));
        Assert.Equal([FlashBlocker.BackupDoesNotFit], bench.Preflight().Blockers.Select(b => b.Name));

        bench.BackupImages = [];
        Bench.IsUpgraded(bench.Flash());
    }

    [Fact]
    public void FlashAsync_BackupDoesNotFitAndWaived_FlashesWithoutItAndSaysSo()
    {
        var bench = Small();
        bench.Policy = bench.Policy with { Waivers = [new(FlashBlocker.BackupDoesNotFit, "operator", "a copy is on the shelf")] };
        var report = bench.Flash();
        Bench.IsUpgraded(report);
        Assert.Equal([BackupCopy.DoesNotFit, BackupCopy.DoesNotFit], Copies(report));
        Assert.Equal([FlashBlocker.BackupDoesNotFit], report.Waived.Select(w => w.Blocker));
        Assert.Equal([BackupCopy.DoesNotFit, BackupCopy.DoesNotFit], ArmIntent(bench).Recovery.Select(p => p.Copy));
        Assert.Equal(1, bench.Target.History.Count(e => e.Kind == SimulatedEventKind.DepositOpened));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void FlashAsync_VolumeFillsUpUnderTheBackup_EndsUntouchedUnlessWaived(bool isWaived)
    {
        var bench = Stocked();
        bench.Policy = isWaived ? bench.Policy with { Waivers = [new(FlashBlocker.BackupDoesNotFit, "operator", "a copy is on the shelf")] } : bench.Policy;
        bench.Target.OnOperation = e =>
        {
            if (e.Operation == SimulatedOperation.OpenDeposit && bench.Target.Deposits.Length == 1)
            {
                bench.Target.InjectFrom(e.Number + 1, SimulatedFault.Full);
                bench.Target.OnOperation = _ => bench.Target.ClearFaults();
            }
        };

        var report = bench.Flash();
        Assert.Empty(bench.Target.Deposits);
        if (isWaived)
        {
            Bench.IsUpgraded(report);
            Assert.Equal([BackupCopy.DoesNotFit, BackupCopy.DoesNotFit], Copies(report));
            Assert.Equal([FlashBlocker.BackupDoesNotFit], report.Waived.Select(w => w.Blocker));
            Assert.Equal([FlashBlocker.BackupDoesNotFit], ArmIntent(bench).Waivers.Select(w => w.Blocker));
        }
        else
        {
            Assert.Equal(TargetState.Untouched, Bench.Fails<SystemPartitionFull>(report).TargetState);
            Assert.True(bench.IsAllOld);
            Assert.DoesNotContain(FlashJournalRecordKind.ArmIntent, bench.Disk.Kinds);
        }
    }

    [Fact]
    public void FlashAsync_CopyOfTheBackupDiffers_EndsUntouched()
    {
        var bench = Stocked();
        bench.Target.OnOperation = e =>
        {
            if (e.Operation == SimulatedOperation.OpenDeposit && bench.Target.Deposits.Length == 1)
            {
                bench.Target.InjectFrom(e.Number + 1, SimulatedFault.Corrupt);
                bench.Target.OnOperation = _ => bench.Target.ClearFaults();
            }
        };

        Bench.Fails<StagedCopyDiffers>(bench.Flash());
        Assert.True(bench.IsAllOld);
        Assert.Empty(bench.Target.Deposits);
        Assert.DoesNotContain(FlashJournalRecordKind.ArmIntent, bench.Disk.Kinds);
    }

    [Fact]
    public void FlashAsync_CutWhileTheBackupIsStaged_IsNotArmedAndTheNextRunCleansUp()
    {
        var bench = Stocked();
        bench.Target.OnOperation = e =>
        {
            if (e.Operation == SimulatedOperation.OpenDeposit && bench.Target.Deposits.Length == 1)
            {
                bench.Target.InjectFrom(e.Number + 2, SimulatedFault.CrashAfter);
                bench.Target.OnOperation = null;
            }
        };
        bench.FlashAndCrash();
        Assert.Equal(2, bench.Target.Deposits.Length);
        Assert.Equal(ArmedPhase.None, bench.Target.ArmedPhase);
        Assert.Equal([BackupCopy.Intended, BackupCopy.Intended], bench.Disk.Records[^1].Recovery.Select(p => p.Copy));

        bench.Target.ClearFaults();
        Bench.IsUpgraded(bench.Flash());
        Assert.Empty(bench.Target.Deposits);
    }

    [Fact]
    public void FlashAsync_RecoveryRequired_LeavesTheBackupAndNamesItsPlace()
    {
        var bench = Stocked(change: o => o with { PowerLossAtBlock = 1, PowerLossEnding = SimulatedPowerLossEnding.SaysRecovery });
        var report = bench.Flash();
        Assert.Equal(FlashOutcomeKind.RecoveryRequired, report.Outcome);
        var kept = Assert.Single(bench.Target.Deposits);
        Assert.All(report.Recovery, p => Assert.Equal((BackupCopy.Staged, $"deposit {kept.Id}"), (p.Copy, p.CopyLocation)));
        Assert.Equal(report.Recovery.Select(p => p.CopyLocation), bench.Disk.Records[^1].Recovery.Select(p => p.CopyLocation));
        Assert.Contains(kept.Id, report.Recovery[0].Steps[1], StringComparison.Ordinal);

        // Open as it is, nobody sweeps it.
        Assert.NotEqual(FlashOutcomeKind.Upgraded, bench.Flash().Outcome);
        Assert.Equal(kept, Assert.Single(bench.Target.Deposits));
    }

    [Fact]
    public void FlashAsync_AfterAnUpgradeThatWasGivenUp_LeavesItsBackupUntilOneComesUpWell()
    {
        var bench = Stocked();
        bench.FlashAndCrashAfter(FlashJournalRecordKind.Armed);
        Assert.True(bench.Clock.Drive(() => bench.Client().ForgetAsync(bench.FlashTarget, "operator", "nobody knows", CancellationToken.None)).TryGetValue(out _, out _));
        var kept = Assert.Single(bench.Target.Deposits, d => new DepositKey(d.Id, d.Generation).IsBackup);
        bench.Target.Restart();
        bench.Clock.Advance(TimeSpan.FromHours(1));
        Assert.True(bench.IsAllNew);

        bench.Images = [Bench.MiddleSystem.Image];
        bench.Catalog = Releases.With(Bench.MiddleSystem);
        bench.Policy = bench.Policy with { AllowDowngrade = true };
        ImmutableArray<string> beside = [];
        bench.Target.OnOperation = e => beside = e.Operation == SimulatedOperation.Arm ? [.. bench.Target.Deposits.Select(d => d.Id)] : beside;
        Bench.IsUpgraded(bench.Flash());
        Assert.Contains(kept.Id, beside);
        Assert.Empty(bench.Target.Deposits);
    }

    [Fact]
    public void CancelAsync_Armed_RemovesTheBackup()
    {
        var bench = Stocked();
        bench.FlashAndCrashAfter(FlashJournalRecordKind.Armed);
        Assert.Single(bench.Target.Deposits);

        Assert.Equal(new CancellationReport(TargetState.Untouched, WasArmed: true), bench.Cancel().GetValueOrThrow());
        Assert.Empty(bench.Target.Deposits);
    }

    [Fact]
    public void FlashAsync_TargetWithoutASystemPartition_IsToldByTheControllersRoad()
    {
        var bench = Stocked(SimulatedPersona.FlashingAtOnce with { UsesSystemPartition = false });
        bench.Policy = bench.Policy with { AllowImmediateFlash = true };
        var report = bench.Flash();
        Bench.IsUpgraded(report);
        Assert.All(report.Recovery, p => Assert.Equal((BackupCopy.NoPlace, RecoveryRoad.Controller), (p.Copy, p.Road)));
        Assert.All(bench.Disk.Records.Where(r => r.Kind == FlashJournalRecordKind.ArmIntent), r => Assert.NotEmpty(r.Recovery));
        Assert.Contains(Bench.OldArray.Sha256.ToString(), report.Recovery[^1].Steps[1], StringComparison.Ordinal);
    }

    [Fact]
    public void FlashAsync_StagerThatKnowsNoBackups_EndsUntouched()
    {
        var bench = Stocked();
        bench.Stager = new PlainStager(DefaultStages.Stager);
        Assert.Equal(TargetState.Untouched, Bench.Fails<CapabilityMissing>(bench.Flash()).TargetState);
        Assert.Empty(bench.Target.Deposits);
    }

    /// <summary>Names an image to come back with for every release.</summary>
    private sealed class NamingCatalog(ICompatibilityCatalog inner, RecoveryImage recovery) : ICompatibilityCatalog
    {
        public async ValueTask<FlashResult<CompatibilityVerdict>> EvaluateAsync(CompatibilityQuery query, CancellationToken cancellationToken)
        {
            var verdict = (await inner.EvaluateAsync(query, cancellationToken)).GetValueOrThrow();
            return verdict with { Components = [.. verdict.Components.Select(c => c with { Path = [.. c.Path.Select(r => r with { Recovery = recovery })] })] };
        }
    }

    private sealed class PlainStager(IImageStager inner) : IImageStager
    {
        public ValueTask<FlashResult<StagingEvidence>> StageAsync(StageContext context, ApprovedUpgrade approved, DepositKey deposit, CancellationToken cancellationToken) =>
            inner.StageAsync(context, approved, deposit, cancellationToken);

        public ValueTask<FlashResult<CleanUpEvidence>> CleanUpAsync(StageContext context, CleanUpScope scope, CancellationToken cancellationToken) =>
            inner.CleanUpAsync(context, scope, cancellationToken);
    }
}
