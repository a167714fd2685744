namespace RomFlash.Sdk.Transports.Smb;

/// <summary>A name on a share, and what lies there.</summary>
/// <param name="Name">The last part of the path. Untrusted text.</param>
/// <param name="Length">The length in bytes; 0 for a directory.</param>
/// <param name="IsDirectory">Whether it is a directory.</param>
/// <param name="IsLink">Whether it is a reparse point: a link, a mount point or anything else that stands for something elsewhere.</param>
public sealed record SmbEntry(string Name, long Length, bool IsDirectory, bool IsLink);

/// <summary>The volume behind a share (MS-FSCC, 2.5: FileFsFullSizeInformation, FileFsAttributeInformation).</summary>
/// <param name="TotalBytes">Its size in bytes, at least 0.</param>
/// <param name="FreeBytes">What this account may still use of it, in bytes, at least 0.</param>
/// <param name="FileSystem">The file system's name as the peer gives it, such as <c>FAT32</c>. Untrusted text.</param>
/// <param name="IsReadOnly">Whether the volume is read-only, or the account may not write through this share.</param>
public sealed record SmbVolume(long TotalBytes, long FreeBytes, string FileSystem, bool IsReadOnly);

/// <summary>How a connection is protected. Every connection is signed at least; one that is not is none.</summary>
/// <param name="Dialect">The dialect, such as <c>3.1.1</c>.</param>
/// <param name="Signing">The algorithm of signatures, such as <c>AES-128-GMAC</c>.</param>
/// <param name="Encryption">The cipher, such as <c>AES-128-GCM</c>; null when the connection is signed only.</param>
/// <param name="IsGuest">Whether the peer made a guest, or nobody, of the account: it has no rights then, whatever the peer lets it do.</param>
public sealed record SmbSecurity(string Dialect, string Signing, string? Encryption, bool IsGuest);
