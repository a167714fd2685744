using RomFlash.Sdk.Images;
using RomFlash.Sdk.Probing;
using RomFlash.Sdk.Targets;

namespace RomFlash.Sdk.Compatibility;

/// <summary>A supported system, by patterns in which <c>*</c> stands for any text.</summary>
internal sealed class JsonCatalogSystem(string manufacturer, string product, string? sku)
{
    public string Manufacturer => manufacturer;

    public string Product => product;

    public bool HasPatterns => manufacturer.Contains('*', StringComparison.Ordinal) || product.Contains('*', StringComparison.Ordinal);

    public override string ToString() => sku is null ? $"{manufacturer} {product}" : $"{manufacturer} {product} ({sku})";

    /// <summary>What the target does not tell matches no pattern: unknown is never good.</summary>
    public bool Matches(TargetIdentity identity) =>
        Matches(manufacturer, identity.Manufacturer) && Matches(product, identity.Product) && (sku is null || Matches(sku, identity.Sku));

    // Greedy with one point to go back to: linear for one star, never exponential.
    private static bool Matches(string pattern, string? text)
    {
        var value = text.AsSpan().Trim();
        if (value.IsEmpty)
        {
            return false;
        }

        var (p, t, star, mark) = (0, 0, -1, 0);
        while (t < value.Length)
        {
            if (p < pattern.Length && pattern[p] == '*')
            {
                (star, mark) = (p++, t);
            }
            else if (p < pattern.Length && char.ToUpperInvariant(pattern[p]) == char.ToUpperInvariant(value[t]))
            {
                (p, t) = (p + 1, t + 1);
            }
            else if (star >= 0)
            {
                (p, t) = (star + 1, ++mark);
            }
            else
            {
                return false;
            }
        }

        while (p < pattern.Length && pattern[p] == '*')
        {
            p++;
        }

        return p == pattern.Length;
    }
}

/// <summary>A ROM of a supported system, and its releases.</summary>
internal sealed class JsonCatalogRom(JsonCatalogSystem system, RomKind kind, Guid? firmwareClass, PciId? pci, string? id)
{
    public JsonCatalogSystem System => system;

    public RomKind Kind => kind;

    public List<RomRelease> Releases { get; } = [];

    /// <summary>Whether the entry is about this installed ROM. What the entry names and the target does not tell is no match.</summary>
    public bool Matches(InstalledRom rom) =>
        rom.Kind == kind
        && (firmwareClass is null || rom.FirmwareClass == firmwareClass)
        && (pci is not { } pattern || (rom.Pci is { } device && device.Matches(pattern)))
        && (id is null || string.Equals(id, rom.Id, StringComparison.Ordinal));

    public override string ToString() =>
        string.Join(' ', new[] { $"{kind} of {system}", firmwareClass?.ToString("D"), pci?.ToString(), id }.Where(s => s is not null));
}

/// <summary>Where a release's digest occurs.</summary>
internal readonly record struct JsonCatalogOccurrence(JsonCatalogRom Rom, RomRelease Release);
