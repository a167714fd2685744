namespace RomFlash.Cli.Tests.Commands;

public sealed class CompletionTests
{
    [Theory]
    [InlineData("=pr", "probe")]
    [InlineData("=--targ", "--target --targets", "probe")]
    [InlineData("=--targ", "--targets", "probe", "--target", "dir:/x", "--targ")]
    [InlineData("=", "accepted-by-device digest-on-target read-back", "flash", "--verify-at-least")]
    [InlineData("=z", "zsh", "completion")]
    [InlineData("=", "", "flash", "--image")]
    [InlineData("=", "", "nonsense")]
    [InlineData("=--ssh", "--ssh-config --ssh-password --ssh-root --ssh-shutdown", "probe")]
    [InlineData("=--ssh", "--ssh-config --ssh-password --ssh-root --ssh-shutdown", "catalog", "explain")]
    [InlineData("=", "", "flash", "--ssh-root")]
    [InlineData("=--password", "--password-env --password-file", "probe")]
    public async Task Words_AtAPlace_AreThoseThatFit(string current, string words, params string[] before)
    {
        var result = await Cli.RunAsync(["completion", "words", current, .. before]);

        Assert.Equal(0, result.ExitCode);
        Assert.Empty(result.Error);
        var found = result.Out.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Superset(words.Split(' ', StringSplitOptions.RemoveEmptyEntries).ToHashSet(), found.ToHashSet());
        Assert.Equal(words.Length == 0, found.Length == 0);
    }

    [Fact]
    public async Task Completion_UnknownShell_IsASyntaxError() => Assert.Equal(2, (await Cli.RunAsync("completion", "tcsh")).ExitCode);

    [Theory]
    [Trait("Category", "Peer")]
    [InlineData("con", "confirm")]
    [InlineData("flash --verify-at-least dig", "digest-on-target")]
    [InlineData("flash --no-", "--no-reboot")]
    [InlineData("history --la", "--last")]
    public async Task Bash_WithTheScript_Completes(string line, string completed)
    {
        // What bash does at a tab: it calls the function with the words so far, and takes COMPREPLY.
        var words = line.Split(' ');
        var script = $$"""
            romflash() { '{{Cli.Host}}' '{{Cli.Executable}}' "$@"; }
            source <(romflash completion bash)
            complete -p romflash >&2
            COMP_WORDS=(romflash {{string.Join(' ', words)}})
            COMP_CWORD={{words.Length}}
            _romflash romflash '{{words[^1]}}' ''
            printf '%s\n' "${COMPREPLY[@]}"
            """;

        var result = await Cli.RunProgramAsync("bash", ["--norc", "-c", script], []);

        Assert.True(result.ExitCode == 0, result.ToString());
        Assert.Contains("-F _romflash romflash", result.Error, StringComparison.Ordinal);
        Assert.Equal(completed, result.Out.Trim());
    }
}
