using RomFlash.Cli.Rendering;
using RomFlash.Sdk.Outcomes;

namespace RomFlash.Cli.Commands;

/// <summary>What a command has to say on one target.</summary>
/// <param name="Result">For JSON and for the table.</param>
/// <param name="Code">The exit code that it means.</param>
/// <param name="Failure">The failure, for the error stream, or null.</param>
/// <param name="Lines">For a person, where it is more than a row; null for the usual form.</param>
internal sealed record TargetEnd(TargetResult Result, int Code, FlashFailure? Failure = null, IReadOnlyList<string>? Lines = null)
{
    public static TargetEnd Of(string target, FlashFailure failure) => new(TargetResult.Of(target, failure), ExitCode.Of(failure), failure);
}
