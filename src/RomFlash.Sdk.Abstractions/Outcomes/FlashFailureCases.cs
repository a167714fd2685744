namespace RomFlash.Sdk.Outcomes;

/// <summary>One function for each group of failures; leaving one out does not compile.</summary>
/// <typeparam name="T">What each function gives.</typeparam>
/// <remarks>A later version may add a group: a caller compiled before then has no function for it, and <see cref="Other"/> is called.</remarks>
public sealed class FlashFailureCases<T>
{
    /// <summary>What was asked for can't be carried out as written.</summary>
    public required Func<RequestFailure, T> Request { get; init; }

    /// <summary>The target can't be reached, or the connection broke.</summary>
    public required Func<ConnectionFailure, T> Connection { get; init; }

    /// <summary>The account or a service on the target is in the way.</summary>
    public required Func<AccessFailure, T> Access { get; init; }

    /// <summary>This ROM may not go on this target, or not now.</summary>
    public required Func<CompatibilityFailure, T> Compatibility { get; init; }

    /// <summary>The image is not what it should be.</summary>
    public required Func<ImageFailure, T> Image { get; init; }

    /// <summary>The image could not be put on the system partition, or not proved to be there.</summary>
    public required Func<StagingFailure, T> Staging { get; init; }

    /// <summary>The flash could not be armed, started or stopped.</summary>
    public required Func<ArmingFailure, T> Arming { get; init; }

    /// <summary>The flash itself went wrong, or nobody can say how it went.</summary>
    public required Func<FlashingFailure, T> Flashing { get; init; }

    /// <summary>The client itself: cancellation, deadlines, the journal, plug-ins.</summary>
    public required Func<OperationFailure, T> Operation { get; init; }

    /// <summary>A group that this caller was compiled without.</summary>
    public required Func<FlashFailure, T> Other { get; init; }
}
