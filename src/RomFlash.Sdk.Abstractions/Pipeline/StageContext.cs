using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Targets;
using RomFlash.Sdk.Transports;

namespace RomFlash.Sdk.Pipeline;

/// <summary>What every stage is given: the target, the connection to it, the policy, the clock.</summary>
/// <param name="Target">The target.</param>
/// <param name="Connection">The connection, with bounded and guarded capabilities.</param>
/// <param name="Policy">What the caller allows.</param>
/// <param name="TimeProvider">The clock.</param>
/// <param name="OperationId">The id of the upgrade; journal records carry it.</param>
/// <param name="Progress">Told about progress, or null.</param>
public sealed record StageContext(
    FlashTarget Target,
    ITargetConnection Connection,
    FlashPolicy Policy,
    TimeProvider TimeProvider,
    string OperationId,
    IProgress<FlashProgress>? Progress = null)
{
    /// <summary>Reports progress, when anybody listens.</summary>
    /// <param name="stage">The step.</param>
    /// <param name="bytesDone">Bytes done.</param>
    /// <param name="bytesTotal">Bytes in all.</param>
    public void Report(FlashStage stage, long bytesDone = 0, long bytesTotal = 0)
    {
        try
        {
            Progress?.Report(new FlashProgress(Target.Id, stage, bytesDone, bytesTotal));
        }
#pragma warning disable CA1031 // A listener that throws must not decide over a target that is half prepared.
        catch (Exception)
#pragma warning restore CA1031
        {
        }
    }
}

/// <summary>A capability, and the endpoint that it was found at.</summary>
/// <typeparam name="T">The capability's interface.</typeparam>
/// <param name="Capability">The capability; every call of it is bounded by a deadline, and none throws.</param>
/// <param name="Endpoint">The endpoint.</param>
public readonly record struct ResolvedCapability<T>(T Capability, TargetEndpoint Endpoint)
    where T : class, ITargetCapability;

/// <summary>
/// The endpoints of one target, connected when they are first needed. What it gives is guarded: every call is bounded by a deadline of
/// its own, and what a transport throws comes back as <see cref="TransportFaultKind.TransportBroken"/>.
/// </summary>
public interface ITargetConnection
{
    /// <summary>Finds the first endpoint that has a capability.</summary>
    /// <typeparam name="T">The capability's interface.</typeparam>
    /// <param name="stage">The step that needs it, for the failure.</param>
    /// <param name="cancellationToken">Cancelled by the caller.</param>
    /// <returns>The capability; <see cref="CapabilityMissing"/> when no endpoint has it, or why the endpoint that may have it can't be reached.</returns>
    ValueTask<FlashResult<ResolvedCapability<T>>> GetAsync<T>(FlashStage stage, CancellationToken cancellationToken)
        where T : class, ITargetCapability;

    /// <summary>Finds every endpoint that has a capability, in order; those that can't be reached are left out.</summary>
    /// <typeparam name="T">The capability's interface.</typeparam>
    /// <param name="stage">The step that needs it, for the failure.</param>
    /// <param name="cancellationToken">Cancelled by the caller.</param>
    /// <returns>At least one; otherwise as <see cref="GetAsync"/>.</returns>
    ValueTask<FlashResult<IReadOnlyList<ResolvedCapability<T>>>> GetAllAsync<T>(FlashStage stage, CancellationToken cancellationToken)
        where T : class, ITargetCapability;

    /// <summary>Closes all sessions; the next use connects anew. Called after a fault that broke a session, and while the target boots.</summary>
    /// <returns>A task that ends when they are closed.</returns>
    ValueTask ResetAsync();
}
