using System.Collections.Immutable;
using System.Globalization;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Probing;

namespace RomFlash.Sdk.Transports.SystemPartitions;

/// <summary>
/// A session whose deposits, claims and armed capsules lie on a system partition that is reached file by file. Everything here is the same for all such transports: what is
/// inert, what the commit point is and what a cut leaves has one answer.
/// </summary>
internal abstract class PartitionSession(IPartitionFiles partition) : ITargetSession, IFactsCapability, IDepositCapability, IArmingCapability, IClaimCapability
{
    private readonly SemaphoreSlim _gate = new(1);
    private volatile bool _disposed;

    public abstract DepositTraits Traits { get; }

    protected IPartitionFiles Partition => partition;

    private PartitionClaims Claims { get; } = new();

    public abstract ValueTask<TransportResult<TargetFacts>> ReadFactsAsync(FactKinds kinds, CancellationToken cancellationToken);

    public ValueTask<TransportResult<ImmutableArray<DepositInfo>>> ListDepositsAsync(CancellationToken cancellationToken) => RunAsync(PartitionDeposits.ListAsync, cancellationToken);

    public ValueTask<TransportResult<IDeposit>> OpenDepositAsync(DepositManifest manifest, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(manifest);
        return RunAsync<IDeposit>(async layout => await PartitionDeposits.OpenAsync(layout, this, manifest).ConfigureAwait(false), cancellationToken);
    }

    public ValueTask<TransportResult<Done>> DiscardDepositAsync(string id, long generation, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(id);
        return RunAsync(layout => PartitionDeposits.DiscardAsync(layout, id, generation), cancellationToken);
    }

    public ValueTask<TransportResult<ArmedState>> ReadArmedStateAsync(bool withDigests, CancellationToken cancellationToken) => RunAsync(
        async layout => await ReadArmedAsync(layout, await PartitionArming.ReadAsync(layout, withDigests).ConfigureAwait(false)).ConfigureAwait(false),
        cancellationToken);

    public ValueTask<TransportResult<Done>> ArmAsync(ArmRequest request, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(request);
        return RunAsync(
            async layout =>
            {
                var offers = await ReadOffersAsync(layout).ConfigureAwait(false);
                return offers.Any(o => o.Method == request.Method)
                    ? await ArmAsync(layout, request).ConfigureAwait(false)
                    : throw new PartitionFaultException(TransportFaultKind.Unsupported, $"this target does not take {request.Method}{(offers.IsEmpty ? ": " + WhyNoOffer : string.Empty)}");
            },
            cancellationToken);
    }

    public ValueTask<TransportResult<Done>> DisarmAsync(string depositId, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(depositId);
        return RunAsync(layout => DisarmAsync(layout, depositId), cancellationToken);
    }

    public ValueTask<TransportResult<ClaimState>> ReadClaimAsync(CancellationToken cancellationToken) => RunAsync(PartitionClaims.ReadAsync, cancellationToken);

    public ValueTask<TransportResult<TargetClaim>> AcquireClaimAsync(ClaimRequest request, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(request);
        return RunAsync(layout => Claims.AcquireAsync(layout, request), cancellationToken);
    }

    public ValueTask<TransportResult<Done>> ReleaseClaimAsync(TargetClaim claim, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(claim);
        return RunAsync(layout => Claims.ReleaseAsync(layout, claim), cancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        if (_disposed)
        {
            return;
        }

        _disposed = true;
        await Claims.DisposeAsync().ConfigureAwait(false);
        await CloseAsync().ConfigureAwait(false);
        GC.SuppressFinalize(this);
    }

    /// <summary>Runs a step, one at a time; whatever it throws becomes a fault that knows whether anything was changed.</summary>
    internal async ValueTask<TransportResult<T>> RunAsync<T>(Func<PartitionLayout, ValueTask<T>> step, CancellationToken cancellationToken)
        where T : notnull
    {
        if (cancellationToken.IsCancellationRequested)
        {
            return new TransportFault(TransportFaultKind.Cancelled, FaultEffect.NotSent);
        }

        if (_disposed)
        {
            return new TransportFault(TransportFaultKind.Lost, FaultEffect.NotSent, "the session was closed");
        }

        var tracked = new TrackedPartition(partition);
        var entered = false;
        try
        {
            await _gate.WaitAsync(cancellationToken).ConfigureAwait(false);
            entered = true;
            return TransportResult<T>.From(await StepAsync(step, new PartitionLayout(tracked, cancellationToken)).ConfigureAwait(false));
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            return new TransportFault(TransportFaultKind.Cancelled, tracked.IsChanged ? FaultEffect.MayHaveApplied : FaultEffect.NotSent);
        }
        catch (PartitionFaultException e)
        {
            return e.Fault with { Effect = tracked.IsChanged ? FaultEffect.MayHaveApplied : FaultEffect.NotSent };
        }
#pragma warning disable CA1031 // A transport does not throw, whatever happens in it.
        catch (Exception e)
#pragma warning restore CA1031
        {
            return new TransportFault(TransportFaultKind.TransportBroken, tracked.IsChanged ? FaultEffect.MayHaveApplied : FaultEffect.NotSent, $"unexpected {e.GetType().Name}");
        }
        finally
        {
            if (entered)
            {
                _gate.Release();
            }
        }
    }

    /// <summary>Where a step runs; a transport that blocks takes it off the caller's thread.</summary>
    protected virtual ValueTask<T> StepAsync<T>(Func<PartitionLayout, ValueTask<T>> step, PartitionLayout layout) => step(layout);

    /// <summary>The ways to arm that the target offers now.</summary>
    protected abstract ValueTask<ImmutableArray<ArmingOffer>> ReadOffersAsync(PartitionLayout layout);

    /// <summary>What to say when there is no offer: why, and what else could arm such a target.</summary>
    protected abstract string WhyNoOffer { get; }

    /// <summary>Adds what else this transport knows of what is armed.</summary>
    protected virtual async ValueTask<ArmedState> ReadArmedAsync(PartitionLayout layout, ArmedState state)
    {
        var offers = await ReadOffersAsync(layout).ConfigureAwait(false);
        return state with { Offers = offers, WhyNoOffer = offers.IsEmpty ? WhyNoOffer : string.Empty };
    }

    /// <summary>Makes the arming step; its last rename is the commit point of <see cref="ArmingMethod.CapsuleFileOnly"/>.</summary>
    protected virtual ValueTask<Done> ArmAsync(PartitionLayout layout, ArmRequest request) => PartitionArming.ArmAsync(layout, request.Manifest);

    /// <summary>Takes it back.</summary>
    protected virtual ValueTask<Done> DisarmAsync(PartitionLayout layout, string depositId) => PartitionArming.DisarmAsync(layout, depositId);

    /// <summary>Ends the connection.</summary>
    protected virtual ValueTask CloseAsync() => ValueTask.CompletedTask;
}
