using System.CommandLine;
using RomFlash.Cli.CommandLine;
using RomFlash.Cli.Hosting;
using RomFlash.Cli.Rendering;
using RomFlash.Cli.Rendering.Live;
using RomFlash.Sdk.Journal;
using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Targets;

namespace RomFlash.Cli.Commands;

/// <summary><c>romflash confirm</c>: finds out by evidence what came of a flash that waited for its boot.</summary>
internal sealed class ConfirmCommand : CliCommand
{
    private readonly Option<string> _target = SharedOptions.Target();
    private readonly Option<string> _journal = SharedOptions.Journal();
    private readonly Option<string> _wait = new("--wait") { Description = "How long to wait for the boot, such as 30s, 10m or 2h. Default: a single look.", HelpName = "DURATION" };
    private readonly Option<bool> _json = SharedOptions.Json();

    public ConfirmCommand(Terminal terminal)
        : base(terminal, "confirm")
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
            if (wait > TimeSpan.Zero)
            {
                Terminal.Error.WriteLine($"romflash: waiting up to {parsed.GetValue(_wait)} for the boot; to stop waiting changes nothing");
            }

            var isJson = parsed.GetValue(_json);
            var writer = new ResultWriter(Terminal, isJson);
            TargetResult result;
            (int Number, FlashFailure? Failure) code;
            using (var view = wait > TimeSpan.Zero ? RunView.Start(Terminal, isJson, "romflash confirm", 1, TimeProvider.System) : RunView.Silent)
            {
                view.Report(new FlashProgress(targets[0].Id, FlashStage.Confirm));
                (result, code) = await LookAsync(journal, targets[0], wait, cancellationToken);
            }

            writer.Write(result, code.Failure);
            writer.Finish();
            return code.Number;
        }
    }

    private static async Task<(TargetResult Result, (int Number, FlashFailure? Failure) Code)> LookAsync(FileFlashJournal journal, FlashTarget target, TimeSpan wait, CancellationToken cancellationToken)
    {
        try
        {
            var report = await ClientFactory.Create(journal).ConfirmAsync(target, wait, null, cancellationToken);

            // Somebody who asks whether it was flashed is not answered by "not yet".
            return (TargetResult.Of(report), report.Result.TryGetValue(out _, out var failure) ? (ExitCode.Of(report.Outcome, isPendingEnough: false), null) : (ExitCode.Of(failure), failure));
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            var stopped = new OperationCancelled { Stage = FlashStage.Confirm, TargetId = target.Id, TargetState = TargetState.Indeterminate, Detail = "stopped looking; the flash stays open, and can be confirmed later" };
            return (TargetResult.Of(target.Id, stopped), (ExitCode.Cancelled, stopped));
        }
    }
}
