using System.Buffers.Binary;
using RomFlash.Sdk.Images.Compression;
using Xunit.Abstractions;

namespace RomFlash.Sdk.Tests.Images.Compression;

public sealed class TianoDecoderTests(ITestOutputHelper output)
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Decode_WhatWasCompressed_IsTheOriginal(bool isEfi)
    {
        var variant = Variant(isEfi);
        for (var seed = 0; seed < 60; seed++)
        {
            var data = CompressibleData.Create(seed, seed * seed * 12);
            AssertDecodes(data, TianoWriter.Compress(data, variant, 1 + (seed * 97)), variant);
        }

        // Far more than the windows.
        var large = CompressibleData.Create(99, 700_000);
        AssertDecodes(large, TianoWriter.Compress(large, variant), variant);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Decode_CodesOfEveryLength_AreRead(bool isEfi)
    {
        var variant = Variant(isEfi);
        // Frequencies that double make codes of many lengths.
        byte[] data = [.. Enumerable.Range(0, 16).SelectMany(i => Enumerable.Range(0, 1 << i).Select(_ => (byte)(i * 7)))];
        new Random(3).Shuffle(data);

        AssertDecodes(data, TianoWriter.Compress(data, variant, 60_000), variant);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Decode_EveryTruncation_IsTruncatedWithTheSizeAsItWasAndMadeToFit(bool isEfi)
    {
        var variant = Variant(isEfi);
        var data = CompressibleData.Create(4, 900);
        var stream = TianoWriter.Compress(data, variant, 150);
        for (var length = 0; length < stream.Length; length++)
        {
            var room = new GuardedOutput(data.Length);
            Assert.Equal(DecodeStatus.TruncatedInput, TianoDecoder.Decode(stream.AsSpan(0, length), variant, room.Span, out var consumed, CancellationToken.None));
            Assert.Equal(0, consumed);
            if (length >= TianoDecoder.HeaderSize)
            {
                var fitted = (byte[])stream.Clone();
                BinaryPrimitives.WriteInt32LittleEndian(fitted, length - TianoDecoder.HeaderSize);
                Assert.Equal(DecodeStatus.TruncatedInput, TianoDecoder.Decode(fitted, variant, room.Span, out consumed, CancellationToken.None));
                Assert.InRange(consumed, TianoDecoder.HeaderSize, length);
            }

            Assert.True(room.IsGuardUntouched);
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Decode_AnyMutant_EndsInAStatusAndStaysInside(bool isEfi)
    {
        var variant = Variant(isEfi);
        var streams = Enumerable.Range(0, 20).Select(i => (Length: 100 + (i * 60), Stream: TianoWriter.Compress(CompressibleData.Create(i, 100 + (i * 60)), variant, 20 + (i * 10)))).ToList();
        var ends = new SortedDictionary<DecodeStatus, int>();
        for (var i = 0; i < Mutants.Count(5000); i++)
        {
            var (length, stream) = streams[i % streams.Count];
            var mutant = Mutants.Create(Mutants.Seed + i, stream, TianoDecoder.HeaderSize);
            BinaryPrimitives.WriteInt32LittleEndian(mutant, mutant.Length - TianoDecoder.HeaderSize);
            var room = new GuardedOutput(length);

            var status = TianoDecoder.Decode(mutant, variant, room.Span, out var consumed, CancellationToken.None);

            Assert.True(Enum.IsDefined(status) && consumed >= TianoDecoder.HeaderSize && consumed <= mutant.Length && room.IsGuardUntouched, $"seed {Mutants.Seed + i}: {status}, {consumed}");
            ends[status] = ends.GetValueOrDefault(status) + 1;
        }

        output.WriteLine($"[romflash] {variant}: mutants from seed {Mutants.Seed}, {string.Join(", ", ends)}");
        Assert.Equal([DecodeStatus.Done, DecodeStatus.TruncatedInput, DecodeStatus.Corrupt], ends.Keys);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Decode_TablesThatAreNoCode_AreCorrupt(bool isEfi)
    {
        var variant = Variant(isEfi);
        var distanceBits = variant == TianoVariant.Efi ? 4 : 5;

        // An empty block; too many lengths, too short ones, too long ones, none; single symbols that are not in the alphabet.
        AssertCorrupt(Bits(), 0);
        AssertCorrupt(Bits().Put(20, 5), 1);
        AssertCorrupt(Bits().Put(3, 5).Put(1, 3).Put(1, 3).Put(1, 3).Put(0, 2), 1);
        AssertCorrupt(Bits().Put(2, 5).Put(1, 3).Put(2, 3), 1);
        AssertCorrupt(Bits().Put(2, 5).Put(7, 3).Put((1 << 10) - 1, 10), 1);
        AssertCorrupt(Bits().Put(2, 5).Put(0, 6), 1);
        AssertCorrupt(Bits().Put(0, 5).Put(19, 5), 1);
        AssertCorrupt(Bits().Put(0, 5).Put(0, 5).Put(511, 9), 1);
        AssertCorrupt(Bits().Put(0, 5).Put(0, 5).Put(0, 9).Put(510, 9), 1);

        // Zeros that go on behind the alphabet; all lengths alike, which no code of 510 symbols can be.
        AssertCorrupt(Bits().Put(0, 5).Put(2, 5).Put(510, 9).Put(491, 9), 1);
        AssertCorrupt(Bits().Put(0, 5).Put(2, 5).Put(510, 9).Put(490, 9), 1);
        for (var code = 3; code < 19; code++)
        {
            AssertCorrupt(Bits().Put(0, 5).Put(code, 5).Put(510, 9), 1);
        }

        AssertCorrupt(Bits().Put(0, 5).Put(0, 5).Put(0, 9).Put('a', 9).Put(2, distanceBits).Put(1, 3).Put(2, 3), 1);
        AssertCorrupt(Bits().Put(0, 5).Put(0, 5).Put(0, 9).Put(256, 9).Put(0, distanceBits).Put(0, distanceBits), 1);

        void AssertCorrupt(BitWriter table, int symbols)
        {
            var body = new BitWriter(true).Put(symbols, 16);
            byte[] stream = TianoWriter.WithSizes([.. body.ToArray(), .. table.ToArray(), .. new byte[40]], 100);
            var room = new GuardedOutput(100);
            Assert.Equal(DecodeStatus.Corrupt, TianoDecoder.Decode(stream, variant, room.Span, out _, CancellationToken.None));
            Assert.True(room.IsGuardUntouched);
        }

        static BitWriter Bits() => new(isMostSignificantFirst: true);
    }

    [Fact]
    public void Decode_DistanceOutsideTheAlphabet_IsCorrupt()
    {
        // Only 5 bits can say 31.
        var bits = new BitWriter(true).Put(1, 16).Put(0, 5).Put(0, 5).Put(0, 9).Put('a', 9).Put(0, 5).Put(31, 5);
        Assert.Equal(DecodeStatus.Corrupt, TianoDecoder.Decode(TianoWriter.WithSizes([.. bits.ToArray(), 0, 0], 1), TianoVariant.Tiano, new byte[1], out _, CancellationToken.None));
    }

    [Fact]
    public void Decode_RoomOfAnotherLength_IsCorrupt()
    {
        var stream = TianoWriter.Compress("abcabcabc"u8, TianoVariant.Efi);
        foreach (var length in (int[])[0, 8, 10])
        {
            Assert.Equal(DecodeStatus.Corrupt, TianoDecoder.Decode(stream, TianoVariant.Efi, new byte[length], out _, CancellationToken.None));
        }
    }

    [Fact]
    public void Decode_Cancelled_EndsAtOnce() =>
        Assert.Throws<OperationCanceledException>(() => TianoDecoder.Decode(TianoWriter.Compress(new byte[9], TianoVariant.Efi), TianoVariant.Efi, new byte[9], out _, new CancellationToken(canceled: true)));

    private static TianoVariant Variant(bool isEfi) => isEfi ? TianoVariant.Efi : TianoVariant.Tiano;

    private static void AssertDecodes(byte[] expected, byte[] stream, TianoVariant variant)
    {
        var room = new GuardedOutput(expected.Length);
        Assert.Equal(DecodeStatus.Done, TianoDecoder.Decode(stream, variant, room.Span, out var consumed, CancellationToken.None));
        Assert.Equal(stream.Length, consumed);
        Assert.True(room.Span.SequenceEqual(expected) && room.IsGuardUntouched);
    }
}
