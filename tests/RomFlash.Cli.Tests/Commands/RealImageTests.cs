using System.Buffers.Binary;

namespace RomFlash.Cli.Tests.Commands;

/// <summary>The main job, from end to end, with a capsule that another implementation made around real firmware.</summary>
[Trait("Category", "Peer")]
public sealed class RealImageTests : IDisposable
{
    private readonly Bench _bench = new();

    public void Dispose() => _bench.Dispose();

    [Fact]
    public async Task Flash_RealCapsule_IsStagedVerifiedArmedAndConfirmedAfterTheBoot()
    {
        await _bench.MakeCapsuleAsync();

        var validated = await Cli.RunAsync("validate", "--image", _bench.Image);
        var flashed = await Cli.RunAsync([.. _bench.FlashArguments, "--json"]);

        Assert.True(validated.ExitCode == 0, validated.ToString());
        Assert.True(flashed.ExitCode == 0, flashed.ToString());
        var report = flashed.SingleJson;
        Assert.Equal("Pending", report.GetProperty("outcome").GetString());
        Assert.Equal("Armed", report.GetProperty("targetState").GetString());
        Assert.Equal("ReadBack", report.GetProperty("verification").GetString());
        Assert.Equal(Bench.OldVersion, report.GetProperty("fromVersion").GetString());
        Assert.Equal(Bench.NewVersion, report.GetProperty("toVersion").GetString());
        var armed = Assert.Single(Directory.GetFiles(_bench.UpdateCapsule));
        Assert.Equal(await File.ReadAllBytesAsync(_bench.Image), await File.ReadAllBytesAsync(armed));

        _bench.PlayBoot(isFlashed: true);
        var confirmed = await Cli.RunAsync("confirm", "--target", _bench.Target, "--journal", _bench.Journal, "--json");

        Assert.True(confirmed.ExitCode == 0, confirmed.ToString());
        Assert.Equal("Upgraded", confirmed.SingleJson.GetProperty("outcome").GetString());
        var history = await Cli.RunAsync("history", "--journal", _bench.Journal);
        Assert.Contains("Concluded Upgraded", history.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Confirm_BootedWithTheOldVersion_IsNotApplied()
    {
        await _bench.MakeCapsuleAsync();
        Assert.Equal(0, (await Cli.RunAsync(_bench.FlashArguments)).ExitCode);

        _bench.PlayBoot(isFlashed: false);
        var confirmed = await Cli.RunAsync("confirm", "--target", _bench.Target, "--journal", _bench.Journal, "--json");

        Assert.Equal(9, confirmed.ExitCode);
        Assert.Equal("NotApplied", confirmed.SingleJson.GetProperty("outcome").GetString());
        Assert.Equal("RF8003", confirmed.SingleJson.GetProperty("code").GetString());
    }

    [Fact]
    public async Task Flash_TruncatedCapsule_ExitsSevenAndWritesNothing()
    {
        await _bench.MakeCapsuleAsync();
        using (var file = File.OpenWrite(_bench.Image))
        {
            file.SetLength(file.Length / 2);
        }

        _bench.WriteCatalog();
        var result = await Cli.RunAsync([.. _bench.FlashArguments, "--json"]);

        Assert.Equal(7, result.ExitCode);
        Assert.Equal("RF5006", result.SingleJson.GetProperty("code").GetString());
        Assert.Equal([Path.Combine(_bench.Esp, "EFI")], Directory.EnumerateFileSystemEntries(_bench.Esp, "*", SearchOption.AllDirectories));
    }

    [Fact]
    public async Task Flash_FormattedVolumeOfThirtyTwoMebibytes_IsLargeEnough()
    {
        await _bench.MakeCapsuleAsync();
        var volume = Path.Combine(_bench.Folder, "volume.img");
        var made = await Cli.RunProgramAsync("/usr/sbin/mkfs.vfat", ["-F", "16", "-C", volume, "32768"], []);
        Assert.True(made.ExitCode == 0, made.ToString());
        var usable = await ReadDataBytesAsync(volume);
        _bench.WriteFacts(totalBytes: usable);

        var result = await Cli.RunAsync([.. _bench.FlashArguments, "--json"]);

        Assert.Equal(33_470_464, usable);
        Assert.True(result.ExitCode == 0, result.ToString());
        Assert.Equal("Pending", result.SingleJson.GetProperty("outcome").GetString());
    }

    // The BIOS parameter block (Microsoft FAT specification, 3.1 and 3.5): everything behind the root directory holds data.
    private static async Task<long> ReadDataBytesAsync(string volume)
    {
        var sector = new byte[512];
        await using var file = File.OpenRead(volume);
        await file.ReadExactlyAsync(sector);
        var bytesPerSector = Word(11);
        var total = Word(19) != 0 ? Word(19) : BinaryPrimitives.ReadUInt32LittleEndian(sector.AsSpan(32));
        var root = ((Word(17) * 32) + bytesPerSector - 1) / bytesPerSector;
        return (total - Word(14) - (sector[16] * Word(22)) - root) * bytesPerSector;

        long Word(int offset) => BinaryPrimitives.ReadUInt16LittleEndian(sector.AsSpan(offset));
    }
}
