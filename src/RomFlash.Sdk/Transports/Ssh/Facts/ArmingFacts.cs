using RomFlash.Sdk.Transports.Ssh.Firmware;
using RomFlash.Sdk.Transports.Ssh.Reading;
using RomFlash.Sdk.Transports.SystemPartitions;

namespace RomFlash.Sdk.Transports.Ssh.Facts;

/// <summary>
/// Whether the firmware takes any capsule file without OsIndications, and whether that variable can be written. Nothing in Linux tells that; whoever knows it of a model writes it into a file of its machines. It counts when root alone can
/// have written it.
/// </summary>
internal static class ArmingFacts
{
    public const string Place = Path + ": " + FileOnly;

    private const string Path = ReadingScript.ToldFolder + "/arming";
    private const string FileOnly = "capsule-file-only";

    /// <exception cref="PartitionFaultException">The target can't be asked.</exception>
    public static async ValueTask<(bool TakesCapsuleFiles, bool AreVariablesReadOnly)> ReadAsync(IRemoteScripts scripts, CancellationToken cancellationToken)
    {
        string[] parts = [$"t \"$R\"{Path} \"$R\"{ReadingScript.ToldFolder}", VolumeFacts.MountsScript];
        var readings = await ReadingScript.RunAsync(scripts, parts, cancellationToken).ConfigureAwait(false);
        return (readings.Told(Path) == FileOnly, new MountTable(readings.Lines('m')).At(EfiVariables.Folder) is { IsReadOnly: true });
    }
}
