using RomFlash.Sdk.Confirmation;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Probing;
using RomFlash.Sdk.Targets;
using RomFlash.Sdk.Testing.Simulation;
using RomFlash.Sdk.Transports;

namespace RomFlash.Cli.Demo;

/// <summary>The targets of the demo. Some have names that try to do something to whoever shows them.</summary>
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
    ];

    private static SimulatedTargetOptions Server(string name, string product, SimulatedRom? installed = null) => new()
    {
        Name = name,
        Roms = [new SimulatedRomSlot("system", installed ?? DemoRoms.OldSystem) { Name = product }],
        KnownImages = [DemoRoms.NewSystem, DemoRoms.NewArray],
        Identity = new TargetIdentity { SerialNumber = "DEMO-" + name, Manufacturer = "Simulated", Product = product },
    };

    private static SimulatedTargetOptions WithArray(SimulatedTargetOptions server) => server with { Roms = server.Roms.Add(new("array-0", DemoRoms.OldArray)) };

    private static SimulatedTargetOptions Sealed(SimulatedTargetOptions server) => server with { Readiness = server.Readiness with { DiskEncryptionSealed = true } };

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
