using System.Text;

namespace RomFlash.Cli.CommandLine;

/// <summary>The help of the program as a whole. Written without the parser, which takes longer to load than this takes to be read.</summary>
internal static class RootHelp
{
    public const string Description = "Upgrades the ROMs of remote servers: prepares online, flashes at the next boot, and confirms what really happened.";

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

        to.Write(text.Append('\n').ToString().ReplaceLineEndings());
    }
}
