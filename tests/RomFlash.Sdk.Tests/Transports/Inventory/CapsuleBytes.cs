using System.Buffers.Binary;
using System.Text;
using RomFlash.Sdk.Transports.Inventory;

namespace RomFlash.Sdk.Tests.Transports.Inventory;

/// <summary>Values of the variables in which firmware leaves what became of capsules, byte by byte; and such from real firmware.</summary>
internal static class CapsuleBytes
{
    public const ulong Error = 1UL << 63;
    public const ulong SecurityViolation = Error | 0x1A;
    public const ulong Aborted = Error | 0x15;
    public const int HeaderLength = 48;

    /// <summary>The name of a result, as CapsuleLast has it: without a zero behind it.</summary>
    public static byte[] Name(string name) => Encoding.Unicode.GetBytes(name);

    /// <summary>A header alone, of a capsule for firmware management when no kind is given.</summary>
    public static byte[] Header(ulong status, Guid? kind = null, DateTime? processed = null)
    {
        var bytes = new byte[HeaderLength];
        bytes[0] = HeaderLength;
        (kind ?? CapsuleResult.FirmwareManagement).TryWriteBytes(bytes.AsSpan(8));
        if (processed is { } time)
        {
            BinaryPrimitives.WriteUInt16LittleEndian(bytes.AsSpan(24), (ushort)time.Year);
            byte[] rest = [(byte)time.Month, (byte)time.Day, (byte)time.Hour, (byte)time.Minute, (byte)time.Second];
            rest.CopyTo(bytes, 26);
            BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(32), (int)(time.Ticks % TimeSpan.TicksPerSecond) * 100);
        }

        BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(40), status);
        return bytes;
    }

    /// <summary>A result that says of which image it is.</summary>
    public static byte[] OfImage(ulong status, Guid type, DateTime? processed = null, string file = "", string target = "")
    {
        byte[] bytes = [.. Header(status, processed: processed), 1, 0, 2, 3, .. type.ToByteArray(), .. Encoding.Unicode.GetBytes($"{file}\0{target}\0")];
        BinaryPrimitives.WriteInt32LittleEndian(bytes, bytes.Length);
        return bytes;
    }

    /// <summary>A value that real firmware left, from a file in this folder: the value alone, or with its attributes as Linux shows it.</summary>
    public static byte[] OfFile(string name)
    {
        var bytes = File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "Transports", "Inventory", name));
        return Unwrap(bytes);
    }

    /// <summary>The value of a result's file: in front of it the attributes may be, which are not its length.</summary>
    public static byte[] Unwrap(byte[] bytes) =>
        bytes.Length >= 8 && BinaryPrimitives.ReadInt32LittleEndian(bytes) != bytes.Length && BinaryPrimitives.ReadInt32LittleEndian(bytes.AsSpan(4)) == bytes.Length - 4 ? bytes[4..] : bytes;
}
