using Microsoft.Extensions.Logging;
using RomFlash.Sdk.Diagnostics;
using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Targets;
using RomFlash.Sdk.Transports;
using RomFlash.Sdk.Pipeline.Guarding;

namespace RomFlash.Sdk.Pipeline;

/// <summary>The endpoints of one target, each connected when it is first needed and again after its session broke.</summary>
internal sealed class TargetConnection : ITargetConnection, IArmingAnnouncement, IAsyncDisposable
{
    private readonly FlashTarget _target;
    private readonly ClientServices _services;
    private readonly FlashDeadlines _deadlines;
    private readonly GuardedSession?[] _sessions;
    private bool _isClosed;

    public TargetConnection(FlashTarget target, ClientServices services, FlashDeadlines deadlines)
    {
        _target = target;
        _services = services;
        _deadlines = deadlines;
        _sessions = new GuardedSession?[target.Endpoints.Length];
    }

    /// <summary>Whether the intent to arm is in the journal. Without it the arming step is refused before it leaves the client, whoever asks.</summary>
    public bool MayArm { get => field && !_isClosed; set; }

    /// <summary>Puts the intent to arm in the journal right before a deposit is committed that arms; null while no such commit is expected.</summary>
    public Func<CancellationToken, ValueTask<bool>>? BeforeCommit { get; set; }

    /// <summary>What the arming step came to that was announced last; null when it has not left the client.</summary>
    public FaultEffect? ArmingEffect { get; private set; }

    /// <summary>The intent to arm is in the journal.</summary>
    public void BeginArming() => (ArmingEffect, MayArm) = (null, true);

    public void ArmingEnded(FaultEffect effect) => ArmingEffect = effect;

    public ValueTask<bool> AnnounceCommitAsync(CancellationToken cancellationToken) =>
        BeforeCommit is { } announce && !_isClosed ? announce(cancellationToken) : new(false);

    public async ValueTask<FlashResult<ResolvedCapability<T>>> GetAsync<T>(FlashStage stage, CancellationToken cancellationToken)
        where T : class, ITargetCapability
    {
        FlashFailure? unreachable = null;
        for (var i = 0; i < _sessions.Length; i++)
        {
            if (!(await ConnectAsync(i, cancellationToken).ConfigureAwait(false)).TryGetValue(out var session, out var failure))
            {
                unreachable ??= failure;
                if (IsBoundToPlace<T>())
                {
                    return failure;
                }
            }
            else if (!session.Get<T>(_target, stage).TryGetValue(out var found, out failure))
            {
                return failure;
            }
            else if (found.Capability is { } capability)
            {
                return new ResolvedCapability<T>(capability, _target.Endpoints[i]);
            }
        }

        return unreachable ?? Missing<T>(stage);

        // What was deposited, armed or claimed at one endpoint can't be looked up at another: no silent fail-over.
        static bool IsBoundToPlace<TCapability>() => typeof(TCapability) == typeof(IArmingCapability) || typeof(TCapability) == typeof(IDepositCapability) || typeof(TCapability) == typeof(IClaimCapability);
    }

    public async ValueTask<FlashResult<IReadOnlyList<ResolvedCapability<T>>>> GetAllAsync<T>(FlashStage stage, CancellationToken cancellationToken)
        where T : class, ITargetCapability
    {
        FlashFailure? unreachable = null;
        var found = new List<ResolvedCapability<T>>(_sessions.Length);
        for (var i = 0; i < _sessions.Length; i++)
        {
            if (!(await ConnectAsync(i, cancellationToken).ConfigureAwait(false)).TryGetValue(out var session, out var failure))
            {
                unreachable ??= failure;
            }
            else if (!session.Get<T>(_target, stage).TryGetValue(out var one, out failure))
            {
                unreachable ??= failure;
            }
            else if (one.Capability is { } capability)
            {
                found.Add(new(capability, _target.Endpoints[i]));
            }
        }

        return found.Count > 0 ? found : unreachable ?? Missing<T>(stage);
    }

    public async ValueTask ResetAsync()
    {
        for (var i = 0; i < _sessions.Length; i++)
        {
            if (_sessions[i] is { } session)
            {
                _sessions[i] = null;
                await session.DisposeAsync().ConfigureAwait(false);
            }
        }
    }

    public ValueTask DisposeAsync()
    {
        _isClosed = true;
        return ResetAsync();
    }

    private async ValueTask<FlashResult<GuardedSession>> ConnectAsync(int index, CancellationToken cancellationToken)
    {
        if (_sessions[index] is { } session)
        {
            if (!session.IsBroken)
            {
                return session;
            }

            _sessions[index] = null;
            await session.DisposeAsync().ConfigureAwait(false);
        }

        var endpoint = _target.Endpoints[index];
        if (_isClosed)
        {
            // A stage that was given up, and still runs.
            return new OperationCancelled { Stage = FlashStage.Connect, TargetId = _target.Id, TargetAddress = endpoint.ToString(), TargetState = TargetState.Indeterminate, Detail = "the run is over" };
        }

        if (!_services.Transports.TryGetValue(endpoint.Scheme, out var transport))
        {
            return new TransportNotRegistered { Stage = FlashStage.Connect, TargetId = _target.Id, TargetAddress = endpoint.ToString(), Detail = $"no transport is registered for '{endpoint.Scheme}:'" };
        }

        var asked = await _services.GuardAsync(
            "credential source",
            _target,
            FlashStage.Connect,
            _deadlines.Connect,
            (_services.Credentials, _target, endpoint),
            static (s, t) => s.Credentials.GetAsync(s._target, s.endpoint, t),
            cancellationToken).ConfigureAwait(false);
        if (!asked.TryGetValue(out var credentials, out var failure))
        {
            return failure with { Stage = FlashStage.Connect, TargetId = _target.Id, TargetAddress = endpoint.ToString(), TargetState = TargetState.Untouched };
        }

        using (credentials)
        {
            var guard = new OperationGuard(_services.Time, _deadlines, transport.GetType().Name);
            var request = new TransportConnectRequest(endpoint, credentials, _services.Time);
            var connected = await guard.RunAsync((transport, request), static (s, t) => s.transport.ConnectAsync(s.request, t), _deadlines.Connect, cancellationToken).ConfigureAwait(false);
            if (!connected.TryGetValue(out var inner, out var fault))
            {
                guard.Dispose();
                Log.ConnectFailed(_services.Logger, UntrustedText.ForLog(_target.Id), endpoint.Scheme, fault);
                return fault.ToFailure(FlashStage.Connect, _target, endpoint, TargetState.Untouched);
            }

            var guarded = new GuardedSession(inner, guard, _services.Time, _deadlines.Connect, this);
            _sessions[index] = guarded;
            return guarded;
        }
    }

    private CapabilityMissing Missing<T>(FlashStage stage) => new()
    {
        Stage = stage,
        TargetId = _target.Id,
        Capability = typeof(T).Name,
        Detail = $"none of {_target.Endpoints.Length} endpoint(s) offers {typeof(T).Name}",
    };
}
