namespace RomFlash.Sdk.Transports.Redfish.Service;

/// <summary>
/// What this process has learned of a controller by writing to it, and what not every service tells again: which upload became which task. Only ever adds to
/// what the service says.
/// </summary>
/// <remarks>Thread-safe. Bounded: the oldest notes go first.</remarks>
internal sealed class ControllerMemory
{
    private const int MaxNotes = 64;

    private readonly Lock _lock = new();
    private readonly List<UploadNote> _notes = [];
    private ResetNote? _reset;

    /// <summary>The restart that this process last asked for, or null when it did not, or it has happened.</summary>
    public ResetNote? Reset
    {
        get
        {
            lock (_lock)
            {
                return _reset;
            }
        }

        set
        {
            lock (_lock)
            {
                _reset = value;
            }
        }
    }

    public void Add(UploadNote note)
    {
        lock (_lock)
        {
            // A path that comes again is another task's now.
            _notes.RemoveAll(n => string.Equals(n.TaskPath, note.TaskPath, StringComparison.Ordinal));
            if (_notes.Count == MaxNotes)
            {
                _notes.RemoveAt(0);
            }

            _notes.Add(note);
        }
    }

    public UploadNote? Find(string taskPath)
    {
        lock (_lock)
        {
            return _notes.FindLast(n => string.Equals(n.TaskPath, taskPath, StringComparison.Ordinal));
        }
    }

    public IReadOnlyList<UploadNote> Notes()
    {
        lock (_lock)
        {
            return [.. _notes];
        }
    }

    public void Forget(string depositId)
    {
        lock (_lock)
        {
            _notes.RemoveAll(n => string.Equals(n.DepositId, depositId, StringComparison.Ordinal));
        }
    }
}

/// <summary>An upload, or the start of it, and the task that the service made of it.</summary>
/// <param name="DepositId">The deposit.</param>
/// <param name="TaskPath">The task's path; empty when the service made none.</param>
/// <param name="IsStart">Whether it is the start of what had been uploaded before.</param>
/// <param name="ComponentId">The component, or null for a start.</param>
/// <param name="Boot">When the system had last been reset then, as the service wrote it; null when it does not tell.</param>
internal sealed record UploadNote(string DepositId, string TaskPath, bool IsStart, string? ComponentId, string? Boot);

/// <summary>A restart that was asked for.</summary>
/// <param name="Boot">The boot identity before; null when the service did not tell.</param>
/// <param name="AskedAt">When it was asked for, in UTC.</param>
internal sealed record ResetNote(string? Boot, DateTimeOffset AskedAt);
