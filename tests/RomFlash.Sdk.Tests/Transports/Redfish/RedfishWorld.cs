using System.Collections.Immutable;
using RomFlash.Sdk.Compatibility;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Journal;
using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Pipeline;
using RomFlash.Sdk.Probing;
using RomFlash.Sdk.Targets;
using RomFlash.Sdk.Testing.Redfish;
using RomFlash.Sdk.Testing.Simulation;
using FaceFault = RomFlash.Sdk.Testing.Redfish.RedfishFault;

namespace RomFlash.Sdk.Tests.Transports.Redfish;

/// <summary>A client, its journal, and a server whose clock moves on with each request.</summary>
internal sealed class RedfishWorld : IAsyncDisposable
{
    private readonly FaceRig _rig;
    private readonly FileFlashJournal _journal;
    private readonly RomFlashClient _client;

    private RedfishWorld(FaceRig rig, FileFlashJournal journal)
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

    public static async Task<RedfishWorld> CreateAsync(FaceRig rig, string folder) =>
        new(rig, (await FileFlashJournal.OpenAsync(Path.Combine(System.IO.Directory.CreateDirectory(folder).FullName, "journal"), new FileFlashJournalOptions { TimeProvider = TimeProvider.System }, CancellationToken.None)).GetValueOrThrow());

    public Task<FlashReport> FlashAsync(Func<FlashPolicy, FlashPolicy>? change = null, params ImmutableArray<RomImage> images)
    {
        var policy = FlashPolicy.Default with
        {
            AllowImmediateFlash = true,
            RebootDelay = TimeSpan.Zero,
            Deadlines = new() { PollInterval = TimeSpan.FromMilliseconds(5), RetryDelay = TimeSpan.FromMilliseconds(5), Settle = TimeSpan.FromSeconds(2), Return = TimeSpan.FromSeconds(20) },
            Waivers = [.. new[] { "pending-reboot-unknown", "disk-encryption-unknown", "external-power-unknown", "battery-unknown", "health-unknown" }.Select(b => new BlockerWaiver(b, "test", "a controller does not tell"))],
        };
        var target = FlashTarget.TryCreate("server-1", _rig.Endpoint).GetValueOrThrow();
        return _client.FlashAsync(new FlashRequest(target, images.IsDefaultOrEmpty ? [FaceRig.NewSystem.Image, FaceRig.NewArray.Image] : images, (change ?? (p => p))(policy)), null, CancellationToken.None);
    }

    public ValueTask DisposeAsync() => _journal.DisposeAsync();
}

/// <summary>A catalog that knows what a Redfish inventory reports of its releases.</summary>
internal sealed class RedfishCatalog(ICompatibilityCatalog inner) : ICompatibilityCatalog
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
