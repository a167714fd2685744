using System.Collections.Immutable;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Probing;
using RomFlash.Sdk.Targets;
using RomFlash.Sdk.Transports;

namespace RomFlash.Sdk.Testing.Simulation;

/// <summary>A session with a simulated target. It dies when the target boots, when a fault breaks it, and with its client.</summary>
internal sealed class SimulatedSession(SimulatedTarget target, SimulatedCapabilities capabilities, ClientLife life)
    : ITargetSession, IFactsCapability, IDepositCapability, IArmingCapability, IPowerCapability, IClaimCapability
{
    private volatile bool _isBroken;

    public ClientLife Life => life;

    public bool IsBroken => _isBroken;

    public int Epoch { get; private set; } = -1;

    public bool IsAdministrator { get; private set; }

    public DepositTraits Traits => field ??= new()
    {
        Verification = target.Persona.Verification,
        MaxWriteBytes = target.MaxWriteBytes,
        UsesSystemPartition = target.Persona.UsesSystemPartition,
        Effect = target.Persona.Effect,
        KeepsUncommitted = target.Persona.Effect == DepositEffect.Inert,
    };

    public bool RestartsAtOnce => target.Persona.RestartsAtOnce;

    public TimeSpan DelayOf(TimeSpan asked) => target.DelayOf(asked);

    public static TransportFault Cancelled(FaultEffect effect) => new(TransportFaultKind.Cancelled, effect, "cancelled");

    public void Open(int epoch, bool isAdministrator)
    {
        Epoch = epoch;
        IsAdministrator = isAdministrator;
    }

    public void Break() => _isBroken = true;

    public TCapability? GetCapability<TCapability>()
        where TCapability : class, ITargetCapability => Offers(typeof(TCapability)) ? this as TCapability : null;

    public ValueTask<TransportResult<Done>> ConnectAsync(TargetCredentials credentials, CancellationToken cancellationToken) =>
        target.RunAsync(this, SimulatedOperation.Connect, credentials, static (t, s, c, _) => t.ConnectCore(s, c), cancellationToken);

    public ValueTask<TransportResult<TargetFacts>> ReadFactsAsync(FactKinds kinds, CancellationToken cancellationToken) =>
        target.RunAsync(this, SimulatedOperation.ReadFacts, kinds, static (t, s, k, d) => t.ReadFactsCore(s, k, d), cancellationToken);

    public ValueTask<TransportResult<ClaimState>> ReadClaimAsync(CancellationToken cancellationToken) =>
        target.RunAsync(this, SimulatedOperation.ReadClaim, 0, static (t, _, _, d) => t.ReadClaimCore(d), cancellationToken);

    public ValueTask<TransportResult<TargetClaim>> AcquireClaimAsync(ClaimRequest request, CancellationToken cancellationToken) =>
        target.RunAsync(this, SimulatedOperation.AcquireClaim, request, static (t, _, r, _) => t.AcquireClaimCore(r), cancellationToken);

    public ValueTask<TransportResult<Done>> ReleaseClaimAsync(TargetClaim claim, CancellationToken cancellationToken) =>
        target.RunAsync(this, SimulatedOperation.ReleaseClaim, claim, static (t, _, c, _) => t.ReleaseClaimCore(c), cancellationToken);

    public ValueTask<TransportResult<ImmutableArray<DepositInfo>>> ListDepositsAsync(CancellationToken cancellationToken) =>
        target.RunAsync(this, SimulatedOperation.ListDeposits, 0, static (t, _, _, d) => t.ListDepositsCore(d), cancellationToken);

    public ValueTask<TransportResult<IDeposit>> OpenDepositAsync(DepositManifest manifest, CancellationToken cancellationToken) =>
        target.RunAsync(this, SimulatedOperation.OpenDeposit, manifest, static (t, s, m, _) => t.OpenDepositCore(s, m), cancellationToken);

    public ValueTask<TransportResult<Done>> DiscardDepositAsync(string id, long generation, CancellationToken cancellationToken) =>
        target.RunAsync(this, SimulatedOperation.DiscardDeposit, (id, generation), static (t, _, a, _) => t.DiscardDepositCore(a.id, a.generation), cancellationToken);

    public ValueTask<TransportResult<ArmedState>> ReadArmedStateAsync(bool withDigests, CancellationToken cancellationToken) =>
        target.RunAsync(this, SimulatedOperation.ReadArmedState, withDigests, static (t, _, w, d) => t.ReadArmedStateCore(w, d), cancellationToken);

    public ValueTask<TransportResult<Done>> ArmAsync(ArmRequest request, CancellationToken cancellationToken) =>
        target.Persona.ArmsInTwoSteps ? ArmInTwoStepsAsync(request, cancellationToken) : ArmInOneStepAsync(request, cancellationToken);

    public ValueTask<TransportResult<Done>> DisarmAsync(string depositId, CancellationToken cancellationToken) =>
        target.RunAsync(this, SimulatedOperation.Disarm, depositId, static (t, _, id, _) => t.DisarmCore(id), cancellationToken);

    public ValueTask<TransportResult<Done>> ScheduleRebootAsync(RebootRequest request, CancellationToken cancellationToken) =>
        target.RunAsync(this, SimulatedOperation.ScheduleReboot, request, static (t, _, r, _) => t.ScheduleRebootCore(r), cancellationToken);

    public ValueTask<TransportResult<Done>> AbortRebootAsync(CancellationToken cancellationToken) =>
        target.RunAsync(this, SimulatedOperation.AbortReboot, 0, static (t, _, _, _) => t.AbortRebootCore(), cancellationToken);

    public ValueTask DisposeAsync()
    {
        Break();
        return ValueTask.CompletedTask;
    }

    private ValueTask<TransportResult<Done>> ArmInOneStepAsync(ArmRequest request, CancellationToken cancellationToken) =>
        target.RunAsync(this, SimulatedOperation.Arm, request, static (t, _, r, _) => t.ArmCore(r), cancellationToken);

    private async ValueTask<TransportResult<Done>> ArmInTwoStepsAsync(ArmRequest request, CancellationToken cancellationToken)
    {
        var prepared = await target.RunAsync(this, SimulatedOperation.PrepareArm, request, static (t, _, r, _) => t.PrepareArmCore(r), cancellationToken).ConfigureAwait(false);
        if (prepared.IsDefault || !prepared.TryGetValue(out _, out _))
        {
            return prepared;
        }

        var armed = await ArmInOneStepAsync(request, cancellationToken).ConfigureAwait(false);
        if (!armed.IsDefault && !armed.TryGetValue(out _, out var fault) && fault.Effect == FaultEffect.NotSent)
        {
            // The first step did change something.
            return fault with { Effect = FaultEffect.MayHaveApplied };
        }

        return armed;
    }

    private bool Offers(Type capability)
    {
        var needed = capability == typeof(IFactsCapability) ? SimulatedCapabilities.Facts
            : capability == typeof(IDepositCapability) ? SimulatedCapabilities.Deposit
            : capability == typeof(IArmingCapability) ? SimulatedCapabilities.Arming
            : capability == typeof(IPowerCapability) && target.Persona.HasPower ? SimulatedCapabilities.Power
            : capability == typeof(IClaimCapability) && target.Persona.HasClaim ? SimulatedCapabilities.Claim
            : SimulatedCapabilities.None;
        return (capabilities & needed) != SimulatedCapabilities.None;
    }
}

/// <summary>A deposit of a session; its handle dies with the session, the deposit stays.</summary>
internal sealed class SimulatedDeposit(SimulatedTarget target, SimulatedSession session, SimulatedTarget.StoredDeposit stored) : IDeposit
{
    private volatile bool _isClosed;

    public DepositManifest Manifest => stored.Manifest;

    public ValueTask<TransportResult<Done>> WriteAsync(int fileIndex, long offset, ReadOnlyMemory<byte> data, CancellationToken cancellationToken) =>
        target.RunAsync(
            session,
            SimulatedOperation.Write,
            (Deposit: this, fileIndex, offset, data),
            static (t, _, a, d) => a.Deposit._isClosed ? Closed : t.WriteCore(a.Deposit.Stored, a.fileIndex, a.offset, a.data, d),
            cancellationToken);

    public ValueTask<TransportResult<int>> ReadBackAsync(int fileIndex, long offset, Memory<byte> buffer, CancellationToken cancellationToken) =>
        target.RunAsync(
            session,
            SimulatedOperation.ReadBack,
            (Deposit: this, fileIndex, offset, buffer),
            static (t, _, a, d) => a.Deposit._isClosed ? Closed : t.ReadBackCore(a.Deposit.Stored, a.fileIndex, a.offset, a.buffer, d),
            cancellationToken);

    public ValueTask<TransportResult<ContentDigest>> DigestOnTargetAsync(int fileIndex, CancellationToken cancellationToken) =>
        target.RunAsync(
            session,
            SimulatedOperation.DigestOnTarget,
            (Deposit: this, fileIndex),
            static (t, _, a, d) => a.Deposit._isClosed ? Closed : t.DigestCore(a.Deposit.Stored, a.fileIndex, d),
            cancellationToken);

    public ValueTask<TransportResult<Done>> CommitAsync(CancellationToken cancellationToken) =>
        target.RunAsync(session, SimulatedOperation.Commit, this, static (t, _, a, _) => a._isClosed ? Closed : t.CommitCore(a.Stored), cancellationToken);

    public ValueTask DisposeAsync()
    {
        _isClosed = true;
        return ValueTask.CompletedTask;
    }

    private static TransportFault Closed => new(TransportFaultKind.Lost, FaultEffect.NotSent, "the deposit is closed");

    private SimulatedTarget.StoredDeposit Stored => stored;
}
