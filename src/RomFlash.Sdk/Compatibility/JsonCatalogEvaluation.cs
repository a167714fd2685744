using System.Collections.Immutable;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Pipeline;
using RomFlash.Sdk.Probing;

namespace RomFlash.Sdk.Compatibility;

/// <summary>One question to a catalog, for a target that it supports.</summary>
internal sealed class JsonCatalogEvaluation(
    ImmutableArray<InstalledRom> installed,
    List<(RomImage Image, JsonCatalogOccurrence[] Occurrences)> known,
    HashSet<JsonCatalogRom> entries,
    FlashPolicy policy)
{
    // Bounds the search for stepping stones in a hostile catalog; a real one has a handful of releases for one ROM.
    private const int MaxSteps = 1_000_000;

    private enum Step
    {
        Unknown,
        Older,
        Same,
        Newer,
        Mixed,
    }

    public CompatibilityVerdict Evaluate()
    {
        var chosen = new List<(InstalledRom Rom, List<RomRelease> Candidates)>(installed.Length);
        var wanted = new HashSet<ContentDigest>();
        foreach (var rom in installed)
        {
            var candidates = new List<RomRelease>();
            foreach (var (image, occurrences) in known)
            {
                var match = Array.FindIndex(occurrences, o => entries.Contains(o.Rom) && o.Rom.Matches(rom));
                if (match >= 0)
                {
                    candidates.Add(occurrences[match].Release);
                    wanted.Add(image.Sha256);
                }
            }

            chosen.Add((rom, candidates));
        }

        var orphans = known.Where(k => !wanted.Contains(k.Image.Sha256)).ToList();
        var components = chosen.Select(c => c.Candidates.Count == 0 ? Without(c.Rom, orphans) : Decide(c.Rom, c.Candidates)).ToImmutableArray();
        var used = components.SelectMany(c => c.Path).Select(r => r.Sha256).ToHashSet();
        return new()
        {
            IsTargetSupported = true,
            Components = components,
            UnneededImages = [.. known.Select(k => k.Image.Sha256).Where(d => wanted.Contains(d) && !used.Contains(d))],
            Reasons =
            [
                .. installed.IsEmpty ? ["the target does not tell which ROMs it has"] : Array.Empty<string>(),
                .. orphans.Select(o => $"{o.Image.Source.Name} is a release for {o.Occurrences[0].Rom}, which this target does not have"),
            ],
        };
    }

    private static ComponentVerdict Verdict(InstalledRom rom, RomDecision decision, string why, params ImmutableArray<RomRelease> path) =>
        new() { ComponentId = rom.Id, Decision = decision, Path = path, Reasons = [why] };

    private static string Describe(InstalledRom rom) => rom.Versions.IsDefaultOrEmpty ? "unknown" : string.Join(", ", rom.Versions);

    // An image for another device of the same kind is most likely meant for this one: then the answer must not be a silent "nothing to do".
    private ComponentVerdict Without(InstalledRom rom, List<(RomImage Image, JsonCatalogOccurrence[] Occurrences)> orphans)
    {
        foreach (var (image, occurrences) in orphans)
        {
            if (Array.Find(occurrences, o => o.Rom.Kind == rom.Kind) is { Rom: not null } other)
            {
                return Verdict(rom, RomDecision.NotSupported, $"{image.Source.Name} is a release for {other.Rom}, not for this one");
            }
        }

        return Verdict(rom, RomDecision.NotApplicable, entries.Any(e => e.Matches(rom)) ? "no image at hand is for this ROM" : "the catalog has no entry for this ROM");
    }

    private ComponentVerdict Decide(InstalledRom rom, List<RomRelease> candidates)
    {
        var release = candidates[0];
        foreach (var candidate in candidates.Skip(1))
        {
            switch (Order(release, candidate))
            {
                case Step.Newer:
                    release = candidate;
                    break;
                case Step.Older or Step.Same:
                    break;
                default:
                    return Verdict(rom, RomDecision.UnknownVersion, $"nobody can tell which of the images is newer, '{release.Version}' or '{candidate.Version}': give only one");
            }
        }

        var versions = rom.Versions.IsDefault ? [] : rom.Versions;
        return Compare(versions, release) switch
        {
            Step.Same when !policy.Reflash => Verdict(rom, RomDecision.AlreadyCurrent, $"'{release.Version}' is installed already", release),
            Step.Same => Verdict(rom, RomDecision.Approved, $"'{release.Version}' is installed already, and flashing it again was asked for", release),
            Step.Older when !policy.AllowDowngrade => Verdict(rom, RomDecision.Downgrade, $"'{release.Version}' is older than what is installed ({Describe(rom)})"),
            Step.Older => Verdict(rom, RomDecision.Approved, $"'{release.Version}' is older than what is installed ({Describe(rom)}), and a downgrade was asked for", release),
            Step.Unknown when !policy.Reflash => Verdict(rom, RomDecision.UnknownVersion, versions.IsEmpty
                ? "the installed version is unknown"
                : $"the installed version ({Describe(rom)}) can't be compared with what '{release.Version}' reports ({string.Join(", ", release.ReportedAs)})"),
            Step.Unknown => Verdict(rom, RomDecision.Approved, "the installed version is unknown or can't be compared, and flashing all the same was asked for", release),
            Step.Mixed when !(policy.Reflash && policy.AllowDowngrade) => Verdict(rom, RomDecision.UnknownVersion, $"the sources do not agree whether '{release.Version}' is newer than what is installed ({Describe(rom)})"),
            Step.Mixed => Verdict(rom, RomDecision.Approved, "the sources do not agree which version is newer; a downgrade and flashing again were asked for", release),
            _ => Upgrade(rom, versions, release),
        };
    }

    private ComponentVerdict Upgrade(InstalledRom rom, ImmutableArray<ReportedVersion> versions, RomRelease release)
    {
        if (IsMet(release.RequiredMinimum, versions) is not { } isMet)
        {
            return policy.Reflash
                ? Verdict(rom, RomDecision.Approved, $"nobody can tell whether '{release.Version}' may follow directly, and flashing all the same was asked for", release)
                : Verdict(rom, RomDecision.UnknownVersion, $"'{release.Version}' requires {string.Join(", ", release.RequiredMinimum)}, and the installed version ({Describe(rom)}) can't be compared with that");
        }

        if (isMet)
        {
            return Verdict(rom, RomDecision.Approved, $"'{release.Version}' is newer than what is installed ({Describe(rom)})", release);
        }

        var path = FindPath(rom, versions, release);
        return path.IsEmpty

            // Approving it alone lets the checks name the minimum that is not met; nothing gets past them.
            ? Verdict(rom, RomDecision.Approved, $"'{release.Version}' requires {string.Join(", ", release.RequiredMinimum)}, and no release of the catalog leads there from {Describe(rom)}", release)
            : Verdict(rom, RomDecision.Approved, $"'{release.Version}' requires {string.Join(", ", release.RequiredMinimum)}; the way there is {string.Join(", then ", path.Select(r => $"'{r.Version}'"))}", path);
    }

    // Breadth first: the fewest boots. Each release is reached once, so a cycle of requirements ends.
    private ImmutableArray<RomRelease> FindPath(InstalledRom rom, ImmutableArray<ReportedVersion> versions, RomRelease goal)
    {
        var atHand = known.Select(k => k.Image.Sha256).ToHashSet();
        var stones = entries.Where(e => e.Matches(rom))
            .SelectMany(e => e.Releases)
            .DistinctBy(r => r.Sha256)
            .Where(r => r.Sha256 != goal.Sha256 && Compare(r.ReportedAs, goal) is Step.Newer)
            .OrderBy(r => atHand.Contains(r.Sha256) ? 0 : 1)
            .ToArray();
        var cameFrom = new int[stones.Length];
        var isReached = new bool[stones.Length];
        var queue = new Queue<int>();
        queue.Enqueue(-1);
        var steps = 0;
        while (queue.TryDequeue(out var at))
        {
            var state = at < 0 ? versions : stones[at].ReportedAs;
            if (at >= 0 && IsMet(goal.RequiredMinimum, state) is true)
            {
                var path = new List<RomRelease> { goal };
                for (var i = at; i >= 0; i = cameFrom[i])
                {
                    path.Add(stones[i]);
                }

                path.Reverse();
                return [.. path];
            }

            for (var i = 0; i < stones.Length; i++)
            {
                if (++steps > MaxSteps)
                {
                    return [];
                }

                if (!isReached[i] && Compare(state, stones[i]) is Step.Newer && IsMet(stones[i].RequiredMinimum, state) is true)
                {
                    isReached[i] = true;
                    cameFrom[i] = at;
                    queue.Enqueue(i);
                }
            }
        }

        return [];
    }

    private static Step Order(RomRelease from, RomRelease to) =>
        from.Version.TryCompareTo(to.Version, out var order)
            ? order < 0 ? Step.Newer : order > 0 ? Step.Older : Step.Same
            : Compare(from.ReportedAs, to);

    // How a release stands to versions that are reported, over all sources that both know.
    private static Step Compare(ImmutableArray<ReportedVersion> versions, RomRelease release)
    {
        var result = Step.Unknown;
        foreach (var version in versions)
        {
            if (release.ReportedBy(version.Source) is not { } next || !next.TryCompareTo(version.Version, out var order))
            {
                continue;
            }

            var one = order < 0 ? Step.Older : order > 0 ? Step.Newer : Step.Same;
            result = result is Step.Unknown || result == one ? one : Step.Mixed;
        }

        return result;
    }

    // Null when nothing can be compared.
    private static bool? IsMet(ImmutableArray<ReportedVersion> minimum, ImmutableArray<ReportedVersion> versions)
    {
        if (minimum.IsDefaultOrEmpty)
        {
            return true;
        }

        bool? result = null;
        foreach (var version in versions)
        {
            foreach (var required in minimum)
            {
                if (required.Source == version.Source && required.Version.TryCompareTo(version.Version, out var order))
                {
                    result = order <= 0 && result is not false;
                }
            }
        }

        return result;
    }
}
