using RomFlash.Sdk.Compatibility.Trust;
using RomFlash.Sdk.Outcomes;

namespace RomFlash.Cli.Hosting;

/// <summary>Where it is remembered which editions of catalogs were seen.</summary>
internal static class CatalogHistoryFile
{
    /// <summary>For the help text: where <see cref="Open"/> looks by itself.</summary>
    public const string DefaultInWords = "catalogs.json beside the default journal";

    /// <summary>Opens the history.</summary>
    /// <param name="path">The file, or null for the default.</param>
    /// <param name="remember">False to look alone: what is only checked or tried is not to change what counts as old.</param>
    public static FlashResult<ICatalogHistory> Open(string? path, bool remember)
    {
        if (path is null)
        {
            if (remember && !JournalFile.TryCreateFolder(JournalFile.DefaultFolder, out var failure))
            {
                return failure;
            }

            path = Path.Combine(JournalFile.DefaultFolder, "catalogs.json");
        }

        var file = new FileCatalogHistory(path, TimeProvider.System);
        return remember ? file : new LookingAlone(file);
    }

    private sealed class LookingAlone(FileCatalogHistory file) : ICatalogHistory
    {
        public ValueTask<FlashResult<CatalogSighting>> FindAsync(string name, bool isSigned, CancellationToken cancellationToken) => file.FindAsync(name, isSigned, cancellationToken);

        public async ValueTask<FlashResult<CatalogSighting>> ObserveAsync(CatalogSighting seen, CancellationToken cancellationToken) =>
            (await file.FindAsync(seen.Name, seen.IsSigned, cancellationToken)).TryGetValue(out var newest, out var failure)
                ? newest.Serial >= seen.Serial ? newest : seen
                : failure;
    }
}
