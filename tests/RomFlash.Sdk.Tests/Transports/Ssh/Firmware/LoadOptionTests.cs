using RomFlash.Sdk.Transports.Ssh.Firmware;

namespace RomFlash.Sdk.Tests.Transports.Ssh.Firmware;

public sealed class LoadOptionTests
{
    private static readonly Guid Id = new("0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0");

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void TryParse_WholeOption_TellsItsPartition(bool isActive)
    {
        var option = LoadOption.TryParse(LoadOptions.Of(Id, isActive, "Debian ä"));
        Assert.Equal(new LoadOption(isActive, "Debian ä", Id), option);
    }

    [Fact]
    public void TryParse_NoHardDriveOrNoGpt_HasNoPartition()
    {
        Assert.Equal(new LoadOption(true, "Linux", null), LoadOption.TryParse(LoadOptions.Of(null)));
        foreach (var (format, signature) in new[] { ((byte)1, (byte)1), ((byte)2, (byte)1), ((byte)1, (byte)2) })
        {
            var bytes = LoadOptions.Of(Id);
            var at = bytes.AsSpan().IndexOf(LoadOptions.HardDrive(Id));
            bytes[at + 40] = format;
            bytes[at + 41] = signature;
            Assert.Null(LoadOption.TryParse(bytes)!.Partition);
        }
    }

    [Fact]
    public void TryParse_TwoPartitions_TakesTheFirst()
    {
        byte[] path = [.. LoadOptions.HardDrive(Id), .. LoadOptions.HardDrive(Guid.NewGuid()), 0x7F, 0xFF, 4, 0];
        Assert.Equal(Id, LoadOption.TryParse([1, 0, 0, 0, (byte)path.Length, 0, 0, 0, .. path])!.Partition);
    }

    [Fact]
    public void TryParse_PartitionBehindTheFirstPath_IsNotBootedFrom()
    {
        byte[] path = [0x7F, 0xFF, 4, 0, .. LoadOptions.HardDrive(Id), 0x7F, 0xFF, 4, 0];
        Assert.Null(LoadOption.TryParse([1, 0, 0, 0, (byte)path.Length, 0, 0, 0, .. path])!.Partition);
    }

    [Fact]
    public void TryParse_CutAnywhereBeforeItsPathsEnd_IsNone()
    {
        var bytes = LoadOptions.Of(Id);
        var whole = bytes.Length - 3;
        for (var length = 0; length < whole; length++)
        {
            Assert.Null(LoadOption.TryParse(bytes.AsSpan(..length)));
        }

        Assert.NotNull(LoadOption.TryParse(bytes.AsSpan(..whole)));
    }

    [Fact]
    public void TryParse_LongerThanAnyEntry_IsNone()
    {
        byte[] bytes = [.. LoadOptions.Of(Id), .. new byte[LoadOption.MaxBytes]];
        Assert.NotNull(LoadOption.TryParse(bytes.AsSpan(..LoadOption.MaxBytes)));
        Assert.Null(LoadOption.TryParse(bytes.AsSpan(..(LoadOption.MaxBytes + 1))));
    }

    [Fact]
    public void TryParse_AnyBytes_NeverThrows()
    {
        var seed = Environment.TickCount;
        var random = new Random(seed);
        var found = 0;
        for (var i = 0; i < 50_000; i++)
        {
            var bytes = LoadOptions.Of(Id);
            for (var changes = random.Next(1, 6); changes > 0; changes--)
            {
                bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            }

            var cut = bytes.AsSpan(..random.Next(bytes.Length / 2, bytes.Length + 1)).ToArray();
            var thrown = Record.Exception(() => found += LoadOption.TryParse(cut) is null ? 0 : 1);
            Assert.True(thrown is null, $"seed {seed}, mutant {i}: {thrown}");
        }

        Assert.True(found > 100, $"seed {seed}: {found}");
    }
}
