using RomFlash.Sdk.Compatibility;
using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Pipeline;
using RomFlash.Sdk.Probing;
using RomFlash.Sdk.Staging;
using RomFlash.Sdk.Targets;
using RomFlash.Sdk.Transports;

namespace RomFlash.Sdk.Scheduling;

/// <summary>Arms and disarms the flash, and asks for the restart.</summary>
/// <remarks>Thread-safe: one instance serves many targets at once.</remarks>
public interface IFlashScheduler
{
    /// <summary>Reads what is armed, with digests.</summary>
    /// <param name="context">The target and the connection to it.</param>
    /// <param name="cancellationToken">Cancelled by the caller.</param>
    /// <returns>The target's own state, or why it can't be read.</returns>
    ValueTask<FlashResult<ArmedState>> InspectAsync(StageContext context, CancellationToken cancellationToken);

    /// <summary>Reads the identity and the boot identity again, makes sure that nothing else is armed, arms, and reads back what is armed.</summary>
    /// <param name="context">The target and the connection to it.</param>
    /// <param name="staged">The verified deposit.</param>
    /// <param name="beforeArming">Called with what was read, after all checks and right before the first step that changes anything; when it gives a failure, nothing is changed.</param>
    /// <param name="cancellationToken">Cancelled by the caller.</param>
    /// <returns>What was read before and after, or why it could not be armed.</returns>
    ValueTask<FlashResult<ArmingEvidence>> ArmAsync(
        StageContext context,
        StagedImage staged,
        Func<ArmingBaseline, CancellationToken, ValueTask<FlashResult<Done>>> beforeArming,
        CancellationToken cancellationToken);

    /// <summary>
    /// Arms where committing a deposit is the arming step (<see cref="DepositTraits.Effect"/>): reads the identity and the boot identity again, makes sure that
    /// nothing is armed, has the deposit made, and reads back what is armed.
    /// </summary>
    /// <param name="context">The target and the connection to it.</param>
    /// <param name="approved">What is approved.</param>
    /// <param name="deposit">Where it will be deposited.</param>
    /// <param name="makeDeposit">Called with what was read, after all checks: announces, sends and commits. A failure with <see cref="TargetState.Untouched"/> or <see cref="TargetState.Prepared"/> says that nothing was committed.</param>
    /// <param name="cancellationToken">Cancelled by the caller.</param>
    /// <returns>What was read before and after, or why it could not be armed. A scheduler that does not do this answers <see cref="ArmingNotPossible"/>, and nothing is sent.</returns>
    ValueTask<FlashResult<ArmingEvidence>> ArmByDepositAsync(
        StageContext context,
        ApprovedUpgrade approved,
        DepositKey deposit,
        Func<ArmingBaseline, CancellationToken, ValueTask<FlashResult<StagedImage>>> makeDeposit,
        CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(context);
        return new(new ArmingNotPossible { Stage = FlashStage.Arm, TargetId = context.Target.Id, TargetState = TargetState.Untouched, Detail = "this scheduler does not arm by depositing" });
    }

    /// <summary>Takes the arming of a deposit back.</summary>
    /// <param name="context">The target and the connection to it.</param>
    /// <param name="depositId">The deposit.</param>
    /// <param name="cancellationToken">Cancelled by the caller.</param>
    /// <returns>The target's own state afterwards; <see cref="DisarmNotPossible"/> where it can't be done.</returns>
    ValueTask<FlashResult<ArmedState>> DisarmAsync(StageContext context, string depositId, CancellationToken cancellationToken);

    /// <summary>Asks for the restart.</summary>
    /// <param name="context">The target and the connection to it.</param>
    /// <param name="scheduled">What is armed.</param>
    /// <param name="cancellationToken">Cancelled by the caller.</param>
    /// <returns>What the target answered; <see cref="CapabilityMissing"/> where no endpoint can restart it.</returns>
    ValueTask<FlashResult<RebootEvidence>> RebootAsync(StageContext context, ScheduledFlash scheduled, CancellationToken cancellationToken);

    /// <summary>Takes a restart request back.</summary>
    /// <param name="context">The target and the connection to it.</param>
    /// <param name="cancellationToken">Cancelled by the caller.</param>
    /// <returns>Done when none is pending.</returns>
    ValueTask<FlashResult<Done>> AbortRebootAsync(StageContext context, CancellationToken cancellationToken);
}

/// <summary>What was read right before arming.</summary>
/// <param name="Identity">Which machine it is.</param>
/// <param name="Boot">Its boot identity.</param>
/// <param name="Offer">The way to arm that will be used.</param>
public sealed record ArmingBaseline(TargetIdentity Identity, BootIdentity Boot, ArmingOffer Offer);

/// <summary>What a scheduler reports of arming; anybody can construct it. <see cref="ScheduledFlash.TryCreate"/> turns it into a key.</summary>
public sealed record ArmingEvidence
{
    /// <summary>What was read right before.</summary>
    public required ArmingBaseline Baseline { get; init; }

    /// <summary>The deposit that was armed.</summary>
    public required string DepositId { get; init; }

    /// <summary>What the target's own state says afterwards, with digests where the target lets one look.</summary>
    public required ArmedState Armed { get; init; }
}

/// <summary>What the target answered to a restart request.</summary>
/// <param name="Delay">How long it waits.</param>
/// <param name="Endpoint">The endpoint that took the request.</param>
public sealed record RebootEvidence(TimeSpan Delay, string Endpoint);
