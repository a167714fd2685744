using System.Text.RegularExpressions;

namespace RomFlash.Cli.Tests.Documents;

/// <summary>Runs the commands of docs/procedure.md as they stand there, in the order in which they stand there.</summary>
public sealed partial class ProcedureTests
{
    private static readonly string Page = Path.Combine(Repository.Root, "docs", "procedure.md");

    [Fact]
    public async Task Procedure_RunAsItIsWritten_UpgradesTheServer()
    {
        using var bench = new Bench();
        bench.WriteSmallCapsule();
        bench.WriteTargets();
        bench.SignCatalog();
        var ran = new List<string>();
        foreach (Match step in Steps().Matches(await File.ReadAllTextAsync(Page)))
        {
            if (!step.Groups["commands"].Success)
            {
                bench.PlayBoot(isFlashed: true);
                continue;
            }

            foreach (var command in step.Groups["commands"].Value.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
            {
                var words = command.Split(' ', StringSplitOptions.RemoveEmptyEntries);
                Assert.Equal("romflash", words[0]);
                var result = await Cli.RunInAsync(bench.Folder, words[1..]);
                Assert.True(result.ExitCode == 0, $"{command}\n{result}");
                ran.Add(command);
            }
        }

        // The whole road, each command of it.
        foreach (var command in (string[])["catalog check", "validate", "probe", "catalog explain", "plan --targets", "plan show", "flash --plan plan.json --image rom.cap --image-trust maker.pem --catalog catalog.json --trust signer.pem --dry-run", "--no-reboot --out plan.json", "confirm", "history", "recover"])
        {
            Assert.Contains(ran, r => r.Contains(command, StringComparison.Ordinal));
        }

        var history = await Cli.RunInAsync(bench.Folder, "history", "--journal", "journal.rfj");
        Assert.Contains("Upgraded", history.Out, StringComparison.Ordinal);
        Assert.Contains("plan ", history.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Procedure_SaysEachRequirementAndFailureOfTheDocumentedTable()
    {
        var page = (await File.ReadAllTextAsync(Page)).ReplaceLineEndings(" ");
        foreach (var words in (string[])
        [
            "One or more remote servers",
            "An administrative account",
            "visible from the client",
            "at least 32 MB",
            "A ROM version that can be used for all",
            "syntax",
            "parameter",
            "access denied",
            "Remote Registry",
            "connection",
            "not supported",
            "Do not switch a server off",
        ])
        {
            Assert.Contains(words, page, StringComparison.OrdinalIgnoreCase);
        }
    }

    [GeneratedRegex("^ *```sh procedure\n(?<commands>.*?)^ *```$|^ *<!-- procedure: the servers restart -->$", RegexOptions.Multiline | RegexOptions.Singleline | RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 10000)]
    private static partial Regex Steps();
}
