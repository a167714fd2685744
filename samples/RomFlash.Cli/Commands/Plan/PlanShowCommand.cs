using System.CommandLine;
using RomFlash.Cli.CommandLine;
using RomFlash.Cli.Rendering;
using RomFlash.Sdk.Planning;

namespace RomFlash.Cli.Commands.Plan;

/// <summary><c>romflash plan show</c>: shows a plan that was written. Contacts nobody.</summary>
internal sealed class PlanShowCommand : CliCommand
{
    private readonly Argument<string> _file = new("FILE") { Description = "The plan." };
    private readonly Option<bool> _json = SharedOptions.Json();

    public PlanShowCommand(Terminal terminal)
        : base(terminal, "show", "Shows a plan, after checking that nobody has edited it. Contacts nobody.")
    {
        Add(_file);
        Add(_json);
    }

    public override string Synopsis => "romflash plan show FILE [--json]";

    public override CommandHelp Help => new() { ExitCodes = [ExitCode.Success] };

    protected override async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        if (!(await FlashPlan.LoadAsync(parsed.GetRequiredValue(_file), cancellationToken)).TryGetValue(out var plan, out var failure))
        {
            return Fail(failure);
        }

        PlanFiles.Show(Terminal, plan, parsed.GetValue(_json));
        return ExitCode.Success;
    }
}
