using RomFlash.Sdk.Confirmation;
using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Testing.Simulation;

namespace RomFlash.Sdk.Simulation.Tests;

/// <summary>Power is lost at every block of the flash, and the way back is walked.</summary>
public sealed class PowerLossTests
{
    public static TheoryData<string> Personas =>
        [.. SimulatedPersona.All.Where(p => p.HasPower && !p.ReturnsAsAnotherMachine && !p.LosesShareAfterBoot).Select(p => p.Name)];

    [Theory]
    [MemberData(nameof(Personas))]
    public void Upgrade_PowerLostAtAnyBlock_IsRecoveryRequiredUntilItIsRecovered(string name)
    {
        var persona = EnumeratedSimulationTests.Find(name);
        var blocks = World.NewSystem.Content.Length / 4096 + World.NewArray.Content.Length / 4096 + 2;
        for (var block = 0; block < blocks; block++)
        {
            foreach (var ending in Enum.GetValues<SimulatedPowerLossEnding>())
            {
                AssertTheWayBack(persona, block, ending);
            }
        }
    }

    private static void AssertTheWayBack(SimulatedPersona persona, int block, SimulatedPowerLossEnding ending)
    {
        var world = new World(persona);
        world.Target.Reconfigure(o => o with { PowerLossAtBlock = block, PowerLossEnding = ending });
        var where = $"{persona}, block {block}, {ending}";

        var run = world.Run();
        if (world.Target.NeedsRecovery)
        {
            Assert.True(run.Kind == FlashOutcomeKind.RecoveryRequired, $"{where}: {run}");
            Assert.True(run.Failure is FailureDuringFlash or TargetDidNotReturn, $"{where}: {run}");
            Assert.Equal(TargetState.RecoveryRequired, run.Failure.TargetState);
        }

        // Disaster recovery puts the backup ROM back; the next runs find out by evidence, and finish what was begun.
        world.Target.Reconfigure(o => o with { PowerLossAtBlock = null });
        world.Target.Recover();
        for (var i = 0; i < 4 && world.Runs[^1].Kind is not (FlashOutcomeKind.Upgraded or FlashOutcomeKind.AlreadyCurrent); i++)
        {
            world.Clock.Advance(TimeSpan.FromMinutes(5));
            world.Run();
        }

        Assert.True(world.IsAllNew, $"{where}: {string.Join(" | ", world.Runs)}");
        Assert.Null(world.Target.Claim);
        Assert.Empty(world.Target.Deposits);
    }
}
