using System.Collections.Immutable;
using RomFlash.Sdk.Transports;

namespace RomFlash.Sdk.Testing.Simulation;

/// <summary>What an operation does on the target, under the target's lock.</summary>
internal delegate TransportResult<T> RemoteAct<in TArgument, T>(SimulatedTarget target, SimulatedSession session, TArgument argument, SimulatedFaultKind? distortion)
    where T : notnull;

/// <content>The choke point that every remote operation passes, and the faults that are injected there.</content>
public sealed partial class SimulatedTarget
{
    private List<Injection>? _injections;
    private List<SimulatedOperationEntry>? _log;
    private int _operationCount;

    /// <summary>How many operations passed the choke point since the machine was built, or the count was reset.</summary>
    public int OperationCount => Locked(t => t._operationCount);

    /// <summary>The operations since then, in order; empty where the options switch it off.</summary>
    public ImmutableArray<SimulatedOperationEntry> OperationLog => Locked<ImmutableArray<SimulatedOperationEntry>>(t => [.. t._log ?? []]);

    /// <summary>Called with every operation before it takes effect, on the thread that asks for it: for a test that does something at the n-th one.</summary>
    public Action<SimulatedOperationEntry>? OnOperation { get; set; }

    /// <summary>Starts counting operations from 1 again, and empties the log.</summary>
    public void ResetOperationCount()
    {
        lock (_gate)
        {
            _operationCount = 0;
            _log = null;
        }
    }

    /// <summary>Injects a fault into one operation.</summary>
    /// <param name="number">Which, counted from 1; see <see cref="OperationLog"/>.</param>
    /// <param name="fault">The fault.</param>
    public void InjectAt(int number, SimulatedFault fault) => Add(new(fault) { Number = number });

    /// <summary>Injects a fault into every operation from one on, such as a cable that was pulled for good.</summary>
    /// <param name="number">The first, counted from 1.</param>
    /// <param name="fault">The fault.</param>
    public void InjectFrom(int number, SimulatedFault fault) => Add(new(fault) { From = number, Count = int.MaxValue });

    /// <summary>Injects a fault into the next operation of a kind.</summary>
    /// <param name="operation">The kind.</param>
    /// <param name="fault">The fault.</param>
    public void Inject(SimulatedOperation operation, SimulatedFault fault) => Inject(operation, fault, 0, 1);

    /// <summary>Injects a fault into operations of a kind.</summary>
    /// <param name="operation">The kind.</param>
    /// <param name="fault">The fault.</param>
    /// <param name="skip">How many of them pass before.</param>
    /// <param name="count">How many of them it meets; <see cref="int.MaxValue"/> for all.</param>
    public void Inject(SimulatedOperation operation, SimulatedFault fault, int skip, int count) =>
        Add(new(fault) { Operation = operation, Skip = skip, Count = count });

    /// <summary>Takes back all faults that were injected and not met yet.</summary>
    public void ClearFaults()
    {
        lock (_gate)
        {
            _injections = null;
        }
    }

    internal ValueTask<TransportResult<T>> RunAsync<TArgument, T>(
        SimulatedSession session,
        SimulatedOperation operation,
        TArgument argument,
        RemoteAct<TArgument, T> act,
        CancellationToken cancellationToken)
        where T : notnull
    {
        SimulatedFault? fault;
        SimulatedOperationEntry entry;
        lock (_gate)
        {
            if (!session.Life.IsAlive)
            {
                return new(session.Life.Never<TransportResult<T>>());
            }

            if (cancellationToken.IsCancellationRequested)
            {
                return new(SimulatedSession.Cancelled(FaultEffect.NotSent));
            }

            Settle();
            entry = new(++_operationCount, operation);
            if (_options.KeepsHistory)
            {
                (_log ??= []).Add(entry);
            }

            fault = _injections is null ? null : Take(operation);
            if (fault is null && OnOperation is null)
            {
                return new(Apply(session, operation, argument, act, null));
            }
        }

        OnOperation?.Invoke(entry);
        if (!session.Life.IsAlive)
        {
            return new(session.Life.Never<TransportResult<T>>());
        }

        return fault is null ? new(ApplyLocked(session, operation, argument, act, null)) : RunWithFaultAsync(session, operation, argument, act, fault, cancellationToken);
    }

    private async ValueTask<TransportResult<T>> RunWithFaultAsync<TArgument, T>(
        SimulatedSession session,
        SimulatedOperation operation,
        TArgument argument,
        RemoteAct<TArgument, T> act,
        SimulatedFault fault,
        CancellationToken cancellationToken)
        where T : notnull
    {
        var lost = new TransportFault(TransportFaultKind.Lost, operation == SimulatedOperation.Connect ? FaultEffect.NotSent : fault.Effect, fault.Detail);
        switch (fault.Kind)
        {
            case SimulatedFaultKind.Refuse:
                return new TransportFault(fault.Reported, FaultEffect.NotSent, fault.Detail) { PeerCode = fault.PeerCode };
            case SimulatedFaultKind.DisconnectBefore:
                session.Break();
                return lost;
            case SimulatedFaultKind.DisconnectAfter:
                ApplyLocked(session, operation, argument, act, null);
                session.Break();
                return lost;
            case SimulatedFaultKind.ShortWrite:
                ApplyLocked(session, operation, argument, act, fault.Kind);
                session.Break();
                return lost;
            case SimulatedFaultKind.ShortWriteLying:
                return ApplyLocked(session, operation, argument, act, fault.Kind);
            case SimulatedFaultKind.Hang or SimulatedFaultKind.HangAfter:
                if (fault.Kind == SimulatedFaultKind.HangAfter)
                {
                    ApplyLocked(session, operation, argument, act, null);
                }

                await CancellationOf(cancellationToken).ConfigureAwait(false);
                return session.Life.IsAlive
                    ? SimulatedSession.Cancelled(lost.Effect)
                    : await session.Life.Never<TransportResult<T>>().ConfigureAwait(false);
            case SimulatedFaultKind.HangIgnoringCancellation:
                return await session.Life.Never<TransportResult<T>>().ConfigureAwait(false);
            case SimulatedFaultKind.Slow:
                return await DelayAsync(fault.Delay, cancellationToken).ConfigureAwait(false)
                    ? session.Life.IsAlive
                        ? ApplyLocked(session, operation, argument, act, null)
                        : await session.Life.Never<TransportResult<T>>().ConfigureAwait(false)
                    : SimulatedSession.Cancelled(FaultEffect.NotSent);
            case SimulatedFaultKind.Corrupt when HasContent(operation):
                return ApplyLocked(session, operation, argument, act, SimulatedFaultKind.Corrupt);
            case SimulatedFaultKind.Corrupt or SimulatedFaultKind.Nonsense:
                ApplyLocked(session, operation, argument, act, null);
                return new TransportFault(TransportFaultKind.ProtocolViolation, lost.Effect, "the answer can't be read");
            case SimulatedFaultKind.Throw:
                throw new InvalidOperationException("An injected fault: the transport throws.");
            case SimulatedFaultKind.ReturnsDefault:
                return default;
            case SimulatedFaultKind.CrashBefore:
                session.Life.Kill();
                return await session.Life.Never<TransportResult<T>>().ConfigureAwait(false);
            case SimulatedFaultKind.CrashAfter:
                ApplyLocked(session, operation, argument, act, null);
                session.Life.Kill();
                return await session.Life.Never<TransportResult<T>>().ConfigureAwait(false);
            default:
                throw new InvalidOperationException($"There is no fault of the kind {fault.Kind}.");
        }
    }

    private static bool HasContent(SimulatedOperation operation) => operation
        is SimulatedOperation.ReadFacts
        or SimulatedOperation.ReadClaim
        or SimulatedOperation.ListDeposits
        or SimulatedOperation.Write
        or SimulatedOperation.ReadBack
        or SimulatedOperation.DigestOnTarget
        or SimulatedOperation.ReadArmedState;

    private static Task CancellationOf(CancellationToken cancellationToken)
    {
        var cancelled = new TaskCompletionSource();
        cancellationToken.UnsafeRegister(static s => ((TaskCompletionSource)s!).TrySetResult(), cancelled);
        return cancelled.Task;
    }

    private async ValueTask<bool> DelayAsync(TimeSpan delay, CancellationToken cancellationToken)
    {
        try
        {
            await Task.Delay(delay, _clock, cancellationToken).ConfigureAwait(false);
            return true;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    private TransportResult<T> ApplyLocked<TArgument, T>(SimulatedSession session, SimulatedOperation operation, TArgument argument, RemoteAct<TArgument, T> act, SimulatedFaultKind? distortion)
        where T : notnull
    {
        lock (_gate)
        {
            Settle();
            return Apply(session, operation, argument, act, distortion);
        }
    }

    private TransportResult<T> Apply<TArgument, T>(SimulatedSession session, SimulatedOperation operation, TArgument argument, RemoteAct<TArgument, T> act, SimulatedFaultKind? distortion)
        where T : notnull
    {
        if (operation == SimulatedOperation.Connect)
        {
            if (IsAwayNow())
            {
                return new TransportFault(_options.WhenAway, FaultEffect.NotSent, "the target does not answer");
            }
        }
        else if (session.IsBroken || session.Epoch != _sessionEpoch)
        {
            return new TransportFault(TransportFaultKind.Lost, FaultEffect.NotSent, "the session is closed");
        }

        var result = act(this, session, argument, distortion);
        Settle();
        return result;
    }

    private void Add(Injection injection)
    {
        ArgumentNullException.ThrowIfNull(injection.Fault);
        lock (_gate)
        {
            (_injections ??= []).Add(injection);
        }
    }

    private SimulatedFault? Take(SimulatedOperation operation)
    {
        foreach (var injection in _injections!)
        {
            if (injection.Meets(_operationCount, operation))
            {
                return injection.Fault;
            }
        }

        return null;
    }

    private sealed class Injection(SimulatedFault fault)
    {
        public SimulatedFault Fault { get; } = fault;

        public int? Number { get; init; }

        public int From { get; init; }

        public SimulatedOperation? Operation { get; init; }

        public int Skip { get; set; }

        public int Count { get; set; } = 1;

        public bool Meets(int number, SimulatedOperation operation)
        {
            if (Count <= 0 || number < From || (Number is { } only && only != number) || (Operation is { } kind && kind != operation))
            {
                return false;
            }

            if (Skip > 0)
            {
                Skip--;
                return false;
            }

            Count = Count == int.MaxValue ? Count : Count - 1;
            return true;
        }
    }
}
