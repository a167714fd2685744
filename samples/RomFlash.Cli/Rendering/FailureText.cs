using RomFlash.Sdk.Outcomes;

namespace RomFlash.Cli.Rendering;

/// <summary>A failure for a person, on the error stream: code, message, cause, remedy.</summary>
internal static class FailureText
{
    public static void Write(Terminal terminal, FlashFailure failure)
    {
        // One call, so that the lines of two failures never mix.
        var lines = new List<string> { $"romflash: {failure.Code} {failure.Message}" };
        if (failure.TargetId.Length > 0)
        {
            lines.Add($"  target: {UntrustedText.ForTerminal(failure.TargetId)}, {failure.TargetState}, at {failure.Stage}");
        }

        if (failure.PeerCode is { } code)
        {
            lines.Add($"  peer:   {UntrustedText.ForTerminal(code.ToString())}");
        }

        lines.AddRange(failure.Leftovers.Select(l => $"  left:   {UntrustedText.ForTerminal(l)}"));
        lines.Add($"  cause:  {failure.Cause}");
        lines.Add($"  remedy: {failure.Remedy}");
        terminal.Error.WriteLine(string.Join(Environment.NewLine, lines));
    }
}
