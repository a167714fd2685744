using RomFlash.Peers.Firmware;
using RomFlash.Sdk.Compatibility;
using RomFlash.Sdk.Confirmation;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Journal;
using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Pipeline;
using RomFlash.Sdk.Targets;
using RomFlash.Sdk.Tests.Journal;
using RomFlash.Sdk.Transports.Inventory;
using Xunit.Abstractions;

namespace RomFlash.Sdk.Tests.FirmwareLab;

/// <summary>An operator's client, with a journal in a file, in front of boards of the lab; says of each case what was staged, what is expected, what the firmware did and what the SDK said.</summary>
internal sealed class LabWorld : IAsyncDisposable
{
    private static readonly string[] NotTold = ["disk-encryption-unknown", "external-power-unknown", "battery-unknown", "health-unknown", "pending-reboot-unknown", FlashBlocker.ImageUnsigned, FlashBlocker.ImageSignerUntrusted];

    private readonly Scratch _scratch;
    private readonly FileFlashJournal _journal;
    private readonly LabTarget[] _targets;
    private readonly ITestOutputHelper _output;

    private LabWorld(Scratch scratch, FileFlashJournal journal, ITestOutputHelper output, ICompatibilityCatalog catalog, LabTarget[] targets)
    {
        _scratch = scratch;
        _journal = journal;
        _output = output;
        _targets = targets;
        Client = new(new RomFlashClientOptions
        {
            Transports = [.. targets.DistinctBy(t => t.Transport.Scheme).Select(t => t.Transport)],
            Catalog = catalog,
            Journal = journal,
            Credentials = CredentialSources.From((target, _, _) => new(FlashResult<TargetCredentials>.From(targets.Single(t => target.Endpoints[0].ToString() == TargetEndpoint.TryCreate(t.Address).GetValueOrThrow().ToString()).Credentials))),
        });
    }

    public RomFlashClient Client { get; }

    public static FlashPolicy Policy { get; } = FlashPolicy.Default with
    {
        RebootDelay = TimeSpan.FromSeconds(5),
        Deadlines = new() { PollInterval = TimeSpan.FromMilliseconds(100), RetryDelay = TimeSpan.FromMilliseconds(20), Settle = TimeSpan.FromSeconds(2), Return = TimeSpan.FromMinutes(4) },
        Waivers = [.. NotTold.Select(b => new BlockerWaiver(b, "test", "the lab's machine does not tell, and its capsules are as they are"))],
    };

    /// <summary>The same for a machine that is not restarted by the client.</summary>
    public static FlashPolicy Left { get; } = Policy with { Reboot = RebootMode.LeaveToOperator };

    public static async Task<LabWorld> CreateAsync(ITestOutputHelper output, ICompatibilityCatalog catalog, params LabTarget[] targets)
    {
        var scratch = new Scratch();
        var journal = (await FileFlashJournal.OpenAsync(scratch["journal"], new FileFlashJournalOptions { TimeProvider = TimeProvider.System }, CancellationToken.None)).GetValueOrThrow();
        return new(scratch, journal, output, catalog, targets);
    }

    public FlashTarget FlashTargetOf(LabTarget target) => FlashTarget.TryCreate($"board-{Array.IndexOf(_targets, target)}", TargetEndpoint.TryCreate(target.Address).GetValueOrThrow()).GetValueOrThrow();

    public FlashRequest Request(LabTarget target, FlashPolicy policy, params LabImage[] images) => new(FlashTargetOf(target), [.. images.Select(i => i.Image)], policy)
    {
        BackupImages = [.. images.Select(i => i.Backup?.Image).OfType<RomImage>()],
    };

    /// <summary>An upgrade to its end: with the restart over the transport where there is one, otherwise by hand and confirmed.</summary>
    /// <param name="target">The target.</param>
    /// <param name="cut">When its power is cut; null for never.</param>
    /// <param name="isDead">Whether that is expected to be the end of it: then it is not waited for long.</param>
    /// <param name="images">What is flashed.</param>
    public async Task<FlashReport> FlashAsync(LabTarget target, Func<bool>? cut, bool isDead, params LabImage[] images)
    {
        if (!target.Restarts)
        {
            var armed = await Client.FlashAsync(Request(target, Left, images), null, CancellationToken.None);
            if (armed.Outcome is not FlashOutcomeKind.Pending)
            {
                return armed;
            }

            await target.BootAsync(cut);
            return await ConfirmAsync(target);
        }

        using var stop = new CancellationTokenSource(TimeSpan.FromMinutes(8));
        var progress = new Waiting();
        var flashing = Client.FlashAsync(Request(target, !isDead ? Policy : Policy with { Deadlines = Policy.Deadlines with { Return = TimeSpan.FromSeconds(15) } }, images), progress, stop.Token);
        var booting = BootWhenAskedAsync(target, cut, flashing, progress);
        var report = await flashing;
        await booting;
        return report;
    }

    /// <summary>The same of a machine whose power is not cut.</summary>
    public Task<FlashReport> FlashAsync(LabTarget target, params LabImage[] images) => FlashAsync(target, null, isDead: false, images);

    public Task<FlashReport> ConfirmAsync(LabTarget target) => Client.ConfirmAsync(FlashTargetOf(target), TimeSpan.Zero, Policy, CancellationToken.None);

    /// <summary>The four words of a case, for who reads the log.</summary>
    public async Task<string> TellAsync(LabTarget target, string staged, string expected, FlashReport? report)
    {
        var (system, array) = (await target.Board.FlashedVersionAsync(), await target.Board.FlashedVersionAsync(VirtualBoard.ArrayOffset));
        // The product's own reader understands what real firmware leaves.
        Assert.All(target.Board.Results, v => Assert.Equal(BitConverter.ToUInt64(v.Value, 40), CapsuleResult.TryParse(v.Value)?.Status));
        var results = target.Board.Results.Select(v => $"{v.Name} 0x{BitConverter.ToUInt64(v.Value, 40):x}");
        var said = report is null ? "nothing was asked" : report.Result.TryGetValue(out var outcome, out var failure) ? outcome.Kind.ToString() : $"{failure.Code} {failure.GetType().Name}, {failure.TargetState}{(failure.PeerCode is { } code ? $", {code}" : string.Empty)}";
        var line = $"[romflash] lab {target.Name}: staged {staged}; expected {expected}; firmware: flash holds {(system == 0 ? "neither" : $"version {system}")}, second ROM {array}, {(results.Any() ? string.Join(", ", results) : "no result")}; SDK: {said}";
        _output.WriteLine(line);
        return line;
    }

    public async ValueTask DisposeAsync()
    {
        await _journal.DisposeAsync();
        _scratch.Dispose();
    }

    // A machine that is told to restart says so before it goes down.
    private static async Task BootWhenAskedAsync(LabTarget target, Func<bool>? cut, Task flashing, Waiting progress)
    {
        while (!(target.IsRestartAsked && progress.IsForTheReturn))
        {
            if (flashing.IsCompleted)
            {
                return;
            }

            await Task.Delay(20);
        }

        await target.BootAsync(cut);
    }

    /// <summary>Whether the client waits for the target's return.</summary>
    private sealed class Waiting : IProgress<FlashProgress>
    {
        private volatile bool _isForTheReturn;

        public bool IsForTheReturn => _isForTheReturn;

        public void Report(FlashProgress value) => _isForTheReturn |= value.Stage is FlashStage.Confirm;
    }
}
