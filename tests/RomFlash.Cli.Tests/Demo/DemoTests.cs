namespace RomFlash.Cli.Tests.Demo;

public sealed class DemoTests
{
    [Fact]
    public async Task Demo_Piped_ShowsEachOutcomeAndSucceeds()
    {
        var result = await Cli.RunAsync("demo");

        Assert.True(result.ExitCode == 0, result.ToString());
        foreach (var outcome in (string[])["Upgraded", "AlreadyCurrent", "Pending", "NotApplied", "UnexpectedVersion", "RecoveryRequired", "Indeterminate", "NotFlashed"])
        {
            Assert.Contains($": {outcome}", result.Out, StringComparison.Ordinal);
        }

        // The rows of the documented table that a rack can show.
        foreach (var code in (string[])["RF2001", "RF2003", "RF3001", "RF4001", "RF4002", "RF6002", "RF8001"])
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
        Assert.All(result.Out.Split('\n', StringSplitOptions.RemoveEmptyEntries)[..^1], l => Assert.StartsWith("ok   sim://", l, StringComparison.Ordinal));
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
    public async Task Demo_AtATerminalWithNoColor_IsPlain()
    {
        var result = await Cli.RunAtTerminalAsync(string.Empty, [("NO_COLOR", "1")], "demo");

        Assert.Equal(0, result.ExitCode);
        Assert.DoesNotContain("│", result.Out, StringComparison.Ordinal);

        // The runtime itself may set the terminal up; no text is coloured.
        Assert.DoesNotMatch("\u001b\\[[0-9;]*m", result.Out);
    }
}
