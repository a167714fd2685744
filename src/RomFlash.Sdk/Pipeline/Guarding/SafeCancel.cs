using RomFlash.Sdk.Transports;

namespace RomFlash.Sdk.Pipeline.Guarding;

/// <summary>
/// Cancels on the calling thread, so that under a clock that a test drives nothing happens behind the driver's back; and lets nothing
/// through that a plug-in's callback throws.
/// </summary>
internal static class SafeCancel
{
    public static void Cancel(CancellationTokenSource? source)
    {
        try
        {
            source?.Cancel();
        }
        catch (AggregateException)
        {
            // A callback of the plug-in that is being told to stop: its answer, or its silence, is what counts.
        }
    }
}
