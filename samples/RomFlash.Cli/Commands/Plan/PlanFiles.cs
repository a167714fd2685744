using RomFlash.Cli.Rendering;
using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Planning;

namespace RomFlash.Cli.Commands.Plan;

/// <summary>Shows plans and writes them.</summary>
internal static class PlanFiles
{
    public static void Show(Terminal terminal, FlashPlan plan, bool isJson)
    {
        foreach (var line in isJson ? plan.Targets.Select(t => RomFlashJson.Line(PlanResult.Of(plan, t))) : PlanText.Lines(plan))
        {
            terminal.Out.WriteLine(line);
        }
    }

    /// <summary>Writes a plan as a whole or not at all. One that is there already may be the one that somebody approved.</summary>
    public static FlashFailure? Write(string path, FlashPlan plan, bool mayReplace)
    {
        try
        {
            if (!mayReplace && File.Exists(path))
            {
                return new InvalidParameter { Parameter = "--out", Detail = $"--out: {path} is there already; --force replaces it" };
            }

            // Beside the file, so that the rename stays on one volume.
            var beside = $"{path}.{Guid.NewGuid():N}.part";
            try
            {
                File.WriteAllBytes(beside, plan.ToJson());
                File.Move(beside, path, overwrite: mayReplace);
            }
            finally
            {
                File.Delete(beside);
            }

            return null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            return new InvalidParameter { Parameter = "--out", Detail = $"--out: {e.Message}" };
        }
    }
}
