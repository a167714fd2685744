using System.CommandLine;
using System.Globalization;
using RomFlash.Cli.CommandLine;
using RomFlash.Cli.Demo;
using RomFlash.Cli.Rendering;
using RomFlash.Cli.Rendering.Live;

namespace RomFlash.Cli.Commands;

/// <summary><c>romflash demo</c>: the real pipeline over a simulated rack. The only place of this program that knows of the simulator.</summary>
internal sealed class DemoCommand : CliCommand
{
    private const int MostListed = 64;
    private const int DefaultSeed = 1;

    private readonly Option<string> _targets = new("--targets") { Description = $"How many targets: {DemoPlan.LeastTargets} to {DemoPlan.MostTargets}; with something happens to {DemoPlan.LeastTargets}, the rest is healthy. Default {DemoPlan.DefaultTargets}.", HelpName = "N" };
    private readonly Option<string> _seed = new("--seed") { Description = $"Decides the details of the healthy targets, and all timing. The same seed gives the same output. Default {DefaultSeed}.", HelpName = "S" };
    private readonly Option<bool> _json = SharedOptions.Json();

    public DemoCommand(Terminal terminal)
        : base(terminal, "demo")
    {
        Add(_targets);
        Add(_seed);
        Add(_json);
    }

    public override string Synopsis => "romflash demo [--targets N] [--seed S] [--json]";

    public override CommandHelp Help => new()
    {
        Examples =
        [
            new("romflash demo", "the rack with each thing that can happen"),
            new("romflash demo --targets 200 --seed 7 --json", "a larger one, as JSON"),
        ],
        ExitCodes = [ExitCode.Success, ExitCode.Failed],
    };

    protected override Task<int> RunAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        if (!Values.TryNumber("--targets", parsed.GetValue(_targets), DemoPlan.LeastTargets, DemoPlan.MostTargets, DemoPlan.DefaultTargets, out var targets, out var failure)
            || !Values.TryNumber("--seed", parsed.GetValue(_seed), 0, int.MaxValue, DefaultSeed, out var seed, out failure))
        {
            return Task.FromResult(Fail(failure));
        }

        return Task.FromResult(Run(DemoPlan.Create(targets, seed), seed, parsed.GetValue(_json), cancellationToken));
    }

    private int Run(IReadOnlyList<DemoScenario> plan, int seed, bool isJson, CancellationToken cancellationToken)
    {
        var rack = new DemoRack();
        List<TargetResult> results = [DemoRack.RunCommandLine()];
        if (!isJson)
        {
            DemoText.WriteHead(Terminal, plan.Count, seed);
        }

        var isWatched = Terminal.IsRich && !isJson;
        var title = string.Create(CultureInfo.InvariantCulture, $"romflash demo: seed {seed}, simulated time");
        using (var view = isWatched ? RunView.Start(Terminal, isJson, title, plan.Count, rack.Clock) : RunView.Silent)
        {
            results.AddRange(rack.Run(plan, view, isWatched, cancellationToken));
        }

        Write(results, isJson);
        if (cancellationToken.IsCancellationRequested)
        {
            Terminal.Error.WriteLine("romflash: the demo was cancelled; everything was simulated");
            return ExitCode.Cancelled;
        }

        return results.Count == plan.Count + 1 && results.All(r => r.AsStaged is true) ? ExitCode.Success : ExitCode.Failed;
    }

    private void Write(List<TargetResult> results, bool isJson)
    {
        if (isJson)
        {
            foreach (var result in results)
            {
                Terminal.Out.WriteLine(RomFlashJson.Line(result));
            }

            return;
        }

        var listed = results.Count <= MostListed + 1 ? results : results.FindAll(r => r is not { Scenario: DemoPlan.Healthy, AsStaged: true });
        DemoText.Write(Terminal, listed, results.Count - listed.Count);
    }
}
