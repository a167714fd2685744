using System.CommandLine;
using RomFlash.Cli.CommandLine;
using RomFlash.Cli.Hosting;
using RomFlash.Cli.Rendering;
using RomFlash.Cli.Rendering.Live;
using RomFlash.Sdk;
using RomFlash.Sdk.Outcomes;

namespace RomFlash.Cli.Commands;

/// <summary><c>romflash confirm</c>: finds out by evidence what came of flashes that waited for their boot.</summary>
internal sealed class ConfirmCommand : CliCommand
{
    private readonly TargetOptions _targets = new();
    private readonly Option<string> _journal = SharedOptions.Journal();
    private readonly Option<string> _wait = new("--wait") { Description = "How long to wait for the boot, such as 30s, 10m or 2h. Default: a single look.", HelpName = "DURATION" };
    private readonly Option<string> _concurrency = SharedOptions.Concurrency();
    private readonly Option<bool> _json = SharedOptions.Json();

    public ConfirmCommand(Terminal terminal)
        : base(terminal, "confirm")
    {
        _targets.AddTo(this);
        Add(_journal);
        Add(_wait);
        Add(_concurrency);
        Add(_json);
    }

    public override string Synopsis => $"romflash confirm {TargetOptions.Synopsis} [--journal FILE] [--wait DURATION] [--concurrency N] [--json]";

    public override CommandHelp Help => new()
    {
        Groups = [.. _targets.Groups],
        Examples =
        [
            new("romflash confirm --target dir:/mnt/esp", "looks once"),
            new("romflash confirm --targets rack.json --wait 30m", "waits up to half an hour for the boots of all targets"),
        ],
        ExitCodes = [ExitCode.Success, ExitCode.Access, ExitCode.Connection, ExitCode.Compatibility, ExitCode.StagingOrArming, ExitCode.Failed, ExitCode.Several],
    };

    protected override async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        if (!Values.TryDuration("--wait", parsed.GetValue(_wait), out var wait, out var failure)
            || !Values.TryNumber("--concurrency", parsed.GetValue(_concurrency), 1, SharedOptions.MostAtOnce, RomFlashClient.DefaultConcurrency, out var concurrency, out failure)
            || !(await _targets.ReadAsync(parsed, Terminal, cancellationToken)).TryGetValue(out var targets, out failure)
            || !(await JournalFile.OpenExistingAsync(parsed.GetValue(_journal), cancellationToken)).TryGetValue(out var journal, out failure))
        {
            return Fail(failure);
        }

        await using (journal)
        {
            Terminal.Stopping.Set("stopping: no longer waiting; to stop waiting changes nothing on any target", "Find out later what came of them: romflash confirm");
            if (wait > TimeSpan.Zero)
            {
                Terminal.Error.WriteLine($"romflash: waiting up to {parsed.GetValue(_wait)} for the boot; to stop waiting changes nothing");
            }

            var isJson = parsed.GetValue(_json);
            var client = ClientFactory.Create(journal, targets);
            using var view = wait > TimeSpan.Zero ? RunView.Start(Terminal, isJson, "romflash confirm", targets.Targets.Length, TimeProvider.System, "Ctrl-C stops waiting, which changes nothing") : RunView.Silent;
            return await EachTarget.RunAsync(
                targets,
                concurrency,
                new ResultWriter(Terminal, isJson) { BeforeTable = view.Dispose },
                async (target, stop) =>
                {
                    view.Report(new FlashProgress(target.Id, FlashStage.Confirm));
                    var end = Describe(await client.ConfirmAsync(target, wait, null, stop));
                    view.Ended(end.Result);
                    return end;
                },
                new OperationCancelled { Stage = FlashStage.Confirm, TargetState = TargetState.Indeterminate, Detail = "stopped looking; the flash stays open, and can be confirmed later" },
                cancellationToken);
        }
    }

    // Somebody who asks whether it was flashed is not answered by "not yet".
    private static TargetEnd Describe(FlashReport report) => report.Result.TryGetValue(out _, out var failure)
        ? new(TargetResult.Of(report), ExitCode.Of(report.Outcome, isPendingEnough: false))
        : new(TargetResult.Of(report), ExitCode.Of(failure), failure);
}
