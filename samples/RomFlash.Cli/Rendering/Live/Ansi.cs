using System.Globalization;

namespace RomFlash.Cli.Rendering.Live;

/// <summary>The control sequences in use (ECMA-48, and the private modes of xterm that all terminals of today have).</summary>
internal static class Ansi
{
    public const string Clear = "\u001b[2J";
    public const string EraseLine = "\u001b[K";
    public const string Reset = "\u001b[0m";

    /// <summary>The second screen, without a cursor, and without wrapping what is too long.</summary>
    public const string Enter = "\u001b[?1049h\u001b[?25l\u001b[?7l" + Clear;

    public const string Leave = Reset + "\u001b[?7h\u001b[?25h\u001b[?1049l";

    public static string Line(int line) => string.Create(CultureInfo.InvariantCulture, $"\u001b[{line};1H");

    public static string Column(int column) => string.Create(CultureInfo.InvariantCulture, $"\u001b[{column}G");

    public static string Colour(int code) => string.Create(CultureInfo.InvariantCulture, $"\u001b[{code}m");
}
