using System.Text.Json;
using System.Text.Json.Serialization;

namespace RomFlash.Cli.Rendering;

/// <summary>The JSON output: generated at compile time, so that trimming leaves it whole. The encoder escapes control characters and markup.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(TargetResult))]
internal sealed partial class RomFlashJson : JsonSerializerContext
{
    public static string Line(TargetResult result) => JsonSerializer.Serialize(result, Default.TargetResult);
}
