using System.Collections.Frozen;
using System.Collections.Immutable;
using RomFlash.Sdk.Documents;
using RomFlash.Sdk.Images;

namespace RomFlash.Sdk.Compatibility;

/// <summary>Layers of catalogs, made ready for questions: what each says of systems and ROMs side by side, and one word for each image.</summary>
internal sealed class CatalogContent
{
    private readonly FrozenDictionary<ContentDigest, (RomRelease Release, SupportedRom[] Roms)> _byDigest;
    private readonly FrozenDictionary<ContentDigest, string> _withdrawn;

    private CatalogContent(ImmutableArray<CatalogLayer> layers, Dictionary<ContentDigest, RomRelease> releases, FrozenDictionary<ContentDigest, string> withdrawn)
    {
        Catalogs = [.. layers.Select(l => l.Provenance)];
        _withdrawn = withdrawn;
        var systems = new List<SupportedSystem>();
        var roms = new Dictionary<ContentDigest, List<SupportedRom>>();
        foreach (var entry in layers.SelectMany(l => l.Document.Systems))
        {
            var system = new SupportedSystem(entry);
            system.Roms = [.. entry.Roms.Select(r => new SupportedRom(system, r, [.. r.Releases.Select(x => releases[x.Sha256])]))];
            systems.Add(system);
            foreach (var rom in system.Roms)
            {
                foreach (var release in rom.Releases)
                {
                    if (!roms.TryGetValue(release.Sha256, out var same))
                    {
                        roms.Add(release.Sha256, same = []);
                    }

                    same.Add(rom);
                }
            }
        }

        _byDigest = roms.ToFrozenDictionary(p => p.Key, p => (releases[p.Key], p.Value.ToArray()));
        Systems = new(systems);
        Nearest = new(systems);
    }

    public ImmutableArray<CatalogProvenance> Catalogs { get; }

    public SystemIndex Systems { get; }

    public NearestEntries Nearest { get; }

    /// <summary>How many different images there are.</summary>
    public int ReleaseCount => _byDigest.Count;

    public bool HasWithdrawn => _withdrawn.Count > 0;

    /// <summary>Puts layers together, the strongest first.</summary>
    /// <param name="layers">The layers; each was read or checked.</param>
    /// <param name="contradictions">What two layers say differently.</param>
    /// <returns>The content, or null when there are contradictions.</returns>
    public static CatalogContent? TryCreate(ImmutableArray<CatalogLayer> layers, out ImmutableArray<string> contradictions)
    {
        var withdrawn = new Dictionary<ContentDigest, string>();
        foreach (var layer in layers)
        {
            foreach (var entry in layer.Document.Withdrawn)
            {
                withdrawn.TryAdd(entry.Sha256, $"{entry.Why} (says {layer.Provenance.Name})");
            }
        }

        var found = ImmutableArray.CreateBuilder<string>();
        var releases = new Dictionary<ContentDigest, (RomRelease Release, CatalogLayer Layer)>();
        foreach (var layer in layers)
        {
            foreach (var release in layer.Document.Systems.SelectMany(s => s.Roms).SelectMany(r => r.Releases))
            {
                if (releases.TryAdd(release.Sha256, (release, layer)))
                {
                    continue;
                }

                var known = releases[release.Sha256];
                if (CatalogChecks.Agree(known.Release, release))
                {
                    releases[release.Sha256] = (Merge(known.Release, release), known.Layer);
                }
                else if (found.Count <= DocumentReader.MaxProblems)
                {
                    found.Add(found.Count == DocumentReader.MaxProblems
                        ? "and more"
                        : $"the digest {release.Sha256} is described in two ways, by '{known.Layer.Provenance.Name}' as '{known.Release.Version}' and by '{layer.Provenance.Name}' as '{release.Version}'");
                }
            }
        }

        contradictions = found.DrainToImmutable();
        if (!contradictions.IsEmpty)
        {
            return null;
        }

        // An image that must not be flashed is no recovery image either.
        return new(
            layers,
            releases.ToDictionary(p => p.Key, p => p.Value.Release.Recovery is { } recovery && withdrawn.ContainsKey(recovery.Sha256) ? p.Value.Release with { Recovery = null } : p.Value.Release),
            withdrawn.ToFrozenDictionary());
    }

    public RomRelease? Find(ContentDigest digest) => _byDigest.TryGetValue(digest, out var known) ? known.Release : null;

    /// <summary>The ROMs that an image is a release for; at least one.</summary>
    public SupportedRom[] RomsOf(RomRelease release) => _byDigest[release.Sha256].Roms;

    /// <summary>Why an image must not be flashed; null when nobody says that.</summary>
    public string? WhyWithdrawn(ContentDigest digest) => _withdrawn.Count > 0 ? _withdrawn.GetValueOrDefault(digest) : null;

    // What the stronger layer leaves open, a weaker one may tell.
    private static RomRelease Merge(RomRelease strong, RomRelease weak)
    {
        var lowest = strong.LowestSupported.IsEmpty ? weak.LowestSupported : strong.LowestSupported;
        var recovery = strong.Recovery ?? weak.Recovery;
        var notes = strong.Notes.Length == 0 ? weak.Notes : strong.Notes;
        return lowest == strong.LowestSupported && ReferenceEquals(recovery, strong.Recovery) && ReferenceEquals(notes, strong.Notes)
            ? strong
            : strong with { LowestSupported = lowest, Recovery = recovery, Notes = notes };
    }
}
