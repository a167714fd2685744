using System.Collections.Immutable;
using RomFlash.Sdk.Compatibility;
using RomFlash.Sdk.Compatibility.Import;
using RomFlash.Sdk.Outcomes;

namespace RomFlash.Cli.Rendering;

/// <summary>What became of one catalog file, as it is written.</summary>
internal sealed record CatalogCheckResult
{
    public required string File { get; init; }

    public required string Outcome { get; init; }

    public string? Code { get; init; }

    public required string Message { get; init; }

    public string? Cause { get; init; }

    public string? Remedy { get; init; }

    public CatalogResult? Catalog { get; init; }

    public int Systems { get; init; }

    public int Roms { get; init; }

    public int Releases { get; init; }

    public int Withdrawn { get; init; }

    public ImmutableArray<ProblemResult> Problems { get; init; } = [];

    public static CatalogCheckResult Of(string file, CatalogLayer layer) => new()
    {
        File = file,
        Outcome = "Usable",
        Message = "The catalog can be used",
        Catalog = CatalogResult.Of(layer.Provenance),
        Systems = layer.Document.Systems.Length,
        Roms = layer.Document.Systems.Sum(s => s.Roms.Length),
        Releases = layer.Document.Systems.SelectMany(s => s.Roms).SelectMany(r => r.Releases).Select(r => r.Sha256).Distinct().Count(),
        Withdrawn = layer.Document.Withdrawn.Length,
    };

    public static CatalogCheckResult Of(string file, FlashFailure failure) => new()
    {
        File = file,
        Outcome = "Unusable",
        Code = failure.Code,
        Message = failure.Message,
        Cause = failure.Cause,
        Remedy = failure.Remedy,
        Problems = [.. FailureText.Problems(failure).Select(p => new ProblemResult(p.Line, p.Column, p.Message))],
    };
}

/// <summary>What of the metadata is not in the catalog, as it is written.</summary>
internal sealed record OmissionResult(string Component, string Release, string Reason);

/// <summary>What an import gave, as it is written.</summary>
internal sealed record CatalogImportResult(string From, string To, string Outcome, string? Code, int Components, int Systems, int Releases, ImmutableArray<OmissionResult> Omissions)
{
    public static CatalogImportResult Of(string from, string to, LvfsImportResult import) => new(
        from,
        to,
        "Imported",
        null,
        import.Components,
        import.Document.Systems.Length,
        import.Releases,
        [.. import.Omissions.Select(o => new OmissionResult(o.Component, o.Release, o.Reason))]);
}
