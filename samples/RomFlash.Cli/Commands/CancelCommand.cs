using System.CommandLine;
using RomFlash.Cli.CommandLine;
using RomFlash.Cli.Hosting;
using RomFlash.Cli.Rendering;

namespace RomFlash.Cli.Commands;

/// <summary><c>romflash cancel</c>: takes back what an earlier run prepared or armed.</summary>
internal sealed class CancelCommand : CliCommand
{
    private readonly Option<string> _target = SharedOptions.Target();
    private readonly Option<string> _journal = SharedOptions.Journal();

    public CancelCommand(Terminal terminal)
        : base(terminal, "cancel")
    {
        Add(_target);
        Add(_journal);
    }

    public override string Synopsis => "romflash cancel --target URI [--journal FILE]";

    protected override async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        if (!Values.Targets([parsed.GetRequiredValue(_target)]).TryGetValue(out var targets, out var failure)
            || !(await JournalFile.OpenExistingAsync(parsed.GetValue(_journal), cancellationToken)).TryGetValue(out var journal, out failure))
        {
            return Fail(failure);
        }

        await using (journal)
        {
            var cancelled = await ClientFactory.Create(journal).CancelAsync(targets[0], null, cancellationToken);
            if (!cancelled.TryGetValue(out var report, out failure))
            {
                return Fail(failure);
            }

            Terminal.Out.WriteLine($"{ResultText.Plain(targets[0].Id)}: {(report.WasArmed ? "disarmed" : "nothing was armed")}; state {report.State}");
            return ExitCode.Success;
        }
    }
}
