using System.Diagnostics;
using System.Text.Json;

namespace RomFlash.Cli.Tests;

/// <summary>What a run of a program left.</summary>
internal sealed record RunResult(int ExitCode, string Out, string Error)
{
    public string All => Out + Error;

    /// <summary>The JSON objects on standard output, one on a line.</summary>
    public IReadOnlyList<JsonElement> Json => [.. Out.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(l => JsonDocument.Parse(l).RootElement)];

    public JsonElement SingleJson => Assert.Single(Json);

    public override string ToString() => $"exit {ExitCode}\n{Out}\n{Error}";
}

/// <summary>Runs the built executable as a process of its own, as a user does.</summary>
internal static class Cli
{
    // A program that hangs is to fail its test, not to stop the run.
    private static readonly TimeSpan Watchdog = TimeSpan.FromMinutes(5);

    public static Task<RunResult> RunAsync(params string[] arguments) => RunAsync([], arguments);

    public static Task<RunResult> RunAsync((string Name, string Value)[] environment, params string[] arguments) =>
        RunProgramAsync(Host, [Executable, .. arguments], environment);

    /// <summary>Runs it in a folder, with its state (journal, catalogs seen) there too.</summary>
    public static Task<RunResult> RunInAsync(string folder, params string[] arguments) =>
        RunProgramAsync(Host, [Executable, .. arguments], [("XDG_DATA_HOME", folder)], folder: folder);

    /// <summary>Starts the executable and leaves it running.</summary>
    public static Process Start(params string[] arguments) => Process.Start(Describe(Host, [Executable, .. arguments], []))!;

    /// <summary>Starts another program, such as one that starts the executable, and leaves it running.</summary>
    public static Process Start(string program, string[] arguments) => Process.Start(Describe(program, arguments, []))!;

    /// <summary>Runs the executable at a terminal, which script(1) of util-linux makes, and types something there.</summary>
    public static Task<RunResult> RunAtTerminalAsync(string typed, (string Name, string Value)[] environment, params string[] arguments) =>
        RunProgramAsync("script", ["-q", "-e", "-c", string.Join(' ', ((string[])[Host, Executable, .. arguments]).Select(a => $"'{a}'")), "/dev/null"], [("TERM", "xterm-256color"), .. environment], typed);

    public static async Task<RunResult> RunProgramAsync(string program, string[] arguments, (string Name, string Value)[] environment, string typed = "", string folder = "")
    {
        var start = Describe(program, arguments, environment);
        start.WorkingDirectory = folder;
        using var process = Process.Start(start)!;
        await process.StandardInput.WriteAsync(typed);
        return await FinishAsync(process);
    }

    public static async Task<RunResult> FinishAsync(Process process)
    {
        process.StandardInput.Close();
        using var watchdog = new CancellationTokenSource(Watchdog);
        try
        {
            var output = process.StandardOutput.ReadToEndAsync(watchdog.Token);
            var error = process.StandardError.ReadToEndAsync(watchdog.Token);
            await process.WaitForExitAsync(watchdog.Token);
            return new(process.ExitCode, await output, await error);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw;
        }
    }

    public static string Host => Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") is { Length: > 0 } host ? host : "dotnet";

    public static string Executable => Path.Combine(AppContext.BaseDirectory, "romflash.dll");

    private static ProcessStartInfo Describe(string program, string[] arguments, (string Name, string Value)[] environment)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };

        // What the test runner's own host was given is not meant for the programs that a test starts.
        foreach (var name in start.Environment.Keys.Where(k => k.StartsWith("MSBUILD", StringComparison.OrdinalIgnoreCase) || k is "DOTNET_ROOT_X64" or "NO_COLOR").ToList())
        {
            start.Environment.Remove(name);
        }

        start.Environment["DOTNET_CLI_TELEMETRY_OPTOUT"] = "1";
        start.Environment["DOTNET_CLI_UI_LANGUAGE"] = "en";
        start.Environment["DOTNET_NOLOGO"] = "1";
        start.Environment["MSBUILDDISABLENODEREUSE"] = "1";
        foreach (var (name, value) in environment)
        {
            start.Environment[name] = value;
        }

        return start;
    }
}
