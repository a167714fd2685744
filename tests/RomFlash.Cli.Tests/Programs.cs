using System.CommandLine;
using RomFlash.Cli.CommandLine;
using RomFlash.Cli.Rendering;

namespace RomFlash.Cli.Tests;

/// <summary>The commands as the parser knows them, and runs of them within this process: for what is to hold for all of them.</summary>
internal static class Programs
{
    /// <summary>Every command that does something itself, with its subcommands: "plan", "plan show".</summary>
    public static IEnumerable<(string Path, Command Command)> Commands()
    {
        var terminal = new Terminal(TextWriter.Null, TextWriter.Null, isRich: false, canAsk: false);
        return CommandTable.All.SelectMany(e => Below(e.Name, e.Create(terminal))).Where(c => c.Command.Action is not null && c.Command is CliCommand && (c.Command.Subcommands.Count == 0 || c.Command.Options.Count > 1));
    }

    public static async Task<RunResult> RunAsync(params string[] arguments)
    {
        using StringWriter output = new(), error = new();
        var exitCode = await RomFlashCommandLine.RunAsync(arguments, new Terminal(output, error, isRich: false, canAsk: false), CancellationToken.None);
        return new(exitCode, output.ToString(), error.ToString());
    }

    private static IEnumerable<(string Path, Command Command)> Below(string path, Command command) =>
        command.Subcommands.SelectMany(s => Below($"{path} {s.Name}", s)).Prepend((path, command));
}
