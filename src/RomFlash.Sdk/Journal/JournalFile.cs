using Microsoft.Win32.SafeHandles;

namespace RomFlash.Sdk.Journal;

/// <summary>What the journal needs of a file. The seam at which tests watch flushes and break disks.</summary>
internal interface IJournalFile : IDisposable
{
    long Length { get; }

    int Read(long offset, Span<byte> buffer);

    void Write(long offset, ReadOnlySpan<byte> bytes);

    /// <summary>Returns when everything that was written before is on the disk.</summary>
    void Flush();

    void Truncate(long length);
}

/// <summary>A file of the operating system.</summary>
internal sealed class JournalFile(SafeFileHandle handle) : IJournalFile
{
    public long Length => RandomAccess.GetLength(handle);

    public int Read(long offset, Span<byte> buffer)
    {
        var done = 0;
        while (done < buffer.Length && RandomAccess.Read(handle, buffer[done..], offset + done) is > 0 and var count)
        {
            done += count;
        }

        return done;
    }

    public void Write(long offset, ReadOnlySpan<byte> bytes) => RandomAccess.Write(handle, bytes, offset);

    public void Flush() => RandomAccess.FlushToDisk(handle);

    public void Truncate(long length) => RandomAccess.SetLength(handle, length);

    public void Dispose() => handle.Dispose();
}
