using System.CommandLine;
using RomFlash.Cli.CommandLine;
using RomFlash.Cli.Hosting;
using RomFlash.Cli.Rendering;

namespace RomFlash.Cli.Commands;

/// <summary><c>romflash history</c>: shows the journal.</summary>
internal sealed class HistoryCommand : CliCommand
{
    private readonly Option<string> _journal = SharedOptions.Journal();

    public HistoryCommand(Terminal terminal)
        : base(terminal, "history")
    {
        Add(_journal);
    }

    public override string Synopsis => "romflash history [--journal FILE]";

    protected override async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        if (!(await JournalFile.OpenExistingAsync(parsed.GetValue(_journal), cancellationToken)).TryGetValue(out var journal, out var failure))
        {
            return Fail(failure);
        }

        await using (journal)
        {
            await foreach (var record in journal.ReadHistoryAsync(null, cancellationToken))
            {
                Terminal.Out.WriteLine(RecordText.Line(record));
            }
        }

        return ExitCode.Success;
    }
}
