using RomFlash.Sdk.Outcomes;

namespace RomFlash.Sdk.Pipeline;

/// <summary>Reads again, over a fresh connection, when the connection failed: reading changes nothing.</summary>
internal static class RepeatedReading
{
    /// <summary>Reads, and again for so many times as the policy allows.</summary>
    public static ValueTask<FlashResult<T>> RunAsync<T>(StageContext context, Func<ValueTask<FlashResult<T>>> read, CancellationToken cancellationToken)
        where T : notnull => RunAsync(context, context.Policy.Deadlines.ReadRetries, read, cancellationToken);

    /// <summary>Reads, and again for so many times.</summary>
    public static async ValueTask<FlashResult<T>> RunAsync<T>(StageContext context, int retries, Func<ValueTask<FlashResult<T>>> read, CancellationToken cancellationToken)
        where T : notnull
    {
        for (var attempt = 0; ; attempt++)
        {
            var result = await read().ConfigureAwait(false);

            // Who is not trusted is not asked again: nobody but a person makes that better.
            if (result.TryGetValue(out _, out var failure) || attempt >= retries || failure is not ConnectionFailure or PeerNotTrusted)
            {
                return result;
            }

            await context.Connection.ResetAsync().ConfigureAwait(false);
            await Task.Delay(context.Policy.Deadlines.RetryDelay, context.TimeProvider, cancellationToken).ConfigureAwait(false);
        }
    }
}
