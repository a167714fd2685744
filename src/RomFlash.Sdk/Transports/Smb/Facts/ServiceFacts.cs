using RomFlash.Sdk.Probing;
using RomFlash.Sdk.Transports.Smb.Rpc;
using RomFlash.Sdk.Transports.SystemPartitions;

namespace RomFlash.Sdk.Transports.Smb.Facts;

/// <summary>Whether the remote registry runs, when it does not answer.</summary>
internal static class ServiceFacts
{
    /// <summary>The service's name on Windows.</summary>
    public const string RemoteRegistry = "RemoteRegistry";

    public static async ValueTask<Fact<bool>> IsRunningAsync(ISmbConnection connection, TransportFault refusal, CancellationToken cancellationToken)
    {
        // Nobody serves the pipe: that is what a service that does not run looks like.
        if (refusal.Kind is TransportFaultKind.NotFound or TransportFaultKind.ServiceNotRunning)
        {
            return false;
        }

        var asked = await new ServiceControlClient(connection).QueryServiceAsync(RemoteRegistry, cancellationToken).ConfigureAwait(false);
        return asked.TryGetValue(out var state, out var fault)
            ? state is ServiceState.Running ? Fact<bool>.Unknown($"the service runs, and does not answer this account: {refusal.Detail}") : false
            : PartitionFaultException.IsOfTheTarget(fault) ? Fact<bool>.Unknown($"{refusal.Detail}; {fault.Detail}")
            : throw new PartitionFaultException(fault);
    }
}
