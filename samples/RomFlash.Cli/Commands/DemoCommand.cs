using System.CommandLine;
using RomFlash.Cli.CommandLine;
using RomFlash.Cli.Demo;
using RomFlash.Cli.Rendering;

namespace RomFlash.Cli.Commands;

/// <summary><c>romflash demo</c>: the real pipeline over a small simulated rack. The only place of this program that knows of the simulator.</summary>
internal sealed class DemoCommand : CliCommand
{
    private readonly Option<bool> _json = SharedOptions.Json();

    public DemoCommand(Terminal terminal)
        : base(terminal, "demo", "Upgrades a small simulated rack, in simulated time, and shows each outcome. Touches nothing real.")
    {
        Add(_json);
    }

    public override string Synopsis => "romflash demo [--json]";

    protected override Task<int> RunAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        var results = DemoRack.Run(DemoScenarios.All, cancellationToken);
        if (parsed.GetValue(_json))
        {
            foreach (var result in results)
            {
                Terminal.Out.WriteLine(RomFlashJson.Line(result));
            }
        }
        else
        {
            DemoText.Write(Terminal, results);
        }

        return Task.FromResult(results.All(r => r.AsStaged is true) ? ExitCode.Success : ExitCode.Failed);
    }
}
