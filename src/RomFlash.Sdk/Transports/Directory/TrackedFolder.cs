using Microsoft.Win32.SafeHandles;

namespace RomFlash.Sdk.Transports.Directory;

/// <summary>Passes steps on, and remembers whether one of them changed the folder or may have: that is the effect of a fault.</summary>
internal sealed class TrackedFolder(IFolderOperations inner) : IFolderOperations
{
    public bool IsChanged { get; private set; }

    public FolderEntry Look(string path) => inner.Look(path);

    public IEnumerable<FolderEntry> List(string path) => inner.List(path);

    public SafeFileHandle OpenRead(string path) => inner.OpenRead(path);

    public void CreateFolder(string path) => Change(() => inner.CreateFolder(path));

    public SafeFileHandle CreateFile(string path)
    {
        SafeFileHandle? file = null;
        Change(() => file = inner.CreateFile(path));
        return file!;
    }

    public void Write(SafeFileHandle file, long offset, ReadOnlySpan<byte> bytes)
    {
        // A write that fails may have written a part.
        IsChanged = true;
        inner.Write(file, offset, bytes);
    }

    public void FlushFile(SafeFileHandle file) => inner.FlushFile(file);

    public void FlushFolder(string path) => inner.FlushFolder(path);

    public void RenameFile(string from, string to) => Change(() => inner.RenameFile(from, to));

    public void RenameFolder(string from, string to) => Change(() => inner.RenameFolder(from, to));

    public void DeleteFile(string path) => Change(() => inner.DeleteFile(path));

    public void DeleteFolder(string path) => Change(() => inner.DeleteFolder(path));

    private void Change(Action step)
    {
        try
        {
            step();
        }
        catch (Exception e) when (FolderFault.From(e, false).Kind is TransportFaultKind.Lost or TransportFaultKind.TimedOut or TransportFaultKind.Unmapped or TransportFaultKind.TransportBroken)
        {
            // Only a plain refusal says that nothing was done.
            IsChanged = true;
            throw;
        }

        IsChanged = true;
    }
}
