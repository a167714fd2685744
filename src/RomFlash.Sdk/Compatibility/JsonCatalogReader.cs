using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using System.Text.Json;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Probing;

namespace RomFlash.Sdk.Compatibility;

/// <summary>Reads a catalog by hand, because every problem is told with its line and column, and all of them at once.</summary>
internal ref struct JsonCatalogReader
{
    private const int FormatVersion = 1;
    private const int MaxDepth = 16;
    private const int MaxProblems = 100;
    private const int MaxTextLength = 256;
    private const int MaxNotesLength = 4096;
    private const int MaxSourceLength = 32;

    private readonly ReadOnlySpan<byte> _utf8;
    private readonly List<string> _problems = [];
    private readonly List<JsonCatalogSystem> _systems = [];
    private readonly List<JsonCatalogRom> _roms = [];
    private readonly Dictionary<ContentDigest, RomRelease> _byDigest = [];
    private Utf8JsonReader _reader;
    private string? _name;

    public JsonCatalogReader(ReadOnlySpan<byte> utf8)
    {
        // A byte order mark is no JSON, but editors leave it.
        _utf8 = utf8.StartsWith("\uFEFF"u8) ? utf8[3..] : utf8;
        _reader = new(_utf8, new JsonReaderOptions { MaxDepth = MaxDepth });
    }

    public readonly string? Name => _name;

    public readonly List<JsonCatalogSystem> Systems => _systems;

    public readonly List<JsonCatalogRom> Roms => _roms;

    /// <summary>Reads everything.</summary>
    /// <returns>The problems; empty when the catalog can be used.</returns>
    public List<string> Read()
    {
        try
        {
            _reader.Read();
            ReadCatalog();
            _reader.Read();
        }
        catch (JsonException e)
        {
            var message = e.Message.AsSpan();
            var end = message.IndexOf(" LineNumber:", StringComparison.Ordinal);
            _problems.Add(string.Create(CultureInfo.InvariantCulture, $"line {(e.LineNumber ?? 0) + 1}, column {(e.BytePositionInLine ?? 0) + 1}: {(end < 0 ? message : message[..end])}"));
        }

        return _problems;
    }

    private static bool IsSourceName(string name) =>
        name.Length is > 0 and <= MaxSourceLength && name.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '-');

    private static bool Same(ImmutableArray<ReportedVersion> a, ImmutableArray<ReportedVersion> b) =>
        a.Length == b.Length && a.All(x => b.Any(y => x.Source == y.Source && x.Version.Equals(y.Version)));

    private void ReadCatalog()
    {
        var start = _reader.TokenStartIndex;
        if (!BeginObject("the catalog"))
        {
            return;
        }

        var seen = new HashSet<string>(StringComparer.Ordinal);
        while (NextField(seen) is { } field)
        {
            switch (field)
            {
                case "romflashCatalog":
                    if (_reader.TokenType != JsonTokenType.Number || !_reader.TryGetInt32(out var version) || version != FormatVersion)
                    {
                        Problem("romflashCatalog must be 1, the only version of the format");
                        _reader.Skip();
                    }

                    break;
                case "name":
                    _name = ReadText("name", MaxTextLength);
                    break;
                case "systems":
                    if (BeginArray("systems"))
                    {
                        while (NextItem())
                        {
                            ReadSystem();
                        }
                    }

                    break;
                default:
                    Unknown(field);
                    break;
            }
        }

        Require(seen, start, "the catalog", "romflashCatalog", "systems");
    }

    private void ReadSystem()
    {
        var start = _reader.TokenStartIndex;
        if (!BeginObject("a system"))
        {
            return;
        }

        string? manufacturer = null;
        string? product = null;
        string? sku = null;
        var roms = new List<(RomKind? Kind, Guid? FirmwareClass, PciId? Pci, string? Id, List<(RomRelease Release, long At)> Releases)>();
        var seen = new HashSet<string>(StringComparer.Ordinal);
        while (NextField(seen) is { } field)
        {
            switch (field)
            {
                case "manufacturer":
                    manufacturer = ReadText(field, MaxTextLength);
                    break;
                case "product":
                    product = ReadText(field, MaxTextLength);
                    break;
                case "sku":
                    sku = ReadText(field, MaxTextLength);
                    break;
                case "roms":
                    if (BeginArray(field))
                    {
                        while (NextItem())
                        {
                            ReadRom(roms);
                        }
                    }

                    break;
                default:
                    Unknown(field);
                    break;
            }
        }

        Require(seen, start, "a system", "manufacturer", "product", "roms");
        var system = new JsonCatalogSystem(manufacturer ?? string.Empty, product ?? string.Empty, sku);
        _systems.Add(system);
        foreach (var (kind, firmwareClass, pci, id, releases) in roms)
        {
            var rom = new JsonCatalogRom(system, kind ?? RomKind.Other, firmwareClass, pci, id);
            _roms.Add(rom);
            Take(rom, releases);
        }
    }

    private void ReadRom(List<(RomKind? Kind, Guid? FirmwareClass, PciId? Pci, string? Id, List<(RomRelease Release, long At)> Releases)> roms)
    {
        var start = _reader.TokenStartIndex;
        if (!BeginObject("a ROM"))
        {
            return;
        }

        RomKind? kind = null;
        Guid? firmwareClass = null;
        PciId? pci = null;
        string? id = null;
        var releases = new List<(RomRelease Release, long At)>();
        var seen = new HashSet<string>(StringComparer.Ordinal);
        while (NextField(seen) is { } field)
        {
            switch (field)
            {
                case "component":
                    kind = ReadKind();
                    break;
                case "firmwareClass":
                    firmwareClass = ReadGuid();
                    break;
                case "pci":
                    pci = ReadPci();
                    break;
                case "id":
                    id = ReadText(field, MaxTextLength);
                    break;
                case "releases":
                    if (BeginArray(field))
                    {
                        while (NextItem())
                        {
                            ReadRelease(releases);
                        }
                    }

                    break;
                default:
                    Unknown(field);
                    break;
            }
        }

        Require(seen, start, "a ROM", "component", "releases");
        roms.Add((kind, firmwareClass, pci, id, releases));
    }

    private void ReadRelease(List<(RomRelease Release, long At)> releases)
    {
        var start = _reader.TokenStartIndex;
        if (!BeginObject("a release"))
        {
            return;
        }

        RomVersion? version = null;
        ContentDigest digest = default;
        long size = 0;
        ImmutableArray<ReportedVersion> reportedAs = default;
        ImmutableArray<ReportedVersion> minimum = [];
        var notes = string.Empty;
        var seen = new HashSet<string>(StringComparer.Ordinal);
        while (NextField(seen) is { } field)
        {
            switch (field)
            {
                case "version":
                    version = ReadVersion(field);
                    break;
                case "sha256":
                    digest = ReadDigest();
                    break;
                case "size":
                    if (_reader.TokenType != JsonTokenType.Number || !_reader.TryGetInt64(out size) || size <= 0)
                    {
                        Problem("size must be a whole number of bytes above 0");
                        _reader.Skip();
                        size = 0;
                    }

                    break;
                case "reportedAs":
                    reportedAs = ReadReported(field);
                    break;
                case "requiredMinimum":
                    minimum = ReadReported(field);
                    break;
                case "notes":
                    notes = ReadText(field, MaxNotesLength) ?? string.Empty;
                    break;
                default:
                    Unknown(field);
                    break;
            }
        }

        Require(seen, start, "a release", "version", "sha256", "size", "reportedAs");
        if (version is not null && !digest.IsEmpty && size > 0 && !reportedAs.IsDefaultOrEmpty && !minimum.IsDefault)
        {
            releases.Add((new RomRelease { Version = version, Sha256 = digest, Length = size, ReportedAs = reportedAs, RequiredMinimum = minimum, Notes = notes }, start));
        }
    }

    private void Take(JsonCatalogRom rom, List<(RomRelease Release, long At)> releases)
    {
        var here = new HashSet<ContentDigest>();
        foreach (var (release, at) in releases)
        {
            if (!here.Add(release.Sha256))
            {
                Problem(at, $"the digest {release.Sha256} is there twice for one ROM");
            }

            if (!_byDigest.TryAdd(release.Sha256, release)
                && _byDigest[release.Sha256] is var other
                && (other.Length != release.Length || !other.Version.Equals(release.Version) || !Same(other.ReportedAs, release.ReportedAs) || !Same(other.RequiredMinimum, release.RequiredMinimum)))
            {
                Problem(at, $"the digest {release.Sha256} is described in two ways that contradict each other");
            }

            foreach (var minimum in release.RequiredMinimum)
            {
                if (release.ReportedBy(minimum.Source) is { } own && minimum.Version.TryCompareTo(own, out var order) && order > 0)
                {
                    Problem(at, $"release '{release.Version}' requires '{minimum.Version}', which is above what it reports itself");
                }
            }

            rom.Releases.Add(release);
        }

        CheckOrder(releases);
    }

    // A higher version must not be reported as a lower one: a downgrade would pass for an upgrade.
    private void CheckOrder(List<(RomRelease Release, long At)> releases)
    {
        foreach (var style in releases.Where(r => r.Release.Version.Kind != RomVersionKind.Opaque).GroupBy(r => (r.Release.Version.Kind, r.Release.Version.Family)))
        {
            var highest = new Dictionary<(FactSource, RomVersionKind, string), (RomVersion Reported, RomVersion Version)>();
            foreach (var (release, at) in style.OrderBy(r => r.Release.Version, Comparer<RomVersion>.Create(static (a, b) => a.TryCompareTo(b, out var order) ? order : 0)))
            {
                foreach (var reported in release.ReportedAs)
                {
                    var key = (reported.Source, reported.Version.Kind, reported.Version.Family);
                    if (!highest.TryGetValue(key, out var before))
                    {
                        highest[key] = (reported.Version, release.Version);
                        continue;
                    }

                    if (reported.Version.TryCompareTo(before.Reported, out var order) && (order < 0 || (order != 0 && release.Version.Equals(before.Version))))
                    {
                        Problem(at, $"{reported.Source} reports '{reported.Version}' for version '{release.Version}', and '{before.Reported}' for version '{before.Version}'");
                    }
                    else
                    {
                        highest[key] = (reported.Version, release.Version);
                    }
                }
            }
        }
    }

    private RomKind? ReadKind()
    {
        var text = ReadText("component", MaxTextLength);
        RomKind? kind = text switch
        {
            "system-rom" => RomKind.SystemRom,
            "array-controller" => RomKind.ArrayController,
            "controller" => RomKind.Controller,
            "other" => RomKind.Other,
            _ => null,
        };
        if (text is not null && kind is null)
        {
            Problem("component must be system-rom, array-controller, controller or other");
        }

        return kind;
    }

    private Guid? ReadGuid()
    {
        if (ReadText("firmwareClass", MaxTextLength) is not { } text)
        {
            return null;
        }

        if (Guid.TryParseExact(text, "D", out var guid) && guid != Guid.Empty)
        {
            return guid;
        }

        Problem("firmwareClass must be a GUID such as 6dcbd5ed-e82d-4c44-bda1-7194199ad92a");
        return null;
    }

    private PciId? ReadPci()
    {
        if (ReadText("pci", MaxTextLength) is not { } text)
        {
            return null;
        }

        var parts = text.Split(':');
        var ids = new ushort[4];
        var isGood = parts.Length is 2 or 4;
        for (var i = 0; i < parts.Length && isGood; i++)
        {
            isGood = parts[i].Length == 4 && ushort.TryParse(parts[i], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out ids[i]);
        }

        if (!isGood)
        {
            Problem("pci must be two or four ids of four hexadecimal digits, such as 103c:3239 or 103c:3239:103c:21c2");
            return null;
        }

        return parts.Length == 2 ? new PciId(ids[0], ids[1]) : new PciId(ids[0], ids[1], ids[2], ids[3]);
    }

    private RomVersion? ReadVersion(string field)
    {
        if (ReadText(field, RomVersion.MaxLength) is not { } text)
        {
            return null;
        }

        if (RomVersion.TryParse(text, out var version))
        {
            return version;
        }

        Problem($"{field} is no version: 1 to {RomVersion.MaxLength} characters without control characters");
        return null;
    }

    private ContentDigest ReadDigest()
    {
        if (ReadText("sha256", MaxTextLength) is not { } text)
        {
            return default;
        }

        if (!ContentDigest.TryParse(text, out var digest) || digest.IsEmpty)
        {
            Problem("sha256 must be 64 hexadecimal digits, not all of them zero");
            return default;
        }

        return digest;
    }

    private ImmutableArray<ReportedVersion> ReadReported(string what)
    {
        if (!BeginObject(what))
        {
            return default;
        }

        var isGood = true;
        var start = _reader.TokenStartIndex;
        var versions = ImmutableArray.CreateBuilder<ReportedVersion>();
        var seen = new HashSet<string>(StringComparer.Ordinal);
        while (NextField(seen) is { } source)
        {
            if (!IsSourceName(source))
            {
                Problem($"{what} names the source '{source}'; a source is 1 to {MaxSourceLength} lower-case letters, digits and hyphens");
                _reader.Skip();
                isGood = false;
            }
            else if (ReadVersion(what) is not { } version)
            {
                isGood = false;
            }
            else if (source == FactSource.Esrt.Name && version.Kind != RomVersionKind.Packed)
            {
                Problem($"{what}: an ESRT version is a number such as \"0x00020005\"");
                isGood = false;
            }
            else
            {
                versions.Add(new(new FactSource(source), version));
            }
        }

        if (isGood && versions.Count == 0)
        {
            Problem(start, $"{what} names no source");
            isGood = false;
        }

        return isGood ? versions.DrainToImmutable() : default;
    }

    private string? ReadText(string field, int maxLength)
    {
        if (_reader.TokenType != JsonTokenType.String)
        {
            Problem($"{field} must be a text");
            _reader.Skip();
            return null;
        }

        var text = GetString();
        if (text is null || string.IsNullOrWhiteSpace(text) || text.Length > maxLength)
        {
            Problem($"{field} must be a valid text of 1 to {maxLength} characters");
            return null;
        }

        return text.Trim();
    }

    // The reader decodes here, and refuses text that is no UTF-8 or has half a surrogate pair.
    private readonly string? GetString()
    {
        try
        {
            return _reader.GetString();
        }
        catch (InvalidOperationException)
        {
            return null;
        }
    }

    private bool BeginObject(string what) => Begin(JsonTokenType.StartObject, what, "an object");

    private bool BeginArray(string what) => Begin(JsonTokenType.StartArray, what, "a list");

    private bool Begin(JsonTokenType token, string what, string kind)
    {
        if (_reader.TokenType == token)
        {
            return true;
        }

        Problem($"{what} must be {kind}");
        _reader.Skip();
        return false;
    }

    private bool NextItem() => _reader.Read() && _reader.TokenType != JsonTokenType.EndArray;

    // Steps to the next field and on to its value.
    private string? NextField(HashSet<string> seen)
    {
        if (!_reader.Read() || _reader.TokenType == JsonTokenType.EndObject)
        {
            return null;
        }

        var name = GetString() ?? "\uFFFD";
        if (!seen.Add(name))
        {
            Problem($"the field '{name}' is there twice");
        }

        _reader.Read();
        return name;
    }

    private void Unknown(string field)
    {
        Problem($"the field '{field}' is not known here");
        _reader.Skip();
    }

    private readonly void Require(HashSet<string> seen, long at, string what, params ReadOnlySpan<string> fields)
    {
        foreach (var field in fields)
        {
            if (!seen.Contains(field))
            {
                Problem(at, $"{what} lacks the field '{field}'");
            }
        }
    }

    private readonly void Problem(string what) => Problem(_reader.TokenStartIndex, what);

    private readonly void Problem(long at, string what)
    {
        if (_problems.Count == MaxProblems)
        {
            _problems.Add("and more");
        }

        if (_problems.Count > MaxProblems)
        {
            return;
        }

        var before = _utf8[..(int)at];
        var line = before.Count((byte)'\n') + 1;
        var column = Encoding.UTF8.GetCharCount(before[(before.LastIndexOf((byte)'\n') + 1)..]) + 1;
        _problems.Add(string.Create(CultureInfo.InvariantCulture, $"line {line}, column {column}: {what}"));
    }
}
