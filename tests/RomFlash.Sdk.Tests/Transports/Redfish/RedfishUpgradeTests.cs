using System.Collections.Immutable;
using RomFlash.Sdk.Compatibility;
using RomFlash.Sdk.Confirmation;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Journal;
using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Pipeline;
using RomFlash.Sdk.Probing;
using RomFlash.Sdk.Targets;
using RomFlash.Sdk.Testing.Redfish;
using RomFlash.Sdk.Testing.Simulation;
using RomFlash.Sdk.Transports;
using FaceFault = RomFlash.Sdk.Testing.Redfish.RedfishFault;

namespace RomFlash.Sdk.Tests.Transports.Redfish;

/// <summary>Whole upgrades through a controller. The server's clock moves on with every request, so that nothing here waits for real.</summary>
public sealed class RedfishUpgradeTests : IDisposable
{
    private readonly string _folder = System.IO.Directory.CreateTempSubdirectory("romflash-redfish-").FullName;

    [Theory]
    [InlineData(RedfishVendor.Generic, RedfishApplyTime.OnStartUpdateRequest, false)]
    [InlineData(RedfishVendor.Generic, RedfishApplyTime.OnStartUpdateRequest, true)]
    [InlineData(RedfishVendor.Generic, RedfishApplyTime.OnReset, false)]
    [InlineData(RedfishVendor.Generic, RedfishApplyTime.Immediate, false)]
    [InlineData(RedfishVendor.Generic, RedfishApplyTime.Immediate, true)]
    [InlineData(RedfishVendor.OpenBmc, RedfishApplyTime.OnReset, false)]
    [InlineData(RedfishVendor.Dell, RedfishApplyTime.OnReset, false)]
    [InlineData(RedfishVendor.Supermicro, RedfishApplyTime.OnStartUpdateRequest, true)]
    [InlineData(RedfishVendor.Hpe, RedfishApplyTime.Immediate, true)]
    public async Task FlashAsync_SystemAndArrayController_AreUpgradedByEvidence(RedfishVendor vendor, RedfishApplyTime applyTime, bool writesBeforeRestart)
    {
        await using var rig = await FaceRig.StartAsync(FaceRig.Options(vendor, applyTime) with { AppliesWhileRunning = writesBeforeRestart });
        await using var world = await World.CreateAsync(rig, _folder);

        var report = await world.FlashAsync();

        Assert.True(report.Result.TryGetValue(out var outcome, out var failure), $"{failure}\n{string.Join("\n", report.Blockers)}");
        Assert.IsType<Upgraded>(outcome);
        Assert.Equal(FaceRig.NewSystem.Sha256, rig.Target.RomOf("system")!.Sha256);
        Assert.Equal(FaceRig.NewArray.Sha256, rig.Target.RomOf("array-0")!.Sha256);
        Assert.Equal(VerificationMethod.AcceptedByDevice, report.Verification);
        Assert.False(rig.Target.NeedsRecovery);
    }

    [Fact]
    public async Task FlashAsync_ServiceFlashesAtOnceAndPolicyDoesNotAllowIt_NothingIsSent()
    {
        await using var rig = await FaceRig.StartAsync(FaceRig.Options(RedfishVendor.Generic, RedfishApplyTime.Immediate));
        await using var world = await World.CreateAsync(rig, _folder);

        var report = await world.FlashAsync(p => p with { AllowImmediateFlash = false });

        Assert.False(report.Result.TryGetValue(out _, out var failure));
        Assert.IsType<ImmediateFlashNotAllowed>(failure);
        Assert.DoesNotContain(rig.Target.History, e => e.Kind is SimulatedEventKind.DepositOpened or SimulatedEventKind.Armed);
    }

    [Fact]
    public async Task FlashAsync_ControllerRefusesTheImage_TellsItsMessage()
    {
        await using var rig = await FaceRig.StartAsync(FaceRig.Options(RedfishVendor.Generic, RedfishApplyTime.OnStartUpdateRequest));
        await using var world = await World.CreateAsync(rig, _folder);
        world.Meet = r => r.Method == "POST" && r.Path.EndsWith("upload", StringComparison.OrdinalIgnoreCase) ? FaceFault.Answer(400, """{"error":{"code":"Base.1.18.GeneralError","message":"m","@Message.ExtendedInfo":[{"MessageId":"Update.1.0.VerificationFailed","Message":"no good","MessageArgs":["x"]}]}}""", "application/json") : null;

        var report = await world.FlashAsync();

        Assert.False(report.Result.TryGetValue(out _, out var failure));
        Assert.Equal(TargetState.Untouched, failure!.TargetState);
        Assert.DoesNotContain(rig.Target.History, e => e.Kind is SimulatedEventKind.Armed);
        if (world.Met > 0)
        {
            Assert.Equal("Update.VerificationFailed", failure.PeerCode!.Value.Symbol);
        }
    }

    [Fact]
    public async Task ProbeAsync_Account_IsProvedByItsRole()
    {
        await using var rig = await FaceRig.StartAsync();
        await using var admin = await rig.ConnectAsync();
        await using var reader = await rig.ConnectAsync(FaceRig.Reader);

        var facts = FaceRig.Value(await ((IFactsCapability)admin).ReadFactsAsync(FactKinds.All, CancellationToken.None));
        var less = FaceRig.Value(await ((IFactsCapability)reader).ReadFactsAsync(FactKinds.Account, CancellationToken.None));

        Assert.True(facts.Account.TryGet(out var rights), facts.Account.ToString());
        Assert.Equal(AccountRights.Administrator, rights);
        Assert.False(less.Account.TryGet(out var lessRights) && lessRights == AccountRights.Administrator);
        Assert.True(facts.Identity.TryGet(out var identity) && identity.IsIdentifying);
        Assert.True(facts.Boot.TryGet(out var boot));
        Assert.Equal("redfish", boot!.Source);
        Assert.True(facts.Roms.TryGet(out var roms));
        Assert.Equal(["array-0", "system"], roms.Where(r => r.Id is "system" or "array-0").Select(r => r.Id).Order(StringComparer.Ordinal));
        var array = roms.Single(r => r.Id == "array-0");
        Assert.Equal(RomKind.ArrayController, array.Kind);
        Assert.Equal(FaceRig.OldArray.Pci, array.Pci);
        var system = roms.Single(r => r.Id == "system");
        Assert.Equal((RomKind.SystemRom, (Guid?)FaceRig.SystemClass), (system.Kind, system.FirmwareClass));
        Assert.Contains(system.Versions, v => v.Source == FactSource.Smbios && v.Version.Text == "1.0.0");
    }

    public void Dispose() => System.IO.Directory.Delete(_folder, recursive: true);

    /// <summary>A client, its journal, and a server whose clock moves on with each request.</summary>
    private sealed class World : IAsyncDisposable
    {
        private readonly FaceRig _rig;
        private readonly FileFlashJournal _journal;
        private readonly RomFlashClient _client;

        private World(FaceRig rig, FileFlashJournal journal)
        {
            _rig = rig;
            _journal = journal;
            _client = new RomFlashClient(new RomFlashClientOptions
            {
                Transports = [rig.Transport],
                Catalog = new RedfishCatalog(SimulatedCatalog.Of(FaceRig.NewSystem, FaceRig.NewArray)),
                Journal = journal,
                Credentials = CredentialSources.From((_, _, _) => new(FlashResult<TargetCredentials>.From(FaceRig.Credentials()))),
            });
            rig.Face.Interfere = request =>
            {
                rig.Clock.Advance(TimeSpan.FromSeconds(5));
                if (Meet?.Invoke(request) is not { } fault)
                {
                    return null;
                }

                Met++;
                return fault;
            };
        }

        public Func<RedfishRequest, FaceFault?>? Meet { get; set; }

        public int Met { get; private set; }

        public static async Task<World> CreateAsync(FaceRig rig, string folder) =>
            new(rig, (await FileFlashJournal.OpenAsync(Path.Combine(folder, "journal"), new FileFlashJournalOptions { TimeProvider = TimeProvider.System }, CancellationToken.None)).GetValueOrThrow());

        public Task<FlashReport> FlashAsync(Func<FlashPolicy, FlashPolicy>? change = null)
        {
            var policy = FlashPolicy.Default with
            {
                AllowImmediateFlash = true,
                RebootDelay = TimeSpan.Zero,
                Deadlines = new() { PollInterval = TimeSpan.FromMilliseconds(5), RetryDelay = TimeSpan.FromMilliseconds(5), Settle = TimeSpan.FromSeconds(2), Return = TimeSpan.FromSeconds(20) },
                Waivers = [.. new[] { "pending-reboot-unknown", "disk-encryption-unknown", "external-power-unknown", "battery-unknown", "health-unknown" }.Select(b => new BlockerWaiver(b, "test", "a controller does not tell"))],
            };
            var target = FlashTarget.TryCreate("server-1", _rig.Endpoint).GetValueOrThrow();
            return _client.FlashAsync(new FlashRequest(target, [FaceRig.NewSystem.Image, FaceRig.NewArray.Image], (change ?? (p => p))(policy)), null, CancellationToken.None);
        }

        public ValueTask DisposeAsync() => _journal.DisposeAsync();
    }

    /// <summary>A catalog that knows what a Redfish inventory reports of its releases.</summary>
    private sealed class RedfishCatalog(ICompatibilityCatalog inner) : ICompatibilityCatalog
    {
        public async ValueTask<FlashResult<CompatibilityVerdict>> EvaluateAsync(CompatibilityQuery query, CancellationToken cancellationToken)
        {
            // The simulated releases know their versions as the device tells them; what a controller calls them is the same text.
            var evidence = query.Report.Evidence;
            var roms = query.Report.Roms.Select(r => r with { Versions = [.. r.Versions, .. r.Versions.Where(v => v.Source == FactSource.Redfish).Select(v => new ReportedVersion(FactSource.Device, v.Version))] }).ToImmutableArray();
            var report = TargetReport.TryCreate(query.Report.Target, evidence with { Facts = evidence.Facts with { Roms = roms } }).GetValueOrThrow();
            if (!(await inner.EvaluateAsync(query with { Report = report }, cancellationToken)).TryGetValue(out var verdict, out var failure))
            {
                return failure;
            }

            return verdict with { Components = [.. verdict.Components.Select(c => c with { Path = [.. c.Path.Select(r => r with { ReportedAs = [.. r.ReportedAs, new(FactSource.Redfish, r.Version)] })] })] };
        }
    }
}
