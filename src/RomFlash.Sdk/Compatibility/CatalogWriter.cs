using System.Buffers;
using System.Collections.Immutable;
using System.Text.Encodings.Web;
using System.Text.Json;
using RomFlash.Sdk.Probing;

namespace RomFlash.Sdk.Compatibility;

/// <summary>Writes a catalog as the reader reads it; the same catalog gives the same bytes.</summary>
internal readonly ref struct CatalogWriter
{
    // Line feeds on every system: what is signed and hashed must not depend on where it was written. The default encoder escapes everything that
    // an HTML page or a terminal could take for more than text.
    private static readonly JsonWriterOptions Options = new() { Indented = true, NewLine = "\n", Encoder = JavaScriptEncoder.Default };

    private readonly Utf8JsonWriter _json;

    private CatalogWriter(Utf8JsonWriter json) => _json = json;

    public static ReadOnlyMemory<byte> Write(CatalogDocument document)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer, Options))
        {
            new CatalogWriter(json).Catalog(document);
        }

        buffer.Write("\n"u8);
        return buffer.WrittenMemory;
    }

    private static ImmutableArray<T> OrEmpty<T>(ImmutableArray<T> array) => array.IsDefault ? [] : array;

    private void Catalog(CatalogDocument document)
    {
        _json.WriteStartObject();
        _json.WriteNumber("romflashCatalog", 1);
        _json.WriteString("name", document.Name);
        if (document.Serial is { } serial)
        {
            _json.WriteNumber("serial", serial);
        }

        Text("expires", document.Expires is { } expires ? CatalogWords.Of(expires) : null);
        _json.WriteStartArray("systems");
        foreach (var system in OrEmpty(document.Systems))
        {
            System(system);
        }

        _json.WriteEndArray();
        if (!document.Withdrawn.IsDefaultOrEmpty)
        {
            _json.WriteStartArray("withdrawn");
            foreach (var withdrawn in document.Withdrawn)
            {
                _json.WriteStartObject();
                _json.WriteString("sha256", withdrawn.Sha256.ToString());
                _json.WriteString("why", withdrawn.Why);
                _json.WriteEndObject();
            }

            _json.WriteEndArray();
        }

        _json.WriteEndObject();
    }

    private void System(CatalogSystem system)
    {
        _json.WriteStartObject();
        Text("manufacturer", system.Manufacturer);
        Text("product", system.Product);
        Text("sku", system.Sku);
        Guids("smbiosUuids", system.SmbiosUuids);
        Guids("exceptSmbiosUuids", system.ExceptSmbiosUuids);
        Guids("hardwareIds", system.HardwareIds);
        _json.WriteStartArray("roms");
        foreach (var rom in OrEmpty(system.Roms))
        {
            _json.WriteStartObject();
            _json.WriteString("component", CatalogWords.Of(rom.Component));
            Text("firmwareClass", rom.FirmwareClass?.ToString("D"));
            Text("pci", rom.Pci?.ToString());
            Text("id", rom.Id);
            _json.WriteStartArray("releases");
            foreach (var release in OrEmpty(rom.Releases))
            {
                Release(release);
            }

            _json.WriteEndArray();
            _json.WriteEndObject();
        }

        _json.WriteEndArray();
        _json.WriteEndObject();
    }

    private void Release(RomRelease release)
    {
        _json.WriteStartObject();
        _json.WriteString("version", release.Version.Text);
        _json.WriteString("sha256", release.Sha256.ToString());
        _json.WriteNumber("size", release.Length);
        Reported("reportedAs", OrEmpty(release.ReportedAs));
        if (!release.RequiredMinimum.IsDefaultOrEmpty)
        {
            Reported("requiredMinimum", release.RequiredMinimum);
        }

        if (!release.LowestSupported.IsDefaultOrEmpty)
        {
            Reported("lowestSupported", release.LowestSupported);
        }

        if (release.Reboot == RebootNeed.PowerCycle)
        {
            _json.WriteString("reboot", CatalogWords.PowerCycle);
        }

        if (release.Recovery is { } recovery)
        {
            _json.WriteStartObject("recovery");
            _json.WriteString("sha256", recovery.Sha256.ToString());
            _json.WriteNumber("size", recovery.Length);
            Text("name", recovery.Name.Length == 0 ? null : recovery.Name);
            _json.WriteEndObject();
        }

        Text("notes", release.Notes.Length == 0 ? null : release.Notes);
        _json.WriteEndObject();
    }

    private void Reported(string field, ImmutableArray<ReportedVersion> versions)
    {
        _json.WriteStartObject(field);
        foreach (var version in versions)
        {
            _json.WriteString(version.Source.Name, version.Version.Text);
        }

        _json.WriteEndObject();
    }

    private void Guids(string field, ImmutableArray<Guid> guids)
    {
        if (guids.IsDefaultOrEmpty)
        {
            return;
        }

        _json.WriteStartArray(field);
        foreach (var guid in guids)
        {
            _json.WriteStringValue(guid);
        }

        _json.WriteEndArray();
    }

    private void Text(string field, string? text)
    {
        if (text is not null)
        {
            _json.WriteString(field, text);
        }
    }
}
