using RomFlash.Sdk.Images;
using RomFlash.Sdk.Journal;
using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Pipeline;
using RomFlash.Sdk.Targets;
using RomFlash.Sdk.Testing.Simulation;
using RomFlash.Sdk.Tests.Journal;
using RomFlash.Sdk.Tests.Pipeline;
using RomFlash.Sdk.Transports.Ssh;

namespace RomFlash.Sdk.Tests.Transports.Ssh;

/// <summary>A client with a journal in a file, in front of a private sshd, whose firmware and restart are played.</summary>
internal sealed class SshWorld : IAsyncDisposable
{
    private static readonly string[] NotTold = ["external-power-unknown", "health-unknown", "pending-reboot-unknown"];

    private readonly Scratch _scratch;
    private readonly SshTarget _target;
    private readonly FileFlashJournal _journal;

    private SshWorld(SshTarget target, FileFlashJournal journal, Scratch scratch, SshTransportOptions options, SimulatedRom[] roms)
    {
        _target = target;
        _journal = journal;
        _scratch = scratch;
        Client = new(new RomFlashClientOptions { Transports = [new SshTransport(options)], Catalog = SimulatedCatalog.Of(roms), Journal = journal });
    }

    public RomFlashClient Client { get; }

    public string ClientId => _journal.ClientId;

    public static FlashPolicy Policy { get; } = FlashPolicy.Default with
    {
        RebootDelay = TimeSpan.FromSeconds(5),
        Deadlines = new() { PollInterval = TimeSpan.FromMilliseconds(50), RetryDelay = TimeSpan.FromMilliseconds(10), Settle = TimeSpan.FromSeconds(5), Return = TimeSpan.FromSeconds(60) },
        Waivers = [.. NotTold.Select(b => new BlockerWaiver(b, "test", "the staged machine does not tell"))],
    };

    /// <summary>A change of the policy: nothing is restarted.</summary>
    public static FlashPolicy Left(FlashPolicy policy) => policy with { Reboot = RebootMode.LeaveToOperator };

    public static async Task<SshWorld> CreateAsync(SshTarget target, SshTransportOptions? options = null, params SimulatedRom[] roms)
    {
        var scratch = new Scratch();
        var journal = (await FileFlashJournal.OpenAsync(scratch["journal"], new FileFlashJournalOptions { TimeProvider = TimeProvider.System }, CancellationToken.None)).GetValueOrThrow();
        return new(target, journal, scratch, options ?? target.Options, roms is [] ? [Bench.NewSystem] : roms);
    }

    public FlashTarget TargetAt(string? address = null) => FlashTarget.TryCreate("server-1", TargetEndpoint.TryCreate(address ?? _target.Address).GetValueOrThrow()).GetValueOrThrow();

    public Task<FlashReport> FlashAsync(string? address = null, Func<FlashPolicy, FlashPolicy>? change = null, RomImage? image = null, IProgress<FlashProgress>? progress = null, CancellationToken cancellationToken = default) =>
        Client.FlashAsync(new FlashRequest(TargetAt(address), [image ?? Bench.NewSystem.Image], (change ?? (p => p))(Policy)), progress, cancellationToken);

    /// <summary>Plays the boot when the target is asked to restart: as a machine that goes down, and comes back with what its firmware did.</summary>
    public async Task PlayWhenAskedAsync(SimulatedRom rom, CancellationToken cancellationToken)
    {
        while (_target.Root.PendingShutdown is null)
        {
            await Task.Delay(20, cancellationToken);
        }

        await _target.Server.KillAsync();
        _target.Root.PlayBoot(SshTarget.Flash(rom));
        await _target.Server.RestartAsync(cancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        await _journal.DisposeAsync();
        _scratch.Dispose();
    }
}
