using System.Collections.Immutable;
using RomFlash.Sdk.Confirmation;
using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Pipeline;
using RomFlash.Sdk.Testing.Redfish;
using RomFlash.Sdk.Transports;
using Xunit.Abstractions;
using FaceFault = RomFlash.Sdk.Testing.Redfish.RedfishFault;

namespace RomFlash.Sdk.Tests.Transports.Redfish;

/// <summary>Every request of an upgrade goes wrong in every way, one at a time; what is claimed has to be so, and the next run has to bring the upgrade to its end.</summary>
public sealed class RedfishFaceFaultTests(ITestOutputHelper output) : IDisposable
{
    private static readonly (string Name, FaceFault Fault)[] Faults =
    [
        ("close", FaceFault.Close),
        ("lose the answer", FaceFault.LoseAnswer),
        ("half an answer", FaceFault.HalfAnswer),
        ("503 for two seconds", FaceFault.Refuse(503, TimeSpan.FromMilliseconds(1))),
        ("401", FaceFault.Refuse(401)),
        ("500", FaceFault.Refuse(500)),
        ("a page of HTML", FaceFault.Answer(200, "<html>login</html>", "text/html")),
        ("another host", FaceFault.Redirect(new Uri("https://elsewhere.example/redfish/v1/"))),
        ("an endless body", FaceFault.EndlessBody),
        ("no answer", FaceFault.Hang),
    ];

    // All requests that read, and logins, with ROMFLASH_LONG; a ninth of them otherwise. Those that write always, in every way.
    private static bool IsLong => Environment.GetEnvironmentVariable("ROMFLASH_LONG") is { Length: > 0 };

    private readonly string _folder = System.IO.Directory.CreateTempSubdirectory("romflash-redfish-").FullName;

    [Theory]
    [InlineData(RedfishApplyTime.OnStartUpdateRequest)]
    [InlineData(RedfishApplyTime.OnReset)]
    [Trait("Category", "Slow")]
    public async Task FlashAsync_AnyRequestGoesWrong_WhatIsClaimedIsSo(RedfishApplyTime applyTime)
    {
        var (requests, writes) = await MeasureAsync(applyTime);
        var schedules = Enumerable.Range(1, requests)
            .SelectMany(n => writes.Contains(n) ? Faults.Select(f => (n, f)) : IsLong || n % 9 == 1 ? [(n, Faults[(n / 9) % Faults.Length])] : [])
            .ToArray();
        var problems = new List<string>();
        foreach (var (number, (name, fault)) in schedules)
        {
            if (await RunAsync(applyTime, number, fault) is { } problem)
            {
                problems.Add($"{applyTime}, request {number}: {name}: {problem}");
            }
        }

        output.WriteLine($"[romflash] Redfish faults, {applyTime}: {schedules.Length} schedules over {requests} requests, {problems.Count} violations");
        Assert.True(problems.Count == 0, string.Join("\n", problems.Take(20)));
    }

    [Fact]
    public async Task WriteAsync_UploadCutAtEvery64KiB_NothingIsArmedAndNothingIsLeft()
    {
        const int Step = 64 << 10;
        await using var rig = await FaceRig.StartAsync(FaceRig.Options(RedfishVendor.Generic, RedfishApplyTime.OnReset));
        var image = FaceRig.Large;
        for (var cut = 0; cut < image.Content.Length; cut += Step)
        {
            var at = cut;
            rig.Face.Interfere = r => r.Method == "POST" && !r.Path.Contains("Session", StringComparison.Ordinal) ? FaceFault.CloseAfter(at) : null;
            await using var session = await rig.ConnectAsync();
            var fault = FaceRig.Fault(await FaceRig.DepositAsync(session, image, id: $"d-{cut}"));
            Assert.True(fault.Kind is TransportFaultKind.Lost && fault.Effect is FaultEffect.NotSent or FaultEffect.MayHaveApplied, fault.ToString());
            rig.Face.Interfere = null;
            var state = FaceRig.Value(await ((IArmingCapability)session).ReadArmedStateAsync(false, CancellationToken.None));
            Assert.Equal((ArmedPhase.None, 0), (state.Phase, state.Foreign.Length));
            Assert.Empty(FaceRig.Value(await ((IDepositCapability)session).ListDepositsAsync(CancellationToken.None)));
            Assert.Empty(rig.Target.Deposits);
        }
    }

    public void Dispose() => System.IO.Directory.Delete(_folder, recursive: true);

    private async Task<(int Requests, HashSet<int> Writes)> MeasureAsync(RedfishApplyTime applyTime)
    {
        await using var rig = await FaceRig.StartAsync(FaceRig.Options(RedfishVendor.Generic, applyTime));
        await using var world = await RedfishWorld.CreateAsync(rig, Path.Combine(_folder, "measure"));
        var writes = new HashSet<int>();
        world.Meet = r =>
        {
            if (r.Method != "GET" && !r.Path.Contains("Session", StringComparison.Ordinal))
            {
                writes.Add(r.Number);
            }

            return null;
        };
        var report = await world.FlashAsync(null, FaceRig.NewSystem.Image);
        Assert.Equal(FlashOutcomeKind.Upgraded, report.Outcome);
        return (rig.Face.RequestCount, writes);
    }

    // Null when all is well.
    private async Task<string?> RunAsync(RedfishApplyTime applyTime, int number, FaceFault fault)
    {
        await using var rig = await FaceRig.StartAsync(FaceRig.Options(RedfishVendor.Generic, applyTime));
        await using var world = await RedfishWorld.CreateAsync(rig, Path.Combine(_folder, Guid.NewGuid().ToString("N")));
        world.Meet = r => r.Number == number ? fault : null;
        var first = await world.FlashAsync(p => p with { Deadlines = p.Deadlines with { Operation = TimeSpan.FromMilliseconds(400), Connect = TimeSpan.FromMilliseconds(800), SlowestBytesPerSecond = 1 << 20, CleanUp = TimeSpan.FromSeconds(3), Return = TimeSpan.FromSeconds(3), ReadRetries = 1 } }, FaceRig.NewSystem.Image);
        world.Meet = null;
        var isNew = rig.Target.RomOf("system")?.Sha256 == FaceRig.NewSystem.Sha256;
        if (!first.Result.TryGetValue(out var outcome, out var failure))
        {
            if (failure.TargetState is TargetState.Untouched or TargetState.Prepared && (isNew || rig.Target.ArmedPhase != ArmedPhase.None))
            {
                return $"{failure} was claimed; the target is {rig.Target.ArmedPhase}{(isNew ? " and flashed" : string.Empty)}";
            }

            if (failure.Message.Contains(FaceRig.Password, StringComparison.Ordinal) || failure.ToString().Contains(FaceRig.Password, StringComparison.Ordinal))
            {
                return "a password was told";
            }
        }
        else if (outcome is Upgraded && !isNew)
        {
            return "Upgraded was claimed";
        }

        for (var i = 0; i < 4; i++)
        {
            var next = await world.FlashAsync(p => p with { Deadlines = p.Deadlines with { Return = TimeSpan.FromSeconds(3) } }, FaceRig.NewSystem.Image);
            if (next.Outcome is FlashOutcomeKind.Upgraded or FlashOutcomeKind.AlreadyCurrent)
            {
                return rig.Target.RomOf("system")?.Sha256 == FaceRig.NewSystem.Sha256 && rig.Target.ArmedPhase == ArmedPhase.None && rig.Target.Deposits.IsEmpty ? null : $"{next.Outcome} was claimed afterwards; the target is {rig.Target.ArmedPhase}";
            }

            failure = next.Result.TryGetValue(out _, out var again) ? null : again;
        }

        return $"the upgrade does not come to its end: {failure} (first: {first.Outcome})";
    }
}
