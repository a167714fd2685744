using System.Diagnostics;
using System.Globalization;

namespace RomFlash.Cli.Tests.Commands;

/// <summary>Real signals, sent to a real process.</summary>
public sealed class InterruptionTests : IDisposable
{
    private readonly Bench _bench = new();

    public InterruptionTests() => _bench.WriteSmallCapsule();

    public void Dispose() => _bench.Dispose();

    [Fact]
    public async Task Flash_StoppedWhileItWaitsForItsWindow_SaysWhatItDoesAndCleansUp()
    {
        using var flash = await StartAsync();
        var result = await SignalAsync(flash);

        Assert.True(result.ExitCode == 130, result.ToString());
        Assert.Contains("romflash: stopping: 1 cleaned up (nothing will flash)", result.Error, StringComparison.Ordinal);
        Assert.Contains("targets that boot into the flash can't be stopped", result.Error, StringComparison.Ordinal);
        Assert.Contains($"romflash: left Untouched: {_bench.Target}: nothing to do", result.Error, StringComparison.Ordinal);
        Assert.Equal("Untouched", result.SingleJson.GetProperty("targetState").GetString());
        Assert.False(Directory.Exists(_bench.UpdateCapsule));
    }

    [Fact]
    public async Task Flash_CtrlC_IsTakenAsARequestToEndIs()
    {
        using var flash = await StartAsync(takesInterrupts: true);
        var result = await SignalAsync(flash, "-INT");

        Assert.True(result.ExitCode == 130, result.ToString());
        Assert.Contains("romflash: stopping: 1 cleaned up (nothing will flash)", result.Error, StringComparison.Ordinal);
        Assert.Equal("Untouched", result.SingleJson.GetProperty("targetState").GetString());
        Assert.False(Directory.Exists(_bench.UpdateCapsule));
    }

    [Fact]
    public async Task Demo_CtrlC_EndsWith130()
    {
        using var demo = Cli.Start("env", ["--default-signal=INT", Cli.Host, Cli.Executable, "demo", "--targets", "5000"]);
        await demo.StandardOutput.ReadLineAsync();
        var result = await SignalAsync(demo, "-INT");

        Assert.True(result.ExitCode == 130, result.ToString());
        Assert.Contains("the demo was cancelled; everything was simulated", result.Error, StringComparison.Ordinal);
    }

    // The first may have finished when the second arrives: this holds the end, whichever of the two it was.
    [Fact]
    public async Task Flash_SecondSignalRightBehindTheFirst_EndsWith130AndLeavesNothingArmed()
    {
        using var flash = await StartAsync(takesInterrupts: true);
        Assert.Equal(0, (await Cli.RunProgramAsync("kill", ["-INT", $"{flash.Id}"], [])).ExitCode);
        await Cli.RunProgramAsync("kill", ["-INT", $"{flash.Id}"], []);
        var result = await Cli.FinishAsync(flash);

        // The first may have done its work before the second arrives: then that is reported, otherwise what is left is.
        Assert.True(result.ExitCode == 130, result.ToString());
        Assert.Contains("romflash: stopping: ", result.Error, StringComparison.Ordinal);
        Assert.True(
            result.Error.Contains("left Untouched", StringComparison.Ordinal) || result.Error.Contains("Left as they are: ", StringComparison.Ordinal) || result.Error.Contains("No target was changed", StringComparison.Ordinal),
            result.ToString());
        Assert.False(Directory.Exists(_bench.UpdateCapsule));
    }

    [Fact]
    public async Task Flash_AfterBeingStopped_CanBeRunAgain()
    {
        using (var flash = await StartAsync())
        {
            await SignalAsync(flash);
        }

        var again = await Cli.RunAsync([.. _bench.FlashArguments, "--json"]);

        Assert.True(again.ExitCode == 0, again.ToString());
        Assert.Equal("Pending", again.SingleJson.GetProperty("outcome").GetString());
    }

    [Fact]
    public async Task Confirm_Stopped_SaysAtOnceThatItChangesNothing()
    {
        Assert.Equal(0, (await Cli.RunAsync(_bench.FlashArguments)).ExitCode);
        using var confirm = Cli.Start("confirm", "--target", _bench.Target, "--journal", _bench.Journal, "--wait", "10m");
        Assert.Contains("waiting up to 10m", await confirm.StandardError.ReadLineAsync(), StringComparison.Ordinal);

        var result = await SignalAsync(confirm);

        Assert.Equal(130, result.ExitCode);
        Assert.StartsWith("romflash: stopping: no longer waiting", result.Error, StringComparison.Ordinal);
        Assert.Single(Directory.GetFiles(_bench.UpdateCapsule));
    }

    // Waits until the copy lies on the target: from then on only the window is waited for.
    private async Task<Process> StartAsync(bool takesInterrupts = false)
    {
        var opens = TimeProvider.System.GetUtcNow().AddDays(2);
        var window = string.Create(CultureInfo.InvariantCulture, $"{opens:yyyy-MM-dd'T'HH:mm'Z'}/{opens.AddHours(1):yyyy-MM-dd'T'HH:mm'Z'}");
        var staged = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var watcher = new FileSystemWatcher(_bench.Esp) { IncludeSubdirectories = true };
        watcher.Renamed += (_, e) => Look(e.FullPath);
        watcher.Created += (_, e) => Look(e.FullPath);
        watcher.EnableRaisingEvents = true;
        string[] arguments = [.. _bench.FlashArguments, "--window", window, "--json"];
        var flash = takesInterrupts ? Cli.Start("env", ["--default-signal=INT", Cli.Host, Cli.Executable, .. arguments]) : Cli.Start(arguments);

        // Before it stands what was accepted of the catalog.
        Assert.Contains("is not signed", await flash.StandardError.ReadLineAsync(), StringComparison.Ordinal);
        Assert.Contains("the window opens at", await flash.StandardError.ReadLineAsync(), StringComparison.Ordinal);
        await staged.Task.WaitAsync(TimeSpan.FromMinutes(2));
        return flash;

        // The manifest of a deposit that is whole (docs/directory-targets.md): gN/ID.json; gN/ID.open.json is there before its files are.
        void Look(string path)
        {
            if (path.EndsWith(".json", StringComparison.Ordinal) && !path.EndsWith(".open.json", StringComparison.Ordinal) && Path.GetFileName(Path.GetDirectoryName(path)!).StartsWith('g'))
            {
                staged.TrySetResult();
            }
        }
    }

    // SIGTERM is taken as Ctrl-C is, and arrives also where the test runner was started with SIGINT ignored.
    private static async Task<RunResult> SignalAsync(Process process, string signal = "-TERM")
    {
        Assert.Equal(0, (await Cli.RunProgramAsync("kill", [signal, $"{process.Id}"], [])).ExitCode);
        return await Cli.FinishAsync(process);
    }
}
