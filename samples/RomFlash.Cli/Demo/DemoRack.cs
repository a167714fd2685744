using RomFlash.Cli.Rendering;
using RomFlash.Sdk;
using RomFlash.Sdk.Journal;
using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Pipeline;
using RomFlash.Sdk.Targets;
using RomFlash.Sdk.Testing;
using RomFlash.Sdk.Testing.Simulation;

namespace RomFlash.Cli.Demo;

/// <summary>Runs the real pipeline over simulated targets. The clock is simulated too: the hours of waiting take no time.</summary>
internal static class DemoRack
{
    public static IReadOnlyList<TargetResult> Run(IReadOnlyList<DemoScenario> scenarios, CancellationToken cancellationToken)
    {
        var clock = new SimulatedClock();
        var rack = new SimulatedRack(clock);
        var client = new RomFlashClient(new RomFlashClientOptions
        {
            Transports = [rack.Transport],
            Catalog = DemoRoms.Catalog,
            Journal = new InMemoryFlashJournal("demo"),
            Credentials = CredentialSources.None,
            TimeProvider = clock,
        });
        return clock.Drive(async () =>
        {
            var results = new List<TargetResult>(scenarios.Count);
            foreach (var scenario in scenarios)
            {
                var target = rack.Add(scenario.Target);
                scenario.Arrange?.Invoke(target);
                var report = await client.FlashAsync(new FlashRequest(target.ToFlashTarget(), [.. scenario.Images], FlashPolicy.Default), null, cancellationToken);
                results.Add(Compare(scenario, report));
            }

            return results;
        });
    }

    private static TargetResult Compare(DemoScenario scenario, FlashReport report)
    {
        var code = report.Result.Match<string?>(static _ => null, static f => f.Code);
        return TargetResult.Of(report) with
        {
            Scenario = scenario.Staged,
            Expected = scenario.Expected,
            AsStaged = report.Outcome == scenario.Outcome && string.Equals(code, scenario.Code, StringComparison.Ordinal),
        };
    }
}
