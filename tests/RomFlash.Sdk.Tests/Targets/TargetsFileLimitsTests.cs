using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Targets;

namespace RomFlash.Sdk.Tests.Targets;

[Collection("Alone")]
public sealed class TargetsFileLimitsTests
{
    private static readonly string[] Schemes = ["dir"];

    [Fact]
    public async Task LoadAsync_FileOfAGigabyte_IsRefusedUnread()
    {
        var path = Path.GetTempFileName();
        try
        {
            using (var file = File.OpenWrite(path))
            {
                file.SetLength(1L << 30);
            }

            var before = GC.GetTotalAllocatedBytes();
            Assert.False((await TargetsFile.LoadAsync(path, Schemes, default)).TryGetValue(out _, out var failure));

            Assert.IsType<TargetsFileUnusable>(failure);
            Assert.InRange(GC.GetTotalAllocatedBytes() - before, 0, 64 << 20);
        }
        finally
        {
            File.Delete(path);
        }
    }
}
