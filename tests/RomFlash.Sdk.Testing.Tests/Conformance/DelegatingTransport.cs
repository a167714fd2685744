using System.Collections.Immutable;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Probing;
using RomFlash.Sdk.Transports;

namespace RomFlash.Sdk.Testing.Tests.Conformance;

/// <summary>A transport that passes everything on; a mutant overrides one thing of a session.</summary>
internal sealed class DelegatingTransport(ITransport inner, Func<ITargetSession, DelegatingSession> wrap) : ITransport
{
    public string Scheme => inner.Scheme;

    public async ValueTask<TransportResult<ITargetSession>> ConnectAsync(TransportConnectRequest request, CancellationToken cancellationToken) =>
        (await inner.ConnectAsync(request, cancellationToken)).TryGetValue(out var session, out var fault)
            ? TransportResult<ITargetSession>.From(wrap(session))
            : fault;
}

internal class DelegatingSession(ITargetSession inner) : ITargetSession, IFactsCapability, IDepositCapability, IArmingCapability, IPowerCapability, IClaimCapability
{
    public virtual DepositTraits Traits => Deposits.Traits;

    protected ITargetSession Inner => inner;

    private IDepositCapability Deposits => inner.GetCapability<IDepositCapability>()!;

    private IArmingCapability Arming => inner.GetCapability<IArmingCapability>()!;

    private IClaimCapability Claims => inner.GetCapability<IClaimCapability>()!;

    private IPowerCapability Power => inner.GetCapability<IPowerCapability>()!;

    public TCapability? GetCapability<TCapability>()
        where TCapability : class, ITargetCapability => inner.GetCapability<TCapability>() is null ? null : this as TCapability;

    public virtual ValueTask<TransportResult<TargetFacts>> ReadFactsAsync(FactKinds kinds, CancellationToken cancellationToken) =>
        inner.GetCapability<IFactsCapability>()!.ReadFactsAsync(kinds, cancellationToken);

    public virtual ValueTask<TransportResult<ImmutableArray<DepositInfo>>> ListDepositsAsync(CancellationToken cancellationToken) => Deposits.ListDepositsAsync(cancellationToken);

    public virtual async ValueTask<TransportResult<IDeposit>> OpenDepositAsync(DepositManifest manifest, CancellationToken cancellationToken) =>
        (await Deposits.OpenDepositAsync(manifest, cancellationToken)).TryGetValue(out var deposit, out var fault) ? TransportResult<IDeposit>.From(Wrap(deposit)) : fault;

    public virtual ValueTask<TransportResult<Done>> DiscardDepositAsync(string id, long generation, CancellationToken cancellationToken) => Deposits.DiscardDepositAsync(id, generation, cancellationToken);

    public virtual ValueTask<TransportResult<ArmedState>> ReadArmedStateAsync(bool withDigests, CancellationToken cancellationToken) => Arming.ReadArmedStateAsync(withDigests, cancellationToken);

    public virtual ValueTask<TransportResult<Done>> ArmAsync(ArmRequest request, CancellationToken cancellationToken) => Arming.ArmAsync(request, cancellationToken);

    public virtual ValueTask<TransportResult<Done>> DisarmAsync(string depositId, CancellationToken cancellationToken) => Arming.DisarmAsync(depositId, cancellationToken);

    public virtual TimeSpan DelayOf(TimeSpan asked) => Power.DelayOf(asked);

    public virtual ValueTask<TransportResult<Done>> ScheduleRebootAsync(RebootRequest request, CancellationToken cancellationToken) => Power.ScheduleRebootAsync(request, cancellationToken);

    public virtual ValueTask<TransportResult<Done>> AbortRebootAsync(CancellationToken cancellationToken) => Power.AbortRebootAsync(cancellationToken);

    public virtual ValueTask<TransportResult<ClaimState>> ReadClaimAsync(CancellationToken cancellationToken) => Claims.ReadClaimAsync(cancellationToken);

    public virtual ValueTask<TransportResult<TargetClaim>> AcquireClaimAsync(ClaimRequest request, CancellationToken cancellationToken) => Claims.AcquireClaimAsync(request, cancellationToken);

    public virtual ValueTask<TransportResult<Done>> ReleaseClaimAsync(TargetClaim claim, CancellationToken cancellationToken) => Claims.ReleaseClaimAsync(claim, cancellationToken);

    public virtual ValueTask DisposeAsync() => inner.DisposeAsync();

    protected virtual IDeposit Wrap(IDeposit deposit) => deposit;
}

internal class DelegatingDeposit(IDeposit inner) : IDeposit
{
    public DepositManifest Manifest => inner.Manifest;

    public virtual ValueTask<TransportResult<Done>> WriteAsync(int fileIndex, long offset, ReadOnlyMemory<byte> data, CancellationToken cancellationToken) => inner.WriteAsync(fileIndex, offset, data, cancellationToken);

    public virtual ValueTask<TransportResult<int>> ReadBackAsync(int fileIndex, long offset, Memory<byte> buffer, CancellationToken cancellationToken) => inner.ReadBackAsync(fileIndex, offset, buffer, cancellationToken);

    public virtual ValueTask<TransportResult<ContentDigest>> DigestOnTargetAsync(int fileIndex, CancellationToken cancellationToken) => inner.DigestOnTargetAsync(fileIndex, cancellationToken);

    public virtual ValueTask<TransportResult<Done>> CommitAsync(CancellationToken cancellationToken) => inner.CommitAsync(cancellationToken);

    public virtual ValueTask DisposeAsync() => inner.DisposeAsync();
}
