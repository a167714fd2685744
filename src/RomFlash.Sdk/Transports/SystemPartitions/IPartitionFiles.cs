using RomFlash.Sdk.Images;

namespace RomFlash.Sdk.Transports.SystemPartitions;

/// <summary>What lies under a name. A link is never followed.</summary>
internal enum PartitionEntryKind
{
    None,
    File,
    Folder,
    Link,
}

/// <summary>One name in a folder.</summary>
internal readonly record struct PartitionEntry(string Name, PartitionEntryKind Kind, long Length);

/// <summary>
/// The files of a system partition, by single steps that a transport can make. Paths are relative to its root, with slashes; the empty path is the root. What fails ends
/// with a <see cref="PartitionFaultException"/> that says whether this one step may have changed something.
/// </summary>
internal interface IPartitionFiles
{
    /// <summary>How many bytes to read or write in one call, so that the transport is used well.</summary>
    int ChunkBytes { get; }

    /// <summary>Whether what <see cref="TryHoldAsync"/> gives is given back by the target when the client's connection ends.</summary>
    bool KnowsConnections { get; }

    /// <summary>The path as a person would write it.</summary>
    string Show(string path);

    ValueTask<PartitionEntry> LookAsync(string path, CancellationToken cancellationToken);

    /// <summary>Whether all of these are folders, where one request tells; false says nothing, and each is looked at then.</summary>
    ValueTask<bool> TrySeeFoldersAsync(IReadOnlyList<string> paths, CancellationToken cancellationToken) => new(false);

    /// <summary>Lists a folder; more entries than allowed end the step.</summary>
    ValueTask<IReadOnlyList<PartitionEntry>> ListAsync(string path, int maxEntries, CancellationToken cancellationToken);

    ValueTask<IPartitionFile> OpenReadAsync(string path, CancellationToken cancellationToken);

    /// <summary>Told that files will be written soon: a transport may begin with what takes time.</summary>
    void ExpectWrites()
    {
    }

    /// <summary>The SHA-256 of a file as the target computes it; null where targets don't.</summary>
    ValueTask<ContentDigest?> TryDigestAsync(string path, CancellationToken cancellationToken) => new(default(ContentDigest?));

    ValueTask CreateFolderAsync(string path, CancellationToken cancellationToken);

    /// <summary>Creates a file that must not be there.</summary>
    ValueTask<IPartitionFile> CreateFileAsync(string path, CancellationToken cancellationToken);

    /// <summary>Opens a file that is there, to write on.</summary>
    ValueTask<IPartitionFile> OpenWriteAsync(string path, CancellationToken cancellationToken);

    /// <summary>Makes names durable, where the transport can.</summary>
    ValueTask FlushFolderAsync(string path, CancellationToken cancellationToken);

    /// <summary>Renames a file over another one, or to a new name.</summary>
    ValueTask RenameFileAsync(string from, string to, CancellationToken cancellationToken);

    /// <summary>Renames a folder to a name that is free.</summary>
    ValueTask RenameFolderAsync(string from, string to, CancellationToken cancellationToken);

    ValueTask DeleteFileAsync(string path, CancellationToken cancellationToken);

    /// <summary>Removes an empty folder.</summary>
    ValueTask DeleteFolderAsync(string path, CancellationToken cancellationToken);

    /// <summary>Opens a file, made when it is not there, that nobody else can open meanwhile; waits a little while somebody has it.</summary>
    ValueTask<IAsyncDisposable> LockAsync(string path, CancellationToken cancellationToken);

    /// <summary>The same for as long as the client is connected and without waiting; null while somebody else has it. Where no connections are known, something that holds nothing.</summary>
    ValueTask<IAsyncDisposable?> TryHoldAsync(string path, CancellationToken cancellationToken);
}

/// <summary>An open file.</summary>
internal interface IPartitionFile : IAsyncDisposable
{
    /// <summary>Reads until the buffer is full or the file ends.</summary>
    ValueTask<int> ReadAsync(long offset, Memory<byte> buffer, CancellationToken cancellationToken);

    ValueTask WriteAsync(long offset, ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken);

    ValueTask FlushAsync(CancellationToken cancellationToken);
}
