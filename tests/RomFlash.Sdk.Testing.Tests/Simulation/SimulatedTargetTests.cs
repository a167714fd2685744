using RomFlash.Sdk.Images;
using RomFlash.Sdk.Probing;
using RomFlash.Sdk.Targets;
using RomFlash.Sdk.Testing.Simulation;
using RomFlash.Sdk.Transports;

namespace RomFlash.Sdk.Testing.Tests.Simulation;

public sealed class SimulatedTargetTests
{
    [Fact]
    public async Task Connect_TargetThatIsNotInTheRack_DoesNotExist()
    {
        var clock = new SimulatedClock();
        var rack = new SimulatedRack(clock);
        var target = new SimulatedTarget(new() { Name = "loose", Roms = [new("system", Rig.Old)] }, clock);
        var request = Rig.Request("sim://loose", clock);
        Assert.Equal(TransportFaultKind.NameNotResolved, Rig.Fault(await rack.Transport.ConnectAsync(request, CancellationToken.None)).Kind);

        rack.SetAddress("loose", target, SimulatedCapabilities.All);
        await Rig.Value(await rack.Transport.ConnectAsync(request, CancellationToken.None)).DisposeAsync();
        Assert.Equal(TransportFaultKind.NameNotResolved, Rig.Fault(await new SimulatedRack(clock).Transport.ConnectAsync(request, CancellationToken.None)).Kind);
        Assert.True(rack.Remove("loose"));
        Assert.Equal(TransportFaultKind.NameNotResolved, Rig.Fault(await rack.Transport.ConnectAsync(request, CancellationToken.None)).Kind);
    }

    [Fact]
    public async Task Connect_OtherScheme_IsNotServed()
    {
        var rig = new Rig();
        Assert.Equal(TransportFaultKind.NameNotResolved, Rig.Fault(await rig.Rack.Transport.ConnectAsync(Rig.Request("ssh://server-1", rig.Clock), CancellationToken.None)).Kind);
    }

    [Fact]
    public async Task SetAddress_SecondAddressWithFewerCapabilities_ReachesTheSameMachine()
    {
        var rig = new Rig();
        rig.Rack.SetAddress("server-1-bmc", rig.Target, SimulatedCapabilities.Facts | SimulatedCapabilities.Power);
        await using var session = Rig.Value(await rig.Rack.Transport.ConnectAsync(Rig.Request("sim://server-1-bmc", rig.Clock), CancellationToken.None));
        Assert.Null(session.GetCapability<IDepositCapability>());
        Assert.Null(session.GetCapability<IArmingCapability>());
        Assert.Null(session.GetCapability<IClaimCapability>());
        Assert.NotNull(session.GetCapability<IPowerCapability>());
        Assert.Equal(rig.Target.Boot, Rig.Value(await session.GetCapability<IFactsCapability>()!.ReadFactsAsync(FactKinds.Boot, CancellationToken.None)).Boot);
    }

    [Fact]
    public async Task Connect_Accounts_LetInWhoHasThePasswordAndTellTheRights()
    {
        var rig = new Rig(change: o => o with
        {
            Accounts =
            [
                new SimulatedAccount("admin", "canary-password"),
                new SimulatedAccount("guest", "guest", isAdministrator: false),
                new SimulatedAccount("gone", "gone") { Refusal = TransportFaultKind.AccountDisabled },
            ],
        });
        Assert.Equal(TransportFaultKind.CredentialsRejected, await FaultOfAsync(TargetCredentials.None));
        Assert.Equal(TransportFaultKind.CurrentUserUnavailable, await FaultOfAsync(TargetCredentials.CurrentUser));
        Assert.Equal(TransportFaultKind.CredentialsRejected, await FaultOfAsync(TargetCredentials.Password("admin", new Secret("wrong"))));
        Assert.Equal(TransportFaultKind.AccountDisabled, await FaultOfAsync(TargetCredentials.Password("gone", new Secret("gone"))));
        Assert.Equal(AccountRights.Administrator, await RightsOfAsync("ADMIN", "canary-password"));
        Assert.Equal(AccountRights.NotAdministrator, await RightsOfAsync("guest", "guest"));
        Assert.DoesNotContain("canary", rig.Target.Options.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain("canary", string.Join(",", rig.Target.Options.Accounts), StringComparison.Ordinal);

        async Task<TransportFaultKind> FaultOfAsync(TargetCredentials credentials) =>
            Rig.Fault(await rig.Rack.Transport.ConnectAsync(Rig.Request(rig.Target.Address, rig.Clock, credentials), CancellationToken.None)).Kind;

        async Task<Fact<AccountRights>> RightsOfAsync(string user, string password)
        {
            using var credentials = TargetCredentials.Password(user, new Secret(password));
            await using var session = Rig.Value(await rig.Rack.Transport.ConnectAsync(Rig.Request(rig.Target.Address, rig.Clock, credentials), CancellationToken.None));
            return Rig.Value(await session.GetCapability<IFactsCapability>()!.ReadFactsAsync(FactKinds.Account, CancellationToken.None)).Account;
        }
    }

    [Fact]
    public async Task ReadFacts_OneKind_TellsNothingElse()
    {
        var rig = new Rig(change: o => o with { Hardware = new HardwareDescription { Family = "Series 300" } });
        foreach (var kind in Enum.GetValues<FactKinds>())
        {
            Assert.Equal(kind, (await rig.FactsAsync(kind)).Known);
        }
    }

    [Fact]
    public async Task TakeOver_OlderDeposit_CanBeSeenAndDiscardedButNotArmed()
    {
        var rig = new Rig();
        await using var session = await rig.ConnectAsync();
        await rig.ClaimAsync(session, "first");
        var manifest = await rig.DepositAsync(session, "d-1", ("system", Rig.New));
        await using var other = await rig.ConnectAsync();
        var claims = other.GetCapability<IClaimCapability>()!;
        Assert.Equal(TransportFaultKind.ClaimHeld, Rig.Fault(await claims.AcquireClaimAsync(new("second"), CancellationToken.None)).Kind);
        Assert.Equal(TransportFaultKind.ClaimHeld, Rig.Fault(await claims.AcquireClaimAsync(new("second", 99), CancellationToken.None)).Kind);
        Assert.Equal(2, Rig.Value(await claims.AcquireClaimAsync(new("second", 1), CancellationToken.None)).Generation);

        var fault = Rig.Fault(await rig.ArmAsync(session, manifest));
        Assert.Equal((TransportFaultKind.Fenced, FaultEffect.NotSent), (fault.Kind, fault.Effect));
        var deposits = session.GetCapability<IDepositCapability>()!;
        Assert.Equal(TransportFaultKind.Fenced, Rig.Fault(await deposits.OpenDepositAsync(Rig.Manifest("d-2", 1, ("system", Rig.New)), CancellationToken.None)).Kind);
        Assert.Equal(new DepositInfo("d-1", 1, true), Assert.Single(Rig.Value(await deposits.ListDepositsAsync(CancellationToken.None))));
        Rig.Value(await deposits.DiscardDepositAsync("d-1", 1, CancellationToken.None));
        Assert.Empty(rig.Target.Deposits);
        Rig.Value(await session.GetCapability<IClaimCapability>()!.ReleaseClaimAsync(new("first", 1), CancellationToken.None));
        Assert.Equal(new TargetClaim("second", 2), rig.Target.Claim);
    }

    [Fact]
    public async Task Arm_WithSomethingElseInPlace_IsBusy()
    {
        var rig = new Rig();
        await using var session = await rig.ConnectAsync();
        await rig.ClaimAsync(session);
        var first = await rig.DepositAsync(session, "d-1", ("system", Rig.New));
        var second = await rig.DepositAsync(session, "d-2", ("system", Rig.New));
        rig.Target.PlantForeignCapsule("other.cap", new byte[10], armed: false);
        Assert.Equal(TransportFaultKind.Busy, Rig.Fault(await rig.ArmAsync(session, first)).Kind);
        rig.Target.DisarmBehindTheBack();
        Rig.Value(await rig.ArmAsync(session, first));
        Assert.Equal(TransportFaultKind.Busy, Rig.Fault(await rig.ArmAsync(session, second)).Kind);
        Assert.Equal(TransportFaultKind.Busy, Rig.Fault(await session.GetCapability<IDepositCapability>()!.DiscardDepositAsync("d-1", 1, CancellationToken.None)).Kind);
        Assert.Equal("d-1", rig.Target.ArmedDepositId);
    }

    [Fact]
    public async Task Arm_DepositThatIsOpen_IsNotFound()
    {
        var rig = new Rig();
        await using var session = await rig.ConnectAsync();
        var manifest = Rig.Manifest("d-1", await rig.ClaimAsync(session), ("system", Rig.New));
        await using var deposit = Rig.Value(await session.GetCapability<IDepositCapability>()!.OpenDepositAsync(manifest, CancellationToken.None));
        Assert.Equal(TransportFaultKind.NotFound, Rig.Fault(await rig.ArmAsync(session, manifest)).Kind);
        Assert.Equal(TransportFaultKind.Rejected, Rig.Fault(await deposit.CommitAsync(CancellationToken.None)).Kind);
    }

    [Fact]
    public async Task OpenDeposit_PartitionFullOrReadOnly_IsRefused()
    {
        var full = new Rig(change: o => o with { SystemPartition = o.SystemPartition with { FreeBytes = 20_000 } });
        await using var session = await full.ConnectAsync();
        var manifest = Rig.Manifest("d-1", await full.ClaimAsync(session), ("system", Rig.New));
        Assert.Equal(TransportFaultKind.NoSpace, Rig.Fault(await session.GetCapability<IDepositCapability>()!.OpenDepositAsync(manifest, CancellationToken.None)).Kind);
        full.Target.Reconfigure(o => o with { SystemPartition = o.SystemPartition with { FreeBytes = 30_000, IsReadOnly = true } });
        Assert.Equal(TransportFaultKind.ReadOnly, Rig.Fault(await session.GetCapability<IDepositCapability>()!.OpenDepositAsync(manifest, CancellationToken.None)).Kind);
    }

    [Fact]
    public async Task Tampering_EveryWay_ChangesWhatAClientSees()
    {
        var rig = new Rig();
        await using var session = await rig.ConnectAsync();
        await rig.ClaimAsync(session);
        Assert.False(rig.Target.CorruptDeposit());
        Assert.False(rig.Target.CorruptArmed());
        var manifest = await rig.DepositAsync(session, "d-1", ("system", Rig.New));
        Assert.True(rig.Target.CorruptDeposit(0, 5));
        Rig.Value(await rig.ArmAsync(session, manifest));
        var first = Assert.Single(rig.Target.ArmedDigests);
        Assert.NotEqual(Rig.New.Sha256, first);
        Assert.True(rig.Target.CorruptArmed(0, 7));
        Assert.NotEqual(first, Assert.Single(rig.Target.ArmedDigests));
        rig.Target.DisarmBehindTheBack();
        Assert.Equal(ArmedPhase.None, rig.Target.ArmedPhase);
        rig.Target.ReplaceIdentity(new TargetIdentity { SerialNumber = "another" });
        Assert.True((await rig.FactsAsync()).Identity.TryGet(out var identity));
        Assert.Equal("another", identity.SerialNumber);
        Assert.Equal(2, rig.Target.PlantClaim("somebody").Generation);
        rig.Target.PlantDeposit(Rig.Manifest("left-over", 1, ("system", Rig.New)), committed: false);
        Assert.Equal(new DepositInfo("left-over", 1, false), Assert.Single(rig.Target.Deposits));
    }

    [Fact]
    public async Task Away_WhileBooting_RefusesConnectionsAndEndsSessions()
    {
        var rig = new Rig(change: o => o with { WhenAway = TransportFaultKind.TimedOut });
        await using var session = await rig.ConnectAsync();
        rig.Target.Restart();
        var dead = Rig.Fault(await session.GetCapability<IFactsCapability>()!.ReadFactsAsync(FactKinds.Boot, CancellationToken.None));
        Assert.Equal((TransportFaultKind.Lost, FaultEffect.NotSent), (dead.Kind, dead.Effect));
        rig.Clock.Advance(TimeSpan.FromSeconds(89));
        var away = Rig.Fault(await rig.Rack.Transport.ConnectAsync(Rig.Request(rig.Target.Address, rig.Clock), CancellationToken.None));
        Assert.Equal((TransportFaultKind.TimedOut, FaultEffect.NotSent), (away.Kind, away.Effect));
        rig.Clock.Advance(TimeSpan.FromSeconds(1));
        await (await rig.ConnectAsync()).DisposeAsync();
    }

    [Fact]
    public async Task History_OneUpgrade_TellsAllThatHappened()
    {
        var rig = new Rig();
        await rig.FlashAsync(("system", Rig.New));
        Assert.Equal(
            [
                SimulatedEventKind.Connected, SimulatedEventKind.ClaimAcquired, SimulatedEventKind.DepositOpened, SimulatedEventKind.Deposited,
                SimulatedEventKind.Committed, SimulatedEventKind.Armed, SimulatedEventKind.RebootRequested, SimulatedEventKind.Booted,
                SimulatedEventKind.FlashStarted, SimulatedEventKind.Flashed,
            ],
            rig.Kinds);
        Assert.Equal(Rig.New.Sha256, rig.Target.History.Single(e => e.Kind == SimulatedEventKind.Deposited).Digest);
        Assert.Equal(
            [
                SimulatedOperation.Connect, SimulatedOperation.AcquireClaim, SimulatedOperation.OpenDeposit, SimulatedOperation.Write,
                SimulatedOperation.Write, SimulatedOperation.Commit, SimulatedOperation.Arm, SimulatedOperation.ScheduleReboot,
            ],
            rig.Target.OperationLog.Select(o => o.Operation));
        Assert.Equal(Enumerable.Range(1, 8), rig.Target.OperationLog.Select(o => o.Number));
    }

    [Fact]
    public async Task Upgrade_TheSameTwice_GivesTheSameHistory()
    {
        var first = new Rig();
        var second = new Rig();
        await first.FlashAsync(("system", Rig.New), ("array-0", Rig.NewArray));
        await second.FlashAsync(("system", Rig.New), ("array-0", Rig.NewArray));
        Assert.Equal(first.Target.History.AsEnumerable(), second.Target.History.AsEnumerable());
    }

    [Fact]
    public void AcquireClaim_ManyThreadsOnOneTarget_OneGetsIt()
    {
        var rig = new Rig();
        var won = 0;
        Parallel.For(0, 64, i =>
        {
            var connected = rig.Rack.Transport.ConnectAsync(Rig.Request(rig.Target.Address, rig.Clock), CancellationToken.None);
            Assert.True(connected.IsCompletedSuccessfully);
            var acquired = Rig.Value(connected.Result).GetCapability<IClaimCapability>()!.AcquireClaimAsync(new($"client-{i}"), CancellationToken.None);
            Assert.True(acquired.IsCompletedSuccessfully);
            if (acquired.Result.TryGetValue(out _, out _))
            {
                Interlocked.Increment(ref won);
            }
        });
        Assert.Equal(1, won);
        Assert.Equal(1, rig.Target.LastGeneration);
        Assert.Equal(128, rig.Target.OperationCount);
    }

    [Fact]
    public async Task NewClient_SessionsOfTheOldOne_NeverAnswerAndHaveNoEffect()
    {
        var rig = new Rig();
        await using var old = await rig.ConnectAsync();
        var beside = new ClientLife();
        await using var other = await rig.ConnectAsync(rig.Rack.CreateTransport(beside));
        rig.Rack.NewClient();
        var pending = old.GetCapability<IClaimCapability>()!.AcquireClaimAsync(new("old"), CancellationToken.None);
        Assert.False(pending.IsCompleted);
        Assert.Null(rig.Target.Claim);
        Assert.Equal(1, await rig.ClaimAsync(other, "beside"));
        Assert.True(beside.IsAlive && rig.Rack.Client.IsAlive);
    }

    [Fact]
    public async Task Memory_ManyTargetsThroughAnUpgrade_IsBelow64KilobytesEach()
    {
        var system = SimulatedRom.Create(Rig.SystemClass, RomKind.SystemRom, "U30 v2.60 (01/01/2022)", 0x260, 1 << 20);
        var old = SimulatedRom.Create(Rig.SystemClass, RomKind.SystemRom, "U30 v2.40 (01/02/2020)", 0x240, 1 << 20);
        await UpgradeAsync(0, 20);
        const int count = 500;
        var before = GC.GetAllocatedBytesForCurrentThread();
        var targets = UpgradeAsync(1, count);
        Assert.True(targets.IsCompletedSuccessfully, "an operation did not complete inline");
        var each = (GC.GetAllocatedBytesForCurrentThread() - before) / count;
        Assert.True(each < 64 * 1024, $"{each} bytes for each target");
        Assert.All(await targets, t => Assert.Same(system, t.RomOf("system")));

        async Task<List<SimulatedTarget>> UpgradeAsync(int series, int number)
        {
            var clock = new SimulatedClock();
            var rack = new SimulatedRack(clock);
            var built = new List<SimulatedTarget>(number);
            for (var i = 0; i < number; i++)
            {
                var target = rack.Add(new() { Name = $"t-{series}-{i}", Roms = [new("system", old)], KnownImages = [system], BootDuration = TimeSpan.Zero });
                await using var session = Rig.Value(await rack.Transport.ConnectAsync(Rig.Request(target.Address, clock), CancellationToken.None));
                var claim = Rig.Value(await session.GetCapability<IClaimCapability>()!.AcquireClaimAsync(new("me"), CancellationToken.None));
                var manifest = Rig.Manifest("d-1", claim.Generation, ("system", system));
                await using var deposit = Rig.Value(await session.GetCapability<IDepositCapability>()!.OpenDepositAsync(manifest, CancellationToken.None));
                for (var offset = 0; offset < system.Content.Length; offset += 1 << 18)
                {
                    Rig.Value(await deposit.WriteAsync(0, offset, system.Content.Slice(offset, Math.Min(1 << 18, system.Content.Length - offset)), CancellationToken.None));
                }

                Rig.Value(await deposit.DigestOnTargetAsync(0, CancellationToken.None));
                Rig.Value(await deposit.CommitAsync(CancellationToken.None));
                Rig.Value(await session.GetCapability<IArmingCapability>()!.ArmAsync(new(manifest, ArmingMethod.CapsuleOnDisk), CancellationToken.None));
                Rig.Value(await session.GetCapability<IPowerCapability>()!.ScheduleRebootAsync(new(TimeSpan.Zero, string.Empty, false), CancellationToken.None));
                built.Add(target);
            }

            return built;
        }
    }
}
