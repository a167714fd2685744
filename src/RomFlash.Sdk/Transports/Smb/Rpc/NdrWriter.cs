using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace RomFlash.Sdk.Transports.Smb.Rpc;

/// <summary>
/// Writes NDR (C706, 14), little-endian, aligned to the stub's beginning, into a span that has to be zero. What does not fit makes the writer fail for good, so that
/// <see cref="IsFailed"/> is asked once, at the end.
/// </summary>
internal ref struct NdrWriter(Span<byte> stub)
{
    // Any number but 0 will do for a unique pointer; Windows begins here.
    private const uint FirstReferent = 0x0002_0000;

    private readonly Span<byte> _stub = stub;
    private uint _referents;

    public bool IsFailed { get; private set; }

    /// <summary>How many bytes have been written.</summary>
    public int Written { get; private set; }

    public void Align(int size) => _ = Take(-Written & (size - 1));

    public void WriteByte(byte value)
    {
        if (Take(1) is { Length: 1 } room)
        {
            room[0] = value;
        }
    }

    /// <summary>Writes a boolean, which is one byte.</summary>
    public void WriteBoolean(bool value) => WriteByte(value ? (byte)1 : (byte)0);

    public void WriteUInt16(ushort value)
    {
        Align(2);
        if (Take(2) is { Length: 2 } room)
        {
            BinaryPrimitives.WriteUInt16LittleEndian(room, value);
        }
    }

    public void WriteUInt32(uint value)
    {
        Align(4);
        if (Take(4) is { Length: 4 } room)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(room, value);
        }
    }

    /// <summary>Writes a hyper.</summary>
    public void WriteUInt64(ulong value)
    {
        Align(8);
        if (Take(8) is { Length: 8 } room)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(room, value);
        }
    }

    public void WriteGuid(Guid value)
    {
        Align(4);
        if (Take(16) is { Length: 16 } room)
        {
            value.TryWriteBytes(room);
        }
    }

    public void WriteContextHandle(ContextHandle value)
    {
        WriteUInt32(value.Attributes);
        WriteGuid(value.Id);
    }

    public void WriteNullPointer() => WriteUInt32(0);

    /// <summary>Writes a unique pointer to what is written where it is due.</summary>
    public void WritePointer() => WriteUInt32(FirstReferent + (4 * _referents++));

    /// <summary>Writes a unique pointer to an integer, and the integer.</summary>
    public void WriteUInt32Pointer(uint value)
    {
        WritePointer();
        WriteUInt32(value);
    }

    /// <summary>Writes a conformant-varying array (C706, 14.3.3) of which only the room is said: nothing is in it.</summary>
    /// <param name="room">How many elements it could have.</param>
    public void WriteEmptyArray(uint room)
    {
        WriteUInt32(room);
        WriteUInt32(0);
        WriteUInt32(0);
    }

    /// <summary>Writes a conformant-varying string of 16-bit characters with its terminator (C706, 14.3.4).</summary>
    public void WriteWideString(string value)
    {
        var count = (uint)value.Length + 1;
        WriteUInt32(count);
        WriteUInt32(0);
        WriteUInt32(count);
        WriteText(value);
        WriteUInt16(0);
    }

    /// <summary>Writes an RPC_UNICODE_STRING (MS-DTYP, 2.3.10) that is a parameter and counts its terminator, as the registry's names do (MS-RRP, 2.2.5).</summary>
    public void WriteTerminatedString(string value)
    {
        var length = Bytes(value.Length + 1);
        WriteUInt16(length);
        WriteUInt16(length);
        WritePointer();
        WriteWideString(value);
    }

    /// <summary>Writes an RPC_UNICODE_STRING that is a parameter and has a terminator that does not count.</summary>
    public void WriteCountedString(string value)
    {
        WriteUInt16(Bytes(value.Length));
        WriteUInt16(Bytes(value.Length + 1));
        WritePointer();
        WriteUInt32((uint)value.Length + 1);
        WriteUInt32(0);
        WriteUInt32((uint)value.Length);
        WriteText(value);
    }

    /// <summary>Writes an RPC_UNICODE_STRING that is a parameter and of which only the room is said.</summary>
    /// <param name="room">The room in bytes; even.</param>
    public void WriteStringRoom(ushort room)
    {
        WriteUInt16(0);
        WriteUInt16(room);
        WritePointer();
        WriteEmptyArray(room / 2u);
    }

    /// <summary>Writes an RPC_UNICODE_STRING that is a parameter, is empty and has a terminator that counts, and room for more.</summary>
    /// <param name="room">The room in bytes; even, and at least 2.</param>
    public void WriteEmptyText(ushort room)
    {
        WriteUInt16(2);
        WriteUInt16(room);
        WritePointer();
        WriteUInt32(room / 2u);
        WriteUInt32(0);
        WriteUInt32(1);
        WriteUInt16(0);
    }

    /// <summary>What has been written, as an array.</summary>
    /// <exception cref="InvalidOperationException">It did not fit: a mistake in this program, which says how much room there is.</exception>
    public readonly byte[] ToArray() => IsFailed ? throw new InvalidOperationException("The stub is longer than its room.") : _stub[..Written].ToArray();

    private ushort Bytes(int characters)
    {
        if (characters > ushort.MaxValue / 2)
        {
            IsFailed = true;
            return 0;
        }

        return (ushort)(2 * characters);
    }

    private void WriteText(string value)
    {
        if (Take(2 * value.Length) is not { Length: > 0 } room)
        {
            return;
        }

        if (BitConverter.IsLittleEndian)
        {
            MemoryMarshal.AsBytes(value.AsSpan()).CopyTo(room);
            return;
        }

        for (var i = 0; i < value.Length; i++)
        {
            BinaryPrimitives.WriteUInt16LittleEndian(room[(2 * i)..], value[i]);
        }
    }

    private Span<byte> Take(int count)
    {
        if (IsFailed || count > _stub.Length - Written)
        {
            IsFailed = true;
            return default;
        }

        var room = _stub.Slice(Written, count);
        Written += count;
        return room;
    }
}
