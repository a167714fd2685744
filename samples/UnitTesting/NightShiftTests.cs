using NSubstitute;
using RomFlash.Sdk;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Journal;
using RomFlash.Sdk.Scheduling;
using RomFlash.Sdk.Targets;
using RomFlash.Sdk.Testing;
using RomFlash.Sdk.Testing.Simulation;
using RomFlash.Sdk.Transports;

namespace UnitTesting;

/// <summary>How a tool on top of the SDK is tested: against a machine in memory that fails as told, on a clock that a test drives.</summary>
public sealed class NightShiftTests
{
    private static readonly Guid FirmwareClass = new("11111111-2222-3333-4444-555555555555");
    private static readonly SimulatedRom OldRom = SimulatedRom.Create(FirmwareClass, RomKind.SystemRom, "U30 v2.40 (01/12/2020)", 0x0002_4000, payloadLength: 9000);
    private static readonly SimulatedRom NewRom = SimulatedRom.Create(FirmwareClass, RomKind.SystemRom, "U30 v2.50 (03/12/2021)", 0x0002_5000, payloadLength: 9000);

    private readonly SimulatedClock _clock = new() { Grace = TimeSpan.FromMilliseconds(20) };
    private readonly InMemoryFlashJournal _journal = new("night-shift");
    private readonly SimulatedRack _rack;
    private readonly SimulatedTarget _server;

    public NightShiftTests()
    {
        _rack = new SimulatedRack(_clock);
        _server = _rack.Add(new SimulatedTargetOptions { Name = "server-1", Roms = [new SimulatedRomSlot("system", OldRom)] });
    }

    [Fact]
    public void Upgrade_NothingGoesWrong_LeavesNoWork()
    {
        Assert.Equal(new Ticket(Desk.Nobody, "Upgraded"), Run());
        Assert.Equal(NewRom.Sha256, _server.RomOf("system")?.Sha256);
        Assert.Equal(1, _server.BootCount);
    }

    [Fact]
    public void Upgrade_ConnectionBreaksWhileCopying_TriesOnceMore()
    {
        _server.Inject(SimulatedOperation.Write, SimulatedFault.DisconnectAfter);
        Assert.Equal(new Ticket(Desk.Nobody, "Upgraded"), Run());
        Assert.Empty(_server.Deposits);
    }

    [Fact]
    public void Upgrade_PowerFailsDuringFlash_CallsSomebody()
    {
        _server.Reconfigure(o => o with { PowerLossAtBlock = 1 });
        var ticket = Run();
        Assert.Equal(Desk.OnCall, ticket.Desk);
        Assert.True(_server.NeedsRecovery);
    }

    [Fact]
    public void Upgrade_BeforeItsWindow_WaitsForIt()
    {
        var opens = _clock.GetUtcNow().AddHours(3);
        Assert.Equal(Desk.Nobody, Run(FlashWindow.Between(opens, opens.AddHours(1))).Desk);
        var armed = _server.History.Single(e => e.Kind == SimulatedEventKind.Armed);
        Assert.InRange(armed.At, opens, opens.AddHours(1));
    }

    [Fact]
    public void Upgrade_ToolDiesAfterArming_NextNightTakesItUp()
    {
        // The process ends in the middle of its work: what it had asked for is never answered.
        _server.Inject(SimulatedOperation.Arm, SimulatedFault.CrashAfter);
        var tool = NewTool(_rack.Transport);
        var abandoned = _clock.DriveUntil(() => UpgradeAsync(tool, FlashWindow.Always), () => !_rack.Client.IsAlive);
        Assert.False(abandoned.IsCompleted);

        _rack.NewClient();
        Assert.Equal(new Ticket(Desk.Nobody, "Upgraded"), Run());
        Assert.Equal(1, _server.History.Count(e => e.Kind == SimulatedEventKind.Flashed));
    }

    [Fact]
    public void Upgrade_NobodyListens_GoesToTheDayShift()
    {
        // Where the transport itself is of no interest, a mocking library will do.
        var transport = Substitute.For<ITransport>();
        transport.Scheme.Returns("sim");
        transport.ConnectAsync(Arg.Any<TransportConnectRequest>(), Arg.Any<CancellationToken>())
            .Returns(new TransportFault(TransportFaultKind.Refused, FaultEffect.NotSent));
        var tool = NewTool(transport);
        Assert.Equal(new Ticket(Desk.DayShift, "RF2004 Untouched"), _clock.Drive(() => UpgradeAsync(tool, FlashWindow.Always)));
    }

    private Ticket Run(FlashWindow? window = null)
    {
        var tool = NewTool(_rack.Transport);
        return _clock.Drive(() => UpgradeAsync(tool, window ?? FlashWindow.Always));
    }

    private Task<Ticket> UpgradeAsync(NightShift tool, FlashWindow window) =>
        tool.UpgradeAsync(_server.ToFlashTarget(), NewRom.Image, window, CancellationToken.None);

    private NightShift NewTool(ITransport transport) => new(new RomFlashClient(new RomFlashClientOptions
    {
        Transports = [transport],
        Catalog = SimulatedCatalog.Of(NewRom),
        Journal = _journal,
        Credentials = CredentialSources.None,
        TimeProvider = _clock,
    }));
}
