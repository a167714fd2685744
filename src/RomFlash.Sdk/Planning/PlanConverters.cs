using System.Text.Json;
using System.Text.Json.Serialization;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Probing;

namespace RomFlash.Sdk.Planning;

/// <summary>A digest as 64 hexadecimal digits.</summary>
internal sealed class DigestConverter : JsonConverter<ContentDigest>
{
    public override ContentDigest Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        ContentDigest.TryParse(reader.GetString(), out var digest) ? digest : throw new JsonException("a digest is 64 hexadecimal digits");

    public override void Write(Utf8JsonWriter writer, ContentDigest value, JsonSerializerOptions options) => writer.WriteStringValue(value.ToString());
}

/// <summary>A version as its text.</summary>
internal sealed class VersionConverter : JsonConverter<RomVersion>
{
    public override RomVersion Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        RomVersion.TryParse(reader.GetString(), out var version) ? version : throw new JsonException("a version is 1 to 256 characters without control characters");

    public override void Write(Utf8JsonWriter writer, RomVersion value, JsonSerializerOptions options) => writer.WriteStringValue(value.Text);
}

/// <summary>A fact source as its name.</summary>
internal sealed class SourceConverter : JsonConverter<FactSource>
{
    public override FactSource Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        reader.GetString() is { Length: > 0 } name ? new FactSource(name) : throw new JsonException("a source has a name");

    public override void Write(Utf8JsonWriter writer, FactSource value, JsonSerializerOptions options) => writer.WriteStringValue(value.Name);
}
