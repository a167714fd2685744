namespace RomFlash.Sdk.Transports;

/// <summary>How to restart.</summary>
/// <param name="Delay">How long the target waits before it restarts; zero or more.</param>
/// <param name="Message">Shown to users of the target.</param>
/// <param name="Force">Whether programs that object are ended.</param>
public sealed record RebootRequest(TimeSpan Delay, string Message, bool Force);

/// <summary>Restarts the target.</summary>
public interface IPowerCapability : ITargetCapability
{
    /// <summary>
    /// Whether the target restarts as soon as it is asked, and shows no message: a management controller does. The pipeline then keeps the delay itself, before it
    /// asks with a delay of zero.
    /// </summary>
    bool RestartsAtOnce => false;

    /// <summary>
    /// How long the target waits when it is asked for this delay: as long, or longer where it counts in larger steps, such as whole minutes. The pipeline compares the
    /// result with the window, and counts a target as missing only after it. It is no remote operation: it returns at once, at any time and on any thread.
    /// </summary>
    /// <param name="asked">What would be asked for; zero or more.</param>
    /// <returns>The delay, not shorter than what was asked for.</returns>
    TimeSpan DelayOf(TimeSpan asked) => asked;

    /// <summary>Asks for a restart.</summary>
    /// <param name="request">How.</param>
    /// <param name="cancellationToken">Cancelled by the caller or at the deadline.</param>
    /// <returns>Done when the target accepted.</returns>
    ValueTask<TransportResult<Done>> ScheduleRebootAsync(RebootRequest request, CancellationToken cancellationToken);

    /// <summary>Takes the request back. Succeeds when none is pending.</summary>
    /// <param name="cancellationToken">Cancelled by the caller or at the deadline.</param>
    /// <returns>Done when no restart is pending; <see cref="TransportFaultKind.Busy"/> when it is too late.</returns>
    ValueTask<TransportResult<Done>> AbortRebootAsync(CancellationToken cancellationToken);
}
