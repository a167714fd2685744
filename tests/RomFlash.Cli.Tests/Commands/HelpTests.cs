namespace RomFlash.Cli.Tests.Commands;

public sealed class HelpTests
{
    private static readonly string[] Names = ["demo", "validate", "probe", "flash", "confirm", "cancel", "recover", "history", "completion"];

    public static TheoryData<string> Commands => [.. Names];

    [Theory]
    [MemberData(nameof(Commands))]
    public async Task Help_EachCommand_HasItsFormExamplesAndExitCodes(string command)
    {
        var result = await Cli.RunAsync(command, "--help");

        Assert.Equal(0, result.ExitCode);
        Output.AssertPlain(result);
        foreach (var part in (string[])["Usage:", $"  romflash {command} ", "Examples:", "Exit codes (docs/exit-codes.md):", "  130  cancelled"])
        {
            Assert.Contains(part, result.Out, StringComparison.Ordinal);
        }

        Assert.InRange(result.Out.Split("Examples:")[1].Split("Exit codes")[0].Split('\n').Count(l => l.Contains("romflash ", StringComparison.Ordinal)), 2, 4);
        Assert.DoesNotContain(result.Out.Split("Examples:")[0].Split('\n'), l => l.TrimEnd().Length > 100);
    }

    [Fact]
    public async Task Help_TheProgram_NamesEachCommand()
    {
        var result = await Cli.RunAsync("--help");

        Assert.All(Names, c => Assert.Contains($"\n  {c} ", result.Out, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("did you mean --target?", "probe", "--targte", "dir:/x")]
    [InlineData("Behind '--target' stands an option", "probe", "--target", "dir:/x", "--colour")]
    [InlineData("did you mean probe?", "prob")]
    [InlineData("Argument 2 is no option of this command", "probe", "--colour")]
    [InlineData("Argument 4 is not expected here", "confirm", "--wait", "5m", "now", "--target", "dir:/x")]
    [InlineData("Here: romflash confirm --wait ... >...< --target", "confirm", "--wait", "5m", "now", "--target", "dir:/x")]
    [InlineData("Option '--group' needs '--targets'", "probe", "--target", "dir:/x", "--group", "a")]
    [InlineData("Option '--target' or '--targets' is required", "recover")]
    public async Task Run_WrongSyntax_SaysWhatAndWhere(string says, params string[] arguments)
    {
        var result = await Cli.RunAsync(arguments);

        Assert.Equal(2, result.ExitCode);
        Assert.Contains(says, result.Error, StringComparison.Ordinal);
        Assert.Contains("Correct form: romflash ", result.Error, StringComparison.Ordinal);
    }
}
