using RomFlash.Sdk.Transports;
using RomFlash.Sdk.Transports.Smb.Protocol;

namespace RomFlash.Sdk.Tests.Transports.Smb.Protocol;

public sealed class SmbNamesTests
{
    [Theory]
    [InlineData("")]
    [InlineData("EFI")]
    [InlineData(@"EFI\UpdateCapsule\rom.cap")]
    [InlineData("...")]
    [InlineData("\ud800")]
    public void CheckPath_APath_IsTaken(string path) => Assert.Null(SmbNames.CheckPath(path));

    [Theory]
    [InlineData(@"\EFI")]
    [InlineData(@"EFI\")]
    [InlineData(@"EFI\\a")]
    [InlineData("EFI/a")]
    [InlineData("a\0b")]
    [InlineData(".")]
    [InlineData(@"EFI\..\a")]
    public void CheckPath_SomethingElse_IsRefusedUnsent(string path)
    {
        var fault = SmbNames.CheckPath(path);

        Assert.Equal((TransportFaultKind.Unsupported, FaultEffect.NotSent), (fault!.Kind, fault.Effect));
    }

    [Fact]
    public void CheckPath_LongerThanTheProtocolTakes_IsRefused()
    {
        Assert.Null(SmbNames.CheckPath(new string('a', 32_000)));
        Assert.NotNull(SmbNames.CheckPath(new string('a', 32_001)));
    }

    [Theory]
    [InlineData("ESP$", true)]
    [InlineData("", false)]
    [InlineData(@"a\b", false)]
    [InlineData("a/b", false)]
    [InlineData("a\0", false)]
    public void CheckShare_AnyName_IsTakenOrRefused(string share, bool isTaken) => Assert.Equal(isTaken, SmbNames.CheckShare(share) is null);

    [Theory]
    [InlineData(@"EFI\a.cap", "a.cap")]
    [InlineData("a.cap", "a.cap")]
    [InlineData("", "")]
    public void LastPart_OfAPath_IsItsName(string path, string name) => Assert.Equal(name, SmbNames.LastPart(path));
}
