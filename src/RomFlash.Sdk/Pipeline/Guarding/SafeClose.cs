using RomFlash.Sdk.Transports;

namespace RomFlash.Sdk.Pipeline.Guarding;

/// <summary>Closes what a plug-in opened: bounded, and without letting an exception through.</summary>
internal static class SafeClose
{
    public static async ValueTask CloseAsync(IAsyncDisposable resource, TimeProvider time, TimeSpan deadline)
    {
        try
        {
            var closing = resource.DisposeAsync();
            if (closing.IsCompletedSuccessfully)
            {
                return;
            }

            await closing.AsTask().WaitAsync(deadline, time, CancellationToken.None).ConfigureAwait(false);
        }
#pragma warning disable CA1031 // Nothing depends on a clean close: what was left open is found by evidence, not by this.
        catch (Exception)
#pragma warning restore CA1031
        {
        }
    }
}
