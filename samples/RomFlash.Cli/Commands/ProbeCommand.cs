using System.CommandLine;
using RomFlash.Cli.CommandLine;
using RomFlash.Cli.Hosting;
using RomFlash.Cli.Rendering;
using RomFlash.Sdk;
using RomFlash.Sdk.Journal;
using RomFlash.Sdk.Outcomes;

namespace RomFlash.Cli.Commands;

/// <summary><c>romflash probe</c>: says what targets are and what they can do. Writes nothing.</summary>
internal sealed class ProbeCommand : CliCommand
{
    private readonly TargetOptions _targets = new();
    private readonly Option<string> _concurrency = SharedOptions.Concurrency();
    private readonly Option<bool> _json = SharedOptions.Json();

    public ProbeCommand(Terminal terminal)
        : base(terminal, "probe")
    {
        _targets.AddTo(this);
        Add(_concurrency);
        Add(_json);
    }

    public override string Synopsis => $"romflash probe {TargetOptions.Synopsis} [--concurrency N] [--json]";

    public override CommandHelp Help => new()
    {
        Groups = [.. _targets.Groups],
        Examples =
        [
            new("romflash probe --target dir:/mnt/esp", "one target"),
            new("romflash probe --targets rack.json --group rack7 --json", "all targets of a group, as JSON"),
        ],
        ExitCodes = [ExitCode.Success, ExitCode.Access, ExitCode.Connection, ExitCode.Compatibility, ExitCode.StagingOrArming, ExitCode.Failed, ExitCode.Several],
    };

    protected override async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        if (!Values.TryNumber("--concurrency", parsed.GetValue(_concurrency), 1, SharedOptions.MostAtOnce, RomFlashClient.DefaultConcurrency, out var concurrency, out var failure)
            || !(await _targets.ReadAsync(parsed, Terminal, cancellationToken)).TryGetValue(out var targets, out failure))
        {
            return Fail(failure);
        }

        var client = ClientFactory.Create(new InMemoryFlashJournal(), targets);
        return await EachTarget.RunAsync(
            targets,
            concurrency,
            new ResultWriter(Terminal, parsed.GetValue(_json)),
            async (target, stop) => (await client.ProbeAsync(target, null, stop)).TryGetValue(out var report, out var failed)
                ? new(TargetResult.Of(report), ExitCode.Success, Lines: [.. ProbeText.Lines(report)])
                : TargetEnd.Of(target.Id, failed),
            new OperationCancelled { Stage = FlashStage.Probe, TargetState = TargetState.Untouched, Detail = "stopped reading; nothing was written" },
            cancellationToken);
    }
}
