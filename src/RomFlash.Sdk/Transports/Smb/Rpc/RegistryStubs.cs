namespace RomFlash.Sdk.Transports.Smb.Rpc;

/// <summary>A value, how much room it takes, and the operation's result.</summary>
internal readonly record struct ValueAnswer(string Name, RegistryValue? Value, uint Size, uint Code);

/// <summary>A name and the operation's result.</summary>
internal readonly record struct NameAnswer(string Name, uint Code);

/// <summary>What a key is like, and the operation's result.</summary>
internal readonly record struct KeyInfoAnswer(RegistryKeyInfo Info, uint Code);

/// <summary>Parameters of the remote registry's operations (MS-RRP, 3.1.5 and appendix A).</summary>
internal static class RegistryStubs
{
    public const ushort OpenLocalMachineOperation = 2;
    /// <summary>BaseRegCloseKey (MS-RRP, 3.1.5.6).</summary>
    public const ushort CloseKeyOperation = 5;
    public const ushort EnumKeyOperation = 9;
    public const ushort EnumValueOperation = 10;
    public const ushort OpenKeyOperation = 15;
    public const ushort QueryInfoKeyOperation = 16;
    public const ushort QueryValueOperation = 17;

    /// <summary>The longest name or path, in characters without its terminator: its length in bytes is said in 16 bits.</summary>
    public const int MaxName = (ushort.MaxValue / 2) - 1;

    // What there is beside a name, at most.
    private const int Rest = 128;

    /// <summary>OpenLocalMachine (MS-RRP, 3.1.5.3).</summary>
    public static byte[] OpenLocalMachine(RegistryAccess access)
    {
        var writer = new NdrWriter(new byte[Rest]);
        writer.WriteNullPointer();
        writer.WriteUInt32((uint)access);
        return writer.ToArray();
    }

    /// <summary>BaseRegOpenKey (MS-RRP, 3.1.5.15).</summary>
    public static byte[] OpenKey(ContextHandle key, string path, RegistryAccess access)
    {
        var writer = new NdrWriter(new byte[Rest + (2 * path.Length)]);
        writer.WriteContextHandle(key);
        writer.WriteTerminatedString(path);
        writer.WriteUInt32(0);
        writer.WriteUInt32((uint)access);
        return writer.ToArray();
    }

    /// <summary>BaseRegQueryInfoKey (MS-RRP, 3.1.5.16). The class that is sent is empty, and has its terminator: Samba takes it for a text.</summary>
    /// <param name="key">The key.</param>
    /// <param name="classRoom">Room for the key's class, in bytes.</param>
    public static byte[] QueryInfoKey(ContextHandle key, ushort classRoom)
    {
        var writer = new NdrWriter(new byte[Rest]);
        writer.WriteContextHandle(key);
        writer.WriteEmptyText(classRoom);
        return writer.ToArray();
    }

    /// <summary>BaseRegQueryValue (MS-RRP, 3.1.5.17). The room is said, and nothing sent for it.</summary>
    public static byte[] QueryValue(ContextHandle key, string name, uint room)
    {
        var writer = new NdrWriter(new byte[Rest + (2 * name.Length)]);
        writer.WriteContextHandle(key);
        writer.WriteTerminatedString(name);
        WriteValueRoom(ref writer, room);
        return writer.ToArray();
    }

    /// <summary>BaseRegEnumKey (MS-RRP, 3.1.5.10). The class is asked for, with room for it, because not every peer takes a null pointer there.</summary>
    public static byte[] EnumKey(ContextHandle key, uint index, ushort nameRoom)
    {
        var writer = new NdrWriter(new byte[Rest]);
        writer.WriteContextHandle(key);
        writer.WriteUInt32(index);
        writer.WriteStringRoom(nameRoom);
        writer.WritePointer();
        writer.WriteStringRoom(nameRoom);
        writer.WriteNullPointer();
        return writer.ToArray();
    }

    /// <summary>BaseRegEnumValue (MS-RRP, 3.1.5.11).</summary>
    public static byte[] EnumValue(ContextHandle key, uint index, ushort nameRoom, uint room)
    {
        var writer = new NdrWriter(new byte[Rest]);
        writer.WriteContextHandle(key);
        writer.WriteUInt32(index);
        writer.WriteStringRoom(nameRoom);
        WriteValueRoom(ref writer, room);
        return writer.ToArray();
    }

    public static bool ReadKeyInfo(ReadOnlySpan<byte> stub, out KeyInfoAnswer answer)
    {
        var reader = new NdrReader(stub);
        _ = reader.ReadUnicodeString(MaxName + 1);
        var (keys, _, _, values) = (reader.ReadUInt32(), reader.ReadUInt32(), reader.ReadUInt32(), reader.ReadUInt32());
        _ = (reader.ReadUInt32(), reader.ReadUInt32(), reader.ReadUInt32());
        answer = new(new(keys, values, ReadFileTime(ref reader)), reader.ReadUInt32());
        return reader.IsAtEnd;
    }

    public static bool ReadName(ReadOnlySpan<byte> stub, out NameAnswer answer)
    {
        var reader = new NdrReader(stub);
        var name = reader.ReadUnicodeString(MaxName + 1);
        if (reader.ReadPointer())
        {
            _ = reader.ReadUnicodeString(MaxName + 1);
        }

        if (reader.ReadPointer())
        {
            _ = ReadFileTime(ref reader);
        }

        answer = new(name, reader.ReadUInt32());
        return reader.IsAtEnd;
    }

    public static bool ReadValue(ReadOnlySpan<byte> stub, out ValueAnswer answer)
    {
        var reader = new NdrReader(stub);
        return ReadValue(ref reader, string.Empty, out answer);
    }

    public static bool ReadNamedValue(ReadOnlySpan<byte> stub, out ValueAnswer answer)
    {
        var reader = new NdrReader(stub);
        return ReadValue(ref reader, reader.ReadUnicodeString(MaxName + 1), out answer);
    }

    private static bool ReadValue(ref NdrReader reader, string name, out ValueAnswer answer)
    {
        var type = reader.ReadUInt32Pointer();
        var data = reader.ReadPointer() ? reader.ReadVaryingBytes(RegistryKey.MaxValue) : default;
        var (size, length, code) = (reader.ReadUInt32Pointer(), reader.ReadUInt32Pointer(), reader.ReadUInt32());
        if (code != 0)
        {
            answer = new(name, null, size ?? 0, code);
            return reader.IsAtEnd;
        }

        answer = new(name, new((RegistryValueType)(type ?? 0), data.ToArray()), size ?? 0, code);
        return reader.IsAtEnd && type is not null && length == data.Length;
    }

    private static void WriteValueRoom(ref NdrWriter writer, uint room)
    {
        writer.WriteUInt32Pointer(0);
        writer.WritePointer();
        writer.WriteEmptyArray(room);
        writer.WriteUInt32Pointer(room);
        writer.WriteUInt32Pointer(0);
    }

    // Two integers, so that it is aligned as one of them (MS-DTYP, 2.3.3).
    private static ulong ReadFileTime(ref NdrReader reader)
    {
        var (low, high) = (reader.ReadUInt32(), reader.ReadUInt32());
        return ((ulong)high << 32) | low;
    }
}
