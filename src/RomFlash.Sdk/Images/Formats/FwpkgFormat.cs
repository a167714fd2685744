using System.Text.Json;
using RomFlash.Sdk.Images.Formats.Packages;

namespace RomFlash.Sdk.Images.Formats;

/// <summary>
/// HPE firmware packages (<c>.fwpkg</c>): a zip file with the firmware and a <c>payload.json</c> that says what it is for. What a target takes are the firmware
/// images that it names.
/// </summary>
/// <remarks>Thread-safe and without state. HPE's targets (<c>Target</c>) are shown, and decide nothing.</remarks>
public sealed class FwpkgFormat : IRomImageFormat
{
    /// <summary>The largest <c>payload.json</c> in bytes: 1 MiB.</summary>
    public const int MaxDescriptionLength = 1 << 20;

    private const string Description = "payload.json";
    private const int MaxDepth = 32;
    private const int MaxDevices = 256;

    /// <inheritdoc/>
    public string Name => "hpe-fwpkg";

    /// <inheritdoc/>
    public RomRecognition Recognize(IRomImageContent content)
    {
        ArgumentNullException.ThrowIfNull(content);
        Span<byte> head = stackalloc byte[4];
        return content.TryRead(0, head) && (head.SequenceEqual("PK\x03\x04"u8) || ZipDirectory.IsAtEnd(content)) ? RomRecognition.Signature : RomRecognition.None;
    }

    /// <inheritdoc/>
    public void Read(RomImageReading reading)
    {
        ArgumentNullException.ThrowIfNull(reading);
        if (reading.Nesting > 0)
        {
            // In another image it is somebody's data, and nothing that a target takes a payload out of.
            reading.Part.Note("a package; what is in it is not looked into");
            return;
        }

        var end = ZipDirectory.FindEnd(reading.Content);
        if (end < 0)
        {
            reading.Truncated($"a zip file ends with its directory, and there is none");
            return;
        }

        if (ZipDirectory.Read(reading, end) is not { } entries)
        {
            return;
        }

        var parts = new Dictionary<string, (ZipEntry Entry, RomPartBuilder Part)>(StringComparer.Ordinal);
        foreach (var entry in entries.OrderBy(e => e.HeaderOffset))
        {
            var part = reading.Add("zip-entry", entry.DataOffset, entry.CompressedLength);
            part.Name = entry.Name;
            part.Note(entry.Method == ZipDirectory.Stored ? "stored" : FormattableString.Invariant($"deflated from {entry.Length} bytes"));
            parts.Add(entry.Name, (entry, part));
        }

        var start = entries.Max(e => e.DataOffset + e.CompressedLength);
        reading.Add("zip-directory", start, reading.Content.Length - start).Note(FormattableString.Invariant($"{entries.Count} entries"));
        if (!parts.TryGetValue(Description, out var described))
        {
            reading.Malformed(end, $"the zip file has no {Description}: it is no firmware package");
            return;
        }

        if (ReadDescription(reading, described.Entry) is not { } bytes)
        {
            return;
        }

        try
        {
            using var document = JsonDocument.Parse(bytes, new JsonDocumentOptions { MaxDepth = MaxDepth });
            ReadDevices(reading, described.Entry.DataOffset, document.RootElement, parts);
        }
        catch (JsonException e)
        {
            reading.Malformed(described.Entry.DataOffset, $"{Description} is no JSON: {e.Message}");
        }
        catch (InvalidOperationException)
        {
            // A name or a text that can't be decoded is found when it is asked for.
            reading.Malformed(described.Entry.DataOffset, $"{Description} holds a text that is no Unicode");
        }
    }

    private static byte[]? ReadDescription(RomImageReading reading, ZipEntry entry)
    {
        if (entry.Length > MaxDescriptionLength)
        {
            reading.Malformed(entry.DataOffset, $"{Description} has {entry.Length} bytes, at most {MaxDescriptionLength} are read");
            return null;
        }

        var bytes = new byte[(int)entry.Length];
        try
        {
            // The content belongs to the reading, and is not disposed of with the stream.
            using var stream = ZipPayload.Open(new ContentStream(reading.Content), entry);
            stream.ReadExactly(bytes);
            if (stream.Read(new byte[1]) != 0)
            {
                reading.Malformed(entry.DataOffset, $"{Description} is longer than the directory says");
                return null;
            }

            return bytes;
        }
        catch (IOException e)
        {
            reading.Malformed(entry.DataOffset, $"{Description} can't be extracted: {e.Message}");
            return null;
        }
    }

    private static void ReadDevices(RomImageReading reading, long at, JsonElement root, Dictionary<string, (ZipEntry Entry, RomPartBuilder Part)> parts)
    {
        var deviceClass = Find(reading, at, root, "DeviceClass") is { ValueKind: JsonValueKind.String } text && Guid.TryParse(text.GetString(), out var parsed) ? parsed : (Guid?)null;
        if (Find(reading, at, root, "Devices") is not { ValueKind: JsonValueKind.Object } holder || Find(reading, at, holder, "Device") is not { ValueKind: JsonValueKind.Array } devices)
        {
            reading.Malformed(at, $"{Description} names no devices");
            return;
        }

        var images = new Dictionary<string, RomIdentity>(StringComparer.Ordinal);
        var count = 0;
        foreach (var device in devices.EnumerateArray())
        {
            if (++count > MaxDevices)
            {
                reading.GiveUp(at, $"{Description} names more than {MaxDevices} devices");
                return;
            }

            var identity = new RomIdentity
            {
                Kind = deviceClass is { } told ? HpDeviceClasses.KindOf(told) : null,
                DeviceClasses = deviceClass is { } known ? [known] : [],
                Models = TextOf(reading, at, device, "DeviceName") is { Length: > 0 } model ? [model] : [],
                Version = RomVersion.TryParse(TextOf(reading, at, device, "Version"), out var version) ? version : null,
            };
            if (Find(reading, at, device, "FirmwareImages") is not { ValueKind: JsonValueKind.Array } firmware)
            {
                continue;
            }

            foreach (var image in firmware.EnumerateArray())
            {
                if (TextOf(reading, at, image, "FileName") is not { Length: > 0 } file || !parts.TryGetValue(file, out var found))
                {
                    reading.Malformed(at, $"{Description} names a firmware image that is not in the package");
                    return;
                }

                if (TextOf(reading, at, device, "Target") is { Length: > 0 } target)
                {
                    found.Part.Note($"target {target}");
                }

                // One file may serve several devices.
                images[file] = images.TryGetValue(file, out var before)
                    ? before with { Models = before.Models.AddRange(identity.Models), Version = Equals(before.Version, identity.Version) ? before.Version : null }
                    : identity;
            }
        }

        if (images.Count == 0)
        {
            reading.Malformed(at, $"{Description} names no firmware image");
        }

        foreach (var (file, identity) in images)
        {
            var (entry, part) = parts[file];
            if (entry.Length == 0)
            {
                reading.Malformed(entry.DataOffset, $"the firmware image '{file}' is empty");
                continue;
            }

            part.Version = identity.Version?.Text ?? string.Empty;
            reading.AddPayload(part, new ZipPayload(entry), identity);
        }

        reading.Identity = images.Count == 1 ? images.Values.First() : new() { DeviceClasses = deviceClass is { } one ? [one] : [] };
    }

    private static string? TextOf(RomImageReading reading, long at, JsonElement element, string name) =>
        Find(reading, at, element, name) is { ValueKind: JsonValueKind.String } value ? value.GetString() : null;

    // Makers do not agree on the case of names; the same name in two cases is no answer.
    private static JsonElement? Find(RomImageReading reading, long at, JsonElement element, string name)
    {
        if (element.ValueKind != JsonValueKind.Object)
        {
            return null;
        }

        JsonElement? found = null;
        foreach (var property in element.EnumerateObject())
        {
            if (!property.Name.Equals(name, StringComparison.OrdinalIgnoreCase))
            {
                continue;
            }

            if (found is not null)
            {
                reading.Malformed(at, $"{Description} has '{name}' twice");
                return null;
            }

            found = property.Value;
        }

        return found;
    }
}
