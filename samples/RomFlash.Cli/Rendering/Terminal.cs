using RomFlash.Cli.Rendering.Live;
using Spectre.Console;

namespace RomFlash.Cli.Rendering;

/// <summary>
/// Where output goes. Tables and the live view are for a person at a terminal, without colours where NO_COLOR says so; a pipe, or a terminal
/// that can do nothing (TERM=dumb), gets plain lines without any control character.
/// </summary>
internal sealed class Terminal
{
    private const int UsualColumns = 80;
    private const int UsualRows = 24;

    private readonly TextWriter _screen;
    private readonly HeldOutput? _held;
    private readonly Lock _lock = new();
    private bool _isOnScreen;

    public Terminal(TextWriter output, TextWriter error, bool isRich, bool canAsk, bool hasColour = false)
    {
        _screen = output;
        _held = isRich ? new HeldOutput() : null;
        Out = _held is null ? output : new HeldWriter(output, _held);
        Error = _held is null ? error : new HeldWriter(error, _held);
        IsRich = isRich;
        CanAsk = canAsk;
        HasColour = isRich && hasColour;
    }

    public TextWriter Out { get; }

    public TextWriter Error { get; }

    /// <summary>Whether tables and the live view can be shown.</summary>
    public bool IsRich { get; }

    public bool HasColour { get; }

    /// <summary>Whether somebody can be asked.</summary>
    public bool CanAsk { get; }

    /// <summary>What Ctrl-C means at the moment.</summary>
    public StopNotice Stopping { get; } = new();

    /// <summary>How many columns and rows there are now.</summary>
    public static (int Columns, int Rows) Size
    {
        get
        {
            try
            {
                var (columns, rows) = (Console.WindowWidth, Console.WindowHeight);
                return (columns > 0 ? columns : UsualColumns, rows > 0 ? rows : UsualRows);
            }
            catch (Exception e) when (e is IOException or PlatformNotSupportedException)
            {
                return (UsualColumns, UsualRows);
            }
        }
    }

    public static Terminal OfProcess()
    {
        var isDumb = !OperatingSystem.IsWindows() && Environment.GetEnvironmentVariable("TERM") is null or "" or "dumb";
        var hasColour = string.IsNullOrEmpty(Environment.GetEnvironmentVariable("NO_COLOR"));
        return new(Console.Out, Console.Error, !isDumb && !Console.IsOutputRedirected, !Console.IsInputRedirected && !Console.IsErrorRedirected, hasColour);
    }

    public void Write(Table table)
    {
        var console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Out = new AnsiConsoleOutput(Out),
            Interactive = InteractionSupport.No,
            ColorSystem = HasColour ? ColorSystemSupport.Detect : ColorSystemSupport.NoColors,
        });
        console.Profile.Width = Size.Columns;
        console.Write(table);
    }

    /// <summary>Begins to show a live view. What is written to <see cref="Out"/> and <see cref="Error"/> is held back until it ends.</summary>
    public void EnterScreen()
    {
        lock (_lock)
        {
            _held?.Hold();
            _isOnScreen = true;
            _screen.Write(Ansi.Enter);
            _screen.Flush();
        }
    }

    /// <summary>Shows a picture, unless the live view has ended.</summary>
    public void Draw(string frame)
    {
        lock (_lock)
        {
            if (_isOnScreen)
            {
                _screen.Write(frame);
                _screen.Flush();
            }
        }
    }

    /// <summary>Ends the live view, if there is one: the terminal is as it was before, and what was held back is written.</summary>
    public void LeaveScreen()
    {
        lock (_lock)
        {
            if (_isOnScreen)
            {
                _isOnScreen = false;
                _screen.Write(Ansi.Leave);
                _screen.Flush();
                _held?.Release();
            }
        }
    }
}
