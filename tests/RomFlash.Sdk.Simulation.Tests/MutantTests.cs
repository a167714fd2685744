using System.Collections.Immutable;
using RomFlash.Sdk.Compatibility;
using RomFlash.Sdk.Confirmation;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Journal;
using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Pipeline;
using RomFlash.Sdk.Probing;
using RomFlash.Sdk.Scheduling;
using RomFlash.Sdk.Staging;
using RomFlash.Sdk.Targets;
using RomFlash.Sdk.Testing.Simulation;
using RomFlash.Sdk.Transports;

namespace RomFlash.Sdk.Simulation.Tests;

/// <summary>Deliberately wrong stages, one for each invariant: a simulation that does not catch them proves nothing.</summary>
public sealed class MutantTests
{
    [Fact]
    public void Invariant1_AStagerThatDoesNotVerify_IsCaught() => AssertCaught(
        1,
        o => With(o, stager: new BlindStager()),
        SimulatedPersona.Ordinary,
        SimulatedFault.Corrupt);

    [Fact]
    public void Invariant2_AStagerThatDoesNotCleanUp_IsCaught() => AssertCaught(
        2,
        o => With(o, stager: new UntidyStager()),
        SimulatedPersona.Ordinary,
        SimulatedFault.DisconnectUnsent);

    [Fact]
    public void Invariant3_ASchedulerThatTakesALostAnswerForNo_IsCaught() => AssertCaught(
        3,
        o => With(o, scheduler: new HastyScheduler()),
        SimulatedPersona.Ordinary,
        SimulatedFault.DisconnectAfter);

    [Fact]
    public void Invariant4_AConfirmerThatInfersSuccess_IsCaught() => AssertCaught(
        4,
        o => With(o, confirmer: new OptimisticConfirmer()),
        SimulatedPersona.Ordinary,
        SimulatedFault.Slow(TimeSpan.FromSeconds(1)));

    [Fact]
    public void Invariant5_AClientThatTakesOverUnasked_IsCaught()
    {
        var schedules = Enumerable.Range(1, 45).Select(n => new Schedule(SimulatedPersona.Ordinary, new Mishap(n, Incident: Incident.Compete)));
        AssertCaught(5, o => With(o, transports: [.. o.Transports.Select(t => new WrappingTransport(t, s => new GreedySession(s)))]), schedules);
    }

    [Fact]
    public void Invariant6_AJournalThatForgetsTheIntentToArm_IsCaught() => AssertCaught(
        6,
        o => With(o, journal: new ForgetfulJournal(o.Journal)),
        SimulatedPersona.Ordinary,
        SimulatedFault.CrashAfter);

    [Fact]
    public void Invariant7_ASchedulerThatOnlySaysThatItDisarmed_IsCaught()
    {
        var schedules = Enumerable.Range(1, 45).Select(n => new Schedule(SimulatedPersona.Ordinary, new Mishap(n, Incident: Incident.Cancel)));
        AssertCaught(7, o => With(o, scheduler: new PretendingScheduler()), schedules);
    }

    [Fact]
    public void Invariant10_AClientThatRemembersTheIdentityInsteadOfReadingIt_IsCaught()
    {
        var schedules = Enumerable.Range(1, 45).Select(n => new Schedule(SimulatedPersona.Ordinary, new Mishap(n, Incident: Incident.SwapMachine)));
        AssertCaught(10, o => With(o, transports: [.. o.Transports.Select(t => new RememberingTransport(t))]), schedules);
    }

    private static void AssertCaught(int invariant, Func<RomFlashClientOptions, RomFlashClientOptions> mutate, SimulatedPersona persona, SimulatedFault fault) =>
        AssertCaught(invariant, mutate, Enumerable.Range(1, 60).Select(n => new Schedule(persona, new Mishap(n, Fault: fault))));

    private static void AssertCaught(int invariant, Func<RomFlashClientOptions, RomFlashClientOptions> mutate, IEnumerable<Schedule> schedules)
    {
        var all = schedules.ToArray();

        // The same schedules are clean without the mutant, so it is the mutant that is caught.
        Assert.All(all, s => Assert.Empty(new Schedule(s.Persona, s.Mishaps).Run()));
        Assert.Contains(all.SelectMany(s => s.Run(mutate)), v => v.StartsWith($"invariant {invariant}:", StringComparison.Ordinal));
    }

    private static RomFlashClientOptions With(
        RomFlashClientOptions o,
        IReadOnlyList<ITransport>? transports = null,
        IFlashJournal? journal = null,
        IImageStager? stager = null,
        IFlashScheduler? scheduler = null,
        IFlashConfirmer? confirmer = null) => new()
    {
        Transports = transports ?? o.Transports,
        Catalog = o.Catalog,
        Journal = journal ?? o.Journal,
        Credentials = o.Credentials,
        TimeProvider = o.TimeProvider,
        Stager = stager ?? o.Stager,
        Scheduler = scheduler ?? o.Scheduler,
        Confirmer = confirmer ?? o.Confirmer,
    };

    /// <summary>Says that it read back what it never looked at.</summary>
    private sealed class BlindStager : IImageStager
    {
        public async ValueTask<FlashResult<StagingEvidence>> StageAsync(StageContext context, ApprovedUpgrade approved, DepositKey deposit, CancellationToken cancellationToken)
        {
            if (!(await context.Connection.GetAsync<IDepositCapability>(FlashStage.Stage, cancellationToken)).TryGetValue(out var found, out var failure))
            {
                return failure;
            }

            var manifest = new DepositManifest(deposit.Id, deposit.Generation, [.. approved.Components.Select((c, i) => new DepositFile($"romflash-{i:D2}.cap", c.Length, c.Sha256, c.ComponentId))]);
            if (!(await found.Capability.OpenDepositAsync(manifest, cancellationToken)).TryGetValue(out var open, out var fault))
            {
                return fault.ToFailure(FlashStage.Stage, context.Target, found.Endpoint, TargetState.Prepared);
            }

            await using (open)
            {
                for (var i = 0; i < approved.Components.Length; i++)
                {
                    await using var stream = (await approved.ImageOf(i).Source.OpenReadAsync(cancellationToken)).GetValueOrThrow();
                    var bytes = new byte[approved.ImageOf(i).Length];
                    await stream.ReadExactlyAsync(bytes, cancellationToken);
                    for (var offset = 0; offset < bytes.Length; offset += 2048)
                    {
                        if (!(await open.WriteAsync(i, offset, bytes.AsMemory(offset, Math.Min(2048, bytes.Length - offset)), cancellationToken)).TryGetValue(out _, out fault))
                        {
                            return fault.ToFailure(FlashStage.Stage, context.Target, found.Endpoint, TargetState.Prepared);
                        }
                    }
                }

                if (!(await open.CommitAsync(cancellationToken)).TryGetValue(out _, out fault))
                {
                    return fault.ToFailure(FlashStage.Stage, context.Target, found.Endpoint, TargetState.Prepared);
                }
            }

            return new StagingEvidence
            {
                Manifest = manifest,
                Files = [.. manifest.Files.Select(f => new StagedFile(f, f.Sha256, f.Sha256))],
                Verification = VerificationMethod.ReadBack,
                UsualVerification = VerificationMethod.ReadBack,
            };
        }

        public ValueTask<FlashResult<CleanUpEvidence>> CleanUpAsync(StageContext context, CleanUpScope scope, CancellationToken cancellationToken) =>
            DefaultStages.Stager.CleanUpAsync(context, scope, cancellationToken);
    }

    /// <summary>Says that it cleaned up.</summary>
    private sealed class UntidyStager : IImageStager
    {
        public ValueTask<FlashResult<StagingEvidence>> StageAsync(StageContext context, ApprovedUpgrade approved, DepositKey deposit, CancellationToken cancellationToken) =>
            DefaultStages.Stager.StageAsync(context, approved, deposit, cancellationToken);

        public ValueTask<FlashResult<CleanUpEvidence>> CleanUpAsync(StageContext context, CleanUpScope scope, CancellationToken cancellationToken) =>
            new(new CleanUpEvidence(1, []));
    }

    private abstract class SchedulerMutant : IFlashScheduler
    {
        public virtual ValueTask<FlashResult<ArmedState>> InspectAsync(StageContext context, CancellationToken cancellationToken) => DefaultStages.Scheduler.InspectAsync(context, cancellationToken);

        public virtual ValueTask<FlashResult<ArmingEvidence>> ArmAsync(StageContext context, StagedImage staged, Func<ArmingBaseline, CancellationToken, ValueTask<FlashResult<Done>>> beforeArming, CancellationToken cancellationToken) =>
            DefaultStages.Scheduler.ArmAsync(context, staged, beforeArming, cancellationToken);

        public virtual ValueTask<FlashResult<ArmedState>> DisarmAsync(StageContext context, string depositId, CancellationToken cancellationToken) => DefaultStages.Scheduler.DisarmAsync(context, depositId, cancellationToken);

        public ValueTask<FlashResult<RebootEvidence>> RebootAsync(StageContext context, ScheduledFlash scheduled, CancellationToken cancellationToken) => DefaultStages.Scheduler.RebootAsync(context, scheduled, cancellationToken);

        public ValueTask<FlashResult<Done>> AbortRebootAsync(StageContext context, CancellationToken cancellationToken) => DefaultStages.Scheduler.AbortRebootAsync(context, cancellationToken);
    }

    /// <summary>Takes every fault of the arming step for "nothing happened", and sees to it that nobody finds out.</summary>
    private sealed class HastyScheduler : SchedulerMutant
    {
        public override async ValueTask<FlashResult<ArmingEvidence>> ArmAsync(StageContext context, StagedImage staged, Func<ArmingBaseline, CancellationToken, ValueTask<FlashResult<Done>>> beforeArming, CancellationToken cancellationToken)
        {
            var facts = (await context.Connection.GetAsync<IFactsCapability>(FlashStage.Arm, cancellationToken)).GetValueOrThrow();
            if (!(await facts.Capability.ReadFactsAsync(FactKinds.Identity | FactKinds.Boot, cancellationToken)).TryGetValue(out var read, out _)
                || !read.Identity.TryGet(out var identity)
                || !read.Boot.TryGet(out var boot)
                || !(await beforeArming(new ArmingBaseline(identity, boot, new ArmingOffer(ArmingMethod.CapsuleOnDisk, true, false, 8)), cancellationToken)).TryGetValue(out _, out _))
            {
                return new ArmingNotPossible { TargetState = TargetState.Untouched };
            }

            var arming = (await context.Connection.GetAsync<IArmingCapability>(FlashStage.Arm, cancellationToken)).GetValueOrThrow();
            var armed = await arming.Capability.ArmAsync(new ArmRequest(staged.Manifest, ArmingMethod.CapsuleOnDisk), cancellationToken);
            return armed.TryGetValue(out _, out var fault)
                ? new ArmingEvidenceRejected { TargetState = TargetState.Untouched }
                : fault.ToFailure(FlashStage.Arm, context.Target, arming.Endpoint, TargetState.Untouched);
        }

        public override ValueTask<FlashResult<ArmedState>> DisarmAsync(StageContext context, string depositId, CancellationToken cancellationToken) =>
            new(new ArmedState { Phase = ArmedPhase.None });
    }

    /// <summary>Says that it disarmed.</summary>
    private sealed class PretendingScheduler : SchedulerMutant
    {
        public override ValueTask<FlashResult<ArmedState>> DisarmAsync(StageContext context, string depositId, CancellationToken cancellationToken) =>
            new(new ArmedState { Phase = ArmedPhase.None });
    }

    /// <summary>Reports what the catalog promised, without a look.</summary>
    private sealed class OptimisticConfirmer : IFlashConfirmer
    {
        public ValueTask<FlashResult<ConfirmationEvidence>> ConfirmAsync(StageContext context, ScheduledFlash scheduled, TimeSpan wait, CancellationToken cancellationToken) =>
            new(new ConfirmationEvidence
            {
                Answered = true,
                Facts = new TargetFacts
                {
                    Identity = scheduled.Identity,
                    Boot = new BootIdentity(scheduled.BootBefore.Value + "'"),
                    Roms = scheduled.Components.Select(c => new InstalledRom { Id = c.ComponentId, Kind = c.Kind, Versions = c.Expected }).ToImmutableArray(),
                },
            });
    }

    /// <summary>Acknowledges the intent to arm, and loses it.</summary>
    private sealed class ForgetfulJournal(IFlashJournal inner) : IFlashJournal
    {
        public string ClientId => inner.ClientId;

        public ValueTask<FlashResult<Done>> AppendAsync(FlashJournalRecord record, CancellationToken cancellationToken) =>
            record.Kind is FlashJournalRecordKind.ArmIntent or FlashJournalRecordKind.Armed or FlashJournalRecordKind.RebootIntent or FlashJournalRecordKind.RebootRequested
                ? new(default(Done))
                : inner.AppendAsync(record, cancellationToken);

        public ValueTask<FlashResult<ImmutableArray<FlashJournalRecord>>> ReadOpenAsync(string targetId, TargetIdentity? identity, CancellationToken cancellationToken) => inner.ReadOpenAsync(targetId, identity, cancellationToken);

        public IAsyncEnumerable<FlashJournalRecord> ReadHistoryAsync(string? targetId, CancellationToken cancellationToken) => inner.ReadHistoryAsync(targetId, cancellationToken);
    }

    private sealed class WrappingTransport(ITransport inner, Func<ITargetSession, ITargetSession> wrap) : ITransport
    {
        public string Scheme => inner.Scheme;

        public async ValueTask<TransportResult<ITargetSession>> ConnectAsync(TransportConnectRequest request, CancellationToken cancellationToken)
        {
            var result = await inner.ConnectAsync(request, cancellationToken);
            return result.TryGetValue(out var session, out var fault) ? TransportResult<ITargetSession>.From(wrap(session)) : fault;
        }
    }

    /// <summary>Takes every claim over, told to or not.</summary>
    private sealed class GreedySession(ITargetSession inner) : ITargetSession, IClaimCapability
    {
        private readonly IClaimCapability _claims = inner.GetCapability<IClaimCapability>()!;

        public TCapability? GetCapability<TCapability>()
            where TCapability : class, ITargetCapability => typeof(TCapability) == typeof(IClaimCapability) ? this as TCapability : inner.GetCapability<TCapability>();

        public async ValueTask<TransportResult<ClaimState>> ReadClaimAsync(CancellationToken cancellationToken)
        {
            var read = await _claims.ReadClaimAsync(cancellationToken);
            return read.TryGetValue(out var state, out var fault) ? new ClaimState(null, state.LastGeneration) : fault;
        }

        public async ValueTask<TransportResult<TargetClaim>> AcquireClaimAsync(ClaimRequest request, CancellationToken cancellationToken)
        {
            var read = await _claims.ReadClaimAsync(cancellationToken);
            return read.TryGetValue(out var state, out var fault)
                ? await _claims.AcquireClaimAsync(request with { TakeOverGeneration = state.Current?.Generation }, cancellationToken)
                : fault;
        }

        public ValueTask<TransportResult<Done>> ReleaseClaimAsync(TargetClaim claim, CancellationToken cancellationToken) => _claims.ReleaseClaimAsync(claim, cancellationToken);

        public ValueTask DisposeAsync() => inner.DisposeAsync();
    }

    /// <summary>Answers every question for the identity with the first answer that it ever got.</summary>
    private sealed class RememberingTransport(ITransport inner) : ITransport
    {
        private Fact<TargetIdentity> _identity;

        public string Scheme => inner.Scheme;

        public async ValueTask<TransportResult<ITargetSession>> ConnectAsync(TransportConnectRequest request, CancellationToken cancellationToken)
        {
            var result = await inner.ConnectAsync(request, cancellationToken);
            return result.TryGetValue(out var session, out var fault) ? TransportResult<ITargetSession>.From(new RememberingSession(session, this)) : fault;
        }

        private sealed class RememberingSession(ITargetSession session, RememberingTransport owner) : ITargetSession, IFactsCapability
        {
            public TCapability? GetCapability<TCapability>()
                where TCapability : class, ITargetCapability => typeof(TCapability) == typeof(IFactsCapability) ? this as TCapability : session.GetCapability<TCapability>();

            public async ValueTask<TransportResult<TargetFacts>> ReadFactsAsync(FactKinds kinds, CancellationToken cancellationToken)
            {
                var read = await session.GetCapability<IFactsCapability>()!.ReadFactsAsync(kinds, cancellationToken);
                if (!read.TryGetValue(out var facts, out var fault))
                {
                    return fault;
                }

                owner._identity = owner._identity.IsKnown ? owner._identity : facts.Identity;
                return facts with { Identity = owner._identity };
            }

            public ValueTask DisposeAsync() => session.DisposeAsync();
        }
    }
}
