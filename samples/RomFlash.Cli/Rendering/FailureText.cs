using System.Collections.Immutable;
using RomFlash.Sdk.Outcomes;

namespace RomFlash.Cli.Rendering;

/// <summary>A failure for a person, on the error stream: code, message, cause, remedy.</summary>
internal static class FailureText
{
    public static void Write(Terminal terminal, FlashFailure failure)
    {
        // One call, so that the lines of two failures never mix.
        var problems = Problems(failure);
        var lines = new List<string> { $"romflash: {failure.Code} {(problems.Length > 1 ? Head(failure, problems[0]) : failure.Message)}" };
        if (problems.Length > 1)
        {
            lines.AddRange(problems.Select(p => $"  at:     {UntrustedText.ForTerminal(p.ToString())}"));
        }

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

    /// <summary>The problems of a document that can't be used; empty for other failures.</summary>
    public static ImmutableArray<DocumentProblem> Problems(FlashFailure failure) => failure switch
    {
        TargetsFileUnusable unusable => unusable.Problems,
        PlanUnusable unusable => unusable.Problems,
        CatalogUnusable unusable => unusable.Problems,
        _ => [],
    };

    // The detail names the document and then all problems, which get a line each instead.
    private static string Head(FlashFailure failure, DocumentProblem first)
    {
        var end = failure.Detail.IndexOf(first.ToString(), StringComparison.Ordinal);
        return end < 0 ? failure.Message : $"{failure.Descriptor.Title}: {UntrustedText.ForTerminal(failure.Detail[..end].TrimEnd(' ', ':'))}";
    }
}
