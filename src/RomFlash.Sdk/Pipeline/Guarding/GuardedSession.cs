using System.Collections.Immutable;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Probing;
using RomFlash.Sdk.Targets;
using RomFlash.Sdk.Transports;

namespace RomFlash.Sdk.Pipeline.Guarding;

/// <summary>A session whose capabilities are all guarded by one <see cref="OperationGuard"/>.</summary>
internal sealed class GuardedSession : IAsyncDisposable
{
    private readonly ITargetSession _inner;
    private readonly OperationGuard _guard;
    private readonly TimeProvider _time;
    private readonly TimeSpan _closeDeadline;
    private readonly IArmingAnnouncement _announcement;
    private GuardedFacts? _facts;
    private GuardedDeposits? _deposits;
    private GuardedArming? _arming;
    private GuardedPower? _power;
    private GuardedClaim? _claim;

    public GuardedSession(ITargetSession inner, OperationGuard guard, TimeProvider time, TimeSpan closeDeadline, IArmingAnnouncement announcement)
    {
        _inner = inner;
        _guard = guard;
        _time = time;
        _closeDeadline = closeDeadline;
        _announcement = announcement;
    }

    public bool IsBroken => _guard.IsBroken;

    /// <summary>Gives a capability, guarded; nothing where the transport lacks it; a failure where the session throws instead of answering.</summary>
    public FlashResult<Found<T>> Get<T>(FlashTarget target, FlashStage stage)
        where T : class, ITargetCapability
    {
        T? capability;
        try
        {
            capability = _inner.GetCapability<T>();
        }
#pragma warning disable CA1031 // A plug-in can throw anything; a session that throws is not one that lacks the capability.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            return new PlugInFault { PlugIn = _inner.GetType().Name, Stage = stage, TargetId = target.Id, TargetState = TargetState.Indeterminate, Detail = $"{_inner.GetType().Name} threw {exception.GetType().Name}" };
        }

        return new Found<T>(Guard(capability));
    }

    public async ValueTask DisposeAsync()
    {
        _guard.Dispose();
        await SafeClose.CloseAsync(_inner, _time, _closeDeadline).ConfigureAwait(false);
    }

    private static TransportFault NotAnnounced => new(TransportFaultKind.Rejected, FaultEffect.NotSent, "the intent to arm is not in the journal");

    private T? Guard<T>(T? capability)
        where T : class, ITargetCapability
    {
        return capability switch
        {
            null => null,
            IFactsCapability facts when typeof(T) == typeof(IFactsCapability) => (_facts ??= new(facts, _guard)) as T,
            IDepositCapability deposits when typeof(T) == typeof(IDepositCapability) => (_deposits ??= new(deposits, _guard, _announcement)) as T,
            IArmingCapability arming when typeof(T) == typeof(IArmingCapability) => (_arming ??= new(arming, _guard, _announcement)) as T,
            IPowerCapability power when typeof(T) == typeof(IPowerCapability) => (_power ??= new(power, _guard)) as T,
            IClaimCapability claim when typeof(T) == typeof(IClaimCapability) => (_claim ??= new(claim, _guard)) as T,
            _ => capability,
        };
    }

    /// <summary>A capability, or nothing.</summary>
    internal readonly record struct Found<T>(T? Capability)
        where T : class, ITargetCapability;

    private sealed class GuardedFacts(IFactsCapability inner, OperationGuard guard) : IFactsCapability
    {
        public ValueTask<TransportResult<TargetFacts>> ReadFactsAsync(FactKinds kinds, CancellationToken cancellationToken) =>
            guard.RunAsync((inner, kinds), static (s, t) => s.inner.ReadFactsAsync(s.kinds, t), 0, cancellationToken);
    }

    private sealed class GuardedDeposits(IDepositCapability inner, OperationGuard guard, IArmingAnnouncement announcement) : IDepositCapability
    {
        public DepositTraits Traits => inner.Traits;

        public ValueTask<TransportResult<ImmutableArray<DepositInfo>>> ListDepositsAsync(CancellationToken cancellationToken) =>
            guard.RunAsync(inner, static (s, t) => s.ListDepositsAsync(t), 0, cancellationToken);

        public async ValueTask<TransportResult<IDeposit>> OpenDepositAsync(DepositManifest manifest, CancellationToken cancellationToken)
        {
            var result = await guard.RunAsync((inner, manifest), static (s, t) => s.inner.OpenDepositAsync(s.manifest, t), 0, cancellationToken).ConfigureAwait(false);
            return result.TryGetValue(out var deposit, out var fault)
                ? TransportResult<IDeposit>.From(new GuardedDeposit(deposit, guard, inner.Traits.Effect == DepositEffect.Inert ? null : announcement))
                : fault;
        }

        public ValueTask<TransportResult<Done>> DiscardDepositAsync(string id, long generation, CancellationToken cancellationToken) =>
            guard.RunAsync((inner, id, generation), static (s, t) => s.inner.DiscardDepositAsync(s.id, s.generation, t), 0, cancellationToken);
    }

    private sealed class GuardedDeposit(IDeposit inner, OperationGuard guard, IArmingAnnouncement? announcement) : IDeposit
    {
        public DepositManifest Manifest => inner.Manifest;

        public long PresentBytes(int fileIndex)
        {
            try
            {
                // A transport's word: what is out of bounds is as good as nothing, and the rest is compared.
                return inner.PresentBytes(fileIndex) is > 0 and var present && present <= inner.Manifest.Files[fileIndex].Length ? present : 0;
            }
#pragma warning disable CA1031 // A plug-in can throw anything; nothing of it may get through.
            catch (Exception)
#pragma warning restore CA1031
            {
                return 0;
            }
        }

        public string LocationOf(int fileIndex)
        {
            const int Longest = 512;
            try
            {
                // A name for people to go by: one that is cut off would lead nowhere.
                return inner.LocationOf(fileIndex) is { Length: <= Longest } place ? place : string.Empty;
            }
#pragma warning disable CA1031 // A plug-in can throw anything; nothing of it may get through.
            catch (Exception)
#pragma warning restore CA1031
            {
                return string.Empty;
            }
        }

        public ValueTask<TransportResult<Done>> WriteAsync(int fileIndex, long offset, ReadOnlyMemory<byte> data, CancellationToken cancellationToken) =>
            guard.RunAsync((inner, fileIndex, offset, data), static (s, t) => s.inner.WriteAsync(s.fileIndex, s.offset, s.data, t), data.Length, cancellationToken);

        public ValueTask<TransportResult<int>> ReadBackAsync(int fileIndex, long offset, Memory<byte> buffer, CancellationToken cancellationToken) =>
            guard.RunAsync((inner, fileIndex, offset, buffer), static (s, t) => s.inner.ReadBackAsync(s.fileIndex, s.offset, s.buffer, t), buffer.Length, cancellationToken);

        public ValueTask<TransportResult<ContentDigest>> DigestOnTargetAsync(int fileIndex, CancellationToken cancellationToken) =>
            guard.RunAsync((inner, fileIndex), static (s, t) => s.inner.DigestOnTargetAsync(s.fileIndex, t), inner.Manifest.Files[fileIndex].Length, cancellationToken);

        public ValueTask<TransportResult<Done>> CommitAsync(CancellationToken cancellationToken) => announcement is null
            ? guard.RunAsync(inner, static (s, t) => s.CommitAsync(t), inner.Manifest.TotalBytes, cancellationToken)
            : AnnounceAndCommitAsync(announcement, cancellationToken);

        // Here the commit is the arming step: whichever stager sends it, the intent is in the journal before.
        private async ValueTask<TransportResult<Done>> AnnounceAndCommitAsync(IArmingAnnouncement announcing, CancellationToken cancellationToken)
        {
            if (!await announcing.AnnounceCommitAsync(cancellationToken).ConfigureAwait(false))
            {
                return NotAnnounced;
            }

            announcing.ArmingEnded(FaultEffect.MayHaveApplied);
            var result = await guard.RunAsync(inner, static (s, t) => s.CommitAsync(t), inner.Manifest.TotalBytes, cancellationToken).ConfigureAwait(false);
            announcing.ArmingEnded(result.TryGetValue(out _, out var fault) ? FaultEffect.Applied : fault.Effect);
            return result;
        }

        public ValueTask DisposeAsync() => guard.CloseAsync(inner);
    }

    private sealed class GuardedArming(IArmingCapability inner, OperationGuard guard, IArmingAnnouncement announcement) : IArmingCapability
    {
        public ValueTask<TransportResult<ArmedState>> ReadArmedStateAsync(bool withDigests, CancellationToken cancellationToken) =>
            guard.RunAsync((inner, withDigests), static (s, t) => s.inner.ReadArmedStateAsync(s.withDigests, t), 0, cancellationToken);

        public async ValueTask<TransportResult<Done>> ArmAsync(ArmRequest request, CancellationToken cancellationToken)
        {
            if (!announcement.MayArm)
            {
                return NotAnnounced;
            }

            announcement.ArmingEnded(FaultEffect.MayHaveApplied);
            var result = await guard.RunAsync((inner, request), static (s, t) => s.inner.ArmAsync(s.request, t), request.Manifest.TotalBytes, cancellationToken).ConfigureAwait(false);
            announcement.ArmingEnded(result.TryGetValue(out _, out var fault) ? FaultEffect.Applied : fault.Effect);
            return result;
        }

        public ValueTask<TransportResult<Done>> DisarmAsync(string depositId, CancellationToken cancellationToken) =>
            guard.RunAsync((inner, depositId), static (s, t) => s.inner.DisarmAsync(s.depositId, t), 0, cancellationToken);
    }

    private sealed class GuardedPower(IPowerCapability inner, OperationGuard guard) : IPowerCapability
    {
        public bool RestartsAtOnce => inner.RestartsAtOnce;

        // Nobody restarts before the time that was asked for, or in years.
        public TimeSpan DelayOf(TimeSpan asked) => inner.DelayOf(asked) is var delay && delay > asked ? LongestTimer.Cut(delay) : asked;

        public ValueTask<TransportResult<Done>> ScheduleRebootAsync(RebootRequest request, CancellationToken cancellationToken) =>
            guard.RunAsync((inner, request), static (s, t) => s.inner.ScheduleRebootAsync(s.request, t), 0, cancellationToken);

        public ValueTask<TransportResult<Done>> AbortRebootAsync(CancellationToken cancellationToken) =>
            guard.RunAsync(inner, static (s, t) => s.AbortRebootAsync(t), 0, cancellationToken);
    }

    private sealed class GuardedClaim(IClaimCapability inner, OperationGuard guard) : IClaimCapability
    {
        public ValueTask<TransportResult<ClaimState>> ReadClaimAsync(CancellationToken cancellationToken) =>
            guard.RunAsync(inner, static (s, t) => s.ReadClaimAsync(t), 0, cancellationToken);

        public ValueTask<TransportResult<TargetClaim>> AcquireClaimAsync(ClaimRequest request, CancellationToken cancellationToken) =>
            guard.RunAsync((inner, request), static (s, t) => s.inner.AcquireClaimAsync(s.request, t), 0, cancellationToken);

        public ValueTask<TransportResult<Done>> ReleaseClaimAsync(TargetClaim claim, CancellationToken cancellationToken) =>
            guard.RunAsync((inner, claim), static (s, t) => s.inner.ReleaseClaimAsync(s.claim, t), 0, cancellationToken);
    }
}
