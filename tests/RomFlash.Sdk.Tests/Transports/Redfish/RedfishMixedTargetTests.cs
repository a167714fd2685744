using RomFlash.Sdk.Confirmation;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Journal;
using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Pipeline;
using RomFlash.Sdk.Probing;
using RomFlash.Sdk.Targets;
using RomFlash.Sdk.Testing;
using RomFlash.Sdk.Testing.Simulation;
using RomFlash.Sdk.Tests.Journal;
using RomFlash.Sdk.Tests.Pipeline;
using RomFlash.Sdk.Tests.Transports.Directory;
using RomFlash.Sdk.Transports.Directory;

namespace RomFlash.Sdk.Tests.Transports.Redfish;

/// <summary>One machine at two addresses: its system partition, which takes the capsule, and its management controller, which restarts it and counts its boots.</summary>
public sealed class RedfishMixedTargetTests : IDisposable
{
    private readonly EspFixture _esp = new();
    private readonly Scratch _scratch = new();

    public void Dispose()
    {
        _esp.Dispose();
        _scratch.Dispose();
    }

    [Fact]
    public async Task FlashAsync_CapsuleByFolderAndRestartByController_IsUpgraded()
    {
        await using var rig = await StartAsync(EspFixture.Machine, Bench.OldSystem);
        await using var journal = await OpenJournalAsync();
        _esp.WriteFacts(boot: null, Bench.OldSystem);
        var boots = rig.Target.BootCount;
        rig.Face.Interfere = _ =>
        {
            rig.Clock.Advance(TimeSpan.FromSeconds(5));
            if (rig.Target.BootCount > boots)
            {
                boots = rig.Target.BootCount;
                _esp.PlayBoot(boot: null, Bench.NewSystem);
            }

            return null;
        };

        var report = await Client(rig, journal).FlashAsync(Request(rig, RebootMode.Request), null, CancellationToken.None);

        Assert.True(report.Result.TryGetValue(out var outcome, out var failure), $"{failure}\n{string.Join("\n", report.Blockers)}");
        Assert.IsType<Upgraded>(outcome);
        Assert.Equal(1, rig.Target.BootCount);
        var origins = report.Probe!.Evidence.Origins;
        Assert.Equal([rig.Address], Of("Power"));
        Assert.Equal([rig.Address], Of(nameof(FactKinds.Boot)));
        Assert.Equal([Folder], Of("Deposit"));
        Assert.Equal([Folder], Of("Arming"));
        Assert.Equal([Folder], Of(nameof(FactKinds.Roms)));
        Assert.Equal([Folder, rig.Address], Of(FactOrigin.Identified));
        Assert.Single(rig.Target.History, e => e.Kind == SimulatedEventKind.RebootRequested);
        Assert.DoesNotContain(rig.Target.History, e => e.Kind is SimulatedEventKind.DepositOpened or SimulatedEventKind.Armed);
        Assert.False(System.IO.Directory.Exists(_esp.Capsules) && System.IO.Directory.EnumerateFileSystemEntries(_esp.Capsules).Any(), _esp.Tree());

        IEnumerable<string> Of(string what) => origins.Where(o => o.What == what).Select(o => o.Endpoint);
    }

    [Fact]
    public async Task FlashAsync_ControllerOfAnotherMachine_WritesNothing()
    {
        await using var rig = await StartAsync(new() { SmbiosUuid = new Guid("99999999-4455-6677-8899-aabbccddeeff"), SerialNumber = "CZ9999" }, Bench.OldSystem);
        await using var journal = await OpenJournalAsync();
        _esp.WriteFacts(boot: null, Bench.OldSystem);
        var before = _esp.Tree();

        var report = await Client(rig, journal).FlashAsync(Request(rig, RebootMode.Request), null, CancellationToken.None);

        Assert.False(report.Result.TryGetValue(out _, out var failure));
        Assert.IsType<TargetIdentityChanged>(failure);
        Assert.Equal(TargetState.Untouched, failure.TargetState);
        Assert.Equal(before, _esp.Tree());
        Assert.DoesNotContain(rig.Target.History, e => e.Kind is SimulatedEventKind.DepositOpened or SimulatedEventKind.Armed or SimulatedEventKind.RebootRequested);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task ConfirmAsync_FolderCountedTheBoots_TheControllersCountIsNotTakenForIt(bool folderIsThere)
    {
        // The controller tells the new version all along: with its count of boots taken for the folder's, this would be an upgrade.
        await using var rig = await StartAsync(EspFixture.Machine, Bench.NewSystem);
        await using var journal = await OpenJournalAsync();
        _esp.WriteFacts("boot-1", Bench.OldSystem);
        var client = Client(rig, journal);
        var request = Request(rig, RebootMode.LeaveToOperator);
        var report = await client.FlashAsync(request, null, CancellationToken.None);
        Assert.True(report.Outcome == FlashOutcomeKind.Pending, $"{report.Result}\n{string.Join("\n", report.Blockers)}");
        Assert.Equal([Folder], report.Probe!.Evidence.Origins.Where(o => o.What == nameof(FactKinds.Boot)).Select(o => o.Endpoint));

        rig.Target.Restart();
        rig.Clock.Advance(TimeSpan.FromMinutes(10));
        Assert.Equal(1, rig.Target.BootCount);
        _esp.PlayBoot("boot-2", Bench.NewSystem);
        if (!folderIsThere)
        {
            System.IO.Directory.Move(_esp.Root, _esp.Root + ".away");
            File.Move(_esp.FactsFile, _esp.FactsFile + ".away");
        }

        var confirmed = await client.ConfirmAsync(request.Target, TimeSpan.Zero, null, CancellationToken.None);

        if (folderIsThere)
        {
            Bench.IsUpgraded(confirmed);
            return;
        }

        Assert.False(confirmed.Result.TryGetValue(out _, out var failure), confirmed.Result.ToString());
        var indeterminate = Assert.IsType<OutcomeIndeterminate>(failure);
        Assert.Contains("'redfish'", indeterminate.Detail, StringComparison.Ordinal);
    }

    private string Folder => "dir:" + _esp.Root;

    private static Task<FaceRig> StartAsync(TargetIdentity identity, SimulatedRom rom) =>
        FaceRig.StartAsync(change: o => o with { Identity = identity, Roms = [new("system", rom) { Name = "System ROM", Sources = [FactSource.Redfish, FactSource.Smbios] }] });

    private FlashRequest Request(FaceRig rig, RebootMode reboot)
    {
        var target = FlashTarget.TryCreate("server-1", TargetEndpoint.TryCreate(Folder).GetValueOrThrow(), rig.Endpoint).GetValueOrThrow();
        return new(target, [Bench.NewSystem.Image], FlashPolicy.Default with
        {
            Reboot = reboot,
            RebootDelay = TimeSpan.Zero,
            Deadlines = new() { PollInterval = TimeSpan.FromMilliseconds(5), RetryDelay = TimeSpan.FromMilliseconds(5), Settle = TimeSpan.FromSeconds(2), Return = TimeSpan.FromSeconds(20) },
        });
    }

    private static RomFlashClient Client(FaceRig rig, IFlashJournal journal) => new(new RomFlashClientOptions
    {
        Transports = [new DirectoryTransport(), rig.Transport],
        Catalog = SimulatedCatalog.Of(Bench.NewSystem),
        Journal = journal,
        Credentials = CredentialSources.From((_, endpoint, _) => new(FlashResult<TargetCredentials>.From(endpoint.Scheme == "dir" ? TargetCredentials.None : FaceRig.Credentials()))),
    });

    private async Task<FileFlashJournal> OpenJournalAsync() =>
        (await FileFlashJournal.OpenAsync(_scratch["journal"], new FileFlashJournalOptions { TimeProvider = TimeProvider.System }, CancellationToken.None)).GetValueOrThrow();
}
