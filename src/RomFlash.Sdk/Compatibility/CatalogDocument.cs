using System.Collections.Immutable;
using RomFlash.Sdk.Images;

namespace RomFlash.Sdk.Compatibility;

/// <summary>A catalog as its maker wrote it, or as an import made it. A value without behaviour: a catalog that decides is made of one or several.</summary>
public sealed record CatalogDocument
{
    /// <summary>The catalog's name; its serials are counted under it. Untrusted text.</summary>
    public required string Name { get; init; }

    /// <summary>Grows with every edition, from 0; null where the maker does not count.</summary>
    public long? Serial { get; init; }

    /// <summary>Until when the maker vouches for it, in UTC; null for ever.</summary>
    public DateTimeOffset? Expires { get; init; }

    /// <summary>The supported systems.</summary>
    public ImmutableArray<CatalogSystem> Systems { get; init; } = [];

    /// <summary>Images that must not be flashed whatever a layer says.</summary>
    public ImmutableArray<WithdrawnRelease> Withdrawn { get; init; } = [];
}

/// <summary>An image that must not be flashed.</summary>
/// <param name="Sha256">Its SHA-256.</param>
/// <param name="Why">Why, for people. Untrusted text.</param>
public sealed record WithdrawnRelease(ContentDigest Sha256, string Why);

/// <summary>A supported system, or several alike. Everything that is given has to hold; what a target does not tell does not hold.</summary>
public sealed record CatalogSystem
{
    /// <summary>A pattern for the SMBIOS manufacturer, in which <c>*</c> stands for any text and case does not matter; null when it is not asked.</summary>
    public string? Manufacturer { get; init; }

    /// <summary>A pattern for the SMBIOS product name, or null.</summary>
    public string? Product { get; init; }

    /// <summary>A pattern for the SMBIOS SKU, or null.</summary>
    public string? Sku { get; init; }

    /// <summary>When not empty, the target's SMBIOS UUID is one of these.</summary>
    public ImmutableArray<Guid> SmbiosUuids { get; init; } = [];

    /// <summary>The target's SMBIOS UUID is none of these.</summary>
    public ImmutableArray<Guid> ExceptSmbiosUuids { get; init; } = [];

    /// <summary>When not empty, one of the target's computer hardware ids is one of these.</summary>
    public ImmutableArray<Guid> HardwareIds { get; init; } = [];

    /// <summary>The ROMs of these systems, and their releases.</summary>
    public ImmutableArray<CatalogRom> Roms { get; init; } = [];
}

/// <summary>A ROM of a supported system. What is given has to be told by the installed ROM and be the same.</summary>
public sealed record CatalogRom
{
    /// <summary>The kind of ROM.</summary>
    public required RomKind Component { get; init; }

    /// <summary>The ESRT firmware class (UEFI 2.10, 23.4), or null.</summary>
    public Guid? FirmwareClass { get; init; }

    /// <summary>The PCI device; vendor and device alone, or with the subsystem; or null.</summary>
    public PciId? Pci { get; init; }

    /// <summary>The exact id of the installed ROM, or null.</summary>
    public string? Id { get; init; }

    /// <summary>The releases, in any order.</summary>
    public ImmutableArray<RomRelease> Releases { get; init; } = [];
}

/// <summary>A catalog and what is known of it; several make a layered catalog.</summary>
/// <param name="Document">The catalog.</param>
/// <param name="Provenance">Where it comes from, and who vouches for it.</param>
public sealed record CatalogLayer(CatalogDocument Document, CatalogProvenance Provenance);
