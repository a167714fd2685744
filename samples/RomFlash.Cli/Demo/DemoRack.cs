using RomFlash.Cli.CommandLine;
using RomFlash.Cli.Rendering;
using RomFlash.Cli.Rendering.Live;
using RomFlash.Sdk;
using RomFlash.Sdk.Journal;
using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Targets;
using RomFlash.Sdk.Testing;
using RomFlash.Sdk.Testing.Simulation;

namespace RomFlash.Cli.Demo;

/// <summary>
/// Runs the real pipeline over simulated targets, many at once. The clock is simulated too: hours of waiting take no time, or as much as
/// somebody wants to watch.
/// </summary>
/// <remarks>
/// All of it runs on the thread that drives the clock, so that the same seed gives the same run: <see cref="RomFlashClient.FlashManyAsync"/>
/// would spread the targets over the thread pool, and time would have to guess when they have done their work.
/// </remarks>
internal sealed class DemoRack
{
    private const int LeastAtOnce = 64;

    private readonly SimulatedClock _clock = new();
    private readonly SimulatedRack _rack;
    private readonly RomFlashClient _client;

    public DemoRack()
    {
        _rack = new SimulatedRack(_clock);
        _client = new RomFlashClient(new RomFlashClientOptions
        {
            Transports = [_rack.Transport],
            Catalog = DemoRoms.Catalog,
            Journal = new InMemoryFlashJournal("demo"),
            Credentials = CredentialSources.CurrentUser,
            TimeProvider = _clock,
        });
    }

    /// <summary>The simulated time.</summary>
    public TimeProvider Clock => _clock;

    /// <summary>What happens on the client itself, before there is any target: a command line that can't be parsed.</summary>
    public static TargetResult RunCommandLine()
    {
        const string name = "command line";
        string[] arguments = ["flash", "--imgae", "new.rom"];
        var failure = RomFlashCommandLine.FindSyntaxError(arguments);
        var result = failure is null
            ? new TargetResult { Target = name, Outcome = "Accepted", TargetState = nameof(TargetState.Untouched), Message = "the command line was accepted" }
            : TargetResult.Of(name, failure);
        return result with
        {
            Scenario = $"romflash {string.Join(' ', arguments)}",
            Expected = "NotFlashed RF1001",
            AsStaged = failure?.Code == "RF1001",
        };
    }

    /// <summary>Upgrades the targets and compares what came out with what was staged.</summary>
    /// <param name="plan">The targets.</param>
    /// <param name="view">Is told of each step and each end.</param>
    /// <param name="isWatched">Whether time passes so that somebody can watch.</param>
    /// <param name="cancellationToken">Stops the run; targets that had not begun have no result.</param>
    /// <returns>One result for each target that was begun, in the order of the plan.</returns>
    public IReadOnlyList<TargetResult> Run(IReadOnlyList<DemoScenario> plan, RunView view, bool isWatched, CancellationToken cancellationToken)
    {
        var results = new TargetResult?[plan.Count];
        var atOnce = Math.Min(plan.Count, Math.Max(LeastAtOnce, plan.Count / 4));
        var pace = new DemoPace(isWatched, cancellationToken);
        var (next, ended) = (0, 0);

        // Cancelled on this thread, between two steps: a signal's own thread would run what follows beside the clock.
        using var stop = new CancellationTokenSource();
        var work = _clock.DriveUntil(
            async () =>
            {
                await Task.WhenAll(Enumerable.Range(0, atOnce).Select(_ => WorkAsync()));
                return true;
            },
            () =>
            {
                pace.Keep(_clock.GetUtcNow(), (double)(next - ended) / atOnce);
                if (cancellationToken.IsCancellationRequested && !stop.IsCancellationRequested)
                {
                    stop.Cancel();
                }

                return false;
            });
        work.GetAwaiter().GetResult();
        return [.. results.OfType<TargetResult>()];

        async Task WorkAsync()
        {
            while (next < plan.Count && !stop.IsCancellationRequested)
            {
                var index = next++;
                try
                {
                    var result = Compare(plan[index], await FlashAsync(plan[index], view, stop.Token));
                    results[index] = result;
                    view.Ended(result);
                }
                catch (OperationCanceledException) when (stop.IsCancellationRequested)
                {
                    // Nothing was written to this one.
                }

                ended++;
            }
        }
    }

    private async Task<FlashReport> FlashAsync(DemoScenario scenario, RunView view, CancellationToken cancellationToken)
    {
        var target = _rack.Add(scenario.Target);
        scenario.Arrange?.Invoke(target);
        if (scenario.WriteDelay > TimeSpan.Zero)
        {
            target.Inject(SimulatedOperation.Write, SimulatedFault.Slow(scenario.WriteDelay), 0, int.MaxValue);
        }

        var request = new FlashRequest(target.ToFlashTarget(), [.. scenario.Images], scenario.Policy);
        if (scenario.Images.Count > 0)
        {
            return await _client.FlashAsync(request, view, cancellationToken);
        }

        // Misuse for a single target; among many it is an answer. Nothing waits here for the clock, which may not go on meanwhile.
        return Task.Run(() => FirstAsync(_client.FlashManyAsync([request], 1, view, CancellationToken.None)), CancellationToken.None).GetAwaiter().GetResult();
    }

    private static async Task<FlashReport> FirstAsync(IAsyncEnumerable<FlashReport> reports)
    {
        var all = new List<FlashReport>();
        await foreach (var report in reports)
        {
            all.Add(report);
        }

        return all[0];
    }

    private static TargetResult Compare(DemoScenario scenario, FlashReport report)
    {
        var code = report.Result.Match<string?>(static _ => null, static f => f.Code);
        return TargetResult.Of(report) with
        {
            // The one thing that no seed decides.
            OperationId = null,
            Scenario = scenario.Staged,
            Expected = scenario.Expected,
            AsStaged = report.Outcome == scenario.Outcome && string.Equals(code, scenario.Code, StringComparison.Ordinal),
        };
    }
}
