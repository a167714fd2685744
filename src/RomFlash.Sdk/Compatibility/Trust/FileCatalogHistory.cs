using RomFlash.Sdk.Files;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Outcomes;

namespace RomFlash.Sdk.Compatibility.Trust;

/// <summary>A history in a file, which outlives the process and is shared with others.</summary>
/// <remarks>
/// Thread-safe, and safe for several processes: a lock file beside it (<c>.lock</c>) is held for the moment of reading and writing. A new content is
/// written under the name with <c>.new</c>, flushed, and renamed over the old one, so that a crash leaves the old history or the new one. The file is
/// JSON and read strictly; where it can't be read, every answer is a failure that says so and nothing is written: remove or restore the file. On Unix it
/// has mode 0600. What another account can write in its folder, that account can make forget: keep it where the journal is.
/// </remarks>
public sealed class FileCatalogHistory : ICatalogHistory
{
    /// <summary>The largest file in bytes: 1 MiB.</summary>
    public const int MaxLength = 1 << 20;

    /// <summary>How many catalogs it remembers at most: 1,024. A further one is refused: forgetting one would let it be rolled back.</summary>
    public const int MaxCatalogs = 1024;

    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(20);

    private readonly string _path;
    private readonly TimeProvider _time;

    /// <summary>Names the file; nothing is opened yet. Its directory must exist when it is used.</summary>
    /// <param name="path">The file; created when it is first needed.</param>
    /// <param name="timeProvider">The clock of the wait for another process, at most ten seconds.</param>
    public FileCatalogHistory(string path, TimeProvider timeProvider)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(path);
        ArgumentNullException.ThrowIfNull(timeProvider);
        _path = Path.GetFullPath(path);
        _time = timeProvider;
    }

    /// <inheritdoc/>
    public async ValueTask<FlashResult<CatalogSighting>> FindAsync(string name, bool isSigned, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(name);
        cancellationToken.ThrowIfCancellationRequested();

        // No lock: the file is replaced as a whole, and looking is to leave nothing behind.
        return await Task.Run(() => Guarded(() => Read().TryGetValue(out var seen, out var failure) ? seen.Find(name, isSigned) : failure), CancellationToken.None).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public async ValueTask<FlashResult<CatalogSighting>> ObserveAsync(CatalogSighting seen, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(seen);
        ArgumentOutOfRangeException.ThrowIfNegative(seen.Serial, nameof(seen));
        var start = _time.GetTimestamp();
        while (true)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var (answer, isBusy) = await Task.Run(() => TryObserve(seen), CancellationToken.None).ConfigureAwait(false);
            if (!isBusy || _time.GetElapsedTime(start) > LongestWait)
            {
                return answer;
            }

            await Task.Delay(Pause, _time, cancellationToken).ConfigureAwait(false);
        }
    }

    // EAGAIN of flock(2) on Linux (11) and on the BSDs (35); ERROR_SHARING_VIOLATION (32) and ERROR_LOCK_VIOLATION (33) on Windows.
    private static bool IsHeldByAnother(Exception e) => e is IOException && (e.HResult & 0xFFFF) is var code && (OperatingSystem.IsWindows() ? code is 32 or 33 : code is 11 or 35);

    private static CatalogRolledBack CannotTell(string why) => new() { Stage = FlashStage.Check, Detail = $"nobody can tell whether a newer catalog was seen: {why}" };

    private (FlashResult<CatalogSighting> Answer, bool IsBusy) TryObserve(CatalogSighting seen)
    {
        FileStream held;
        try
        {
            var options = new FileStreamOptions { Mode = FileMode.OpenOrCreate, Access = FileAccess.ReadWrite, Share = FileShare.None };
            if (!OperatingSystem.IsWindows())
            {
                options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
            }

            held = new FileStream(_path + ".lock", options);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return (CannotTell($"{_path}.lock: {e.Message}"), IsHeldByAnother(e));
        }

        using (held)
        {
            return (Guarded(() => Observe(seen)), false);
        }
    }

    private FlashResult<CatalogSighting> Observe(CatalogSighting seen)
    {
        if (!Read().TryGetValue(out var all, out var failure))
        {
            return failure;
        }

        var newest = all.Observe(seen);
        if (!ReferenceEquals(newest, seen))
        {
            return newest;
        }

        if (all.Count > MaxCatalogs)
        {
            return CannotTell($"{_path} holds {MaxCatalogs} catalogs already");
        }

        var content = CatalogHistoryCodec.Write(all);
        if (content.Length > MaxLength)
        {
            return CannotTell($"{_path} would be larger than {MaxLength} bytes");
        }

        Replace(content);
        return newest;
    }

    private FlashResult<SeenCatalogs> Read()
    {
        var seen = new SeenCatalogs();
        if (FileKind.WhyNotRegular(_path) is { } why)
        {
            return CannotTell($"{_path}: {why}");
        }

        byte[] content;
        try
        {
            using var file = new FileStream(_path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0);
            if (file.Length > MaxLength)
            {
                return CannotTell($"{_path} is larger than {MaxLength} bytes");
            }

            content = new byte[(int)file.Length];
            file.ReadExactly(content);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return seen;
        }

        return CatalogHistoryCodec.TryRead(content, seen) is { } problem
            ? CannotTell($"{_path} is damaged, remove it or restore it: {problem}")
            : seen;
    }

    private void Replace(byte[] content)
    {
        var options = new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write, Share = FileShare.None, BufferSize = 0 };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }

        var next = _path + ".new";
        using (var file = new FileStream(next, options))
        {
            file.Write(content);
            file.Flush(flushToDisk: true);
        }

        File.Move(next, _path, overwrite: true);
        DirectoryDurability.Flush(Path.GetDirectoryName(_path)!);
    }

    private FlashResult<CatalogSighting> Guarded(Func<FlashResult<CatalogSighting>> work)
    {
        try
        {
            return work();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            return CannotTell($"{_path}: {e.Message}");
        }
    }
}
