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
    private async Task<Process> StartAsync()
    {
        var opens = TimeProvider.System.GetUtcNow().AddDays(2);
        var window = string.Create(CultureInfo.InvariantCulture, $"{opens:yyyy-MM-dd'T'HH:mm'Z'}/{opens.AddHours(1):yyyy-MM-dd'T'HH:mm'Z'}");
        var staged = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var watcher = new FileSystemWatcher(_bench.Esp) { IncludeSubdirectories = true };
        watcher.Renamed += (_, e) => Look(e.FullPath);
        watcher.Created += (_, e) => Look(e.FullPath);
        watcher.EnableRaisingEvents = true;
        var flash = Cli.Start([.. _bench.FlashArguments, "--window", window, "--json"]);

        // Before it stands what was accepted of the catalog.
        Assert.Contains("is not signed", await flash.StandardError.ReadLineAsync(), StringComparison.Ordinal);
        Assert.Contains("the window opens at", await flash.StandardError.ReadLineAsync(), StringComparison.Ordinal);
        await staged.Task.WaitAsync(TimeSpan.FromMinutes(2));
        return flash;

        // The manifest of a deposit (docs/directory-targets.md): gN/ID.json.
        void Look(string path)
        {
            if (path.EndsWith(".json", StringComparison.Ordinal) && Path.GetFileName(Path.GetDirectoryName(path)!).StartsWith('g'))
            {
                staged.TrySetResult();
            }
        }
    }

    // SIGTERM is taken as Ctrl-C is, and arrives also where the test runner was started with SIGINT ignored.
    private static async Task<RunResult> SignalAsync(Process process)
    {
        Assert.Equal(0, (await Cli.RunProgramAsync("kill", ["-TERM", $"{process.Id}"], [])).ExitCode);
        return await Cli.FinishAsync(process);
    }
}
