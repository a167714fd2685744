using RomFlash.Sdk.Confirmation;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Probing;
using RomFlash.Sdk.Targets;
using RomFlash.Sdk.Testing.Simulation;
using RomFlash.Sdk.Transports;

namespace RomFlash.Cli.Demo;

/// <summary>
/// The targets with which something happens: each documented failure and requirement, and each outcome. Some have names that try to do
/// something to whoever shows them.
/// </summary>
internal static class DemoScenarios
{
    private static readonly RomImage[] Both = [DemoRoms.NewSystem.Image, DemoRoms.NewArray.Image];
    private static readonly RomImage[] System = [DemoRoms.NewSystem.Image];
    private static readonly RomImage[] Array = [DemoRoms.NewArray.Image];

    public static IReadOnlyList<DemoScenario> All { get; } =
    [
        new("all goes well", Server("rack-01", "Server 380"), System, FlashOutcomeKind.Upgraded),
        new("system ROM and array controller", WithArray(Server("rack-02", "Server 380 [/]")), Both, FlashOutcomeKind.Upgraded),
        new("one ROM for each boot", WithArray(Server("rack-03", "\u001b]0;x\a Server")) with { Persona = SimulatedPersona.OneComponentPerBoot }, Both, FlashOutcomeKind.Upgraded),
        new("a controller that verifies by itself", Server("rack-04", "<script>alert(1)</script>") with { Persona = SimulatedPersona.OnlyAccepts }, System, FlashOutcomeKind.Upgraded),
        new("the version is installed already", Server("rack-05", "Server\r\n380", DemoRoms.NewSystem), System, FlashOutcomeKind.AlreadyCurrent),
        new("nobody but a person can restart it", Server("rack-06", "Server 380") with { Persona = SimulatedPersona.NoPower }, System, FlashOutcomeKind.Pending),
        new("external power is lost before the boot", Server("rack-07", "Server 380"), System, FlashOutcomeKind.NotApplied, "RF8003")
        {
            Arrange = t => BeforeRestart(t, () => t.Reconfigure(o => o with { Readiness = o.Readiness with { ExternalPower = false } })),
        },
        new("somebody disarms it before the boot", Server("rack-08", "Server 380"), System, FlashOutcomeKind.NotApplied, "RF8003")
        {
            Arrange = t => BeforeRestart(t, t.DisarmBehindTheBack),
        },
        new("somebody else's capsule is flashed as well", Server("rack-09", "Server 380"), System, FlashOutcomeKind.UnexpectedVersion, "RF8004")
        {
            Arrange = t => BeforeRestart(t, () => t.PlantForeignCapsule("update\n[/].cap", DemoRoms.StrangeSystem.Content)),
        },
        new("power is lost while it flashes", Server("rack-10", "Server 380") with { PowerLossAtBlock = 3 }, System, FlashOutcomeKind.RecoveryRequired, "RF8002"),
        new("power is lost, and it boots into recovery", Server("rack-11", "Server 380") with { PowerLossAtBlock = 3, PowerLossEnding = SimulatedPowerLossEnding.SaysRecovery }, System, FlashOutcomeKind.RecoveryRequired, "RF8001"),
        new("another machine answers after the boot", Server("rack-12", "Server 380") with { Persona = SimulatedPersona.ReturningAsAnotherMachine }, System, FlashOutcomeKind.Indeterminate, "RF4009"),
        new("access is denied", Server("rack-13", "Server 380"), System, FlashOutcomeKind.NotFlashed, "RF3001")
        {
            Arrange = t => t.Inject(SimulatedOperation.Connect, SimulatedFault.Refuse(TransportFaultKind.AccessDenied) with { Detail = "the account \u001b[31mmay not\u001b[0m" }),
        },
        new("the connection breaks during preparation", Server("rack-14", "Server 380"), System, FlashOutcomeKind.NotFlashed, "RF2001")
        {
            Arrange = t => t.Inject(SimulatedOperation.Write, SimulatedFault.DisconnectBefore with { Detail = "the peer closed the connection" }),
        },
        new("no network", Server("rack-15", "Server 380"), System, FlashOutcomeKind.NotFlashed, "RF2003")
        {
            Arrange = t => t.Inject(SimulatedOperation.Connect, SimulatedFault.Refuse(TransportFaultKind.Unreachable) with { Detail = "no route" }, 0, int.MaxValue),
        },
        new("the Remote Registry service is stopped", Server("rack-16", "Server 380") with { Services = [new ServiceFact("RemoteRegistry", false)] }, System, FlashOutcomeKind.NotFlashed, "RF3006"),
        new("no release is for this machine", Server("rack-17", "Server 20", DemoRoms.OtherMachine), System, FlashOutcomeKind.NotFlashed, "RF4001"),
        new("the ROM is for another device", Server("rack-18", "Server 380"), Array, FlashOutcomeKind.NotFlashed, "RF4002"),
        new("the installed version is newer", Server("rack-19", "Server 380", DemoRoms.NewerSystem), System, FlashOutcomeKind.NotFlashed, "RF4003"),
        new("a disk is sealed to the firmware", Sealed(Server("rack-20", "Server 380")), System, FlashOutcomeKind.NotFlashed, "RF4013"),
        new("the system partition has 31,999,999 bytes", Small(Server("rack-21", "Server 380")), System, FlashOutcomeKind.NotFlashed, "RF6002"),
        new("the account has to have a password of its own", Server("rack-22", "Server 380") with { Accounts = [new SimulatedAccount("operator", "simulated")] }, System, FlashOutcomeKind.NotFlashed, "RF3007"),
        new("the request names no image", Server("rack-23", "Server 380"), [], FlashOutcomeKind.NotFlashed, "RF1002"),
        new("a dry run", Server("rack-24", "Server 380"), System, FlashOutcomeKind.WouldUpgrade) { Policy = DemoPolicy.DryRun },
        new("another client claims it between two boots", WithArray(Server("rack-25", "Server 380")) with { Persona = SimulatedPersona.OneComponentPerBoot }, Both, FlashOutcomeKind.Incomplete, "RF6008")
        {
            Arrange = t => t.Inject(SimulatedOperation.AcquireClaim, SimulatedFault.Refuse(TransportFaultKind.ClaimHeld) with { Detail = "held by another client" }, 1, int.MaxValue),
        },
        new("its name does not resolve", Server("rack-26", "Server 380"), System, FlashOutcomeKind.NotFlashed, "RF2002")
        {
            Arrange = t => t.Inject(SimulatedOperation.Connect, SimulatedFault.Refuse(TransportFaultKind.NameNotResolved) with { Detail = "no such host" }, 0, int.MaxValue),
        },
        new("the system partition has no room left", Full(Server("rack-27", "サーバー 380 🖥 e\u0301\u0302\u0303\u0304\u0305\u0306 \u202e083")), System, FlashOutcomeKind.NotFlashed, "RF6003"),
        new("the network changes a byte on the way", Server("rack-28", "Server 380"), System, FlashOutcomeKind.NotFlashed, "RF6006")
        {
            Arrange = t => t.Inject(SimulatedOperation.Write, SimulatedFault.Corrupt, 3, 1),
        },
        new("a capsule of somebody else waits there", Server("rack-29", "Server 380"), System, FlashOutcomeKind.Pending, "RF7002")
        {
            Arrange = t => t.PlantForeignCapsule("vendor.cap", DemoRoms.StrangeSystem.Content),
        },
        new("a program objects to the restart", Server("rack-30", "Server 380") with { RebootNeedsForce = true }, System, FlashOutcomeKind.NotFlashed, "RF7007"),
    ];

    internal static SimulatedTargetOptions Server(string name, string product, SimulatedRom? installed = null) => new()
    {
        Name = name,
        Roms = [new SimulatedRomSlot("system", installed ?? DemoRoms.OldSystem) { Name = product }],
        MaxWriteBytes = DemoRoms.ChunkLength,
        KnownImages = [DemoRoms.NewSystem, DemoRoms.NewArray],
        Identity = new TargetIdentity { SerialNumber = "DEMO-" + name, Manufacturer = "Simulated", Product = product },
    };

    internal static SimulatedTargetOptions WithArray(SimulatedTargetOptions server) => server with { Roms = server.Roms.Add(new("array-0", DemoRoms.OldArray)) };

    private static SimulatedTargetOptions Sealed(SimulatedTargetOptions server) => server with { Readiness = server.Readiness with { DiskEncryptionSealed = true } };

    private static SimulatedTargetOptions Full(SimulatedTargetOptions server) => server with { SystemPartition = server.SystemPartition with { FreeBytes = 65_536 } };

    private static SimulatedTargetOptions Small(SimulatedTargetOptions server) =>
        server with { SystemPartition = server.SystemPartition with { TotalBytes = SystemPartition.MinimumBytes - 1, FreeBytes = 16_000_000 } };

    // Between the last look at what is armed and the restart: nobody can prevent it, so it has to be found out afterwards.
    private static void BeforeRestart(SimulatedTarget target, Action what) =>
        target.OnOperation = e =>
        {
            if (e.Operation == SimulatedOperation.ScheduleReboot)
            {
                what();
            }
        };
}
