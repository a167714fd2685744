namespace RomFlash.Sdk.Transports.Directory;

/// <summary>
/// Serves <c>dir:</c> addresses: a local folder is the system partition (a mounted one, or one that is being built), and a facts file
/// beside it, <c>FOLDER.facts.json</c>, tells what machine it belongs to. See docs/directory-targets.md.
/// </summary>
/// <remarks>
/// Thread-safe. Credentials are ignored: the rights are those of the process. A folder can't restart, so there is no power capability.
/// Deposits lie under <c>EFI/RomFlash</c>; arming is one rename of a whole deposit to <c>EFI/UpdateCapsule</c> (UEFI 2.10, 8.5.5).
/// </remarks>
public sealed class DirectoryTransport : ITransport
{
    private readonly IFolderOperations _operations;

    /// <summary>Creates the transport.</summary>
    public DirectoryTransport()
        : this(new FolderOperations())
    {
    }

    internal DirectoryTransport(IFolderOperations operations) => _operations = operations;

    /// <inheritdoc/>
    public string Scheme => "dir";

    /// <inheritdoc/>
    /// <returns>The session; <see cref="TransportFaultKind.NotFound"/> when there is no such folder, <see cref="TransportFaultKind.Unsupported"/> when the address names none.</returns>
    public async ValueTask<TransportResult<ITargetSession>> ConnectAsync(TransportConnectRequest request, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(request);
        if (cancellationToken.IsCancellationRequested)
        {
            return new TransportFault(TransportFaultKind.Cancelled, FaultEffect.NotSent);
        }

        if (!TryGetFolder(request.Endpoint.Address, out var folder, out var why))
        {
            return new TransportFault(TransportFaultKind.Unsupported, FaultEffect.NotSent, why);
        }

        // A folder may be on a file system that takes its time.
        return await Task.Run(() => Connect(folder), CancellationToken.None).ConfigureAwait(false);
    }

    /// <summary>Takes the folder from an address: what stands behind the scheme, percent-decoded once.</summary>
    internal static bool TryGetFolder(Uri address, out string folder, out string why)
    {
        folder = string.Empty;
        why = string.Empty;

        // From the text as it was given: Uri.LocalPath cuts at '?' and '#', and takes ".." away before symbolic links are looked at.
        var text = address.OriginalString.Trim();
        text = text[(text.IndexOf(':', StringComparison.Ordinal) + 1)..];
        if (text.AsSpan().ContainsAny('?', '#'))
        {
            why = "the path of a dir: address holds '?' or '#'; write %3F or %23";
            return false;
        }

        if (text.StartsWith("//", StringComparison.Ordinal) && !text.StartsWith("///", StringComparison.Ordinal))
        {
            why = "a dir: address names no host; write dir:/path";
            return false;
        }

        var path = Uri.UnescapeDataString(text.StartsWith("///", StringComparison.Ordinal) ? text[2..] : text);
        if (OperatingSystem.IsWindows() && path.StartsWith('/'))
        {
            path = path[1..];
        }

        if (path.Contains('\0', StringComparison.Ordinal) || !Path.IsPathFullyQualified(path))
        {
            why = "a dir: address needs an absolute path, such as dir:/mnt/esp";
            return false;
        }

        var full = Path.TrimEndingDirectorySeparator(Path.GetFullPath(path));
        if (Path.GetFileName(full).Length == 0)
        {
            why = "the root of a file system has no place beside it for a facts file";
            return false;
        }

        folder = full;
        return true;
    }

    private TransportResult<ITargetSession> Connect(string folder)
    {
        try
        {
            if (!System.IO.Directory.Exists(folder))
            {
                return new TransportFault(TransportFaultKind.NotFound, FaultEffect.NotSent, $"there is no folder {folder}");
            }

            // A folder that can't be listed is no target; better now than at the first fact.
            _ = _operations.List(folder).Any();
            return TransportResult<ITargetSession>.From(new DirectorySession(folder, _operations));
        }
        catch (Exception e)
        {
            // Whatever the operating system says becomes a fault: a transport does not throw.
            return FolderFault.From(e, isChanged: false);
        }
    }
}
