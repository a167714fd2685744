using System.Text.RegularExpressions;

namespace RomFlash.Cli.Tests.Demo;

/// <summary>
/// What the README shows of the demo is what the demo writes. A fence labelled <c>text demo</c> begins with the command behind a <c>$</c>; a line
/// with nothing but <c>...</c> stands for lines that were left out.
/// </summary>
public sealed partial class ReadmeDemoTests
{
    private const string Gap = "...";

    [Fact]
    public async Task Readme_Demo_IsTheRealOutput()
    {
        var block = Assert.Single(Fence().Matches(await File.ReadAllTextAsync(Path.Combine(Repository.Root, "README.md")))).Groups["text"].Value;
        var lines = block.Replace("\r\n", "\n", StringComparison.Ordinal).TrimEnd('\n').Split('\n');
        Assert.StartsWith("$ romflash demo", lines[0], StringComparison.Ordinal);

        var result = await Cli.RunAsync(lines[0]["$ romflash ".Length..].Split(' '));

        Assert.True(result.ExitCode == 0, result.ToString());
        var output = result.Out.ReplaceLineEndings("\n").TrimEnd('\n').Split('\n');
        var at = 0;
        var mayJump = false;
        foreach (var line in lines[1..])
        {
            if (line == Gap)
            {
                mayJump = true;
                continue;
            }

            at = mayJump ? Array.IndexOf(output, line, at) : at;
            Assert.True(at >= 0 && at < output.Length && output[at] == line, $"the README shows '{line}', which is not there in the output:\n{result.Out}");
            (at, mayJump) = (at + 1, false);
        }

        Assert.True(at == output.Length || mayJump, $"the README ends before the output does:\n{result.Out}");
    }

    [GeneratedRegex("^```text demo\r?\n(?<text>.*?)^```", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Fence();
}
