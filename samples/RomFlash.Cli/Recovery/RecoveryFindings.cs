using System.Collections.Immutable;
using System.Globalization;
using RomFlash.Sdk.Compatibility;
using RomFlash.Sdk.Confirmation;
using RomFlash.Sdk.Journal;
using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Probing;
using RomFlash.Sdk.Recovery;
using RomFlash.Sdk.Targets;
using RomFlash.Sdk.Transports;

namespace RomFlash.Cli.Recovery;

/// <summary>What journal and target say together.</summary>
internal enum RecoverySituation
{
    /// <summary>The journal knows no flash of the target, and the target runs.</summary>
    NothingKnown = 0,

    /// <summary>Nothing was armed, or what was armed was disarmed.</summary>
    NotArmed,

    /// <summary>It is armed, and has not booted since.</summary>
    StillArmed,

    /// <summary>Something is armed, or may be, although it booted, or nobody can tell whether it did.</summary>
    PerhapsArmed,

    /// <summary>It was told to restart, and no new boot is known: it may be flashing.</summary>
    Restarting,

    /// <summary>Its last flash was concluded as one that needs recovery, and it runs now.</summary>
    ConcludedRecovery,

    /// <summary>The promised versions read back.</summary>
    PromisedRuns,

    /// <summary>The versions from before read back.</summary>
    PreviousRuns,

    /// <summary>It was armed or restarted, and does not answer.</summary>
    NotBack,

    /// <summary>It does not answer now, and no flash of it is open that could be why.</summary>
    Unreachable,

    /// <summary>It says itself that it runs its recovery.</summary>
    InRecovery,

    /// <summary>Another version than promised, and than before, reads back.</summary>
    UnexpectedVersion,

    /// <summary>It answers, and does not tell its versions.</summary>
    VersionUnknown,

    /// <summary>Another machine answers at the address.</summary>
    AnotherMachine,

    /// <summary>Something that this client did not arm waits for the next boot.</summary>
    Foreign,
}

/// <summary>The situation of a target, with the evidence for it.</summary>
/// <param name="Situation">The situation.</param>
/// <param name="Operation">The records of the open operation, or of the last one; empty when there is none.</param>
/// <param name="Components">What was to be flashed by it.</param>
/// <param name="Evidence">One sentence for each fact.</param>
internal sealed record RecoveryFindings(
    RecoverySituation Situation,
    ImmutableArray<FlashJournalRecord> Operation,
    ImmutableArray<UpgradeComponent> Components,
    ImmutableArray<string> Evidence)
{
    /// <summary>What was written down before arming of how to bring each ROM back.</summary>
    public ImmutableArray<RecoveryPlan> Plans => Operation.LastOrDefault(r => !r.Recovery.IsDefaultOrEmpty)?.Recovery ?? [];

    /// <summary>Whether the journal waits for a confirmation.</summary>
    public bool IsOpen => !Operation.IsEmpty && Operation[^1].Kind != FlashJournalRecordKind.Concluded;

    public string? OperationId => Operation.IsEmpty ? null : Operation[^1].OperationId;

    /// <summary>True and false where there is evidence; null where nobody can tell from here.</summary>
    public bool? IsRecoveryNeeded => Situation switch
    {
        RecoverySituation.InRecovery or RecoverySituation.UnexpectedVersion or RecoverySituation.Foreign => true,
        RecoverySituation.PerhapsArmed or RecoverySituation.Restarting or RecoverySituation.ConcludedRecovery
            or RecoverySituation.NotBack or RecoverySituation.Unreachable or RecoverySituation.VersionUnknown or RecoverySituation.AnotherMachine => null,
        _ => false,
    };

    public TargetState State => Situation switch
    {
        RecoverySituation.NothingKnown => TargetState.Untouched,
        RecoverySituation.NotArmed => IsOpen && Operation.Any(r => r.Kind == FlashJournalRecordKind.StagingIntent) ? TargetState.Prepared : TargetState.Untouched,
        RecoverySituation.StillArmed or RecoverySituation.PerhapsArmed or RecoverySituation.Foreign => TargetState.Armed,
        RecoverySituation.PromisedRuns or RecoverySituation.UnexpectedVersion => TargetState.RomChanged,
        RecoverySituation.PreviousRuns => TargetState.PreviousRomIntact,
        RecoverySituation.InRecovery => TargetState.RecoveryRequired,
        _ => TargetState.Indeterminate,
    };

    /// <summary>Puts journal and target together.</summary>
    /// <param name="operation">The records of the open operation, or of the last one.</param>
    /// <param name="probed">The target, or why it could not be read.</param>
    public static RecoveryFindings Of(ImmutableArray<FlashJournalRecord> operation, FlashResult<TargetReport> probed)
    {
        var evidence = ImmutableArray.CreateBuilder<string>();
        var components = operation.LastOrDefault(r => !r.Components.IsEmpty)?.Components ?? [];
        var lastArmed = operation.LastOrDefault(r => r.Kind is FlashJournalRecordKind.ArmIntent or FlashJournalRecordKind.Armed or FlashJournalRecordKind.RebootIntent or FlashJournalRecordKind.RebootRequested);
        var wasArmed = lastArmed is not null && !operation.Any(r => r.Kind == FlashJournalRecordKind.Disarmed && r.Sequence > lastArmed.Sequence);
        if (operation.IsEmpty)
        {
            evidence.Add("the journal knows no flash of this target");
        }
        else
        {
            var last = operation[^1];
            evidence.Add(string.Create(CultureInfo.InvariantCulture, $"the journal's last record of it, {last.Time.UtcDateTime:yyyy-MM-dd'T'HH:mm:ss'Z'}: {last.Kind}{(last.Outcome is { } outcome ? " " + outcome : string.Empty)}{(last.FailureCode is { } code ? " " + code : string.Empty)}"));
        }

        return new(Judge(), operation, components, evidence.ToImmutable());

        RecoverySituation Judge()
        {
            if (!probed.TryGetValue(out var report, out var failure))
            {
                evidence.Add($"the target can't be read now: {failure.Code} {failure.Message}");
                return !wasArmed ? RecoverySituation.Unreachable
                    : operation[^1] is { Kind: FlashJournalRecordKind.Concluded, Outcome: FlashOutcomeKind.Upgraded or FlashOutcomeKind.NotApplied } ? RecoverySituation.Unreachable
                    : RecoverySituation.NotBack;
            }

            evidence.Add("the target answers");
            if (operation.LastOrDefault(r => r.Identity is not null)?.Identity is { } known && report.Facts.Identity.TryGet(out var found) && known.CompareWith(found) == IdentityMatch.Different)
            {
                evidence.Add("what answers has another identity than the journal has");
                return RecoverySituation.AnotherMachine;
            }

            if (report.Facts.Readiness.TryGet(out var readiness) && readiness.InRecovery.TryGet(out var inRecovery) && inRecovery)
            {
                evidence.Add("the target says that it runs its recovery");
                return RecoverySituation.InRecovery;
            }

            var deposit = operation.LastOrDefault(r => r.DepositId is not null)?.DepositId;
            report.Evidence.Armed.TryGet(out var armed);
            if (armed is not null && (armed.Foreign.Length > 0 || (armed.Phase == ArmedPhase.Armed && (deposit is null || !string.Equals(armed.DepositId, deposit, StringComparison.Ordinal)))))
            {
                evidence.Add("something that the journal does not know waits for the next boot: " + string.Join(", ", armed.Foreign.Concat(armed.Items).Select(i => i.Name).Take(8)));
                return RecoverySituation.Foreign;
            }

            if (operation.IsEmpty)
            {
                return RecoverySituation.NothingKnown;
            }

            // What the target says outweighs a record that it was disarmed.
            var situation = wasArmed || armed is { Phase: ArmedPhase.Armed } ? Compare(report, armed) : RecoverySituation.NotArmed;

            // The versions may be those of the redundant ROM: a conclusion is not taken back by them.
            return operation[^1] is { Kind: FlashJournalRecordKind.Concluded, Outcome: FlashOutcomeKind.RecoveryRequired }
                && situation is RecoverySituation.PromisedRuns or RecoverySituation.PreviousRuns or RecoverySituation.NotArmed
                ? RecoverySituation.ConcludedRecovery
                : situation;
        }

        RecoverySituation Compare(TargetReport report, ArmedState? armed)
        {
            foreach (var component in components)
            {
                evidence.Add($"{component.ComponentId} runs {(report.FindRom(component.ComponentId) is { } rom ? string.Join(", ", rom.Versions) : "nothing that it tells of")}");
            }

            var before = operation.LastOrDefault(r => r.Boot is not null)?.Boot;
            var hasBooted = before is not null && report.Facts.Boot.TryGet(out var boot) ? !boot.IsSameBootAs(before) : (bool?)null;
            evidence.Add(hasBooted switch { true => "it has booted since it was armed", false => "it has not booted since it was armed", _ => "whether it has booted since can't be told" });
            var runsPromised = AllMatch(report, components, c => c.Expected) is true && (hasBooted is true || AllMatch(report, components, c => c.From) is not true);
            var isOpen = operation[^1].Kind != FlashJournalRecordKind.Concluded;
            if (hasBooted is not true && isOpen && wasArmed && !runsPromised && lastArmed is { Kind: FlashJournalRecordKind.RebootIntent or FlashJournalRecordKind.RebootRequested })
            {
                evidence.Add("it was told to restart, and no new boot is known");
                return RecoverySituation.Restarting;
            }

            if (armed is { Phase: ArmedPhase.Armed })
            {
                evidence.Add("it says that something is armed");
                return hasBooted is false && wasArmed ? RecoverySituation.StillArmed : RecoverySituation.PerhapsArmed;
            }

            if (armed is null && hasBooted is not true && isOpen && !runsPromised)
            {
                evidence.Add("it does not say whether something is armed");
                return RecoverySituation.PerhapsArmed;
            }

            return runsPromised ? RecoverySituation.PromisedRuns
                : AllMatch(report, components, c => c.From) is true ? RecoverySituation.PreviousRuns
                : components.IsEmpty || components.Any(c => report.FindRom(c.ComponentId) is not { } rom || Matches(rom, c.Expected) is null) ? RecoverySituation.VersionUnknown
                : RecoverySituation.UnexpectedVersion;
        }
    }

    private static bool? AllMatch(TargetReport report, ImmutableArray<UpgradeComponent> components, Func<UpgradeComponent, ImmutableArray<ReportedVersion>> versions) =>
        components.IsEmpty ? null : components.All(c => report.FindRom(c.ComponentId) is { } rom && Matches(rom, versions(c)) is true);

    // Every source that both know has to agree; null when there is none.
    private static bool? Matches(InstalledRom rom, ImmutableArray<ReportedVersion> versions)
    {
        if (versions.IsDefaultOrEmpty || rom.Versions.IsDefaultOrEmpty)
        {
            return null;
        }

        var pairs = versions.Join(rom.Versions, v => v.Source, v => v.Source, (a, b) => a.Version.Equals(b.Version)).ToList();
        return pairs.Count == 0 ? null : pairs.TrueForAll(p => p);
    }
}
