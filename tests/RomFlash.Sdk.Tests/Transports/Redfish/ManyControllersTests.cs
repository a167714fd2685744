using System.Diagnostics;
using RomFlash.Sdk.Probing;
using RomFlash.Sdk.Testing.Redfish;
using RomFlash.Sdk.Transports;
using Xunit.Abstractions;

namespace RomFlash.Sdk.Tests.Transports.Redfish;

/// <summary>Many controllers at once from one process.</summary>
[Collection("Alone")]
public sealed class ManyControllersTests(ITestOutputHelper output)
{
    private const int Controllers = 500;

    [Fact]
    [Trait("Category", "Slow")]
    public async Task ConnectAsync_FiveHundredControllersAtOnce_AllFinishWithoutAThreadEach()
    {
        var rigs = new List<FaceRig>(Controllers);
        try
        {
            for (var i = 0; i < Controllers; i++)
            {
                rigs.Add(await FaceRig.StartAsync(FaceRig.Options(RedfishVendor.Generic, RedfishApplyTime.OnReset)));
            }

            using var process = Process.GetCurrentProcess();
            var before = process.Threads.Count;
            var connected = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            var count = 0;
            var most = 0;
            var work = rigs.Select(async rig =>
            {
                await using var session = await rig.ConnectAsync();
                var facts = FaceRig.Value(await ((IFactsCapability)session).ReadFactsAsync(FactKinds.Identity | FactKinds.Boot, CancellationToken.None));
                Assert.True(facts.Identity.IsKnown && facts.Boot.IsKnown);

                // Nobody goes on before all are connected: they are open at the same time.
                if (Interlocked.Increment(ref count) == Controllers)
                {
                    process.Refresh();
                    most = process.Threads.Count;
                    connected.SetResult();
                }

                await connected.Task;
                FaceRig.Value(await FaceRig.DepositAsync(session, FaceRig.NewArray, "array-0"));
            }).ToArray();
            await Task.WhenAll(work).WaitAsync(TimeSpan.FromMinutes(4));

            output.WriteLine($"[romflash] Redfish: {Controllers} controllers at once, {most - before} threads more than before");
            Assert.All(rigs, r => Assert.Equal(ArmedPhase.Armed, r.Target.ArmedPhase));
            Assert.True(most - before < 100, $"{most} threads, {before} before");
        }
        finally
        {
            foreach (var rig in rigs)
            {
                await rig.DisposeAsync();
            }
        }
    }
}
