using RomFlash.Sdk.Compatibility;
using RomFlash.Sdk.Probing;
using RomFlash.Sdk.Targets;

namespace RomFlash.Sdk.Tests.Compatibility;

/// <summary>Against ids that other implementations published for real machines.</summary>
public sealed class ComputerHardwareIdsTests
{
    // The ThinkPad of fwupd's documentation and self-test, HardwareID-0 first.
    private static readonly string[] OfThinkPad =
    [
        "147efce9-f201-5fc8-ab0c-c859751c3440",
        "b7cceb67-774c-537e-bf8b-22c6107e9a74",
        "f5ff077f-3eeb-5bae-be1c-e98ffe8ce5f8",
        "3faec92a-3ae3-5744-be88-495e90a7d541",
        "660ccba8-1b78-5a33-80e6-9fb8354ee873",
        "8dc9b7c5-f5d5-5850-9ab3-bd6f0549d814",
        "178cd22d-ad9f-562d-ae0a-34009822cdbe",
        "da1da9b6-62f5-5f22-8aaa-14db7eeda2a4",
        "059eb22d-6dc7-59af-abd3-94bbe017f67c",
        "0cf8618d-9eff-537c-9f35-46861406eb9c",
        "f4275c1f-6130-5191-845c-3426247eb6a1",
        "db73af4c-4612-50f7-b8a7-787cf4871847",
        "e093d715-70f7-51f4-b6c8-b4a7e31def85",
        "f8e1de5f-b68c-5f52-9d1a-f1ba52f1f773",
        "6de5d951-d755-576b-bd09-c5cf66b27234",
    ];

    private static readonly TargetIdentity Identity = new() { Manufacturer = "LENOVO", Product = "20ARS19C0C", Sku = "LENOVO_MT_20AR_BU_Think_FM_ThinkPad T440s" };

    private static readonly HardwareDescription Hardware = new()
    {
        Family = "ThinkPad T440s",
        BaseboardManufacturer = "LENOVO",
        BaseboardProduct = "20ARS19C0C",
        EnclosureType = 10,
        BiosVendor = "LENOVO",
        BiosVersion = "GJET75WW (2.25 )",
        BiosMajorRelease = 2,
        BiosMinorRelease = 25,
    };

    [Fact]
    public void Compute_PublishedMachine_GivesThePublishedIdsInOrder() => Assert.Equal(OfThinkPad.Select(Guid.Parse), ComputerHardwareIds.Compute(Identity, Hardware));

    [Fact]
    public void Compute_BoardWithLeadingZero_GivesThePublishedIds()
    {
        // As an XPS 13 9360 tells them; fwupd's report of the machine has these ids and the texts without their zeros.
        var ids = ComputerHardwareIds.Compute(
            new() { Manufacturer = "Dell Inc.", Product = "XPS 13 9360", Sku = "075B" },
            new() { Family = "XPS", BaseboardManufacturer = "Dell Inc.", BaseboardProduct = "0839Y6", BiosVendor = "Dell Inc.", BiosVersion = "2.11.0", BiosMajorRelease = 2, BiosMinorRelease = 11 });

        Assert.Equal(14, ids.Length);
        Assert.Equal(new Guid("925d0c50-8b85-55f3-ada4-569068be39fd"), ids[0]);
        Assert.Equal(new Guid("37cf97bb-a085-54b9-b2ad-5f52754a40a6"), ids[1]);
        Assert.Equal(new Guid("394fd645-6208-592c-adc7-1520fda1bb66"), ids[2]);
        Assert.Equal(new Guid("fae55358-25d5-54fd-81d7-c6ccfde33a73"), ids[3]);
        Assert.Equal(new Guid("94e8fe4a-d368-520f-bb81-7e73f1513933"), ids[4]);
        Assert.Equal(new Guid("5bd169c3-df04-560d-b1e0-4e32e62ed68a"), ids[5]);
        Assert.Equal(new Guid("ff2ea282-d362-5c4e-b84f-d5a00404e2cf"), ids[6]);
        Assert.Equal(new Guid("31fe1e66-a857-51d9-8531-4d85ea705b66"), ids[7]);
    }

    [Fact]
    public void Compute_WhiteSpaceAround_ChangesNothing() =>
        Assert.Equal(OfThinkPad.Select(Guid.Parse), ComputerHardwareIds.Compute(
            Identity with { Manufacturer = " LENOVO\r\n", Sku = Identity.Sku + "  " },
            Hardware with { Family = "\tThinkPad T440s ", BiosVersion = Hardware.BiosVersion + " " }));

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("  ")]
    [InlineData("000")]
    public void Compute_ValueThatIsNotKnown_LeavesOutEveryIdThatNeedsIt(string? family)
    {
        int[] withoutFamily = [2, 6, 7, 8, 9, 12, 13, 14];

        Assert.Equal(withoutFamily.Select(i => Guid.Parse(OfThinkPad[i])), ComputerHardwareIds.Compute(Identity, Hardware with { Family = family }));
    }

    [Fact]
    public void Compute_HalfAReleaseNumber_LeavesOutTheIdsOfTheBios() =>
        Assert.Equal(OfThinkPad.Skip(3).Select(Guid.Parse), ComputerHardwareIds.Compute(Identity, Hardware with { BiosMinorRelease = null }));

    [Fact]
    public void Compute_ManufacturerUnknown_GivesNone() => Assert.Empty(ComputerHardwareIds.Compute(Identity with { Manufacturer = null }, Hardware));

    [Fact]
    public void Compute_IdsThatTheTargetTells_AreNotRepeated() =>
        Assert.DoesNotContain(Guid.AllBitsSet, ComputerHardwareIds.Compute(Identity, Hardware with { HardwareIds = [Guid.AllBitsSet] }));

    [Fact]
    public void Compute_HalfASurrogatePair_IsHashedAndNotRefused() => Assert.Single(ComputerHardwareIds.Compute(new() { Manufacturer = "a\uD800" }, new()));
}
