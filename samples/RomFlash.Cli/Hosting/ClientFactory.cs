using System.Collections.Immutable;
using RomFlash.Cli.CommandLine;
using RomFlash.Sdk;
using RomFlash.Sdk.Compatibility;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Images.Signatures;
using RomFlash.Sdk.Journal;
using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Transports;
using RomFlash.Sdk.Transports.Directory;
using RomFlash.Sdk.Transports.Redfish;
using RomFlash.Sdk.Transports.Smb;
using RomFlash.Sdk.Transports.Ssh;

namespace RomFlash.Cli.Hosting;

/// <summary>What the product is made of: its transports and its image formats. The simulator is not among them; only the demo has it.</summary>
internal static class ClientFactory
{
    public static RomImageValidator CreateValidator(ImageSignatureTrust trust) => new(RomImageFormats.All, new RomImageValidatorOptions { Trust = trust });

    /// <summary>The schemes of addresses that can be used.</summary>
    public static ImmutableArray<string> Schemes { get; } = [.. Transports(new()).Select(t => t.Scheme)];

    private static ImmutableArray<ITransport> Transports(SshTransportOptions ssh) => [new DirectoryTransport(), new RedfishTransport(), new SmbTransport(), new SshTransport(ssh)];

    public static RomFlashClient Create(IFlashJournal journal, SelectedTargets targets, ICompatibilityCatalog? catalog = null) => new(new RomFlashClientOptions
    {
        Transports = Transports(targets.Ssh),
        Catalog = catalog ?? new NoCatalog(),
        Journal = journal,
        Credentials = targets.Credentials,
    });

    // For commands that never ask: looking, cancelling, reading.
    private sealed class NoCatalog : ICompatibilityCatalog
    {
        public ValueTask<FlashResult<CompatibilityVerdict>> EvaluateAsync(CompatibilityQuery query, CancellationToken cancellationToken) =>
            new(new CatalogUnusable { Stage = FlashStage.Check, TargetId = query.Report.Target.Id, Detail = "this command has no catalog" });
    }
}
