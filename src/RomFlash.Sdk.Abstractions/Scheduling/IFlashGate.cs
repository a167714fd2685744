using System.Collections.Immutable;
using RomFlash.Sdk.Compatibility;
using RomFlash.Sdk.Confirmation;
using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Pipeline;

namespace RomFlash.Sdk.Scheduling;

/// <summary>An orchestrator's own check: drain before the target is armed and restarted, health after it has returned.</summary>
/// <remarks>Thread-safe: one instance serves many targets at once. Bounded by <see cref="FlashDeadlines.Gate"/>.</remarks>
public interface IFlashGate
{
    /// <summary>A short name; failures carry it.</summary>
    string Name { get; }

    /// <summary>
    /// Asked when everything is staged and verified, before it is armed; asked again when an armed flash of an interrupted client is
    /// adopted. Refusing leaves the target untouched: an adopted flash is disarmed.
    /// </summary>
    /// <param name="context">The target.</param>
    /// <param name="components">What would be flashed at the next boot.</param>
    /// <param name="cancellationToken">Cancelled by the caller or at the deadline.</param>
    /// <returns>Whether to go on.</returns>
    ValueTask<GateDecision> BeforeRebootAsync(StageContext context, ImmutableArray<UpgradeComponent> components, CancellationToken cancellationToken);

    /// <summary>Asked when the target has returned and the upgrade is confirmed, while the claim is held and a backup that was staged is still there. Refusing makes the result a <see cref="GateRefused"/>, and the backup stays.</summary>
    /// <param name="context">The target.</param>
    /// <param name="outcome">What was confirmed.</param>
    /// <param name="cancellationToken">Cancelled by the caller or at the deadline.</param>
    /// <returns>Whether the target is healthy.</returns>
    ValueTask<GateDecision> AfterReturnAsync(StageContext context, FlashOutcome outcome, CancellationToken cancellationToken);
}

/// <summary>A gate's answer. A <c>default</c> decision refuses.</summary>
public readonly record struct GateDecision
{
    private GateDecision(bool isAllowed, string reason)
    {
        IsAllowed = isAllowed;
        Reason = reason;
    }

    /// <summary>Go on.</summary>
    public static GateDecision Allow { get; } = new(true, string.Empty);

    /// <summary>Whether to go on.</summary>
    public bool IsAllowed { get; }

    /// <summary>Why not; may be null in a <c>default</c> decision.</summary>
    public string? Reason { get; }

    /// <summary>Do not go on.</summary>
    /// <param name="reason">Why.</param>
    /// <returns>A refusal.</returns>
    public static GateDecision Refuse(string reason) => new(false, reason);
}
