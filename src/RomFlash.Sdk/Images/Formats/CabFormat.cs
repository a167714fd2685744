using System.Collections.Immutable;
using System.Xml;
using RomFlash.Sdk.Images.Formats.Packages;

namespace RomFlash.Sdk.Images.Formats;

/// <summary>
/// Cabinets as the Linux Vendor Firmware Service has them (<c>.cab</c>): firmware, and for each component a <c>*.metainfo.xml</c> (AppStream 1.0, type
/// <c>firmware</c>) that says what it is for and which digest it has.
/// </summary>
/// <remarks>
/// Thread-safe and without state. Signatures in the cabinet (<c>.jcat</c>, <c>.p7b</c>, <c>.asc</c>) are not verified, so the firmware counts as unsigned unless it is
/// signed itself, or the cabinet is by a signature beside it.
/// </remarks>
public sealed class CabFormat : IRomImageFormat
{
    /// <summary>The largest metainfo in bytes: 1 MiB.</summary>
    public const int MaxMetainfoLength = 1 << 20;

    private const int MaxDepth = 32;
    private const string MetainfoSuffix = ".metainfo.xml";

    /// <inheritdoc/>
    public string Name => "lvfs-cab";

    /// <inheritdoc/>
    public RomRecognition Recognize(IRomImageContent content)
    {
        ArgumentNullException.ThrowIfNull(content);
        Span<byte> head = stackalloc byte[4];
        return content.TryRead(0, head) && head.SequenceEqual(Cabinet.Signature) ? RomRecognition.Signature : RomRecognition.None;
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

        if (Cabinet.Read(reading) is not { } files)
        {
            return;
        }

        var parts = new Dictionary<string, (CabinetFile File, RomPartBuilder Part)>(StringComparer.OrdinalIgnoreCase);
        foreach (var file in files.OrderBy(f => f.Offset).ThenBy(f => f.Length))
        {
            var part = reading.AddDecoded("cabinet-file", file.Offset, file.Length, file.Folder.Part);
            part.Name = file.Name;
            parts.Add(file.Name, (file, part));
        }

        // One firmware may be described for several devices.
        var isDescribed = false;
        var described = new List<(CabinetFile File, Metainfo Metainfo)>();
        foreach (var file in files.Where(f => f.Name.EndsWith(MetainfoSuffix, StringComparison.OrdinalIgnoreCase)))
        {
            isDescribed = true;
            if (reading.IsOver || ReadMetainfo(reading, file) is not { } metainfo)
            {
                return;
            }

            if (FindPayload(reading, file, metainfo, parts) is not { } payload)
            {
                continue;
            }

            var index = described.FindIndex(d => ReferenceEquals(d.File, payload));
            if (index < 0)
            {
                described.Add((payload, metainfo));
            }
            else if (described[index].Metainfo is var before && (before.Version != metainfo.Version || (before.Sha256 ?? metainfo.Sha256) != (metainfo.Sha256 ?? before.Sha256)))
            {
                reading.Malformed(0, $"{file.Name} and another one say different things of '{payload.Name}'");
            }
            else
            {
                described[index] = (payload, before with { Sha256 = before.Sha256 ?? metainfo.Sha256, Classes = [.. before.Classes.Union(metainfo.Classes)], Names = before.Names.AddRange(metainfo.Names) });
            }
        }

        if (!isDescribed)
        {
            reading.Malformed(0, $"the cabinet has no metainfo: nothing says what is in it, or for what");
        }

        foreach (var (file, metainfo) in described)
        {
            AddPayload(reading, parts[file.Name].Part, file, metainfo);
        }
    }

    private static CabinetFile? FindPayload(RomImageReading reading, CabinetFile described, Metainfo metainfo, Dictionary<string, (CabinetFile File, RomPartBuilder Part)> parts)
    {
        // Without a name it is by custom firmware.bin.
        if (!parts.TryGetValue(metainfo.FileName ?? "firmware.bin", out var found))
        {
            reading.Malformed(0, $"{described.Name} is about '{metainfo.FileName ?? "firmware.bin"}', which is not in the cabinet");
            return null;
        }

        if (found.File.Length == 0 || (metainfo.Length is { } length && length != found.File.Length))
        {
            reading.Malformed(0, $"'{found.File.Name}' has {found.File.Length} bytes, {described.Name} says {metainfo.Length}");
            return null;
        }

        if (metainfo.Classes.IsEmpty)
        {
            reading.Malformed(0, $"{described.Name} names no firmware class");
            return null;
        }

        if (metainfo.Sha256 is null)
        {
            reading.Warn($"{described.Name} gives no SHA-256 of the firmware");
        }

        return found.File;
    }

    private static void AddPayload(RomImageReading reading, RomPartBuilder part, CabinetFile file, Metainfo metainfo)
    {
        // A solid cabinet is decoded from its beginning for each file in it.
        if (!reading.TryTake(0, 0, file.Cost))
        {
            return;
        }

        part.Version = metainfo.Version;
        reading.AddPayload(
            part,
            new CabinetPayload(file),
            new RomIdentity
            {
                FirmwareClasses = metainfo.Classes,
                Models = metainfo.Names,
                Version = RomVersion.TryParse(metainfo.Version, out var version) ? version : null,
            },
            metainfo.Sha256);
    }

    private static Metainfo? ReadMetainfo(RomImageReading reading, CabinetFile file)
    {
        if (file.Length > MaxMetainfoLength)
        {
            reading.Malformed(0, $"{file.Name} has {file.Length} bytes, at most {MaxMetainfoLength} are read");
            return null;
        }

        if (!reading.TryTake(0, 0, file.Cost))
        {
            return null;
        }

        try
        {
            using var stream = new CabinetStream(new ContentStream(reading.Content), file);
            using var xml = XmlReader.Create(stream, new XmlReaderSettings
            {
                DtdProcessing = DtdProcessing.Prohibit,
                XmlResolver = null,
                MaxCharactersInDocument = MaxMetainfoLength,
                IgnoreComments = true,
                IgnoreProcessingInstructions = true,
                IgnoreWhitespace = true,
            });
            return Read(xml);
        }
        catch (Exception e) when (e is XmlException or IOException)
        {
            reading.Malformed(0, $"{file.Name} can't be read: {e.Message}");
            return null;
        }
    }

    private static Metainfo Read(XmlReader xml)
    {
        var (name, version, length, sha256, fileName) = (string.Empty, string.Empty, (long?)null, (ContentDigest?)null, (string?)null);
        var classes = ImmutableArray.CreateBuilder<Guid>();
        var path = new List<string>();
        var (attributes, hasRelease, inRelease) = (new Dictionary<string, string>(StringComparer.Ordinal), false, false);
        while (xml.Read())
        {
            switch (xml.NodeType)
            {
                case XmlNodeType.Element:
                    if (path.Count >= MaxDepth)
                    {
                        throw new XmlException($"It nests deeper than {MaxDepth} levels.");
                    }

                    var isEmpty = xml.IsEmptyElement;
                    path.Add(xml.LocalName);
                    attributes = Attributes(xml);
                    if (Is("component", "releases", "release"))
                    {
                        // The newest release comes first; it is the one that the cabinet holds.
                        inRelease = !hasRelease;
                        version = inRelease ? attributes.GetValueOrDefault("version", string.Empty) : version;
                        hasRelease = true;
                    }
                    else if (inRelease && Is("component", "releases", "release", "checksum") && attributes.GetValueOrDefault("target") == "content")
                    {
                        fileName ??= attributes.GetValueOrDefault("filename");
                    }

                    if (isEmpty)
                    {
                        path.RemoveAt(path.Count - 1);
                    }

                    break;
                case XmlNodeType.EndElement:
                    path.RemoveAt(path.Count - 1);
                    break;
                case XmlNodeType.Text or XmlNodeType.CDATA:
                    var text = xml.Value.Trim();
                    if (Is("component", "name"))
                    {
                        name = name.Length == 0 ? text : name;
                    }
                    else if (Is("component", "provides", "firmware") && attributes.GetValueOrDefault("type") == "flashed" && Guid.TryParse(text, out var id))
                    {
                        classes.Add(id);
                    }
                    else if (inRelease && Is("component", "releases", "release", "checksum") && attributes.GetValueOrDefault("target") == "content" && attributes.GetValueOrDefault("type") == "sha256" && ContentDigest.TryParse(text, out var digest))
                    {
                        sha256 = digest;
                    }
                    else if (inRelease && Is("component", "releases", "release", "size") && attributes.GetValueOrDefault("type") == "installed" && long.TryParse(text, System.Globalization.NumberStyles.None, System.Globalization.CultureInfo.InvariantCulture, out var size))
                    {
                        length = size;
                    }

                    break;
            }
        }

        return new(name.Length > 0 ? [name] : [], version, length, sha256, fileName, classes.ToImmutable());

        bool Is(params ReadOnlySpan<string> names)
        {
            if (path.Count != names.Length)
            {
                return false;
            }

            for (var i = 0; i < names.Length; i++)
            {
                if (path[i] != names[i])
                {
                    return false;
                }
            }

            return true;
        }
    }

    private static Dictionary<string, string> Attributes(XmlReader xml)
    {
        var attributes = new Dictionary<string, string>(StringComparer.Ordinal);
        while (xml.MoveToNextAttribute())
        {
            attributes[xml.LocalName] = xml.Value;
        }

        xml.MoveToElement();
        return attributes;
    }

    private sealed record Metainfo(ImmutableArray<string> Names, string Version, long? Length, ContentDigest? Sha256, string? FileName, ImmutableArray<Guid> Classes);
}
