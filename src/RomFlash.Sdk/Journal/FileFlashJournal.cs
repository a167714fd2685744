using System.Buffers;
using System.Collections.Immutable;
using System.Globalization;
using System.Runtime.CompilerServices;
using RomFlash.Sdk.Files;
using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Targets;
using RomFlash.Sdk.Transports;

namespace RomFlash.Sdk.Journal;

/// <summary>
/// A journal in a file: append-only, every record with a version and a checksum, on the disk before <see cref="AppendAsync"/> returns.
/// Appends that wait at the same time share one flush. One process owns the file at a time.
/// </summary>
/// <remarks>
/// Thread-safe. A torn end (what a crash leaves of the last write) is cut off when the file is opened, kept beside it under the name with
/// <c>.torn</c>, and reported; damage anywhere else is <see cref="JournalCorrupt"/>, and the file is left alone. After a flush failed
/// nobody knows what is on the disk, so nothing more is appended: open the journal again. On Unix the file has mode 0600.
/// </remarks>
public sealed class FileFlashJournal : IFlashJournal, IAsyncDisposable
{
    private readonly string _path;
    private readonly FileFlashJournalOptions _options;
    private readonly Func<IJournalFile, IJournalFile> _wrap;
    private readonly FileStream _lockFile;
    private readonly Guid _client;

    // Held while the file is written, flushed, read or replaced. Never together with waiting for _lock.
    private readonly SemaphoreSlim _fileGate = new(1, 1);

    // Guards everything below.
    private readonly Lock _lock = new();
    private readonly OpenOperations _open;
    private Batch _pending = new();
    private Task _writing = Task.CompletedTask;
    private bool _isWriting;
    private IJournalFile _file;
    private long _length;

    // What is being written behind that, and not on the disk yet.
    private long _inFlight;
    private long _sequence;
    private long _durableSequence;
    private int _fileGeneration;
    private string? _broken;
    private bool _disposed;

    private FileFlashJournal(string path, FileFlashJournalOptions options, Func<IJournalFile, IJournalFile> wrap, FileStream lockFile, Loaded loaded)
    {
        _path = path;
        _options = options;
        _wrap = wrap;
        _lockFile = lockFile;
        _file = loaded.File;
        _client = loaded.Client;
        _open = loaded.Open;
        _length = loaded.Length;
        _sequence = loaded.LastSequence;
        _durableSequence = loaded.LastSequence;
        TornTailBytes = loaded.TornTailBytes;
        Notes = loaded.Notes;
        ClientId = $"client-{_client:N}";
    }

    /// <inheritdoc/>
    public string ClientId { get; }

    /// <summary>How many bytes of a torn end were cut off when the journal was opened; 0 when there was none.</summary>
    public long TornTailBytes { get; }

    /// <summary>What a person should know of the opening: a torn end, permissions that were tightened.</summary>
    public ImmutableArray<string> Notes { get; private set; }

    /// <summary>Opens a journal, or creates it. The directory must exist. Concluded operations that are older than the options say are dropped.</summary>
    /// <param name="path">The file. Beside it lie <c>.lock</c> and, when there was one, <c>.torn</c>.</param>
    /// <param name="options">How it is kept.</param>
    /// <param name="cancellationToken">Cancelled by the caller.</param>
    /// <returns>The journal, to be disposed of; <see cref="JournalUnavailable"/> when it can't be opened or another one has it open, <see cref="JournalCorrupt"/> when its content can't be trusted, <see cref="OperationCancelled"/>.</returns>
    /// <exception cref="ArgumentOutOfRangeException">An option is out of its range.</exception>
    public static ValueTask<FlashResult<FileFlashJournal>> OpenAsync(string path, FileFlashJournalOptions options, CancellationToken cancellationToken) =>
        OpenAsync(path, options, file => file, cancellationToken);

    /// <summary>The same, with a file that tests can watch and break.</summary>
    internal static async ValueTask<FlashResult<FileFlashJournal>> OpenAsync(
        string path,
        FileFlashJournalOptions options,
        Func<IJournalFile, IJournalFile> wrap,
        CancellationToken cancellationToken)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(path);
        ArgumentNullException.ThrowIfNull(options);
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(options.RetainConcluded, TimeSpan.Zero);
        ArgumentOutOfRangeException.ThrowIfLessThan(options.MaxFileBytes, 1 << 16);
        if (cancellationToken.IsCancellationRequested)
        {
            return RecordRules.Cancelled(string.Empty);
        }

        // Reading and flushing block: not on the caller's thread.
        return await Task.Run(() => Open(path, options, wrap, cancellationToken), CancellationToken.None).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    /// <returns>Done when the record is on the disk; <see cref="JournalUnavailable"/> when it is not or may not be; <see cref="OperationCancelled"/> when the token was cancelled before.</returns>
    /// <exception cref="ArgumentException">The record has no kind, operation or target.</exception>
    public async ValueTask<FlashResult<Done>> AppendAsync(FlashJournalRecord record, CancellationToken cancellationToken)
    {
        RecordRules.ThrowIfNotARecord(record);
        if (cancellationToken.IsCancellationRequested)
        {
            return RecordRules.Cancelled(record.TargetId);
        }

        var payload = new ArrayBufferWriter<byte>(1024);
        RecordCodec.Write(record, payload);
        if (payload.WrittenCount > JournalFormat.MaxPayload)
        {
            return Unavailable(string.Create(CultureInfo.InvariantCulture, $"a record of {payload.WrittenCount} bytes is larger than {JournalFormat.MaxPayload}"), record.TargetId);
        }

        if (!RecordCodec.TryRead(payload.WrittenSpan, record.Version, 1, out _))
        {
            // It would lock everybody out when the file is opened again.
            return Unavailable("the record holds a value that is none, such as a plug-in's number that nothing is called by: it could not be read back", record.TargetId);
        }

        Batch batch;
        lock (_lock)
        {
            if (FindObstacle() is { } obstacle)
            {
                return Unavailable(obstacle, record.TargetId);
            }

            if (_length + _inFlight + _pending.Frames.WrittenCount + payload.WrittenCount + JournalFormat.MinimumFrameLength > _options.MaxFileBytes)
            {
                return Unavailable("the journal has reached its largest size; compact it", record.TargetId);
            }

            batch = _pending;
            var sequence = ++_sequence;
            JournalFormat.WriteFrame(batch.Frames, sequence, batch.Records.Count + 1, payload.WrittenSpan);
            batch.Records.Add(record with { Sequence = sequence });
            if (!_isWriting)
            {
                _isWriting = true;
                _writing = Task.Run(WriteAllAsync, CancellationToken.None);
            }
        }

        // From here the record is on its way, and the answer is worth waiting for.
        return await batch.Written.Task.ConfigureAwait(false) is { } trouble ? Unavailable(trouble, record.TargetId) : default(Done);
    }

    /// <inheritdoc/>
    public ValueTask<FlashResult<ImmutableArray<FlashJournalRecord>>> ReadOpenAsync(string targetId, TargetIdentity? identity, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(targetId);
        if (cancellationToken.IsCancellationRequested)
        {
            return ValueTask.FromResult<FlashResult<ImmutableArray<FlashJournalRecord>>>(RecordRules.Cancelled(targetId));
        }

        lock (_lock)
        {
            return ValueTask.FromResult(FindObstacle() is { } obstacle
                ? Unavailable(obstacle, targetId)
                : (FlashResult<ImmutableArray<FlashJournalRecord>>)_open.Find(targetId, identity));
        }
    }

    /// <inheritdoc/>
    /// <exception cref="FlashException">The file can't be read (<see cref="JournalUnavailable"/>).</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public async IAsyncEnumerable<FlashJournalRecord> ReadHistoryAsync(string? targetId, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        long last;
        await _fileGate.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            last = LastDurable();
        }
        finally
        {
            _fileGate.Release();
        }

        var (offset, generation, seen) = (0L, -1, 0L);
        while (true)
        {
            List<FlashJournalRecord> records;
            bool atEnd;
            await _fileGate.WaitAsync(cancellationToken).ConfigureAwait(false);
            try
            {
                if (generation != _fileGeneration)
                {
                    // The file was replaced meanwhile: what was given is passed over in the new one.
                    (offset, generation) = (JournalFormat.HeaderLength, _fileGeneration);
                }

                (records, atEnd) = ReadSome(ref offset);
            }
            finally
            {
                _fileGate.Release();
            }

            foreach (var record in records)
            {
                cancellationToken.ThrowIfCancellationRequested();
                if (record.Sequence > last)
                {
                    yield break;
                }

                if (record.Sequence > seen && (targetId is null || string.Equals(record.TargetId, targetId, StringComparison.Ordinal)))
                {
                    yield return record;
                }

                seen = Math.Max(seen, record.Sequence);
            }

            if (atEnd)
            {
                yield break;
            }
        }
    }

    /// <summary>Drops concluded operations that are older than <see cref="FileFlashJournalOptions.RetainConcluded"/>: writes a new file, and puts it in the old one's place in one step.</summary>
    /// <param name="cancellationToken">Cancelled by the caller.</param>
    /// <returns>Done; <see cref="JournalUnavailable"/> when the new file could not be written, and then the old one is in use as before.</returns>
    public async ValueTask<FlashResult<Done>> CompactAsync(CancellationToken cancellationToken)
    {
        if (cancellationToken.IsCancellationRequested)
        {
            return RecordRules.Cancelled(string.Empty);
        }

        await _fileGate.WaitAsync(CancellationToken.None).ConfigureAwait(false);
        try
        {
            lock (_lock)
            {
                if (FindObstacle() is { } obstacle)
                {
                    return Unavailable(obstacle);
                }
            }

            return await Task.Run(() => Compact(cancellationToken), CancellationToken.None).ConfigureAwait(false);
        }
        finally
        {
            _fileGate.Release();
        }
    }

    /// <summary>Waits for records on their way, closes the file and gives the lock back. What is appended afterwards is refused.</summary>
    /// <returns>A task that ends when the file is closed.</returns>
    public async ValueTask DisposeAsync()
    {
        Task writing;
        lock (_lock)
        {
            if (_disposed)
            {
                return;
            }

            _disposed = true;
            writing = _writing;
        }

        await writing.ConfigureAwait(false);
        await _fileGate.WaitAsync(CancellationToken.None).ConfigureAwait(false);
        _file.Dispose();
        await _lockFile.DisposeAsync().ConfigureAwait(false);
        _fileGate.Release();
    }

    private static JournalUnavailable Unavailable(string detail, string targetId = "") => new() { TargetId = targetId, Detail = detail };

    private static bool IsFileTrouble(Exception e) => e is IOException or UnauthorizedAccessException or NotSupportedException or System.Security.SecurityException;

    private static FlashResult<FileFlashJournal> Open(string path, FileFlashJournalOptions options, Func<IJournalFile, IJournalFile> wrap, CancellationToken cancellationToken)
    {
        FileStream? lockFile = null;
        IJournalFile? file = null;
        try
        {
            // One file is one journal, whatever link leads to it: its lock lies beside it, and compaction replaces it and not the link.
            path = RealPath.Of(Path.GetFullPath(path));
            try
            {
                lockFile = new(path + ".lock", Private(FileMode.OpenOrCreate, FileShare.None));
            }
            catch (IOException e) when (e is not (DirectoryNotFoundException or FileNotFoundException or PathTooLongException))
            {
                return Unavailable($"{path} is in use by another client, or its lock can't be taken: {e.Message}");
            }

            var notes = ImmutableArray.CreateBuilder<string>();
            if (!File.Exists(path))
            {
                WriteAside(path, wrap, JournalFormat.WriteHeader(Guid.NewGuid(), 0), []);
                File.Move(path + ".new", path, overwrite: false);
                DirectoryDurability.Flush(Path.GetDirectoryName(path)!);
            }

            file = OpenFile(path, wrap, notes);
            if (file.Length == 0)
            {
                // Somebody made the file for us. It is filled and not replaced: what is not a plain file must not be renamed over.
                file.Write(0, JournalFormat.WriteHeader(Guid.NewGuid(), 0));
                file.Flush();
            }

            if (file.Length > options.MaxFileBytes)
            {
                return Unavailable(string.Create(CultureInfo.InvariantCulture, $"{path} has {file.Length} bytes, more than the allowed {options.MaxFileBytes}"));
            }

            if (!Load(path, file, notes, cancellationToken).TryGetValue(out var loaded, out var failure))
            {
                return failure;
            }

            var journal = new FileFlashJournal(path, options, wrap, lockFile, loaded);
            file = null;
            if (loaded.OldestConcluded < journal.RetentionLimit && !journal.Compact(cancellationToken).TryGetValue(out _, out failure))
            {
                if (journal._broken is not null || cancellationToken.IsCancellationRequested)
                {
                    journal._file.Dispose();
                    return failure;
                }

                // A full disk is no reason not to read what is there.
                journal.Notes = journal.Notes.Add($"old operations could not be dropped: {failure.Detail}");
            }

            lockFile = null;
            return journal;
        }
        catch (OperationCanceledException)
        {
            return RecordRules.Cancelled(string.Empty);
        }
        catch (Exception e) when (IsFileTrouble(e))
        {
            return Unavailable($"{path}: {e.Message}");
        }
        finally
        {
            file?.Dispose();
            lockFile?.Dispose();
        }
    }

    private static FlashResult<Loaded> Load(string path, IJournalFile file, ImmutableArray<string>.Builder notes, CancellationToken cancellationToken)
    {
        var open = new OpenOperations();
        var oldest = DateTimeOffset.MaxValue;
        var scan = JournalScan.Run(
            file,
            (record, _, _) =>
            {
                if (open.Apply(record) is not null && record.Time < oldest)
                {
                    oldest = record.Time;
                }
            },
            cancellationToken);
        if (scan.Damage is { } damage)
        {
            return new JournalCorrupt { Detail = $"{path}: {damage}" };
        }

        var torn = file.Length - scan.GoodLength;
        if (torn > 0)
        {
            SetAside(path + ".torn", file, scan.GoodLength, torn);
            file.Truncate(scan.GoodLength);
            file.Flush();
            notes.Add(string.Create(CultureInfo.InvariantCulture, $"a torn end of {torn} bytes was cut off and set aside as {path}.torn"));
        }

        return new Loaded(file, scan.Client, open, scan.GoodLength, scan.LastSequence, torn, oldest, notes.ToImmutable());
    }

    private static FileStreamOptions Private(FileMode mode, FileShare share)
    {
        var options = new FileStreamOptions { Mode = mode, Access = FileAccess.ReadWrite, Share = share, BufferSize = 0 };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }

        return options;
    }

    private static IJournalFile OpenFile(string path, Func<IJournalFile, IJournalFile> wrap, ImmutableArray<string>.Builder? notes)
    {
        var handle = File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite, FileShare.Read);
        try
        {
            if (!OperatingSystem.IsWindows())
            {
                const UnixFileMode wanted = UnixFileMode.UserRead | UnixFileMode.UserWrite;
                if ((File.GetUnixFileMode(handle) & ~wanted) != 0)
                {
                    File.SetUnixFileMode(handle, wanted);
                    notes?.Add($"{path} was open to others; its permissions were tightened to 0600");
                }
            }

            return wrap(new JournalFile(handle));
        }
        catch (Exception)
        {
            handle.Dispose();
            throw;
        }
    }

    // Written aside and renamed by the caller: a crash leaves the old file or the whole new one, never a part.
    private static void WriteAside(string path, Func<IJournalFile, IJournalFile> wrap, byte[] header, IEnumerable<ReadOnlyMemory<byte>> frames)
    {
        var temporary = path + ".new";
        File.Delete(temporary);
        using (var stream = new FileStream(temporary, Private(FileMode.CreateNew, FileShare.None)))
        using (var file = wrap(new JournalFile(stream.SafeFileHandle)))
        {
            file.Write(0, header);
            var offset = (long)header.Length;
            foreach (var frame in frames)
            {
                file.Write(offset, frame.Span);
                offset += frame.Length;
            }

            file.Flush();
        }
    }

    private static void SetAside(string path, IJournalFile file, long offset, long count)
    {
        File.Delete(path);
        using var stream = new FileStream(path, Private(FileMode.CreateNew, FileShare.None));
        var buffer = new byte[1 << 16];
        while (count > 0 && file.Read(offset, buffer.AsSpan(0, (int)Math.Min(count, buffer.Length))) is > 0 and var read)
        {
            stream.Write(buffer, 0, read);
            offset += read;
            count -= read;
        }

        stream.Flush(flushToDisk: true);
    }

    // As far back as the clock goes, where the retention is longer than that.
    private DateTimeOffset RetentionLimit =>
        _options.TimeProvider.GetUtcNow() is var now && now - DateTimeOffset.MinValue > _options.RetainConcluded ? now - _options.RetainConcluded : DateTimeOffset.MinValue;

    private string? FindObstacle() => _disposed ? "the journal is closed" : _broken;

    private long LastDurable()
    {
        lock (_lock)
        {
            return _durableSequence;
        }
    }

    private async Task WriteAllAsync()
    {
        while (true)
        {
            await _fileGate.WaitAsync(CancellationToken.None).ConfigureAwait(false);
            Batch batch;
            long offset;
            string? trouble;
            lock (_lock)
            {
                batch = _pending;
                if (batch.Records.Count == 0)
                {
                    _isWriting = false;
                    _fileGate.Release();
                    return;
                }

                _pending = new();
                _inFlight = batch.Frames.WrittenCount;
                offset = _length;
                trouble = _broken;
            }

            trouble ??= Write(batch, offset);
            lock (_lock)
            {
                _inFlight = 0;
            }

            _fileGate.Release();
            batch.Written.SetResult(trouble);
        }
    }

    // Null, or why the batch is not known to be on the disk.
    private string? Write(Batch batch, long offset)
    {
        var written = false;
        try
        {
            _file.Write(offset, batch.Frames.WrittenSpan);
            written = true;
            _file.Flush();
            lock (_lock)
            {
                (_length, _inFlight) = (offset + batch.Frames.WrittenCount, 0);
                foreach (var record in batch.Records)
                {
                    _open.Apply(record);
                }

                _durableSequence = batch.Records[^1].Sequence;
            }

            return null;
        }
        catch (Exception e)
        {
            // Whatever it was: nobody can say that the records are on the disk, and those who wait must be told.
            var trouble = $"{_path}: {e.Message}";
            var isUndone = !written && TryUndo(offset);
            lock (_lock)
            {
                // After a failed flush the system may have dropped the pages: a second flush that succeeds would prove nothing.
                _broken = isUndone ? null : $"an earlier write or flush failed, open the journal again: {trouble}";
            }

            return trouble;
        }
    }

    private bool TryUndo(long offset)
    {
        try
        {
            _file.Truncate(offset);
            _file.Flush();
            return true;
        }
        catch (Exception e) when (IsFileTrouble(e))
        {
            return false;
        }
    }

    private (List<FlashJournalRecord> Records, bool AtEnd) ReadSome(ref long offset)
    {
        long end;
        lock (_lock)
        {
            if (_disposed)
            {
                throw new FlashException(Unavailable("the journal is closed"));
            }

            end = _length;
        }

        var records = new List<FlashJournalRecord>();
        try
        {
            while (offset < end && records.Count < 64)
            {
                if (JournalScan.ReadAt(_file, offset, end, out var frameLength) is not { } record)
                {
                    throw new FlashException(new JournalCorrupt { Detail = string.Create(CultureInfo.InvariantCulture, $"{_path}: the record at offset {offset} was changed since it was written") });
                }

                records.Add(record);
                offset += frameLength;
            }
        }
        catch (Exception e) when (IsFileTrouble(e))
        {
            throw new FlashException(Unavailable($"{_path}: {e.Message}"));
        }

        return (records, offset >= end);
    }

    // Under _fileGate, or before anybody else has the journal.
    private FlashResult<Done> Compact(CancellationToken cancellationToken)
    {
        var isReplaced = false;
        try
        {
            var limit = RetentionLimit;
            var concludedAt = new Dictionary<string, DateTimeOffset>(StringComparer.Ordinal);
            long end;
            lock (_lock)
            {
                end = _length;
            }

            var scan = JournalScan.Run(
                _file,
                (record, _, _) =>
                {
                    // What comes after a conclusion opens the operation again.
                    if (record.Kind is FlashJournalRecordKind.Concluded)
                    {
                        concludedAt[record.OperationId] = record.Time;
                    }
                    else
                    {
                        concludedAt.Remove(record.OperationId);
                    }
                },
                cancellationToken);
            if (scan.Damage is not null || scan.GoodLength != end)
            {
                return new JournalCorrupt { Detail = $"{_path}: the file was changed by somebody else: {scan.Damage}" };
            }

            var keep = new List<(long Offset, int Length)>();
            var length = (long)JournalFormat.HeaderLength;
            var again = JournalScan.Run(
                _file,
                (record, offset, frameLength) =>
                {
                    if (!concludedAt.TryGetValue(record.OperationId, out var at) || at >= limit)
                    {
                        keep.Add((offset, frameLength));
                        length += frameLength;
                    }
                },
                cancellationToken);

            if (again.Damage is not null || again.GoodLength != end || again.LastSequence != scan.LastSequence)
            {
                return new JournalCorrupt { Detail = $"{_path}: what was read is not what had been read before: {again.Damage}" };
            }

            // The kept records may not show the last sequence any more: the header does, so that none is given twice.
            WriteAside(_path, _wrap, JournalFormat.WriteHeader(_client, scan.LastSequence), keep.Select(Frame));
            File.Move(_path + ".new", _path, overwrite: true);
            isReplaced = true;
            DirectoryDurability.Flush(Path.GetDirectoryName(_path)!);
            var file = OpenFile(_path, _wrap, null);
            _file.Dispose();
            lock (_lock)
            {
                _file = file;
                _length = length;
                _fileGeneration++;
            }

            return default(Done);
        }
        catch (OperationCanceledException)
        {
            return RecordRules.Cancelled(string.Empty);
        }
        catch (Exception e) when (IsFileTrouble(e))
        {
            lock (_lock)
            {
                // The old file has no name any more: what is appended to it would be lost.
                _broken = isReplaced ? $"the journal was replaced and can't be opened again: {e.Message}" : _broken;
            }

            return Unavailable($"{_path}: {e.Message}");
        }
    }

    private ReadOnlyMemory<byte> Frame((long Offset, int Length) place)
    {
        var frame = new byte[place.Length];
        return _file.Read(place.Offset, frame) == frame.Length && JournalFormat.IsWhole(frame) ? frame : throw new IOException("a record that had been read can't be read again");
    }

    private sealed class Batch
    {
        public ArrayBufferWriter<byte> Frames { get; } = new(4096);

        public List<FlashJournalRecord> Records { get; } = [];

        /// <summary>Null when the batch is on the disk, otherwise why not.</summary>
        public TaskCompletionSource<string?> Written { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }

    private sealed record Loaded(
        IJournalFile File,
        Guid Client,
        OpenOperations Open,
        long Length,
        long LastSequence,
        long TornTailBytes,
        DateTimeOffset OldestConcluded,
        ImmutableArray<string> Notes);
}
