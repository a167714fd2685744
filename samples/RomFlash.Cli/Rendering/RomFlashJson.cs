using System.Text.Json;
using System.Text.Json.Serialization;

namespace RomFlash.Cli.Rendering;

/// <summary>The JSON output: generated at compile time, so that trimming leaves it whole. The encoder escapes control characters and markup.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(TargetResult))]
[JsonSerializable(typeof(FailureResult))]
[JsonSerializable(typeof(ImageResult))]
[JsonSerializable(typeof(RecordResult))]
[JsonSerializable(typeof(PlanDifferenceResult))]
internal sealed partial class RomFlashJson : JsonSerializerContext
{
    public static string Line(TargetResult result) => JsonSerializer.Serialize(result, Default.TargetResult);

    public static string Line(FailureResult result) => JsonSerializer.Serialize(result, Default.FailureResult);

    public static string Line(ImageResult result) => JsonSerializer.Serialize(result, Default.ImageResult);

    public static string Line(RecordResult result) => JsonSerializer.Serialize(result, Default.RecordResult);

    public static string Line(PlanDifferenceResult result) => JsonSerializer.Serialize(result, Default.PlanDifferenceResult);
}
