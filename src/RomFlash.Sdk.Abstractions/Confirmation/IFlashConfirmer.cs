using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Pipeline;
using RomFlash.Sdk.Probing;
using RomFlash.Sdk.Scheduling;
using RomFlash.Sdk.Transports;

namespace RomFlash.Sdk.Confirmation;

/// <summary>Reads back what really happened.</summary>
/// <remarks>Thread-safe: one instance serves many targets at once.</remarks>
public interface IFlashConfirmer
{
    /// <summary>Looks at the target, again and again while it is away and the deadline allows, and gives the evidence.</summary>
    /// <param name="context">The target and the connection to it.</param>
    /// <param name="scheduled">What was armed.</param>
    /// <param name="wait">How long to wait for a new boot; zero for a single look.</param>
    /// <param name="cancellationToken">Cancelled by the caller.</param>
    /// <returns>What was seen. A target that does not answer is evidence, not a failure.</returns>
    ValueTask<FlashResult<ConfirmationEvidence>> ConfirmAsync(StageContext context, ScheduledFlash scheduled, TimeSpan wait, CancellationToken cancellationToken);
}

/// <summary>What was seen of a target after arming; anybody can construct it. <see cref="FlashOutcome.Decide"/> judges it.</summary>
public sealed record ConfirmationEvidence
{
    /// <summary>Whether the target answered in the end.</summary>
    public required bool Answered { get; init; }

    /// <summary>The facts of the last look; all unknown when it did not answer.</summary>
    public TargetFacts Facts { get; init; } = new();

    /// <summary>What is still armed, where that can be read.</summary>
    public Fact<ArmedState> Armed { get; init; }

    /// <summary>Whether the target had all the time to come back that policy gives it, and is still away. The pipeline sets it, from its own clock.</summary>
    public bool WaitedToTheEnd { get; init; }

    /// <summary>Why the target did not answer, or null.</summary>
    public FlashFailure? LastFailure { get; init; }
}
