using System.Buffers;
using System.Text.Json;
using RomFlash.Sdk.Documents;
using RomFlash.Sdk.Images;

namespace RomFlash.Sdk.Compatibility.Trust;

/// <summary>The history's file: strict JSON, because a line that is silently left out is a catalog that may be rolled back.</summary>
internal ref struct CatalogHistoryCodec
{
    private const int Version = 1;
    private const int MaxDepth = 4;

    private DocumentReader _reader;

    private CatalogHistoryCodec(ReadOnlySpan<byte> utf8) => _reader = new(utf8, MaxDepth);

    public static byte[] Write(SeenCatalogs seen)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Indented = true, NewLine = "\n" }))
        {
            json.WriteStartObject();
            json.WriteNumber("romflashCatalogHistory", Version);
            json.WriteStartArray("seen");
            foreach (var sighting in seen.All)
            {
                json.WriteStartObject();
                json.WriteString("name", sighting.Name);
                json.WriteBoolean("signed", sighting.IsSigned);
                json.WriteNumber("serial", sighting.Serial);
                json.WriteString("sha256", sighting.Sha256.ToString());
                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteEndObject();
        }

        return buffer.WrittenSpan.ToArray();
    }

    /// <summary>Reads the file.</summary>
    /// <returns>What is wrong with it, or null.</returns>
    public static string? TryRead(ReadOnlySpan<byte> utf8, SeenCatalogs seen)
    {
        var codec = new CatalogHistoryCodec(utf8);
        try
        {
            codec._reader.Read();
            codec.ReadAll(seen);
            codec._reader.Read();
        }
        catch (JsonException e)
        {
            codec._reader.Malformed(e);
        }

        return codec._reader.HasProblems ? codec._reader.Problems[0].ToString() : null;
    }

    private void ReadAll(SeenCatalogs seen)
    {
        const string What = "the history";
        var at = _reader.Position;
        if (!_reader.BeginObject(What))
        {
            return;
        }

        var fields = new HashSet<string>(StringComparer.Ordinal);
        while (_reader.NextField(fields) is { } field)
        {
            if (field == "romflashCatalogHistory")
            {
                _reader.ReadNumber(field, Version, Version, "1: this program reads no other version");
            }
            else if (field == "seen" && _reader.BeginArray(field))
            {
                while (_reader.NextItem())
                {
                    ReadOne(seen);
                }
            }
            else if (field != "seen")
            {
                _reader.Unknown(field);
            }
        }

        _reader.Require(fields, at, What, "romflashCatalogHistory", "seen");
    }

    private void ReadOne(SeenCatalogs seen)
    {
        const string What = "a catalog that was seen";
        var at = _reader.Position;
        if (!_reader.BeginObject(What))
        {
            return;
        }

        string? name = null;
        long? serial = null;
        bool? isSigned = null;
        ContentDigest digest = default;
        var fields = new HashSet<string>(StringComparer.Ordinal);
        while (_reader.NextField(fields) is { } field)
        {
            switch (field)
            {
                case "name":
                    name = _reader.ReadText(field);
                    break;
                case "signed":
                    isSigned = _reader.ReadFlag(field);
                    break;
                case "serial":
                    serial = _reader.ReadNumber(field, 0, long.MaxValue, "a whole number from 0");
                    break;
                case "sha256":
                    if (_reader.ReadText(field) is { } text && !ContentDigest.TryParse(text, out digest))
                    {
                        _reader.Problem("sha256 must be 64 hexadecimal digits");
                    }

                    break;
                default:
                    _reader.Unknown(field);
                    break;
            }
        }

        _reader.Require(fields, at, What, "name", "signed", "serial", "sha256");
        if (name is not null && serial is { } number && isSigned is { } flag && !seen.TryAdd(new(name, number, digest, flag)))
        {
            _reader.Problem(at, $"the catalog '{name}' is there twice");
        }
    }
}
