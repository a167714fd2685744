using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Serialization;
using RomFlash.Sdk.Compatibility;
using RomFlash.Sdk.Images;

namespace RomFlash.Sdk.Planning;

/// <summary>A plan's file: the version of the format, the hash, and what the hash is made of.</summary>
internal sealed record PlanFile
{
    [JsonPropertyName("romflashPlan")]
    public required int Version { get; init; }

    public required ContentDigest Hash { get; init; }

    public required PlanBody Plan { get; init; }
}

/// <summary>What a plan says; its compact form is what the hash is made of.</summary>
internal sealed record PlanBody
{
    public required DateTimeOffset CreatedAt { get; init; }

    public required string CreatedBy { get; init; }

    public required ImmutableArray<CatalogProvenance> Catalogs { get; init; }

    public required ImmutableArray<PlannedImage> Images { get; init; }

    public required PlannedPolicy Policy { get; init; }

    public required ImmutableArray<PlannedTarget> Targets { get; init; }
}

/// <summary>Writes and reads plans: generated at compile time, the properties in the order of their declaration, nothing unknown and nothing twice.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    AllowDuplicateProperties = false,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true,
    UseStringEnumConverter = true,
    IgnoreReadOnlyProperties = true,
    MaxDepth = 16,
    Converters = [typeof(DigestConverter), typeof(VersionConverter), typeof(SourceConverter)])]
[JsonSerializable(typeof(PlanFile))]
[JsonSerializable(typeof(PlanBody))]
[JsonSerializable(typeof(PlannedTarget))]
[JsonSerializable(typeof(PlannedPolicy))]
[JsonSerializable(typeof(ImmutableArray<CatalogProvenance>))]
internal sealed partial class PlanJson : JsonSerializerContext;
