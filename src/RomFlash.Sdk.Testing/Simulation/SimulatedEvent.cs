using RomFlash.Sdk.Images;

namespace RomFlash.Sdk.Testing.Simulation;

/// <summary>What happened on a simulated target: ground truth, whatever the client was told.</summary>
public enum SimulatedEventKind
{
    /// <summary>A session was opened.</summary>
    Connected = 0,

    /// <summary>A claim was acquired: owner in <see cref="SimulatedEvent.Text"/>, and the generation.</summary>
    ClaimAcquired,

    /// <summary>A claim was given back.</summary>
    ClaimReleased,

    /// <summary>A deposit was opened.</summary>
    DepositOpened,

    /// <summary>The last byte of a file of a deposit arrived: the digest is that of what lies there.</summary>
    Deposited,

    /// <summary>A deposit was committed.</summary>
    Committed,

    /// <summary>A deposit was discarded.</summary>
    Discarded,

    /// <summary>A file was put where the firmware looks, without the bit.</summary>
    Prepared,

    /// <summary>One armed file: the digest is that of what lies there.</summary>
    Armed,

    /// <summary>What was armed or prepared was taken back.</summary>
    Disarmed,

    /// <summary>A restart was asked for.</summary>
    RebootRequested,

    /// <summary>A restart request was taken back.</summary>
    RebootAborted,

    /// <summary>The target restarted: the new boot identity is in <see cref="SimulatedEvent.Text"/>.</summary>
    Booted,

    /// <summary>The flasher began to write a ROM.</summary>
    FlashStarted,

    /// <summary>A ROM was written: the digest is that of its new content.</summary>
    Flashed,

    /// <summary>The flasher refused an image: the status says why.</summary>
    FlashRefused,

    /// <summary>Power was lost while a ROM was written.</summary>
    PowerLost,

    /// <summary>The backup ROM was restored.</summary>
    Recovered,
}

/// <summary>One thing that happened.</summary>
/// <param name="At">When, in UTC, on the target's clock.</param>
/// <param name="Kind">What.</param>
/// <param name="Subject">The deposit's id or the ROM's id that it is about, or empty.</param>
/// <param name="Digest">The digest of the content, or an empty one.</param>
/// <param name="Generation">The claim's generation, or 0.</param>
/// <param name="Status">The flasher's status.</param>
/// <param name="Text">The owner or the boot identity, or empty.</param>
public sealed record SimulatedEvent(
    DateTimeOffset At,
    SimulatedEventKind Kind,
    string Subject = "",
    ContentDigest Digest = default,
    long Generation = 0,
    UefiAttemptStatus Status = UefiAttemptStatus.Success,
    string Text = "");
