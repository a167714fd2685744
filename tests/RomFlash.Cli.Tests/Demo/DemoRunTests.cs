using RomFlash.Cli.Demo;
using RomFlash.Cli.Rendering;
using RomFlash.Cli.Rendering.Live;
using RomFlash.Sdk.Confirmation;
using RomFlash.Sdk.Outcomes;

namespace RomFlash.Cli.Tests.Demo;

/// <summary>What no run of the program can show: a demo in which something comes out differently.</summary>
public sealed class DemoRunTests
{
    private readonly StringWriter _out = new();

    [Fact]
    public void Run_OneOutcomeDiffers_FailsAndNamesIt()
    {
        var plan = DemoPlan.Create(DemoPlan.LeastTargets, 1).ToList();
        plan[0] = plan[0] with { Outcome = FlashOutcomeKind.Pending };

        Assert.Equal(ExitCode.Failed, Run(plan));
        var line = Assert.Single(_out.ToString().Split(Environment.NewLine), l => l.StartsWith("FAIL", StringComparison.Ordinal));
        Assert.Contains("rack-01", line, StringComparison.Ordinal);
        Assert.Contains("expected Pending", line, StringComparison.Ordinal);
        Assert.Contains($"{plan.Count} of {plan.Count + 1} came out as staged", _out.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Run_OneCodeDiffers_Fails()
    {
        var plan = DemoPlan.Create(DemoPlan.LeastTargets, 1).ToList();
        var index = plan.FindIndex(s => s.Code == "RF3001");
        plan[index] = plan[index] with { Code = "RF3002" };

        Assert.Equal(ExitCode.Failed, Run(plan));
    }

    [Fact]
    public void Run_HealthyTargetOfALargeRackFails_IsListedAndNotFolded()
    {
        var plan = DemoPlan.Create(200, 1).ToList();
        plan[^1] = plan[^1] with { Target = plan[^1].Target with { PowerLossAtBlock = 1 } };

        Assert.Equal(ExitCode.Failed, Run(plan));
        Assert.Contains("FAIL sim://rack-200", _out.ToString(), StringComparison.Ordinal);
        Assert.Contains($"and {200 - DemoPlan.LeastTargets - 1} healthy targets more", _out.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Run_Cancelled_EndsAndSaysSo()
    {
        using var cancelled = new CancellationTokenSource();
        cancelled.Cancel();

        Assert.Equal(ExitCode.Cancelled, DemoRun.Run(new Terminal(_out, _out, isRich: false, canAsk: false), DemoPlan.Create(40, 1), 1, isJson: false, cancelled.Token));
        Assert.Contains("the demo was cancelled", _out.ToString(), StringComparison.Ordinal);
    }

    // Also one that is cancelled in mid-flight leaves no target armed without saying so.
    [Fact]
    public void Run_CancelledWhileTargetsAreInWork_EndsEachByItsPhase()
    {
        using var stop = new CancellationTokenSource();
        var results = new DemoRack().Run(DemoPlan.Create(48, 1), new StopsAt(FlashStage.Confirm, stop), isWatched: false, stop.Token);

        Assert.Contains(results, r => r is { Code: "RF9001", TargetState: nameof(TargetState.Untouched) });
        Assert.All(results.Where(r => r.TargetState == nameof(TargetState.Armed)), r => Assert.Equal("Pending", r.Outcome));
    }

    private int Run(IReadOnlyList<DemoScenario> plan) =>
        DemoRun.Run(new Terminal(_out, TextWriter.Null, isRich: false, canAsk: false), plan, 1, isJson: false, CancellationToken.None);

    private sealed class StopsAt(FlashStage stage, CancellationTokenSource stop) : RunView
    {
        public override void Report(FlashProgress value)
        {
            if (value.Stage == stage)
            {
                stop.Cancel();
            }
        }

        public override void Ended(TargetResult result)
        {
        }
    }
}
