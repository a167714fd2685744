using RomFlash.Peers.Samba;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Journal;
using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Pipeline;
using RomFlash.Sdk.Targets;
using RomFlash.Sdk.Testing.Simulation;
using RomFlash.Sdk.Tests.Journal;
using RomFlash.Sdk.Tests.Pipeline;
using RomFlash.Sdk.Transports;
using RomFlash.Sdk.Transports.Smb;

namespace RomFlash.Sdk.Tests.Transports.Smb;

/// <summary>A client with a journal in a file, in front of a private Samba, whose firmware and restart are played.</summary>
internal sealed class SmbWorld : IAsyncDisposable
{
    private static readonly string[] NotTold = ["disk-encryption-unknown", "external-power-unknown", "battery-unknown", "health-unknown"];

    private readonly Scratch _scratch = new();
    private readonly SmbTarget _target;
    private readonly FileFlashJournal _journal;

    private SmbWorld(SmbTarget target, FileFlashJournal journal, Scratch scratch, SambaAccount? account, ITransport? transport, SimulatedRom rom)
    {
        _target = target;
        _journal = journal;
        _scratch = scratch;
        Client = new(new RomFlashClientOptions
        {
            Transports = [transport ?? new SmbTransport()],
            Catalog = SimulatedCatalog.Of(rom),
            Journal = journal,
            Credentials = CredentialSources.From((_, _, _) => new(FlashResult<TargetCredentials>.From(SmbTarget.Credentials(account)))),
        });
    }

    public RomFlashClient Client { get; }

    public string ClientId => _journal.ClientId;

    public static FlashPolicy Policy { get; } = FlashPolicy.Default with
    {
        RebootDelay = TimeSpan.FromSeconds(5),
        Deadlines = new() { PollInterval = TimeSpan.FromMilliseconds(50), RetryDelay = TimeSpan.FromMilliseconds(10), Settle = TimeSpan.FromSeconds(5), Return = TimeSpan.FromSeconds(60) },
        Waivers = [.. NotTold.Select(b => new BlockerWaiver(b, "test", "the registry does not tell"))],
    };

    public static async Task<SmbWorld> CreateAsync(SmbTarget target, SambaAccount? account = null, ITransport? transport = null, SimulatedRom? rom = null)
    {
        var scratch = new Scratch();
        var journal = (await FileFlashJournal.OpenAsync(scratch["journal"], new FileFlashJournalOptions { TimeProvider = TimeProvider.System }, CancellationToken.None)).GetValueOrThrow();
        return new(target, journal, scratch, account, transport, rom ?? Bench.NewSystem);
    }

    public FlashTarget TargetAt(string? address = null) => FlashTarget.TryCreate("server-1", TargetEndpoint.TryCreate(address ?? _target.Address).GetValueOrThrow()).GetValueOrThrow();

    public Task<FlashReport> FlashAsync(string? address = null, Func<FlashPolicy, FlashPolicy>? change = null, RomImage? image = null, CancellationToken cancellationToken = default) =>
        Client.FlashAsync(new FlashRequest(TargetAt(address), [image ?? Bench.NewSystem.Image], (change ?? (p => p))(Policy)), null, cancellationToken);

    /// <summary>Plays the boot when the target is asked to restart: as a machine that goes down, and comes back with what its firmware did.</summary>
    public async Task PlayWhenAskedAsync(SimulatedRom rom, CancellationToken cancellationToken)
    {
        while (!_target.Server.ShutdownRequests.Any(r => !r.IsAbort))
        {
            await Task.Delay(20, cancellationToken);
        }

        await _target.Server.KillAsync();
        await _target.Server.RestartAsync(cancellationToken);
        await _target.PlayBootAsync(rom);
    }

    public async ValueTask DisposeAsync()
    {
        await _journal.DisposeAsync();
        _scratch.Dispose();
    }
}
