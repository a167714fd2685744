using System.CommandLine;
using RomFlash.Cli.Hosting;

namespace RomFlash.Cli.CommandLine;

/// <summary>Options that several commands have. Values are texts; <see cref="Values"/> reads them.</summary>
internal static class SharedOptions
{
    public static Option<string> Image() => new("--image")
    {
        Description = "The ROM image.",
        HelpName = "FILE",
        Required = true,
    };

    public static Option<string[]> Images() => new("--image")
    {
        Description = "A ROM image; give it again for each further image.",
        HelpName = "FILE",
        Required = true,
        Arity = ArgumentArity.OneOrMore,
    };

    public static Option<string[]> Targets() => new("--target")
    {
        Description = "The targets, as addresses such as dir:/mnt/esp. An address that holds a user name or a password is refused.",
        HelpName = "URI",
        Required = true,
        Arity = ArgumentArity.OneOrMore,
        AllowMultipleArgumentsPerToken = true,
    };

    public static Option<string> Target() => new("--target")
    {
        Description = "The target, as an address such as dir:/mnt/esp.",
        HelpName = "URI",
        Required = true,
    };

    public static Option<string> Journal() => new("--journal")
    {
        Description = $"The journal. Default: {JournalFile.DefaultInWords}.",
        HelpName = "FILE",
    };

    public static Option<bool> Json() => new("--json") { Description = "Writes one JSON object for each target, one on a line." };
}
