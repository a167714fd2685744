namespace RomFlash.Sdk.Transports.Smb;

/// <summary>What an open file is for (MS-SMB2, 2.2.13.1: the generic meaning, not the bits).</summary>
[Flags]
public enum SmbAccess
{
    /// <summary>Attributes alone.</summary>
    None = 0,

    /// <summary>Read its content, or list a directory.</summary>
    Read = 1,

    /// <summary>Write its content, or add names to a directory.</summary>
    Write = 2,

    /// <summary>Delete or rename it.</summary>
    Delete = 4,
}

/// <summary>What others may do with a file meanwhile (MS-SMB2, 2.2.13, ShareAccess).</summary>
[Flags]
public enum SmbSharing
{
    /// <summary>Nobody else opens it.</summary>
    None = 0,

    /// <summary>Others may read.</summary>
    Read = 1,

    /// <summary>Others may write.</summary>
    Write = 2,

    /// <summary>Others may delete or rename.</summary>
    Delete = 4,

    /// <summary>Others may do anything.</summary>
    All = Read | Write | Delete,
}

/// <summary>What happens when the name is there, or is not (MS-SMB2, 2.2.13, CreateDisposition).</summary>
public enum SmbDisposition
{
    /// <summary>It has to be there.</summary>
    Open = 0,

    /// <summary>It must not be there: created, or <see cref="TransportFaultKind.AlreadyExists"/>.</summary>
    Create,

    /// <summary>Opened, or created.</summary>
    OpenOrCreate,
}

/// <summary>What has to lie under the name.</summary>
public enum SmbNodeKind
{
    /// <summary>A file or a directory.</summary>
    Any = 0,

    /// <summary>A file; a directory is <see cref="TransportFaultKind.NotFound"/>.</summary>
    File,

    /// <summary>A directory; a file is <see cref="TransportFaultKind.NotFound"/>.</summary>
    Directory,
}

/// <summary>How to open a file.</summary>
/// <param name="Access">What for.</param>
/// <param name="Sharing">What others may do meanwhile.</param>
/// <param name="Disposition">What happens when it is there, or is not.</param>
/// <param name="Kind">What it has to be.</param>
public sealed record SmbOpen(SmbAccess Access, SmbSharing Sharing = SmbSharing.All, SmbDisposition Disposition = SmbDisposition.Open, SmbNodeKind Kind = SmbNodeKind.Any);
