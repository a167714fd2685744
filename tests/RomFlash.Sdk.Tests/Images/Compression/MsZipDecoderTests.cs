using System.Buffers.Binary;
using System.IO.Compression;
using RomFlash.Sdk.Images.Compression;
using RomFlash.Sdk.Tests.Images.Formats;
using Xunit.Abstractions;

namespace RomFlash.Sdk.Tests.Images.Compression;

public sealed class MsZipDecoderTests(ITestOutputHelper output)
{
    private const int Block = MsZipDecoder.MaxBlockLength;

    // In front of each case: the level and the strategy. Each result is a list of blocks, each behind its length.
    private const string Encode = """
        import struct, zlib
        errors = zlib.error
        def run(case):
            level, strategy, data = case[0], case[1], case[2:]
            blocks = b''
            for at in range(0, len(data), 32768):
                encoder = zlib.compressobj(level, zlib.DEFLATED, -15, 9, strategy, **(dict(zdict=data[at - 32768:at]) if at else {}))
                block = encoder.compress(data[at:at + 32768]) + encoder.flush()
                blocks += struct.pack('<I', len(block)) + block
            return blocks
        """;

    // In front of each case: how long the history is; then the history, and the block.
    private const string Decode = """
        import struct, zlib
        errors = (zlib.error, EOFError)
        def run(case):
            (length,) = struct.unpack_from('<I', case)
            history = case[4:4 + length]
            decoder = zlib.decompressobj(-15, **(dict(zdict=history) if history else {}))
            data = decoder.decompress(case[4 + length:])
            if not decoder.eof:
                raise EOFError
            return data
        """;

    [Fact]
    [Trait("Category", "Peer")]
    public async Task Decode_WhatZlibWrites_IsTheOriginalOverAllBlocks()
    {
        // Levels 0 (stored), 1 and 9; strategies default, filtered, Huffman only, runs, and fixed codes.
        var cases = new List<byte[]>();
        foreach (var level in (byte[])[0, 1, 9])
        {
            for (byte strategy = 0; strategy <= 4; strategy++)
            {
                cases.Add([level, strategy, .. CompressibleData.Create(cases.Count, (3 * Block) + (cases.Count * 777))]);
            }
        }

        var results = await PythonPeer.RunAsync(Encode, cases);

        var kinds = new HashSet<int>();
        for (var i = 0; i < cases.Count; i++)
        {
            var (decoder, blocks, at) = (new MsZipDecoder(), Assert.IsType<byte[]>(results[i]), 2);
            for (var next = 0; next < blocks.Length;)
            {
                var length = BinaryPrimitives.ReadInt32LittleEndian(blocks.AsSpan(next));
                var block = blocks[(next + 4)..(next + 4 + length)];
                var expected = cases[i].AsSpan(at, Math.Min(Block, cases[i].Length - at));
                AssertDecodes(decoder, expected, block);
                kinds.Add((block[0] >> 1) & 3);
                next += 4 + length;
                at += expected.Length;
            }

            Assert.Equal(cases[i].Length, at);
        }

        Assert.Equal([0, 1, 2], kinds.Order());
    }

    [Fact]
    [Trait("Category", "Peer")]
    public async Task Decode_Mutants_AreRefusedAndDecodedAsZlibDoes()
    {
        var history = CompressibleData.Create(1, 3000);
        var samples = Samples();
        var mutants = Enumerable.Range(0, Mutants.Count(5000)).Select(i => Mutants.Create(Mutants.Seed + i, samples[i % samples.Count].Block, 0)).ToList();
        var theirs = await PythonPeer.RunAsync(Decode, [.. mutants.Select(m => (byte[])[.. BitConverter.GetBytes(history.Length), .. history, .. m])]);
        var good = 0;
        for (var i = 0; i < mutants.Count; i++)
        {
            // What is larger than a block may be is no business of zlib's.
            var length = theirs[i] is { Length: <= Block } data ? data.Length : samples[i % samples.Count].Length;
            var room = new GuardedOutput(length);

            var status = After(history).Decode([(byte)'C', (byte)'K', .. mutants[i]], room.Span, out _);

            var isGood = theirs[i] is { Length: <= Block };
            Assert.True((status == DecodeStatus.Done) == isGood, $"seed {Mutants.Seed + i}: {status}");
            Assert.True(!isGood || room.Span.SequenceEqual(theirs[i]), $"seed {Mutants.Seed + i}: decoded to something else");
            good += isGood ? 1 : 0;
        }

        output.WriteLine($"[romflash] mszip beside zlib: {mutants.Count} mutants from seed {Mutants.Seed}, {good} of them good");
        Assert.InRange(good, 1, mutants.Count - 1);
    }

    [Fact]
    public void Decode_AnyMutant_EndsInAStatusAndStaysInside()
    {
        var samples = Samples();
        var history = CompressibleData.Create(1, 3000);
        var ends = new SortedDictionary<DecodeStatus, int>();
        for (var i = 0; i < Mutants.Count(6000); i++)
        {
            var sample = samples[i % samples.Count];
            byte[] mutant = [(byte)'C', (byte)'K', .. Mutants.Create(Mutants.Seed + i, sample.Block, 0)];
            var room = new GuardedOutput(i % 3 == 0 ? new Random(i).Next(2 * sample.Length) : sample.Length);

            var status = After(history).Decode(mutant, room.Span, out var consumed);

            Assert.True(Enum.IsDefined(status) && consumed >= 0 && consumed <= mutant.Length && room.IsGuardUntouched, $"seed {Mutants.Seed + i}: {status}, {consumed}");
            ends[status] = ends.GetValueOrDefault(status) + 1;
        }

        output.WriteLine($"[romflash] mszip: mutants from seed {Mutants.Seed}, {string.Join(", ", ends)}");
        Assert.Equal(Enum.GetValues<DecodeStatus>().Length, ends.Count);
    }

    [Fact]
    public void Decode_EveryTruncation_IsTruncated()
    {
        var history = CompressibleData.Create(1, 3000);
        foreach (var (sample, expected) in Samples())
        {
            byte[] block = [(byte)'C', (byte)'K', .. sample];
            for (var length = 0; length < block.Length; length++)
            {
                var room = new GuardedOutput(expected);
                Assert.Equal(DecodeStatus.TruncatedInput, After(history).Decode(block.AsSpan(0, length), room.Span, out var consumed));
                Assert.InRange(consumed, 0, length);
                Assert.True(room.IsGuardUntouched);
            }
        }
    }

    [Theory]
    [InlineData(0, 1, false)]
    [InlineData(1, 1, true)]
    [InlineData(100, 100, true)]
    [InlineData(100, 101, false)]
    [InlineData(32767, 32767, true)]
    [InlineData(32767, 32768, false)]
    [InlineData(32768, 32768, true)]
    [InlineData(40000, 32768, true)]
    public void Decode_MatchAsFarBackAsThereIsHistoryAndFarther_IsDecodedOrCorrupt(int history, int distance, bool isGood)
    {
        var before = CompressibleData.Create(9, history);
        var room = new GuardedOutput(3);
        var bits = Fixed();
        Match3(bits, distance);

        var status = After(before).Decode(End(bits), room.Span, out _);

        Assert.Equal(isGood ? DecodeStatus.Done : DecodeStatus.Corrupt, status);
        if (isGood)
        {
            byte[] expected = [.. before];
            for (var i = 0; i < 3; i++)
            {
                expected = [.. expected, expected[^distance]];
            }

            Assert.Equal(expected[^3..], room.Span.ToArray());
        }
    }

    [Fact]
    public void Decode_RoomForLessOrMore_IsTooSmallOrTooLarge()
    {
        byte[] block = [(byte)'C', (byte)'K', .. ZipBuilder.Entry.Deflate(CompressibleData.Create(2, 500))];
        Assert.Equal(DecodeStatus.OutputTooSmall, new MsZipDecoder().Decode(block, new byte[499], out _));
        Assert.Equal(DecodeStatus.OutputTooSmall, new MsZipDecoder().Decode(block, [], out _));
        Assert.Equal(DecodeStatus.OutputTooLarge, new MsZipDecoder().Decode(block, new byte[501], out _));
        Assert.Throws<ArgumentOutOfRangeException>(() => new MsZipDecoder().Decode(block, new byte[Block + 1], out _));
    }

    [Fact]
    public void Decode_WithoutItsLetters_IsCorrupt()
    {
        Assert.Equal(DecodeStatus.Corrupt, new MsZipDecoder().Decode("CL\x03\0"u8, [], out var consumed));
        Assert.Equal(0, consumed);
    }

    [Fact]
    public void Decode_WhatNoEncoderWrites_IsCorrupt()
    {
        // A type that is not given; a length beside what is not its complement; codes for lengths and distances that are not given.
        AssertCorrupt(new BitWriter(false).Put(1, 1).Put(3, 2));
        AssertCorrupt(new BitWriter(false).Put(1, 3).Bytes([1, 0, 0xFF, 0xFF, 9]));
        AssertCorrupt(Fixed().Code(0b1100_0110, 8));
        AssertCorrupt(Fixed().Code(0b1100_0111, 8));
        AssertCorrupt(Fixed().Code(0x30, 8).Code(1, 7).Code(30, 5));
        AssertCorrupt(Fixed().Code(0x30, 8).Code(1, 7).Code(31, 5));

        // Too many codes; lengths that repeat nothing; lengths that go on too far; no end; codes that leave bits unused, and a single one of more than a bit.
        AssertCorrupt(Dynamic(30, 0));
        AssertCorrupt(Dynamic(0, 30));
        AssertCorrupt(Dynamic(0, 0, (16, 1), (0, 1)).Code(1, 1).Put(0, 2));
        AssertCorrupt(Dynamic(0, 0, (18, 1), (0, 1)).Code(1, 1).Put(127, 7).Code(1, 1).Put(127, 7));
        AssertCorrupt(Dynamic(0, 0, (18, 1), (0, 1)).Code(1, 1).Put(127, 7).Code(1, 1).Put(109, 7));
        AssertCorrupt(Dynamic(0, 0, (0, 2), (1, 2), (2, 2)));
        AssertCorrupt(Dynamic(0, 0, (0, 1), (1, 1), (2, 1)));
        AssertCorrupt(Dynamic(0, 0, (18, 1), (2, 2), (0, 2)).Code(0, 1).Put(127, 7).Code(0, 1).Put(107, 7).Code(3, 2).Code(2, 2));
    }

    [Fact]
    public void Decode_SingleCodeOfOneBit_IsDecoded()
    {
        // Nothing but the end; no distances.
        var bits = Dynamic(0, 0, (18, 1), (1, 2), (0, 2)).Code(0, 1).Put(127, 7).Code(0, 1).Put(107, 7).Code(3, 2).Code(2, 2).Code(0, 1);

        Assert.Equal(DecodeStatus.Done, new MsZipDecoder().Decode([(byte)'C', (byte)'K', .. bits.ToArray()], [], out _));
    }

    private static List<(byte[] Block, int Length)> Samples()
    {
        var samples = new List<(byte[], int)>();
        foreach (var level in (CompressionLevel[])[CompressionLevel.NoCompression, CompressionLevel.Fastest, CompressionLevel.SmallestSize])
        {
            for (var seed = 0; seed < 3; seed++)
            {
                var data = CompressibleData.Create(seed, 150 + (seed * 400));
                using var into = new MemoryStream();
                using (var deflate = new DeflateStream(into, level))
                {
                    deflate.Write(data);
                }

                samples.Add((into.ToArray(), data.Length));
            }
        }

        var bits = Fixed().Code(0x30, 8);
        Match3(bits, 2900);
        Match3(bits, 3001);
        Match3(bits, 1);
        samples.Add((End(bits)[2..], 10));
        return samples;
    }

    private static BitWriter Fixed() => new BitWriter(false).Put(1, 1).Put(1, 2);

    private static void Match3(BitWriter bits, int distance)
    {
        // Two codes for each number of extra bits (RFC 1951, 3.2.5).
        bits.Code(1, 7);
        var above = distance - 1;
        var extra = above < 4 ? 0 : int.Log2(above) - 1;
        var code = above < 4 ? above : (2 * extra) + (above >> extra);
        bits.Code(code, 5).Put(above & ((1 << extra) - 1), extra);
    }

    private static byte[] End(BitWriter bits) => [(byte)'C', (byte)'K', .. bits.Code(0, 7).ToArray()];

    // The lengths of the codes that lengths are coded with; the counts are given less 257 and less 1.
    private static BitWriter Dynamic(int literals, int distances, params (int Symbol, int Length)[] codes)
    {
        var bits = new BitWriter(false).Put(1, 1).Put(2, 2).Put(literals, 5).Put(distances, 5).Put(15, 4);
        foreach (var symbol in (int[])[16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15])
        {
            bits.Put(codes.FirstOrDefault(c => c.Symbol == symbol).Length, 3);
        }

        return bits;
    }

    private static void AssertCorrupt(BitWriter bits) =>
        Assert.Equal(DecodeStatus.Corrupt, new MsZipDecoder().Decode([(byte)'C', (byte)'K', .. bits.ToArray(), .. new byte[40]], new byte[100], out _));

    // A decoder that this went through before, in stored blocks.
    private static MsZipDecoder After(byte[] history)
    {
        var decoder = new MsZipDecoder();
        foreach (var piece in history.Chunk(Block))
        {
            var length = (ushort)piece.Length;
            AssertDecodes(decoder, piece, [1, .. BitConverter.GetBytes(length), .. BitConverter.GetBytes((ushort)~length), .. piece]);
        }

        return decoder;
    }

    private static void AssertDecodes(MsZipDecoder decoder, ReadOnlySpan<byte> expected, byte[] block)
    {
        var room = new GuardedOutput(expected.Length);
        Assert.Equal(DecodeStatus.Done, decoder.Decode([(byte)'C', (byte)'K', .. block], room.Span, out var consumed));
        Assert.Equal(block.Length + 2, consumed);
        Assert.True(room.Span.SequenceEqual(expected) && room.IsGuardUntouched);
    }
}
