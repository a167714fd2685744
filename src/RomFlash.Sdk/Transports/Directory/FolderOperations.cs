using Microsoft.Win32.SafeHandles;
using RomFlash.Sdk.Files;
using RomFlash.Sdk.Transports.SystemPartitions;

namespace RomFlash.Sdk.Transports.Directory;

/// <summary>
/// The single steps that change a folder. Each is one call of the operating system, so that a test can end the client after any of them.
/// </summary>
internal interface IFolderOperations
{
    PartitionEntry Look(string path);

    IEnumerable<PartitionEntry> List(string path);

    SafeFileHandle OpenRead(string path);

    void CreateFolder(string path);

    SafeFileHandle CreateFile(string path);

    SafeFileHandle OpenWrite(string path);

    void Write(SafeFileHandle file, long offset, ReadOnlySpan<byte> bytes);

    void FlushFile(SafeFileHandle file);

    void FlushFolder(string path);

    /// <summary>Renames a file over another one, or to a new name.</summary>
    void RenameFile(string from, string to);

    /// <summary>Renames a folder to a name that is free.</summary>
    void RenameFolder(string from, string to);

    void DeleteFile(string path);

    /// <summary>Removes an empty folder.</summary>
    void DeleteFolder(string path);
}

/// <summary>The operating system's.</summary>
internal sealed class FolderOperations : IFolderOperations
{
    public PartitionEntry Look(string path)
    {
        var name = Path.GetFileName(path);
        var info = new FileInfo(path);
        return info.Exists ? Describe(info)
            : new DirectoryInfo(path) is { Exists: true } folder ? Describe(folder)

            // A link to nowhere exists for nobody but lstat.
            : info.LinkTarget is not null ? new(name, PartitionEntryKind.Link, 0)
            : new(name, PartitionEntryKind.None, 0);
    }

    public IEnumerable<PartitionEntry> List(string path)
    {
        foreach (var info in new DirectoryInfo(path).EnumerateFileSystemInfos("*", new EnumerationOptions { AttributesToSkip = 0, IgnoreInaccessible = false }))
        {
            PartitionEntry entry;
            try
            {
                entry = Describe(info);
            }
            catch (FileNotFoundException)
            {
                // Renamed or removed by another client since the folder was read.
                continue;
            }

            yield return entry;
        }
    }

    public SafeFileHandle OpenRead(string path) => File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);

    public void CreateFolder(string path) => System.IO.Directory.CreateDirectory(path);

    public SafeFileHandle CreateFile(string path) => File.OpenHandle(path, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete);

    public SafeFileHandle OpenWrite(string path) => File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete);

    public void Write(SafeFileHandle file, long offset, ReadOnlySpan<byte> bytes) => RandomAccess.Write(file, bytes, offset);

    public void FlushFile(SafeFileHandle file) => RandomAccess.FlushToDisk(file);

    public void FlushFolder(string path) => DirectoryDurability.Flush(path);

    public void RenameFile(string from, string to) => File.Move(from, to, overwrite: true);

    public void RenameFolder(string from, string to) => System.IO.Directory.Move(from, to);

    public void DeleteFile(string path)
    {
        // A link to a folder is removed as a folder on Windows, and as a file elsewhere.
        if (OperatingSystem.IsWindows() && System.IO.Directory.Exists(path))
        {
            System.IO.Directory.Delete(path, recursive: false);
            return;
        }

        File.Delete(path);
    }

    public void DeleteFolder(string path) => System.IO.Directory.Delete(path, recursive: false);

    private static PartitionEntry Describe(FileSystemInfo info) => info switch
    {
        { LinkTarget: not null } => new(info.Name, PartitionEntryKind.Link, 0),
        DirectoryInfo => new(info.Name, PartitionEntryKind.Folder, 0),
        FileInfo file => new(info.Name, PartitionEntryKind.File, file.Length),
        _ => new(info.Name, PartitionEntryKind.None, 0),
    };
}
