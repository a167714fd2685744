using RomFlash.Sdk.Probing;

namespace RomFlash.Sdk.Transports.Ssh.Facts;

/// <summary>A folder of the target that is taken for its system partition, and what is told of the volume that it is on.</summary>
/// <param name="MountPoint">Its absolute path below the target's root, without links.</param>
/// <param name="Device">The device's numbers, as Linux writes them.</param>
/// <param name="FileSystem">The file system's name; unknown when the folder is no mount point: then it is a part of another volume.</param>
/// <param name="IsReadOnly">Whether it is mounted so that it can't be written.</param>
/// <param name="PartitionType">The partition's type in its GPT.</param>
/// <param name="PartitionUuid">The partition's own id in its GPT.</param>
internal sealed record SshVolume(string MountPoint, string Device, Fact<string> FileSystem, bool IsReadOnly, Fact<Guid> PartitionType, Fact<Guid> PartitionUuid)
{
    /// <summary>Device and number of the folder itself, as stat(1) tells them: what is mounted over it, or over a folder above, is another one. Null when stat does not tell.</summary>
    public string? FolderId { get; init; }
}
