using RomFlash.Sdk.Transports.Smb.Rpc;
using RomFlash.Sdk.Transports.SystemPartitions;

namespace RomFlash.Sdk.Transports.Smb.Facts;

/// <summary>
/// Whether the firmware takes any capsule file without OsIndications. Nothing in Windows tells that; whoever knows it of a model writes it into the registry of its machines, where administrators
/// alone can.
/// </summary>
internal static class ArmingFacts
{
    public const string Place = @"HKLM\" + Path + @", value " + Name + ": " + FileOnly;

    private const string Path = @"SOFTWARE\RomFlash.Sdk";
    private const string Name = "Arming";
    private const string FileOnly = "capsule-file-only";

    public static async ValueTask<bool> TakesCapsuleFilesAsync(ISmbConnection connection, CancellationToken cancellationToken)
    {
        if (!(await RegistryClient.OpenAsync(connection, cancellationToken).ConfigureAwait(false)).TryGetValue(out var registry, out var fault))
        {
            return PartitionFaultException.IsOfTheTarget(fault) ? false : throw new PartitionFaultException(fault);
        }

        await using (registry.ConfigureAwait(false))
        {
            var reader = new RegistryReader(registry, cancellationToken);
            if (await reader.OpenAsync(Path).ConfigureAwait(false) is not { } key)
            {
                return false;
            }

            await using (key.ConfigureAwait(false))
            {
                return (await reader.ReadTextsAsync(key, Name).ConfigureAwait(false)).Contains(FileOnly, StringComparer.Ordinal);
            }
        }
    }
}
