using System.Globalization;
using RomFlash.Sdk.Confirmation;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Testing.Simulation;

namespace RomFlash.Cli.Demo;

/// <summary>The rack of a demo: the scenarios, then healthy targets up to the number that was asked for. A seed decides their details, and all timing.</summary>
internal static class DemoPlan
{
    public const int MostTargets = 10_000;
    public const int DefaultTargets = 48;

    /// <summary>What is staged with a target that nothing happens to.</summary>
    public const string Healthy = "healthy";

    private static readonly string[] Products = ["Server 120", "Server 160", "Server 320", "Server 360", "Server 380", "Server 560", "Server 580", "Blade 460"];

    /// <summary>Fewer would leave out something that the demo is there to show.</summary>
    public static int LeastTargets => DemoScenarios.All.Count;

    public static IReadOnlyList<DemoScenario> Create(int targets, long seed)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(targets, LeastTargets);
        var random = new DemoSeed(seed);
        var plan = new List<DemoScenario>(targets);
        plan.AddRange(DemoScenarios.All.Select(s => Timed(s, random)));
        while (plan.Count < targets)
        {
            plan.Add(Timed(NewHealthy(plan.Count + 1, random), random));
        }

        return plan;
    }

    private static DemoScenario NewHealthy(int number, DemoSeed random)
    {
        var server = DemoScenarios.Server(string.Create(CultureInfo.InvariantCulture, $"rack-{number:00}"), random.Pick(Products));
        IReadOnlyList<RomImage> images = [DemoRoms.NewSystem.Image];
        if (random.Below(3) == 0)
        {
            server = DemoScenarios.WithArray(server);
            images = [DemoRoms.NewSystem.Image, DemoRoms.NewArray.Image];
        }

        return new(Healthy, server, images, FlashOutcomeKind.Upgraded);
    }

    private static DemoScenario Timed(DemoScenario scenario, DemoSeed random) => scenario with
    {
        Target = scenario.Target with { BootDuration = random.Between(TimeSpan.FromSeconds(60), TimeSpan.FromSeconds(180)), KeepsHistory = false },
        WriteDelay = random.Between(TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(6)),
    };
}
