using RomFlash.Sdk.Confirmation;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Testing.Simulation;

namespace RomFlash.Cli.Demo;

/// <summary>One target of the demo: what it is, what goes wrong with it, and what has to come of it.</summary>
/// <param name="Staged">What was staged, in a few words.</param>
/// <param name="Target">What the target is.</param>
/// <param name="Images">What it is to be upgraded with.</param>
/// <param name="Outcome">What has to come of it.</param>
/// <param name="Code">The failure's code, or null where none may happen.</param>
internal sealed record DemoScenario(string Staged, SimulatedTargetOptions Target, IReadOnlyList<RomImage> Images, FlashOutcomeKind Outcome, string? Code = null)
{
    /// <summary>What is done to the target before the upgrade begins.</summary>
    public Action<SimulatedTarget>? Arrange { get; init; }

    public string Expected => Code is null ? Outcome.ToString() : $"{Outcome} {Code}";
}
