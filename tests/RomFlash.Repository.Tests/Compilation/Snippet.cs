namespace RomFlash.Repository.Tests.Compilation;

/// <summary>The compiler looks into method bodies only when all declarations are right, so the two kinds can't share a call.</summary>
public enum SnippetKind
{
    /// <summary>Compiles.</summary>
    Control,

    /// <summary>Statements in a method; its errors are found while bodies are bound.</summary>
    Statements,

    /// <summary>Types; their errors are found before any body is looked at.</summary>
    Types,
}

/// <summary>A piece of a caller's code, and the errors that the compiler must give for it.</summary>
public sealed record Snippet(string Name, SnippetKind Kind, string Code, params string[] Errors)
{
    private const string Usings = """
        using System.Collections.Immutable;
        using RomFlash.Sdk.Compatibility;
        using RomFlash.Sdk.Confirmation;
        using RomFlash.Sdk.Images;
        using RomFlash.Sdk.Journal;
        using RomFlash.Sdk.Outcomes;
        using RomFlash.Sdk.Pipeline;
        using RomFlash.Sdk.Probing;
        using RomFlash.Sdk.Scheduling;
        using RomFlash.Sdk.Staging;
        using RomFlash.Sdk.Targets;
        using RomFlash.Sdk.Transports;

        """;

    public string ToFile() => Usings + (Code.Contains("class ", StringComparison.Ordinal) || Code.Contains("record ", StringComparison.Ordinal)
        ? $"namespace {Name};\n{Code}\n"
        : $$"""
            namespace {{Name}};

            internal static class Caller
            {
                public static void Call(
                    FlashTarget target, ProbeEvidence probed, TargetReport report, IRomImageSource source, ImageEvidence read, RomImage image,
                    CompatibilityVerdict verdict, FlashPolicy policy, ApprovedUpgrade approved, StagingEvidence stagedEvidence, StagedImage staged,
                    ArmingEvidence armed, ScheduledFlash scheduled, ConfirmationEvidence confirmed, FlashFailure failure)
                {
                    {{Code}}
                }
            }

            """);

    public override string ToString() => Name;
}
