using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;
using RomFlash.Sdk.Compatibility;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Probing;

namespace RomFlash.Sdk.Testing.Simulation;

/// <summary>A catalog in memory: releases by firmware class. Gives honest verdicts; a look-up takes the same time however many releases there are.</summary>
/// <remarks>Immutable and thread-safe.</remarks>
public sealed class SimulatedCatalog : ICompatibilityCatalog
{
    private readonly ImmutableDictionary<ContentDigest, Entry> _entries;
    private readonly ImmutableHashSet<Guid> _classes;

    // What is reported by one release alone; null where it is by several.
    private readonly ImmutableDictionary<(Guid FirmwareClass, ReportedVersion Reported), Entry?> _reported;
    private readonly Lazy<CatalogProvenance> _provenance;

    private SimulatedCatalog(
        ImmutableDictionary<ContentDigest, Entry> entries,
        ImmutableHashSet<Guid> classes,
        ImmutableDictionary<(Guid FirmwareClass, ReportedVersion Reported), Entry?> reported)
    {
        _entries = entries;
        _classes = classes;
        _reported = reported;
        _provenance = new(() => new CatalogProvenance("simulated", DigestOf(entries)));
    }

    /// <summary>A catalog without releases.</summary>
    public static SimulatedCatalog Empty { get; } =
        new(ImmutableDictionary<ContentDigest, Entry>.Empty, ImmutableHashSet<Guid>.Empty, ImmutableDictionary<(Guid FirmwareClass, ReportedVersion Reported), Entry?>.Empty);

    /// <summary>Makes a catalog of releases that any installed version may be followed by.</summary>
    /// <param name="roms">The releases.</param>
    /// <returns>The catalog.</returns>
    public static SimulatedCatalog Of(params ReadOnlySpan<SimulatedRom> roms)
    {
        var catalog = Empty;
        foreach (var rom in roms)
        {
            catalog = catalog.With(rom);
        }

        return catalog;
    }

    /// <summary>The catalog with one more release.</summary>
    /// <param name="rom">The release.</param>
    /// <param name="requiredMinimum">What must be installed before it; empty when any version will do.</param>
    /// <returns>A new catalog.</returns>
    public SimulatedCatalog With(SimulatedRom rom, params ImmutableArray<ReportedVersion> requiredMinimum)
    {
        ArgumentNullException.ThrowIfNull(rom);
        var entry = new Entry(rom.FirmwareClass, rom.Kind, rom.PackedVersion, rom.ToRelease(requiredMinimum));
        var reported = _reported;
        foreach (var version in entry.Release.ReportedAs)
        {
            var isTaken = reported.TryGetValue((rom.FirmwareClass, version), out var other) && other?.Release.Sha256 != rom.Sha256;
            reported = reported.SetItem((rom.FirmwareClass, version), isTaken ? null : entry);
        }

        return new(_entries.SetItem(rom.Sha256, entry), _classes.Add(rom.FirmwareClass), reported);
    }

    /// <inheritdoc/>
    public ValueTask<FlashResult<CompatibilityVerdict>> EvaluateAsync(CompatibilityQuery query, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(query);
        if (cancellationToken.IsCancellationRequested)
        {
            return new(new OperationCancelled { Stage = FlashStage.Check, TargetId = query.Report.Target.Id });
        }

        var components = ImmutableArray.CreateBuilder<ComponentVerdict>(query.Report.Roms.Length);
        var supported = false;
        foreach (var rom in query.Report.Roms)
        {
            supported |= rom.FirmwareClass is { } c && _classes.Contains(c);
            components.Add(Judge(rom, query));
        }

        var decided = components.MoveToImmutable();
        return new(new CompatibilityVerdict
        {
            IsTargetSupported = supported,
            Components = decided,
            UnknownImages = FindUnknown(query.Images),
            UnneededImages = FindUnneeded(query, decided),
            Catalogs = [_provenance.Value],
            Reasons = supported ? [] : ["no release is for any of the installed ROMs"],
        });
    }

    // What it says and nothing else, in an order of its own: two catalogs of the same releases have the same digest.
    private static ContentDigest DigestOf(ImmutableDictionary<ContentDigest, Entry> entries)
    {
        var text = string.Join('\n', entries.Values.Select(e => string.Join('|', [$"{e.FirmwareClass} {e.Kind} {e.Packed} {e.Release.Sha256} {e.Release.Version}", .. e.Release.ReportedAs, .. e.Release.RequiredMinimum])).Order(StringComparer.Ordinal));
        return new ContentDigest(SHA256.HashData(Encoding.UTF8.GetBytes(text)));
    }

    private ImmutableArray<ContentDigest> FindUnknown(ImmutableArray<RomImage> images)
    {
        ImmutableArray<ContentDigest> unknown = [];
        foreach (var image in images)
        {
            unknown = _entries.ContainsKey(image.Sha256) ? unknown : unknown.Add(image.Sha256);
        }

        return unknown;
    }

    // A stepping stone that was passed, or a release lower than another one at hand: for this target, and not needed now.
    private ImmutableArray<ContentDigest> FindUnneeded(CompatibilityQuery query, ImmutableArray<ComponentVerdict> decided)
    {
        ImmutableArray<ContentDigest> unneeded = [];
        foreach (var image in query.Images)
        {
            if (_entries.TryGetValue(image.Sha256, out var entry)
                && query.Report.Roms.Any(entry.IsFor)
                && !decided.Any(c => c.Path.Any(r => r.Sha256 == image.Sha256)))
            {
                unneeded = unneeded.Add(image.Sha256);
            }
        }

        return unneeded;
    }

    private ComponentVerdict Judge(InstalledRom rom, CompatibilityQuery query)
    {
        Entry? newest = null;
        foreach (var image in query.Images)
        {
            if (_entries.TryGetValue(image.Sha256, out var entry) && entry.IsFor(rom) && (newest is null || entry.Packed > newest.Packed))
            {
                newest = entry;
            }
        }

        if (newest is null)
        {
            return new() { ComponentId = rom.Id, Decision = RomDecision.NotApplicable, Reasons = ["no image at hand is meant for it"] };
        }

        var release = newest.Release;
        if (rom.Versions.IsDefaultOrEmpty)
        {
            return query.Policy.Reflash
                ? Approve(rom, [release])
                : new() { ComponentId = rom.Id, Decision = RomDecision.UnknownVersion, Reasons = ["the installed version is unknown"] };
        }

        if (Compare(rom, release) is not { } order)
        {
            return query.Policy.Reflash
                ? Approve(rom, [release])
                : new() { ComponentId = rom.Id, Decision = RomDecision.UnknownVersion, Reasons = [$"{release.Version} can't be compared with {rom.DisplayVersion}"] };
        }

        return order switch
        {
            0 when !query.Policy.Reflash => new() { ComponentId = rom.Id, Decision = RomDecision.AlreadyCurrent, Path = [release] },
            < 0 when !query.Policy.AllowDowngrade => new() { ComponentId = rom.Id, Decision = RomDecision.Downgrade, Reasons = [$"{release.Version} is older than {rom.DisplayVersion}"] },
            _ => Approve(rom, FindPath(rom, newest, query.Images)),
        };
    }

    private ImmutableArray<RomRelease> FindPath(InstalledRom rom, Entry goal, ImmutableArray<RomImage> images)
    {
        ImmutableArray<RomRelease> path = [goal.Release];
        var next = goal;
        while (!next.Release.RequiredMinimum.IsEmpty && !Satisfies(rom.Versions, next.Release.RequiredMinimum))
        {
            // The newest image at hand that is older than what follows, and new enough for it.
            Entry? stone = null;
            foreach (var image in images)
            {
                if (_entries.TryGetValue(image.Sha256, out var entry)
                    && entry.IsFor(rom)
                    && entry.Packed < next.Packed
                    && Satisfies(entry.Release.ReportedAs, next.Release.RequiredMinimum)
                    && (stone is null || entry.Packed > stone.Packed))
                {
                    stone = entry;
                }
            }

            if (stone is null)
            {
                break;
            }

            path = path.Insert(0, stone.Release);
            next = stone;
        }

        return path;
    }

    private static bool Satisfies(ImmutableArray<ReportedVersion> installed, ImmutableArray<ReportedVersion> minimum)
    {
        foreach (var one in minimum)
        {
            foreach (var version in installed)
            {
                if (version.Source == one.Source && one.Version.TryCompareTo(version.Version, out var order))
                {
                    return order <= 0;
                }
            }
        }

        return false;
    }

    private static int? Compare(InstalledRom rom, RomRelease release)
    {
        foreach (var version in rom.Versions)
        {
            if (release.ReportedBy(version.Source) is { } next && next.TryCompareTo(version.Version, out var order))
            {
                return order;
            }
        }

        return null;
    }

    private ComponentVerdict Approve(InstalledRom rom, ImmutableArray<RomRelease> path) =>
        new() { ComponentId = rom.Id, Decision = RomDecision.Approved, Path = path, Installed = FindInstalled(rom) };

    private RomRelease? FindInstalled(InstalledRom rom)
    {
        RomRelease? installed = null;
        foreach (var version in rom.Versions.IsDefault ? [] : rom.Versions)
        {
            if (rom.FirmwareClass is { } firmwareClass && _reported.TryGetValue((firmwareClass, version), out var entry))
            {
                if (entry is null || (installed is not null && installed.Sha256 != entry.Release.Sha256))
                {
                    return null;
                }

                installed = entry.Release;
            }
        }

        return installed;
    }

    private sealed record Entry(Guid FirmwareClass, RomKind Kind, uint Packed, RomRelease Release)
    {
        public bool IsFor(InstalledRom rom) => rom.FirmwareClass == FirmwareClass && rom.Kind == Kind;
    }
}
