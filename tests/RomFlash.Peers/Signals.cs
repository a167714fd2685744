using System.Runtime.InteropServices;

namespace RomFlash.Peers;

/// <summary>Signals of signal(7), as Linux numbers them on x86 and ARM.</summary>
internal enum Signal
{
    Kill = 9,
    Continue = 18,
    Stop = 19,
}

internal static partial class Signals
{
    /// <summary>Sends a signal to one process; false when there is none of that number any more.</summary>
    public static bool Send(int process, Signal signal) => Kill(process, (int)signal) == 0;

    [LibraryImport("libc", EntryPoint = "kill")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Kill(int process, int signal);
}
