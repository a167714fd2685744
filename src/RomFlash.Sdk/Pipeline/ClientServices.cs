using System.Collections.Frozen;
using Microsoft.Extensions.Logging;
using RomFlash.Sdk.Compatibility;
using RomFlash.Sdk.Confirmation;
using RomFlash.Sdk.Diagnostics;
using RomFlash.Sdk.Journal;
using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Pipeline.Guarding;
using RomFlash.Sdk.Probing;
using RomFlash.Sdk.Scheduling;
using RomFlash.Sdk.Staging;
using RomFlash.Sdk.Targets;
using RomFlash.Sdk.Transports;

namespace RomFlash.Sdk.Pipeline;

/// <summary>What a client was built with. Calls to plug-ins go through <see cref="GuardAsync"/>.</summary>
internal sealed class ClientServices
{
    // How long a stage that was told to stop may take to come back before it is given up for lost. Longer than an operation's own grace.
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(10);

    public required FrozenDictionary<string, ITransport> Transports { get; init; }

    public required ITargetCredentialSource Credentials { get; init; }

    public required ITargetProbe Probe { get; init; }

    public required ICompatibilityCatalog Catalog { get; init; }

    public required IImageStager Stager { get; init; }

    public required IFlashScheduler Scheduler { get; init; }

    public required IFlashConfirmer Confirmer { get; init; }

    public required IFlashJournal Journal { get; init; }

    public required IReadOnlyList<IFlashGate> Gates { get; init; }

    public required TimeProvider Time { get; init; }

    public required ILogger Logger { get; init; }

    public RunningTargets Running { get; } = new();

    /// <summary>
    /// Calls a plug-in: bounded, and with whatever it throws turned into <see cref="PlugInFault"/>. The caller's own cancellation comes
    /// through as <see cref="OperationCanceledException"/>.
    /// </summary>
    public ValueTask<FlashResult<T>> GuardAsync<TState, T>(
        string who,
        FlashTarget target,
        FlashStage stage,
        TimeSpan deadline,
        TState state,
        Func<TState, CancellationToken, ValueTask<FlashResult<T>>> call,
        CancellationToken cancellationToken)
        where T : notnull
    {
        cancellationToken.ThrowIfCancellationRequested();
        CancellationTokenSource? source = null;
        try
        {
            source = new CancellationTokenSource();
            var task = call(state, source.Token);
            if (task.IsCompletedSuccessfully)
            {
                var result = task.Result;
                source.Dispose();
                return new(result.IsDefault ? Fault(who, target, stage, "answered with nothing") : result);
            }

            return new(AwaitAsync(who, target, stage, deadline, task.AsTask(), source, cancellationToken));
        }
#pragma warning disable CA1031 // A plug-in can throw anything; nothing of it may get through.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            source?.Dispose();
            return new(Fault(who, target, stage, "threw " + exception.GetType().Name));
        }
    }

    private async Task<FlashResult<T>> AwaitAsync<T>(
        string who,
        FlashTarget target,
        FlashStage stage,
        TimeSpan deadline,
        Task<FlashResult<T>> task,
        CancellationTokenSource source,
        CancellationToken cancellationToken)
        where T : notnull
    {
        using var delay = new CancellationTokenSource();
        var expired = Task.Delay(LongestTimer.Cut(deadline), Time, delay.Token);
        var stopped = new TaskCompletionSource();
        await using var registration = cancellationToken.UnsafeRegister(static s => ((TaskCompletionSource)s!).TrySetResult(), stopped).ConfigureAwait(false);
        var first = await Task.WhenAny(task, expired, stopped.Task).ConfigureAwait(false);
        if (first != task)
        {
            SafeCancel.Cancel(source);
            await Task.WhenAny(task, Task.Delay(Grace, Time, CancellationToken.None)).ConfigureAwait(false);
        }

        SafeCancel.Cancel(delay);
        if (!task.IsCompleted)
        {
            _ = task.ContinueWith(static t => _ = t.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted | TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
            cancellationToken.ThrowIfCancellationRequested();
            return Fault(who, target, stage, "ignored its cancellation");
        }

        try
        {
            var result = await task.ConfigureAwait(false);
            source.Dispose();
            return result.IsDefault ? Fault(who, target, stage, "answered with nothing") : result;
        }
        catch (OperationCanceledException) when (first == stopped.Task)
        {
            throw new OperationCanceledException(cancellationToken);
        }
        catch (OperationCanceledException) when (first == expired)
        {
            return new DeadlineExceeded { Stage = stage, TargetId = target.Id, TargetState = TargetState.Indeterminate, Detail = $"{who} took longer than {deadline}" };
        }
#pragma warning disable CA1031 // A plug-in can throw anything; nothing of it may get through.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            return Fault(who, target, stage, "threw " + exception.GetType().Name);
        }
    }

    // The exception's type alone: a message can hold anything, a secret included.
    private PlugInFault Fault(string who, FlashTarget target, FlashStage stage, string what)
    {
        Log.PlugInBroke(Logger, UntrustedText.ForLog(target.Id), who, stage, what);
        return new PlugInFault { PlugIn = who, Stage = stage, TargetId = target.Id, Detail = $"{who} {what}" };
    }
}
