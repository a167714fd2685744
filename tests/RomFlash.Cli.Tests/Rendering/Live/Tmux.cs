using System.Globalization;

namespace RomFlash.Cli.Tests.Rendering.Live;

/// <summary>What a terminal shows at one moment.</summary>
/// <param name="Lines">The lines of the screen, without the blanks at their ends.</param>
/// <param name="IsSecondScreen">Whether it is the second screen, which a program has to itself.</param>
/// <param name="HasCursor">Whether the cursor is visible.</param>
/// <param name="Wraps">Whether the terminal wraps what is too long.</param>
internal sealed record Screen(IReadOnlyList<string> Lines, bool IsSecondScreen, bool HasCursor, bool Wraps)
{
    public override string ToString() => $"second screen {IsSecondScreen}, cursor {HasCursor}, wraps {Wraps}\n" + string.Join('\n', Lines);
}

/// <summary>A real terminal of a known size, with a shell in it that knows the command <c>romflash</c>.</summary>
internal sealed class Tmux : IAsyncDisposable
{
    public const string Prompt = "ready>";

    // Waiting for another program: how long a test may take until it fails, and how often it looks.
    private static readonly TimeSpan Longest = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(20);

    private readonly string _folder = Directory.CreateTempSubdirectory("romflash-tmux-").FullName;

    private Tmux()
    {
    }

    public static async Task<Tmux> StartAsync(int columns, int rows)
    {
        var tmux = new Tmux();
        var rc = Path.Combine(tmux._folder, "rc");
        await File.WriteAllTextAsync(rc, $"PS1='{Prompt} '\nunset NO_COLOR\nexport LC_ALL=C.UTF-8 DOTNET_NOLOGO=1\nromflash() {{ '{Cli.Host}' '{Cli.Executable}' \"$@\"; echo \"exit $?\"; }}\n");
        await tmux.RunAsync("new-session", "-d", "-x", Text(columns), "-y", Text(rows), $"exec bash --noprofile --rcfile '{rc}' -i");
        await tmux.RunAsync("set-option", "-g", "status", "off");
        await tmux.RunAsync("set-option", "-g", "history-limit", "5000");
        await tmux.ResizeAsync(columns, rows);
        await tmux.UntilAsync(s => s.Lines.Any(l => l.StartsWith(Prompt, StringComparison.Ordinal)), "the shell's prompt");
        return tmux;
    }

    public Task TypeAsync(string line) => RunAsync("send-keys", "-l", line + "\n");

    public Task PressAsync(string key) => RunAsync("send-keys", key);

    public Task ResizeAsync(int columns, int rows) => RunAsync("resize-window", "-x", Text(columns), "-y", Text(rows));

    /// <summary>What the terminal shows; with everything that has scrolled out of it, if so wished. All of it is of one moment.</summary>
    public async Task<Screen> LookAsync(bool withHistory = false)
    {
        string[] capture = withHistory ? ["capture-pane", "-p", "-S", "-"] : ["capture-pane", "-p"];
        var result = await RunAsync(["display-message", "-p", "#{alternate_on} #{cursor_flag} #{wrap_flag}", ";", .. capture]);
        var lines = result.Out.Split('\n');
        var flags = lines[0].Split(' ');
        return new([.. lines[1..].Select(l => l.TrimEnd())], flags[0] == "1", flags[1] == "1", flags[2] == "1");
    }

    /// <summary>Looks until something is seen; fails when it never is.</summary>
    public async Task<Screen> UntilAsync(Func<Screen, bool> isSeen, string what)
    {
        using var deadline = new CancellationTokenSource(Longest);
        while (true)
        {
            var screen = await LookAsync();
            if (isSeen(screen))
            {
                return screen;
            }

            Assert.False(deadline.IsCancellationRequested, $"never seen: {what}; what was there at last:\n{screen}");
            await Task.Delay(Interval);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await Cli.RunProgramAsync("tmux", ["-S", Socket, "kill-server"], []);
        Directory.Delete(_folder, recursive: true);
    }

    private string Socket => Path.Combine(_folder, "socket");

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);

    private async Task<RunResult> RunAsync(params string[] command)
    {
        var result = await Cli.RunProgramAsync("tmux", ["-u", "-S", Socket, "-f", "/dev/null", .. command], [("LC_ALL", "C.UTF-8")]);
        Assert.True(result.ExitCode == 0, $"tmux {string.Join(' ', command)}: {result}");
        return result;
    }
}
