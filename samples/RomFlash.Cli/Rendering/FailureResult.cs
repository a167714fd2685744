using System.Collections.Immutable;
using RomFlash.Sdk.Confirmation;
using RomFlash.Sdk.Outcomes;

namespace RomFlash.Cli.Rendering;

/// <summary>A place in a document and what is wrong there, as it is written.</summary>
internal sealed record ProblemResult(int Line, int Column, string Message);

/// <summary>A failure that is about no target, or about all: it has the fields of a target's result, and <see cref="Target"/> is null.</summary>
internal sealed record FailureResult
{
    public string? Target { get; init; }

    public required string Outcome { get; init; }

    public required string Code { get; init; }

    public required string Stage { get; init; }

    public required string TargetState { get; init; }

    public required string Message { get; init; }

    public required string Cause { get; init; }

    public required string Remedy { get; init; }

    public string? FromVersion { get; init; }

    public string? ToVersion { get; init; }

    public string Verification { get; init; } = "None";

    public ImmutableArray<ProblemResult> Problems { get; init; } = [];

    public static FailureResult Of(FlashFailure failure) => new()
    {
        Outcome = FlashOutcome.KindOf(failure).ToString(),
        Code = failure.Code,
        Stage = failure.Stage.ToString(),
        TargetState = failure.TargetState.ToString(),
        Message = failure.Message,
        Cause = failure.Cause,
        Remedy = failure.Remedy,
        Problems = [.. FailureText.Problems(failure).Select(p => new ProblemResult(p.Line, p.Column, p.Message))],
    };
}
