using System.Text;

namespace RomFlash.Cli.CommandLine;

/// <summary>The help of the program as a whole. Written without the parser, which takes longer to load than this takes to be read.</summary>
internal static class RootHelp
{
    public const string Description = "Upgrades the ROMs of remote servers: prepares online, flashes at the next boot, and confirms what really happened.";

    /// <summary>An upgrade from the first look to the last, as it is typed.</summary>
    public static IReadOnlyList<(string Arguments, string Meaning)> Examples { get; } =
    [
        ("demo", "watch a simulated rack"),
        ("validate --image new.cap", "is the image whole?"),
        ("probe --target dir:/mnt/esp", "what is the target?"),
        ("flash --image new.cap --catalog catalog.json --target dir:/mnt/esp --dry-run", "what would happen?"),
        ("flash --image new.cap --catalog catalog.json --target dir:/mnt/esp", "prepare and arm it"),
        ("confirm --target dir:/mnt/esp", "after its boot: what has happened?"),
    ];

    /// <summary>Whether the whole command line asks for help; help about a command is the parser's.</summary>
    public static bool IsAskedFor(string[] args) => args is ["--help" or "-h" or "-?" or "/?" or "/h"];

    public static void Write(TextWriter to)
    {
        var text = new StringBuilder();
        text.Append(
            $"""
            Description:
              {Description}

            Usage:
              romflash COMMAND [options]

            Options:
              -?, -h, --help  Shows this; behind a command, what the command does
              --version       Shows the version

            Commands:

            """);
        foreach (var command in CommandTable.All)
        {
            text.Append("  ").Append(command.Name.PadRight(12)).Append(command.Summary).Append('\n');
        }

        text.Append("\nExamples:\n");
        foreach (var (arguments, meaning) in Examples)
        {
            text.Append("  # ").Append(meaning).Append("\n  romflash ").Append(arguments).Append('\n');
        }

        to.Write(text.Append('\n').ToString().ReplaceLineEndings());
    }
}
