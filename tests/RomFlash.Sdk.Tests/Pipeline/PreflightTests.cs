using RomFlash.Sdk.Compatibility;
using RomFlash.Sdk.Confirmation;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Pipeline;
using RomFlash.Sdk.Probing;
using RomFlash.Sdk.Scheduling;
using RomFlash.Sdk.Targets;
using RomFlash.Sdk.Testing.Simulation;
using RomFlash.Sdk.Transports;

namespace RomFlash.Sdk.Tests.Pipeline;

/// <summary>The check finds everything that speaks against an upgrade, all at once, and waivers set aside what may be set aside.</summary>
public sealed class PreflightTests
{
    private static readonly string[] Everything =
    [
        "image-not-in-catalog=RF4014",
        "access-denied=RF3001",
        "service-stopped=RF3006",
        "pending-reboot=RF4012",
        "external-power=RF4012",
        "battery=RF4012",
        "health=RF4012",
        "disk-encryption-sealed=RF4013",
        "system-partition-too-small=RF6002",
        "system-partition-not-fat=RF6005",
        "system-partition-without-efi=RF6005",
        "system-partition-not-booted=RF6005",
        "system-partition-read-only=RF6004",
        "system-partition-full=RF6003",
        "verification-too-weak=RF6007",
        "claimed=RF6008",
        "foreign-capsule=RF7002",
        "another-flash-pending=RF7001",
        "immediate-flash=RF7004",
        "window-over=RF7008",
    ];

    private static Bench Hopeless()
    {
        var bench = new Bench(SimulatedPersona.FlashingAtOnce with { Verification = [VerificationMethod.DigestOnTarget] }, o => o with
        {
            Accounts = [new SimulatedAccount("operator", "secret", isAdministrator: false)],
            Services = [new("RemoteRegistry", false)],
            Readiness = new() { PendingReboot = true, ExternalPower = false, BatterySufficient = false, Healthy = false, DiskEncryptionSealed = true, InRecovery = false },
            SystemPartition = o.SystemPartition with { TotalBytes = 31_999_999, FreeBytes = 0, FileSystem = "ext4", HasEfiDirectory = false, IsBootVolume = false, IsReadOnly = true },
        })
        {
            Credentials = CredentialSources.From((_, _, _) => new(TargetCredentials.Password("operator", new Secret("secret")))),
        };
        bench.Target.PlantClaim("somebody else");
        bench.Target.PlantForeignCapsule("foreign.cap", Bench.OldSystem.Content);
        bench.Images = bench.Images.Add(Bench.SystemRom("U30 v9.99 (01/01/2024)", 0x0009_9900, 9).Image);
        bench.Policy = bench.Policy with
        {
            MinimumVerification = VerificationMethod.ReadBack,
            Window = FlashWindow.Between(bench.Clock.GetUtcNow().AddDays(-2), bench.Clock.GetUtcNow().AddDays(-1)),
        };
        return bench;
    }

    private static string[] Names(IEnumerable<FlashBlocker> blockers) => [.. blockers.Select(b => $"{b.Name}={b.Failure.Code}")];

    [Fact]
    public void PreflightAsync_TargetWithEveryProblem_ReportsAllOfThemAtOnce()
    {
        var bench = Hopeless();
        var report = bench.Preflight();
        Assert.Equal(Everything, Names(report.Blockers));
        Assert.Empty(report.Components);
        Assert.Equal([SimulatedEventKind.ClaimAcquired], Bench.Done(bench.Target)); // That of the other client, which the test planted.
        Assert.Empty(bench.Disk.Records);
    }

    [Fact]
    public void FlashAsync_TargetWithEveryProblem_ReportsTheSameAndWritesNothing()
    {
        var bench = Hopeless();
        var report = bench.Flash();
        Assert.Equal(Everything, Names(report.Blockers));
        Assert.Same(report.Blockers[0].Failure.Code, Bench.FailureOf(report.Result).Code);
        Assert.Equal([SimulatedEventKind.ClaimAcquired], Bench.Done(bench.Target)); // That of the other client, which the test planted.
        Assert.Empty(bench.Disk.Records);
    }

    [Fact]
    public void FlashAndPreflight_CatalogThatWasAcceptedAllTheSame_IsNamedInTheReports()
    {
        var provenance = new CatalogProvenance("rack 7", default) { Serial = 41, Accepted = [CatalogWeakness.Unsigned, CatalogWeakness.OlderThanSeen] };
        var bench = new Bench();
        bench.Catalog = new NamedCatalog(bench.Catalog, provenance);
        Assert.Same(provenance, Assert.Single(bench.Preflight().Catalogs));
        var report = bench.Flash();
        Bench.IsUpgraded(report);
        Assert.Same(provenance, Assert.Single(report.Catalogs));
    }

    [Fact]
    public void PreflightAsync_EverythingWaivedByName_SetsAsideOnlyWhatMayBe()
    {
        var bench = Hopeless();
        bench.Policy = bench.Policy with { Waivers = [.. Everything.Select(e => new BlockerWaiver(e.Split('=')[0], "operator", "on purpose"))] };
        var report = bench.Preflight();
        string[] waivable = ["pending-reboot", "external-power", "battery", "health", "disk-encryption-sealed"];
        Assert.Equal(waivable, report.Waived.Select(w => w.Blocker));
        Assert.Equal(Everything.Where(e => !waivable.Contains(e.Split('=')[0])), Names(report.Blockers));
    }

    [Theory]
    [InlineData("", "why", false)]
    [InlineData("who", " ", false)]
    [InlineData("who", "why", true)]
    public void FlashAsync_Waiver_CountsOnlyWithWhoAndWhy(string who, string why, bool counts)
    {
        var bench = new Bench(change: o => o with { Readiness = o.Readiness with { PendingReboot = true } });
        bench.Policy = bench.Policy with { Waivers = [new("pending-reboot", who, why)] };
        var report = bench.Flash();
        Assert.Equal(counts ? FlashOutcomeKind.Upgraded : FlashOutcomeKind.NotFlashed, report.Outcome);
        Assert.Equal(counts, bench.Disk.Records.Any(r => r.Waivers.Any(w => w.Who == "who" && w.Why == "why")));
    }

    [Theory]
    [InlineData(31_999_999, "RF6002")]
    [InlineData(32_000_000, null)]
    [InlineData(33_470_464, null)]
    public void FlashAsync_SystemPartition_NeedsThirtyTwoMillionBytes(long bytes, string? code)
    {
        var bench = new Bench(change: o => o with { SystemPartition = o.SystemPartition with { TotalBytes = bytes, FreeBytes = 30_000_000 } });
        var report = bench.Flash();
        Assert.Equal(code, report.Result.TryGetValue(out _, out var failure) ? null : failure.Code);
        Assert.Equal(code is null, bench.IsAllNew);
    }

    [Theory]
    [InlineData(Bench.System, RebootMode.Request, true)]
    [InlineData(Bench.Array, RebootMode.Request, true)]
    [InlineData(Bench.System, RebootMode.LeaveToOperator, false)]
    public void PreflightAsync_ReleaseThatNeedsAPowerCycle_IsABlockerUnlessAnOperatorRestarts(string component, RebootMode reboot, bool isBlocked)
    {
        var bench = new Bench();
        bench.Catalog = new PowerCycling(bench.Catalog, component, 0);
        bench.Policy = bench.Policy with { Reboot = reboot, Waivers = [new("power-cycle-required", "operator", "it can't be waived")] };

        var report = bench.Preflight();

        Assert.Equal(isBlocked ? ["power-cycle-required=RF4019"] : [], Names(report.Blockers));
        Assert.Equal(!isBlocked, report.Components.Length == 2);
        if (isBlocked)
        {
            Assert.Contains(component, report.Blockers[0].Failure.Detail, StringComparison.Ordinal);
            Bench.Fails<PowerCycleRequired>(bench.Flash());
            Assert.Empty(Bench.Done(bench.Target));
        }
    }

    [Fact]
    public void PreflightAsync_PowerCycleAfterTheNextBoot_BlocksBeforeTheFirst()
    {
        // One component for each boot: the system ROM first, and the array controller, which needs the power cycle, after it.
        var bench = new Bench(SimulatedPersona.OneComponentPerBoot);
        bench.Catalog = new PowerCycling(bench.Catalog, Bench.Array, 0);

        Bench.Fails<PowerCycleRequired>(bench.Flash());
        Assert.Empty(Bench.Done(bench.Target));

        // A stone that needs none comes before a release that does.
        bench = new Bench { Images = [Bench.MiddleSystem.Image, Bench.NewSystem.Image] };
        bench.Catalog = new PowerCycling(
            SimulatedCatalog.Of(Bench.MiddleSystem).With(Bench.NewSystem, new(FactSource.Smbios, Bench.MiddleSystem.Version), new(FactSource.Esrt, RomVersion.FromPacked(Bench.MiddleSystem.PackedVersion))),
            Bench.System,
            1);
        Assert.Equal(["power-cycle-required=RF4019"], Names(bench.Preflight().Blockers));
        Bench.Fails<PowerCycleRequired>(bench.Flash());
        Assert.True(bench.IsAllOld);
    }

    [Fact]
    public void FlashAsync_DryRun_WritesNothingAndSaysWhatItWould()
    {
        var bench = new Bench();
        bench.Policy = bench.Policy with { DryRun = true };
        var report = bench.Flash();
        Assert.Equal(FlashOutcomeKind.WouldUpgrade, report.Outcome);
        Assert.Equal([Bench.System, Bench.Array], report.Components.Select(c => c.ComponentId));
        Assert.Empty(Bench.Done(bench.Target));
        Assert.Empty(bench.Disk.Records);
    }

    [Fact]
    public void FlashAsync_Upgrade_ReportsProgressInOrder()
    {
        var seen = new List<FlashProgress>();
        var bench = new Bench { Progress = new Listener(seen.Add) };
        Bench.IsUpgraded(bench.Flash());

        FlashStage[] expected = [FlashStage.Probe, FlashStage.Check, FlashStage.Stage, FlashStage.Verify, FlashStage.Wait, FlashStage.Arm, FlashStage.Reboot, FlashStage.Confirm, FlashStage.CleanUp];
        var stages = seen.Select(p => p.Stage).Where(expected.Contains).Distinct().ToArray();
        Assert.Equal(expected.Where(stages.Contains), stages);
        Assert.Superset(new HashSet<FlashStage> { FlashStage.Probe, FlashStage.Check, FlashStage.Stage, FlashStage.Confirm }, stages.ToHashSet());

        var sent = seen.Where(p => p.Stage == FlashStage.Stage && p.BytesTotal > 0).ToArray();
        var total = Bench.NewSystem.Content.Length + Bench.NewArray.Content.Length;
        Assert.Equal(sent.Select(p => p.BytesDone).Order(), sent.Select(p => p.BytesDone));
        Assert.All(sent, p => Assert.Equal(total, p.BytesTotal));
        Assert.Equal(total, sent[^1].BytesDone);
        Assert.All(seen, p => Assert.Equal(bench.FlashTarget.Id, p.TargetId));
    }

    private sealed class Listener(Action<FlashProgress> listen) : IProgress<FlashProgress>
    {
        public void Report(FlashProgress value) => listen(value);
    }

    private sealed class NamedCatalog(ICompatibilityCatalog inner, CatalogProvenance provenance) : ICompatibilityCatalog
    {
        public async ValueTask<FlashResult<CompatibilityVerdict>> EvaluateAsync(CompatibilityQuery query, CancellationToken cancellationToken) =>
            (await inner.EvaluateAsync(query, cancellationToken)).TryGetValue(out var verdict, out var failure) ? verdict with { Catalogs = [provenance] } : failure;
    }

    /// <summary>Says of one release of a path that it needs a power cycle.</summary>
    private sealed class PowerCycling(ICompatibilityCatalog inner, string component, int step) : ICompatibilityCatalog
    {
        public async ValueTask<FlashResult<CompatibilityVerdict>> EvaluateAsync(CompatibilityQuery query, CancellationToken cancellationToken)
        {
            var verdict = (await inner.EvaluateAsync(query, cancellationToken)).GetValueOrThrow();
            return verdict with
            {
                Components = [.. verdict.Components.Select(c => c.ComponentId == component && c.Path.Length > step
                    ? c with { Path = c.Path.SetItem(step, c.Path[step] with { Reboot = RebootNeed.PowerCycle }) }
                    : c)],
            };
        }
    }
}
