using System.CommandLine;
using RomFlash.Cli.Hosting;
using RomFlash.Sdk;

namespace RomFlash.Cli.CommandLine;

/// <summary>Options that several commands have. Values are texts; <see cref="Values"/> reads them.</summary>
internal static class SharedOptions
{
    public const string JsonName = "--json";
    public const int MostAtOnce = 1024;

    public static Option<string> Journal() => new("--journal")
    {
        Description = $"The journal. Default: {JournalFile.DefaultInWords}.",
        HelpName = "FILE",
    };

    public static Option<bool> Json() => new(JsonName) { Description = "Writes JSON, one object on a line (docs/json.md)." };

    public static Option<string> Concurrency() => new("--concurrency")
    {
        Description = $"How many targets at once, 1 to {MostAtOnce}. Default {RomFlashClient.DefaultConcurrency}.",
        HelpName = "N",
    };
}
