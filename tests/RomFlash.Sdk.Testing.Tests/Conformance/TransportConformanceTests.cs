using System.Collections.Immutable;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Probing;
using RomFlash.Sdk.Targets;
using RomFlash.Sdk.Testing.Conformance;
using RomFlash.Sdk.Testing.Simulation;
using RomFlash.Sdk.Testing.Tests.Simulation;
using RomFlash.Sdk.Transports;

namespace RomFlash.Sdk.Testing.Tests.Conformance;

public sealed class TransportConformanceTests
{
    private const string Hostile = "\u001b[31mS/N\r\n<b>&[x]\u202e";

    public static TheoryData<string> Personas => [.. SimulatedPersona.All.Select(p => p.Name)];

    public static TheoryData<string, string> Mutants => new()
    {
        { nameof(ThrowsWhenCancelled), "cancelled-before" },
        { nameof(ThrowsAfterDispose), "session-after-dispose" },
        { nameof(DisposesOnce), "session-dispose-twice" },
        { nameof(TellsMoreThanAsked), "facts-only-what-is-asked" },
        { nameof(CleansText), "facts-hostile-text" },
        { nameof(UsuallyDoesWhatItCant), "deposit-traits" },
        { nameof(ReadsBackShifted), "deposit-read-back" },
        { nameof(DigestsTheManifest), "deposit-digest" },
        { nameof(CommitsOnce), "deposit-commit-twice" },
        { nameof(DiscardsOnClose), "deposit-left-over" },
        { nameof(DiscardThatMisses), "deposit-discard" },
        { nameof(OverwritesDeposits), "deposit-id-taken" },
        { nameof(ArmsAtTheCommit), "deposit-inert" },
        { nameof(ForgetsWhatIsArmed), "arm-tells-what-is-armed" },
        { nameof(ListsWhatIsArmed), "arm-is-not-listed" },
        { nameof(ReplacesWhatIsArmed), "arm-busy" },
        { nameof(DisarmsAnything), "disarm-other" },
        { nameof(FailsToDisarmTwice), "disarm" },
        { nameof(KeepsTheGeneration), "claim-generation-grows" },
        { nameof(TakesOverAlways), "claim-held" },
        { nameof(ArmsForStaleOwners), "claim-fences-arming" },
        { nameof(ReleasesAnybodysClaim), "claim-release" },
        { nameof(WaitsTooShort), "power-delay" },
        { nameof(AbortOfNothingFails), "power-abort-of-nothing" },
        { nameof(IgnoresCancellation), "cancelled-before" },
        { nameof(HangsWhenCancelled), "cancelled-while-hanging" },
        { nameof(ReturnsDefault), "facts-unknown-is-no-fault" },
        { nameof(SaysNotSent), "cut-answer" },
        { nameof(SucceedsWithoutConnection), "cut-connection" },
        { nameof(RefusesWithAnEffect), "deposit-id-taken" },
    };

    private static async ValueTask<ConformanceSubject> SubjectAsync(SimulatedClock clock, SimulatedPersona persona, Func<ITargetSession, SimulatedTarget, DelegatingSession>? wrap)
    {
        await ValueTask.CompletedTask;
        var rack = new SimulatedRack(clock);
        var target = rack.Add(new()
        {
            Name = "subject",
            Roms = [new("system", Rig.Old)],
            KnownImages = [Rig.New],
            Persona = persona,
            Identity = new TargetIdentity { SerialNumber = Hostile, Product = "Simulated" },
            Accounts = [new SimulatedAccount("admin", "right")],
            MaxWriteBytes = 4096,
        });
        ITransport transport = wrap is null ? rack.Transport : new DelegatingTransport(rack.Transport, s => wrap(s, target));
        return new ConformanceSubject
        {
            Transport = transport,
            Endpoint = TargetEndpoint.TryCreate(target.Address).GetValueOrThrow(),
            UnknownEndpoint = TargetEndpoint.TryCreate("sim://nobody").GetValueOrThrow(),
            TimeProvider = clock,
            Image = Rig.New.Content,
            Credentials = () => TargetCredentials.Password("admin", new Secret("right")),
            WrongCredentials = () => TargetCredentials.Password("admin", new Secret("wrong")),
            HostileText = Hostile,
            CutConnections = () =>
            {
                target.BreakSessions();
                return ValueTask.CompletedTask;
            },
            LoseNextAnswer = () =>
            {
                target.InjectAt(target.OperationCount + 1, SimulatedFault.DisconnectAfter);
                return ValueTask.CompletedTask;
            },
            HangNextOperation = () =>
            {
                target.InjectAt(target.OperationCount + 1, SimulatedFault.Hang);
                return ValueTask.CompletedTask;
            },
            CleanUp = () =>
            {
                rack.Remove("subject");
                return ValueTask.CompletedTask;
            },
        };
    }

    private static ConformanceReport Run(SimulatedPersona persona, Func<ITargetSession, SimulatedTarget, DelegatingSession>? wrap, params string[] rules)
    {
        var clock = new SimulatedClock();
        return clock.Drive(() => TransportConformance.RunAsync(_ => SubjectAsync(clock, persona, wrap), rules.Length == 0 ? TransportConformance.Rules : [.. rules], CancellationToken.None));
    }

    [Theory]
    [MemberData(nameof(Personas))]
    public void RunAsync_SimulatedTransport_IsConformantInEveryPersona(string name)
    {
        var report = Run(SimulatedPersona.All.Single(p => p.Name == name), null);
        Assert.True(report.IsConformant, report.ToString());
        Assert.Equal(TransportConformance.Rules.AsEnumerable(), report.Checks.Select(c => c.Rule));
    }

    [Fact]
    public void RunAsync_OrdinaryPersona_LeavesOutOnlyWhatItCannotShow()
    {
        var report = Run(SimulatedPersona.Ordinary, null);
        Assert.Equal(
            ["deposit-unsupported-verification", "deposit-arms", "deposit-resumed", "disarm-unsupported"],
            report.Checks.Where(c => c.Result == ConformanceResult.NotApplicable).Select(c => c.Rule));
    }

    [Fact]
    public void RunAsync_TransportThatPassesOn_IsConformant()
    {
        var report = Run(SimulatedPersona.Ordinary, (s, _) => new DelegatingSession(s));
        Assert.True(report.IsConformant, report.ToString());
    }

    [Theory]
    [MemberData(nameof(Mutants))]
    public void RunAsync_BrokenTransport_IsCaughtByTheRuleForIt(string mutant, string rule)
    {
        var report = Run(SimulatedPersona.Ordinary, (s, t) => Create(mutant, s, t), rule);
        var check = Assert.Single(report.Checks);
        Assert.True(check.Result == ConformanceResult.Failed, $"{mutant} was not caught: {report}");
        Assert.NotEmpty(check.Detail);
        Assert.False(report.IsConformant);
    }

    [Fact]
    public void RunAsync_WithoutHooks_ReportsThoseRulesAsNotApplicable()
    {
        var clock = new SimulatedClock();
        var report = clock.Drive(() => TransportConformance.RunAsync(
            async _ =>
            {
                var full = await SubjectAsync(clock, SimulatedPersona.Ordinary, null);
                return new ConformanceSubject { Transport = full.Transport, Endpoint = full.Endpoint, TimeProvider = clock, Image = full.Image, Credentials = full.Credentials };
            },
            CancellationToken.None));
        Assert.True(report.IsConformant, report.ToString());
        Assert.All(
            report.Checks.Where(c => c.Rule is "connect-unknown-endpoint" or "connect-wrong-credentials" or "facts-hostile-text" or "cut-connection" or "cut-answer" or "cancelled-while-hanging"),
            c => Assert.Equal(ConformanceResult.NotApplicable, c.Result));
    }

    [Fact]
    public async Task RunAsync_UnknownRuleOrStopped_Throws()
    {
        await Assert.ThrowsAsync<ArgumentException>(() => TransportConformance.RunAsync(_ => SubjectAsync(new(), SimulatedPersona.Ordinary, null), ["no-such-rule"], CancellationToken.None));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => TransportConformance.RunAsync(_ => SubjectAsync(new(), SimulatedPersona.Ordinary, null), new CancellationToken(true)));
    }

    [Fact]
    public void ToString_ReportWithHostileDetail_EscapesIt()
    {
        var report = new ConformanceReport([new("rule", "requirement", ConformanceResult.Failed, "\u001b[2J")]);
        Assert.DoesNotContain('\u001b', report.ToString());
        Assert.Equal("rule", Assert.Single(report.Failures).Rule);
    }

    private static DelegatingSession Create(string mutant, ITargetSession session, SimulatedTarget target) => mutant switch
    {
        nameof(ThrowsWhenCancelled) => new ThrowsWhenCancelled(session),
        nameof(ThrowsAfterDispose) => new ThrowsAfterDispose(session),
        nameof(DisposesOnce) => new DisposesOnce(session),
        nameof(TellsMoreThanAsked) => new TellsMoreThanAsked(session),
        nameof(CleansText) => new CleansText(session),
        nameof(UsuallyDoesWhatItCant) => new UsuallyDoesWhatItCant(session),
        nameof(ReadsBackShifted) => new ReadsBackShifted(session),
        nameof(DigestsTheManifest) => new DigestsTheManifest(session),
        nameof(CommitsOnce) => new CommitsOnce(session),
        nameof(DiscardsOnClose) => new DiscardsOnClose(session),
        nameof(DiscardThatMisses) => new DiscardThatMisses(session),
        nameof(OverwritesDeposits) => new OverwritesDeposits(session),
        nameof(ArmsAtTheCommit) => new ArmsAtTheCommit(session),
        nameof(ForgetsWhatIsArmed) => new ForgetsWhatIsArmed(session),
        nameof(ListsWhatIsArmed) => new ListsWhatIsArmed(session, target),
        nameof(ReplacesWhatIsArmed) => new ReplacesWhatIsArmed(session, target),
        nameof(DisarmsAnything) => new DisarmsAnything(session, target),
        nameof(FailsToDisarmTwice) => new FailsToDisarmTwice(session, target),
        nameof(KeepsTheGeneration) => new KeepsTheGeneration(session, target),
        nameof(TakesOverAlways) => new TakesOverAlways(session, target),
        nameof(ArmsForStaleOwners) => new ArmsForStaleOwners(session, target),
        nameof(ReleasesAnybodysClaim) => new ReleasesAnybodysClaim(session, target),
        nameof(WaitsTooShort) => new WaitsTooShort(session),
        nameof(AbortOfNothingFails) => new AbortOfNothingFails(session, target),
        nameof(IgnoresCancellation) => new IgnoresCancellation(session),
        nameof(HangsWhenCancelled) => new HangsWhenCancelled(session),
        nameof(ReturnsDefault) => new ReturnsDefault(session),
        nameof(SaysNotSent) => new SaysNotSent(session),
        nameof(SucceedsWithoutConnection) => new SucceedsWithoutConnection(session),
        nameof(RefusesWithAnEffect) => new RefusesWithAnEffect(session),
        _ => throw new ArgumentException("There is no such mutant.", nameof(mutant)),
    };

    private sealed class ThrowsWhenCancelled(ITargetSession inner) : DelegatingSession(inner)
    {
        public override ValueTask<TransportResult<ImmutableArray<DepositInfo>>> ListDepositsAsync(CancellationToken cancellationToken)
        {
            cancellationToken.ThrowIfCancellationRequested();
            return base.ListDepositsAsync(cancellationToken);
        }
    }

    private sealed class ThrowsAfterDispose(ITargetSession inner) : DelegatingSession(inner)
    {
        private bool _disposed;

        public override ValueTask<TransportResult<ClaimState>> ReadClaimAsync(CancellationToken cancellationToken)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            return base.ReadClaimAsync(cancellationToken);
        }

        public override ValueTask DisposeAsync()
        {
            _disposed = true;
            return base.DisposeAsync();
        }
    }

    private sealed class DisposesOnce(ITargetSession inner) : DelegatingSession(inner)
    {
        private int _count;

        public override ValueTask DisposeAsync() => _count++ == 0 ? base.DisposeAsync() : throw new ObjectDisposedException(nameof(DisposesOnce));
    }

    private sealed class TellsMoreThanAsked(ITargetSession inner) : DelegatingSession(inner)
    {
        public override ValueTask<TransportResult<TargetFacts>> ReadFactsAsync(FactKinds kinds, CancellationToken cancellationToken) => base.ReadFactsAsync(kinds | FactKinds.Boot, cancellationToken);
    }

    private sealed class CleansText(ITargetSession inner) : DelegatingSession(inner)
    {
        public override async ValueTask<TransportResult<TargetFacts>> ReadFactsAsync(FactKinds kinds, CancellationToken cancellationToken) =>
            (await base.ReadFactsAsync(kinds, cancellationToken)).TryGetValue(out var facts, out var fault)
                ? facts.Identity.TryGet(out var identity) ? facts with { Identity = identity with { SerialNumber = identity.SerialNumber!.Trim('\u001b') } } : facts
                : fault;
    }

    private sealed class UsuallyDoesWhatItCant(ITargetSession inner) : DelegatingSession(inner)
    {
        public override DepositTraits Traits => base.Traits with { Verification = [VerificationMethod.ReadBack], Usual = VerificationMethod.DigestOnTarget };
    }

    private sealed class ReadsBackShifted(ITargetSession inner) : DelegatingSession(inner)
    {
        protected override IDeposit Wrap(IDeposit deposit) => new Deposit(deposit);

        private sealed class Deposit(IDeposit inner) : DelegatingDeposit(inner)
        {
            public override ValueTask<TransportResult<int>> ReadBackAsync(int fileIndex, long offset, Memory<byte> buffer, CancellationToken cancellationToken) =>
                base.ReadBackAsync(fileIndex, offset == 0 ? 0 : offset - 1, buffer, cancellationToken);
        }
    }

    private sealed class DigestsTheManifest(ITargetSession inner) : DelegatingSession(inner)
    {
        protected override IDeposit Wrap(IDeposit deposit) => new Deposit(deposit);

        private sealed class Deposit(IDeposit inner) : DelegatingDeposit(inner)
        {
            public override ValueTask<TransportResult<ContentDigest>> DigestOnTargetAsync(int fileIndex, CancellationToken cancellationToken) => new(Manifest.Digest);
        }
    }

    private sealed class CommitsOnce(ITargetSession inner) : DelegatingSession(inner)
    {
        protected override IDeposit Wrap(IDeposit deposit) => new Deposit(deposit);

        private sealed class Deposit(IDeposit inner) : DelegatingDeposit(inner)
        {
            private int _count;

            public override ValueTask<TransportResult<Done>> CommitAsync(CancellationToken cancellationToken) =>
                _count++ == 0 ? base.CommitAsync(cancellationToken) : new(new TransportFault(TransportFaultKind.AlreadyExists, FaultEffect.NotSent));
        }
    }

    private sealed class DiscardsOnClose(ITargetSession inner) : DelegatingSession(inner)
    {
        protected override IDeposit Wrap(IDeposit deposit) => new Deposit(deposit, Inner);

        private sealed class Deposit(IDeposit inner, ITargetSession session) : DelegatingDeposit(inner)
        {
            public override async ValueTask DisposeAsync() =>
                await session.GetCapability<IDepositCapability>()!.DiscardDepositAsync(Manifest.Id, Manifest.Generation, CancellationToken.None);
        }
    }

    private sealed class DiscardThatMisses(ITargetSession inner) : DelegatingSession(inner)
    {
        public override ValueTask<TransportResult<Done>> DiscardDepositAsync(string id, long generation, CancellationToken cancellationToken) => new(default(Done));
    }

    private sealed class OverwritesDeposits(ITargetSession inner) : DelegatingSession(inner)
    {
        public override async ValueTask<TransportResult<IDeposit>> OpenDepositAsync(DepositManifest manifest, CancellationToken cancellationToken)
        {
            await DiscardDepositAsync(manifest.Id, manifest.Generation, cancellationToken);
            return await base.OpenDepositAsync(manifest, cancellationToken);
        }
    }

    private sealed class ArmsAtTheCommit(ITargetSession inner) : DelegatingSession(inner)
    {
        protected override IDeposit Wrap(IDeposit deposit) => new Deposit(deposit, Inner);

        private sealed class Deposit(IDeposit inner, ITargetSession session) : DelegatingDeposit(inner)
        {
            public override async ValueTask<TransportResult<Done>> CommitAsync(CancellationToken cancellationToken)
            {
                await base.CommitAsync(cancellationToken);
                return await session.GetCapability<IArmingCapability>()!.ArmAsync(new(Manifest, ArmingMethod.CapsuleOnDisk), cancellationToken);
            }
        }
    }

    private sealed class ForgetsWhatIsArmed(ITargetSession inner) : DelegatingSession(inner)
    {
        public override async ValueTask<TransportResult<ArmedState>> ReadArmedStateAsync(bool withDigests, CancellationToken cancellationToken) =>
            (await base.ReadArmedStateAsync(withDigests, cancellationToken)).TryGetValue(out var state, out var fault) ? state with { DepositId = null } : fault;
    }

    private sealed class ListsWhatIsArmed(ITargetSession inner, SimulatedTarget target) : DelegatingSession(inner)
    {
        public override async ValueTask<TransportResult<ImmutableArray<DepositInfo>>> ListDepositsAsync(CancellationToken cancellationToken) =>
            (await base.ListDepositsAsync(cancellationToken)).TryGetValue(out var list, out var fault)
                ? target.ArmedDepositId is { } id ? list.Add(new(id, 1, true)) : list
                : fault;
    }

    private sealed class ReplacesWhatIsArmed(ITargetSession inner, SimulatedTarget target) : DelegatingSession(inner)
    {
        public override ValueTask<TransportResult<Done>> ArmAsync(ArmRequest request, CancellationToken cancellationToken)
        {
            target.DisarmBehindTheBack();
            return base.ArmAsync(request, cancellationToken);
        }
    }

    private sealed class DisarmsAnything(ITargetSession inner, SimulatedTarget target) : DelegatingSession(inner)
    {
        public override ValueTask<TransportResult<Done>> DisarmAsync(string depositId, CancellationToken cancellationToken) => base.DisarmAsync(target.ArmedDepositId ?? depositId, cancellationToken);
    }

    private sealed class FailsToDisarmTwice(ITargetSession inner, SimulatedTarget target) : DelegatingSession(inner)
    {
        public override ValueTask<TransportResult<Done>> DisarmAsync(string depositId, CancellationToken cancellationToken) =>
            target.ArmedDepositId is null ? new(new TransportFault(TransportFaultKind.NotFound, FaultEffect.NotSent)) : base.DisarmAsync(depositId, cancellationToken);
    }

    private sealed class KeepsTheGeneration(ITargetSession inner, SimulatedTarget target) : DelegatingSession(inner)
    {
        public override ValueTask<TransportResult<TargetClaim>> AcquireClaimAsync(ClaimRequest request, CancellationToken cancellationToken) =>
            target.Claim is { } claim && claim.Owner == request.Owner ? new(claim) : base.AcquireClaimAsync(request, cancellationToken);
    }

    private sealed class TakesOverAlways(ITargetSession inner, SimulatedTarget target) : DelegatingSession(inner)
    {
        public override ValueTask<TransportResult<TargetClaim>> AcquireClaimAsync(ClaimRequest request, CancellationToken cancellationToken) =>
            base.AcquireClaimAsync(request with { TakeOverGeneration = target.LastGeneration }, cancellationToken);
    }

    private sealed class ArmsForStaleOwners(ITargetSession inner, SimulatedTarget target) : DelegatingSession(inner)
    {
        public override async ValueTask<TransportResult<Done>> ArmAsync(ArmRequest request, CancellationToken cancellationToken)
        {
            if (target.Claim is { } claim && claim.Generation != request.Manifest.Generation)
            {
                target.PlantForeignCapsule("stale.cap", Rig.New.Content);
                return default(Done);
            }

            return await base.ArmAsync(request, cancellationToken);
        }
    }

    private sealed class ReleasesAnybodysClaim(ITargetSession inner, SimulatedTarget target) : DelegatingSession(inner)
    {
        public override ValueTask<TransportResult<Done>> ReleaseClaimAsync(TargetClaim claim, CancellationToken cancellationToken) => base.ReleaseClaimAsync(target.Claim ?? claim, cancellationToken);
    }

    private sealed class WaitsTooShort(ITargetSession inner) : DelegatingSession(inner)
    {
        public override TimeSpan DelayOf(TimeSpan asked) => TimeSpan.FromMinutes(Math.Floor(asked.TotalMinutes));
    }

    private sealed class AbortOfNothingFails(ITargetSession inner, SimulatedTarget target) : DelegatingSession(inner)
    {
        public override ValueTask<TransportResult<Done>> AbortRebootAsync(CancellationToken cancellationToken) =>
            target.RebootDue is null ? new(new TransportFault(TransportFaultKind.NotFound, FaultEffect.NotSent)) : base.AbortRebootAsync(cancellationToken);
    }

    private sealed class IgnoresCancellation(ITargetSession inner) : DelegatingSession(inner)
    {
        public override ValueTask<TransportResult<TargetClaim>> AcquireClaimAsync(ClaimRequest request, CancellationToken cancellationToken) => base.AcquireClaimAsync(request, CancellationToken.None);
    }

    private sealed class HangsWhenCancelled(ITargetSession inner) : DelegatingSession(inner)
    {
        public override ValueTask<TransportResult<TargetFacts>> ReadFactsAsync(FactKinds kinds, CancellationToken cancellationToken) => base.ReadFactsAsync(kinds, CancellationToken.None);
    }

    private sealed class ReturnsDefault(ITargetSession inner) : DelegatingSession(inner)
    {
        public override ValueTask<TransportResult<TargetFacts>> ReadFactsAsync(FactKinds kinds, CancellationToken cancellationToken) => default;
    }

    private sealed class SaysNotSent(ITargetSession inner) : DelegatingSession(inner)
    {
        public override async ValueTask<TransportResult<IDeposit>> OpenDepositAsync(DepositManifest manifest, CancellationToken cancellationToken) =>
            (await base.OpenDepositAsync(manifest, cancellationToken)).TryGetValue(out var deposit, out var fault)
                ? TransportResult<IDeposit>.From(deposit)
                : fault with { Effect = FaultEffect.NotSent };
    }

    private sealed class SucceedsWithoutConnection(ITargetSession inner) : DelegatingSession(inner)
    {
        public override async ValueTask<TransportResult<ClaimState>> ReadClaimAsync(CancellationToken cancellationToken) =>
            (await base.ReadClaimAsync(cancellationToken)).TryGetValue(out var state, out _) ? state : new ClaimState(null, 0);
    }

    private sealed class RefusesWithAnEffect(ITargetSession inner) : DelegatingSession(inner)
    {
        public override async ValueTask<TransportResult<IDeposit>> OpenDepositAsync(DepositManifest manifest, CancellationToken cancellationToken) =>
            (await base.OpenDepositAsync(manifest, cancellationToken)).TryGetValue(out var deposit, out var fault)
                ? TransportResult<IDeposit>.From(deposit)
                : fault with { Effect = FaultEffect.MayHaveApplied };
    }
}
