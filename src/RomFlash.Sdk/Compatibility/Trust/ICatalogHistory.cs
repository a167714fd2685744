using RomFlash.Sdk.Images;
using RomFlash.Sdk.Outcomes;

namespace RomFlash.Sdk.Compatibility.Trust;

/// <summary>An edition of a catalog that was seen.</summary>
/// <param name="Name">The catalog's name. Untrusted text.</param>
/// <param name="Serial">Its serial, from 0.</param>
/// <param name="Sha256">The SHA-256 of its bytes.</param>
/// <param name="IsSigned">Whether somebody trusted signed it. What is not signed is anybody's claim, and never counts against what is.</param>
public sealed record CatalogSighting(string Name, long Serial, ContentDigest Sha256, bool IsSigned);

/// <summary>Remembers the newest edition of each catalog, so that an older one is told from it.</summary>
/// <remarks>Thread-safe: looking and remembering are one step, also against other processes where the memory outlives this one.</remarks>
public interface ICatalogHistory
{
    /// <summary>Gives the newest edition that counts against one, without remembering anything.</summary>
    /// <param name="name">The catalog's name.</param>
    /// <param name="isSigned">Whether it is signed: against a signed one only signed ones count, against an unsigned one all.</param>
    /// <param name="cancellationToken">Stops the wait.</param>
    /// <returns>The edition with the highest serial (a signed one where two have it), or <see cref="CatalogSighting"/> with the serial -1 when there was none; or why nobody can tell.</returns>
    ValueTask<FlashResult<CatalogSighting>> FindAsync(string name, bool isSigned, CancellationToken cancellationToken);

    /// <summary>Remembers an edition, unless one with the same or a higher serial counts against it. Call it only for a catalog that has passed everything else.</summary>
    /// <param name="seen">The edition.</param>
    /// <param name="cancellationToken">Stops the wait; not the writing.</param>
    /// <returns>The newest edition that counts against it, or this one when it is the newest now; or why nobody can tell.</returns>
    ValueTask<FlashResult<CatalogSighting>> ObserveAsync(CatalogSighting seen, CancellationToken cancellationToken);
}
