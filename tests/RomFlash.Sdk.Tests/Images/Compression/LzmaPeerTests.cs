using System.Buffers.Binary;
using System.Globalization;
using RomFlash.Sdk.Images.Compression;
using RomFlash.Sdk.Tests.Images.Signatures;
using Xunit.Abstractions;

namespace RomFlash.Sdk.Tests.Images.Compression;

/// <summary>The LZMA decoder beside liblzma: what one encodes the other decodes, and both think the same of what is broken.</summary>
[Trait("Category", "Peer")]
public sealed class LzmaPeerTests(ITestOutputHelper output) : IDisposable
{
    // The settings stand in front of what is to be encoded: lc, lp, pb, the dictionary's exponent, the preset.
    private const string Encode = """
        import lzma
        errors = lzma.LZMAError
        def run(case):
            lc, lp, pb, size, preset = case[:5]
            return lzma.compress(case[5:], lzma.FORMAT_ALONE, filters=[dict(id=lzma.FILTER_LZMA1, preset=preset, lc=lc, lp=lp, pb=pb, dict_size=1 << size)])
        """;

    private const string Decode = """
        import lzma
        errors = (lzma.LZMAError, EOFError)
        def run(case):
            decoder = lzma.LZMADecompressor(lzma.FORMAT_ALONE)
            data = decoder.decompress(case)
            if not decoder.eof:
                raise EOFError
            return data
        """;

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("romflash-lzma-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public async Task Decode_WhatXzWrites_IsTheOriginal()
    {
        var settings = (string[])["preset=0", "preset=6", "preset=9,dict=64MiB", "lc=0,lp=0,pb=0", "lc=4,lp=0,pb=4", "lc=0,lp=4,pb=2", "lc=1,lp=3,pb=0", "dict=4KiB", "dict=96KiB", "mode=fast,nice=2", "nice=273"];
        for (var i = 0; i < settings.Length; i++)
        {
            var file = Path.Combine(_folder.FullName, i.ToString(CultureInfo.InvariantCulture));
            var data = CompressibleData.Create(i, 300_000);
            await File.WriteAllBytesAsync(file, data);
            await PeerProgram.MustRunAsync("xz", "--format=lzma", $"--lzma1={settings[i]}", file);

            AssertDecodes(data, await File.ReadAllBytesAsync(file + ".lzma"));
        }
    }

    [Fact]
    public async Task Decode_WhatPythonWritesWithEverySetting_IsTheOriginal()
    {
        var cases = new List<byte[]>();
        foreach (var setting in LzmaDecoderTests.Settings)
        {
            var (lc, lp, pb) = ((int)setting[0], (int)setting[1], (int)setting[2]);
            cases.Add([(byte)lc, (byte)lp, (byte)pb, (byte)(12 + (cases.Count % 10)), (byte)(cases.Count % 10), .. CompressibleData.Create(cases.Count, cases.Count * 700)]);
        }

        var streams = await PythonPeer.RunAsync(Encode, cases);

        for (var i = 0; i < cases.Count; i++)
        {
            AssertDecodes(cases[i][5..], Assert.IsType<byte[]>(streams[i]));
        }
    }

    [Fact]
    public async Task Decode_SymbolsOfEveryKind_IsWhatLiblzmaMakesOfThem()
    {
        // That the tests' own writer writes what the format says.
        var cases = new List<(byte[] Stream, byte[] Decoded)>();
        for (var seed = 0; seed < 60; seed++)
        {
            var writer = new LzmaWriter(seed % 3, seed % 2, seed % 5, 1u << (12 + (seed % 8))).Random(new Random(seed), 2000);
            byte[] decoded = [.. writer.Decoded];
            cases.Add((seed % 3 == 0 ? writer.Finish() : writer.EndMarker().Finish(seed % 3 == 1 ? null : decoded.Length), decoded));
        }

        var results = await PythonPeer.RunAsync(Decode, [.. cases.Select(c => c.Stream)]);

        for (var i = 0; i < cases.Count; i++)
        {
            Assert.Equal(cases[i].Decoded, results[i]);
        }
    }

    [Fact]
    public async Task Decode_Mutants_AreRefusedAndDecodedAsLiblzmaDoes()
    {
        var streams = new List<byte[]>();
        for (var seed = 0; seed < 20; seed++)
        {
            var writer = new LzmaWriter(3, 0, 2).Random(new Random(seed), 10 + (10 * seed));
            var length = writer.Decoded.Count;
            streams.Add(seed % 3 == 0 ? writer.Finish() : writer.EndMarker().Finish(seed % 3 == 1 ? null : length));
        }

        var mutants = Enumerable.Range(0, Mutants.Count(5000)).Select(i => Mutants.Create(Mutants.Seed + i, streams[i % streams.Count], LzmaHeader.Size)).ToList();
        var theirs = await PythonPeer.RunAsync(Decode, mutants);
        var good = 0;
        for (var i = 0; i < mutants.Count; i++)
        {
            Assert.True(LzmaHeader.TryRead(mutants[i], out var header));
            var room = new byte[header.DecodedLength ?? 1 << 17];
            var result = LzmaDecoder.Decode(mutants[i], header, room, CancellationToken.None);

            Assert.NotEqual(header.DecodedLength is null ? DecodeStatus.OutputTooSmall : (DecodeStatus)(-1), result.Status);
            Assert.True((result.Status == DecodeStatus.Done) == (theirs[i] is not null), $"seed {Mutants.Seed + i}: {result}, and {(theirs[i] is null ? "refused" : "decoded")}");
            Assert.True(theirs[i] is not { } expected || room.AsSpan(0, result.Written).SequenceEqual(expected), $"seed {Mutants.Seed + i}: decoded to something else");
            good += theirs[i] is null ? 0 : 1;
        }

        output.WriteLine($"[romflash] lzma beside liblzma: {mutants.Count} mutants from seed {Mutants.Seed}, {good} of them good");
        Assert.InRange(good, 1, mutants.Count - 1);
    }

    private static void AssertDecodes(byte[] expected, byte[] stream)
    {
        Decodes(expected, stream);

        // Behind a known length the end marker is allowed as well.
        BinaryPrimitives.WriteInt64LittleEndian(stream.AsSpan(5), expected.Length);
        Decodes(expected, stream);

        static void Decodes(byte[] expected, byte[] stream)
        {
            Assert.True(LzmaHeader.TryRead(stream, out var header));
            var room = new GuardedOutput(expected.Length);
            Assert.Equal(new(DecodeStatus.Done, stream.Length, expected.Length), LzmaDecoder.Decode(stream, header, room.Span, CancellationToken.None));
            Assert.True(room.Span.SequenceEqual(expected) && room.IsGuardUntouched);
        }
    }
}
