using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;

namespace RomFlash.Sdk.Images;

/// <summary>Tells regular files from what only looks like one, before anything is opened.</summary>
internal static class FileKind
{
    // statx(2): the only stat call whose structure is the same on every architecture; the runtime's own API does not tell a pipe from a file.
    private const int CurrentDirectory = -100;
    private const uint TypeMask = 1;
    private const int StructureSize = 256;
    private const int ModeOffset = 28;

    /// <summary>Says why a path is no regular file; null when it is one, is missing, or nobody can tell.</summary>
    public static string? WhyNotRegular(string path)
    {
        if (Directory.Exists(path))
        {
            return "it is a directory";
        }

        return OperatingSystem.IsLinux() ? OnLinux(path)
            : File.Exists(path) && (File.GetAttributes(path) & FileAttributes.Device) != 0 ? "it is a device"
            : null;
    }

    private static string? OnLinux(string path)
    {
        if (path.Contains('\0', StringComparison.Ordinal))
        {
            return "its name holds a null character";
        }

        var result = new byte[StructureSize];
        try
        {
            if (Statx(CurrentDirectory, Encoding.UTF8.GetBytes(path + '\0'), 0, TypeMask, result) != 0)
            {
                return null;
            }
        }
        catch (Exception e) when (e is EntryPointNotFoundException or DllNotFoundException)
        {
            return null;
        }

        return (BinaryPrimitives.ReadUInt16LittleEndian(BitConverter.IsLittleEndian ? result.AsSpan(ModeOffset) : [result[ModeOffset + 1], result[ModeOffset]]) & 0xF000) switch
        {
            0x8000 => null,
            0x4000 => "it is a directory",
            0x1000 => "it is a pipe",
            0xC000 => "it is a socket",
            0x2000 or 0x6000 => "it is a device",
            _ => "it is no regular file",
        };
    }

    [DllImport("libc", EntryPoint = "statx")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Statx(int directory, byte[] path, int flags, uint mask, byte[] result);
}
