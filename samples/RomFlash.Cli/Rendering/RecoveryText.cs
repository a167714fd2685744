using System.Globalization;

namespace RomFlash.Cli.Rendering;

/// <summary>What to do about a target, for a person.</summary>
internal static class RecoveryText
{
    public static IReadOnlyList<string> Lines(TargetResult result, RecoveryResult recovery)
    {
        var lines = new List<string> { $"{ResultText.Plain(result.Target)}: {result.Outcome}; state {result.TargetState}; {ResultText.Plain(result.Message)}" };
        lines.AddRange(recovery.Flashed.Select(f => $"  flashed: {ResultText.Plain(f.Component)}, {ResultText.Plain(f.FromVersion ?? "unknown")} -> {ResultText.Plain(f.ToVersion)}, sha256 {f.Sha256}"));
        lines.AddRange(recovery.Evidence.Select(e => $"  evidence: {ResultText.Plain(e)}"));
        if (recovery.Image is { } image)
        {
            lines.Add(string.Create(CultureInfo.InvariantCulture, $"  recovery image: {ResultText.Plain(image.Name)}, {image.Length} bytes, sha256 {image.Sha256}"));
        }

        lines.AddRange(recovery.Steps.Select((s, i) => string.Create(CultureInfo.InvariantCulture, $"  {i + 1}. {ResultText.Plain(s)}")));
        return lines;
    }
}
