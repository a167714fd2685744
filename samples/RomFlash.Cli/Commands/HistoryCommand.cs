using System.Collections.Frozen;
using System.CommandLine;
using RomFlash.Cli.CommandLine;
using RomFlash.Cli.Hosting;
using RomFlash.Cli.Rendering;
using RomFlash.Sdk.Journal;
using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Targets;

namespace RomFlash.Cli.Commands;

/// <summary><c>romflash history</c>: shows the journal.</summary>
internal sealed class HistoryCommand : CliCommand
{
    private const int MostRecords = 1_000_000;

    private readonly Option<string[]> _ids = new("--target")
    {
        Description = "Only these targets: an id as the journal has it, or an address.",
        HelpName = "ID",
        Arity = ArgumentArity.OneOrMore,
        AllowMultipleArgumentsPerToken = true,
    };

    private readonly Option<string> _file = new("--targets") { Description = "Only the targets of a targets file.", HelpName = "FILE" };
    private readonly Option<string[]> _groups = new("--group") { Description = "Only these groups of it.", HelpName = "NAME", Arity = ArgumentArity.OneOrMore, AllowMultipleArgumentsPerToken = true };
    private readonly Option<string> _last = new("--last") { Description = "Only the last N records.", HelpName = "N" };
    private readonly Option<string> _journal = SharedOptions.Journal();
    private readonly Option<bool> _json = SharedOptions.Json();

    public HistoryCommand(Terminal terminal)
        : base(terminal, "history")
    {
        Values.WithoutOptions(_ids);
        Values.WithoutOptions(_groups);
        foreach (var option in (Option[])[_ids, _file, _groups, _last, _journal, _json])
        {
            Add(option);
        }

        Validators.Add(r =>
        {
            if (r.GetResult(_groups) is not null && r.GetResult(_file) is null)
            {
                r.AddError("Option '--group' needs '--targets'.");
            }
        });
    }

    public override string Synopsis => "romflash history [--target ID...] [--targets FILE [--group NAME...]] [--last N] [--journal FILE] [--json]";

    public override CommandHelp Help => new()
    {
        Examples =
        [
            new("romflash history --last 20", "the last twenty records"),
            new("romflash history --target dir:/mnt/esp --json", "all records of one target, as JSON"),
        ],
        ExitCodes = [ExitCode.Success, ExitCode.Failed],
    };

    protected override async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        if (!Values.TryNumber("--last", parsed.GetValue(_last), 1, MostRecords, MostRecords, out var last, out var failure)
            || !(await ReadIdsAsync(parsed, cancellationToken)).TryGetValue(out var ids, out failure)
            || !(await JournalFile.OpenExistingAsync(parsed.GetValue(_journal), cancellationToken)).TryGetValue(out var journal, out failure))
        {
            return Fail(failure);
        }

        await using (journal)
        {
            try
            {
                await WriteAsync(SelectAsync(journal, ids, cancellationToken), parsed.GetValue(_last) is null ? null : last, parsed.GetValue(_json));
            }
            catch (FlashException exception)
            {
                return Fail(exception.Failure);
            }
        }

        return ExitCode.Success;
    }

    private async Task WriteAsync(IAsyncEnumerable<FlashJournalRecord> records, int? last, bool isJson)
    {
        if (last is null)
        {
            await foreach (var record in records)
            {
                Write(record, isJson);
            }

            return;
        }

        var kept = new Queue<FlashJournalRecord>();
        await foreach (var record in records)
        {
            kept.Enqueue(record);
            if (kept.Count > last)
            {
                kept.Dequeue();
            }
        }

        foreach (var record in kept)
        {
            Write(record, isJson);
        }
    }

    private static async IAsyncEnumerable<FlashJournalRecord> SelectAsync(FileFlashJournal journal, FrozenSet<string> ids, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await foreach (var record in journal.ReadHistoryAsync(ids.Count == 1 ? ids.Items[0] : null, cancellationToken))
        {
            if (ids.Count == 0 || ids.Contains(record.TargetId))
            {
                yield return record;
            }
        }
    }

    // The journal may know machines by ids that are no addresses; nothing is contacted, so an id is as good. What may hold a password is refused as everywhere.
    private async Task<FlashResult<FrozenSet<string>>> ReadIdsAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        var ids = new HashSet<string>(StringComparer.Ordinal);
        foreach (var text in parsed.GetValue(_ids) ?? [])
        {
            if (FlashTarget.TryCreate(text).TryGetValue(out var target, out var failure))
            {
                ids.Add(target.Id);
            }
            else if (failure is SecretInAddress || text.Contains('@', StringComparison.Ordinal))
            {
                return failure is SecretInAddress ? failure : new InvalidParameter { Parameter = "--target", Detail = "an id is not repeated here: it may hold credentials" };
            }
            else
            {
                ids.Add(text);
            }
        }

        if (parsed.GetValue(_file) is { } path)
        {
            if (!(await TargetsFile.LoadAsync(path, ClientFactory.Schemes, cancellationToken)).TryGetValue(out var file, out var failure)
                || !file.Select(parsed.GetValue(_groups) ?? []).TryGetValue(out var targets, out failure))
            {
                return failure;
            }

            ids.UnionWith(targets.Select(t => t.Id));
        }

        return FlashResult<FrozenSet<string>>.From(ids.ToFrozenSet(StringComparer.Ordinal));
    }

    private void Write(FlashJournalRecord record, bool isJson) => Terminal.Out.WriteLine(isJson ? RomFlashJson.Line(RecordResult.Of(record)) : RecordText.Line(record));
}
