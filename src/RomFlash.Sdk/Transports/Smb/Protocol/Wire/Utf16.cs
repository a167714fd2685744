using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace RomFlash.Sdk.Transports.Smb.Protocol.Wire;

/// <summary>Names on the wire: UTF-16, little-endian, as they are. A name with half of a surrogate pair stays that name, where an encoding would make another one of it.</summary>
internal static class Utf16
{
    /// <summary>Writes a text.</summary>
    /// <returns>How many bytes that took.</returns>
    public static int Write(ReadOnlySpan<char> text, Span<byte> to)
    {
        MemoryMarshal.AsBytes(text).CopyTo(to);
        Turn(to[..(text.Length * 2)]);
        return text.Length * 2;
    }

    /// <summary>Reads a text; of an odd last byte nothing is made.</summary>
    public static string Read(ReadOnlySpan<byte> bytes) => string.Create(bytes.Length / 2, bytes, static (text, bytes) =>
    {
        var to = MemoryMarshal.AsBytes(text);
        bytes[..to.Length].CopyTo(to);
        Turn(to);
    });

    private static void Turn(Span<byte> bytes)
    {
        if (!BitConverter.IsLittleEndian)
        {
            var units = MemoryMarshal.Cast<byte, ushort>(bytes);
            BinaryPrimitives.ReverseEndianness(units, units);
        }
    }
}
