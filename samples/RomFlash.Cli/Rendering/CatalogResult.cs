using System.Collections.Immutable;
using RomFlash.Sdk.Compatibility;

namespace RomFlash.Cli.Rendering;

/// <summary>Which catalog answered and who vouches for it, as it is written. Untrusted text is still raw here.</summary>
internal sealed record CatalogResult(string Name, long? Serial, DateTimeOffset? Expires, string Sha256, string? SignedBy, ImmutableArray<string> Accepted)
{
    public static CatalogResult Of(CatalogProvenance provenance) => new(
        provenance.Name,
        provenance.Serial,
        provenance.Expires,
        provenance.Sha256.ToString(),
        provenance.SignedBy.Length == 0 ? null : provenance.SignedBy,
        [.. (provenance.Accepted.IsDefault ? [] : provenance.Accepted).Select(w => w.ToString())]);
}
