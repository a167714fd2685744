using Microsoft.Extensions.DependencyInjection;
using RomFlash.Sdk.Compatibility;
using RomFlash.Sdk.Confirmation;
using RomFlash.Sdk.Journal;
using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Pipeline;
using RomFlash.Sdk.Targets;
using RomFlash.Sdk.Testing.Simulation;
using RomFlash.Sdk.Tests.Pipeline;
using RomFlash.Sdk.Transports;

namespace RomFlash.Sdk.Tests;

/// <summary>Many targets at once: one's failure never touches another, and nothing outlives the caller.</summary>
public sealed class FlashManyTests
{
    private static readonly FlashPolicy Now = FlashPolicy.Default with { RebootDelay = TimeSpan.Zero };

    [Fact]
    public async Task FlashManyAsync_AThirdOfTheTargetsFails_TheOthersDoNotNotice()
    {
        var bench = new Bench();
        var targets = Enumerable.Range(0, 300).Select(i =>
        {
            var target = bench.Add($"many-{i}", o => o with { BootDuration = TimeSpan.Zero });
            if (i % 3 == 0)
            {
                target.Inject((i / 3 % 4) switch
                {
                    0 => SimulatedOperation.OpenDeposit,
                    1 => SimulatedOperation.Write,
                    2 => SimulatedOperation.Commit,
                    _ => SimulatedOperation.Arm,
                }, SimulatedFault.Refuse(TransportFaultKind.AccessDenied));
            }

            return target;
        }).ToArray();

        var reports = new Dictionary<string, FlashReport>();
        await foreach (var report in bench.Client().FlashManyAsync(targets.Select(t => new FlashRequest(t.ToFlashTarget(), bench.Images, Now)), 8, null, CancellationToken.None))
        {
            reports.Add(report.Target.Id, report);
        }

        Assert.Equal(300, reports.Count);
        for (var i = 0; i < targets.Length; i++)
        {
            var report = reports[targets[i].Address];
            if (i % 3 == 0)
            {
                Assert.Equal("RF3001", Bench.FailureOf(report.Result).Code);
                Assert.Equal(TargetState.Untouched, Bench.FailureOf(report.Result).TargetState);
                Assert.Equal(ArmedPhase.None, targets[i].ArmedPhase);
                Assert.Empty(targets[i].Deposits);
            }
            else
            {
                Bench.IsUpgraded(report);
            }

            Assert.Null(targets[i].Claim);
        }
    }

    [Fact]
    public async Task FlashManyAsync_BadRequestsAmongGoodOnes_AreAnsweredAndTheRestIsDone()
    {
        var bench = new Bench(change: o => o with { BootDuration = TimeSpan.Zero });
        var good = new FlashRequest(bench.FlashTarget, bench.Images, Now);
        var empty = new FlashRequest(FlashTarget.Parse("sim://empty"), [], Now);
        var last = bench.Add("last", o => o with { BootDuration = TimeSpan.Zero });

        var codes = new List<string>();
        await foreach (var report in bench.Client().FlashManyAsync(new[] { empty, good, good, new FlashRequest(last.ToFlashTarget(), bench.Images, Now) }, 1, null, CancellationToken.None))
        {
            codes.Add(report.Result.Match(o => o.Kind.ToString(), f => f.Code));
        }

        Assert.Equal(["RF1002", "Upgraded", "RF1006", "Upgraded"], codes);
    }

    [Fact]
    public async Task FlashManyAsync_ConsumerWalksAway_NothingIsLeftRunning()
    {
        var bench = new Bench();
        var begun = 0;
        IEnumerable<FlashRequest> Requests()
        {
            for (var i = 0; i < 1000; i++)
            {
                Interlocked.Increment(ref begun);
                yield return new FlashRequest(bench.Add($"walk-{i}", o => o with { BootDuration = TimeSpan.Zero }).ToFlashTarget(), bench.Images, Now);
            }
        }

        await foreach (var report in bench.Client().FlashManyAsync(Requests(), 4, null, CancellationToken.None))
        {
            Assert.NotNull(report);
            break;
        }

        var after = Volatile.Read(ref begun);
        Assert.InRange(after, 1, 200);
        await Task.Yield();
        Assert.Equal(after, Volatile.Read(ref begun));
    }

    [Fact]
    public async Task FlashAsync_SameMachineUnderTwoNames_IsFlashedOnceAtATime()
    {
        var bench = new Bench(change: o => o with { BootDuration = TimeSpan.Zero });
        bench.Rack.SetAddress("alias", bench.Target, SimulatedCapabilities.All);
        var client = bench.Client();
        var entered = new TaskCompletionSource<FlashReport>();
        bench.Target.OnOperation = entry =>
        {
            if (entry.Operation == SimulatedOperation.Commit)
            {
                // In the midst of the first flash: the second one gets its answer at once.
                bench.Target.OnOperation = null;
                var second = client.FlashAsync(new FlashRequest(FlashTarget.Parse("sim://alias"), bench.Images, Now), null, CancellationToken.None);
                Assert.True(second.IsCompleted);
                entered.SetResult(second.Result);
            }
        };

        Bench.IsUpgraded(await client.FlashAsync(new FlashRequest(bench.FlashTarget, bench.Images, Now), null, CancellationToken.None));

        Assert.Equal("RF9006", Bench.FailureOf((await entered.Task).Result).Code);
    }

    [Fact]
    public async Task AddRomFlash_RegisteredParts_MakeAClientThatFlashes()
    {
        var bench = new Bench(change: o => o with { BootDuration = TimeSpan.Zero });
        var services = new ServiceCollection();
        services.AddSingleton<TimeProvider>(bench.Clock);
        services.AddRomFlash(b => b
            .AddTransport(bench.Rack.Transport)
            .UseCatalog(bench.Catalog)
            .UseJournal(new InMemoryFlashJournal())
            .UseCredentials(CredentialSources.None));
        await using var provider = services.BuildServiceProvider();

        var report = await provider.GetRequiredService<RomFlashClient>().FlashAsync(new FlashRequest(bench.FlashTarget, bench.Images, Now), null, CancellationToken.None);

        Assert.Equal(FlashOutcomeKind.Upgraded, report.Outcome);
        Assert.Same(provider.GetRequiredService<RomFlashClient>(), provider.GetRequiredService<RomFlashClient>());
    }

    [Fact]
    public void AddRomFlash_WithoutACatalog_SaysWhatIsMissing()
    {
        using var provider = new ServiceCollection().AddRomFlash(b => b.UseJournal(new InMemoryFlashJournal())).BuildServiceProvider();

        var exception = Assert.Throws<InvalidOperationException>(provider.GetRequiredService<RomFlashClient>);

        Assert.Contains(nameof(ICompatibilityCatalog), exception.Message, StringComparison.Ordinal);
    }
}
