using RomFlash.Cli.Commands;
using RomFlash.Cli.Commands.Plan;
using RomFlash.Cli.Rendering;

namespace RomFlash.Cli.CommandLine;

/// <summary>A command of the program, before it is built: building one costs time, and of all of them only one is wanted.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Summary">What it does, in a sentence.</param>
/// <param name="Create">Builds it.</param>
internal sealed record CommandEntry(string Name, string Summary, Func<Terminal, CliCommand> Create);

/// <summary>The commands.</summary>
internal static class CommandTable
{
    public static IReadOnlyList<CommandEntry> All { get; } =
    [
        new("demo", "Upgrades a simulated rack, in simulated time, and compares each outcome with what was staged. Touches nothing real.", static t => new DemoCommand(t)),
        new("validate", "Checks that ROM images are whole, and says what they are for. Contacts nobody.", static t => new ValidateCommand(t)),
        new("probe", "Reads what targets are and what they can do. Writes nothing.", static t => new ProbeCommand(t)),
        new("plan", "Decides for each target what would be done, and writes it down, to be approved by its hash and carried out as it is.", static t => new PlanCommand(t)),
        new("flash", "Upgrades targets: checks, stages, verifies, arms, restarts and confirms. Exit codes: docs/exit-codes.md.", static t => new FlashCommand(t)),
        new("confirm", "Finds out by evidence what came of flashes that waited for their boot.", static t => new ConfirmCommand(t)),
        new("cancel", "Takes back what an earlier run prepared or armed. Refused once the target boots into the flash.", static t => new CancelCommand(t)),
        new("recover", "Says, from journal and target, whether anything has to be recovered, and what to do step by step. Writes nothing.", static t => new RecoverCommand(t)),
        new("history", "Shows the journal, oldest first. Contacts nobody.", static t => new HistoryCommand(t)),
        new("completion", "Prints a script that completes commands and options in a shell. Contacts nobody.", static t => new CompletionCommand(t)),
    ];

    public static CommandEntry? Find(string name) => All.FirstOrDefault(c => c.Name == name);
}
