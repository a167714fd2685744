using System.Collections.Immutable;
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

    public static ImageResult Of(RomImage image)
    {
        var identity = image.Evidence.Identity;
        return new()
        {
            File = image.Source.Name,
            Outcome = "Valid",
            Message = "The image is whole",
            Format = image.Evidence.Format,
            Length = image.Length,
            Sha256 = image.Sha256.ToString(),
            Kind = identity.Kind?.ToString(),
            Version = identity.Version?.Text,
            LowestSupportedVersion = identity.LowestSupportedVersion?.Text,
            FirmwareClasses = [.. identity.FirmwareClasses.Select(c => c.ToString())],
            PciIds = [.. identity.PciIds.Select(p => p.ToString())],
            Warnings = image.Evidence.Warnings,
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
