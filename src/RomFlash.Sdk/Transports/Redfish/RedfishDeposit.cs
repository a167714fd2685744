using System.Collections.Immutable;
using System.Globalization;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Transports.Redfish.Http;
using RomFlash.Sdk.Transports.Redfish.Roads;
using RomFlash.Sdk.Transports.Redfish.Service;

namespace RomFlash.Sdk.Transports.Redfish;

/// <summary>An upload for each file, one after the other. The last one is complete only with the commit.</summary>
internal sealed class RedfishDeposit(
    RedfishSession session,
    RedfishConnection connection,
    UpdateRoad road,
    DepositManifest manifest,
    ImmutableArray<RedfishInventoryItem> targets,
    ControllerMemory memory,
    string? boot,
    TimeProvider time) : IDeposit
{
    private const int MaxVerifyLooks = 600;
    private static readonly TimeSpan ShortestPoll = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan LongestPoll = TimeSpan.FromSeconds(10);

    private readonly long[] _written = new long[manifest.Files.Length];
    private RedfishPush? _push;
    private int _current = -1;
    private bool _isCommitted;
    private bool _isBroken;
    private volatile bool _isClosed;

    public DepositManifest Manifest => manifest;

    public async ValueTask<TransportResult<Done>> WriteAsync(int fileIndex, long offset, ReadOnlyMemory<byte> data, CancellationToken cancellationToken)
    {
        if (Refuse(cancellationToken) is { } refused)
        {
            return refused;
        }

        if (fileIndex < 0 || fileIndex >= manifest.Files.Length || (fileIndex != _current && fileIndex != _current + 1))
        {
            return RedfishSession.Unchanged(TransportFaultKind.ProtocolViolation, "files are written in the order of the manifest");
        }

        if (_isCommitted || offset != _written[fileIndex] || offset + data.Length > manifest.Files[fileIndex].Length || data.Length > session.Traits.MaxWriteBytes)
        {
            return RedfishSession.Unchanged(
                TransportFaultKind.ProtocolViolation,
                string.Create(CultureInfo.InvariantCulture, $"a write of {data.Length} bytes at {offset} does not follow {_written[fileIndex]} of {manifest.Files[fileIndex].Length} bytes{(_isCommitted ? ", and the deposit is committed" : string.Empty)}"));
        }

        if (fileIndex != _current)
        {
            if (await BeginAsync(fileIndex, cancellationToken).ConfigureAwait(false) is { } notBegun)
            {
                return notBegun;
            }
        }

        var written = await _push!.WriteAsync(data, cancellationToken).ConfigureAwait(false);
        if (!written.TryGetValue(out _, out _))
        {
            _isBroken = true;
            return written;
        }

        _written[fileIndex] += data.Length;
        return default(Done);
    }

    public ValueTask<TransportResult<int>> ReadBackAsync(int fileIndex, long offset, Memory<byte> buffer, CancellationToken cancellationToken) =>
        new(Refuse(cancellationToken) ?? RedfishSession.Unchanged(TransportFaultKind.Unsupported, "a management controller lets nobody read what it was given"));

    public ValueTask<TransportResult<ContentDigest>> DigestOnTargetAsync(int fileIndex, CancellationToken cancellationToken) =>
        new(Refuse(cancellationToken) ?? RedfishSession.Unchanged(TransportFaultKind.Unsupported, "a management controller computes no digests"));

    public async ValueTask<TransportResult<Done>> CommitAsync(CancellationToken cancellationToken)
    {
        if (Refuse(cancellationToken) is { } refused)
        {
            return refused;
        }

        if (_isCommitted)
        {
            return default(Done);
        }

        for (var i = 0; i < _written.Length; i++)
        {
            if (_written[i] != manifest.Files[i].Length)
            {
                return RedfishSession.Unchanged(TransportFaultKind.Rejected, string.Create(CultureInfo.InvariantCulture, $"file {i} has {_written[i]} of {manifest.Files[i].Length} bytes"));
            }
        }

        if (await CompleteAsync(cancellationToken).ConfigureAwait(false) is { } fault)
        {
            return fault;
        }

        _isCommitted = true;
        return default(Done);
    }

    public async ValueTask DisposeAsync()
    {
        _isClosed = true;
        session.Closed(manifest.Id);
        if (_push is { } push)
        {
            _push = null;
            await push.DisposeAsync().ConfigureAwait(false);
        }
    }

    private TransportFault? Refuse(CancellationToken cancellationToken) =>
        session.Refuse(cancellationToken) is { } refused ? refused
        : _isClosed ? RedfishSession.Unchanged(TransportFaultKind.Lost, "the deposit was closed")
        : _isBroken ? RedfishSession.Unchanged(TransportFaultKind.Lost, "the upload broke")
        : null;

    private async ValueTask<TransportFault?> BeginAsync(int fileIndex, CancellationToken cancellationToken)
    {
        if (_push is not null && await CompleteAsync(cancellationToken).ConfigureAwait(false) is { } incomplete)
        {
            return incomplete;
        }

        if (!(await road.ComposeAsync(connection, manifest, manifest.Files[fileIndex], targets[fileIndex], cancellationToken).ConfigureAwait(false)).TryGetValue(out var request, out var fault)
            || !(await connection.OpenPushAsync(request, cancellationToken).ConfigureAwait(false)).TryGetValue(out _push, out fault))
        {
            return fault;
        }

        _current = fileIndex;
        return null;
    }

    // Ends the upload of the current file, and notes the task that the service makes of it.
    private async ValueTask<TransportFault?> CompleteAsync(CancellationToken cancellationToken)
    {
        var push = _push!;
        var completed = await push.CompleteAsync(cancellationToken).ConfigureAwait(false);
        _push = null;
        await push.DisposeAsync().ConfigureAwait(false);
        if (completed.TryGetValue(out var reply, out var fault))
        {
            memory.Add(new(manifest.Id, road.TaskOf(reply, connection) ?? string.Empty, IsStart: false, manifest.Files[_current].ComponentId, boot));
            return road.Effect == DepositEffect.Inert ? await WaitForVerificationAsync(cancellationToken).ConfigureAwait(false) : null;
        }

        _isBroken = true;
        if (fault.Effect == FaultEffect.NotSent || fault.Kind == TransportFaultKind.Cancelled || cancellationToken.IsCancellationRequested)
        {
            return fault;
        }

        // The answer is missing. Where the service tells whose its tasks are, it tells whether the upload was taken.
        for (var look = 0; look < 3; look++)
        {
            if ((await session.ReadSituationAsync(ended: null, cancellationToken).ConfigureAwait(false)).TryGetValue(out var situation, out _)
                && situation.Tasks.Any(t => !t.IsStart && t.Phase != TaskPhase.Failed && t.DepositId == manifest.Id && (t.ComponentId is null || t.ComponentId == manifest.Files[_current].ComponentId)))
            {
                _isBroken = false;
                return null;
            }

            try
            {
                await Task.Delay(ShortestPoll, time, cancellationToken).ConfigureAwait(false);
            }
            catch (OperationCanceledException)
            {
                break;
            }
        }

        return fault;
    }

    // What waits to be started may be looked at by the controller first; one that it refuses was never deposited.
    private async ValueTask<TransportFault?> WaitForVerificationAsync(CancellationToken cancellationToken)
    {
        var pause = ShortestPoll;
        var ended = new EndedTasks();
        for (var look = 0; look < MaxVerifyLooks; look++)
        {
            if (!(await session.ReadSituationAsync(ended, cancellationToken).ConfigureAwait(false)).TryGetValue(out var situation, out var fault))
            {
                return fault with { Effect = FaultEffect.MayHaveApplied };
            }

            var task = situation.Tasks.LastOrDefault(t => !t.IsStart && t.DepositId == manifest.Id && (t.ComponentId is null || t.ComponentId == manifest.Files[_current].ComponentId));
            if (task is { Phase: TaskPhase.Failed })
            {
                var said = RedfishFault.From(connection.WithoutSecrets(task.Messages), FaultEffect.NotSent);
                return said with { Kind = said.Kind is TransportFaultKind.Unmapped ? TransportFaultKind.Rejected : said.Kind };
            }

            if (task is not { Phase: TaskPhase.Running })
            {
                return null;
            }

            try
            {
                await Task.Delay(task.RetryAfter is { } wanted && wanted < LongestPoll && wanted > ShortestPoll ? wanted : pause, time, cancellationToken).ConfigureAwait(false);
            }
            catch (OperationCanceledException)
            {
                return new TransportFault(TransportFaultKind.Cancelled, FaultEffect.MayHaveApplied, "cancelled while the controller looked at the upload");
            }

            pause = pause * 2 < LongestPoll ? pause * 2 : LongestPoll;
        }

        return new TransportFault(TransportFaultKind.TimedOut, FaultEffect.MayHaveApplied, "the controller does not come to an end with looking at the upload");
    }
}
