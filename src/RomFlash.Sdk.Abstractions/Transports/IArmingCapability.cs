using System.Collections.Immutable;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Probing;
using RomFlash.Sdk.Targets;

namespace RomFlash.Sdk.Transports;

/// <summary>A way to arm a flash. Open: a plug-in may name its own.</summary>
/// <param name="Name">A short lower-case name.</param>
public readonly record struct ArmingMethod(string Name)
{
    /// <summary>A capsule in <c>\EFI\UpdateCapsule</c> and the OsIndications bit (UEFI 2.10, 8.5.5).</summary>
    public static ArmingMethod CapsuleOnDisk => new("capsule-on-disk");

    /// <summary>A capsule in <c>\EFI\UpdateCapsule</c>, for firmware that takes any file there without the bit.</summary>
    public static ArmingMethod CapsuleFileOnly => new("capsule-file-only");

    /// <summary>The management controller applies the update.</summary>
    public static ArmingMethod ControllerUpdate => new("controller-update");

    /// <summary>A vendor's package that runs on the target.</summary>
    public static ArmingMethod VendorPackage => new("vendor-package");

    /// <summary>The name.</summary>
    /// <returns><see cref="Name"/>.</returns>
    public override string ToString() => Name;
}

/// <summary>One way to arm that this target offers now.</summary>
/// <param name="Method">The way.</param>
/// <param name="CanDisarm">Whether arming can be taken back.</param>
/// <param name="FlashesAtOnce">Whether arming is the flash: it begins without a restart that the client asks for.</param>
/// <param name="MaxComponents">How many components one boot can flash, at least 1.</param>
public sealed record ArmingOffer(ArmingMethod Method, bool CanDisarm, bool FlashesAtOnce, int MaxComponents)
{
    /// <summary>
    /// Whether the target begins to write when it is armed, while its system runs, and the restart that the client asks for makes it take effect. Until it is written
    /// (<see cref="ArmedPhase.Applying"/>) a restart would interrupt it. With <see cref="FlashesAtOnce"/> and without this, the target restarts by itself.
    /// </summary>
    public bool WritesBeforeRestart { get; init; }
}

/// <summary>How far something is armed.</summary>
public enum ArmedPhase
{
    /// <summary>Nothing is armed.</summary>
    None = 0,

    /// <summary>Some of the steps were made; the next boot flashes nothing.</summary>
    Prepared,

    /// <summary>The next boot flashes or makes the flash take effect, or the flash has been handed over.</summary>
    Armed,

    /// <summary>The target is writing now: a restart would interrupt it.</summary>
    Applying,
}

/// <summary>Something that waits for the next boot.</summary>
/// <param name="Name">Its name on the target. Untrusted text.</param>
/// <param name="Length">Its length in bytes, or unknown.</param>
/// <param name="Sha256">Its digest as it lies there now, or unknown where the target does not let one look.</param>
public sealed record ArmedItem(string Name, Fact<long> Length, Fact<ContentDigest> Sha256);

/// <summary>What is armed on the target, read from its own state.</summary>
public sealed record ArmedState
{
    /// <summary>How far.</summary>
    public required ArmedPhase Phase { get; init; }

    /// <summary>The id of the deposit that was armed, or null when nothing is armed or it is not one of this SDK's.</summary>
    public string? DepositId { get; init; }

    /// <summary>The generation of that deposit.</summary>
    public long Generation { get; init; }

    /// <summary>The armed files of that deposit, in flashing order.</summary>
    public ImmutableArray<ArmedItem> Items { get; init; } = [];

    /// <summary>What waits for the next boot besides: put there by someone else.</summary>
    public ImmutableArray<ArmedItem> Foreign { get; init; } = [];

    /// <summary>The ways to arm that the target offers.</summary>
    public ImmutableArray<ArmingOffer> Offers { get; init; } = [];

    /// <summary>When there are no offers: why, and which other endpoint could arm this target; empty otherwise. Untrusted text.</summary>
    public string WhyNoOffer { get; init; } = string.Empty;
}

/// <summary>Which committed deposit to arm, and how.</summary>
/// <param name="Manifest">The deposit.</param>
/// <param name="Method">One of the methods that the target offers.</param>
public sealed record ArmRequest(DepositManifest Manifest, ArmingMethod Method);

/// <summary>Arms a committed deposit for the next boot. Arming has one commit point: everything before it is inert.</summary>
public interface IArmingCapability : ITargetCapability
{
    /// <summary>Reads what is armed, from the target's own state, and which ways it offers.</summary>
    /// <param name="withDigests">Whether the digests of what is armed are wanted.</param>
    /// <param name="cancellationToken">Cancelled by the caller or at the deadline.</param>
    /// <returns>The state.</returns>
    ValueTask<TransportResult<ArmedState>> ReadArmedStateAsync(bool withDigests, CancellationToken cancellationToken);

    /// <summary>Arms. A stale claim fails here, on the target itself.</summary>
    /// <param name="request">What and how.</param>
    /// <param name="cancellationToken">Cancelled by the caller or at the deadline.</param>
    /// <returns>Done when it is armed. <see cref="TransportFaultKind.Fenced"/> or <see cref="TransportFaultKind.NotFound"/> for a stale owner, <see cref="TransportFaultKind.Busy"/> when something else is armed.</returns>
    ValueTask<TransportResult<Done>> ArmAsync(ArmRequest request, CancellationToken cancellationToken);

    /// <summary>Takes arming back and removes what was armed. Disarming what is not armed succeeds.</summary>
    /// <param name="depositId">The deposit.</param>
    /// <param name="cancellationToken">Cancelled by the caller or at the deadline.</param>
    /// <returns>Done when nothing of it is armed; <see cref="TransportFaultKind.Unsupported"/> where the target can't.</returns>
    ValueTask<TransportResult<Done>> DisarmAsync(string depositId, CancellationToken cancellationToken);
}
