using System.Buffers.Binary;
using System.Text;

namespace RomFlash.Sdk.Transports.Smb.Rpc;

/// <summary>
/// Reads NDR (C706, 14), little-endian, aligned to the stub's beginning. The first thing that is wrong makes the reader fail for good: everything it gives from then on is zero or
/// empty, so that <see cref="IsFailed"/> is asked once, at the end.
/// </summary>
internal ref struct NdrReader(ReadOnlySpan<byte> stub)
{
    private const int Widest = 8;

    private readonly ReadOnlySpan<byte> _stub = stub;
    private int _position;

    public bool IsFailed { get; private set; }

    /// <summary>Whether all was well, and nothing is left but padding.</summary>
    public readonly bool IsAtEnd => !IsFailed && _stub.Length - _position < Widest;

    public void Align(int size)
    {
        var padding = -_position & (size - 1);
        _ = ReadBytes(padding);
    }

    /// <summary>Reads so many bytes as they are.</summary>
    public ReadOnlySpan<byte> ReadBytes(int count)
    {
        if (IsFailed || count < 0 || count > _stub.Length - _position)
        {
            Fail();
            return default;
        }

        var bytes = _stub.Slice(_position, count);
        _position += count;
        return bytes;
    }

    public byte ReadByte() => ReadBytes(1) is [var value] ? value : (byte)0;

    public ushort ReadUInt16() => Aligned(2) is { Length: 2 } bytes ? BinaryPrimitives.ReadUInt16LittleEndian(bytes) : (ushort)0;

    public uint ReadUInt32() => Aligned(4) is { Length: 4 } bytes ? BinaryPrimitives.ReadUInt32LittleEndian(bytes) : 0;

    /// <summary>Reads a hyper.</summary>
    public ulong ReadUInt64() => Aligned(8) is { Length: 8 } bytes ? BinaryPrimitives.ReadUInt64LittleEndian(bytes) : 0;

    /// <summary>Reads a boolean, which is one byte; anything but 0 and 1 is a failure.</summary>
    public bool ReadBoolean()
    {
        var value = ReadByte();
        if (value > 1)
        {
            Fail();
        }

        return !IsFailed && value == 1;
    }

    public Guid ReadGuid()
    {
        Align(4);
        var bytes = ReadBytes(16);
        return bytes.Length == 16 ? new Guid(bytes) : Guid.Empty;
    }

    public ContextHandle ReadContextHandle() => new(ReadUInt32(), ReadGuid());

    /// <summary>Reads a unique pointer (C706, 14.3.10).</summary>
    /// <returns>Whether it points to something, which follows where it is due.</returns>
    public bool ReadPointer() => ReadUInt32() != 0;

    /// <summary>Reads a unique pointer to an integer, and the integer.</summary>
    public uint? ReadUInt32Pointer()
    {
        if (!ReadPointer())
        {
            return null;
        }

        return ReadUInt32();
    }

    /// <summary>Reads a conformant-varying array of bytes (C706, 14.3.3).</summary>
    /// <param name="maxLength">The longest that is taken, in bytes.</param>
    public ReadOnlySpan<byte> ReadVaryingBytes(int maxLength) => ReadVarying(1, maxLength, out _);

    /// <summary>Reads a conformant-varying string of 16-bit characters (C706, 14.3.4), which ends with a terminator.</summary>
    /// <param name="maxLength">The longest that is taken, in characters, the terminator included.</param>
    /// <returns>The text before the terminator.</returns>
    public string ReadWideString(int maxLength)
    {
        var bytes = ReadVarying(2, maxLength, out _);
        if (bytes.Length == 0 || bytes[^1] != 0 || bytes[^2] != 0)
        {
            Fail();
            return string.Empty;
        }

        return Text(bytes[..^2]);
    }

    /// <summary>Reads an RPC_UNICODE_STRING (MS-DTYP, 2.3.10) that is a parameter: what it points to follows at once.</summary>
    /// <param name="maxLength">The longest that is taken, in characters, a terminator included.</param>
    /// <returns>The text without its terminator, if it has one; empty for a null pointer.</returns>
    public string ReadUnicodeString(int maxLength)
    {
        Align(4);
        var (length, room) = (ReadUInt16(), ReadUInt16());
        if (!ReadPointer())
        {
            // Nothing that has a length.
            if (length != 0)
            {
                Fail();
            }

            return string.Empty;
        }

        var bytes = ReadVarying(2, maxLength, out var maximum);
        if (length > room || length != bytes.Length || maximum > room / 2u)
        {
            Fail();
            return string.Empty;
        }

        return Text(bytes is [.., 0, 0] ? bytes[..^2] : bytes);
    }

    /// <summary>Makes the reader fail.</summary>
    public void Fail()
    {
        IsFailed = true;
        _position = _stub.Length;
    }

    private ReadOnlySpan<byte> Aligned(int size)
    {
        Align(size);
        return ReadBytes(size);
    }

    private ReadOnlySpan<byte> ReadVarying(int elementSize, int maxLength, out uint maximum)
    {
        // How many there could be is said only; nothing is made room for.
        (maximum, var offset, var count) = (ReadUInt32(), ReadUInt32(), ReadUInt32());
        if (offset != 0 || count > maximum || count > (uint)maxLength)
        {
            Fail();
            return default;
        }

        // At most maxLength, so that it can't overflow before it is compared with what is there.
        return count > int.MaxValue / (uint)elementSize ? FailEmpty() : ReadBytes((int)count * elementSize);
    }

    private ReadOnlySpan<byte> FailEmpty()
    {
        Fail();
        return default;
    }

    // Halves of surrogate pairs become U+FFFD: what is not text can't be passed on.
    private static string Text(ReadOnlySpan<byte> bytes) => Encoding.Unicode.GetString(bytes);
}
