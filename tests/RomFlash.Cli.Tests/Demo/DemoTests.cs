namespace RomFlash.Cli.Tests.Demo;

public sealed class DemoTests
{
    [Fact]
    public async Task Demo_Piped_ShowsEachOutcomeAndSucceeds()
    {
        var result = await Cli.RunAsync("demo");

        Assert.True(result.ExitCode == 0, result.ToString());
        foreach (var outcome in (string[])["Upgraded", "AlreadyCurrent", "Pending", "WouldUpgrade", "NotApplied", "UnexpectedVersion", "RecoveryRequired", "NotFlashed", "Incomplete", "Indeterminate"])
        {
            Assert.Contains($" {outcome} ", result.Out, StringComparison.Ordinal);
        }

        // The rows of the documented table.
        foreach (var code in (string[])["RF1001", "RF1002", "RF2001", "RF2003", "RF3001", "RF3007", "RF4001", "RF4002", "RF6002", "RF8001"])
        {
            Assert.Contains(code, result.Out, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Demo_HostileNames_AreNeverRaw()
    {
        var result = await Cli.RunAsync("demo");

        Output.AssertPlain(result);
        Assert.Contains(@"\u001B]0;x\u0007", result.Out, StringComparison.Ordinal);
        Assert.Contains(@"Server\u000D\u000A380", result.Out, StringComparison.Ordinal);
        Assert.All(result.Out.Split('\n', StringSplitOptions.RemoveEmptyEntries)[2..^1], l => Assert.StartsWith("ok   sim://", l, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Demo_Json_IsOneObjectForEachTarget()
    {
        var result = await Cli.RunAsync("demo", "--json");

        Assert.Equal(0, result.ExitCode);
        Assert.True(result.Json.Count >= 12);
        Output.AssertPlain(result);
        Assert.DoesNotContain("<script>", result.Out, StringComparison.Ordinal);
        Assert.Contains(result.Json, o => o.GetProperty("product").GetString() == "\u001b]0;x\a Server");
        foreach (var one in result.Json)
        {
            Assert.All(
                (string[])["target", "outcome", "code", "stage", "targetState", "message", "remedy", "fromVersion", "toVersion", "verification"],
                f => Assert.True(one.TryGetProperty(f, out _), f));
            Assert.True(one.GetProperty("asStaged").GetBoolean());
        }
    }

    // A clock that runs on while the pipeline works would cut clean-ups short.
    [Fact]
    public async Task Demo_Upgraded_LeavesNothingOnTheTarget()
    {
        var result = await Cli.RunAsync("demo", "--json");

        Assert.All(result.Json.Where(o => o.GetProperty("outcome").GetString() == "Upgraded"), o => Assert.Equal(0, o.GetProperty("notes").GetArrayLength()));
    }

    [Fact]
    [Trait("Category", "Peer")]
    public async Task Demo_AtATerminal_ShowsATableWithoutHostileSequences()
    {
        var result = await Cli.RunAtTerminalAsync(string.Empty, [], "demo");

        Assert.Equal(0, result.ExitCode);
        Assert.Contains("│", result.Out, StringComparison.Ordinal);
        Assert.Contains("\u001b[", result.Out, StringComparison.Ordinal);
        Assert.DoesNotContain("\u001b]0", result.Out, StringComparison.Ordinal);
        Assert.DoesNotContain('\a', result.Out);
    }

    [Fact]
    [Trait("Category", "Peer")]
    public async Task Demo_AtATerminalWithNoColor_HasNoColour()
    {
        var result = await Cli.RunAtTerminalAsync(string.Empty, [("NO_COLOR", "1")], "demo");

        Assert.Equal(0, result.ExitCode);
        Assert.Contains("│", result.Out, StringComparison.Ordinal);
        Assert.DoesNotMatch("\u001b\\[[0-9;]*[1-9][0-9;]*m", result.Out);
    }

    [Fact]
    [Trait("Category", "Peer")]
    public async Task Demo_AtATerminalThatCanDoNothing_IsPlain()
    {
        var result = await Cli.RunAtTerminalAsync(string.Empty, [("TERM", "dumb")], "demo");

        Assert.Equal(0, result.ExitCode);
        Output.AssertPlain(result.Out);
        Assert.DoesNotContain("│", result.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Demo_SameSeed_GivesTheSameOutput()
    {
        var first = await Cli.RunAsync("demo", "--targets", "40", "--seed", "7", "--json");
        var second = await Cli.RunAsync("demo", "--targets", "40", "--seed", "7", "--json");
        var other = await Cli.RunAsync("demo", "--targets", "40", "--seed", "8", "--json");

        Assert.True(first.ExitCode == 0, first.ToString());
        Assert.Equal(first.Out, second.Out);
        Assert.NotEqual(first.Out, other.Out);
        Assert.Equal(41, first.Json.Count);
    }

    [Fact]
    public async Task Demo_ManyTargets_FoldsTheHealthyOnes()
    {
        var result = await Cli.RunAsync("demo", "--targets", "300");

        Assert.True(result.ExitCode == 0, result.ToString());
        Assert.Contains("and 270 healthy targets more", result.Out, StringComparison.Ordinal);
        Assert.Contains("301 of 301 came out as staged", result.Out, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--targets", "5")]
    [InlineData("--targets", "10001")]
    [InlineData("--targets", "many")]
    [InlineData("--seed", "-1")]
    public async Task Demo_NumberOutOfBounds_IsAnInvalidParameter(string option, string value)
    {
        var result = await Cli.RunAsync("demo", $"{option}={value}");

        Assert.Equal(3, result.ExitCode);
        Assert.Contains("RF1002", result.Error, StringComparison.Ordinal);
        Assert.Contains(option, result.Error, StringComparison.Ordinal);
        Assert.Empty(result.Out);
    }
}
