using System.CommandLine.Help;

namespace RomFlash.Cli.Tests.Commands;

/// <summary>Where secrets may come from, and that none is ever shown.</summary>
public sealed class SecretTests : IDisposable
{
    private const string Canary = "CANARY-5e1d";

    private readonly Bench _bench = new();

    public SecretTests() => _bench.WriteSmallCapsule();

    public void Dispose() => _bench.Dispose();

    public static TheoryData<string> Commands => ["probe", "flash", "confirm", "cancel", "recover"];

    [Theory]
    [InlineData("--password", Canary)]
    [InlineData("--password=" + Canary)]
    [InlineData("--pass", Canary)]
    [InlineData("-p", Canary)]
    [InlineData("-p" + Canary)]
    [InlineData("--PASSWORD:" + Canary)]
    [InlineData("--token=" + Canary)]
    [InlineData("--secret", Canary)]
    [InlineData(Canary)]
    [InlineData("@" + Canary)]
    [InlineData("--user", "u", "--password-file", Canary)]
    [InlineData("--user", "u", "--password-file", "./" + Canary)]
    [InlineData("--user", "u", "--password-env", Canary)]
    [InlineData("--user", "u", "--password-env=" + Canary)]
    [InlineData("--user", "u", "--ask-password", Canary)]
    [InlineData("--user", "u", "--password", Canary, "--password-file", "x")]
    [InlineData("--targets", "/no/such/file", "--password", Canary)]
    public async Task Run_SecretInAnArgument_IsRefusedAndNeverRepeated(params string[] arguments)
    {
        foreach (var json in (string[][])[[], ["--json"]])
        {
            var result = await Cli.RunAsync([.. Command("probe"), .. arguments, .. json]);

            Assert.True(result.ExitCode is 2 or 3 or 4, result.ToString());
            Assert.DoesNotContain("CANARY", result.All, StringComparison.OrdinalIgnoreCase);
        }
    }

    [Theory]
    [InlineData("validate", "--image", "URI")]
    [InlineData("flash", "--image", "URI", "--catalog", "c", "--target", "dir:/x")]
    [InlineData("flash", "--image", "i", "--catalog", "URI", "--target", "dir:/x")]
    [InlineData("flash", "--plan=URI", "--image", "i", "--catalog", "c")]
    [InlineData("history", "--journal", "URI")]
    [InlineData("probe", "--targets", "URI")]
    [InlineData("probe", "--target", "dir:/x", "--concurrency=URI")]
    [InlineData("plan", "show", "URI")]
    [InlineData("plan", "diff", "URI", "p")]
    [InlineData("catalog", "check", "URI")]
    [InlineData("catalog", "check", "c.json", "--trust", "URI")]
    [InlineData("catalog", "import", "--from", "URI", "--to", "x")]
    [InlineData("demo", "--seed", "URI")]
    public async Task Run_AddressWithAPasswordWhereAFileBelongs_IsRefusedAndNeverRepeated(params string[] arguments)
    {
        foreach (var address in (string[])["https://u:" + Canary + "@h/x", Canary + "://u:" + Canary + "@h", "ssh://u:a/b#" + Canary + "@h", "https:u:" + Canary + "@h"])
        {
            var result = await Cli.RunAsync([.. arguments.Select(a => a.Replace("URI", address, StringComparison.Ordinal)), "--json"]);

            Assert.True(result.ExitCode is 2, result.ToString());
            Assert.DoesNotContain("CANARY", result.All, StringComparison.OrdinalIgnoreCase);
            Assert.Contains("holds a user name or a password", result.Error, StringComparison.Ordinal);
        }
    }

    // Every value that any command takes, as the parser knows them.
    public static TheoryData<string, string> EveryValue
    {
        get
        {
            var all = new TheoryData<string, string>();
            foreach (var (path, command) in Programs.Commands())
            {
                foreach (var option in command.Options.Where(o => o.ValueType != typeof(bool) && o is not HelpOption))
                {
                    all.Add(path, option.Name);
                }

                foreach (var argument in command.Arguments)
                {
                    all.Add(path, argument.Name);
                }
            }

            return all;
        }
    }

    [Theory]
    [MemberData(nameof(EveryValue))]
    public async Task Run_UserPasswordAndHostAsAnyValue_IsRefusedAndNeverRepeated(string command, string value)
    {
        // The least that each command wants, so that nothing else is wrong.
        Dictionary<string, string[]> least = new(StringComparer.Ordinal)
        {
            ["demo"] = [],
            ["validate"] = ["--image", "i"],
            ["probe"] = ["--target", "dir:/x"],
            ["catalog check"] = ["FILE"],
            ["catalog import"] = ["--from", "f", "--to", "t"],
            ["catalog sign"] = ["FILE"],
            ["catalog explain"] = ["--target", "dir:/x", "--catalog", "c"],
            ["plan"] = ["--target", "dir:/x", "--image", "i", "--catalog", "c"],
            ["plan show"] = ["FILE"],
            ["plan diff"] = ["OLD", "NEW"],
            ["flash"] = ["--target", "dir:/x", "--image", "i", "--catalog", "c"],
            ["confirm"] = ["--target", "dir:/x"],
            ["cancel"] = ["--target", "dir:/x"],
            ["recover"] = ["--target", "dir:/x"],
            ["history"] = [],
            ["completion"] = ["shell"],
        };
        string[] with = value switch
        {
            "--group" => ["--targets", "t"],
            "--user" => ["--password-env", "X"],
            "--password-file" or "--password-env" => ["--user", "u"],
            "--waive" => ["--who", "w", "--why", "y"],
            "--who" => ["--waive", "x", "--why", "y"],
            "--why" => ["--waive", "x", "--who", "w"],
            "--manufacturer" => ["--product", "p"],
            "--product" => ["--manufacturer", "m"],
            "--certificate" => ["--key", "k"],
            "--key" => ["--certificate", "c"],
            "--key-password-env" or "--key-password-file" or "--pfx" => value == "--pfx" ? [] : ["--pfx", "p"],
            "--plan-hash" => ["--plan", "p"],
            _ => [],
        };
        foreach (var secret in (string[])["u:" + Canary + "@h", Canary + ":p@h", ":" + Canary + "@h", "u:p/" + Canary + "@h"])
        {
            string[] minimum = command == "flash" && value is "--plan" or "--plan-hash" ? ["--image", "i", "--catalog", "c"] : command == "catalog sign" && value == "FILE" ? [.. least[command], "--pfx", "p"] : least[command];
            var at = Array.IndexOf(minimum, value);
            string[] given = at < 0 ? [.. minimum, value, secret] : value.StartsWith('-') ? [.. minimum[..(at + 1)], secret, .. minimum[(at + 2)..]] : [.. minimum[..at], secret, .. minimum[(at + 1)..]];
            foreach (var json in (string[][])[[], ["--json"]])
            {
                var result = await Programs.RunAsync([.. command.Split(' '), .. given, .. with, .. command == "completion" ? [] : json]);

                Assert.DoesNotContain("CANARY", result.All, StringComparison.OrdinalIgnoreCase);
                if (command == "completion")
                {
                    // One word of four, which the parser itself looks at.
                    Assert.True(result.ExitCode is 2, result.ToString());
                    continue;
                }

                Assert.True(result.ExitCode is 3, result.ToString());
                Assert.Contains(value == "--target" ? "address" : value, result.Error.Replace("an id is not", "an address is not", StringComparison.Ordinal), StringComparison.Ordinal);
            }
        }
    }

    [Theory]
    [InlineData("demo", "--seed", Canary + "@1")]
    [InlineData("history", "--last", "@" + Canary)]
    [InlineData("validate", "--image", Canary + "@1")]
    [InlineData("probe", "--target", "dir:/x", "--journal=" + Canary + "@1")]
    public async Task Run_AtSignWhereItHasNoUse_IsRefusedAndNeverRepeated(params string[] arguments)
    {
        var result = await Programs.RunAsync([.. arguments, "--json"]);

        Assert.True(result.ExitCode is 2 or 3, result.ToString());
        Assert.DoesNotContain("CANARY", result.All, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public async Task Validate_FileNameWithAnAtSign_IsAFileName()
    {
        var image = Path.Combine(_bench.Folder, "rom@2:1.cap");
        File.Copy(_bench.Image, image);

        Assert.Equal(0, (await Cli.RunAsync("validate", "--image", image)).ExitCode);
    }

    [Theory]
    [MemberData(nameof(Commands))]
    public async Task Run_PasswordArgument_TeachesTheRightWay(string command)
    {
        var result = await Cli.RunAsync([.. Command(command), "--password", Canary]);

        Assert.Equal(2, result.ExitCode);
        Assert.Contains("--password-file FILE, --password-env NAME or --ask-password", result.Error, StringComparison.Ordinal);
        Assert.DoesNotContain(Canary, result.All, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Commands))]
    public async Task Run_SecretsInTheTargetsFile_AreNeverRepeated(string command)
    {
        var file = Path.Combine(_bench.Folder, "targets.json");
        foreach (var text in (string[])
            [
                $"{{\"romflashTargets\":1,\"groups\":{{\"a\":{{\"targets\":[\"dir://u:{Canary}@h/x\"]}}}}}}",
                $"{{\"romflashTargets\":1,\"groups\":{{\"a\":{{\"password\":\"{Canary}\",\"targets\":[\"dir:/x\"]}}}}}}",
                $"{{\"romflashTargets\":1,\"groups\":{{\"a\":{{\"credentials\":\"{Canary}\",\"targets\":[\"dir:/x\"]}}}}}}",
                $"{{\"romflashTargets\":1,\"credentials\":{{}},\"groups\":{{\"a\":{{\"credentials\":\"{Canary}\",\"targets\":[\"dir:/x\"]}}}}}}",
                $"{{\"romflashTargets\":1,\"credentials\":{{\"c\":{{\"userName\":\"u\",\"passwordEnvironment\":\"{Canary}\"}}}},\"groups\":{{\"a\":{{\"credentials\":\"c\",\"targets\":[\"dir:/x\"]}}}}}}",
                $"{{\"romflashTargets\":1,\"credentials\":{{\"c\":{{\"userName\":\"u\",\"passwordFile\":\"{Canary}\"}}}},\"groups\":{{\"a\":{{\"credentials\":\"c\",\"targets\":[\"dir:/x\"]}}}}}}",
                $"{{\"romflashTargets\":true{Canary}",
            ])
        {
            File.WriteAllText(file, text);
            var result = await Cli.RunAsync([.. Command(command).Where(a => a != "--target" && a != _bench.Target), "--targets", file, "--json"]);

            Assert.True(result.ExitCode is 3 or 4, result.ToString());
            Assert.DoesNotContain("CANARY", result.All, StringComparison.OrdinalIgnoreCase);
        }
    }

    [Theory]
    [MemberData(nameof(Commands))]
    public async Task Run_SecretFromTheEnvironment_IsInNoOutput(string command)
    {
        var result = await Cli.RunAsync([("RIGHT_PLACE", Canary)], [.. Command(command), "--user", "u", "--password-env", "RIGHT_PLACE", "--json"]);

        Assert.NotEmpty(result.Out);
        Assert.DoesNotContain(Canary, result.All, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(UnixFileMode.UserRead | UnixFileMode.UserWrite, 0)]
    [InlineData(UnixFileMode.UserRead, 0)]
    [InlineData(UnixFileMode.UserRead | UnixFileMode.GroupRead, 4)]
    [InlineData(UnixFileMode.UserRead | UnixFileMode.OtherRead, 4)]
    [InlineData(UnixFileMode.UserRead | UnixFileMode.GroupWrite, 4)]
    public async Task Probe_PasswordFile_IsReadOnlyWhenNobodyElseCan(UnixFileMode mode, int exitCode)
    {
        var file = Path.Combine(_bench.Folder, "secret");
        File.WriteAllText(file, Canary + "\n");
#pragma warning disable CA1416 // The tests run on Linux.
        File.SetUnixFileMode(file, mode);
#pragma warning restore CA1416

        var result = await Cli.RunAsync([.. Command("probe"), "--user", "u", "--password-file", file]);

        Assert.True(result.ExitCode == exitCode, result.ToString());
        Assert.Equal(exitCode == 4, result.Error.Contains("RF3010", StringComparison.Ordinal));
        Assert.DoesNotContain(Canary, result.All, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--user", "u")]
    [InlineData("--password-env", "X")]
    [InlineData("--user", "u", "--password-env", "X", "--ask-password")]
    public async Task Probe_HalfOfTheCredentials_IsASyntaxError(params string[] arguments) =>
        Assert.Equal(2, (await Cli.RunAsync([.. Command("probe"), .. arguments])).ExitCode);

    [Fact]
    public async Task Probe_NobodyToAsk_SaysSo()
    {
        var result = await Cli.RunAsync([.. Command("probe"), "--user", "u", "--ask-password"]);

        Assert.Equal(4, result.ExitCode);
        Assert.Contains("RF3008", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    [Trait("Category", "Peer")]
    public async Task Probe_AskPasswordAtATerminal_DoesNotEchoIt()
    {
        var result = await Cli.RunAtTerminalAsync(Canary + "\n", [], [.. Command("probe"), "--user", "mara", "--ask-password"]);

        Assert.True(result.ExitCode == 0, result.ToString());
        Assert.Contains("Password of mara: ", result.Out, StringComparison.Ordinal);
    }

    private string[] Command(string name) => name switch
    {
        "probe" => ["probe", "--target", _bench.Target],
        "flash" => [.. _bench.FlashArguments, "--dry-run"],
        _ => [name, "--target", _bench.Target, "--journal", _bench.Journal],
    };
}
