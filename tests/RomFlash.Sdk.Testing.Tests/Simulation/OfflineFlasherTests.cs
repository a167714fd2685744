using RomFlash.Sdk.Images;
using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Probing;
using RomFlash.Sdk.Testing.Simulation;
using RomFlash.Sdk.Transports;

namespace RomFlash.Sdk.Testing.Tests.Simulation;

public sealed class OfflineFlasherTests
{
    [Fact]
    public async Task Boot_ArmedImages_AreFlashedInOrderAndReported()
    {
        var rig = new Rig();
        var before = await rig.FactsAsync();
        await rig.FlashAsync(("system", Rig.New), ("array-0", Rig.NewArray));

        Assert.Same(Rig.New, rig.Target.RomOf("system"));
        Assert.Same(Rig.NewArray, rig.Target.RomOf("array-0"));
        Assert.Equal(ArmedPhase.None, rig.Target.ArmedPhase);
        Assert.Empty(rig.Target.Deposits);
        Assert.Equal(["system", "array-0"], rig.Target.History.Where(e => e.Kind == SimulatedEventKind.Flashed).Select(e => e.Subject));
        var facts = await rig.FactsAsync();
        Assert.NotEqual(before.Boot, facts.Boot);
        Assert.Equal(before.Identity, facts.Identity);
        var system = await rig.RomAsync("system");
        Assert.Equal(Rig.New.ReportedAs.AsEnumerable(), system.Versions.AsEnumerable());
        Assert.True(system.LastAttempt.TryGet(out var attempt));
        Assert.Equal(new LastAttempt(RomVersion.FromPacked(0x250), new PeerCode(PeerCode.UefiLastAttempt, 0)), attempt);
    }

    [Fact]
    public async Task Boot_NothingArmed_ChangesNothingButTheBootIdentity()
    {
        var rig = new Rig();
        await using var session = await rig.ConnectAsync();
        await rig.ClaimAsync(session);
        await rig.DepositAsync(session, "d-1", ("system", Rig.New));
        await rig.RestartAsync(session);

        Assert.Same(Rig.Old, rig.Target.RomOf("system"));
        Assert.Equal("d-1", Assert.Single(rig.Target.Deposits).Id);
        Assert.Equal(1, rig.Target.BootCount);
    }

    [Fact]
    public async Task Boot_PreparedButNotArmed_FlashesNothing()
    {
        var rig = new Rig(SimulatedPersona.ArmingInTwoSteps);
        await using var session = await rig.ConnectAsync();
        await rig.ClaimAsync(session);
        var manifest = await rig.DepositAsync(session, "d-1", ("system", Rig.New));
        rig.Target.Inject(SimulatedOperation.Arm, SimulatedFault.DisconnectUnsent);
        Assert.Equal(FaultEffect.MayHaveApplied, Rig.Fault(await rig.ArmAsync(session, manifest)).Effect);
        Assert.Equal(ArmedPhase.Prepared, rig.Target.ArmedPhase);

        rig.Target.Restart();

        Assert.Same(Rig.Old, rig.Target.RomOf("system"));
        Assert.Equal(ArmedPhase.Prepared, rig.Target.ArmedPhase);
        Assert.DoesNotContain(SimulatedEventKind.FlashStarted, rig.Kinds);
    }

    public static TheoryData<string, int> BadImages => new()
    {
        { "wrong class", (int)UefiAttemptStatus.Unsuccessful },
        { "wrong kind", (int)UefiAttemptStatus.Unsuccessful },
        { "below the lowest supported version", (int)UefiAttemptStatus.IncorrectVersion },
        { "not an image", (int)UefiAttemptStatus.InvalidFormat },
        { "truncated", (int)UefiAttemptStatus.InvalidFormat },
        { "payload changed", (int)UefiAttemptStatus.AuthenticationError },
        { "header changed", (int)UefiAttemptStatus.AuthenticationError },
        { "no external power", (int)UefiAttemptStatus.PowerEventExternal },
        { "battery low", (int)UefiAttemptStatus.PowerEventBattery },
    };

    [Theory]
    [MemberData(nameof(BadImages))]
    public async Task Boot_ImageThatFirmwareRefuses_KeepsTheRomAndReportsTheStatus(string what, int status)
    {
        var content = Rig.New.Content.ToArray();
        switch (what)
        {
            case "wrong class":
                content = SimulatedRom.CreateImage(Guid.Empty, RomKind.SystemRom, "U30 v2.50", 0x250);
                break;
            case "wrong kind":
                content = SimulatedRom.CreateImage(Rig.SystemClass, RomKind.Controller, "U30 v2.50", 0x250);
                break;
            case "below the lowest supported version":
                content = SimulatedRom.CreateImage(Rig.SystemClass, RomKind.SystemRom, "U30 v1.90", 0x190);
                break;
            case "not an image":
                content = new byte[500];
                break;
            case "truncated":
                content = content[..^1];
                break;
            case "payload changed":
                content[^1] ^= 1;
                break;
            case "header changed":
                content[12] ^= 1;
                break;
            default:
                break;
        }

        var rig = new Rig(change: o => o with
        {
            Readiness = o.Readiness with { ExternalPower = what != "no external power", BatterySufficient = what != "battery low" },
        });
        await using var session = await rig.ConnectAsync();
        await rig.ClaimAsync(session);
        var manifest = await rig.DepositBytesAsync(session, "d-1", ("system", content));
        Rig.Value(await rig.ArmAsync(session, manifest));
        await rig.RestartAsync(session);

        Assert.Same(Rig.Old, rig.Target.RomOf("system"));
        Assert.Equal((UefiAttemptStatus)status, Assert.Single(rig.Target.History, e => e.Kind == SimulatedEventKind.FlashRefused).Status);
        Assert.True((await rig.RomAsync("system")).LastAttempt.TryGet(out var attempt));
        Assert.Equal(new PeerCode(PeerCode.UefiLastAttempt, (ulong)status), attempt.Status);
        Assert.Equal(ArmedPhase.None, rig.Target.ArmedPhase);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(4)]
    public async Task Boot_PowerLostAtABlock_NeedsRecoveryAndRestoresTheBackup(int block)
    {
        var rig = new Rig(change: o => o with { PowerLossAtBlock = block });
        await rig.FlashAsync(("system", Rig.New));

        Assert.True(rig.Target.NeedsRecovery);
        Assert.True(rig.Target.IsAway);
        Assert.Null(rig.Target.RomOf("system"));
        Assert.Equal(Rig.New.Content[..(block * 4096)].ToArray(), rig.Target.ContentOf("system")[..(block * 4096)].ToArray());
        rig.Clock.Advance(TimeSpan.FromDays(1));
        var connect = await rig.Rack.Transport.ConnectAsync(Rig.Request(rig.Target.Address, rig.Clock), CancellationToken.None);
        Assert.Equal(TransportFaultKind.Refused, Rig.Fault(connect).Kind);

        rig.Target.Recover();
        rig.Clock.Advance(rig.Target.Options.BootDuration);

        Assert.False(rig.Target.NeedsRecovery);
        Assert.Same(Rig.Old, rig.Target.RomOf("system"));
        Assert.Equal(Rig.Old.ReportedAs.AsEnumerable(), (await rig.RomAsync("system")).Versions.AsEnumerable());
        Assert.Equal(2, rig.Target.BootCount);
    }

    [Fact]
    public async Task Boot_PowerLostBehindTheLastBlock_FlashesAll()
    {
        var rig = new Rig(change: o => o with { PowerLossAtBlock = 5 });
        await rig.FlashAsync(("system", Rig.New));
        Assert.Same(Rig.New, rig.Target.RomOf("system"));
    }

    [Fact]
    public async Task Boot_PowerLostInTheSecondRom_KeepsTheFirst()
    {
        var rig = new Rig(change: o => o with { PowerLossAtBlock = 6, PowerLossEnding = SimulatedPowerLossEnding.SaysRecovery });
        await rig.FlashAsync(("system", Rig.New), ("array-0", Rig.NewArray));

        Assert.Same(Rig.New, rig.Target.RomOf("system"));
        Assert.Null(rig.Target.RomOf("array-0"));
        var facts = await rig.FactsAsync();
        Assert.True(facts.Readiness.TryGet(out var readiness) && readiness.InRecovery.TryGet(out var inRecovery) && inRecovery);
        Assert.False(facts.Roms.IsKnown);
    }

    [Fact]
    public async Task Boot_ForeignCapsuleWithTheBit_IsFlashedToo()
    {
        var rig = new Rig();
        rig.Target.PlantForeignCapsule("other.cap", Rig.New.Content);
        await using var session = await rig.ConnectAsync();
        var state = Rig.Value(await session.GetCapability<IArmingCapability>()!.ReadArmedStateAsync(true, CancellationToken.None));
        Assert.Equal(ArmedPhase.Armed, state.Phase);
        Assert.Null(state.DepositId);
        Assert.Equal(Rig.New.Sha256, Assert.Single(state.Foreign).Sha256);

        rig.Target.Restart();

        Assert.Equal(Rig.New.Sha256, rig.Target.RomOf("system")!.Sha256);
        Assert.Equal(ArmedPhase.None, rig.Target.ArmedPhase);
    }

    [Fact]
    public async Task Reboot_ZeroBootDurationAndZeroDelay_BootsWithinTheCall()
    {
        var rig = new Rig(change: o => o with { BootDuration = TimeSpan.Zero });
        await using var session = await rig.ConnectAsync();
        Rig.Value(await session.GetCapability<IPowerCapability>()!.ScheduleRebootAsync(new RebootRequest(TimeSpan.Zero, string.Empty, false), CancellationToken.None));
        Assert.Equal(1, rig.Target.BootCount);
        Assert.False(rig.Target.IsAway);
        var after = Rig.Fault(await session.GetCapability<IFactsCapability>()!.ReadFactsAsync(FactKinds.Boot, CancellationToken.None));
        Assert.Equal((TransportFaultKind.Lost, FaultEffect.NotSent), (after.Kind, after.Effect));
    }

    [Fact]
    public async Task Reboot_Aborted_DoesNotHappen()
    {
        var rig = new Rig();
        await using var session = await rig.ConnectAsync();
        var power = session.GetCapability<IPowerCapability>()!;
        Rig.Value(await power.ScheduleRebootAsync(new RebootRequest(TimeSpan.FromSeconds(15), string.Empty, false), CancellationToken.None));
        Assert.NotNull(rig.Target.RebootDue);
        Rig.Value(await power.AbortRebootAsync(CancellationToken.None));
        rig.Clock.Advance(TimeSpan.FromHours(1));
        Assert.Equal(0, rig.Target.BootCount);
    }
}
