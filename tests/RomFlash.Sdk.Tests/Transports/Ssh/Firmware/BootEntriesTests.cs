using RomFlash.Sdk.Probing;
using RomFlash.Sdk.Transports.Ssh.Firmware;

namespace RomFlash.Sdk.Tests.Transports.Ssh.Firmware;

/// <summary>Which partition a target boots from next, by the variables in a folder that looks like efivarfs.</summary>
[Trait("Category", "Peer")]
public sealed class BootEntriesTests : IDisposable
{
    private static readonly Guid One = new("11111111-2222-3333-4444-555555555501");
    private static readonly Guid Two = new("11111111-2222-3333-4444-555555555502");

    private readonly StagedTarget _target = new();

    public void Dispose() => _target.Dispose();

    [Fact]
    public async Task ReadBootPartitionAsync_Order_GivesTheFirstActiveEntryWithAPartition()
    {
        _target.Variable("BootOrder", 7, 9, 0, 3, 0, 0x0A, 0, 1, 0, 2, 0).BootEntry(3, One, isActive: false).BootEntry(0x0A, null).BootEntry(1, Two).BootEntry(2, One);
        Assert.Equal((Fact<Guid>)Two, await ReadAsync());
    }

    [Fact]
    public async Task ReadBootPartitionAsync_Next_ComesBeforeTheOrder()
    {
        _target.Variable("BootOrder", 7, 1, 0).Variable("BootNext", 7, 0xEF, 0xBE).BootEntry(1, One).BootEntry(0xBEEF, Two, isActive: false);
        Assert.Equal((Fact<Guid>)Two, await ReadAsync());
    }

    [Fact]
    public async Task ReadBootPartitionAsync_NextThatNamesNothing_IsUnknown()
    {
        _target.Variable("BootOrder", 7, 1, 0).Variable("BootNext", 7, 2, 0).BootEntry(1, One);
        Assert.Contains("Boot0002", (await ReadAsync()).WhyUnknown, StringComparison.Ordinal);
        _target.BootEntry(2, null);
        Assert.Contains("GPT", (await ReadAsync()).WhyUnknown, StringComparison.Ordinal);
        _target.Variable("BootNext", 7, 2);
        Assert.Contains("BootNext", (await ReadAsync()).WhyUnknown, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ReadBootPartitionAsync_PartitionThatIsNotPresent_IsPassedOver()
    {
        _target.Variable("BootOrder", 7, 1, 0, 2, 0).BootEntry(1, One).BootEntry(2, Two);
        Assert.Equal((Fact<Guid>)One, await ReadAsync());
        _target.Link($"/dev/disk/by-partuuid/{Two}", "../../sda1");
        Assert.Equal((Fact<Guid>)Two, await ReadAsync());
        _target.Link($"/dev/disk/by-partuuid/{One}", "../../sdb1");
        Assert.Equal((Fact<Guid>)One, await ReadAsync());
    }

    [Fact]
    public async Task ReadBootPartitionAsync_NothingTold_IsUnknown()
    {
        Assert.Contains("no EFI variables", (await ReadAsync()).WhyUnknown, StringComparison.Ordinal);
        _target.Variable("SecureBoot", 6, 1);
        Assert.Contains("no boot order", (await ReadAsync()).WhyUnknown, StringComparison.Ordinal);
        _target.Variable("BootOrder", 7);
        Assert.Contains("no active boot entry", (await ReadAsync()).WhyUnknown, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ReadBootPartitionAsync_HostileVariables_AreUnknown()
    {
        _target.Variable("BootOrder", 7, 1);
        Assert.Contains("BootOrder", (await ReadAsync()).WhyUnknown, StringComparison.Ordinal);
        _target.Variable("BootOrder", 7, 1, 0).Variable("Boot0001", 7, new byte[100]);
        Assert.Contains("Boot0001", (await ReadAsync()).WhyUnknown, StringComparison.Ordinal);
        _target.Variable("Boot0001", 7, [.. LoadOptions.Of(One), .. new byte[1_000_000]]);
        Assert.Contains("Boot0001", (await ReadAsync()).WhyUnknown, StringComparison.Ordinal);
        _target.Remove(EfiVariables.PathOf("Boot0001")).Folder(EfiVariables.PathOf("Boot0001"));
        Assert.Contains("Boot0001", (await ReadAsync()).WhyUnknown, StringComparison.Ordinal);
        _target.Variable("BootOrder", 7, new byte[EfiVariable.MaxBytes]);
        Assert.Contains("BootOrder", (await ReadAsync()).WhyUnknown, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ReadBootPartitionAsync_MoreEntriesThanAreRead_IsUnknownWhereOneOfThemCounts()
    {
        for (ushort i = 0; i < 130; i++)
        {
            _target.BootEntry(i, null);
        }

        _target.BootEntry(0x2000, One).Variable("BootOrder", 7, 0, 0x20);
        Assert.Contains("128", (await ReadAsync()).WhyUnknown, StringComparison.Ordinal);
        _target.BootEntry(5, Two).Variable("BootOrder", 7, 5, 0, 0, 0x20);
        Assert.Equal((Fact<Guid>)Two, await ReadAsync());
    }

    private async Task<Fact<Guid>> ReadAsync() => await new BootEntries(_target.Scripts).ReadBootPartitionAsync(default);
}
