using System.CommandLine;
using RomFlash.Cli.CommandLine;
using RomFlash.Cli.Hosting;
using RomFlash.Cli.Rendering;

namespace RomFlash.Cli.Commands;

/// <summary><c>romflash confirm</c>: finds out by evidence what came of a flash that waited for its boot.</summary>
internal sealed class ConfirmCommand : CliCommand
{
    private readonly Option<string> _target = SharedOptions.Target();
    private readonly Option<string> _journal = SharedOptions.Journal();
    private readonly Option<string> _wait = new("--wait") { Description = "How long to wait for the boot, such as 30s, 10m or 2h. Default: a single look.", HelpName = "DURATION" };
    private readonly Option<bool> _json = SharedOptions.Json();

    public ConfirmCommand(Terminal terminal)
        : base(terminal, "confirm", "Finds out by evidence what came of a flash that waited for its boot.")
    {
        Add(_target);
        Add(_journal);
        Add(_wait);
        Add(_json);
    }

    public override string Synopsis => "romflash confirm --target URI [--journal FILE] [--wait DURATION] [--json]";

    protected override async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        if (!Values.Targets([parsed.GetRequiredValue(_target)]).TryGetValue(out var targets, out var failure)
            || !Values.TryDuration("--wait", parsed.GetValue(_wait), out var wait, out failure)
            || !(await JournalFile.OpenExistingAsync(parsed.GetValue(_journal), cancellationToken)).TryGetValue(out var journal, out failure))
        {
            return Fail(failure);
        }

        await using (journal)
        {
            var report = await ClientFactory.Create(journal).ConfirmAsync(targets[0], wait, null, cancellationToken);
            var writer = new ResultWriter(Terminal, parsed.GetValue(_json));
            writer.Write(TargetResult.Of(report), report.Result.TryGetValue(out _, out failure) ? null : failure);
            writer.Finish();

            // Somebody who asks whether it was flashed is not answered by "not yet".
            return failure is null ? ExitCode.Of(report.Outcome, isPendingEnough: false) : ExitCode.Of(failure);
        }
    }
}
