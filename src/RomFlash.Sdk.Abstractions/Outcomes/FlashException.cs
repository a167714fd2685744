namespace RomFlash.Sdk.Outcomes;

/// <summary>Carries a <see cref="FlashFailure"/> for callers that prefer exceptions. Thrown by <see cref="FlashResult{T}.GetValueOrThrow"/> alone.</summary>
public sealed class FlashException : Exception
{
    /// <summary>Creates the exception.</summary>
    /// <param name="failure">What happened.</param>
    public FlashException(FlashFailure failure)
        : base(failure?.ToString())
    {
        ArgumentNullException.ThrowIfNull(failure);
        Failure = failure;
    }

    /// <summary>What happened.</summary>
    public FlashFailure Failure { get; }
}
