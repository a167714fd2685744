using RomFlash.Sdk.Journal;
using RomFlash.Sdk.Outcomes;

namespace RomFlash.Cli.Hosting;

/// <summary>Where the journal is, and how a command opens it.</summary>
internal static class JournalFile
{
    /// <summary>For the help text: what <see cref="DefaultPath"/> is, in words.</summary>
    public const string DefaultInWords = "romflash/journal.rfj in the user's local application data folder (on Linux $XDG_DATA_HOME or ~/.local/share)";

    /// <summary>The folder of everything that this program keeps for its user.</summary>
    public static string DefaultFolder =>
        Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData, Environment.SpecialFolderOption.DoNotVerify), "romflash");

    private static string DefaultPath => Path.Combine(DefaultFolder, "journal.rfj");

    /// <summary>Opens the journal, or creates it.</summary>
    public static async Task<FlashResult<FileFlashJournal>> OpenAsync(string? path, CancellationToken cancellationToken)
    {
        if (path is null)
        {
            path = DefaultPath;
            if (!TryCreateFolder(Path.GetDirectoryName(path)!, out var failure))
            {
                return failure;
            }
        }

        return await FileFlashJournal.OpenAsync(path, new FileFlashJournalOptions { TimeProvider = TimeProvider.System }, cancellationToken);
    }

    /// <summary>Opens a journal that has to be there: a new one knows of nothing.</summary>
    public static async Task<FlashResult<FileFlashJournal>> OpenExistingAsync(string? path, CancellationToken cancellationToken) =>
        Exists(path)
            ? await OpenAsync(path, cancellationToken)
            : new InvalidParameter { Parameter = "journal", Detail = $"there is no journal {path ?? DefaultPath}" };

    public static bool Exists(string? path) => File.Exists(path ?? DefaultPath);

    /// <summary>Creates the folder, for its owner alone.</summary>
    public static bool TryCreateFolder(string folder, [System.Diagnostics.CodeAnalysis.NotNullWhen(false)] out FlashFailure? failure)
    {
        failure = null;
        try
        {
            if (OperatingSystem.IsWindows())
            {
                Directory.CreateDirectory(folder);
            }
            else
            {
                // The journal names machines and accounts that decided: nobody else's business.
                Directory.CreateDirectory(folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            }

            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            failure = new JournalUnavailable { Detail = e.Message };
            return false;
        }
    }
}
