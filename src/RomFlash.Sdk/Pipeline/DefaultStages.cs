using RomFlash.Sdk.Confirmation;
using RomFlash.Sdk.Probing;
using RomFlash.Sdk.Scheduling;
using RomFlash.Sdk.Staging;

namespace RomFlash.Sdk.Pipeline;

/// <summary>The stages that a client uses unless it is given others; to be wrapped by decorators. Stateless and thread-safe.</summary>
public static class DefaultStages
{
    /// <summary>Reads facts, what is armed, and what the transports can do.</summary>
    public static ITargetProbe Probe { get; } = new DefaultTargetProbe();

    /// <summary>Sends, verifies as the policy asks for or as is usual for the transport, and commits.</summary>
    public static IImageStager Stager { get; } = new DefaultImageStager();

    /// <summary>Arms late, reads back, disarms, restarts.</summary>
    public static IFlashScheduler Scheduler { get; } = new DefaultFlashScheduler();

    /// <summary>Polls until a new boot of the same machine can be read.</summary>
    public static IFlashConfirmer Confirmer { get; } = new DefaultFlashConfirmer();
}
