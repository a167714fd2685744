using RomFlash.Sdk.Probing;
using RomFlash.Sdk.Transports.Smb.Rpc;
using RomFlash.Sdk.Transports.SystemPartitions;

namespace RomFlash.Sdk.Transports.Smb.Facts;

/// <summary>
/// Whether the account is an administrator of the target. That it may read the registry or connect a share proves nothing: a peer can let anybody do that. Proof is a handle of the
/// service control manager that administrators alone get; a refusal there, or of <c>ADMIN$</c>, is proof of the contrary.
/// </summary>
internal static class AccountFacts
{
    private const string AdministrativeShare = "ADMIN$";

    public static async ValueTask<Fact<AccountRights>> ReadAsync(ISmbConnection connection, CancellationToken cancellationToken)
    {
        if (connection.Security.IsGuest)
        {
            return AccountRights.NotAdministrator;
        }

        var share = await connection.QueryVolumeAsync(AdministrativeShare, cancellationToken).ConfigureAwait(false);
        if (!share.TryGetValue(out _, out var refusal))
        {
            if (!PartitionFaultException.IsOfTheTarget(refusal))
            {
                throw new PartitionFaultException(refusal);
            }

            if (refusal.Kind is TransportFaultKind.AccessDenied)
            {
                return AccountRights.NotAdministrator;
            }
        }

        var asked = await new ServiceControlClient(connection).ProbeAdministratorAsync(cancellationToken).ConfigureAwait(false);
        return asked.TryGetValue(out var isAdministrator, out var fault) ? isAdministrator ? AccountRights.Administrator : AccountRights.NotAdministrator
            : PartitionFaultException.IsOfTheTarget(fault) ? Fact<AccountRights>.Unknown($"the service control manager can't be asked: {fault.Detail}{(refusal is null ? string.Empty : $"; {AdministrativeShare}: {refusal.Detail}")}")
            : throw new PartitionFaultException(fault);
    }
}
