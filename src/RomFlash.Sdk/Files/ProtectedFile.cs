using System.Buffers.Binary;
using System.Globalization;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Outcomes;

namespace RomFlash.Sdk.Files;

/// <summary>Reads a file that nobody but its owner can read, and refuses others. No message names the path.</summary>
internal static class ProtectedFile
{
    // statx(2) on an open descriptor; the layout is the same on every architecture.
    private const int EmptyPath = 0x1000;
    private const uint TypeModeAndOwner = 1 | 2 | 8;
    private const int StructureSize = 256;
    private const int OwnerOffset = 20;
    private const int ModeOffset = 28;
    private const int RegularFile = 0x8000;
    private const int TypeBits = 0xF000;
    private const int GroupAndOthers = 0x3F;

    /// <summary>Opens, looks at what was opened, and reads it.</summary>
    /// <returns>The content, to be wiped by the caller; <see cref="SecretUnprotected"/> or <see cref="CredentialsUnavailable"/>.</returns>
    public static async Task<FlashResult<byte[]>> ReadAsync(string path, int maxLength, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        try
        {
            // To open a pipe would wait for a writer; whether the file is the right one is decided below, on the handle.
            if (FileKind.WhyNotRegular(path) is { } why)
            {
                return new CredentialsUnavailable { Detail = why };
            }

            using var handle = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.Read, FileOptions.Asynchronous);
            if (WhyUnprotected(handle) is { } unprotected)
            {
                return new SecretUnprotected { Detail = unprotected };
            }

            var length = RandomAccess.GetLength(handle);
            if (length > maxLength)
            {
                return new CredentialsUnavailable { Detail = string.Create(CultureInfo.InvariantCulture, $"the file is larger than {maxLength} bytes") };
            }

            var content = GC.AllocateUninitializedArray<byte>((int)length, pinned: true);
            var count = 0;
            while (count < content.Length && await RandomAccess.ReadAsync(handle, content.AsMemory(count), count, cancellationToken).ConfigureAwait(false) is > 0 and var read)
            {
                count += read;
            }

            if (count == content.Length)
            {
                return content;
            }

            Array.Clear(content);
            return new CredentialsUnavailable { Detail = "the file changed while it was read" };
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return new CredentialsUnavailable { Detail = "there is no such file" };
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            return new CredentialsUnavailable { Detail = "the file can't be read", PeerCode = new PeerCode(PeerCode.HResult, unchecked((uint)e.HResult)) };
        }
    }

    private static string? WhyUnprotected(SafeFileHandle handle)
    {
        const string CantTell = "who can read the file can't be told on this platform";
        if (!OperatingSystem.IsLinux())
        {
            return CantTell;
        }

        var result = new byte[StructureSize];
        try
        {
            if (Statx(handle, [0], EmptyPath, TypeModeAndOwner, result) != 0)
            {
                return CantTell;
            }

            var native = BitConverter.IsLittleEndian;
            var mode = native ? BinaryPrimitives.ReadUInt16LittleEndian(result.AsSpan(ModeOffset)) : BinaryPrimitives.ReadUInt16BigEndian(result.AsSpan(ModeOffset));
            var owner = native ? BinaryPrimitives.ReadUInt32LittleEndian(result.AsSpan(OwnerOffset)) : BinaryPrimitives.ReadUInt32BigEndian(result.AsSpan(OwnerOffset));
            return (mode & TypeBits) != RegularFile ? "it is no regular file"
                : owner != 0 && owner != EffectiveUser() ? "the file belongs to somebody else"
                : (mode & GroupAndOthers) != 0 ? $"group or others have rights on the file (mode {Convert.ToString(mode & 0x1FF, 8).PadLeft(4, '0')})"
                : null;
        }
        catch (Exception e) when (e is EntryPointNotFoundException or DllNotFoundException)
        {
            return CantTell;
        }
    }

    [DllImport("libc", EntryPoint = "statx")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Statx(SafeFileHandle descriptor, byte[] path, int flags, uint mask, byte[] result);

    [DllImport("libc", EntryPoint = "geteuid")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern uint EffectiveUser();
}
