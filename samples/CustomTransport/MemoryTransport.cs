using System.Collections.Immutable;
using System.Security.Cryptography;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Probing;
using RomFlash.Sdk.Transports;

namespace CustomTransport;

/// <summary>A transport from scratch: <c>mem:</c> reaches one machine in this process. Everything that a transport can offer, in one file.</summary>
internal sealed class MemoryTransport(MemoryMachine machine) : ITransport
{
    public string Scheme => "mem";

    public ValueTask<TransportResult<ITargetSession>> ConnectAsync(TransportConnectRequest request, CancellationToken cancellationToken) =>
        cancellationToken.IsCancellationRequested ? new(new TransportFault(TransportFaultKind.Cancelled, FaultEffect.NotSent))
        : request.Endpoint.Address.AbsolutePath == machine.Name ? new(TransportResult<ITargetSession>.From(new MemorySession(machine)))
        : new(new TransportFault(TransportFaultKind.NotFound, FaultEffect.NotSent, "there is no such machine"));
}

/// <summary>A session implements what it offers. Each operation is one step under the machine's lock, or a fault that changed nothing.</summary>
internal sealed class MemorySession(MemoryMachine machine)
    : ITargetSession, IFactsCapability, IDepositCapability, IArmingCapability, IPowerCapability, IClaimCapability
{
    private bool _isDisposed;

    public DepositTraits Traits { get; } = new() { Verification = [VerificationMethod.ReadBack], UsesSystemPartition = false };

    public ValueTask DisposeAsync()
    {
        _isDisposed = true;
        return default;
    }

    public ValueTask<TransportResult<TargetFacts>> ReadFactsAsync(FactKinds kinds, CancellationToken cancellationToken) => Do<TargetFacts>(() =>
    {
        var all = machine.Facts;
        return new TargetFacts
        {
            Identity = kinds.HasFlag(FactKinds.Identity) ? all.Identity : default,
            Boot = kinds.HasFlag(FactKinds.Boot) ? all.Boot : default,
            Roms = kinds.HasFlag(FactKinds.Roms) ? all.Roms : default,
            Account = kinds.HasFlag(FactKinds.Account) ? all.Account : default,
            Services = kinds.HasFlag(FactKinds.Services) ? all.Services : default,
            Readiness = kinds.HasFlag(FactKinds.Readiness) ? all.Readiness : default,
        };
    }, cancellationToken);

    public ValueTask<TransportResult<ImmutableArray<DepositInfo>>> ListDepositsAsync(CancellationToken cancellationToken) => Do<ImmutableArray<DepositInfo>>(() =>
        machine.Deposits.Select(d => new DepositInfo(d.Manifest.Id, d.Manifest.Generation, d.IsCommitted)).ToImmutableArray(), cancellationToken);

    public ValueTask<TransportResult<IDeposit>> OpenDepositAsync(DepositManifest manifest, CancellationToken cancellationToken) => Do<IDeposit>(() =>
    {
        if (manifest.Generation != machine.Claim?.Generation)
        {
            return Refuse(TransportFaultKind.Fenced);
        }

        if (machine.Deposits.Any(d => d.Manifest.Id == manifest.Id))
        {
            return Refuse(TransportFaultKind.AlreadyExists);
        }

        var stored = new StoredDeposit(manifest);
        machine.Deposits.Add(stored);
        return TransportResult<IDeposit>.From(new OpenDeposit(this, stored));
    }, cancellationToken);

    public ValueTask<TransportResult<Done>> DiscardDepositAsync(string id, long generation, CancellationToken cancellationToken) => Do<Done>(() =>
    {
        machine.Deposits.RemoveAll(d => d.Manifest.Id == id && d.Manifest.Generation == generation);
        return default(Done);
    }, cancellationToken);

    public ValueTask<TransportResult<ArmedState>> ReadArmedStateAsync(bool withDigests, CancellationToken cancellationToken) => Do<ArmedState>(() => new ArmedState
    {
        Phase = machine.Armed is null ? ArmedPhase.None : ArmedPhase.Armed,
        DepositId = machine.Armed?.Manifest.Id,
        Generation = machine.Armed?.Manifest.Generation ?? 0,
        Items = [.. (machine.Armed?.Files ?? []).Select((f, i) => new ArmedItem(machine.Armed!.Manifest.Files[i].Name, f.Length, new ContentDigest(SHA256.HashData(f.ToArray()))))],
        Offers = [new ArmingOffer(ArmingMethod.CapsuleFileOnly, CanDisarm: true, FlashesAtOnce: false, MaxComponents: 1)],
    }, cancellationToken);

    // The commit point: one assignment. A stale owner fails here, because its generation is not the claim's any more.
    public ValueTask<TransportResult<Done>> ArmAsync(ArmRequest request, CancellationToken cancellationToken) => Do<Done>(() =>
    {
        var stored = machine.Deposits.Find(d => d.Manifest.Id == request.Manifest.Id && d.IsCommitted);
        if (stored is null || stored.Manifest.Generation != machine.Claim?.Generation || machine.Armed is not null)
        {
            return Refuse(stored is null ? TransportFaultKind.NotFound : machine.Armed is null ? TransportFaultKind.Fenced : TransportFaultKind.Busy);
        }

        machine.Deposits.Remove(stored);
        machine.Armed = stored;
        return default(Done);
    }, cancellationToken);

    public ValueTask<TransportResult<Done>> DisarmAsync(string depositId, CancellationToken cancellationToken) =>
        Do<Done>(() => Set(() => machine.Armed = machine.Armed?.Manifest.Id == depositId ? null : machine.Armed), cancellationToken);

    public ValueTask<TransportResult<Done>> ScheduleRebootAsync(RebootRequest request, CancellationToken cancellationToken) =>
        Do<Done>(() => Set(() => machine.RebootIn(request.Delay)), cancellationToken);

    public ValueTask<TransportResult<Done>> AbortRebootAsync(CancellationToken cancellationToken) => Do<Done>(() => Set(() => machine.RebootIn(null)), cancellationToken);

    public ValueTask<TransportResult<ClaimState>> ReadClaimAsync(CancellationToken cancellationToken) =>
        Do<ClaimState>(() => new ClaimState(machine.Claim, machine.LastGeneration), cancellationToken);

    public ValueTask<TransportResult<TargetClaim>> AcquireClaimAsync(ClaimRequest request, CancellationToken cancellationToken) => Do<TargetClaim>(() =>
        machine.Claim is { } held && held.Owner != request.Owner && held.Generation != request.TakeOverGeneration
            ? Refuse(TransportFaultKind.ClaimHeld)
            : machine.Claim = new TargetClaim(request.Owner, ++machine.LastGeneration), cancellationToken);

    public ValueTask<TransportResult<Done>> ReleaseClaimAsync(TargetClaim claim, CancellationToken cancellationToken) =>
        Do<Done>(() => Set(() => machine.Claim = machine.Claim == claim ? null : machine.Claim), cancellationToken);

    private static TransportFault Refuse(TransportFaultKind kind) => new(kind, FaultEffect.NotSent);

    private static TransportResult<Done> Set(Action act)
    {
        act();
        return default(Done);
    }

    private ValueTask<TransportResult<T>> Do<T>(Func<TransportResult<T>> operation, CancellationToken cancellationToken)
        where T : notnull =>
        cancellationToken.IsCancellationRequested ? new(Refuse(TransportFaultKind.Cancelled))
        : _isDisposed ? new(Refuse(TransportFaultKind.Lost))
        : new(machine.Locked(operation));

    private sealed class OpenDeposit(MemorySession session, StoredDeposit stored) : IDeposit
    {
        public DepositManifest Manifest => stored.Manifest;

        public ValueTask DisposeAsync() => default;

        public ValueTask<TransportResult<Done>> WriteAsync(int fileIndex, long offset, ReadOnlyMemory<byte> data, CancellationToken cancellationToken) =>
            session.Do<Done>(() => Set(() => stored.Write(fileIndex, offset, data.Span)), cancellationToken);

        public ValueTask<TransportResult<int>> ReadBackAsync(int fileIndex, long offset, Memory<byte> buffer, CancellationToken cancellationToken) =>
            session.Do<int>(() => stored.Read(fileIndex, offset, buffer.Span), cancellationToken);

        public ValueTask<TransportResult<ContentDigest>> DigestOnTargetAsync(int fileIndex, CancellationToken cancellationToken) =>
            session.Do<ContentDigest>(() => Refuse(TransportFaultKind.Unsupported), cancellationToken);

        public ValueTask<TransportResult<Done>> CommitAsync(CancellationToken cancellationToken) => session.Do<Done>(() => Set(() => stored.IsCommitted = true), cancellationToken);
    }
}
