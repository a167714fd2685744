namespace RomFlash.Cli.Tests.Commands;

public sealed class PolicyTests : IDisposable
{
    private readonly Bench _bench = new();

    public PolicyTests() => _bench.WriteSmallCapsule();

    public void Dispose() => _bench.Dispose();

    [Theory]
    [InlineData("--window", "01:00/04:00")]
    [InlineData("--window", "2099-11-24T01:00/2099-11-24T04:00")]
    [InlineData("--window", "2001-11-24T01:00Z/2001-11-24T04:00Z")]
    [InlineData("--window", "2099-11-24T01:00Z/2099-11-24T04:00Z")]
    [InlineData("--window", "2099-11-24T04:00Z/2099-11-24T01:00Z")]
    [InlineData("--window", "01:00Z/01:00Z")]
    [InlineData("--window", "01:00+02:00/04:00Z")]
    [InlineData("--window", "25:00Z/26:00Z")]
    [InlineData("--window", "tonight")]
    [InlineData("--window", "01:00Z/02:00Z/03:00Z")]
    [InlineData("--verify-at-least", "hope")]
    [InlineData("--reboot-delay", "soon")]
    [InlineData("--reboot-message", "a\u001bb")]
    public async Task Flash_ValueThatCantBeUsed_ExitsThreeAndTeachesTheForm(string option, string value)
    {
        var result = await Cli.RunAsync([.. _bench.FlashArguments, "--dry-run", option, value]);

        Assert.True(result.ExitCode == 3, result.ToString());
        Assert.Contains(option + " is", result.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--window", "00:00Z/23:59Z")]
    [InlineData("--window", "12:00Z/11:59Z")]
    [InlineData("--window", "01:00+02:00/04:00+02:00")]
    [InlineData("--verify-at-least", "read-back")]
    [InlineData("--reboot-delay", "0s")]
    [InlineData("--allow-immediate")]
    [InlineData("--force-reboot")]
    public async Task Flash_GoodValue_IsTaken(params string[] arguments) =>
        Assert.Equal(0, (await Cli.RunAsync([.. _bench.FlashArguments, "--dry-run", .. arguments])).ExitCode);

    [Fact]
    public async Task Flash_NoRebootWithARebootDelay_IsASyntaxError() =>
        Assert.Equal(2, (await Cli.RunAsync([.. _bench.FlashArguments, "--no-reboot", "--reboot-delay", "5s"])).ExitCode);
}
