using System.CommandLine;
using RomFlash.Cli.CommandLine;
using RomFlash.Cli.Demo;
using RomFlash.Cli.Rendering;

namespace RomFlash.Cli.Commands;

/// <summary><c>romflash demo</c>: the real pipeline over a simulated rack. The only place of this program that knows of the simulator.</summary>
internal sealed class DemoCommand : CliCommand
{
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

        return Task.FromResult(DemoRun.Run(Terminal, DemoPlan.Create(targets, seed), seed, parsed.GetValue(_json), cancellationToken));
    }
}
