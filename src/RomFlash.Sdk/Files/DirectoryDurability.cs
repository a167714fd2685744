using System.Runtime.InteropServices;
using System.Text;

namespace RomFlash.Sdk.Files;

/// <summary>Makes names durable: a file that was created, renamed or removed is so after a power cut only when its directory was flushed too.</summary>
internal static class DirectoryDurability
{
    private const int ReadOnlyFlag = 0;
    private const int InvalidArgument = 22;

    /// <summary>Flushes a directory (fsync(2) on it). Windows has no such call, and needs none: its file systems log names.</summary>
    /// <param name="path">The directory.</param>
    /// <exception cref="IOException">The directory can't be opened or flushed; the HResult is the errno.</exception>
    public static void Flush(string path)
    {
        if (OperatingSystem.IsWindows())
        {
            return;
        }

        var descriptor = Open(NullTerminated(path), ReadOnlyFlag);
        if (descriptor < 0)
        {
            throw Failed("opened", Marshal.GetLastPInvokeError());
        }

        var error = Fsync(descriptor) == 0 ? 0 : Marshal.GetLastPInvokeError();
        _ = Close(descriptor);

        // EINVAL: this file system has no fsync for directories, and so none that could be waited for.
        if (error is not (0 or InvalidArgument))
        {
            throw Failed("flushed", error);
        }
    }

    private static IOException Failed(string what, int error) => new($"a directory can't be {what}: {Marshal.GetPInvokeErrorMessage(error)}", error);

    private static byte[] NullTerminated(string path) => [.. Encoding.UTF8.GetBytes(path), 0];

    [DllImport("libc", EntryPoint = "open", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Open(byte[] path, int flags);

    [DllImport("libc", EntryPoint = "fsync", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Fsync(int descriptor);

    [DllImport("libc", EntryPoint = "close", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Close(int descriptor);
}
