namespace RomFlash.Cli.Tests.Commands;

/// <summary>How targets over SSH are reached, as far as no target is needed to tell.</summary>
public sealed class SshOptionsTests
{
    private const string Canary = "CANARY-51c9";

    [Theory]
    [InlineData("--ssh-config", "/no/such/file")]
    [InlineData("--ssh-config", "/")]
    [InlineData("--ssh-root", "srv/chroot")]
    [InlineData("--ssh-root", "/srv/../chroot")]
    [InlineData("--ssh-shutdown", "shutdown -h")]
    [InlineData("--ssh-shutdown", "-h")]
    public async Task Run_ValueThatCantBeUsed_ExitsThreeAndNamesTheOption(string option, string value)
    {
        foreach (var command in (string[])["probe", "confirm", "cancel", "recover"])
        {
            var result = await Programs.RunAsync(command, "--target", "ssh://192.0.2.1", option, value);

            Assert.True(result.ExitCode == 3, result.ToString());
            Assert.Contains("RF1002", result.Error, StringComparison.Ordinal);
            Assert.Contains(option + " ", result.Error, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Help_CommandsThatReachTargets_HaveTheOptionsTogether()
    {
        var reach = Programs.Commands().Where(c => c.Command.Options.Any(o => o.Name == "--ask-password")).Select(c => c.Path).ToList();
        Assert.Equal(["cancel", "catalog explain", "confirm", "flash", "plan", "probe", "recover"], reach.Order(StringComparer.Ordinal));
        foreach (var path in reach)
        {
            var help = await Programs.RunAsync([.. path.Split(' '), "--help"]);

            var group = help.Out.ReplaceLineEndings("\n").Split("\nTargets over SSH (docs/linux-targets.md):\n")[1].Split("\n\n")[0];
            Assert.All((string[])["--ssh-config FILE", "--ssh-root FOLDER", "--ssh-shutdown PROGRAM", "--ssh-password"], o => Assert.Contains($"  {o} ", group, StringComparison.Ordinal));
        }
    }

    [Fact]
    public async Task Probe_PasswordThatNoOptionAllows_ContactsNobodyAndRepeatsNothing()
    {
        // Nobody answers there (RFC 5737): a connection would run into its deadline.
        var result = await Cli.RunAsync([("ROMFLASH_TEST_PASSWORD", Canary)], "probe", "--target", "ssh://root@192.0.2.1", "--user", "root", "--password-env", "ROMFLASH_TEST_PASSWORD", "--json");

        Assert.NotEqual(0, result.ExitCode);
        Assert.Contains("passwords are not allowed", result.All, StringComparison.Ordinal);
        Assert.DoesNotContain(Canary, result.All, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData($"ssh://root:{Canary}@192.0.2.1")]
    [InlineData($"ssh://root%3A{Canary}@192.0.2.1")]
    [InlineData($"smb://{Canary}@192.0.2.1/ESP$")]
    public async Task Probe_AddressWithMoreThanAUserOfSsh_IsRefusedAndNotRepeated(string address)
    {
        var result = await Programs.RunAsync("probe", "--target", address);

        Assert.Equal(3, result.ExitCode);
        Assert.Contains("RF1005", result.Error, StringComparison.Ordinal);
        Assert.DoesNotContain(Canary, result.All, StringComparison.Ordinal);
    }
}
