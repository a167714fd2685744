using RomFlash.Sdk.Probing;

namespace RomFlash.Sdk.Transports;

/// <summary>Reads facts. Changes nothing on the target.</summary>
public interface IFactsCapability : ITargetCapability
{
    /// <summary>Reads what is asked for. What the target does not tell is unknown, not a fault.</summary>
    /// <param name="kinds">Which facts.</param>
    /// <param name="cancellationToken">Cancelled by the caller or at the deadline.</param>
    /// <returns>The facts, or why nothing could be read.</returns>
    ValueTask<TransportResult<TargetFacts>> ReadFactsAsync(FactKinds kinds, CancellationToken cancellationToken);
}
