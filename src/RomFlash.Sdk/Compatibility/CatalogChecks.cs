using System.Collections.Immutable;
using System.Globalization;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Probing;

namespace RomFlash.Sdk.Compatibility;

/// <summary>Finds what can't be true in a catalog whose parts can each be read: duplicates, contradictions, and cycles.</summary>
internal sealed class CatalogChecks
{
    private readonly CatalogDocument _document;
    private readonly CatalogPlaces _places;
    private readonly List<(long At, string What)> _found = [];
    private readonly Dictionary<ContentDigest, RomRelease> _releases = [];
    private readonly Dictionary<ContentDigest, long> _lengths = [];
    private readonly CatalogCycles _cycles = new();

    private CatalogChecks(CatalogDocument document, CatalogPlaces places)
    {
        _document = document;
        _places = places;
    }

    /// <summary>The problems, each with the place of the part that it is about.</summary>
    public static List<(long At, string What)> Find(CatalogDocument document, CatalogPlaces places)
    {
        var checks = new CatalogChecks(document, places);
        checks.Systems();
        checks.Recoveries();
        checks.Withdrawn();
        return checks._found;
    }

    /// <summary>Whether two entries of one image say the same of it. Notes are for people; what one of them leaves open the other may tell.</summary>
    public static bool Agree(RomRelease one, RomRelease other) =>
        one.Length == other.Length
        && one.Version.Equals(other.Version)
        && one.Reboot == other.Reboot
        && Same(one.ReportedAs, other.ReportedAs)
        && Same(one.RequiredMinimum, other.RequiredMinimum)
        && (one.LowestSupported.IsEmpty || other.LowestSupported.IsEmpty || Same(one.LowestSupported, other.LowestSupported))
        && (one.Recovery is null || other.Recovery is null || (one.Recovery.Sha256 == other.Recovery.Sha256 && one.Recovery.Length == other.Recovery.Length));

    private static bool Same(ImmutableArray<ReportedVersion> a, ImmutableArray<ReportedVersion> b) =>
        a.Length == b.Length && a.All(x => b.Any(y => x.Source == y.Source && x.Version.Equals(y.Version)));

    private static string KeyOf(CatalogSystem system) => string.Join(
        '\n',
        system.Manufacturer?.ToUpperInvariant(),
        system.Product?.ToUpperInvariant(),
        system.Sku?.ToUpperInvariant(),
        string.Join(',', system.SmbiosUuids.Order()),
        string.Join(',', system.ExceptSmbiosUuids.Order()),
        string.Join(',', system.HardwareIds.Order()));

    private void Systems()
    {
        var systems = new HashSet<string>(StringComparer.Ordinal);
        foreach (var system in _document.Systems)
        {
            var isWhole = (system.Manufacturer is not null && system.Product is not null) || !system.SmbiosUuids.IsEmpty || !system.HardwareIds.IsEmpty;
            if (isWhole && !systems.Add(KeyOf(system)))
            {
                Problem(system, "this system is there twice");
            }

            if (system.SmbiosUuids.Length > 0 && system.SmbiosUuids.Intersect(system.ExceptSmbiosUuids).ToArray() is { Length: > 0 } both)
            {
                Problem(system, $"{both[0]} is in smbiosUuids and in exceptSmbiosUuids");
            }

            var roms = new HashSet<(RomKind, Guid?, PciId?, string?)>();
            foreach (var rom in system.Roms)
            {
                if (_places.TryGet(rom, out var at) && !roms.Add((rom.Component, rom.FirmwareClass, rom.Pci, rom.Id)))
                {
                    _found.Add((at, "this ROM is there twice in one system"));
                }

                Releases(rom);
            }
        }
    }

    private void Releases(CatalogRom rom)
    {
        var here = new HashSet<ContentDigest>();
        foreach (var release in rom.Releases)
        {
            if (!here.Add(release.Sha256))
            {
                Problem(release, $"the digest {release.Sha256} is there twice for one ROM");
            }

            if (!_releases.TryAdd(release.Sha256, release) && !Agree(_releases[release.Sha256], release))
            {
                Problem(release, $"the digest {release.Sha256} is described in two ways that contradict each other");
            }

            _lengths.TryAdd(release.Sha256, release.Length);
            Above(release, release.RequiredMinimum, "requires");
            Above(release, release.LowestSupported, "supports nothing below");
        }

        Order(rom.Releases);
        foreach (var cycle in _cycles.Find(rom.Releases))
        {
            Problem(cycle.Releases[0], cycle.What);
        }
    }

    private void Above(RomRelease release, ImmutableArray<ReportedVersion> least, string what)
    {
        foreach (var version in least)
        {
            if (release.ReportedBy(version.Source) is { } own && version.Version.TryCompareTo(own, out var order) && order > 0)
            {
                Problem(release, $"release '{release.Version}' {what} '{version.Version}', which is above what it reports itself");
            }
        }
    }

    // A higher version must not be reported as a lower one: a downgrade would pass for an upgrade.
    private void Order(ImmutableArray<RomRelease> releases)
    {
        foreach (var style in releases.Where(r => r.Version.Kind != RomVersionKind.Opaque).GroupBy(r => (r.Version.Kind, r.Version.Family)))
        {
            var highest = new Dictionary<(FactSource, RomVersionKind, string), (RomVersion Reported, RomVersion Version)>();
            foreach (var release in style.OrderBy(r => r.Version, Comparer<RomVersion>.Create(static (a, b) => a.TryCompareTo(b, out var order) ? order : 0)))
            {
                foreach (var reported in release.ReportedAs)
                {
                    var key = (reported.Source, reported.Version.Kind, reported.Version.Family);
                    if (highest.TryGetValue(key, out var before)
                        && reported.Version.TryCompareTo(before.Reported, out var order)
                        && (order < 0 || (order != 0 && release.Version.Equals(before.Version))))
                    {
                        Problem(release, $"{reported.Source} reports '{reported.Version}' for version '{release.Version}', and '{before.Reported}' for version '{before.Version}'");
                    }
                    else
                    {
                        highest[key] = (reported.Version, release.Version);
                    }
                }
            }
        }
    }

    private void Recoveries()
    {
        foreach (var recovery in _document.Systems.SelectMany(s => s.Roms).SelectMany(r => r.Releases).Select(r => r.Recovery).OfType<RecoveryImage>())
        {
            if (!_lengths.TryAdd(recovery.Sha256, recovery.Length) && _lengths[recovery.Sha256] is var other && other != recovery.Length)
            {
                Problem(recovery, string.Create(CultureInfo.InvariantCulture, $"the recovery image {recovery.Sha256} has {recovery.Length} bytes here and {other} elsewhere"));
            }
        }
    }

    private void Withdrawn()
    {
        var here = new HashSet<ContentDigest>();
        foreach (var withdrawn in _document.Withdrawn)
        {
            if (!here.Add(withdrawn.Sha256))
            {
                Problem(withdrawn, $"the digest {withdrawn.Sha256} is withdrawn twice");
            }
            else if (_lengths.ContainsKey(withdrawn.Sha256))
            {
                Problem(withdrawn, $"the digest {withdrawn.Sha256} is withdrawn, and {(_releases.ContainsKey(withdrawn.Sha256) ? "released" : "a recovery image")} in the same catalog");
            }
        }
    }

    private void Problem(object part, string what) => _found.Add((_places.Of(part), what));
}
