namespace RomFlash.Sdk.Outcomes;

/// <summary>What a preflight found to speak against an upgrade. Several can hold at once, and all of them are reported.</summary>
/// <param name="Name">A stable lower-case name, by which policy can waive it where that is allowed, such as <c>disk-encryption-sealed</c>.</param>
/// <param name="Failure">The failure that the upgrade ends with when the blocker is not waived.</param>
/// <param name="CanBeWaived">Whether policy may waive it.</param>
public sealed record FlashBlocker(string Name, FlashFailure Failure, bool CanBeWaived)
{
    /// <summary>The name of the blocker that an image is not signed (<see cref="Outcomes.ImageUnsigned"/>). A waiver of this name is the explicit choice to flash it all the same.</summary>
    public const string ImageUnsigned = "image-unsigned";

    /// <summary>The name of the blocker that nobody trusts an image's signer (<see cref="Outcomes.ImageSignerUntrusted"/>). A waiver of this name is the explicit choice to flash it all the same.</summary>
    public const string ImageSignerUntrusted = "image-signer-untrusted";

    /// <summary>The name of the blocker that a backup image was given and has no room beside the new one. With a waiver of this name it is not staged where it has no room.</summary>
    public const string BackupDoesNotFit = "backup-does-not-fit";

    /// <summary>Name and message in one line.</summary>
    /// <returns>Text for a log.</returns>
    public override string ToString() => $"{Name}: {Failure}";
}

/// <summary>Sets a blocker aside, by name; reports and the journal carry it.</summary>
/// <param name="Blocker">The blocker's name.</param>
/// <param name="Who">Who decided.</param>
/// <param name="Why">Why.</param>
public sealed record BlockerWaiver(string Blocker, string Who, string Why);
