using System.Collections.Immutable;
using System.Globalization;
using System.Runtime.InteropServices;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Pipeline;
using RomFlash.Sdk.Probing;
using RomFlash.Sdk.Scheduling;
using RomFlash.Sdk.Targets;

namespace RomFlash.Sdk.Compatibility;

/// <summary>One question to a catalog. What it works with is lent by the pool.</summary>
internal ref struct CatalogEvaluation
{
    // Bounds the search for stepping stones in a hostile catalog; a real one has a handful of releases for one ROM.
    private const int MaxSteps = 1_000_000;

    // A reason that is longer is written on the heap, in pieces.
    private const int ReasonLength = 256;

    private static readonly ImmutableArray<string> NoImage = ["no image at hand is for this ROM"];
    private static readonly ImmutableArray<string> NoEntry = ["the catalog has no entry for this ROM"];
    private static readonly ImmutableArray<string> NoRoms = ["the target does not tell which ROMs it has"];

    private readonly CatalogContent _content;
    private readonly CompatibilityQuery _query;
    private readonly ImmutableArray<RomImage> _images;
    private readonly ImmutableArray<InstalledRom> _roms;
    private Pooled<SupportedSystem> _systems;

    // For each image at hand its release in the catalog, or null; and whether an installed ROM could take it.
    private Pooled<RomRelease?> _known;
    private Pooled<bool> _wanted;

    // The entries for all installed ROMs, one ROM's behind the other's.
    private Pooled<SupportedRom> _entries;
    private Pooled<Choice> _choices;

    private CatalogEvaluation(CatalogContent content, CompatibilityQuery query)
    {
        _content = content;
        _query = query;
        _images = query.Images.IsDefault ? [] : query.Images;
        _roms = query.Report.Roms;
        _systems = new(4);
        _known = new(_images.Length);
        _wanted = new(_images.Length);
        _entries = new(_roms.Length);
        _choices = new(_roms.Length);
    }

    public static CompatibilityVerdict Evaluate(CatalogContent content, CompatibilityQuery query)
    {
        var evaluation = new CatalogEvaluation(content, query);
        try
        {
            return evaluation.Evaluate();
        }
        finally
        {
            evaluation.Dispose();
        }
    }

    public void Dispose()
    {
        _systems.Dispose();
        _known.Dispose();
        _wanted.Dispose();
        _entries.Dispose();
        _choices.Dispose();
    }

    private static ComponentVerdict Verdict(InstalledRom rom, RomDecision decision, ImmutableArray<string> reasons, params ImmutableArray<RomRelease> path) =>
        new() { ComponentId = rom.Id, Decision = decision, Path = path, Reasons = reasons };

    private CompatibilityVerdict Evaluate()
    {
        foreach (var image in _images)
        {
            _known.Add(_content.Find(image.Sha256));
            _wanted.Add(false);
        }

        var identity = _query.Report.Facts.Identity.TryGet(out var told) ? told : null;
        var hardwareIds = _content.Systems.HasHardwareIds ? HardwareIds.Of(_query.Report.Facts) : [];
        _content.Systems.Find(identity, hardwareIds.AsSpan(), ref _systems);
        return _systems.Count == 0 ? NotSupported(identity, !hardwareIds.IsEmpty) : Supported();
    }

    private CompatibilityVerdict NotSupported(TargetIdentity? identity, bool hasHardwareIds)
    {
        ImmutableArray<string> reasons = [identity is not null
            ? string.Create(
                CultureInfo.InvariantCulture,
                stackalloc char[ReasonLength],
                $"no system of the catalog is '{identity.Manufacturer}' '{identity.Product}' (SKU '{identity.Sku}')")
            : hasHardwareIds ? "no system of the catalog has one of the target's hardware ids" : "the target does not tell what it is"];
        var components = new ComponentVerdict[_roms.Length];
        for (var i = 0; i < components.Length; i++)
        {
            components[i] = Verdict(_roms[i], RomDecision.NotApplicable, reasons);
        }

        return new()
        {
            IsTargetSupported = false,
            Components = ImmutableCollectionsMarshal.AsImmutableArray(components),
            UnknownImages = UnknownImages(),
            WithdrawnImages = WithdrawnImages(),
            Reasons = AddWithdrawn(reasons),
            Nearest = identity is null ? [] : _content.Nearest.To(identity),
            Catalogs = _content.Catalogs,
        };
    }

    private CompatibilityVerdict Supported()
    {
        foreach (var rom in _roms)
        {
            _choices.Add(Choose(rom));
        }

        var components = new ComponentVerdict[_roms.Length];
        for (var i = 0; i < components.Length; i++)
        {
            components[i] = Decide(_roms[i], _choices.Items[i]);        }

        return new()
        {
            IsTargetSupported = true,
            Components = ImmutableCollectionsMarshal.AsImmutableArray(components),
            UnknownImages = UnknownImages(),
            WithdrawnImages = WithdrawnImages(),
            UnneededImages = UnneededImages(components),
            Reasons = AddWithdrawn(AddOrphans(_roms.IsEmpty ? NoRoms : [])),
            Boots = Boots(components),
            Catalogs = _content.Catalogs,
        };
    }

    // ---- Which of the images at hand counts for a ROM ----
    private Choice Choose(InstalledRom rom)
    {
        var choice = new Choice { First = _entries.Count };
        foreach (var system in _systems.Items)
        {
            foreach (var entry in system.Roms)
            {
                if (entry.Matches(rom))
                {
                    _entries.Add(entry);
                }
            }
        }

        choice.Count = _entries.Count - choice.First;
        for (var i = 0; i < _images.Length; i++)
        {
            if (_known.Items[i] is not { } release || !IsListed(_entries.Items.Slice(choice.First, choice.Count), release))
            {
                continue;
            }

            _wanted.Items[i] = true;
            if (_content.WhyWithdrawn(release.Sha256) is not null)
            {
                choice.Withdrawn ??= release;
            }
            else if (choice.Release is null)
            {
                choice.Release = release;
            }
            else
            {
                switch (VersionSteps.Compare(choice.Release, release))
                {
                    case VersionStep.Newer:
                        choice.Release = release;
                        break;
                    case VersionStep.Older or VersionStep.Same:
                        break;
                    default:
                        choice.Rival ??= release;
                        break;
                }
            }
        }

        return choice;
    }

    private static bool IsListed(ReadOnlySpan<SupportedRom> entries, RomRelease release)
    {
        foreach (var entry in entries)
        {
            if (entry.Find(release.Sha256) is not null)
            {
                return true;
            }
        }

        return false;
    }

    // ---- What is decided for a ROM ----
    private ComponentVerdict Decide(InstalledRom rom, Choice choice)
    {
        if (choice.Release is null)
        {
            return choice.Withdrawn is null ? Without(rom, choice) : Withdrawn(rom, choice.Withdrawn);
        }

        Span<char> buffer = stackalloc char[ReasonLength];
        var release = choice.Release;
        if (choice.Rival is { } rival)
        {
            return Verdict(rom, RomDecision.UnknownVersion, [string.Create(CultureInfo.InvariantCulture, buffer, $"nobody can tell which of the images is newer, '{release.Version}' or '{rival.Version}': give only one")]);
        }

        ImmutableArray<ReportedVersion> versions = rom.Versions.IsDefault ? [] : rom.Versions;
        var installed = new VersionList(versions);
        var step = VersionSteps.Compare(versions, release);

        // Also when it is newer by what the target tells: another source may say that the firmware does not accept it.
        if (Limit(versions, release, choice) is { } limit)
        {
            return Verdict(rom, RomDecision.BelowLowestSupported, [string.Create(
                CultureInfo.InvariantCulture,
                buffer,
                $"'{release.Version}' is below the lowest version that the installed release accepts ({limit.Source}: {limit.Version})")]);
        }

        var policy = _query.Policy;
        return step switch
        {
            VersionStep.Same when !policy.Reflash => Verdict(rom, RomDecision.AlreadyCurrent, [string.Create(CultureInfo.InvariantCulture, buffer, $"'{release.Version}' is installed already")], release),
            VersionStep.Same => Approve(rom, choice, [string.Create(CultureInfo.InvariantCulture, buffer, $"'{release.Version}' is installed already, and flashing it again was asked for")], release),
            VersionStep.Older when !policy.AllowDowngrade => Verdict(rom, RomDecision.Downgrade, [string.Create(CultureInfo.InvariantCulture, buffer, $"'{release.Version}' is older than what is installed ({installed})")]),
            VersionStep.Older => Approve(rom, choice, [string.Create(CultureInfo.InvariantCulture, buffer, $"'{release.Version}' is older than what is installed ({installed}), and a downgrade was asked for")], release),
            VersionStep.Unknown when !policy.Reflash => Verdict(rom, RomDecision.UnknownVersion, [versions.IsEmpty
                ? "the installed version is unknown"
                : string.Create(CultureInfo.InvariantCulture, buffer, $"the installed version ({installed}) can't be compared with what '{release.Version}' reports ({new VersionList(release.ReportedAs)})")]),
            VersionStep.Unknown => Approve(rom, choice, ["the installed version is unknown or can't be compared, and flashing all the same was asked for"], release),
            VersionStep.Mixed when !(policy.Reflash && policy.AllowDowngrade) => Verdict(rom, RomDecision.UnknownVersion, [string.Create(CultureInfo.InvariantCulture, buffer, $"the sources do not agree whether '{release.Version}' is newer than what is installed ({installed})")]),
            VersionStep.Mixed => Approve(rom, choice, ["the sources do not agree which version is newer; a downgrade and flashing again were asked for"], release),
            _ => Upgrade(rom, versions, release, choice, buffer),
        };
    }

    private readonly ComponentVerdict Approve(InstalledRom rom, Choice choice, ImmutableArray<string> reasons, params ImmutableArray<RomRelease> path) =>
        new() { ComponentId = rom.Id, Decision = RomDecision.Approved, Path = path, Reasons = reasons, Installed = FindInstalled(rom, choice) };

    // What was withdrawn is nothing to come back with; and of two that are reported alike nobody knows which one runs.
    private readonly RomRelease? FindInstalled(InstalledRom rom, Choice choice)
    {
        RomRelease? installed = null;
        ImmutableArray<ReportedVersion> versions = rom.Versions.IsDefault ? [] : rom.Versions;
        foreach (var entry in _entries.Items.Slice(choice.First, choice.Count))
        {
            foreach (var release in entry.Releases)
            {
                if (VersionSteps.Compare(versions, release) is not VersionStep.Same || _content.WhyWithdrawn(release.Sha256) is not null)
                {
                    continue;
                }

                if (installed is not null && installed.Sha256 != release.Sha256)
                {
                    return null;
                }

                installed = release;
            }
        }

        return installed;
    }

    private ComponentVerdict Upgrade(InstalledRom rom, ImmutableArray<ReportedVersion> versions, RomRelease release, Choice choice, scoped Span<char> buffer)
    {
        var installed = new VersionList(versions);
        var required = new VersionList(release.RequiredMinimum);
        if (VersionSteps.IsMet(release.RequiredMinimum, versions) is not { } isMet)
        {
            return _query.Policy.Reflash
                ? Approve(rom, choice, [string.Create(CultureInfo.InvariantCulture, buffer, $"nobody can tell whether '{release.Version}' may follow directly, and flashing all the same was asked for")], release)
                : Verdict(rom, RomDecision.UnknownVersion, [string.Create(CultureInfo.InvariantCulture, buffer, $"'{release.Version}' requires {required}, and the installed version ({installed}) can't be compared with that")]);
        }

        if (isMet)
        {
            return Approve(rom, choice, [string.Create(CultureInfo.InvariantCulture, buffer, $"'{release.Version}' is newer than what is installed ({installed})")], release);
        }

        // A way whose images are all at hand is taken although one that lacks an image may be shorter: that one would be refused.
        var path = FindPath(versions, release, choice, onlyAtHand: true);
        if (path.IsEmpty)
        {
            path = FindPath(versions, release, choice, onlyAtHand: false);
        }

        return path.IsEmpty

            // Approving it alone lets the checks name the minimum that is not met; nothing gets past them.
            ? Approve(rom, choice, [string.Create(CultureInfo.InvariantCulture, buffer, $"'{release.Version}' requires {required}, and no release of the catalog leads there from {installed}")], release)
            : Approve(rom, choice, [string.Create(CultureInfo.InvariantCulture, buffer, $"'{release.Version}' requires {required}; the way there is {new PathList(path)}")], path);
    }

    private ComponentVerdict Withdrawn(InstalledRom rom, RomRelease release)
    {
        var why = _content.WhyWithdrawn(release.Sha256);
        return VersionSteps.Compare(rom.Versions.IsDefault ? [] : rom.Versions, release) is VersionStep.Same && !_query.Policy.Reflash
            ? Verdict(rom, RomDecision.AlreadyCurrent, [$"'{release.Version}' is installed already; it was withdrawn: {why}"], release)
            : Verdict(rom, RomDecision.NotSupported, [$"'{release.Version}' was withdrawn: {why}"]);
    }

    // An image for another device of the same kind is most likely meant for this one: then the answer must not be a silent "nothing to do".
    private ComponentVerdict Without(InstalledRom rom, Choice choice)
    {
        for (var i = 0; i < _images.Length; i++)
        {
            if (_known.Items[i] is { } release && !_wanted.Items[i] && _content.RomsOf(release).FirstOrDefault(r => r.Entry.Component == rom.Kind) is { } other)
            {
                return Verdict(rom, RomDecision.NotSupported, [$"{_images[i].Source.Name} is a release for {other}, not for this one"]) with { Nearest = _content.Nearest.To(rom, _systems.Items) };
            }
        }

        return choice.Count > 0
            ? Verdict(rom, RomDecision.NotApplicable, NoImage)
            : Verdict(rom, RomDecision.NotApplicable, NoEntry) with { Nearest = _content.Nearest.To(rom, _systems.Items) };
    }

    // What the installed release says that its firmware does not accept any more; null when the release is not below that.
    private readonly ReportedVersion? Limit(ImmutableArray<ReportedVersion> versions, RomRelease release, Choice choice)
    {
        foreach (var entry in _entries.Items.Slice(choice.First, choice.Count))
        {
            foreach (var installed in entry.Limiting)
            {
                if (VersionSteps.Compare(versions, installed) is not VersionStep.Same)
                {
                    continue;
                }

                if (FindRefusal(installed, release) is { } lowest)
                {
                    return lowest;
                }
            }
        }

        return null;
    }

    // The lowest version that a running release accepts, where another one is below it.
    private static ReportedVersion? FindRefusal(RomRelease running, RomRelease next)
    {
        foreach (var lowest in running.LowestSupported)
        {
            if (next.ReportedBy(lowest.Source) is { } own && own.TryCompareTo(lowest.Version, out var order) && order < 0)
            {
                return lowest;
            }
        }

        return null;
    }

    private static ReportedVersion? FindRefusal(ReadOnlySpan<RomRelease> running, RomRelease next)
    {
        foreach (var one in running)
        {
            if (FindRefusal(one, next) is { } lowest)
            {
                return lowest;
            }
        }

        return null;
    }

    // Breadth first: the fewest boots. Each release is reached once, so that it ends whatever requires what.
    private ImmutableArray<RomRelease> FindPath(ImmutableArray<ReportedVersion> versions, RomRelease goal, Choice choice, bool onlyAtHand)
    {
        var stones = new Pooled<Stone>(16);
        var queue = new Pooled<int>(16);
        var running = new Pooled<RomRelease>(4);
        try
        {
            foreach (var entry in _entries.Items.Slice(choice.First, choice.Count))
            {
                foreach (var installed in entry.Limiting)
                {
                    if (VersionSteps.Compare(versions, installed) is VersionStep.Same)
                    {
                        running.Add(installed);
                    }
                }

                foreach (var release in entry.Releases)
                {
                    if (!ReferenceEquals(release, goal)
                        && VersionSteps.Compare(release.ReportedAs, goal) is VersionStep.Newer
                        && VersionSteps.Compare(release.ReportedAs, goal, versions) is VersionStep.Newer
                        && _content.WhyWithdrawn(release.Sha256) is null
                        && (!onlyAtHand || _known.Items.Contains(release)))
                    {
                        stones.Add(new(release));
                    }
                }
            }

            queue.Add(-1);
            var steps = 0;
            for (var head = 0; head < queue.Count; head++)
            {
                var at = queue.Items[head];
                var state = at < 0 ? versions : stones.Items[at].Release.ReportedAs;

                // Once a stone runs, the target tells by its own sources that it does, and by no others.
                if (at >= 0 && VersionSteps.IsMet(goal.RequiredMinimum, state, versions) is true && FindRefusal(stones.Items[at].Release, goal) is null)
                {
                    return Path(stones.Items, at, goal);
                }

                for (var i = 0; i < stones.Count; i++)
                {
                    ref var stone = ref stones.Items[i];
                    if ((steps += at < 0 ? 1 + running.Count : 1) > MaxSteps)
                    {
                        return [];
                    }

                    if (!stone.IsReached && VersionSteps.Compare(state, stone.Release) is VersionStep.Newer && VersionSteps.Compare(state, stone.Release, versions) is VersionStep.Newer && VersionSteps.IsMet(stone.Release.RequiredMinimum, state, versions) is true
                        && (at < 0 ? FindRefusal(running.Items, stone.Release) : FindRefusal(stones.Items[at].Release, stone.Release)) is null)
                    {
                        stone = stone with { IsReached = true, From = at };
                        queue.Add(i);
                    }
                }
            }

            return [];
        }
        finally
        {
            stones.Dispose();
            queue.Dispose();
            running.Dispose();
        }
    }

    private static ImmutableArray<RomRelease> Path(ReadOnlySpan<Stone> stones, int last, RomRelease goal)
    {
        var length = 1;
        for (var i = last; i >= 0; i = stones[i].From)
        {
            length++;
        }

        var path = new RomRelease[length];
        path[--length] = goal;
        for (var i = last; i >= 0; i = stones[i].From)
        {
            path[--length] = stones[i].Release;
        }

        return ImmutableCollectionsMarshal.AsImmutableArray(path);
    }

    // ---- What concerns the whole target ----

    // As the pipeline does it: each boot takes the first components that still have something to come, in flashing order, as many as it can.
    private readonly int Boots(ComponentVerdict[] components)
    {
        var approved = 0;
        var longest = 0;
        foreach (var component in components)
        {
            if (component.Decision == RomDecision.Approved)
            {
                approved++;
                longest = Math.Max(longest, component.Path.Length);
            }
        }

        var most = DefaultFlashScheduler.MostComponents(_query.Report, _query.Policy);
        return most >= approved ? longest : BootOrder.Count(_roms, components, most);
    }

    private readonly ImmutableArray<ContentDigest> UnknownImages()
    {
        ImmutableArray<ContentDigest> unknown = [];
        for (var i = 0; i < _images.Length; i++)
        {
            if (_known.Items[i] is null)
            {
                unknown = unknown.Add(_images[i].Sha256);
            }
        }

        return unknown;
    }

    private readonly ImmutableArray<WithdrawnRelease> WithdrawnImages()
    {
        ImmutableArray<WithdrawnRelease> withdrawn = [];
        if (_content.HasWithdrawn)
        {
            foreach (var image in _images)
            {
                if (_content.WhyWithdrawn(image.Sha256) is { } why)
                {
                    withdrawn = withdrawn.Add(new(image.Sha256, why));
                }
            }
        }

        return withdrawn;
    }

    private readonly ImmutableArray<ContentDigest> UnneededImages(ComponentVerdict[] components)
    {
        ImmutableArray<ContentDigest>.Builder? unneeded = null;
        for (var i = 0; i < _images.Length; i++)
        {
            if (_wanted.Items[i] && !IsUsed(components, _images[i].Sha256))
            {
                (unneeded ??= ImmutableArray.CreateBuilder<ContentDigest>()).Add(_images[i].Sha256);
            }
        }

        return unneeded?.DrainToImmutable() ?? [];
    }

    private static bool IsUsed(ComponentVerdict[] components, ContentDigest digest)
    {
        foreach (var component in components)
        {
            foreach (var release in component.Path)
            {
                if (release.Sha256 == digest)
                {
                    return true;
                }
            }
        }

        return false;
    }

    private readonly ImmutableArray<string> AddOrphans(ImmutableArray<string> reasons)
    {
        for (var i = 0; i < _images.Length; i++)
        {
            if (_known.Items[i] is { } release && !_wanted.Items[i])
            {
                reasons = reasons.Add($"{_images[i].Source.Name} is a release for {_content.RomsOf(release)[0]}, which this target does not have");
            }
        }

        return reasons;
    }

    private readonly ImmutableArray<string> AddWithdrawn(ImmutableArray<string> reasons)
    {
        if (_content.HasWithdrawn)
        {
            foreach (var image in _images)
            {
                if (_content.WhyWithdrawn(image.Sha256) is { } why)
                {
                    reasons = reasons.Add($"{image.Source.Name} was withdrawn: {why}");
                }
            }
        }

        return reasons;
    }

    private readonly record struct Stone(RomRelease Release)
    {
        public bool IsReached { get; init; }

        public int From { get; init; }
    }

    private record struct Choice
    {
        public int First { get; init; }

        public int Count { get; set; }

        /// <summary>The highest of the images at hand that are releases for this ROM.</summary>
        public RomRelease? Release { get; set; }

        /// <summary>Another one of which nobody can tell whether it is higher.</summary>
        public RomRelease? Rival { get; set; }

        /// <summary>One that must not be flashed.</summary>
        public RomRelease? Withdrawn { get; set; }
    }
}
