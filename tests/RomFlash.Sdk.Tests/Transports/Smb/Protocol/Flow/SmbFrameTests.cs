using System.Buffers.Binary;
using RomFlash.Sdk.Transports.Smb.Protocol.Flow;
using RomFlash.Sdk.Transports.Smb.Protocol.Wire;

namespace RomFlash.Sdk.Tests.Transports.Smb.Protocol.Flow;

public sealed class SmbFrameTests
{
    [Fact]
    public void Address_SingleMessage_HasAllOfItsCredits()
    {
        var frame = new SmbFrame();
        frame.Open(10, 1);
        frame.Add(SmbCommand.Write, 7, 10);

        frame.Address(new(5, 3, null), 20, isSigned: true, 0x1122334455667788);
        frame.Close(isSealed: false);

        var wire = frame.Wire.Span;
        Assert.Equal(wire.Length - 4, BinaryPrimitives.ReadInt32BigEndian(wire));
        var message = frame.MessageOf(0);
        Assert.Equal(SmbHeader.Bytes + 10, message.Length);
        Assert.Equal((3, 20), (BinaryPrimitives.ReadUInt16LittleEndian(message[6..]), SmbHeader.CreditsOf(message)));
        Assert.Equal((5UL, 7u, 0x1122334455667788UL, SmbHeaderFlags.Signed, 0u), (SmbHeader.MessageIdOf(message), SmbHeader.TreeIdOf(message), SmbHeader.SessionIdOf(message), SmbHeader.FlagsOf(message), SmbHeader.NextCommandOf(message)));
        frame.Release();
    }

    [Fact]
    public void Address_Compound_IsAlignedRelatedAndHasAnIdForEach()
    {
        var frame = new SmbFrame();
        frame.Open(13 + 24, 2);
        frame.Add(SmbCommand.Create, 7, 13);
        frame.Add(SmbCommand.Close, 7, 24);

        frame.Address(new(5, 2, null), 10, isSigned: false, 1);
        frame.Close(isSealed: true);

        var (first, second) = (frame.MessageOf(0).ToArray(), frame.MessageOf(1).ToArray());
        Assert.Equal(80, first.Length);
        Assert.Equal(80u, SmbHeader.NextCommandOf(first));
        Assert.Equal((5UL, 6UL), (SmbHeader.MessageIdOf(first), SmbHeader.MessageIdOf(second)));
        Assert.Equal((SmbHeaderFlags.None, SmbHeaderFlags.Related), (SmbHeader.FlagsOf(first), SmbHeader.FlagsOf(second)));
        Assert.Equal(10, SmbHeader.CreditsOf(first) + SmbHeader.CreditsOf(second));
        Assert.Equal(0u, SmbHeader.NextCommandOf(second));
        Assert.Equal(4 + 52 + 80 + 88, frame.Wire.Length);
        frame.Release();
    }
}
