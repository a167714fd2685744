namespace RomFlash.Sdk.Compatibility.Trust;

/// <summary>The rule of every history: which edition counts against which. Not thread-safe.</summary>
internal sealed class SeenCatalogs
{
    private readonly Dictionary<(string Name, bool IsSigned), CatalogSighting> _newest = [];

    public int Count => _newest.Count;

    /// <summary>Sorted, so that the same content is written as the same bytes.</summary>
    public IEnumerable<CatalogSighting> All => _newest.Values.OrderBy(s => s.Name, StringComparer.Ordinal).ThenBy(s => s.IsSigned);

    public CatalogSighting Find(string name, bool isSigned)
    {
        var newest = _newest.GetValueOrDefault((name, true)) ?? new(name, -1, default, true);
        return !isSigned && _newest.TryGetValue((name, false), out var unsigned) && unsigned.Serial > newest.Serial ? unsigned : newest;
    }

    /// <summary>Adds what a file holds.</summary>
    /// <returns>False when the name is there already.</returns>
    public bool TryAdd(CatalogSighting seen) => _newest.TryAdd((seen.Name, seen.IsSigned), seen);

    /// <summary>Remembers an edition if it is the newest.</summary>
    /// <returns>The newest now; the same instance as was given exactly when it is new.</returns>
    public CatalogSighting Observe(CatalogSighting seen)
    {
        var newest = Find(seen.Name, seen.IsSigned);
        if (newest.Serial >= seen.Serial)
        {
            return newest;
        }

        _newest[(seen.Name, seen.IsSigned)] = seen;
        return seen;
    }
}
