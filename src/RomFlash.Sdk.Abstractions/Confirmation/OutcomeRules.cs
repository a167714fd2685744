using System.Collections.Immutable;
using RomFlash.Sdk.Compatibility;
using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Probing;
using RomFlash.Sdk.Scheduling;
using RomFlash.Sdk.Targets;
using RomFlash.Sdk.Transports;

namespace RomFlash.Sdk.Confirmation;

/// <summary>The judgement behind <see cref="FlashOutcome.Decide"/>.</summary>
internal static class OutcomeRules
{
    private enum ReadBack
    {
        Unknown,
        Old,
        New,
        Other,
        Contradictory,
    }

    public static FlashResult<FlashOutcome> Decide(ScheduledFlash scheduled, ConfirmationEvidence evidence)
    {
        if (!evidence.Answered)
        {
            return Silent(scheduled, evidence);
        }

        var facts = evidence.Facts;
        if (!facts.Identity.TryGet(out var identity))
        {
            return new OutcomeIndeterminate { Detail = $"the machine can't be identified: {facts.Identity.WhyUnknown}" };
        }

        switch (scheduled.Identity.CompareWith(identity))
        {
            case IdentityMatch.Different:
                return new TargetIdentityChanged { Detail = "the machine that answers now is not the one that was armed" };
            case IdentityMatch.Unknown:
                return new OutcomeIndeterminate { Detail = "the machine that answers now is not proved to be the one that was armed" };
        }

        if (facts.Readiness.TryGet(out var readiness) && readiness.InRecovery.TryGet(out var inRecovery) && inRecovery)
        {
            return new FailureDuringFlash { Detail = "the target says that it is in recovery" };
        }

        if (!facts.Boot.TryGet(out var boot))
        {
            return new OutcomeIndeterminate { Detail = $"the boot identity can't be read: {facts.Boot.WhyUnknown}" };
        }

        return boot.IsSameBootAs(scheduled.BootBefore) switch
        {
            true => NotBooted(scheduled, evidence),
            false => Booted(scheduled, evidence),
            null => new OutcomeIndeterminate { Detail = $"the boot identity is told by '{boot.Source}' now, and was by '{scheduled.BootBefore.Source}' before: whoever told it before does not answer" },
        };
    }

    private static FlashResult<FlashOutcome> Silent(ScheduledFlash scheduled, ConfirmationEvidence evidence)
    {
        if ((scheduled.IsRebootRequested || scheduled.FlashesAtOnce) && evidence.WaitedToTheEnd)
        {
            return new TargetDidNotReturn { Detail = evidence.LastFailure?.Message ?? string.Empty, PeerCode = evidence.LastFailure?.PeerCode };
        }

        return new OutcomeIndeterminate { Detail = $"the target does not answer: {evidence.LastFailure?.Message}", PeerCode = evidence.LastFailure?.PeerCode };
    }

    private static FlashResult<FlashOutcome> NotBooted(ScheduledFlash scheduled, ConfirmationEvidence evidence)
    {
        var isKnown = evidence.Armed.TryGet(out var armed);
        if (isKnown && armed!.Phase is ArmedPhase.Armed or ArmedPhase.Applying && string.Equals(armed.DepositId, scheduled.DepositId, StringComparison.Ordinal))
        {
            return new Pending { Components = scheduled.Components, Verification = scheduled.Verification };
        }

        if (isKnown && armed!.Phase == ArmedPhase.Applying)
        {
            // Whose it is can't always be told: nothing is over while something is being written.
            return new OutcomeIndeterminate { TargetState = TargetState.Flashing, Detail = "the target has not booted, and is writing" };
        }

        // One that writes first may have written, and wait for a restart that makes it take effect.
        var mayBeWritten = scheduled.WritesBeforeRestart || (isKnown && (armed!.Offers.IsDefault || armed.Offers.Any(o => o.Method == scheduled.Method && o.WritesBeforeRestart)));
        var somethingElse = isKnown && (armed!.Phase == ArmedPhase.Armed || !armed.Foreign.IsDefaultOrEmpty);
        var roms = evidence.Facts.Roms.TryGet(out var known) && !known.IsDefault ? known : [];
        if (isKnown && FindFailedAttempt(scheduled, roms) is { } status)
        {
            // A management controller flashes while the system runs, and can fail then.
            return new FlashNotApplied
            {
                Detail = "the target has not booted, and says that the flash failed",
                PeerCode = status,
                TargetState = somethingElse ? TargetState.Armed : IsOld() && !mayBeWritten ? TargetState.PreviousRomIntact : TargetState.Indeterminate,
            };
        }

        if (isKnown && scheduled.FlashesAtOnce && evidence.WaitedToTheEnd && IsOld())
        {
            // It was perhaps never handed over.
            return new FlashNotApplied
            {
                Detail = "the target has not booted, and neither flashes nor is about to: the flash was not handed over, or has failed",
                TargetState = somethingElse ? TargetState.Armed : mayBeWritten ? TargetState.Indeterminate : TargetState.PreviousRomIntact,
            };
        }

        if (isKnown && !scheduled.FlashesAtOnce && mayBeWritten && !somethingElse)
        {
            return new OutcomeIndeterminate { Detail = "the target has not booted, and does not call this flash armed any more: it was taken back, or is written and waits for a restart" };
        }

        if (isKnown && !scheduled.FlashesAtOnce)
        {
            return new FlashNotApplied
            {
                Detail = "the target has not booted, and this flash is no longer armed: somebody disarmed it",
                TargetState = somethingElse ? TargetState.Armed : TargetState.PreviousRomIntact,
            };
        }

        return new Pending { Components = scheduled.Components, Verification = scheduled.Verification };

        bool IsOld() => scheduled.Components.All(c => Read(c, roms.FirstOrDefault(r => string.Equals(r.Id, c.ComponentId, StringComparison.Ordinal))) is ReadBack.Old);
    }

    private static FlashResult<FlashOutcome> Booted(ScheduledFlash scheduled, ConfirmationEvidence evidence)
    {
        if (!evidence.Facts.Roms.TryGet(out var roms) || roms.IsDefault)
        {
            return new OutcomeIndeterminate { Detail = $"the target booted, but its versions can't be read: {evidence.Facts.Roms.WhyUnknown}" };
        }

        var readings = scheduled.Components.Select(c => (Component: c, Rom: roms.FirstOrDefault(r => string.Equals(r.Id, c.ComponentId, StringComparison.Ordinal)))).Select(p => (p.Component, p.Rom, Result: Read(p.Component, p.Rom))).ToImmutableArray();
        var text = string.Join("; ", readings.Select(r => $"{r.Component.ComponentId}: {(r.Rom is null ? "not listed" : string.Join(", ", r.Rom.Versions))}, expected {string.Join(" or ", r.Component.Expected)}"));
        var status = readings.Select(r => r.Rom is not null && r.Rom.LastAttempt.TryGet(out var attempt) && attempt.HasFailedSince(r.Component.AttemptBefore) ? attempt.Status : (PeerCode?)null).FirstOrDefault(s => s is not null);

        if (readings.Any(r => r.Result is ReadBack.Other))
        {
            return new UnexpectedVersion { Detail = text, PeerCode = status };
        }

        if (readings.Any(r => r.Result is ReadBack.Unknown or ReadBack.Contradictory))
        {
            return new OutcomeIndeterminate { Detail = $"the target booted, but the read-back proves nothing: {text}", PeerCode = status };
        }

        if (readings.Any(r => r.Result is ReadBack.Old) && evidence.Armed.TryGet(out var writing) && writing.Phase == ArmedPhase.Applying)
        {
            return new OutcomeIndeterminate { TargetState = TargetState.Flashing, Detail = "the target has booted, and is writing: " + text, PeerCode = status };
        }

        if (readings.Any(r => r.Result is ReadBack.Old))
        {
            var stillArmed = evidence.Armed.TryGet(out var armed) && armed.Phase == ArmedPhase.Armed && string.Equals(armed.DepositId, scheduled.DepositId, StringComparison.Ordinal);
            return new FlashNotApplied
            {
                Detail = text + (stillArmed ? " (still armed)" : string.Empty),
                PeerCode = status,
                TargetState = stillArmed ? TargetState.Armed : readings.Any(r => r.Result is ReadBack.New) ? TargetState.RomChanged : TargetState.PreviousRomIntact,
            };
        }

        return new Upgraded { Components = scheduled.Components, Verification = scheduled.Verification };
    }

    private static ReadBack Read(UpgradeComponent component, InstalledRom? rom)
    {
        if (rom is null || rom.Versions.IsDefaultOrEmpty)
        {
            return ReadBack.Unknown;
        }

        var (result, isStrange) = (ReadBack.Unknown, false);
        foreach (var reported in rom.Versions)
        {
            var expected = component.Expected.FirstOrDefault(e => e.Source == reported.Source)?.Version;
            var before = component.From.FirstOrDefault(f => f.Source == reported.Source)?.Version;
            if (expected is null)
            {
                // A source that nothing was promised for proves nothing.
                continue;
            }

            var one = expected.Equals(reported.Version) ? ReadBack.New
                : before is not null && before.Equals(reported.Version) ? ReadBack.Old
                : expected.IsComparableTo(reported.Version) ? ReadBack.Other
                : ReadBack.Unknown;
            if (one is ReadBack.Unknown)
            {
                // Neither the promised version nor the one from before, and not of their kind: it proves nothing, and what the others say is not all that there is.
                isStrange = true;
                continue;
            }

            result = result is ReadBack.Unknown || result == one ? one : ReadBack.Contradictory;
        }

        if (isStrange && result is ReadBack.New)
        {
            return ReadBack.Contradictory;
        }

        // A re-flash of the same version reads the same before and after: only the device's own word tells them apart, and only when it changed. That a capsule was processed without an error is not its word.
        if (result is ReadBack.New && IsReflash(component))
        {
            return !rom.LastAttempt.TryGet(out var attempt) || !attempt.IsNewSince(component.AttemptBefore) ? ReadBack.Unknown
                : attempt.HasFailed ? ReadBack.Old
                : attempt.Status.Dialect == PeerCode.UefiStatus ? ReadBack.Unknown
                : ReadBack.New;
        }

        return result;
    }

    // The status from before may be that of an older attempt.
    private static PeerCode? FindFailedAttempt(ScheduledFlash scheduled, ImmutableArray<InstalledRom> roms) => scheduled.Components
        .Select(c => roms.FirstOrDefault(r => string.Equals(r.Id, c.ComponentId, StringComparison.Ordinal)) is { } rom
            && rom.LastAttempt.TryGet(out var attempt) && attempt.HasFailedSince(c.AttemptBefore) ? attempt.Status : (PeerCode?)null)
        .FirstOrDefault(s => s is not null);

    private static bool IsReflash(UpgradeComponent component) =>
        component.From.Any(f => component.Expected.Any(e => e.Source == f.Source && e.Version.Equals(f.Version)));
}
