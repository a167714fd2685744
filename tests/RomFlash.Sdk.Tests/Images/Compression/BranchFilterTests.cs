using RomFlash.Sdk.Images.Compression;

namespace RomFlash.Sdk.Tests.Images.Compression;

public sealed class BranchFilterTests
{
    [Theory]
    [InlineData("E8 05 00 00 00", "E8 00 00 00 00")]
    [InlineData("E9 05 00 00 00", "E9 00 00 00 00")]
    [InlineData("90 90 E8 17 00 00 00 C3", "90 90 E8 10 00 00 00 C3")]
    [InlineData("E8 00 00 00 00", "E8 FB FF FF FF")]
    [InlineData("E8 00 00 00 FF", "E8 FB FF FF 00")]
    [InlineData("E8 05 00 00 01", "E8 05 00 00 01")]
    [InlineData("90 E8 05 00 00", "90 E8 05 00 00")]
    [InlineData("EA 05 00 00 00", "EA 05 00 00 00")]
    [InlineData("", "")]
    public void DecodeX86_CallsAndJumps_BecomeRelative(string filtered, string code)
    {
        // Top bytes of 00 and FF are addresses; the sign comes from bit 24 of the difference.
        var bytes = Convert.FromHexString(filtered.Replace(" ", string.Empty, StringComparison.Ordinal));
        BranchFilter.DecodeX86(bytes);

        Assert.Equal(code.Replace(" ", string.Empty, StringComparison.Ordinal), Convert.ToHexString(bytes));
    }

    [Fact]
    [Trait("Category", "Peer")]
    public async Task DecodeX86_WhatLiblzmaFilters_IsTheCode()
    {
        // Filtered and packed, and unpacked without the filter.
        const string Filter = """
            import lzma
            errors = lzma.LZMAError
            last = dict(id=lzma.FILTER_LZMA2)
            def run(case):
                packed = lzma.compress(case, lzma.FORMAT_RAW, filters=[dict(id=lzma.FILTER_X86), last])
                return lzma.decompress(packed, lzma.FORMAT_RAW, filters=[last])
            """;
        var cases = Enumerable.Range(0, 600).Select(i => CompressibleData.Code(i, i < 300 ? i : i * 20)).ToList();

        var filtered = await PythonPeer.RunAsync(Filter, cases);

        var changed = 0;
        for (var i = 0; i < cases.Count; i++)
        {
            var bytes = Assert.IsType<byte[]>(filtered[i]);
            changed += bytes.AsSpan().SequenceEqual(cases[i]) ? 0 : 1;
            BranchFilter.DecodeX86(bytes);
            Assert.True(bytes.AsSpan().SequenceEqual(cases[i]), $"case {i}");
        }

        Assert.InRange(changed, 500, cases.Count);
    }

    [Fact]
    [Trait("Category", "Peer")]
    public async Task DecodeX86_AnyBytes_IsWhatLiblzmaMakesOfThem()
    {
        const string Unfilter = """
            import lzma
            errors = lzma.LZMAError
            last = dict(id=lzma.FILTER_LZMA2)
            def run(case):
                packed = lzma.compress(case, lzma.FORMAT_RAW, filters=[last])
                return lzma.decompress(packed, lzma.FORMAT_RAW, filters=[dict(id=lzma.FILTER_X86), last])
            """;
        var cases = Enumerable.Range(0, 600).Select(i => CompressibleData.Code(1000 + i, i < 300 ? i : i * 20)).ToList();

        var expected = await PythonPeer.RunAsync(Unfilter, cases);

        for (var i = 0; i < cases.Count; i++)
        {
            BranchFilter.DecodeX86(cases[i]);
            Assert.True(cases[i].AsSpan().SequenceEqual(expected[i]), $"case {i}");
        }
    }
}
