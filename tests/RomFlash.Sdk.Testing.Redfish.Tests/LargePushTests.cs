using System.Net;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Testing.Simulation;
using Xunit.Abstractions;
using static RomFlash.Sdk.Testing.Redfish.Tests.FaceUnderTest;

namespace RomFlash.Sdk.Testing.Redfish.Tests;

/// <summary>For tests that measure the whole process: nothing else runs meanwhile.</summary>
[CollectionDefinition("Alone", DisableParallelization = true)]
public sealed class Alone;

[Collection("Alone")]
public sealed class LargePushTests(ITestOutputHelper output)
{
    [Fact]
    public async Task Push_Of64MiB_IsNeverHeldInMemory()
    {
        const int Length = 64 << 20;
        var large = SimulatedRom.Create(SystemClass, RomKind.SystemRom, "2.0.0", 0x0002_0000, Length);
        await using var under = await StartAsync(change: o => o with { KnownImages = [large] });
        using var warm = await under.PushAsync(NewArrayRom.Content, "OnStartUpdateRequest");
        var before = GC.GetTotalAllocatedBytes(precise: true);

        using var pushed = await under.PushAsync(large.Content, "OnReset");
        var allocated = GC.GetTotalAllocatedBytes(precise: true) - before;

        Assert.Equal(HttpStatusCode.Accepted, pushed.StatusCode);
        Assert.Equal(large.Sha256, under.Target.ArmedDigests.Single());
        output.WriteLine($"[romflash] 64 MiB through a Redfish face: {allocated >> 10} KiB allocated at both ends together");
        Assert.True(allocated < Length / 4, $"{allocated} bytes were allocated for both ends of {Length} bytes.");
    }
}
