using System.Diagnostics.CodeAnalysis;
using RomFlash.Sdk.Outcomes;

namespace RomFlash.Cli.Hosting;

/// <summary>Writes files that a user names: whole or not at all, and over another one only when asked to.</summary>
internal static class OutputFile
{
    /// <summary>Looks before the work is done, so that nobody waits for a refusal.</summary>
    public static bool MayWrite(string option, string path, bool force, [NotNullWhen(false)] out FlashFailure? failure)
    {
        failure = !force && Path.Exists(path) ? new InvalidParameter { Parameter = option, Detail = $"{path} is there already; --force replaces it" } : null;
        return failure is null;
    }

    public static bool TryWrite(string option, string path, ReadOnlyMemory<byte> content, bool force, [NotNullWhen(false)] out FlashFailure? failure)
    {
        failure = null;
        var next = $"{path}.{Guid.NewGuid():N}.new";
        try
        {
            using (var file = new FileStream(next, FileMode.CreateNew, FileAccess.Write, FileShare.None))
            {
                file.Write(content.Span);
                file.Flush(flushToDisk: true);
            }

            File.Move(next, path, force);
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            failure = new InvalidParameter { Parameter = option, Detail = $"{path} can't be written: {e.Message}" };
            return false;
        }
        finally
        {
            TryRemove(next);
        }
    }

    private static void TryRemove(string path)
    {
        try
        {
            File.Delete(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            // It lies there under a name that says what it is.
        }
    }
}
