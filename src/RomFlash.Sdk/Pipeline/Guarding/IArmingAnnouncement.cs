using RomFlash.Sdk.Transports;

namespace RomFlash.Sdk.Pipeline.Guarding;

/// <summary>Keeps the arming step back until the intent to take it is in the journal.</summary>
internal interface IArmingAnnouncement
{
    /// <summary>Whether the intent is in the journal.</summary>
    bool MayArm { get; }

    /// <summary>Puts the intent in the journal, where committing a deposit is the arming step.</summary>
    /// <param name="cancellationToken">Cancelled by the caller.</param>
    /// <returns>False when it is not there, and nothing may be committed.</returns>
    ValueTask<bool> AnnounceCommitAsync(CancellationToken cancellationToken);

    /// <summary>Told what became of an announced commit, or of the arming step, whatever a plug-in makes of it.</summary>
    /// <param name="effect">Whether it took effect.</param>
    void ArmingEnded(FaultEffect effect);
}
