namespace RomFlash.Cli.Tests.Commands;

public sealed class SyntaxTests
{
    private const string Canary = "CANARY-7f3a";

    [Theory]
    [InlineData("romflash demo|", "")]
    [InlineData("romflash demo [--targets N] [--seed S] [--json]", "demo --colour")]
    [InlineData("romflash probe (--target URI", "probe")]
    [InlineData("romflash validate --image FILE", "validate --image")]
    [InlineData("romflash validate --image FILE", "validate --image a b")]
    [InlineData("romflash flash --image FILE", "flash --image a --catalog b")]
    [InlineData("romflash flash --image FILE", "flash --image a --catalog b --target dir:/x --waive battery")]
    [InlineData("romflash confirm (--target URI", "confirm --target dir:/x --wait")]
    [InlineData("romflash cancel (--target URI", "cancel --wait 5s")]
    [InlineData("romflash demo|", "upgrade")]
    public async Task Run_WrongSyntax_ExitsTwoWithTheCorrectForm(string form, string arguments)
    {
        var result = await Cli.RunAsync(arguments.Split(' ', StringSplitOptions.RemoveEmptyEntries));

        Assert.Equal(2, result.ExitCode);
        Assert.Empty(result.Out);
        Assert.Contains("RF1001", result.Error, StringComparison.Ordinal);
        Assert.Contains("Correct form: " + form, result.Error, StringComparison.Ordinal);
        Assert.Contains("remedy:", result.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("flash --image a --catalog b --target dir:/x --concurrency 0")]
    [InlineData("flash --image a --catalog b --target dir:/x --concurrency many")]
    [InlineData("probe --target /mnt/esp")]
    [InlineData("confirm --target dir:/x --wait 5")]
    [InlineData("confirm --target dir:/x --wait 9999999h")]
    [InlineData("history --journal /no/such/journal")]
    [InlineData("cancel --target dir:/x --journal /no/such/journal")]
    public async Task Run_ValueThatCantBeUsed_ExitsThree(string arguments)
    {
        var result = await Cli.RunAsync(arguments.Split(' '));

        Assert.Equal(3, result.ExitCode);
        Assert.Contains("RF1002", result.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("validate", "--image", "")]
    [InlineData("history", "--journal", "")]
    [InlineData("flash", "--image", "a", "--catalog", "", "--target", "dir:/x")]
    [InlineData("probe", "--target", "")]
    public async Task Run_EmptyValue_ExitsThree(params string[] arguments)
    {
        var result = await Cli.RunAsync(arguments);

        Assert.True(result.ExitCode == 3, result.ToString());
        Assert.Contains("RF1002", result.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("probe", "--target", $"dir://admin:{Canary}@host/x")]
    [InlineData("probe", $"dir://admin:{Canary}@host/x")]
    [InlineData("probe", "--targte", $"dir://admin:{Canary}'s@host/x")]
    [InlineData("probe", $"--targte=dir://admin:{Canary}@host/x")]
    [InlineData("probe", "--target", $"admin:{Canary}@host")]
    [InlineData("confirm", "--target", $"dir://admin:{Canary}@host/x", "--json")]
    [InlineData("cancel", "--target", $"dir://admin:{Canary}@host/x")]
    [InlineData($"dir://admin:{Canary}@host/x")]
    [InlineData($"@{Canary}")]
    public async Task Run_AddressWithAPassword_IsRefusedAndNeverRepeated(params string[] arguments)
    {
        var result = await Cli.RunAsync(arguments);

        Assert.True(result.ExitCode is 2 or 3, result.ToString());
        Assert.DoesNotContain("CANARY", result.All, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public async Task Flash_OneAddressWithAPassword_ContactsNobodyAndWritesItNowhere()
    {
        using var bench = new Bench();
        bench.WriteSmallCapsule();

        var result = await Cli.RunAsync([.. bench.FlashArguments, "--json", "--target", $"dir://admin:{Canary}@host/x"]);

        Assert.Equal(3, result.ExitCode);
        Assert.Contains("RF1005", result.Error, StringComparison.Ordinal);
        Assert.DoesNotContain(Canary, result.All, StringComparison.Ordinal);
        Assert.False(File.Exists(bench.Journal));
        Assert.Equal([Path.Combine(bench.Esp, "EFI")], Directory.EnumerateFileSystemEntries(bench.Esp, "*", SearchOption.AllDirectories));
    }

    [Theory]
    [InlineData("probe")]
    [InlineData("flash")]
    public async Task Run_SimulatedTargetOutsideTheDemo_HasNoTransport(string command)
    {
        using var bench = new Bench();
        bench.WriteSmallCapsule();
        string[] arguments = command == "probe" ? ["probe"] : ["flash", "--image", bench.Image, "--image-trust", bench.Maker, "--catalog", bench.Catalog, "--allow-unsigned-catalog", "--journal", bench.Journal];

        var result = await Cli.RunAsync([.. arguments, "--target", "sim://rack-01"]);

        Assert.Equal(3, result.ExitCode);
        Assert.Contains("RF1003", result.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--help")]
    [InlineData("flash", "--help")]
    public async Task Run_Help_Succeeds(params string[] arguments)
    {
        var result = await Cli.RunAsync(arguments);

        Assert.Equal(0, result.ExitCode);
        Assert.Contains("romflash", result.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Flash_Help_TellsWhereTheJournalIs() =>
        Assert.Contains("romflash/journal.rfj", (await Cli.RunAsync("flash", "--help")).Out, StringComparison.Ordinal);
}
