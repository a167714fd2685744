using System.Collections.Immutable;
using System.Globalization;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Probing;

namespace RomFlash.Sdk.Compatibility.Import;

/// <summary>Judges components and makes the catalog of those that can be carried over.</summary>
internal sealed class LvfsCatalogBuilder(LvfsImportOptions options)
{
    private const int MaxOmissions = 200_000;
    private const int MaxReason = 500;
    private const int MaxReleases = 200_000;
    private const int MaxHardwareIds = 1024;
    private const int MaxFirmware = 64;
    private const int MaxId = 128;
    private const string Capsule = "org.uefi.capsule";

    private readonly List<LvfsOmission> _omissions = [];
    private readonly Dictionary<string, (CatalogSystem System, Dictionary<(RomKind, Guid), Rom> Roms)> _systems = new(StringComparer.Ordinal);
    private readonly Dictionary<ContentDigest, RomRelease> _releases = [];
    private int _components;

    /// <summary>Takes a component.</summary>
    /// <returns>False when nothing more can be taken.</returns>
    public bool Add(LvfsComponent component)
    {
        _components++;
        if (TryRead(component, out var why) is not { } good)
        {
            Omit(component, string.Empty, why);
        }
        else
        {
            foreach (var release in component.Releases)
            {
                if (WhyNotAdded(component, release, good) is { } whyNot)
                {
                    Omit(component, release.Version, whyNot);
                }
            }

            if (component.Releases.Count == 0)
            {
                Omit(component, string.Empty, "it has no release");
            }
        }

        return _omissions.Count <= MaxOmissions && _releases.Count <= MaxReleases;
    }

    public LvfsImportResult Build() => new(
        new CatalogDocument
        {
            Name = options.Name,
            Serial = options.Serial,
            Expires = options.Expires,
            Systems = [.. _systems.Values.Select(s => s.System with
            {
                Roms = [.. s.Roms.Select(r => new CatalogRom { Component = r.Key.Item1, FirmwareClass = r.Key.Item2, Releases = [.. r.Value.Releases] })],
            })],
        },
        [.. _omissions],
        _components,
        _releases.Count);

    private static string? Single(List<string> values) => values.Distinct(StringComparer.Ordinal).ToArray() is [var only] && only.Length > 0 ? only : null;

    private static RomKind? KindOf(List<string> categories)
    {
        // Only what is certain: a wrong kind is never found on a target, so an unknown one would be of no use.
        var kinds = categories.Select(c => c switch
        {
            "X-System" => (RomKind?)RomKind.SystemRom,
            "X-StorageController" => RomKind.ArrayController,
            "X-Controller" => RomKind.Controller,
            "X-Device" or "X-EmbeddedController" or "X-ManagementEngine" or "X-CorporateManagementEngine" or "X-ThunderboltController" or "X-NetworkInterface"
                or "X-BaseboardManagementController" or "X-PlatformSecurityProcessor" or "X-CpuMicrocode" or "X-SolidStateDrive" => RomKind.Other,
            _ => null,
        }).Distinct().ToArray();
        return kinds is [{ } kind] ? kind : null;
    }

    private static string? WhyNotLeftOut(LvfsRequirement requirement) => requirement switch
    {
        { Kind: "id", Text: "org.freedesktop.fwupd" } => null,
        { Kind: "firmware", Text: "vendor-id", Compare: "eq" or "regex", Version: { Length: > 0 } version, Depth: null } =>
            version.Split('|').All(v => v.StartsWith("DMI:", StringComparison.Ordinal) || v.StartsWith("PCI:", StringComparison.Ordinal)) ? null : $"it is for the vendor '{version}'",
        _ => $"its requirement <{requirement.Kind}> {requirement.Text} {requirement.Compare} {requirement.Version} can't be held in a catalog",
    };

    // What a reason quotes is somebody else's, and there may be very many of them.
    private void Omit(LvfsComponent component, string release, string why) => _omissions.Add(new(
        component.Id.Length == 0 ? "(without an id)" : component.Id,
        release,
        why.Length <= MaxReason ? why : $"{why.AsSpan(0, char.IsHighSurrogate(why[MaxReason - 1]) ? MaxReason - 1 : MaxReason)}…"));

    private Good? TryRead(LvfsComponent component, out string why)
    {
        why = string.Empty;
        if (component.Id.Length is 0 or > MaxId)
        {
            why = $"its id is missing or longer than {MaxId} characters";
            return null;
        }

        if (Single(component.Protocols) is not Capsule)
        {
            why = component.Protocols.Count == 0 ? "it does not name its update protocol" : $"its update protocol is {string.Join(", ", component.Protocols)}, not {Capsule}";
            return null;
        }

        if (component.IsNested)
        {
            why = "elements that hold a text hold other elements";
            return null;
        }

        if (component.HasBranch)
        {
            why = "it is on a branch of its own";
            return null;
        }

        if (KindOf(component.Categories) is not { } kind)
        {
            why = $"its categories ({string.Join(", ", component.Categories)}) do not tell the kind of ROM";
            return null;
        }

        if (Single(component.Formats) is not { } format)
        {
            why = component.Formats.Count == 0 ? "it does not name its version format" : "it names several version formats";
            return null;
        }

        var classes = new List<Guid>();
        foreach (var text in component.Firmware)
        {
            if (!Guid.TryParseExact(text, "D", out var guid) || guid == Guid.Empty)
            {
                why = $"'{text}' is no firmware GUID";
                return null;
            }

            classes.Add(guid);
        }

        if (classes.Count is 0 or > MaxFirmware)
        {
            why = classes.Count == 0 ? "it provides no flashed firmware" : $"it provides more than {MaxFirmware} kinds of firmware";
            return null;
        }

        return TryReadRequirements(component, format, out why) is var (system, minimum) ? new(kind, format, [.. classes.Distinct()], system, minimum) : null;
    }

    private (CatalogSystem System, ImmutableArray<ReportedVersion> Minimum)? TryReadRequirements(LvfsComponent component, string format, out string why)
    {
        ImmutableArray<ReportedVersion> minimum = [];
        CatalogSystem? system = null;
        why = string.Empty;
        foreach (var requirement in component.Requirements)
        {
            if (requirement is { Kind: "hardware", Compare: null, Version: null, Depth: null })
            {
                if (system is not null)
                {
                    why = "it has several hardware requirements at once";
                    return null;
                }

                var ids = requirement.Text.Split('|', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).Select(t => Guid.TryParseExact(t, "D", out var id) ? id : Guid.Empty).Distinct().Order().ToArray();
                if (ids.Length is 0 or > MaxHardwareIds || ids.Contains(Guid.Empty))
                {
                    why = "its hardware requirement is no list of hardware ids";
                    return null;
                }

                system = new() { HardwareIds = [.. ids] };
            }
            else if (requirement is { Kind: "firmware", Text: "", Compare: "ge", Version: { } version, Depth: null } && minimum.IsEmpty)
            {
                if (LvfsVersion.ToNumber(version.Trim(), format, out var whyNot) is not { } number)
                {
                    why = $"it needs at least version '{version}', and {whyNot}";
                    return null;
                }

                minimum = [new(FactSource.Esrt, RomVersion.FromPacked(number))];
            }
            else if (WhyNotLeftOut(requirement) is { } reason)
            {
                why = reason;
                return null;
            }
        }

        system ??= options.Unrestricted is { } unrestricted ? unrestricted with { Roms = [] } : null;
        if (system is null)
        {
            why = "it is restricted to no hardware, and nobody said which systems it is for";
            return null;
        }

        return (system, minimum);
    }

    private string? WhyNotAdded(LvfsComponent component, LvfsRelease release, Good good)
    {
        if (release.Type is not (null or "stable"))
        {
            return $"it is a release of the type '{release.Type}'";
        }

        if (!RomVersion.TryParse(release.Version, out var version))
        {
            return "its version is none";
        }

        if (LvfsVersion.ToNumber(release.Version, good.Format, out var why) is not { } number)
        {
            return why;
        }

        if (Single(release.ContentSha256) is not { } text)
        {
            return release.ContentSha256.Count == 0 ? "there is no SHA-256 of its content" : "it has several contents";
        }

        if (!ContentDigest.TryParse(text, out var digest) || digest.IsEmpty)
        {
            return "its SHA-256 is none";
        }

        if (Single(release.InstalledSizes) is not { } size)
        {
            return release.InstalledSizes.Count == 0 ? "its installed size is missing" : "it has several sizes";
        }

        if (!long.TryParse(size, NumberStyles.None, CultureInfo.InvariantCulture, out var length) || length is 0 or > CatalogDocument.MaxImageLength)
        {
            return $"its size '{size}' is none";
        }

        if (good.Minimum is [{ Version: var least }] && least.TryCompareTo(RomVersion.FromPacked(number), out var order) && order > 0)
        {
            return "it needs a version above its own";
        }

        return WhyContradicting(
            good,
            new RomRelease
            {
                Sha256 = digest,
                Length = length,
                Version = version,
                ReportedAs = [new(FactSource.Esrt, RomVersion.FromPacked(number))],
                RequiredMinimum = good.Minimum,
                Notes = $"LVFS: {component.Id}{(string.IsNullOrWhiteSpace(release.Tag) || release.Tag.Length > MaxId ? string.Empty : ", " + release.Tag)}",
            });
    }

    private string? WhyContradicting(Good good, RomRelease release)
    {
        if (_releases.TryGetValue(release.Sha256, out var other) && !CatalogChecks.Agree(other, release))
        {
            return "another entry says something different of the same image";
        }

        var key = string.Join(',', good.System.HardwareIds);
        if (!_systems.TryGetValue(key, out var system))
        {
            system = (good.System, []);
        }

        // All of a release's ROMs or none: first looked at, then changed.
        var roms = good.Classes.Select(c => (good.Kind, c)).ToList();
        foreach (var id in roms)
        {
            if (system.Roms.TryGetValue(id, out var rom))
            {
                if (rom.Format != good.Format)
                {
                    return $"other releases for the same firmware have the version format '{rom.Format}'";
                }

                if (rom.ByVersion.TryGetValue(release.Version, out var same) && same != release.Sha256)
                {
                    return "another image for the same firmware has the same version";
                }
            }
        }

        _systems[key] = system;
        _releases.TryAdd(release.Sha256, release);
        foreach (var id in roms)
        {
            if (!system.Roms.TryGetValue(id, out var rom))
            {
                system.Roms.Add(id, rom = new(good.Format, [], []));
            }

            // One image has one version: contradictions were refused above.
            if (rom.ByVersion.TryAdd(release.Version, release.Sha256))
            {
                rom.Releases.Add(release);
            }
        }

        return null;
    }

    private sealed record Good(RomKind Kind, string Format, ImmutableArray<Guid> Classes, CatalogSystem System, ImmutableArray<ReportedVersion> Minimum);

    private sealed record Rom(string Format, List<RomRelease> Releases, Dictionary<RomVersion, ContentDigest> ByVersion);
}
