using System.Collections.Immutable;
using System.CommandLine;
using RomFlash.Cli.CommandLine;
using RomFlash.Cli.Hosting;
using RomFlash.Cli.Recovery;
using RomFlash.Cli.Rendering;
using RomFlash.Sdk;
using RomFlash.Sdk.Compatibility;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Journal;
using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Targets;

namespace RomFlash.Cli.Commands;

/// <summary><c>romflash recover</c>: says what became of a flash by all evidence there is, and what to do. Writes nothing.</summary>
internal sealed class RecoverCommand : CliCommand
{
    private readonly TargetOptions _targets = new();
    private readonly CatalogOptions _catalog = new();
    private readonly Option<string> _journal = SharedOptions.Journal();
    private readonly Option<string> _concurrency = SharedOptions.Concurrency();
    private readonly Option<bool> _json = SharedOptions.Json();

    public RecoverCommand(Terminal terminal)
        : base(terminal, "recover")
    {
        _targets.AddTo(this);
        foreach (var option in _catalog.All)
        {
            // A catalog is of use here, and not needed: it may name the recovery image.
            option.Required = false;
            Add(option);
        }

        Add(_journal);
        Add(_concurrency);
        Add(_json);
    }

    public override string Synopsis => $"romflash recover {TargetOptions.Synopsis} [{CatalogOptions.Synopsis}] [--journal FILE] [--concurrency N] [--json]";

    public override CommandHelp Help => new()
    {
        Groups = [.. _targets.Groups, new("Where a recovery image may be named", [.. _catalog.All])],
        Examples =
        [
            new("romflash recover --target dir:/mnt/esp", "what happened here, and what is to be done?"),
            new("romflash recover --targets rack.json --group rack7 --json", "a whole group, as JSON with the steps as a list"),
            new("romflash recover --target dir:/mnt/esp --catalog catalog.json --trust signer.pem", "names the recovery image, where the catalog has one"),
        ],
        ExitCodes = [ExitCode.Success, ExitCode.Access, ExitCode.Connection, ExitCode.Compatibility, ExitCode.StagingOrArming, ExitCode.Failed, ExitCode.Several],
    };

    protected override async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        var path = parsed.GetValue(_journal);
        if (!Values.TryNumber("--concurrency", parsed.GetValue(_concurrency), 1, SharedOptions.MostAtOnce, RomFlashClient.DefaultConcurrency, out var concurrency, out var failure)
            || !(await _targets.ReadAsync(parsed, Terminal, cancellationToken)).TryGetValue(out var targets, out failure)
            || !(await LoadCatalogAsync(parsed, cancellationToken)).TryGetValue(out var findRelease, out failure)
            || !(await JournalFile.OpenExistingAsync(path, cancellationToken)).TryGetValue(out var journal, out failure))
        {
            return Fail(failure);
        }

        await using (journal)
        {
            var client = ClientFactory.Create(new InMemoryFlashJournal(), targets);
            return await EachTarget.RunAsync(
                targets,
                concurrency,
                new ResultWriter(Terminal, parsed.GetValue(_json)),
                async (target, stop) =>
                {
                    var probed = await client.ProbeAsync(target, null, stop);
                    var identity = probed.TryGetValue(out var report, out var unread) && report.Facts.Identity.TryGet(out var found) ? found : null;
                    if (!(await ReadOperationAsync(journal, target, identity, stop)).TryGetValue(out var operation, out var unreadable))
                    {
                        return TargetEnd.Of(target.Id, unreadable);
                    }

                    // Neither side knows anything: what is to be said is why the target can't be read.
                    return operation.IsEmpty && unread is not null
                        ? TargetEnd.Of(target.Id, unread)
                        : Describe(target, RecoveryFindings.Of(operation, probed), findRelease, name => CommandFor(name, target, targets, path));
                },
                new OperationCancelled { Stage = FlashStage.Probe, TargetState = TargetState.Indeterminate, Detail = "stopped looking; nothing was written" },
                cancellationToken);
        }
    }

    private async Task<FlashResult<Func<ContentDigest, RomRelease?>>> LoadCatalogAsync(ParseResult parsed, CancellationToken cancellationToken) =>
        parsed.GetResult(_catalog.All.First()) is null ? FlashResult<Func<ContentDigest, RomRelease?>>.From(static _ => null)
        : (await _catalog.LoadAsync(parsed, Terminal, remember: false, cancellationToken)).TryGetValue(out var catalog, out var failure) ? FlashResult<Func<ContentDigest, RomRelease?>>.From(catalog.FindRelease)
        : failure;

    // The open operation, also under another name of the same machine; otherwise the last one under this name.
    private static async Task<FlashResult<ImmutableArray<FlashJournalRecord>>> ReadOperationAsync(FileFlashJournal journal, FlashTarget target, TargetIdentity? identity, CancellationToken cancellationToken)
    {
        if (!(await journal.ReadOpenAsync(target.Id, identity, cancellationToken)).TryGetValue(out var open, out var failure))
        {
            return failure;
        }

        if (!open.IsEmpty)
        {
            return open;
        }

        var last = ImmutableArray.CreateBuilder<FlashJournalRecord>();
        try
        {
            await foreach (var record in journal.ReadHistoryAsync(target.Id, cancellationToken))
            {
                if (last.Count > 0 && !string.Equals(last[^1].OperationId, record.OperationId, StringComparison.Ordinal))
                {
                    last.Clear();
                }

                last.Add(record);
            }
        }
        catch (FlashException exception)
        {
            return exception.Failure;
        }

        return last.ToImmutable();
    }

    private static TargetEnd Describe(FlashTarget target, RecoveryFindings findings, Func<ContentDigest, RomRelease?> findRelease, Func<string, string> commandFor)
    {
        var image = findings.Components.Select(c => findRelease(c.Sha256)?.Recovery).Concat(findings.Plans.Select(p => p.Image)).OfType<RecoveryImage>().Select(RecoveryImageResult.Of).FirstOrDefault();
        var recovery = new RecoveryResult(
            findings.IsRecoveryNeeded,
            findings.OperationId,
            [.. findings.Components.Select(ComponentResult.Of)],
            findings.Evidence,
            RecoverySteps.Of(findings, image, "Find out what is known then: " + commandFor(findings.IsOpen ? "confirm" : "probe"), commandFor("cancel")),
            image,
            [.. findings.Plans.Select(RecoveryPlanResult.Of)]);
        var (outcome, message) = findings.IsRecoveryNeeded switch
        {
            false => ("NothingToRecover", "Nothing has to be recovered"),
            true => ("RecoveryNeeded", "Something has to be done on the target"),
            null => ("CantTell", "What became of the target can't be told from here"),
        };
        var result = TargetResult.Of(target.Id, findings.State, outcome, message, recovery);
        return new(result, findings.IsRecoveryNeeded is false ? ExitCode.Success : ExitCode.Failed, Lines: RecoveryText.Lines(result, recovery));
    }

    private static string CommandFor(string command, FlashTarget target, SelectedTargets targets, string? journal)
    {
        var isAddress = string.Equals(target.Endpoints[0].ToString(), target.Id, StringComparison.Ordinal);
        var where = isAddress || targets.File is not { } file ? $"--target {Quoted(target.Endpoints[0].ToString())}" : $"--targets {Quoted(file)}";
        var how = string.Concat(SshOptions.Words(targets.Ssh, target).Select(w => " " + Quoted(w)));
        return $"romflash {command} {where}{how}{(journal is null || command == "probe" ? string.Empty : " --journal " + Quoted(journal))}";
    }

    private static string Quoted(string text) =>
        text.All(c => char.IsAsciiLetterOrDigit(c) || c is '/' or ':' or '.' or '-' or '_' or '%') ? text : $"'{text.Replace("'", @"'\''", StringComparison.Ordinal)}'";
}
