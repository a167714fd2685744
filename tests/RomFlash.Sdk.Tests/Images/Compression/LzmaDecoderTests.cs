using System.Buffers.Binary;
using System.Text;
using RomFlash.Sdk.Images.Compression;
using Xunit.Abstractions;

namespace RomFlash.Sdk.Tests.Images.Compression;

public sealed class LzmaDecoderTests(ITestOutputHelper output)
{
    // What xz 5.4 makes of Known with lc, lp and pb of 3 0 2, 0 0 0, 4 0 4, 0 4 1 and 2 2 3; all with an end marker.
    public static TheoryData<string> KnownStreams =>
    [
        "5d00100000ffffffffffffffff00331a4aab8e77d7eb72527edb661003479808f34eea596eb9abcf2f795b5644ecdfbac25bcec5f192065f989dd4da9c5238725c88bbafa063c8399ca5ae70e1b6b2ec1f8787483a90c994f6d7ffffd9690000",
        "0000100000ffffffffffffffff00331bb9eca6384d036c37cf2a9b385aa6d58f89de4c7fb5104e519ec73ba6e1c8a20fc45d9e74f56fbaf37a514a35099b1f42c660f2a7ef2952cae6ed5abbf738154dc3e5c9fed21a60cf5fffb6048000",
        "b800100000ffffffffffffffff00331a4aab4715365f86974b73347a68e8d8dcf881badd870a03f464c2d65603d2be44d43773963060ed557ab782316b4775d3f3ccb815699eba38a9291b59d5b05d697bec5c5b8dfa362e72583afe0fffffb1fe0000",
        "5100100000ffffffffffffffff00331a4ab942e8861db9bde51ef090a2ba0a29fb0ad13aa06f724aeda634dae25af4733bf4e9c6855839ded02b399fafbc55a278a7805f88db324d0586acd7d433f2b68f56d075c6689ae585c80812d3b013d0fffcf92000",
        "9b00100000ffffffffffffffff00331a4a46d3b989002eb33d4c065d80d0e3f8eb35f7856816cf9ab94aa0c6cf7b9a100fcc363654a077eb59d8baa00ba6ddb3324b4cc0ee386dc4c0557e7cb2df92fbf256a39bcb7d3eaa2a08b3ccb610bfbffff0838000",
    ];

    public static TheoryData<int, int, int> Settings
    {
        get
        {
            var settings = new TheoryData<int, int, int>();
            for (var lc = 0; lc <= 4; lc++)
            {
                for (var lp = 0; lc + lp <= 4; lp++)
                {
                    for (var pb = 0; pb <= 4; pb++)
                    {
                        settings.Add(lc, lp, pb);
                    }
                }
            }

            return settings;
        }
    }

    private static byte[] Known =>
    [
        .. Encoding.ASCII.GetBytes(string.Concat(Enumerable.Repeat("firmware volume, firmware file, firmware section: firmware. ", 3))),
        .. Enumerable.Range(0, 32).Select(i => (byte)i),
        .. Enumerable.Repeat((byte)0xFF, 40),
    ];

    [Theory]
    [MemberData(nameof(KnownStreams))]
    public void Decode_StreamOfXz_IsTheOriginalWithTheLengthUnknownAndKnown(string hex)
    {
        var stream = Convert.FromHexString(hex);
        AssertDecodes(Known, stream);

        BinaryPrimitives.WriteInt64LittleEndian(stream.AsSpan(5), Known.Length);
        AssertDecodes(Known, stream);
    }

    [Fact]
    public void Decode_Nothing_IsNothing()
    {
        AssertDecodes([], Convert.FromHexString("5d00100000ffffffffffffffff0083fffbffffc0000000"));
        AssertDecodes([], new LzmaWriter(3, 0, 2).Finish());
        AssertDecodes([], new LzmaWriter(3, 0, 2).EndMarker().Finish());
    }

    [Theory]
    [MemberData(nameof(Settings))]
    public void Decode_SymbolsOfEveryKind_IsWhatTheyMean(int lc, int lp, int pb)
    {
        for (var seed = 0; seed < 6; seed++)
        {
            var writer = new LzmaWriter(lc, lp, pb, seed % 2 == 0 ? 1u << 12 : 1u << 20).Random(new Random(seed), 1500);
            byte[] expected = [.. writer.Decoded];

            AssertDecodes(expected, seed % 3 == 0 ? writer.Finish() : writer.EndMarker().Finish(seed % 3 == 1 ? null : expected.Length));
        }
    }

    [Fact]
    public void Decode_EveryLengthAtDistancesUpToTwoVectors_RepeatsAndStaysInside()
    {
        for (var distance = 1u; distance <= 40; distance++)
        {
            var writer = new LzmaWriter(3, 0, 2).Literals(CompressibleData.Create((int)distance, 48));
            for (var length = 2; length <= 273; length++)
            {
                writer.Match(distance, length);
            }

            AssertDecodes([.. writer.Decoded], writer.Finish());
        }
    }

    [Theory]
    [InlineData(1u << 16)]
    [InlineData(1u << 20)]
    public void Decode_MatchesOfEverySlot_ReachBackAsFarAsTheDictionary(uint dictionary)
    {
        var writer = new LzmaWriter(3, 0, 2, dictionary).Literals(CompressibleData.Create(3, 1000));
        while (writer.Decoded.Count < dictionary)
        {
            writer.Match(997, 273);
        }

        for (var distance = 1u; distance < dictionary; distance = (distance * 5 / 4) + 1)
        {
            writer.Match(distance, 2).Literal(7);
        }

        writer.Match(dictionary, 5);
        AssertDecodes([.. writer.Decoded], writer.Finish());
    }

    [Theory]
    [MemberData(nameof(KnownStreams))]
    public void Decode_EveryTruncation_IsTruncatedAndWhatIsWrittenIsRight(string hex)
    {
        var stream = Convert.FromHexString(hex);
        AssertTruncationsAreFound(Known, stream);
        BinaryPrimitives.WriteInt64LittleEndian(stream.AsSpan(5), Known.Length);
        AssertTruncationsAreFound(Known, stream);
    }

    [Fact]
    public void Decode_EveryTruncationOfSymbolsOfEveryKind_IsTruncatedAndWhatIsWrittenIsRight()
    {
        for (var seed = 0; seed < 4; seed++)
        {
            var writer = new LzmaWriter(seed, 1, 2).Random(new Random(seed), 250);
            AssertTruncationsAreFound([.. writer.Decoded], writer.Finish());
        }
    }

    [Fact]
    public void Decode_AnyBytesBehindTheStream_AreNotLookedAt()
    {
        var writer = new LzmaWriter(3, 0, 2).Random(new Random(5), 300);
        byte[] expected = [.. writer.Decoded], stream = writer.Finish();

        AssertDecodes(expected, [.. stream, .. Enumerable.Repeat((byte)0xFF, 200)], stream.Length);
    }

    [Fact]
    public void Decode_AnyMutant_EndsInAStatusAndStaysInside()
    {
        var streams = new List<byte[]>();
        for (var i = 0; i < 24; i++)
        {
            var writer = new LzmaWriter(i % 5, i % 5 == 0 ? 3 : 0, i % 4).Random(new Random(i), 40 + (20 * i));
            streams.Add(i % 3 == 0 ? writer.EndMarker().Finish(null) : writer.Finish());
        }

        var count = Mutants.Count(6000);
        var ends = new SortedDictionary<DecodeStatus, int>();
        for (var i = 0; i < count; i++)
        {
            var seed = Mutants.Seed + i;
            var mutant = Mutants.Create(seed, streams[i % streams.Count], LzmaHeader.Size);
            Assert.True(LzmaHeader.TryRead(mutant, out var header));
            if (header.DecodedLength is not null && i % 4 == 0)
            {
                // Less, or more, than there is.
                BinaryPrimitives.WriteInt64LittleEndian(mutant.AsSpan(5), new Random(seed).Next(2 * (int)header.DecodedLength));
                Assert.True(LzmaHeader.TryRead(mutant, out header));
            }

            var room = new GuardedOutput((int)(header.DecodedLength ?? 30_000));
            var result = LzmaDecoder.Decode(mutant, header, room.Span, CancellationToken.None);

            Assert.True(Enum.IsDefined(result.Status) && room.IsGuardUntouched, $"seed {seed}: {result}");
            Assert.True(result.Consumed >= 0 && result.Consumed <= mutant.Length && result.Written >= 0 && result.Written <= room.Span.Length, $"seed {seed}: {result}");
            Assert.True(result.Status != DecodeStatus.Done || header.DecodedLength is null || result.Written == header.DecodedLength, $"seed {seed}: {result}");
            ends[result.Status] = ends.GetValueOrDefault(result.Status) + 1;
        }

        output.WriteLine($"[romflash] lzma: {count} mutants from seed {Mutants.Seed}, {string.Join(", ", ends)}");
        Assert.True(ends.ContainsKey(DecodeStatus.Corrupt) && ends.ContainsKey(DecodeStatus.TruncatedInput));
    }

    [Fact]
    public void Decode_NoiseAsStream_EndsInAStatusAndStaysInside()
    {
        var random = new Random(Mutants.Seed);
        for (var i = 0; i < 3000; i++)
        {
            var noise = new byte[LzmaHeader.Size + random.Next(200)];
            random.NextBytes(noise);
            noise[0] = 0x5D;
            BinaryPrimitives.WriteInt64LittleEndian(noise.AsSpan(5), random.Next(3) == 0 ? -1 : random.Next(400));
            noise.AsSpan(LzmaHeader.Size, Math.Min(1, noise.Length - LzmaHeader.Size)).Clear();
            Assert.True(LzmaHeader.TryRead(noise, out var header));
            var room = new GuardedOutput((int)(header.DecodedLength ?? 400));

            var result = LzmaDecoder.Decode(noise, header, room.Span, CancellationToken.None);

            Assert.True(Enum.IsDefined(result.Status) && room.IsGuardUntouched && result.Written <= room.Span.Length, $"seed {Mutants.Seed}, run {i}: {result}");
        }
    }

    [Fact]
    public void Decode_LengthUnknownAndAnyLessRoom_IsOutputTooSmall()
    {
        var writer = new LzmaWriter(3, 0, 2).Random(new Random(8), 60);
        byte[] expected = [.. writer.Decoded], stream = writer.EndMarker().Finish(null);
        for (var length = 0; length < expected.Length; length++)
        {
            var room = new GuardedOutput(length);

            var result = Decode(stream, room);

            Assert.Equal(DecodeStatus.OutputTooSmall, result.Status);
            Assert.True(room.IsGuardUntouched);
            Assert.True(room.Span[..result.Written].SequenceEqual(expected.AsSpan(0, result.Written)));
        }
    }

    [Fact]
    public void Decode_LengthUnknownAndMoreRoom_IsDoneAtTheEndMarker()
    {
        var writer = new LzmaWriter(3, 0, 2).Random(new Random(8), 60);
        byte[] expected = [.. writer.Decoded], stream = writer.EndMarker().Finish(null);
        var room = new GuardedOutput(expected.Length + 100);

        Assert.Equal(new(DecodeStatus.Done, stream.Length, expected.Length), Decode(stream, room));

        Assert.Equal(expected, room.Span[..expected.Length]);
    }

    [Fact]
    public void Decode_LessThanTheHeaderSays_IsOutputTooLarge()
    {
        var stream = new LzmaWriter(3, 0, 2).Literals("abc"u8).EndMarker().Finish(4);
        Assert.Equal(DecodeStatus.OutputTooLarge, Decode(stream, new GuardedOutput(4)).Status);
    }

    [Fact]
    public void Decode_MoreThanTheHeaderSays_IsCorrupt()
    {
        Assert.Equal(DecodeStatus.Corrupt, Decode(new LzmaWriter(3, 0, 2).Literals("abcd"u8).Finish(3), new GuardedOutput(3)).Status);
        Assert.Equal(DecodeStatus.Corrupt, Decode(new LzmaWriter(3, 0, 2).Literals("abc"u8).Match(2, 20).Finish(12), new GuardedOutput(12)).Status);
        Assert.Equal(DecodeStatus.Corrupt, Decode(new LzmaWriter(3, 0, 2).Literals("abc"u8).ShortRepeat().Finish(3), new GuardedOutput(3)).Status);
    }

    [Fact]
    public void Decode_MatchBeforeTheBeginningOrOutsideTheDictionary_IsCorrupt()
    {
        AssertCorrupt(new LzmaWriter(3, 0, 2).Match(1, 2));
        AssertCorrupt(new LzmaWriter(3, 0, 2).ShortRepeat());
        AssertCorrupt(new LzmaWriter(3, 0, 2).Repeat(0, 5));
        AssertCorrupt(new LzmaWriter(3, 0, 2).Repeat(3, 5));
        AssertCorrupt(new LzmaWriter(3, 0, 2).Literals("abc"u8).Match(4, 2));
        AssertCorrupt(new LzmaWriter(3, 0, 2).Literals("abc"u8).Match(uint.MaxValue, 2));
        AssertCorrupt(new LzmaWriter(3, 0, 2).Literals("abc"u8).Match(0x8000_0000, 2));
        AssertCorrupt(new LzmaWriter(3, 0, 2, 4096).Literals(new byte[5000]).Match(4097, 2));

        // A dictionary of less than 4096 bytes is one of 4096.
        var small = new LzmaWriter(3, 0, 2, 1).Literals(CompressibleData.Create(1, 5000)).Match(4096, 9);
        AssertDecodes([.. small.Decoded], small.Finish());
    }

    [Fact]
    public void Decode_FirstByteOrCodeThatNoEncoderWrites_IsCorrupt()
    {
        var stream = new LzmaWriter(3, 0, 2).Literals("abc"u8).Finish();
        for (var first = 1; first < 256; first++)
        {
            stream[LzmaHeader.Size] = (byte)first;
            Assert.Equal(new(DecodeStatus.Corrupt, LzmaHeader.Size, 0), Decode(stream, new GuardedOutput(3)));
        }

        stream[LzmaHeader.Size] = 0;
        stream.AsSpan(LzmaHeader.Size + 1, 4).Fill(0xFF);
        Assert.Equal(new(DecodeStatus.Corrupt, LzmaHeader.Size, 0), Decode(stream, new GuardedOutput(3)));
    }

    [Fact]
    public void Decode_RoomOfAnotherLengthThanTheHeaderSays_IsMisuse()
    {
        var stream = new LzmaWriter(3, 0, 2).Literals("abc"u8).Finish();
        Assert.True(LzmaHeader.TryRead(stream, out var header));

        Assert.Throws<ArgumentException>(() => LzmaDecoder.Decode(stream, header, new byte[2], CancellationToken.None));
        Assert.Throws<ArgumentException>(() => LzmaDecoder.Decode(stream, header, new byte[4], CancellationToken.None));
        Assert.Throws<ArgumentOutOfRangeException>(() => LzmaDecoder.Decode(stream, header with { LiteralPositionBits = 2 }, new byte[3], CancellationToken.None));
        Assert.Throws<ArgumentOutOfRangeException>(() => LzmaDecoder.Decode(stream, header with { PositionBits = 5 }, new byte[3], CancellationToken.None));
        Assert.Throws<ArgumentOutOfRangeException>(() => LzmaDecoder.Decode(stream.AsSpan(0, 12), header, new byte[3], CancellationToken.None));
    }

    [Fact]
    public void Decode_AlreadyCancelled_WritesNothing()
    {
        var stream = new LzmaWriter(3, 0, 2).Literals("abc"u8).Finish();
        Assert.True(LzmaHeader.TryRead(stream, out var header));
        var room = new GuardedOutput(3);

        Assert.Throws<OperationCanceledException>(() => LzmaDecoder.Decode(stream, header, room.Span, new CancellationToken(canceled: true)));

        Assert.Equal(-1, room.Span.IndexOfAnyExcept(GuardedOutput.Untouched));
    }

    [Fact]
    public async Task Decode_CancelledMeanwhile_EndsLongBeforeTheStreamDoes()
    {
        // Repeats of a single byte are what takes longest for each byte of output.
        const int Length = 24 << 20;
        var writer = new LzmaWriter(0, 0, 0).Literal(1);
        for (var i = 1; i < Length; i++)
        {
            writer.ShortRepeat();
        }

        var stream = writer.Finish();
        Assert.True(LzmaHeader.TryRead(stream, out var header));
        using var cancellation = new CancellationTokenSource();
        var room = new byte[Length];
        var decoding = Task.Factory.StartNew(
            () => LzmaDecoder.Decode(stream, header, room, cancellation.Token),
            CancellationToken.None,
            TaskCreationOptions.LongRunning,
            TaskScheduler.Default);
        SpinWait.SpinUntil(() => Volatile.Read(ref room[1 << 16]) != 0 || decoding.IsCompleted);
        await cancellation.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => decoding);

        Assert.Equal(0, room[^1]);
    }

    private static void AssertCorrupt(LzmaWriter writer)
    {
        var stream = writer.Finish(writer.Decoded.Count + 300);
        var room = new GuardedOutput(writer.Decoded.Count + 300);

        var result = Decode(stream, room);

        Assert.Equal((DecodeStatus.Corrupt, writer.Decoded.Count), (result.Status, result.Written));
        Assert.True(room.IsGuardUntouched);
    }

    private static void AssertTruncationsAreFound(byte[] expected, byte[] stream)
    {
        for (var length = LzmaHeader.Size; length < stream.Length; length++)
        {
            // What follows is still there, behind the span: one that reads on would be done.
            var room = new GuardedOutput(expected.Length);

            var result = Decode(stream.AsSpan(0, length), room);

            Assert.Equal((DecodeStatus.TruncatedInput, length), (result.Status, result.Consumed));
            Assert.True(room.Span[..result.Written].SequenceEqual(expected.AsSpan(0, result.Written)), $"{length} of {stream.Length} bytes: {result}");
            Assert.True(room.IsGuardUntouched);
        }
    }

    private static void AssertDecodes(byte[] expected, byte[] stream, int? consumed = null)
    {
        var room = new GuardedOutput(expected.Length);

        Assert.Equal(new(DecodeStatus.Done, consumed ?? stream.Length, expected.Length), Decode(stream, room));

        Assert.True(room.Span.SequenceEqual(expected));
        Assert.True(room.IsGuardUntouched);
    }

    private static DecodeResult Decode(ReadOnlySpan<byte> stream, GuardedOutput room)
    {
        Assert.True(LzmaHeader.TryRead(stream, out var header));
        return LzmaDecoder.Decode(stream, header, room.Span, CancellationToken.None);
    }
}
