using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Transports.Inventory;

namespace RomFlash.Sdk.Tests.Transports.Inventory;

public sealed class CapsuleResultTests
{
    private static readonly Guid Class = new("0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0");

    [Fact]
    public void TryParse_HeaderAlone_TellsStatusAndTime()
    {
        var time = new DateTime(2024, 2, 29, 23, 59, 58).AddTicks(1234567);
        Assert.Equal(new CapsuleResult(CapsuleResult.FirmwareManagement, time, CapsuleBytes.Aborted), CapsuleResult.TryParse(CapsuleBytes.Header(CapsuleBytes.Aborted, processed: time)));
        Assert.Equal(new CapsuleResult(Class, null, 0), CapsuleResult.TryParse(CapsuleBytes.Header(0, Class)));
    }

    [Theory]
    [InlineData("Success.bin", 0ul, "EFI_SUCCESS")]
    [InlineData("Unsupported.bin", 0x8000_0000_0000_0003ul, "EFI_UNSUPPORTED")]
    public void TryParse_OfRealFirmware_TellsWhatBecameOfTheCapsule(string file, ulong status, string symbol)
    {
        // U-Boot 2023.01 in the firmware lab, on 2026-11-27.
        var result = CapsuleResult.TryParse(CapsuleBytes.OfFile(file));
        Assert.NotNull(result);
        Assert.Equal((CapsuleResult.FirmwareManagement, status, new DateTime(2026, 11, 27)), (result.CapsuleGuid, result.Status, result.Processed?.Date));
        Assert.Null(result.Image);
        Assert.Equal(symbol, EfiStatus.ToPeerCode(result.Status).Symbol);
    }

    [Fact]
    public void TryParse_ByteByByte_IsWhatTheStandardSays()
    {
        byte[] bytes =
        [
            0x56, 0, 0, 0, 0, 0, 0, 0,
            0xED, 0xD5, 0xCB, 0x6D, 0x2D, 0xE8, 0x44, 0x4C, 0xBD, 0xA1, 0x71, 0x94, 0x19, 0x9A, 0xD9, 0x2A,
            0xE8, 0x07, 2, 29, 12, 30, 1, 0, 0, 0, 0, 0, 0xFF, 0x07, 0, 0,
            0x1A, 0, 0, 0, 0, 0, 0, 0x80,
            1, 0, 7, 9,
            0x3C, 0x2D, 0x1E, 0x0F, 0x5A, 0x4B, 0x78, 0x69, 0x87, 0x96, 0xA5, 0xB4, 0xC3, 0xD2, 0xE1, 0xF0,
            (byte)'a', 0, (byte)'.', 0, (byte)'c', 0, 0, 0,
            (byte)'P', 0, (byte)'c', 0, 0, 0, 0, 0, 0, 0,
        ];
        var expected = new CapsuleResult(CapsuleResult.FirmwareManagement, new DateTime(2024, 2, 29, 12, 30, 1), 0x8000_0000_0000_001A) { Image = new(7, 9, Class, "a.c", "Pc") };
        Assert.Equal(expected, CapsuleResult.TryParse(bytes));
    }

    [Theory]
    [InlineData("", "")]
    [InlineData("firmware.cap", "PciRoot(0x0)/Pci(0x1,0x0)")]
    [InlineData("ファームウェア €𝄞.cap", "ä")]
    public void TryParse_NamesOfAnyKind_ComeBack(string file, string target)
    {
        var image = CapsuleResult.TryParse(CapsuleBytes.OfImage(0, Class, file: file, target: target))!.Image!;
        Assert.Equal((file, target, Class, (byte)2, (byte)3), (image.FileName, image.Target, image.ImageType, image.PayloadIndex, image.ImageIndex));
    }

    [Fact]
    public void TryParse_HalfOfASurrogatePair_IsReplaced()
    {
        var bytes = CapsuleBytes.OfImage(0, Class, file: "x");
        BinaryPrimitives.WriteUInt16LittleEndian(bytes.AsSpan(CapsuleBytes.HeaderLength + 20), 0xD800);
        Assert.Equal("\uFFFD", CapsuleResult.TryParse(bytes)!.Image!.FileName);
    }

    [Fact]
    public void TryParse_CutAnywhere_IsNone()
    {
        foreach (var whole in new[] { CapsuleBytes.Header(0), CapsuleBytes.OfImage(CapsuleBytes.Aborted, Class, file: "file", target: "target") })
        {
            for (var length = 0; length < whole.Length; length++)
            {
                Assert.Null(CapsuleResult.TryParse(whole.AsSpan(..length)));

                // And when its length does not give it away, all but the header alone.
                if (length >= sizeof(uint))
                {
                    var cut = whole[..length];
                    BinaryPrimitives.WriteInt32LittleEndian(cut, length);
                    Assert.Equal(length == CapsuleBytes.HeaderLength, CapsuleResult.TryParse(cut) is { Image: null });
                }
            }

            Assert.NotNull(CapsuleResult.TryParse(whole));
        }
    }

    [Theory]
    [InlineData(0u, false)]
    [InlineData(47u, false)]
    [InlineData(48u, true)]
    [InlineData(49u, false)]
    [InlineData(67u, false)]
    [InlineData(72u, true)]
    [InlineData(73u, true)]
    [InlineData(92u, true)]
    [InlineData(93u, false)]
    [InlineData(0x8000_0048u, false)]
    [InlineData(uint.MaxValue, false)]
    public void TryParse_SizeThatLies_CountsAsFarAsItIsThere(uint total, bool isOne)
    {
        byte[] bytes = [.. CapsuleBytes.OfImage(0, Class), .. new byte[20]];
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, total);
        Assert.Equal(isOne, CapsuleResult.TryParse(bytes) is not null);
    }

    [Fact]
    public void TryParse_OtherVersionOrOtherKind_IsNotTakenForWhatIsKnown()
    {
        foreach (var version in new ushort[] { 0, 2, 0x0100, ushort.MaxValue })
        {
            var other = CapsuleBytes.OfImage(0, Class);
            BinaryPrimitives.WriteUInt16LittleEndian(other.AsSpan(CapsuleBytes.HeaderLength), version);
            Assert.Null(CapsuleResult.TryParse(other));
        }

        // What follows a capsule of another kind is that kind's own.
        var bytes = CapsuleBytes.OfImage(CapsuleBytes.Aborted, Class);
        Class.TryWriteBytes(bytes.AsSpan(8));
        Assert.Equal(new CapsuleResult(Class, null, CapsuleBytes.Aborted), CapsuleResult.TryParse(bytes));
    }

    [Fact]
    public void TryParse_LongerThanAny_IsNone()
    {
        byte[] bytes = [.. CapsuleBytes.Header(0), .. new byte[CapsuleResult.MaxBytes]];
        Assert.NotNull(CapsuleResult.TryParse(bytes.AsSpan(..CapsuleResult.MaxBytes)));
        Assert.Null(CapsuleResult.TryParse(bytes.AsSpan(..(CapsuleResult.MaxBytes + 1))));
    }

    [Theory]
    [InlineData(24, 0x0000u)]
    [InlineData(24, 1899u)]
    [InlineData(24, 10000u)]
    [InlineData(26, 0x1D00u)]
    [InlineData(26, 0x1D0Du)]
    [InlineData(26, 0x0002u)]
    [InlineData(26, 0x1E02u)]
    [InlineData(28, 24u)]
    [InlineData(28, 0x3C00u)]
    [InlineData(30, 60u)]
    [InlineData(34, 0xFFFFu)]
    public void TryParse_TimeThatIsNone_IsLeftOut(int at, uint value)
    {
        var bytes = CapsuleBytes.Header(0, processed: new DateTime(2024, 2, 29, 1, 2, 3));
        BinaryPrimitives.WriteUInt16LittleEndian(bytes.AsSpan(at), (ushort)value);
        Assert.Equal(new CapsuleResult(CapsuleResult.FirmwareManagement, null, 0), CapsuleResult.TryParse(bytes));
    }

    [Fact]
    public void TryParse_AnyBytes_NeverThrows()
    {
        var seed = Environment.TickCount;
        var random = new Random(seed);
        var (found, images) = (0, 0);
        for (var i = 0; i < 50_000; i++)
        {
            var bytes = CapsuleBytes.OfImage(CapsuleBytes.Aborted, Class, new DateTime(2024, 2, 29), "file.cap", "target");
            for (var changes = random.Next(1, 6); changes > 0; changes--)
            {
                bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            }

            var cut = bytes.AsSpan(..random.Next(bytes.Length / 2, bytes.Length + 1)).ToArray();
            if (random.Next(2) == 0)
            {
                BinaryPrimitives.WriteInt32LittleEndian(cut, cut.Length);
            }

            var thrown = Record.Exception(() =>
            {
                var result = CapsuleResult.TryParse(cut);
                found += result is null ? 0 : 1;
                images += result?.Image is null ? 0 : 1;
                _ = (result is null ? null : new CapsuleReport(1, result).ToAttempt().ToString(), CapsuleReport.TryParseName(cut.AsSpan(..Math.Min(cut.Length, random.Next(30)))));
            });
            Assert.True(thrown is null, $"seed {seed}, mutant {i}: {thrown}");
        }

        Assert.True(found > images && images > 100, $"seed {seed}: {found}, {images}");
    }

    [Theory]
    [InlineData("Capsule0000", 0)]
    [InlineData("CapsuleFFFF", 0xFFFF)]
    [InlineData("Capsule00A1", 0xA1)]
    [InlineData("Capsule00a1", null)]
    [InlineData("capsule0001", null)]
    [InlineData("Capsule 001", null)]
    [InlineData("Capsule+001", null)]
    [InlineData("Capsule０００1", null)]
    [InlineData("Capsule001", null)]
    [InlineData("Capsule00001", null)]
    [InlineData("CapsuleLast", null)]
    [InlineData("", null)]
    public void TryParseName_WithAndWithoutAZero_IsTheSame(string name, int? number)
    {
        var bytes = Encoding.Unicode.GetBytes(name);
        Assert.Equal((ushort?)number, CapsuleReport.TryParseName(bytes));
        Assert.Equal((ushort?)number, CapsuleReport.TryParseName([.. bytes, 0, 0]));
        Assert.Null(CapsuleReport.TryParseName([.. bytes, 0]));
        Assert.Null(CapsuleReport.TryParseName([.. bytes, 0, 0, 0, 0]));
        Assert.Null(CapsuleReport.TryParseName([.. bytes, 1, 0, .. new byte[2]]));
    }

    [Theory]
    [InlineData(2, null, "2 1 0")]
    [InlineData(2, 2, "2 1 0")]
    [InlineData(2, 1, "2 1 0")]
    [InlineData(2, 5, "2 1 0 5 4 3")]
    [InlineData(0, 1, "0 1")]
    public void NewestFirst_Numbers_GoBackOnce(int last, int? max, string expected) =>
        Assert.Equal(expected, string.Join(' ', CapsuleReport.NewestFirst((ushort)last, (ushort?)max).Select(n => n.ToString(CultureInfo.InvariantCulture))));

    [Fact]
    public void NewestFirst_WholeRange_IsBounded() => Assert.Equal(0x10000, CapsuleReport.NewestFirst(0x7FFF, 0xFFFF).Distinct().Count());

    [Fact]
    public void ToAttempt_SameEndTwice_IsToldApartByVariableAndByTime()
    {
        var result = new CapsuleResult(Class, new DateTime(2024, 1, 1), CapsuleBytes.SecurityViolation);
        var attempt = new CapsuleReport(1, result).ToAttempt();
        Assert.Equal(attempt, new CapsuleReport(1, result with { }).ToAttempt());
        Assert.NotEqual(attempt, new CapsuleReport(2, result).ToAttempt());
        Assert.NotEqual(attempt, new CapsuleReport(1, result with { Processed = new DateTime(2024, 1, 1).AddTicks(1) }).ToAttempt());
        Assert.Equal("uefi-status:0x800000000000001A (EFI_SECURITY_VIOLATION)", attempt.Status.ToString());
    }

    [Theory]
    [InlineData(0ul, "EFI_SUCCESS")]
    [InlineData(0x8000_0000_0000_0002, "EFI_INVALID_PARAMETER")]
    [InlineData(0x8000_0000_0000_0003, "EFI_UNSUPPORTED")]
    [InlineData(0x8000_0000_0000_0006, "EFI_NOT_READY")]
    [InlineData(0x8000_0000_0000_0007, "EFI_DEVICE_ERROR")]
    [InlineData(0x8000_0000_0000_0009, "EFI_OUT_OF_RESOURCES")]
    [InlineData(0x8000_0000_0000_0015, "EFI_ABORTED")]
    [InlineData(0x8000_0000_0000_001A, "EFI_SECURITY_VIOLATION")]
    [InlineData(2ul, null)]
    [InlineData(0x8000_0000_0000_0FFF, null)]
    public void ToPeerCode_Status_HasItsNameWhereItHasOne(ulong status, string? symbol) => Assert.Equal(new PeerCode(PeerCode.UefiStatus, status, symbol), EfiStatus.ToPeerCode(status));

    [Fact]
    public void Unwrap_ValueWithAttributes_IsTheValue()
    {
        foreach (var value in new[] { CapsuleBytes.Header(0), CapsuleBytes.OfImage(0, Class) })
        {
            Assert.Equal(value, CapsuleBytes.Unwrap(value));
            Assert.Equal(value, CapsuleBytes.Unwrap([7, 0, 0, 0, .. value]));
        }
    }
}
