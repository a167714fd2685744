namespace RomFlash.Sdk.Transports;

/// <summary>A claim that is held on the target.</summary>
/// <param name="Owner">Who holds it; 1 to 128 characters. Untrusted text.</param>
/// <param name="Generation">Grows with every acquisition; at least 1.</param>
public sealed record TargetClaim(string Owner, long Generation);

/// <summary>What a look at the claim tells.</summary>
/// <param name="Current">The claim, or null when nobody holds one.</param>
/// <param name="LastGeneration">The highest generation so far; 0 when there was none.</param>
public sealed record ClaimState(TargetClaim? Current, long LastGeneration);

/// <summary>How to acquire a claim.</summary>
/// <param name="Owner">Who asks; the same owner gets its own claim again, under a new generation.</param>
/// <param name="TakeOverGeneration">The generation of another owner's claim to take over, or null to respect it.</param>
public sealed record ClaimRequest(string Owner, long? TakeOverGeneration = null);

/// <summary>
/// An exclusive claim on the target, with a generation that fences: what was deposited under an older generation can't be armed any
/// more, because a take-over moves it out of the way on the target itself.
/// </summary>
public interface IClaimCapability : ITargetCapability
{
    /// <summary>Reads who holds the claim.</summary>
    /// <param name="cancellationToken">Cancelled by the caller or at the deadline.</param>
    /// <returns>The state.</returns>
    ValueTask<TransportResult<ClaimState>> ReadClaimAsync(CancellationToken cancellationToken);

    /// <summary>Acquires the claim, atomically against other clients.</summary>
    /// <param name="request">Who asks, and whether to take over.</param>
    /// <param name="cancellationToken">Cancelled by the caller or at the deadline.</param>
    /// <returns>The claim; <see cref="TransportFaultKind.ClaimHeld"/> when another owner holds it.</returns>
    ValueTask<TransportResult<TargetClaim>> AcquireClaimAsync(ClaimRequest request, CancellationToken cancellationToken);

    /// <summary>Gives the claim back. Succeeds when it is not held any more by this owner and generation.</summary>
    /// <param name="claim">The claim.</param>
    /// <param name="cancellationToken">Cancelled by the caller or at the deadline.</param>
    /// <returns>Done.</returns>
    ValueTask<TransportResult<Done>> ReleaseClaimAsync(TargetClaim claim, CancellationToken cancellationToken);
}
