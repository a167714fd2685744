namespace RomFlash.Sdk.Journal;

/// <summary>How a <see cref="FileFlashJournal"/> is kept.</summary>
public sealed record FileFlashJournalOptions
{
    /// <summary>The clock that <see cref="RetainConcluded"/> is measured with.</summary>
    public required TimeProvider TimeProvider { get; init; }

    /// <summary>How long concluded operations are kept; more than zero. Default 90 days. Operations that are not concluded are always kept.</summary>
    public TimeSpan RetainConcluded { get; init; } = TimeSpan.FromDays(90);

    /// <summary>The largest file in bytes that is opened or grown to; at least 65,536. Default 1 GiB. Bounds what a hostile file costs.</summary>
    public long MaxFileBytes { get; init; } = 1L << 30;
}
