using RomFlash.Cli.CommandLine;

namespace RomFlash.Cli.Tests.Commands;

public sealed class RootHelpTests
{
    [Theory]
    [InlineData("--help")]
    [InlineData("-h")]
    [InlineData("-?")]
    public async Task Help_OfTheProgram_NamesEachCommandAndShowsExamples(string option)
    {
        var result = await Cli.RunAsync(option);

        Assert.True(result.ExitCode == 0, result.ToString());
        Assert.Empty(result.Error);
        Assert.All(CommandTable.All, c => Assert.Contains($"  {c.Name} ", result.Out, StringComparison.Ordinal));
        Assert.All(RootHelp.Examples, e => Assert.Contains($"  romflash {e.Arguments}", result.Out, StringComparison.Ordinal));
    }

    // The help is written without the parser: nothing else would notice an example that is out of date.
    [Fact]
    public void Help_Examples_CanBeParsed() =>
        Assert.All(RootHelp.Examples, e => Assert.Null(RomFlashCommandLine.FindSyntaxError(e.Arguments.Split(' '))));
}
