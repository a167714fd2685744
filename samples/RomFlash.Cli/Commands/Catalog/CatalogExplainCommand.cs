using System.Collections.Immutable;
using System.CommandLine;
using RomFlash.Cli.CommandLine;
using RomFlash.Cli.Hosting;
using RomFlash.Cli.Rendering;
using RomFlash.Sdk;
using RomFlash.Sdk.Compatibility;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Journal;
using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Pipeline;
using RomFlash.Sdk.Targets;

namespace RomFlash.Cli.Commands.Catalog;

/// <summary><c>romflash catalog explain</c>: says for each installed ROM what the catalog decides, and why. Writes nothing.</summary>
internal sealed class CatalogExplainCommand : CliCommand
{
    private readonly TargetOptions _targets = new();
    private readonly CatalogOptions _catalog = new();
    private readonly ImageOptions _images = new(isRequired: false);

    private readonly Option<string> _concurrency = SharedOptions.Concurrency();
    private readonly Option<bool> _json = SharedOptions.Json();

    public CatalogExplainCommand(Terminal terminal)
        : base(terminal, "explain", "Says for each installed ROM what the catalog decides and why: the path, the boots, the nearest entries. Writes nothing.")
    {
        _targets.AddTo(this);
        foreach (var option in (Option[])[.. _catalog.All, .. _images.All, _concurrency, _json])
        {
            Add(option);
        }
    }

    public override string Synopsis => $"romflash catalog explain {TargetOptions.Synopsis} {CatalogOptions.Synopsis} [--image FILE] {ImageOptions.TrustSynopsis} [--concurrency N] [--json]";

    public override CommandHelp Help => new()
    {
        Groups = [.. _targets.Groups, new("What decides", [.. _images.All, .. _catalog.All])],
        Examples =
        [
            new("romflash catalog explain --target dir:/mnt/esp --catalog catalog.json --trust signer.pem --image rom.cap", "may this image go there, and why?"),
            new("romflash catalog explain --targets rack.json --catalog catalog.json --trust signer.pem --json", "which targets does the catalog know?"),
        ],
        ExitCodes = [ExitCode.Success, ExitCode.Access, ExitCode.Connection, ExitCode.Compatibility, ExitCode.Image, ExitCode.Failed, ExitCode.Several],
    };

    protected override async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        if (!Values.TryNumber("--concurrency", parsed.GetValue(_concurrency), 1, SharedOptions.MostAtOnce, RomFlashClient.DefaultConcurrency, out var concurrency, out var failure)
            || !(await _targets.ReadAsync(parsed, Terminal, cancellationToken)).TryGetValue(out var targets, out failure)
            || !(await _images.ValidateAsync(parsed, cancellationToken)).TryGetValue(out var images, out failure)
            || !(await _catalog.LoadAsync(parsed, Terminal, remember: false, cancellationToken)).TryGetValue(out var catalog, out failure))
        {
            return Fail(failure);
        }

        var client = ClientFactory.Create(new InMemoryFlashJournal(), targets, catalog);
        return await EachTarget.RunAsync(
            targets,
            concurrency,
            new ResultWriter(Terminal, parsed.GetValue(_json)),
            (target, stop) => ExplainAsync(client, catalog, target, images, stop),
            new OperationCancelled { Stage = FlashStage.Check, TargetState = TargetState.Untouched, Detail = "stopped reading; nothing was written" },
            cancellationToken);
    }

    private static async Task<TargetEnd> ExplainAsync(RomFlashClient client, JsonCompatibilityCatalog catalog, FlashTarget target, ImmutableArray<RomImage> images, CancellationToken cancellationToken)
    {
        if (!(await client.ProbeAsync(target, null, cancellationToken)).TryGetValue(out var report, out var failure)
            || !(await catalog.EvaluateAsync(new CompatibilityQuery(report, images, FlashPolicy.Default), cancellationToken)).TryGetValue(out var verdict, out failure))
        {
            return TargetEnd.Of(target.Id, failure);
        }

        var explained = VerdictResult.Of(verdict);
        var result = TargetResult.Of(report) with
        {
            Message = verdict.IsTargetSupported ? "The catalog supports the target" : "The catalog does not support the target",
            Explanation = explained,
            Catalogs = [.. (verdict.Catalogs.IsDefault ? [] : verdict.Catalogs).Select(CatalogResult.Of)],
            Probe = null,
        };
        return new(result, verdict.IsTargetSupported ? ExitCode.Success : ExitCode.Compatibility, Lines: [.. VerdictText.Lines(target.Id, explained, result.Catalogs)]);
    }
}
