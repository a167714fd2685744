using System.Runtime.InteropServices;
using System.Threading.Tasks.Sources;

namespace RomFlash.Sdk.Transports.Smb.Protocol.Flow;

/// <summary>Credits that were taken, and the message ids that come with them: as many, one after the other, from the first on.</summary>
/// <param name="MessageId">The first id.</param>
/// <param name="Count">How many; 0 with a fault.</param>
/// <param name="Fault">Why there are none.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct CreditLease(ulong MessageId, int Count, TransportFault? Fault);

/// <summary>
/// The credits that the peer has granted, and the message ids that they stand for (MS-SMB2, 3.2.4.1.2, 3.2.4.1.3 and 3.2.5.1.4). Who asks first, gets first; nobody is overtaken by
/// somebody who wants less.
/// </summary>
/// <remarks>Thread-safe. Whoever was given credits has to send the ids: a hole in them would stop the peer's window for good.</remarks>
internal sealed class CreditWindow(long firstMessageId = 0)
{
    /// <summary>What is aimed at: 16 MiB in flight, for all calls together.</summary>
    public const int Target = 256;

    /// <summary>More than the target is asked for in steps, as peers grant in steps.</summary>
    private const int Step = 64;

    /// <summary>What is kept of more than that, is kept by nobody: a window need not be used.</summary>
    private const int MaxAvailable = 8192;

    private const int MaxPooled = 32;

    private readonly Lock _lock = new();
    private readonly LinkedList<Waiter> _waiters = new();
    private readonly Stack<Waiter> _pool = new();
    private ulong _nextMessageId = (ulong)firstMessageId;

    // One credit, for the negotiation (MS-SMB2, 3.2.1.1).
    private int _available = 1;
    private int _inFlight;
    private TransportFault? _fault;

    /// <summary>What is there and what is on its way together.</summary>
    public int Total
    {
        get
        {
            lock (_lock)
            {
                return _available + _inFlight;
            }
        }
    }

    /// <summary>Whether somebody waits.</summary>
    public bool HasWaiters
    {
        get
        {
            lock (_lock)
            {
                return _waiters.Count > 0;
            }
        }
    }

    /// <summary>Takes credits.</summary>
    /// <param name="want">How many are wanted; fewer are given where the peer grants few.</param>
    /// <param name="least">How many are needed at least.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>The credits, or a fault; nothing has been sent then.</returns>
    public ValueTask<CreditLease> TakeAsync(int want, int least, CancellationToken cancellationToken)
    {
        if (cancellationToken.IsCancellationRequested)
        {
            return new(new CreditLease(0, 0, Cancelled));
        }

        Waiter waiter;
        lock (_lock)
        {
            if (_fault is { } fault)
            {
                return new(new CreditLease(0, 0, fault));
            }

            if (_waiters.Count == 0 && TryTake(want, least, out var lease))
            {
                return new(lease);
            }

            waiter = _pool.TryPop(out var pooled) ? pooled : new Waiter(this);
            waiter.Set(want, least);
            _waiters.AddLast(waiter.Node);
        }

        return waiter.WaitAsync(cancellationToken);
    }

    /// <summary>Takes a credit when there is one and nobody waits.</summary>
    public bool TryTakeOne(out CreditLease lease)
    {
        lock (_lock)
        {
            lease = default;
            return _fault is null && _waiters.Count == 0 && TryTake(1, 1, out lease) && lease.Fault is null;
        }
    }

    /// <summary>How many credits a request should ask for.</summary>
    /// <param name="charge">What it takes itself.</param>
    public int AskFor(int charge)
    {
        lock (_lock)
        {
            return charge + Math.Clamp(Target - _available - _inFlight, 0, Step);
        }
    }

    /// <summary>The most that a request asks for.</summary>
    /// <param name="charge">What it takes itself.</param>
    public static int MostAskedFor(int charge) => charge + Step;

    /// <summary>Takes note of an answer.</summary>
    /// <param name="charge">What the request had taken; 0 for an interim answer.</param>
    /// <param name="granted">What the peer grants with it.</param>
    public void Settle(int charge, int granted)
    {
        lock (_lock)
        {
            _inFlight -= charge;
            _available = Math.Min(_available + granted, MaxAvailable);
            ServeWaiters();
        }
    }

    /// <summary>Ends all waits.</summary>
    /// <param name="fault">Why.</param>
    /// <param name="forGood">Whether whoever comes later gets it, too.</param>
    public void Fail(TransportFault fault, bool forGood)
    {
        lock (_lock)
        {
            if (forGood)
            {
                _fault ??= fault;
            }

            while (_waiters.First is { } first)
            {
                _waiters.RemoveFirst();
                first.Value.Complete(new(0, 0, fault));
            }
        }
    }

    // What is not there and is not on its way either, never comes (MS-SMB2, 3.3.1.2: a client always has a credit).
    private static TransportFault TooFew => SmbFault.Violation("the peer grants fewer credits than a request needs");

    private static TransportFault Cancelled => new(TransportFaultKind.Cancelled, FaultEffect.NotSent, "cancelled before the request was sent");

    // A quarter of what there is for one request, so that several are in flight even where the peer grants few.
    private bool TryTake(int want, int least, out CreditLease lease)
    {
        var count = Math.Min(want, Math.Max(least, (_available + _inFlight) / 4));
        if (_inFlight == 0 && _available < count)
        {
            count = _available;
            if (count < least)
            {
                lease = new(0, 0, TooFew);
                return true;
            }
        }

        if (count > _available)
        {
            lease = default;
            return false;
        }

        lease = new(_nextMessageId, count, null);
        _nextMessageId += (ulong)count;
        _available -= count;
        _inFlight += count;
        return true;
    }

    private void ServeWaiters()
    {
        while (_waiters.First is { } first && TryTake(first.Value.Want, first.Value.Least, out var lease))
        {
            _waiters.RemoveFirst();
            first.Value.Complete(lease);
        }
    }

    private void Cancel(Waiter waiter)
    {
        lock (_lock)
        {
            if (waiter.Node.List is not null)
            {
                _waiters.Remove(waiter.Node);
                waiter.Complete(new(0, 0, Cancelled));

                // Whoever stood behind may want less.
                ServeWaiters();
            }
        }
    }

    private void Return(Waiter waiter)
    {
        lock (_lock)
        {
            if (_pool.Count < MaxPooled)
            {
                _pool.Push(waiter);
            }
        }
    }

    /// <summary>Somebody who waits; used again, so that waiting allocates nothing.</summary>
    private sealed class Waiter : IValueTaskSource<CreditLease>
    {
        private readonly CreditWindow _window;
        private ManualResetValueTaskSourceCore<CreditLease> _core = new() { RunContinuationsAsynchronously = true };
        private CancellationTokenRegistration _registration;

        public Waiter(CreditWindow window)
        {
            _window = window;
            Node = new(this);
        }

        public LinkedListNode<Waiter> Node { get; }

        public int Want { get; private set; }

        public int Least { get; private set; }

        public void Set(int want, int least) => (Want, Least) = (want, least);

        public ValueTask<CreditLease> WaitAsync(CancellationToken cancellationToken)
        {
            _registration = cancellationToken.UnsafeRegister(static state => ((Waiter)state!).Cancel(), this);
            return new(this, _core.Version);
        }

        public void Complete(in CreditLease lease) => _core.SetResult(lease);

        CreditLease IValueTaskSource<CreditLease>.GetResult(short token)
        {
            var lease = _core.GetResult(token);

            // Waits for a callback that runs right now: it must not meet the next use of this object.
            _registration.Dispose();
            _registration = default;
            _core.Reset();
            _window.Return(this);
            return lease;
        }

        ValueTaskSourceStatus IValueTaskSource<CreditLease>.GetStatus(short token) => _core.GetStatus(token);

        void IValueTaskSource<CreditLease>.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
            _core.OnCompleted(continuation, state, token, flags);

        private void Cancel() => _window.Cancel(this);
    }
}
