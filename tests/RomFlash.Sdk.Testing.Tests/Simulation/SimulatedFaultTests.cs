using System.Security.Cryptography;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Probing;
using RomFlash.Sdk.Testing.Simulation;
using RomFlash.Sdk.Transports;

namespace RomFlash.Sdk.Testing.Tests.Simulation;

public sealed class SimulatedFaultTests
{
    private static readonly RebootRequest Restart = new(TimeSpan.FromSeconds(15), "restart", false);

    /// <summary>Every operation once, in an order in which each succeeds; stops at the first fault, as a client would.</summary>
    private static async Task<TransportFault?> RunAllAsync(Rig rig, ITransport transport, CancellationToken cancellationToken)
    {
        if (!Take(await transport.ConnectAsync(Rig.Request(rig.Target.Address, rig.Clock), cancellationToken), out var session, out var fault))
        {
            return fault;
        }

        await using (session)
        {
            var claims = session.GetCapability<IClaimCapability>()!;
            var deposits = session.GetCapability<IDepositCapability>()!;
            var arming = session.GetCapability<IArmingCapability>()!;
            var power = session.GetCapability<IPowerCapability>()!;
            if (!Take(await session.GetCapability<IFactsCapability>()!.ReadFactsAsync(FactKinds.All, cancellationToken), out _, out fault)
                || !Take(await claims.ReadClaimAsync(cancellationToken), out _, out fault)
                || !Take(await claims.AcquireClaimAsync(new("me"), cancellationToken), out var claim, out fault)
                || !Take(await deposits.ListDepositsAsync(cancellationToken), out _, out fault))
            {
                return fault;
            }

            var manifest = Rig.Manifest("d-1", claim.Generation, ("system", Rig.New));
            if (!Take(await deposits.OpenDepositAsync(manifest, cancellationToken), out var deposit, out fault)
                || !Take(await deposit.WriteAsync(0, 0, Rig.New.Content[..1000], cancellationToken), out _, out fault)
                || !Take(await deposit.WriteAsync(0, 1000, Rig.New.Content[1000..], cancellationToken), out _, out fault)
                || !Take(await deposit.ReadBackAsync(0, 0, new byte[100], cancellationToken), out _, out fault)
                || !Take(await deposit.DigestOnTargetAsync(0, cancellationToken), out _, out fault)
                || !Take(await deposit.CommitAsync(cancellationToken), out _, out fault)
                || !Take(await arming.ArmAsync(new(manifest, rig.Target.Persona.Method), cancellationToken), out _, out fault)
                || !Take(await arming.ReadArmedStateAsync(true, cancellationToken), out _, out fault)
                || !Take(await power.ScheduleRebootAsync(Restart, cancellationToken), out _, out fault)
                || !Take(await power.AbortRebootAsync(cancellationToken), out _, out fault)
                || !Take(await arming.DisarmAsync("d-1", cancellationToken), out _, out fault)
                || !Take(await deposits.DiscardDepositAsync("d-1", claim.Generation, cancellationToken), out _, out fault)
                || !Take(await claims.ReleaseClaimAsync(claim, cancellationToken), out _, out fault))
            {
                return fault;
            }
        }

        return null;
    }

    private static bool Take<T>(TransportResult<T> result, out T value, out TransportFault? fault)
        where T : notnull
    {
        fault = null;
        value = default!;
        return !result.IsDefault && result.TryGetValue(out value!, out fault);
    }

    private static string State(SimulatedTarget target) =>
        $"{target.Claim} {target.LastGeneration} [{string.Join(",", target.Deposits)}] {target.ArmedPhase} {string.Join(",", target.ArmedDigests)} {target.RebootDue}";

    private static async Task<List<string>> StatesOfCleanRunAsync(SimulatedPersona persona)
    {
        // The state before each operation, and after the last: what a cut before or after an operation must leave.
        var rig = new Rig(persona);
        Assert.Null(await RunAllAsync(rig, rig.Rack.Transport, CancellationToken.None));
        var count = rig.Target.OperationCount;
        var states = new List<string>();
        for (var n = 1; n <= count; n++)
        {
            var cut = new Rig(persona);
            cut.Target.InjectAt(n, SimulatedFault.Refuse(TransportFaultKind.AccessDenied));
            Assert.NotNull(await RunAllAsync(cut, cut.Rack.Transport, CancellationToken.None));
            states.Add(State(cut.Target));
        }

        states.Add(State(rig.Target));
        return states;
    }

    [Theory]
    [InlineData(nameof(SimulatedPersona.Ordinary))]
    [InlineData(nameof(SimulatedPersona.ArmingInTwoSteps))]
    public async Task Cut_BeforeAndAfterEveryOperation_LeavesExactlyTheStateBeforeOrAfter(string name)
    {
        var persona = SimulatedPersona.All.Single(p => p.Name == name);
        var states = await StatesOfCleanRunAsync(persona);
        for (var n = 1; n < states.Count; n++)
        {
            var before = new Rig(persona);
            before.Target.InjectAt(n, SimulatedFault.DisconnectBefore);
            Assert.Equal(TransportFaultKind.Lost, (await RunAllAsync(before, before.Rack.Transport, CancellationToken.None))!.Kind);
            Assert.Equal(states[n - 1], State(before.Target));

            var after = new Rig(persona);
            after.Target.InjectAt(n, SimulatedFault.DisconnectAfter);
            var fault = await RunAllAsync(after, after.Rack.Transport, CancellationToken.None);
            Assert.Equal(n == 1 ? FaultEffect.NotSent : FaultEffect.MayHaveApplied, fault!.Effect);
            Assert.Equal(after.Target.OperationLog[^1].Number, n);
            Assert.Equal(states[n], State(after.Target));
        }
    }

    [Fact]
    public async Task Crash_AtEveryOperation_LeavesTheStateAndNeverAnswersAndANewClientWorks()
    {
        var states = await StatesOfCleanRunAsync(SimulatedPersona.Ordinary);
        for (var n = 1; n < states.Count; n++)
        {
            foreach (var fault in new[] { SimulatedFault.CrashBefore, SimulatedFault.CrashAfter })
            {
                var rig = new Rig();
                rig.Target.InjectAt(n, fault);
                var dead = rig.Rack.Transport;
                using var cancel = new CancellationTokenSource();
                var work = rig.Clock.DriveUntil(() => RunAllAsync(rig, dead, cancel.Token), () => !dead.Life.IsAlive);
                await cancel.CancelAsync();

                Assert.False(work.IsCompleted);
                Assert.Equal(states[fault == SimulatedFault.CrashBefore ? n - 1 : n], State(rig.Target));
                var count = rig.Target.OperationCount;
                Assert.False(dead.ConnectAsync(Rig.Request(rig.Target.Address, rig.Clock), CancellationToken.None).IsCompleted);
                Assert.Equal(count, rig.Target.OperationCount);

                await using var session = Rig.Value(await rig.Rack.NewClient().ConnectAsync(Rig.Request(rig.Target.Address, rig.Clock), CancellationToken.None));
                Assert.True(Rig.Value(await session.GetCapability<IFactsCapability>()!.ReadFactsAsync(FactKinds.Boot, CancellationToken.None)).Boot.IsKnown);
            }
        }
    }

    [Fact]
    public async Task Hang_UntilCancelled_HasNoEffectAndHangAfterHasIt()
    {
        foreach (var (fault, applied) in new[] { (SimulatedFault.Hang, false), (SimulatedFault.HangAfter, true) })
        {
            var rig = new Rig();
            await using var session = await rig.ConnectAsync();
            rig.Target.Inject(SimulatedOperation.AcquireClaim, fault);
            using var cancel = new CancellationTokenSource();
            var pending = session.GetCapability<IClaimCapability>()!.AcquireClaimAsync(new("me"), cancel.Token).AsTask();
            Assert.False(pending.IsCompleted);
            await cancel.CancelAsync();
            var got = Rig.Fault(await pending);
            Assert.Equal((TransportFaultKind.Cancelled, FaultEffect.MayHaveApplied), (got.Kind, got.Effect));
            Assert.Equal(applied, rig.Target.Claim is not null);
        }
    }

    [Fact]
    public async Task HangIgnoringCancellation_Cancelled_StillHangs()
    {
        var rig = new Rig();
        await using var session = await rig.ConnectAsync();
        rig.Target.Inject(SimulatedOperation.ReadFacts, SimulatedFault.HangIgnoringCancellation);
        using var cancel = new CancellationTokenSource();
        var pending = session.GetCapability<IFactsCapability>()!.ReadFactsAsync(FactKinds.All, cancel.Token).AsTask();
        await cancel.CancelAsync();
        Assert.False(pending.IsCompleted);
    }

    [Fact]
    public void Slow_Operation_TakesEffectWhenTheClockSaysSo()
    {
        var rig = new Rig();
        rig.Target.Inject(SimulatedOperation.Connect, SimulatedFault.Slow(TimeSpan.FromMinutes(3)));
        var start = rig.Clock.GetUtcNow();
        rig.Clock.Drive(async () => await (await rig.ConnectAsync()).DisposeAsync());
        Assert.Equal(TimeSpan.FromMinutes(3), rig.Clock.GetUtcNow() - start);
    }

    [Fact]
    public void Slow_CancelledMeanwhile_HasNoEffect()
    {
        var rig = new Rig();
        rig.Target.Inject(SimulatedOperation.AcquireClaim, SimulatedFault.Slow(TimeSpan.FromMinutes(3)));
        rig.Clock.Drive(async () =>
        {
            await using var session = await rig.ConnectAsync();
            using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(60), rig.Clock);
            var fault = Rig.Fault(await session.GetCapability<IClaimCapability>()!.AcquireClaimAsync(new("me"), deadline.Token));
            Assert.Equal((TransportFaultKind.Cancelled, FaultEffect.NotSent), (fault.Kind, fault.Effect));
        });
        Assert.Null(rig.Target.Claim);
    }

    [Theory]
    [InlineData("corrupt", 20_128, false)]
    [InlineData("short", 10_064, false)]
    [InlineData("short and lying", 20_128, true)]
    public async Task Write_Distorted_LeavesOtherBytes(string what, int expectedLength, bool zeroTail)
    {
        var rig = new Rig();
        await using var session = await rig.ConnectAsync();
        var manifest = Rig.Manifest("d-1", await rig.ClaimAsync(session), ("system", Rig.New));
        await using var deposit = Rig.Value(await session.GetCapability<IDepositCapability>()!.OpenDepositAsync(manifest, CancellationToken.None));
        rig.Target.Inject(SimulatedOperation.Write, what switch
        {
            "corrupt" => SimulatedFault.Corrupt,
            "short" => SimulatedFault.ShortWrite,
            _ => SimulatedFault.ShortWriteLying,
        });
        var written = await deposit.WriteAsync(0, 0, Rig.New.Content, CancellationToken.None);
        if (what == "short")
        {
            Assert.Equal((TransportFaultKind.Lost, FaultEffect.MayHaveApplied), (Rig.Fault(written).Kind, Rig.Fault(written).Effect));
            Assert.Equal(TransportFaultKind.Lost, Rig.Fault(await deposit.CommitAsync(CancellationToken.None)).Kind);
            await using var next = await rig.ConnectAsync();
            Assert.Equal(expectedLength, FreeBefore() - await FreeAsync(rig));
            return;
        }

        Rig.Value(written);
        var found = new byte[Rig.New.Content.Length + 1];
        Assert.Equal(expectedLength, Rig.Value(await deposit.ReadBackAsync(0, 0, found, CancellationToken.None)));
        var content = found.AsSpan(0, expectedLength);
        Assert.False(content.SequenceEqual(Rig.New.Content.Span));
        Assert.Equal(zeroTail, content[^5000..].IndexOfAnyExcept((byte)0) < 0);
        Assert.Equal(new ContentDigest(SHA256.HashData(content)), Rig.Value(await deposit.DigestOnTargetAsync(0, CancellationToken.None)));
        Assert.True(SimulatedRom.TryRead(Rig.New.Content.ToArray(), out _, out _), "the shared image was changed");
    }

    private static long FreeBefore() => 402_653_184;

    private static async Task<long> FreeAsync(Rig rig)
    {
        Assert.True((await rig.FactsAsync()).SystemPartition.TryGet(out var partition));
        Assert.True(partition.FreeBytes.TryGet(out var free));
        return free;
    }

    [Fact]
    public async Task Corrupt_Readings_AreWrongWhileTheTargetIsRight()
    {
        var rig = new Rig();
        await using var session = await rig.ConnectAsync();
        var manifest = Rig.Manifest("d-1", await rig.ClaimAsync(session), ("system", Rig.New));
        await using var deposit = Rig.Value(await session.GetCapability<IDepositCapability>()!.OpenDepositAsync(manifest, CancellationToken.None));
        Rig.Value(await deposit.WriteAsync(0, 0, Rig.New.Content, CancellationToken.None));

        rig.Target.Inject(SimulatedOperation.ReadBack, SimulatedFault.Corrupt);
        var buffer = new byte[Rig.New.Content.Length];
        Rig.Value(await deposit.ReadBackAsync(0, 0, buffer, CancellationToken.None));
        Assert.NotEqual(Rig.New.Content.ToArray(), buffer);
        Rig.Value(await deposit.ReadBackAsync(0, 0, buffer, CancellationToken.None));
        Assert.Equal(Rig.New.Content.ToArray(), buffer);

        rig.Target.Inject(SimulatedOperation.DigestOnTarget, SimulatedFault.Corrupt);
        Assert.NotEqual(Rig.New.Sha256, Rig.Value(await deposit.DigestOnTargetAsync(0, CancellationToken.None)));
        Assert.Equal(Rig.New.Sha256, Rig.Value(await deposit.DigestOnTargetAsync(0, CancellationToken.None)));

        Rig.Value(await deposit.CommitAsync(CancellationToken.None));
        Rig.Value(await rig.ArmAsync(session, manifest));
        var arming = session.GetCapability<IArmingCapability>()!;
        rig.Target.Inject(SimulatedOperation.ReadArmedState, SimulatedFault.Corrupt);
        Assert.NotEqual(Rig.New.Sha256, Assert.Single(Rig.Value(await arming.ReadArmedStateAsync(true, CancellationToken.None)).Items).Sha256);

        rig.Target.Inject(SimulatedOperation.ReadFacts, SimulatedFault.Corrupt);
        var nonsense = Rig.Value(await session.GetCapability<IFactsCapability>()!.ReadFactsAsync(FactKinds.Roms | FactKinds.SystemPartition, CancellationToken.None));
        Assert.Equal(FactKinds.Roms | FactKinds.SystemPartition, nonsense.Known);
        Assert.False(TargetReport.TryCreate(rig.Target.ToFlashTarget(), new ProbeEvidence { Facts = nonsense }).TryGetValue(out _, out var failure));
        Assert.IsType<ProtocolViolation>(failure);

        rig.Target.Inject(SimulatedOperation.ReadClaim, SimulatedFault.Corrupt);
        Assert.True(Rig.Value(await session.GetCapability<IClaimCapability>()!.ReadClaimAsync(CancellationToken.None)).LastGeneration < 0);
        rig.Target.Inject(SimulatedOperation.ListDeposits, SimulatedFault.Corrupt);
        Assert.Contains("..", Assert.Single(Rig.Value(await session.GetCapability<IDepositCapability>()!.ListDepositsAsync(CancellationToken.None))).Id, StringComparison.Ordinal);
        rig.Target.Inject(SimulatedOperation.Disarm, SimulatedFault.Corrupt);
        Assert.Equal(TransportFaultKind.ProtocolViolation, Rig.Fault(await arming.DisarmAsync("d-1", CancellationToken.None)).Kind);
        Assert.Equal(ArmedPhase.None, rig.Target.ArmedPhase);
    }

    [Fact]
    public async Task Refuse_AnyKind_IsReportedWithItsCodeAndWithoutEffect()
    {
        var rig = new Rig();
        await using var session = await rig.ConnectAsync();
        var code = new PeerCode(PeerCode.NtStatus, 0xC0000022);
        rig.Target.Inject(SimulatedOperation.AcquireClaim, SimulatedFault.Refuse(TransportFaultKind.AccessDenied, code));
        var fault = Rig.Fault(await session.GetCapability<IClaimCapability>()!.AcquireClaimAsync(new("me"), CancellationToken.None));
        Assert.Equal((TransportFaultKind.AccessDenied, FaultEffect.NotSent, code), (fault.Kind, fault.Effect, fault.PeerCode));
        Assert.Null(rig.Target.Claim);
        Assert.Equal(TransportFaultKind.NoSpace, SimulatedFault.Full.Reported);
    }

    [Fact]
    public async Task NonsenseThrowAndDefault_Operation_AnswersAsABrokenTransportWould()
    {
        var rig = new Rig();
        await using var session = await rig.ConnectAsync();
        var claims = session.GetCapability<IClaimCapability>()!;
        rig.Target.Inject(SimulatedOperation.AcquireClaim, SimulatedFault.Nonsense);
        var fault = Rig.Fault(await claims.AcquireClaimAsync(new("me"), CancellationToken.None));
        Assert.Equal((TransportFaultKind.ProtocolViolation, FaultEffect.MayHaveApplied), (fault.Kind, fault.Effect));
        Assert.Equal(1, rig.Target.LastGeneration);

        rig.Target.Inject(SimulatedOperation.AcquireClaim, SimulatedFault.Throw);
        await Assert.ThrowsAsync<InvalidOperationException>(async () => await claims.AcquireClaimAsync(new("me"), CancellationToken.None));
        rig.Target.Inject(SimulatedOperation.AcquireClaim, SimulatedFault.ReturnsDefault);
        Assert.True((await claims.AcquireClaimAsync(new("me"), CancellationToken.None)).IsDefault);
        Assert.Equal(1, rig.Target.LastGeneration);
    }

    [Fact]
    public async Task Inject_SkipAndCount_MeetsExactlyThose()
    {
        var rig = new Rig();
        await using var session = await rig.ConnectAsync();
        rig.Target.Inject(SimulatedOperation.ReadClaim, SimulatedFault.Refuse(TransportFaultKind.Busy), skip: 1, count: 2);
        var met = new List<bool>();
        for (var i = 0; i < 5; i++)
        {
            met.Add(!(await session.GetCapability<IClaimCapability>()!.ReadClaimAsync(CancellationToken.None)).TryGetValue(out _, out _));
        }

        Assert.Equal([false, true, true, false, false], met);

        rig.Target.InjectFrom(rig.Target.OperationCount + 1, SimulatedFault.DisconnectBefore);
        for (var i = 0; i < 3; i++)
        {
            Assert.Equal(TransportFaultKind.Lost, Rig.Fault(await rig.Rack.Transport.ConnectAsync(Rig.Request(rig.Target.Address, rig.Clock), CancellationToken.None)).Kind);
        }

        rig.Target.ClearFaults();
        await (await rig.ConnectAsync()).DisposeAsync();
    }
}
