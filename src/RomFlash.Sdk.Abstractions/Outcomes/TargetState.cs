namespace RomFlash.Sdk.Outcomes;

/// <summary>Answers "is the machine safe?" without a look at the failure's type.</summary>
public enum TargetState
{
    /// <summary>No evidence tells what state the target is in. Look before doing anything.</summary>
    Indeterminate = 0,

    /// <summary>Nothing that matters to the firmware was changed. Leftovers, if any, are inert and named.</summary>
    Untouched,

    /// <summary>A deposit lies on the target; it is inert: no boot will flash it.</summary>
    Prepared,

    /// <summary>The next boot will flash.</summary>
    Armed,

    /// <summary>The target is flashing. Do not interrupt it.</summary>
    Flashing,

    /// <summary>The flash was attempted or skipped, and the previous ROM runs.</summary>
    PreviousRomIntact,

    /// <summary>The target runs a ROM other than the previous one.</summary>
    RomChanged,

    /// <summary>The target does not run; disaster recovery is needed.</summary>
    RecoveryRequired,
}
