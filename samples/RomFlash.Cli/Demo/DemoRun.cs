using System.Globalization;
using RomFlash.Cli.Rendering;
using RomFlash.Cli.Rendering.Live;

namespace RomFlash.Cli.Demo;

/// <summary>One demo: runs a plan, shows it, and says whether everything came out as it was staged.</summary>
internal static class DemoRun
{
    private const int MostListed = 64;

    /// <returns>The exit code: a success only where everything agrees.</returns>
    public static int Run(Terminal terminal, IReadOnlyList<DemoScenario> plan, int seed, bool isJson, CancellationToken cancellationToken)
    {
        var rack = new DemoRack();
        List<TargetResult> results = [DemoRack.RunCommandLine()];
        if (!isJson)
        {
            DemoText.WriteHead(terminal, plan.Count, seed);
        }

        var isWatched = terminal.IsRich && !isJson;
        var title = string.Create(CultureInfo.InvariantCulture, $"romflash demo: seed {seed}, simulated time");
        using (var view = isWatched ? RunView.Start(terminal, isJson, title, plan.Count, rack.Clock, "Ctrl-C stops; everything here is simulated") : RunView.Silent)
        {
            results.AddRange(rack.Run(plan, view, isWatched, cancellationToken));
        }

        Write(terminal, results, isJson);
        if (cancellationToken.IsCancellationRequested)
        {
            terminal.Error.WriteLine("romflash: the demo was cancelled; everything was simulated");
            return ExitCode.Cancelled;
        }

        return results.Count == plan.Count + 1 && results.TrueForAll(r => r.AsStaged is true) ? ExitCode.Success : ExitCode.Failed;
    }

    private static void Write(Terminal terminal, List<TargetResult> results, bool isJson)
    {
        if (isJson)
        {
            foreach (var result in results)
            {
                terminal.Out.WriteLine(RomFlashJson.Line(result));
            }

            return;
        }

        var listed = results.Count <= MostListed + 1 ? results : results.FindAll(r => r is not { Scenario: DemoPlan.Healthy, AsStaged: true });
        DemoText.Write(terminal, listed, results.Count - listed.Count);
    }
}
