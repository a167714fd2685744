namespace RomFlash.Sdk.Compatibility;

/// <summary>Where in its document each part of a catalog began.</summary>
internal sealed class CatalogPlaces
{
    private readonly Dictionary<object, long> _places = new(ReferenceEqualityComparer.Instance);

    public void Add(object part, long at) => _places.Add(part, at);

    /// <summary>The place of a part; false for one that could not be read whole.</summary>
    public bool TryGet(object part, out long at) => _places.TryGetValue(part, out at);

    public long Of(object part) => _places[part];
}
