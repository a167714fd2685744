
using RomFlash.Sdk.Transports;

namespace RomFlash.Sdk.Pipeline.Guarding;

/// <summary>
/// Bounds every call into a session: a deadline of its own, a grace period for an operation that ignores its cancellation, and no
/// exception ever. One guard for each session; operations of a session do not overlap.
/// </summary>
internal sealed class OperationGuard : IDisposable
{
    // How long an operation that was told to stop may take to come back before it is given up for lost.
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(2);

    private readonly TimeProvider _time;
    private readonly FlashDeadlines _deadlines;
    private readonly string _who;
    private CancellationTokenSource? _source;
    private bool _disposed;

    public OperationGuard(TimeProvider time, FlashDeadlines deadlines, string who)
    {
        _time = time;
        _deadlines = deadlines;
        _who = who;
    }

    /// <summary>True once a fault has made the session useless; the next use connects anew.</summary>
    public bool IsBroken { get; private set; }

    public ValueTask<TransportResult<T>> RunAsync<TState, T>(
        TState state,
        Func<TState, CancellationToken, ValueTask<TransportResult<T>>> operation,
        long bytes,
        CancellationToken cancellationToken)
        where T : notnull =>
        RunAsync(state, operation, _deadlines.Operation + TimeSpan.FromSeconds(Math.Min(LongestTimer.Reach.TotalSeconds, (double)bytes / Math.Max(1, _deadlines.SlowestBytesPerSecond))), cancellationToken);

    public ValueTask<TransportResult<T>> RunAsync<TState, T>(
        TState state,
        Func<TState, CancellationToken, ValueTask<TransportResult<T>>> operation,
        TimeSpan deadline,
        CancellationToken cancellationToken)
        where T : notnull
    {
        if (cancellationToken.IsCancellationRequested)
        {
            return new(new TransportFault(TransportFaultKind.Cancelled, FaultEffect.NotSent));
        }

        if (IsBroken || _disposed)
        {
            return new(new TransportFault(TransportFaultKind.Lost, FaultEffect.NotSent, "the session had ended"));
        }

        var source = _source ??= new CancellationTokenSource();
        ValueTask<TransportResult<T>> task;
        try
        {
            task = operation(state, source.Token);
        }
        catch (OperationCanceledException)
        {
            return new(Note(new TransportFault(TransportFaultKind.TransportBroken, FaultEffect.MayHaveApplied, $"{_who} cancelled by itself")));
        }
#pragma warning disable CA1031 // A plug-in can throw anything; nothing of it may get through.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            return new(Note(Broken(exception)));
        }

        if (task.IsCompletedSuccessfully)
        {
            var result = task.Result;
            return new(Check(result));
        }

        return new(AwaitAsync(task, source, deadline, cancellationToken));
    }

    public ValueTask CloseAsync(IAsyncDisposable resource) => SafeClose.CloseAsync(resource, _time, Grace);

    public void Dispose()
    {
        if (!_disposed)
        {
            _disposed = true;
            SafeCancel.Cancel(_source);
            _source?.Dispose();
        }
    }

    private async Task<TransportResult<T>> AwaitAsync<T>(ValueTask<TransportResult<T>> pending, CancellationTokenSource source, TimeSpan deadline, CancellationToken cancellationToken)
        where T : notnull
    {
        var task = pending.AsTask();
        using var delay = new CancellationTokenSource();
        var expired = Task.Delay(LongestTimer.Cut(deadline), _time, delay.Token);
        var stopped = new TaskCompletionSource();
        using (cancellationToken.UnsafeRegister(static s => ((TaskCompletionSource)s!).TrySetResult(), stopped))
        {
            var first = await Task.WhenAny(task, expired, stopped.Task).ConfigureAwait(false);
            if (first == task)
            {
                SafeCancel.Cancel(delay);
                return await FinishAsync(task, null).ConfigureAwait(false);
            }

            // The session is of no use after this: an answer that comes late would be taken for that of the next operation.
            IsBroken = true;
            _source = null;
            var kind = first == expired ? TransportFaultKind.TimedOut : TransportFaultKind.Cancelled;
            SafeCancel.Cancel(source);
            await Task.WhenAny(task, Task.Delay(Grace, _time, CancellationToken.None)).ConfigureAwait(false);
            SafeCancel.Cancel(delay);
            if (!task.IsCompleted)
            {
                Abandon(task);
                return new TransportFault(kind, FaultEffect.MayHaveApplied, kind == TransportFaultKind.TimedOut ? $"no answer within {deadline.TotalSeconds:0.###} s" : "cancelled while waiting for an answer");
            }

            var result = await FinishAsync(task, kind).ConfigureAwait(false);
            source.Dispose();
            return result;
        }
    }

    // What comes late is closed (a session, a deposit), and a late exception is observed so that it does not surface elsewhere.
    private void Abandon<T>(Task<TransportResult<T>> task)
        where T : notnull =>
        _ = task.ContinueWith(
            t => t.IsCompletedSuccessfully && !t.Result.IsDefault && t.Result.TryGetValue(out var value, out _) && value is IAsyncDisposable late
                ? CloseAsync(late).AsTask()
                : Task.FromResult(t.Exception),
            CancellationToken.None,
            TaskContinuationOptions.ExecuteSynchronously,
            TaskScheduler.Default);

    private async ValueTask<TransportResult<T>> FinishAsync<T>(Task<TransportResult<T>> task, TransportFaultKind? stoppedBy)
        where T : notnull
    {
        try
        {
            var result = Check(await task.ConfigureAwait(false));
            return stoppedBy is { } kind && !result.TryGetValue(out _, out var fault) && fault.Kind is TransportFaultKind.Cancelled
                ? Note(fault with { Kind = kind })
                : result;
        }
        catch (OperationCanceledException) when (stoppedBy is not null)
        {
            return Note(new TransportFault(stoppedBy.Value, FaultEffect.MayHaveApplied));
        }
#pragma warning disable CA1031 // A plug-in can throw anything; nothing of it may get through.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            return Note(Broken(exception));
        }
    }

    private TransportResult<T> Check<T>(TransportResult<T> result)
        where T : notnull
    {
        if (result.IsDefault)
        {
            return Note(new TransportFault(TransportFaultKind.TransportBroken, FaultEffect.MayHaveApplied, $"{_who} answered with nothing"));
        }

        if (!result.TryGetValue(out _, out var fault))
        {
            Note(fault);
        }

        return result;
    }

    private TransportFault Note(TransportFault fault)
    {
        if (fault.Kind is TransportFaultKind.Lost or TransportFaultKind.TimedOut or TransportFaultKind.TransportBroken or TransportFaultKind.ProtocolViolation or TransportFaultKind.Unreachable)
        {
            IsBroken = true;
        }

        return fault;
    }

    // The type alone: a message can hold anything, a secret included.
    private TransportFault Broken(Exception exception) =>
        new(TransportFaultKind.TransportBroken, FaultEffect.MayHaveApplied, $"{_who} threw {exception.GetType().Name}")
        {
            PeerCode = new(Outcomes.PeerCode.HResult, unchecked((uint)exception.HResult)),
        };
}
