using System.Collections.Immutable;
using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Pipeline;
using RomFlash.Sdk.Scheduling;
using RomFlash.Sdk.Transports;

namespace RomFlash.Sdk.Planning;

/// <summary>What a plan allows; the same as <see cref="FlashPolicy"/> without what belongs to a single run (deadlines, dry run) or to a target (the window).</summary>
public sealed record PlannedPolicy
{
    /// <summary>See <see cref="FlashPolicy.MinimumVerification"/>.</summary>
    public VerificationMethod? MinimumVerification { get; init; }

    /// <summary>See <see cref="FlashPolicy.AllowDowngrade"/>.</summary>
    public bool AllowDowngrade { get; init; }

    /// <summary>See <see cref="FlashPolicy.Reflash"/>.</summary>
    public bool Reflash { get; init; }

    /// <summary>See <see cref="FlashPolicy.AllowImmediateFlash"/>.</summary>
    public bool AllowImmediateFlash { get; init; }

    /// <summary>See <see cref="FlashPolicy.Reboot"/>.</summary>
    public RebootMode Reboot { get; init; }

    /// <summary>See <see cref="FlashPolicy.RebootDelay"/>; in seconds.</summary>
    public double RebootDelaySeconds { get; init; }

    /// <summary>See <see cref="FlashPolicy.RebootMessage"/>.</summary>
    public string RebootMessage { get; init; } = string.Empty;

    /// <summary>See <see cref="FlashPolicy.ForceReboot"/>.</summary>
    public bool ForceReboot { get; init; }

    /// <summary>See <see cref="FlashPolicy.TakeOverClaimGeneration"/>.</summary>
    public long? TakeOverClaimGeneration { get; init; }

    /// <summary>See <see cref="FlashPolicy.Waivers"/>: what may be set aside, by whom and why. What was set aside is with each target.</summary>
    public ImmutableArray<BlockerWaiver> Waivers { get; init; } = [];

    internal static PlannedPolicy Of(FlashPolicy policy) => new()
    {
        MinimumVerification = policy.MinimumVerification,
        AllowDowngrade = policy.AllowDowngrade,
        Reflash = policy.Reflash,
        AllowImmediateFlash = policy.AllowImmediateFlash,
        Reboot = policy.Reboot,
        RebootDelaySeconds = policy.RebootDelay.TotalSeconds,
        RebootMessage = policy.RebootMessage,
        ForceReboot = policy.ForceReboot,
        TakeOverClaimGeneration = policy.TakeOverClaimGeneration,
        Waivers = policy.Waivers.IsDefault ? [] : policy.Waivers,
    };

    internal FlashPolicy ToPolicy(PlannedWindow? window, FlashDeadlines? deadlines) => FlashPolicy.Default with
    {
        MinimumVerification = MinimumVerification,
        AllowDowngrade = AllowDowngrade,
        Reflash = Reflash,
        AllowImmediateFlash = AllowImmediateFlash,
        Reboot = Reboot,
        // Rounded: cut off, 2.3 s would come back as another delay than the plan's.
        RebootDelay = TimeSpan.FromTicks((long)Math.Round(RebootDelaySeconds * TimeSpan.TicksPerSecond)),
        RebootMessage = RebootMessage,
        ForceReboot = ForceReboot,
        TakeOverClaimGeneration = TakeOverClaimGeneration,
        Waivers = Waivers,
        Window = window is null ? FlashWindow.Always : FlashWindow.Between(window.Opens, window.Closes),
        Deadlines = deadlines ?? FlashPolicy.Default.Deadlines,
    };
}
