using RomFlash.Cli.Hosting;
using RomFlash.Cli.Rendering;
using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Planning;

namespace RomFlash.Cli.Commands.Plan;

/// <summary>Shows plans and writes them.</summary>
internal static class PlanFiles
{
    /// <summary>The option that says where a plan goes.</summary>
    public const string OutOption = "--out";

    public static void Show(Terminal terminal, FlashPlan plan, bool isJson)
    {
        foreach (var line in isJson ? plan.Targets.Select(t => RomFlashJson.Line(PlanResult.Of(plan, t))) : PlanText.Lines(plan))
        {
            terminal.Out.WriteLine(line);
        }
    }

    /// <summary>Writes a plan as a whole or not at all. One that is there already may be the one that somebody approved.</summary>
    public static FlashFailure? Write(string path, FlashPlan plan, bool mayReplace) =>
        OutputFile.TryWrite(OutOption, path, plan.ToJson(), mayReplace, out var failure) ? null : failure;
}
