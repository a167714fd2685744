using System.Collections.Immutable;
using RomFlash.Sdk.Transports;

namespace RomFlash.Sdk.Testing.Simulation;

/// <summary>What a machine is like: what its transport can do, and its quirks. The presets each differ from <see cref="Ordinary"/> in one thing.</summary>
/// <remarks>Immutable.</remarks>
public sealed record SimulatedPersona
{
    /// <summary>A name for tests.</summary>
    public required string Name { get; init; }

    /// <summary>The ways to verify a deposit. Without read-back and digest the device looks at the content itself when it is committed.</summary>
    public ImmutableArray<VerificationMethod> Verification { get; init; } = [VerificationMethod.ReadBack, VerificationMethod.DigestOnTarget];

    /// <summary>The way to arm.</summary>
    public ArmingMethod Method { get; init; } = ArmingMethod.CapsuleOnDisk;

    /// <summary>Whether the target tells the digests of what is armed.</summary>
    public bool TellsArmedDigests { get; init; } = true;

    /// <summary>Whether arming can be taken back.</summary>
    public bool CanDisarm { get; init; } = true;

    /// <summary>Whether arming starts the flash, with a restart of the target's own.</summary>
    public bool FlashesAtOnce { get; init; }

    /// <summary>Whether arming takes two remote operations: the files in place, then the bit.</summary>
    public bool ArmsInTwoSteps { get; init; }

    /// <summary>How many components one boot can flash, at least 1.</summary>
    public int MaxComponents { get; init; } = 8;

    /// <summary>Whether the target has claims.</summary>
    public bool HasClaim { get; init; } = true;

    /// <summary>Whether the client can restart the target.</summary>
    public bool HasPower { get; init; } = true;

    /// <summary>Whether deposits lie on the system partition.</summary>
    public bool UsesSystemPartition { get; init; } = true;

    /// <summary>What a committed deposit means. Where it is more than inert, a deposit that was not committed is gone with its session.</summary>
    public DepositEffect Effect { get; init; }

    /// <summary>
    /// Whether the target writes for a while after arming, and must not be restarted meanwhile; see <see cref="SimulatedTargetOptions.WriteDuration"/>. Such a target
    /// does not restart by itself.
    /// </summary>
    public bool WritesBeforeRestart { get; init; }

    /// <summary>Whether a restart can't be delayed.</summary>
    public bool RestartsAtOnce { get; init; }

    /// <summary>In which steps a restart's delay is counted, as by a program that takes whole minutes: it is rounded up. Zero, or less, for none.</summary>
    public TimeSpan DelayStep { get; init; }

    /// <summary>Whether another machine answers after the next boot.</summary>
    public bool ReturnsAsAnotherMachine { get; init; }

    /// <summary>Whether the system partition can't be reached any more after the next boot.</summary>
    public bool LosesShareAfterBoot { get; init; }

    /// <summary>Whether versions are told in another style after a flash: text alone before, the ESRT's number alone after.</summary>
    public bool ReportsAnotherStyle { get; init; }

    /// <summary>Whether the target knows nothing of the last attempt after a boot.</summary>
    public bool ForgetsTheTask { get; init; }

    /// <summary>Everything, and no quirk.</summary>
    public static SimulatedPersona Ordinary { get; } = new() { Name = nameof(Ordinary) };

    /// <summary>Verifies by read-back alone.</summary>
    public static SimulatedPersona ReadsBack { get; } = new() { Name = nameof(ReadsBack), Verification = [VerificationMethod.ReadBack] };

    /// <summary>Verifies by a digest on the target alone.</summary>
    public static SimulatedPersona DigestsOnTarget { get; } = new() { Name = nameof(DigestsOnTarget), Verification = [VerificationMethod.DigestOnTarget] };

    /// <summary>Takes a deposit or refuses it, and lets nobody look at it: as a management controller does.</summary>
    public static SimulatedPersona OnlyAccepts { get; } = new()
    {
        Name = nameof(OnlyAccepts),
        Verification = [VerificationMethod.AcceptedByDevice],
        TellsArmedDigests = false,
        Method = ArmingMethod.ControllerUpdate,
        UsesSystemPartition = false,
    };

    /// <summary>Arming starts the flash.</summary>
    public static SimulatedPersona FlashingAtOnce { get; } = new() { Name = nameof(FlashingAtOnce), FlashesAtOnce = true, CanDisarm = false, Method = ArmingMethod.ControllerUpdate };

    /// <summary>Arming can't be taken back.</summary>
    public static SimulatedPersona CannotDisarm { get; } = new() { Name = nameof(CannotDisarm), CanDisarm = false };

    /// <summary>Arming takes two remote operations.</summary>
    public static SimulatedPersona ArmingInTwoSteps { get; } = new() { Name = nameof(ArmingInTwoSteps), ArmsInTwoSteps = true };

    /// <summary>No claims.</summary>
    public static SimulatedPersona NoClaim { get; } = new() { Name = nameof(NoClaim), HasClaim = false };

    /// <summary>The client can't restart the target.</summary>
    public static SimulatedPersona NoPower { get; } = new() { Name = nameof(NoPower), HasPower = false };

    /// <summary>One component for each boot.</summary>
    public static SimulatedPersona OneComponentPerBoot { get; } = new() { Name = nameof(OneComponentPerBoot), MaxComponents = 1 };

    /// <summary>Another machine answers after the boot.</summary>
    public static SimulatedPersona ReturningAsAnotherMachine { get; } = new() { Name = nameof(ReturningAsAnotherMachine), ReturnsAsAnotherMachine = true };

    /// <summary>The share is gone after the boot.</summary>
    public static SimulatedPersona LosingShareAfterBoot { get; } = new() { Name = nameof(LosingShareAfterBoot), LosesShareAfterBoot = true };

    /// <summary>The version is told in another style after the flash.</summary>
    public static SimulatedPersona ReportingAnotherStyle { get; } = new() { Name = nameof(ReportingAnotherStyle), ReportsAnotherStyle = true };

    /// <summary>The last attempt is forgotten at the boot.</summary>
    public static SimulatedPersona ForgettingTheTask { get; } = new() { Name = nameof(ForgettingTheTask), ForgetsTheTask = true };

    /// <summary>Committing a deposit arms: the next restart flashes.</summary>
    public static SimulatedPersona ArmsByDeposit { get; } = OnlyAccepts with { Name = nameof(ArmsByDeposit), Effect = DepositEffect.Arms, MaxComponents = 1, HasClaim = false, RestartsAtOnce = true };

    /// <summary>Committing a deposit flashes, and the target restarts by itself.</summary>
    public static SimulatedPersona FlashesByDeposit { get; } = ArmsByDeposit with { Name = nameof(FlashesByDeposit), Effect = DepositEffect.Flashes, FlashesAtOnce = true, CanDisarm = false };

    /// <summary>Committing a deposit flashes while the system runs; it takes effect when the client restarts the target.</summary>
    public static SimulatedPersona FlashesByDepositForRestart { get; } = FlashesByDeposit with { Name = nameof(FlashesByDepositForRestart), WritesBeforeRestart = true };

    /// <summary>Arming begins to write; the restart has to wait for the end of it.</summary>
    public static SimulatedPersona WritingBeforeRestart { get; } = OnlyAccepts with { Name = nameof(WritingBeforeRestart), WritesBeforeRestart = true, CanDisarm = false, RestartsAtOnce = true };

    /// <summary>All presets.</summary>
    public static ImmutableArray<SimulatedPersona> All { get; } =
    [
        Ordinary,
        ReadsBack,
        DigestsOnTarget,
        OnlyAccepts,
        FlashingAtOnce,
        CannotDisarm,
        ArmingInTwoSteps,
        NoClaim,
        NoPower,
        OneComponentPerBoot,
        ReturningAsAnotherMachine,
        LosingShareAfterBoot,
        ReportingAnotherStyle,
        ForgettingTheTask,
        ArmsByDeposit,
        FlashesByDeposit,
        FlashesByDepositForRestart,
        WritingBeforeRestart,
    ];

    /// <summary>The name.</summary>
    /// <returns><see cref="Name"/>.</returns>
    public override string ToString() => Name;
}
