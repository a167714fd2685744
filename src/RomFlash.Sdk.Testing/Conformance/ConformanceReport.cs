using System.Collections.Immutable;
using System.Text;
using RomFlash.Sdk.Outcomes;

namespace RomFlash.Sdk.Testing.Conformance;

/// <summary>How a rule went.</summary>
public enum ConformanceResult
{
    /// <summary>The rule does not hold.</summary>
    Failed = 0,

    /// <summary>The rule holds.</summary>
    Passed,

    /// <summary>The rule says nothing on this transport: it lacks the capability, or the subject lacks the hook.</summary>
    NotApplicable,
}

/// <summary>One rule, and how it went.</summary>
/// <param name="Rule">The rule's name; stable.</param>
/// <param name="Requirement">What the contract asks for.</param>
/// <param name="Result">How it went.</param>
/// <param name="Detail">What was seen instead, or why the rule does not apply; empty when it passed. Untrusted text.</param>
public sealed record ConformanceCheck(string Rule, string Requirement, ConformanceResult Result, string Detail);

/// <summary>What a run of the kit found.</summary>
/// <param name="Checks">One entry for each rule, in a fixed order.</param>
public sealed record ConformanceReport(ImmutableArray<ConformanceCheck> Checks)
{
    /// <summary>True when no rule failed, and at least one applied.</summary>
    public bool IsConformant => Checks.Any(c => c.Result == ConformanceResult.Passed) && !Checks.Any(c => c.Result == ConformanceResult.Failed);

    /// <summary>The rules that failed.</summary>
    public ImmutableArray<ConformanceCheck> Failures => [.. Checks.Where(c => c.Result == ConformanceResult.Failed)];

    /// <summary>One line for each rule.</summary>
    /// <returns>Text for a test's output, with control characters escaped.</returns>
    public override string ToString()
    {
        var text = new StringBuilder();
        foreach (var check in Checks)
        {
            text.Append(check.Result).Append("  ").Append(check.Rule);
            if (check.Detail.Length > 0)
            {
                text.Append(": ").Append(UntrustedText.ForTerminal(check.Detail));
            }

            text.Append('\n');
        }

        return text.ToString();
    }
}
