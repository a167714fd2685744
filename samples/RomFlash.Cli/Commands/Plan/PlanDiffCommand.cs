using System.CommandLine;
using RomFlash.Cli.CommandLine;
using RomFlash.Cli.Rendering;
using RomFlash.Sdk.Planning;

namespace RomFlash.Cli.Commands.Plan;

/// <summary><c>romflash plan diff</c>: tells what differs between two plans. Contacts nobody.</summary>
internal sealed class PlanDiffCommand : CliCommand
{
    private readonly Argument<string> _older = new("OLD") { Description = "The older plan." };
    private readonly Argument<string> _newer = new("NEW") { Description = "The newer one." };
    private readonly Option<bool> _json = SharedOptions.Json();

    public PlanDiffCommand(Terminal terminal)
        : base(terminal, "diff", "Tells what differs between two plans; when and by whom they were made is no difference. Contacts nobody.")
    {
        Add(_older);
        Add(_newer);
        Add(_json);
    }

    public override string Synopsis => "romflash plan diff OLD NEW [--json]";

    public override CommandHelp Help => new() { ExitCodes = [ExitCode.Success, ExitCode.Compatibility] };

    protected override async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        if (!(await FlashPlan.LoadAsync(parsed.GetRequiredValue(_older), cancellationToken)).TryGetValue(out var older, out var failure)
            || !(await FlashPlan.LoadAsync(parsed.GetRequiredValue(_newer), cancellationToken)).TryGetValue(out var newer, out failure))
        {
            return Fail(failure);
        }

        var differences = newer.CompareWith(older);
        foreach (var difference in differences)
        {
            Terminal.Out.WriteLine(parsed.GetValue(_json) ? RomFlashJson.Line(new PlanDifferenceResult(difference.Where, difference.Was, difference.Is)) : difference.ToString());
        }

        if (!parsed.GetValue(_json) && differences.IsEmpty)
        {
            Terminal.Out.WriteLine("both plans say the same");
        }

        return differences.IsEmpty ? ExitCode.Success : ExitCode.Compatibility;
    }
}
