using RomFlash.Sdk.Outcomes;

namespace RomFlash.Sdk.Compatibility.Trust;

/// <summary>A history that ends with the process: it tells an older catalog only from those that this instance was asked about. For tests, and where nothing may be written.</summary>
/// <remarks>Thread-safe.</remarks>
public sealed class InMemoryCatalogHistory : ICatalogHistory
{
    private readonly Lock _lock = new();
    private readonly SeenCatalogs _seen = new();

    /// <inheritdoc/>
    public ValueTask<FlashResult<CatalogSighting>> FindAsync(string name, bool isSigned, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(name);
        cancellationToken.ThrowIfCancellationRequested();
        lock (_lock)
        {
            return new(_seen.Find(name, isSigned));
        }
    }

    /// <inheritdoc/>
    public ValueTask<FlashResult<CatalogSighting>> ObserveAsync(CatalogSighting seen, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(seen);
        cancellationToken.ThrowIfCancellationRequested();
        lock (_lock)
        {
            return new(_seen.Observe(seen));
        }
    }
}
