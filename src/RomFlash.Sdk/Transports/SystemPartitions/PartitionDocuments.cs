using System.Buffers;
using System.Collections.Immutable;
using System.Text.Json;
using RomFlash.Sdk.Images;

namespace RomFlash.Sdk.Transports.SystemPartitions;

/// <summary>The small files under <c>EFI/RomFlash</c>. Whoever can write there can write anything: they are read as hostile.</summary>
internal static class PartitionDocuments
{
    public const int MaxBytes = 1 << 16;

    /// <summary>No generation is larger: one a millisecond for 30,000 years. Bounds what a hostile file can make of the next.</summary>
    public const long MaxGeneration = 1_000_000_000_000_000;

    public static byte[] Write(TargetClaim claim) => Write(json =>
    {
        json.WriteString("owner", claim.Owner);
        json.WriteNumber("generation", claim.Generation);
    });

    public static byte[] WriteGeneration(long generation) => Write(json => json.WriteNumber("generation", generation));

    public static byte[] Write(DepositManifest manifest) => Write(json =>
    {
        json.WriteString("id", manifest.Id);
        json.WriteNumber("generation", manifest.Generation);
        json.WriteStartArray("files");
        foreach (var file in manifest.Files)
        {
            json.WriteStartObject();
            json.WriteString("name", file.Name);
            json.WriteNumber("length", file.Length);
            json.WriteString("sha256", file.Sha256.ToString());
            json.WriteString("componentId", file.ComponentId);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    });

    public static TargetClaim ReadClaim(ReadOnlySpan<byte> bytes, string file)
    {
        var owner = string.Empty;
        var generation = 0L;
        var json = new StrictJson(bytes, file);
        json.Begin();
        var seen = new HashSet<string>(StringComparer.Ordinal);
        while (json.NextField(seen, out var name))
        {
            switch (name)
            {
                case "owner":
                    owner = json.ReadText(128);
                    break;
                case "generation":
                    generation = Generation(ref json);
                    break;
                default:
                    throw json.Unknown();
            }
        }

        json.End();
        return owner.Length > 0 && generation > 0 ? new(owner, generation) : throw json.Wrong("a claim needs an owner and a generation");
    }

    public static long ReadGeneration(ReadOnlySpan<byte> bytes, string file)
    {
        var generation = 0L;
        var json = new StrictJson(bytes, file);
        json.Begin();
        var seen = new HashSet<string>(StringComparer.Ordinal);
        while (json.NextField(seen, out var name))
        {
            generation = string.Equals(name, "generation", StringComparison.Ordinal) ? Generation(ref json) : throw json.Unknown();
        }

        json.End();
        return generation;
    }

    public static DepositManifest ReadManifest(ReadOnlySpan<byte> bytes, string file)
    {
        var id = string.Empty;
        var generation = 0L;
        var files = ImmutableArray.CreateBuilder<DepositFile>();
        var json = new StrictJson(bytes, file);
        json.Begin();
        var seen = new HashSet<string>(StringComparer.Ordinal);
        while (json.NextField(seen, out var name))
        {
            switch (name)
            {
                case "id":
                    id = json.ReadText(64);
                    break;
                case "generation":
                    generation = Generation(ref json);
                    break;
                case "files":
                    json.BeginArray();
                    while (json.NextItem())
                    {
                        files.Add(ReadFile(ref json));
                    }

                    break;
                default:
                    throw json.Unknown();
            }
        }

        json.End();
        try
        {
            return new(id, generation, files.ToImmutable());
        }
        catch (ArgumentException)
        {
            throw json.Wrong("this is no manifest of a deposit");
        }
    }

    private static DepositFile ReadFile(ref StrictJson json)
    {
        var (name, length, digest, component) = (string.Empty, 0L, default(ContentDigest), string.Empty);
        json.ExpectObjectHere();
        var seen = new HashSet<string>(StringComparer.Ordinal);
        while (json.NextField(seen, out var field))
        {
            switch (field)
            {
                case "name":
                    name = json.ReadText(64);
                    break;
                case "length":
                    length = json.ReadSize();
                    break;
                case "sha256":
                    if (!ContentDigest.TryParse(json.ReadText(64), out digest))
                    {
                        throw json.Wrong("64 hexadecimal digits are expected");
                    }

                    break;
                case "componentId":
                    component = json.ReadText();
                    break;
                default:
                    throw json.Unknown();
            }
        }

        return new(name, length, digest, component);
    }

    private static long Generation(ref StrictJson json) => json.ReadSize() is var value and <= MaxGeneration ? value : throw json.Wrong("the generation is too large");

    private static byte[] Write(Action<Utf8JsonWriter> fields)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            fields(json);
            json.WriteEndObject();
        }

        return buffer.WrittenSpan.ToArray();
    }
}
