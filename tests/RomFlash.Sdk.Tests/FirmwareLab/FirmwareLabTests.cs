using RomFlash.Peers.Firmware;
using RomFlash.Sdk.Confirmation;
using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Pipeline;
using RomFlash.Sdk.Tests.Pipeline;
using Xunit.Abstractions;

namespace RomFlash.Sdk.Tests.FirmwareLab;

/// <summary>Real firmware takes the flash that the SDK has staged and armed, or refuses it; the flash is compared byte for byte, and the SDK finds out by itself what happened.</summary>
[Trait("Category", "Peer")]
[Trait("Category", "Slow")]
public sealed class FirmwareLabTests(ITestOutputHelper output)
{
    [Theory]
    [InlineData("dir", FirmwareKind.TakesAnyFile)]
    [InlineData("smb", FirmwareKind.TakesAnyFile)]
    [InlineData("ssh", FirmwareKind.NeedsIndications)]
    [InlineData("ssh", FirmwareKind.TakesAnyFile)]
    public async Task FlashAsync_GoodImage_IsUpgraded(string by, FirmwareKind kind)
    {
        await using var target = await StartAsync(by, kind);
        var image = await LabRoms.SystemAsync(target.Board.Firmware, 2);
        await using var world = await LabWorld.CreateAsync(output, LabRoms.Catalog(image), target);

        var report = await world.FlashAsync(target, null, image);

        var told = await world.TellAsync(target, "a good capsule", "version 2, Upgraded", report);
        Assert.True(report.Outcome is FlashOutcomeKind.Upgraded, told);
        Assert.Equal(2, await target.Board.FlashedVersionAsync());
        Assert.Equal(1, await target.Board.FlashedVersionAsync(VirtualBoard.ArrayOffset));
        Assert.Empty(target.CapsuleFiles);
    }

    private static async Task<LabTarget> StartAsync(string by, FirmwareKind kind) => by switch
    {
        "dir" => await DirectoryLabTarget.StartAsync(kind),
        "smb" => await SmbLabTarget.StartAsync(kind),
        _ => await SshLabTarget.StartAsync(kind),
    };
}
