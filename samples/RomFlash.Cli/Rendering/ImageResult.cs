using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Serialization;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Outcomes;

namespace RomFlash.Cli.Rendering;

/// <summary>What became of one image file, as it is written.</summary>
internal sealed record ImageResult
{
    public required string File { get; init; }

    public required string Outcome { get; init; }

    public string? Code { get; init; }

    public required string Message { get; init; }

    public string? Cause { get; init; }

    public string? Remedy { get; init; }

    public string? Format { get; init; }

    public long? Length { get; init; }

    public string? Sha256 { get; init; }

    public string? Kind { get; init; }

    public string? Version { get; init; }

    public string? LowestSupportedVersion { get; init; }

    public ImmutableArray<string> FirmwareClasses { get; init; } = [];

    public ImmutableArray<string> PciIds { get; init; } = [];

    public ImmutableArray<string> Warnings { get; init; } = [];

    /// <summary>What the signatures come to; null when there is no report.</summary>
    public string? Signature { get; init; }

    public ImmutableArray<string> Payloads { get; init; } = [];

    /// <summary>The whole report, where it was asked for.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public JsonElement? Report { get; init; }

    public static ImageResult Of(RomImageReport report, bool isTree)
    {
        var identity = report.Identity;
        var failure = report.IsValid ? null : report.Problems[0];
        return new()
        {
            File = report.Name,
            Outcome = report.IsValid ? "Valid" : "Invalid",
            Code = failure?.Code,
            Message = failure?.Message ?? "The image is whole",
            Cause = failure?.Cause,
            Remedy = failure?.Remedy,
            Format = report.Format,
            Length = report.Length,
            Sha256 = report.Sha256?.ToString(),
            Signature = report.Signature.ToString(),
            Payloads = [.. report.Payloads.Select(p => p.Sha256.ToString())],
            Report = isTree ? JsonElement.Parse(RomImageReportWriter.ToJson(report).Span) : null,
            Kind = identity.Kind?.ToString(),
            Version = identity.Version?.Text,
            LowestSupportedVersion = identity.LowestSupportedVersion?.Text,
            FirmwareClasses = [.. identity.FirmwareClasses.Select(c => c.ToString())],
            PciIds = [.. identity.PciIds.Select(p => p.ToString())],
            Warnings = report.Warnings,
        };
    }

    public static ImageResult Of(string file, FlashFailure failure) => new()
    {
        File = file,
        Outcome = "Invalid",
        Code = failure.Code,
        Message = failure.Message,
        Cause = failure.Cause,
        Remedy = failure.Remedy,
    };
}
