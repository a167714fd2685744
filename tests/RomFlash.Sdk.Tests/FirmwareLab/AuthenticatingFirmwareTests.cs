using RomFlash.Peers.Firmware;
using RomFlash.Sdk.Confirmation;
using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Tests.Journal;
using RomFlash.Sdk.Tests.Pipeline;
using Xunit.Abstractions;

namespace RomFlash.Sdk.Tests.FirmwareLab;

/// <summary>Firmware that takes what was signed by whom it trusts, and nothing else; and what the SDK says of both.</summary>
[Trait("Category", "Peer")]
[Trait("Category", "Slow")]
[Trait("Category", "Firmware")]
[Trait("Category", "Long")]
public sealed class AuthenticatingFirmwareTests(ITestOutputHelper output) : IDisposable
{
    private const ulong SecurityViolation = 0x8000_0000_0000_001A;

    private readonly Scratch _scratch = new();

    public void Dispose() => _scratch.Dispose();

    [Fact]
    public async Task FlashAsync_SignedByWhomFirmwareTrusts_IsUpgraded()
    {
        var signer = await SignerAsync("trusted");
        await using var target = await SshLabTarget.StartAsync(FirmwareKind.Authenticates, signer);
        var image = await LabRoms.SystemAsync(target.Board.Firmware, 2, signer);
        await using var world = await LabWorld.CreateAsync(output, LabRoms.Catalog(image), target);

        var report = await world.FlashAsync(target, image);

        var told = await world.TellAsync(target, "a signed capsule", "version 2, Upgraded", report);
        Assert.True(report.Outcome is FlashOutcomeKind.Upgraded, told);
        Assert.Equal(2, await target.Board.FlashedVersionAsync());
    }

    [Theory]
    [InlineData("unsigned")]
    [InlineData("signed by somebody else")]
    public async Task FlashAsync_NotSignedByWhomFirmwareTrusts_IsRefusedByFirmwareAndNotApplied(string how)
    {
        await using var target = await SshLabTarget.StartAsync(FirmwareKind.Authenticates, await SignerAsync("trusted"));
        var image = await LabRoms.SystemAsync(target.Board.Firmware, 2, how == "unsigned" ? null : await SignerAsync("other"));
        await using var world = await LabWorld.CreateAsync(output, LabRoms.Catalog(image), target);

        var report = await world.FlashAsync(target, image);

        var told = await world.TellAsync(target, $"a capsule, {how}", "version 1, FlashNotApplied", report);
        Assert.True(Bench.FailureOf(report.Result) is FlashNotApplied { TargetState: TargetState.PreviousRomIntact, PeerCode: { Dialect: PeerCode.UefiStatus, Number: SecurityViolation } }, told);
        Assert.Equal(SecurityViolation, target.Board.LastResult);
        Assert.Equal(1, await target.Board.FlashedVersionAsync());
    }

    [Fact]
    public async Task Boot_OneByteOfASignedCapsuleIsChanged_IsRefusedByFirmware()
    {
        var signer = await SignerAsync("trusted");
        await using var target = await SshLabTarget.StartAsync(FirmwareKind.Authenticates, signer);
        var image = await LabRoms.SystemAsync(target.Board.Firmware, 2, signer);
        await using var world = await LabWorld.CreateAsync(output, LabRoms.Catalog(image), target);
        var armed = await world.Client.FlashAsync(world.Request(target, LabWorld.Left, image), null, CancellationToken.None);
        Assert.True(armed.Outcome is FlashOutcomeKind.Pending, armed.Result.ToString());

        // After everything that the SDK could see.
        var file = Assert.Single(target.CapsuleFiles);
        var bytes = await File.ReadAllBytesAsync(file);
        bytes[^1000] ^= 1;
        await File.WriteAllBytesAsync(file, bytes);
        await target.BootAsync();
        var confirmed = await world.ConfirmAsync(target);

        var told = await world.TellAsync(target, "a signed capsule of which somebody has changed one byte after it was armed", "version 1, FlashNotApplied", confirmed);
        Assert.True(Bench.FailureOf(confirmed.Result) is FlashNotApplied { PeerCode: { Dialect: PeerCode.UefiStatus, Number: SecurityViolation } }, told);
        Assert.Equal(SecurityViolation, target.Board.LastResult);
        Assert.Equal(1, await target.Board.FlashedVersionAsync());
    }

    private Task<FirmwareSigner> SignerAsync(string name)
    {
        System.IO.Directory.CreateDirectory(_scratch.Root);
        return FirmwareSigner.CreateAsync(_scratch.Root, name);
    }
}
