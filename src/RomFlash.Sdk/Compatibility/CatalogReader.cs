using System.Collections.Immutable;
using System.Text.Json;
using RomFlash.Sdk.Documents;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Probing;

namespace RomFlash.Sdk.Compatibility;

/// <summary>Reads a catalog: every problem with its line and column, all of them at once.</summary>
internal ref struct CatalogReader
{
    private const int FormatVersion = 1;
    private const int MaxNotesLength = 4096;
    private const int MaxSourceLength = 32;

    // Versions are compared source by source, each with each; there are four sources and those of plug-ins.
    private const int MaxSources = 16;

    private readonly string _name;
    private readonly CatalogPlaces _places = new();
    private DocumentReader _json;

    public CatalogReader(ReadOnlySpan<byte> utf8, string name)
    {
        _json = new(utf8, CatalogDocument.MaxDepth);
        _name = name;
    }

    /// <summary>The problems; empty when the catalog can be used.</summary>
    public readonly ImmutableArray<DocumentProblem> Problems => _json.Problems;

    /// <summary>Reads everything.</summary>
    /// <returns>The catalog, as far as it could be read.</returns>
    public CatalogDocument Read()
    {
        CatalogDocument document = new() { Name = _name };
        try
        {
            _json.Read();
            document = ReadCatalog();
            _json.Read();
        }
        catch (JsonException e)
        {
            _json.Malformed(e);
        }

        foreach (var (at, what) in CatalogChecks.Find(document, _places))
        {
            _json.Problem(at, what);
        }

        return document;
    }

    private CatalogDocument ReadCatalog()
    {
        var document = new CatalogDocument { Name = _name };
        var start = _json.Position;
        if (!_json.BeginObject("the catalog"))
        {
            return document;
        }

        var systems = ImmutableArray.CreateBuilder<CatalogSystem>();
        var withdrawn = ImmutableArray.CreateBuilder<WithdrawnRelease>();
        var seen = Fields();
        while (_json.NextField(seen) is { } field)
        {
            switch (field)
            {
                case "romflashCatalog":
                    _json.ReadNumber(field, FormatVersion, FormatVersion, "1, the only version of the format");
                    break;
                case "name":
                    document = document with { Name = _json.ReadText(field) ?? _name };
                    break;
                case "serial":
                    document = document with { Serial = _json.ReadNumber(field, 0, long.MaxValue, "a whole number of 0 or more") };
                    break;
                case "expires":
                    document = document with { Expires = ReadWord(field, CatalogWords.ToTime, "a time in UTC such as 2027-01-31T00:00:00Z") };
                    break;
                case "systems":
                    if (_json.BeginArray(field))
                    {
                        while (_json.NextItem())
                        {
                            ReadSystem(systems);
                        }
                    }

                    break;
                case "withdrawn":
                    if (_json.BeginArray(field))
                    {
                        while (_json.NextItem())
                        {
                            ReadWithdrawn(withdrawn);
                        }
                    }

                    break;
                default:
                    _json.Unknown(field);
                    break;
            }
        }

        _json.Require(seen, start, "the catalog", "romflashCatalog", "systems");
        if (seen.Contains("serial") && !seen.Contains("name"))
        {
            _json.Problem(start, "the catalog has a serial and lacks the field 'name', under which serials are counted");
        }

        return document with { Systems = systems.DrainToImmutable(), Withdrawn = withdrawn.DrainToImmutable() };
    }

    private void ReadSystem(ImmutableArray<CatalogSystem>.Builder systems)
    {
        var start = _json.Position;
        if (!_json.BeginObject("a system"))
        {
            return;
        }

        var system = new CatalogSystem();
        var roms = ImmutableArray.CreateBuilder<CatalogRom>();
        var seen = Fields();
        while (_json.NextField(seen) is { } field)
        {
            switch (field)
            {
                case "manufacturer":
                    system = system with { Manufacturer = _json.ReadText(field) };
                    break;
                case "product":
                    system = system with { Product = _json.ReadText(field) };
                    break;
                case "sku":
                    system = system with { Sku = _json.ReadText(field) };
                    break;
                case "smbiosUuids":
                    system = system with { SmbiosUuids = ReadGuids(field, isUuid: true) };
                    break;
                case "exceptSmbiosUuids":
                    system = system with { ExceptSmbiosUuids = ReadGuids(field, isUuid: true) };
                    break;
                case "hardwareIds":
                    system = system with { HardwareIds = ReadGuids(field, isUuid: false) };
                    break;
                case "roms":
                    if (_json.BeginArray(field))
                    {
                        while (_json.NextItem())
                        {
                            ReadRom(roms);
                        }
                    }

                    break;
                default:
                    _json.Unknown(field);
                    break;
            }
        }

        _json.Require(seen, start, "a system", "roms");
        if (seen.Contains("manufacturer") != seen.Contains("product"))
        {
            _json.Problem(start, $"a system lacks the field '{(seen.Contains("product") ? "manufacturer" : "product")}': manufacturer and product go together");
        }
        else if (!seen.Contains("product") && !seen.Contains("smbiosUuids") && !seen.Contains("hardwareIds"))
        {
            _json.Problem(start, "a system lacks what tells it from others: manufacturer and product, smbiosUuids, or hardwareIds");
        }

        system = system with { Roms = roms.DrainToImmutable() };
        _places.Add(system, start);
        systems.Add(system);
    }

    private void ReadRom(ImmutableArray<CatalogRom>.Builder roms)
    {
        var start = _json.Position;
        if (!_json.BeginObject("a ROM"))
        {
            return;
        }

        RomKind? kind = null;
        var rom = new CatalogRom { Component = RomKind.Other };
        var releases = ImmutableArray.CreateBuilder<RomRelease>();
        var seen = Fields();
        while (_json.NextField(seen) is { } field)
        {
            switch (field)
            {
                case "component":
                    kind = ReadWord(field, CatalogWords.ToKind, CatalogWords.Kinds);
                    break;
                case "firmwareClass":
                    rom = rom with { FirmwareClass = ReadWord(field, ToGuid, "a GUID such as 6dcbd5ed-e82d-4c44-bda1-7194199ad92a") };
                    break;
                case "pci":
                    rom = rom with { Pci = ReadWord(field, CatalogWords.ToPci, "two or four ids of four hexadecimal digits, such as 103c:3239 or 103c:3239:103c:21c2") };
                    break;
                case "id":
                    rom = rom with { Id = _json.ReadText(field) };
                    break;
                case "releases":
                    if (_json.BeginArray(field))
                    {
                        while (_json.NextItem())
                        {
                            ReadRelease(releases);
                        }
                    }

                    break;
                default:
                    _json.Unknown(field);
                    break;
            }
        }

        _json.Require(seen, start, "a ROM", "component", "releases");
        rom = rom with { Component = kind ?? RomKind.Other, Releases = releases.DrainToImmutable() };

        // A ROM whose kind could not be read is compared with no other.
        if (kind is not null)
        {
            _places.Add(rom, start);
        }

        roms.Add(rom);
    }

    private void ReadRelease(ImmutableArray<RomRelease>.Builder releases)
    {
        var start = _json.Position;
        if (!_json.BeginObject("a release"))
        {
            return;
        }

        RomVersion? version = null;
        ContentDigest? digest = null;
        long? size = null;
        ImmutableArray<ReportedVersion> reportedAs = default;
        ImmutableArray<ReportedVersion> minimum = [];
        ImmutableArray<ReportedVersion> lowest = [];
        RebootNeed? reboot = RebootNeed.Restart;
        RecoveryImage? recovery = null;
        var hasBadRecovery = false;
        var notes = string.Empty;
        var seen = Fields();
        while (_json.NextField(seen) is { } field)
        {
            switch (field)
            {
                case "version":
                    version = ReadVersion(field);
                    break;
                case "sha256":
                    digest = ReadDigest(field);
                    break;
                case "size":
                    size = ReadSize(field);
                    break;
                case "reportedAs":
                    reportedAs = ReadReported(field);
                    break;
                case "requiredMinimum":
                    minimum = ReadReported(field);
                    break;
                case "lowestSupported":
                    lowest = ReadReported(field);
                    break;
                case "reboot":
                    reboot = ReadWord(field, CatalogWords.ToReboot, $"{CatalogWords.Restart} or {CatalogWords.PowerCycle}");
                    break;
                case "recovery":
                    recovery = ReadRecovery();
                    hasBadRecovery = recovery is null;
                    break;
                case "notes":
                    notes = _json.ReadText(field, MaxNotesLength) ?? string.Empty;
                    break;
                default:
                    _json.Unknown(field);
                    break;
            }
        }

        _json.Require(seen, start, "a release", "version", "sha256", "size", "reportedAs");

        // What could not be read whole is not compared with others: one mistake is told once.
        if (version is not null && digest is { } sha256 && size is { } length && !reportedAs.IsDefault && !minimum.IsDefault && !lowest.IsDefault && reboot is { } need && !hasBadRecovery)
        {
            var release = new RomRelease
            {
                Version = version,
                Sha256 = sha256,
                Length = length,
                ReportedAs = reportedAs,
                RequiredMinimum = minimum,
                LowestSupported = lowest,
                Reboot = need,
                Recovery = recovery,
                Notes = notes,
            };
            _places.Add(release, start);
            releases.Add(release);
        }
    }

    private RecoveryImage? ReadRecovery()
    {
        var start = _json.Position;
        if (!_json.BeginObject("recovery"))
        {
            return null;
        }

        ContentDigest? digest = null;
        long? size = null;
        var name = string.Empty;
        var seen = Fields();
        while (_json.NextField(seen) is { } field)
        {
            switch (field)
            {
                case "sha256":
                    digest = ReadDigest(field);
                    break;
                case "size":
                    size = ReadSize(field);
                    break;
                case "name":
                    name = _json.ReadText(field) ?? string.Empty;
                    break;
                default:
                    _json.Unknown(field);
                    break;
            }
        }

        _json.Require(seen, start, "recovery", "sha256", "size");
        if (digest is not { } sha256 || size is not { } length)
        {
            return null;
        }

        var recovery = new RecoveryImage(sha256, length, name);
        _places.Add(recovery, start);
        return recovery;
    }

    private void ReadWithdrawn(ImmutableArray<WithdrawnRelease>.Builder withdrawn)
    {
        var start = _json.Position;
        if (!_json.BeginObject("a withdrawn release"))
        {
            return;
        }

        ContentDigest? digest = null;
        string? why = null;
        var seen = Fields();
        while (_json.NextField(seen) is { } field)
        {
            switch (field)
            {
                case "sha256":
                    digest = ReadDigest(field);
                    break;
                case "why":
                    why = _json.ReadText(field, MaxNotesLength);
                    break;
                default:
                    _json.Unknown(field);
                    break;
            }
        }

        _json.Require(seen, start, "a withdrawn release", "sha256", "why");
        if (digest is { } sha256)
        {
            var entry = new WithdrawnRelease(sha256, why ?? string.Empty);
            _places.Add(entry, start);
            withdrawn.Add(entry);
        }
    }

    private static HashSet<string> Fields() => new(StringComparer.Ordinal);

    private static bool IsSourceName(string name) =>
        name.Length is > 0 and <= MaxSourceLength && name.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '-');

    private static Guid? ToGuid(string text) => Guid.TryParseExact(text, "D", out var guid) && guid != Guid.Empty ? guid : null;

    // All zeros and all ones mean "not set" (SMBIOS 3.6, 7.2.1): a machine with a placeholder must not be taken for the one that was meant.
    private static Guid? ToUuid(string text) => ToGuid(text) is { } uuid && uuid != Guid.AllBitsSet ? uuid : null;

    private static ContentDigest? ToDigest(string text) => ContentDigest.TryParse(text, out var digest) && !digest.IsEmpty ? digest : null;

    private T? ReadWord<T>(string field, Func<string, T?> read, string expected)
        where T : struct
    {
        if (_json.ReadText(field) is not { } text)
        {
            return null;
        }

        if (read(text) is { } value)
        {
            return value;
        }

        _json.Problem($"{field} must be {expected}");
        return null;
    }

    private ContentDigest? ReadDigest(string field) => ReadWord(field, ToDigest, "64 hexadecimal digits, not all of them zero");

    private long? ReadSize(string field) => _json.ReadNumber(field, 1, CatalogDocument.MaxImageLength, $"a whole number of bytes from 1 to {CatalogDocument.MaxImageLength}");

    private RomVersion? ReadVersion(string field)
    {
        if (_json.ReadText(field, RomVersion.MaxLength) is not { } text)
        {
            return null;
        }

        if (RomVersion.TryParse(text, out var version))
        {
            return version;
        }

        _json.Problem($"{field} is no version: 1 to {RomVersion.MaxLength} characters without control characters");
        return null;
    }

    // An emptied list must not turn "these machines" into "any machine".
    private ImmutableArray<Guid> ReadGuids(string field, bool isUuid)
    {
        var start = _json.Position;
        if (!_json.BeginArray(field))
        {
            return [];
        }

        var isEmpty = true;
        var seen = new HashSet<Guid>();
        var guids = ImmutableArray.CreateBuilder<Guid>();
        while (_json.NextItem())
        {
            isEmpty = false;
            var guid = isUuid
                ? ReadWord(field, ToUuid, "a list of UUIDs such as 30373237-3132-4d32-3230-343230304c36, none of them all zeros or all ones")
                : ReadWord(field, ToGuid, "a list of GUIDs such as 6de5d951-d755-576b-bd09-c5cf66b27234");
            if (guid is not { } value)
            {
                continue;
            }

            if (seen.Add(value))
            {
                guids.Add(value);
            }
            else
            {
                _json.Problem($"{field} names {value} twice");
            }
        }

        if (isEmpty)
        {
            _json.Problem(start, $"{field} must not be empty");
        }

        return guids.DrainToImmutable();
    }

    private ImmutableArray<ReportedVersion> ReadReported(string what)
    {
        var start = _json.Position;
        if (!_json.BeginObject(what))
        {
            return default;
        }

        var isGood = true;
        var versions = ImmutableArray.CreateBuilder<ReportedVersion>();
        var seen = Fields();
        while (_json.NextField(seen) is { } source)
        {
            if (!IsSourceName(source))
            {
                _json.Problem($"{what} names the source {DocumentReader.Quote(source)}; a source is 1 to {MaxSourceLength} lower-case letters, digits and hyphens");
                _json.Skip();
                isGood = false;
            }
            else if (ReadVersion($"{what}.{source}") is not { } version)
            {
                isGood = false;
            }
            else if (source == FactSource.Esrt.Name && version.Kind != RomVersionKind.Packed)
            {
                _json.Problem($"{what}: an ESRT version is a number such as \"0x00020005\"");
                isGood = false;
            }
            else if (versions.Count <= MaxSources && versions.All(v => v.Source.Name != source))
            {
                versions.Add(new(new FactSource(source), version));
            }
        }

        if (versions.Count > MaxSources)
        {
            _json.Problem(start, $"{what} names more than {MaxSources} sources");
            isGood = false;
        }

        if (isGood && versions.Count == 0)
        {
            _json.Problem(start, $"{what} names no source");
            isGood = false;
        }

        return isGood ? versions.DrainToImmutable() : default;
    }
}
