using System.Collections.Immutable;
using RomFlash.Sdk.Compatibility;
using RomFlash.Sdk.Journal;
using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Staging;
using RomFlash.Sdk.Targets;
using RomFlash.Sdk.Transports;

namespace RomFlash.Sdk.Scheduling;

/// <summary>An armed flash: the key to the restart, to confirmation, and to disarming.</summary>
/// <remarks>Immutable and thread-safe.</remarks>
public sealed class ScheduledFlash
{
    private ScheduledFlash(
        FlashTarget target,
        string depositId,
        long generation,
        TargetIdentity identity,
        BootIdentity bootBefore,
        ArmingMethod method,
        VerificationMethod verification,
        ImmutableArray<UpgradeComponent> components,
        bool flashesAtOnce,
        bool writesBeforeRestart,
        bool isRebootRequested)
    {
        Target = target;
        DepositId = depositId;
        Generation = generation;
        Identity = identity;
        BootBefore = bootBefore;
        Method = method;
        Verification = verification;
        Components = components;
        FlashesAtOnce = flashesAtOnce;
        WritesBeforeRestart = writesBeforeRestart;
        IsRebootRequested = isRebootRequested;
    }

    /// <summary>The target.</summary>
    public FlashTarget Target { get; }

    /// <summary>The armed deposit.</summary>
    public string DepositId { get; }

    /// <summary>The claim's generation of that deposit.</summary>
    public long Generation { get; }

    /// <summary>The machine.</summary>
    public TargetIdentity Identity { get; }

    /// <summary>The boot identity before the flash.</summary>
    public BootIdentity BootBefore { get; }

    /// <summary>How it was armed.</summary>
    public ArmingMethod Method { get; }

    /// <summary>How the copy was verified.</summary>
    public VerificationMethod Verification { get; }

    /// <summary>The components, in flashing order.</summary>
    public ImmutableArray<UpgradeComponent> Components { get; }

    /// <summary>Whether the target flashes without a restart that the client asks for.</summary>
    public bool FlashesAtOnce { get; }

    /// <summary>Whether the target writes before the restart (<see cref="ArmingOffer.WritesBeforeRestart"/>): then it may be written, and not be called armed any more.</summary>
    public bool WritesBeforeRestart { get; }

    /// <summary>Whether a restart was asked for, and the target accepted.</summary>
    public bool IsRebootRequested { get; }

    /// <summary>Checks the evidence against what was staged, and makes the key.</summary>
    /// <param name="staged">What was staged.</param>
    /// <param name="evidence">What the scheduler reported.</param>
    /// <returns>The key; <see cref="TargetIdentityChanged"/>, <see cref="ForeignCapsulePending"/>, <see cref="ArmedCopyDiffers"/>, <see cref="ArmingUnconfirmed"/> or <see cref="ArmingEvidenceRejected"/>.</returns>
    public static FlashResult<ScheduledFlash> TryCreate(StagedImage staged, ArmingEvidence evidence)
    {
        ArgumentNullException.ThrowIfNull(staged);
        ArgumentNullException.ThrowIfNull(evidence);
        var target = staged.Approved.Report.Target;
        if (Object(staged, evidence) is { } failure)
        {
            return failure with { Stage = FlashStage.Arm, TargetId = target.Id };
        }

        return new ScheduledFlash(
            target,
            staged.Manifest.Id,
            staged.Manifest.Generation,
            staged.Approved.Identity,
            evidence.Baseline.Boot,
            evidence.Baseline.Offer.Method,
            staged.Verification,
            staged.Approved.Components,
            evidence.Baseline.Offer.FlashesAtOnce,
            evidence.Baseline.Offer.WritesBeforeRestart,
            isRebootRequested: false);
    }

    /// <summary>
    /// Makes the key again from the journal, after the client was restarted. The records were flushed before the act, so this proves that
    /// it was meant, not that it happened: look at the target before anything else is done with it.
    /// </summary>
    /// <param name="target">The target.</param>
    /// <param name="records">The records of one operation, oldest first.</param>
    /// <param name="identity">The identity as it was read again now, or null while the target is away; <see cref="Confirmation.FlashOutcome.Decide"/> compares it in any case.</param>
    /// <returns>The key; <see cref="TargetIdentityChanged"/> for another machine, <see cref="JournalCorrupt"/> when the records do not hold an arming step.</returns>
    public static FlashResult<ScheduledFlash> TryAdopt(FlashTarget target, ImmutableArray<FlashJournalRecord> records, TargetIdentity? identity)
    {
        ArgumentNullException.ThrowIfNull(target);
        var armed = records.IsDefault ? null : records.LastOrDefault(r => r.Kind is FlashJournalRecordKind.ArmIntent);
        if (armed is not { Identity: { } was, Boot: { } boot, DepositId: { } deposit, Components.IsDefaultOrEmpty: false })
        {
            return new JournalCorrupt { Stage = FlashStage.Reconcile, TargetId = target.Id, Detail = "the operation has no complete arming record" };
        }

        if (identity is not null && was.CompareWith(identity) is not IdentityMatch.Same)
        {
            return new TargetIdentityChanged { Stage = FlashStage.Reconcile, TargetId = target.Id, Detail = "the machine at the address is not proved to be the one in the journal" };
        }

        return new ScheduledFlash(
            target,
            deposit,
            armed.Generation,
            was,
            boot,
            new ArmingMethod(armed.Method ?? string.Empty),
            armed.Verification,
            armed.Components,
            armed.FlashesAtOnce,
            armed.WritesBeforeRestart,
            records.Any(r => r.Kind is FlashJournalRecordKind.RebootRequested && r.Sequence >= armed.Sequence));
    }

    /// <summary>The same flash, with the restart asked for.</summary>
    /// <param name="reboot">What the target answered.</param>
    /// <returns>A new key.</returns>
    public ScheduledFlash WithReboot(RebootEvidence reboot)
    {
        ArgumentNullException.ThrowIfNull(reboot);
        return new(Target, DepositId, Generation, Identity, BootBefore, Method, Verification, Components, FlashesAtOnce, WritesBeforeRestart, isRebootRequested: true);
    }

    /// <summary>Compares what is armed on the target now with what was verified.</summary>
    /// <param name="state">What the target's own state says, with digests.</param>
    /// <returns>Null when it is armed and every digest that can be read is the verified one; otherwise what is wrong.</returns>
    public FlashFailure? FindDifference(ArmedState state)
    {
        ArgumentNullException.ThrowIfNull(state);
        return FindDifference(state, DepositId, Components, FlashesAtOnce || Verification == VerificationMethod.AcceptedByDevice) is { } failure
            ? failure with { Stage = FlashStage.Arm, TargetId = Target.Id }
            : null;
    }

    private static FlashFailure? Object(StagedImage staged, ArmingEvidence evidence)
    {
        if (!string.Equals(evidence.DepositId, staged.Manifest.Id, StringComparison.Ordinal))
        {
            return new ArmingEvidenceRejected { Detail = $"deposit '{evidence.DepositId}' was armed, '{staged.Manifest.Id}' was staged" };
        }

        if (staged.Approved.Identity.CompareWith(evidence.Baseline.Identity) is not IdentityMatch.Same)
        {
            return new TargetIdentityChanged { Detail = "the machine that was armed is not proved to be the one that was probed" };
        }

        if (staged.Approved.Components.Length > evidence.Baseline.Offer.MaxComponents)
        {
            return new ArmingEvidenceRejected { Detail = "more components were armed than one boot can flash" };
        }

        var opaque = evidence.Baseline.Offer.FlashesAtOnce || staged.Verification == VerificationMethod.AcceptedByDevice;
        return evidence.Baseline.Offer.FlashesAtOnce && evidence.Armed.Phase == ArmedPhase.None
            ? null
            : FindDifference(evidence.Armed, staged.Manifest.Id, staged.Approved.Components, opaque);
    }

    private static FlashFailure? FindDifference(ArmedState state, string depositId, ImmutableArray<UpgradeComponent> components, bool digestsMayBeUnknown)
    {
        if (!state.Foreign.IsDefaultOrEmpty)
        {
            return new ForeignCapsulePending { TargetState = state.Phase == ArmedPhase.Applying ? TargetState.Flashing : TargetState.Armed, Detail = string.Join(", ", state.Foreign.Select(f => f.Name)) };
        }

        if (state.Phase is not (ArmedPhase.Armed or ArmedPhase.Applying) || !string.Equals(state.DepositId, depositId, StringComparison.Ordinal))
        {
            return new ArmingUnconfirmed { Detail = $"the target says {state.Phase}, deposit '{state.DepositId}'" };
        }

        if (state.Items.IsDefault || (state.Items.Length != components.Length && !(digestsMayBeUnknown && state.Items.IsEmpty)))
        {
            return new ArmedCopyDiffers { Detail = $"{(state.Items.IsDefault ? 0 : state.Items.Length)} files are armed, {components.Length} were verified" };
        }

        for (var i = 0; i < state.Items.Length; i++)
        {
            if (state.Items[i].Sha256.TryGet(out var digest) ? digest != components[i].Sha256 : !digestsMayBeUnknown)
            {
                return new ArmedCopyDiffers { Detail = $"{state.Items[i].Name} has {state.Items[i].Sha256}, verified was {components[i].Sha256}" };
            }
        }

        return null;
    }
}
