using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Pipeline;

namespace RomFlash.Sdk.Probing;

/// <summary>Reads what a target is, and what it can do. Writes nothing.</summary>
/// <remarks>Thread-safe: one instance serves many targets at once.</remarks>
public interface ITargetProbe
{
    /// <summary>Reads facts.</summary>
    /// <param name="context">The target and the connection to it.</param>
    /// <param name="kinds">Which facts are needed.</param>
    /// <param name="cancellationToken">Cancelled by the caller.</param>
    /// <returns>What was found, or why the target could not be read at all.</returns>
    ValueTask<FlashResult<ProbeEvidence>> ProbeAsync(StageContext context, FactKinds kinds, CancellationToken cancellationToken);
}
