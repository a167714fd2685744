using System.Collections.Immutable;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Probing;
using RomFlash.Sdk.Targets;

namespace RomFlash.Sdk.Compatibility;

/// <summary>A system of a catalog, made ready for questions.</summary>
internal sealed class SupportedSystem(CatalogSystem system)
{
    private string? _text;

    public CatalogSystem Entry => system;

    public SupportedRom[] Roms { get; set; } = [];

    /// <summary>Everything that the entry names has to hold, and what the target does not tell does not hold.</summary>
    /// <param name="identity">The target's identity, or null.</param>
    /// <param name="hardwareIds">The target's computer hardware ids.</param>
    public bool Matches(TargetIdentity? identity, ReadOnlySpan<Guid> hardwareIds) =>
        (system.Manufacturer is null || SystemPattern.Matches(system.Manufacturer, identity?.Manufacturer))
        && (system.Product is null || SystemPattern.Matches(system.Product, identity?.Product))
        && (system.Sku is null || SystemPattern.Matches(system.Sku, identity?.Sku))
        && (system.SmbiosUuids.IsEmpty || (identity?.SmbiosUuid is { } uuid && system.SmbiosUuids.Contains(uuid)))
        && (system.ExceptSmbiosUuids.IsEmpty || (IsTold(identity?.SmbiosUuid) is { } other && !system.ExceptSmbiosUuids.Contains(other)))
        && (system.HardwareIds.IsEmpty || hardwareIds.ContainsAny(system.HardwareIds.AsSpan()));

    /// <summary>For people. Untrusted text.</summary>
    public override string ToString() => _text ??= string.Join(' ', Parts());

    // All zeros and all ones mean "not set" (SMBIOS 3.6, 7.2.1): who does not tell may be one of the exceptions.
    private static Guid? IsTold(Guid? uuid) => uuid is { } value && value != Guid.Empty && value != Guid.AllBitsSet ? value : null;

    private IEnumerable<string> Parts()
    {
        if (system.Product is not null)
        {
            yield return $"{system.Manufacturer} {system.Product}";
        }

        if (system.Sku is not null)
        {
            yield return $"({system.Sku})";
        }

        if (!system.SmbiosUuids.IsEmpty)
        {
            yield return system.SmbiosUuids.Length == 1 ? $"with the UUID {system.SmbiosUuids[0]}" : $"with one of {system.SmbiosUuids.Length} UUIDs";
        }

        if (!system.ExceptSmbiosUuids.IsEmpty)
        {
            yield return system.ExceptSmbiosUuids.Length == 1 ? $"except the UUID {system.ExceptSmbiosUuids[0]}" : $"except {system.ExceptSmbiosUuids.Length} UUIDs";
        }

        if (!system.HardwareIds.IsEmpty)
        {
            yield return system.HardwareIds.Length == 1 ? $"with the hardware id {system.HardwareIds[0]}" : $"with one of {system.HardwareIds.Length} hardware ids";
        }
    }
}

/// <summary>A ROM of a supported system, and its releases.</summary>
internal sealed class SupportedRom
{
    // From so many releases on a table is faster than looking at each.
    private const int FewReleases = 16;

    private readonly SupportedSystem _system;
    private readonly CatalogRom _rom;
    private readonly Dictionary<ContentDigest, RomRelease>? _byDigest;
    private string? _text;

    public SupportedRom(SupportedSystem system, CatalogRom rom, RomRelease[] releases)
    {
        _system = system;
        _rom = rom;
        Releases = releases;
        Limiting = Array.FindAll(releases, r => !r.LowestSupported.IsEmpty);
        _byDigest = releases.Length > FewReleases ? releases.ToDictionary(r => r.Sha256) : null;
    }

    public SupportedSystem System => _system;

    public CatalogRom Entry => _rom;

    /// <summary>All of them, also those that are withdrawn.</summary>
    public RomRelease[] Releases { get; }

    /// <summary>Those that say which versions the firmware does not accept any more once they are in place.</summary>
    public RomRelease[] Limiting { get; }

    /// <summary>Whether the entry is about this installed ROM. What the entry names and the target does not tell is no match.</summary>
    public bool Matches(InstalledRom rom) =>
        rom.Kind == _rom.Component
        && (_rom.FirmwareClass is null || rom.FirmwareClass == _rom.FirmwareClass)
        && (_rom.Pci is not { } pattern || (rom.Pci is { } device && device.Matches(pattern)))
        && (_rom.Id is null || string.Equals(_rom.Id, rom.Id, StringComparison.Ordinal));

    public RomRelease? Find(ContentDigest digest)
    {
        if (_byDigest is not null)
        {
            return _byDigest.GetValueOrDefault(digest);
        }

        foreach (var release in Releases)
        {
            if (release.Sha256 == digest)
            {
                return release;
            }
        }

        return null;
    }

    /// <summary>For people. Untrusted text.</summary>
    public override string ToString() =>
        _text ??= string.Join(' ', new[] { $"{_rom.Component} of {_system}", _rom.FirmwareClass?.ToString("D"), _rom.Pci?.ToString(), _rom.Id }.Where(s => s is not null));
}
