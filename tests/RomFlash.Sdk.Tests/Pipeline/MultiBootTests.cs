using System.Collections.Immutable;
using RomFlash.Sdk.Compatibility;
using RomFlash.Sdk.Confirmation;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Journal;
using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Pipeline;
using RomFlash.Sdk.Probing;
using RomFlash.Sdk.Testing.Simulation;

namespace RomFlash.Sdk.Tests.Pipeline;

/// <summary>Upgrades that take more than one boot.</summary>
public sealed class MultiBootTests
{
    private static readonly ReportedVersion[] Middle = [new(FactSource.Smbios, Bench.MiddleSystem.Version), new(FactSource.Esrt, RomVersion.FromPacked(Bench.MiddleSystem.PackedVersion))];

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void FlashAsync_OneComponentPerBoot_FlashesEachComponentExactlyOnce(bool reflash)
    {
        var bench = new Bench(SimulatedPersona.OneComponentPerBoot);
        bench.Policy = bench.Policy with { Reflash = reflash };
        var report = bench.Flash();
        Bench.IsUpgraded(report);
        Assert.Equal([Bench.System, Bench.Array], Bench.Flashed(bench.Target));
        Assert.Equal(2, bench.Target.BootCount);
        Assert.True(report.Result.TryGetValue(out var outcome, out _));
        Assert.Equal([Bench.System, Bench.Array], outcome!.Components.Select(c => c.ComponentId));
    }

    [Fact]
    public void FlashAsync_CancelledBetweenBoots_IsIncomplete()
    {
        using var cancellation = new CancellationTokenSource();
        var bench = new Bench(SimulatedPersona.OneComponentPerBoot);
        bench.Target.OnOperation = _ =>
        {
            if (bench.Disk.Kinds.Contains(FlashJournalRecordKind.Concluded))
            {
                cancellation.Cancel();
            }
        };

        var report = bench.Flash(cancellation.Token);
        Assert.Equal(TargetState.RomChanged, Bench.Fails<OperationCancelled>(report).TargetState);
        Assert.Equal(FlashOutcomeKind.Incomplete, report.Outcome);
        Assert.Equal([Bench.System], report.Completed.Select(c => c.ComponentId));
        Assert.True(bench.IsNew(Bench.System));
        Assert.False(bench.IsNew(Bench.Array));
        Assert.Null(bench.Target.Claim);
    }

    [Fact]
    public void FlashAsync_AdoptsTheFirstOfTwoBoots_GoesOnWithTheSecond()
    {
        var bench = new Bench(SimulatedPersona.OneComponentPerBoot);
        bench.FlashAndCrashAfter(FlashJournalRecordKind.RebootRequested);
        bench.Clock.Advance(TimeSpan.FromMinutes(10));

        Bench.IsUpgraded(bench.Flash());
        Assert.True(bench.IsAllNew);
        Assert.Equal([Bench.System, Bench.Array], Bench.Flashed(bench.Target));
    }

    [Fact]
    public void FlashAsync_SteppingStone_TakesTwoBoots()
    {
        var bench = new Bench { Images = [Bench.MiddleSystem.Image, Bench.NewSystem.Image] };
        bench.Catalog = SimulatedCatalog.Of(Bench.MiddleSystem).With(Bench.NewSystem, [.. Middle]);
        Bench.IsUpgraded(bench.Flash());
        Assert.Equal(2, bench.Target.BootCount);
        Assert.Equal([Bench.MiddleSystem.Sha256, Bench.NewSystem.Sha256], bench.Target.History.Where(e => e.Kind == SimulatedEventKind.Flashed).Select(e => e.Digest));
    }

    [Fact]
    public void FlashAsync_SteppingStoneIsMissing_IsFoundBeforeTheFirstFlash()
    {
        var bench = new Bench { Images = [Bench.NewSystem.Image] };
        bench.Catalog = SimulatedCatalog.Of(Bench.MiddleSystem).With(Bench.NewSystem, [.. Middle]);
        var report = bench.Flash();
        Bench.Fails<IntermediateVersionRequired>(report);
        Assert.All(report.Blockers, b => Assert.Equal("intermediate-version-required", b.Name));
        Assert.Empty(Bench.Done(bench.Target));
    }

    [Fact]
    public void FlashAsync_MiddleSteppingStoneIsMissing_IsFoundBeforeTheFirstFlash()
    {
        // 2.40 -> 2.42 -> 2.45 -> 2.50, and the image of 2.45 is not at hand.
        var first = Bench.SystemRom("U30 v2.42 (02/12/2020)", 0x0002_4200, 7);
        var bench = new Bench { Images = [first.Image, Bench.NewSystem.Image] };
        bench.Catalog = new FixedPath([first.ToRelease(), Bench.MiddleSystem.ToRelease(), Bench.NewSystem.ToRelease()]);
        Bench.Fails<IntermediateVersionRequired>(bench.Flash());
        Assert.Empty(Bench.Done(bench.Target));
    }

    [Fact]
    public void FlashAsync_ConclusionsCanNotBeJournalled_EndsInsteadOfGoingRound()
    {
        var bench = new Bench(SimulatedPersona.OneComponentPerBoot);
        bench.Disk.OnAppend = r => r.Kind == FlashJournalRecordKind.Concluded ? BenchFault.Fail : null;
        var report = bench.Flash();
        Assert.Equal(TargetState.RomChanged, Bench.Fails<JournalUnavailable>(report).TargetState);
        Assert.Equal([Bench.System], Bench.Flashed(bench.Target));
    }

    [Fact]
    public void FlashAsync_AdoptedAndConclusionCanNotBeJournalled_EndsInsteadOfGoingRound()
    {
        var bench = new Bench();
        bench.FlashAndCrashAfter(FlashJournalRecordKind.RebootRequested);
        bench.Clock.Advance(TimeSpan.FromMinutes(10));
        bench.Disk.OnAppend = _ => BenchFault.Fail;
        var report = bench.Flash();
        Assert.Equal(TargetState.RomChanged, Bench.Fails<JournalUnavailable>(report).TargetState);
        Assert.Equal([Bench.System, Bench.Array], Bench.Flashed(bench.Target));

        bench.Disk.OnAppend = null;
        Bench.IsUpgraded(bench.Flash());
        Assert.Equal([Bench.System, Bench.Array], Bench.Flashed(bench.Target));
    }

    private sealed class FixedPath(ImmutableArray<RomRelease> path) : ICompatibilityCatalog
    {
        public ValueTask<FlashResult<CompatibilityVerdict>> EvaluateAsync(CompatibilityQuery query, CancellationToken cancellationToken) => new(new CompatibilityVerdict
        {
            IsTargetSupported = true,
            Components = [new() { ComponentId = Bench.System, Decision = RomDecision.Approved, Path = path }],
        });
    }
}
