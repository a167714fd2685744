using RomFlash.Sdk.Transports.Ssh.Reading;
using RomFlash.Sdk.Transports.SystemPartitions;

namespace RomFlash.Sdk.Transports.Ssh.Facts;

/// <summary>
/// Whether the firmware takes any capsule file without OsIndications. Nothing in Linux tells that; whoever knows it of a model writes it into a file of its machines. It counts when root alone can
/// have written it.
/// </summary>
internal static class ArmingFacts
{
    public const string Place = Path + ": " + FileOnly;

    private const string Path = ReadingScript.ToldFolder + "/arming";
    private const string FileOnly = "capsule-file-only";

    /// <exception cref="PartitionFaultException">The target can't be asked.</exception>
    public static async ValueTask<bool> TakesCapsuleFilesAsync(IRemoteScripts scripts, CancellationToken cancellationToken) =>
        (await ReadingScript.RunAsync(scripts, [$"t \"$R\"{Path} \"$R\"{ReadingScript.ToldFolder}"], cancellationToken).ConfigureAwait(false)).Told(Path) == FileOnly;
}
