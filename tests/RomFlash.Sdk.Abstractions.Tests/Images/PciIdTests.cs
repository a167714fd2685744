using RomFlash.Sdk.Images;

namespace RomFlash.Sdk.Tests.Images;

public sealed class PciIdTests
{
    private static readonly PciId Device = new(0x103c, 0x3239, 0x103c, 0x21c2);

    [Fact]
    public void Matches_WhatThePatternLeavesOut_MatchesAnything()
    {
        Assert.True(Device.Matches(new(0x103c, 0x3239)));
        Assert.True(Device.Matches(Device));
        Assert.False(Device.Matches(new(0x103c, 0x323a)));
        Assert.False(Device.Matches(new(0x103d, 0x3239)));
        Assert.False(Device.Matches(Device with { Subsystem = 1 }));
    }

    [Fact]
    public void Matches_UnknownSubsystem_IsNoMatchForAPatternThatNamesIt() => Assert.False(new PciId(0x103c, 0x3239).Matches(Device));

    [Fact]
    public void ToString_Ids_AreFourDigitsEach()
    {
        Assert.Equal("103c:3239:103c:21c2", Device.ToString());
        Assert.Equal("0001:0002", new PciId(1, 2).ToString());
    }
}
