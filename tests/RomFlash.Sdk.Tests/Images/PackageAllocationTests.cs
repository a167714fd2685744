using System.Diagnostics;
using System.Globalization;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Tests.Images.Formats;
using Xunit.Abstractions;

namespace RomFlash.Sdk.Tests.Images;

[Collection("Alone")]
public sealed class PackageAllocationTests(ITestOutputHelper output)
{
    private const int Length = 64 << 20;

    // What is extracted is as long as a server's whole flash; what is held of it is not.
    [Theory]
    [InlineData("fwpkg")]
    [InlineData("cab")]
    [InlineData("cab stored")]
    [Trait("Category", "Slow")]
    public async Task Validate_LargePayload_HoldsLittleOfIt(string kind)
    {
        var firmware = new byte[Length];
        new Random(1).NextBytes(firmware.AsSpan(0, Length / 2));
        var package = kind == "fwpkg" ? ZipBuilder.Package(firmware).Build() : CabinetBuilder.Of(kind == "cab", firmware).Build();
        var source = new MemoryImageSource("package", package);
        await PackageRun.Validate(package);
        var (start, before) = (Stopwatch.GetTimestamp(), GC.GetTotalAllocatedBytes(precise: true));

        var image = (await PackageRun.Validator().ValidateAsync(source, CancellationToken.None)).GetValueOrThrow();

        var allocated = GC.GetTotalAllocatedBytes(precise: true) - before;
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"[romflash] {kind}: a payload of {Length >> 20} MiB in {Stopwatch.GetElapsedTime(start).TotalSeconds:F2} s, {allocated >> 10} KiB allocated"));
        Assert.Equal(PackageRun.Digest(firmware), image.Sha256);
        Assert.InRange(allocated, 0, 8 << 20);
    }
}
