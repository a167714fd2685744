using RomFlash.Sdk.Confirmation;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Pipeline;
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

    /// <summary>What the caller allows.</summary>
    public FlashPolicy Policy { get; init; } = DemoPolicy.Default;

    /// <summary>How long the target takes for each write: what makes a transfer visible.</summary>
    public TimeSpan WriteDelay { get; init; }

    public string Expected => Code is null ? Outcome.ToString() : $"{Outcome} {Code}";
}
