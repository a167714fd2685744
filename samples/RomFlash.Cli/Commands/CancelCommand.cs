using System.CommandLine;
using RomFlash.Cli.CommandLine;
using RomFlash.Cli.Hosting;
using RomFlash.Cli.Rendering;
using RomFlash.Sdk;
using RomFlash.Sdk.Outcomes;

namespace RomFlash.Cli.Commands;

/// <summary><c>romflash cancel</c>: takes back what an earlier run prepared or armed.</summary>
internal sealed class CancelCommand : CliCommand
{
    private readonly TargetOptions _targets = new();
    private readonly Option<string> _journal = SharedOptions.Journal();
    private readonly Option<string> _concurrency = SharedOptions.Concurrency();
    private readonly Option<bool> _json = SharedOptions.Json();

    public CancelCommand(Terminal terminal)
        : base(terminal, "cancel")
    {
        _targets.AddTo(this);
        Add(_journal);
        Add(_concurrency);
        Add(_json);
    }

    public override string Synopsis => $"romflash cancel {TargetOptions.Synopsis} [--journal FILE] [--concurrency N] [--json]";

    public override CommandHelp Help => new()
    {
        Groups = [.. _targets.Groups],
        Examples =
        [
            new("romflash cancel --target dir:/mnt/esp", "disarms one target"),
            new("romflash cancel --targets rack.json --group rack7", "disarms a whole group"),
        ],
        ExitCodes = [ExitCode.Success, ExitCode.Access, ExitCode.Connection, ExitCode.Compatibility, ExitCode.StagingOrArming, ExitCode.Failed, ExitCode.Several],
    };

    protected override async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        if (!Values.TryNumber("--concurrency", parsed.GetValue(_concurrency), 1, SharedOptions.MostAtOnce, RomFlashClient.DefaultConcurrency, out var concurrency, out var failure)
            || !(await _targets.ReadAsync(parsed, Terminal, cancellationToken)).TryGetValue(out var targets, out failure)
            || !(await JournalFile.OpenExistingAsync(parsed.GetValue(_journal), cancellationToken)).TryGetValue(out var journal, out failure))
        {
            return Fail(failure);
        }

        await using (journal)
        {
            var client = ClientFactory.Create(journal, targets);
            return await EachTarget.RunAsync(
                targets,
                concurrency,
                new ResultWriter(Terminal, parsed.GetValue(_json)),
                async (target, stop) => (await client.CancelAsync(target, null, stop)).TryGetValue(out var report, out var failed)
                    ? Describe(TargetResult.Of(target.Id, report))
                    : TargetEnd.Of(target.Id, failed),
                new OperationCancelled { Stage = FlashStage.Cancel, TargetState = TargetState.Indeterminate, Detail = "stopped before it was disarmed; run romflash cancel again" },
                cancellationToken);
        }
    }

    private static TargetEnd Describe(TargetResult result) => new(result, ExitCode.Success, Lines: [$"{ResultText.Plain(result.Target)}: {result.Message}; state {result.TargetState}"]);
}
