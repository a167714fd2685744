using System.Collections.Immutable;
using RomFlash.Sdk.Documents;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Outcomes;

namespace RomFlash.Sdk.Compatibility;

/// <summary>A catalog as its maker wrote it, or as an import made it; <see cref="JsonCompatibilityCatalog.TryCreate"/> makes one that decides of one or several.</summary>
/// <remarks>Immutable and thread-safe. The format is in docs/catalog.md, its JSON Schema in docs/schemas/catalog.schema.json.</remarks>
public sealed record CatalogDocument
{
    /// <summary>The largest catalog in bytes: 64 MiB.</summary>
    public const int MaxLength = 64 << 20;

    /// <summary>The deepest nesting of lists and objects: 16. The format itself needs 8.</summary>
    public const int MaxDepth = 16;

    /// <summary>The largest image in bytes that a catalog can name: 4 GiB - 1, what a capsule's header can hold (UEFI 2.10, 8.5.3, CapsuleImageSize).</summary>
    public const long MaxImageLength = uint.MaxValue;

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

    /// <summary>Reads a catalog from memory: strictly, and to the end.</summary>
    /// <param name="utf8">The content, at most <see cref="MaxLength"/> bytes; kept by nobody.</param>
    /// <param name="name">A name for messages, such as the file's path; also the catalog's name where it has none itself.</param>
    /// <returns>The catalog, or <see cref="CatalogUnusable"/> with up to 100 problems, each with line and column.</returns>
    public static FlashResult<CatalogDocument> TryParse(ReadOnlySpan<byte> utf8, string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        if (utf8.Length > MaxLength)
        {
            return new CatalogUnusable { Stage = FlashStage.Check, Detail = $"{name}: it is larger than {MaxLength} bytes" };
        }

        var reader = new CatalogReader(utf8, NameFrom(name));
        var document = reader.Read();
        return reader.Problems is { IsEmpty: false } problems
            ? new CatalogUnusable { Stage = FlashStage.Check, Problems = problems, Detail = $"{name}: {DocumentReader.Join(problems)}" }
            : document;
    }

    /// <summary>Writes the catalog as JSON: UTF-8, indented, in the document's own order, with line feeds.</summary>
    /// <returns>The same bytes for the same catalog; <see cref="TryParse"/> reads a catalog that it made back as the same.</returns>
    /// <exception cref="ArgumentException">A text is no valid Unicode, or a kind of ROM is none.</exception>
    public ReadOnlyMemory<byte> ToJson() => CatalogWriter.Write(this);

    // A name that the reader would take: what is written has to be readable again.
    private static string NameFrom(string name)
    {
        var text = string.Concat(name.Trim().EnumerateRunes().TakeWhile((_, i) => i < DocumentReader.MaxTextLength / 2)).Trim();
        return text.Length == 0 ? "catalog" : text;
    }
}

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

    /// <summary>When not empty, the target tells its SMBIOS UUID, and it is none of these.</summary>
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
