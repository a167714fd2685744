using System.Buffers.Binary;
using System.Text;

namespace RomFlash.Sdk.Tests.Transports.Smb.Rpc;

/// <summary>A remote registry with a few keys. Its requests are read after MS-RRP, and not with the product's reader.</summary>
internal sealed class FakeRegistry : FakeRpcServer
{
    private readonly Dictionary<uint, string> _handles = [];

    public FakeRegistry()
        : base(new Guid("338cd001-2244-31f1-aaaa-900038001003"), 1, 0)
    {
        Operations[2] = _ => Opens(string.Empty);
        Operations[5] = stub =>
        {
            Close(HandleOf(stub));
            return new WireBuilder().NoHandle().U32(0);
        };
        Operations[9] = EnumKey;
        Operations[10] = EnumValue;
        Operations[15] = OpenKey;
        Operations[16] = QueryInfo;
        Operations[17] = QueryValue;
    }

    public SortedDictionary<string, SortedDictionary<string, (uint Type, byte[] Data)>> Keys { get; } = new(StringComparer.OrdinalIgnoreCase) { [string.Empty] = [] };

    public HashSet<string> Forbidden { get; } = [];

    /// <summary>How much room a value or name was given, the last time.</summary>
    public uint LastRoom { get; private set; }

    public FakeRegistry Add(string path, string name, uint type, byte[] data)
    {
        for (var end = path.Length; end > 0; end = path.LastIndexOf('\\', end - 1))
        {
            Keys.TryAdd(path[..end], []);
        }

        Keys[path][name] = (type, data);
        return this;
    }

    public FakeRegistry AddText(string path, string name, string text) => Add(path, name, 1, Encoding.Unicode.GetBytes(text + "\0"));

    private WireBuilder Opens(string path)
    {
        var number = Open();
        _handles[number] = path;
        return new WireBuilder().Handle(number).U32(0);
    }

    private FakeAnswer OpenKey(byte[] stub)
    {
        var parent = _handles[HandleOf(stub)];
        var name = ReadText(stub, 20, out var end);
        Assert.Equal(0u, U32(stub, end));
        Assert.NotEqual(0u, U32(stub, end + 4));
        Assert.Equal(end + 8, stub.Length);
        var path = parent.Length == 0 ? name : name.Length == 0 ? parent : parent + "\\" + name;
        return Forbidden.Contains(path) ? new WireBuilder().NoHandle().U32(5) : Keys.ContainsKey(path) ? Opens(path) : new WireBuilder().NoHandle().U32(2);
    }

    private FakeAnswer QueryValue(byte[] stub)
    {
        var values = Keys[_handles[HandleOf(stub)]];
        var name = ReadText(stub, 20, out var end);
        var room = ReadRoom(stub, end);
        return !values.TryGetValue(name, out var value) ? new WireBuilder().U32(1).U32(0).U32(0).U32(2).U32(0).U32(3).U32(0).U32(2)
            : value.Data.Length > room ? new WireBuilder().TooLong(value.Type, (uint)value.Data.Length)
            : new WireBuilder().Value(value.Type, value.Data, 0);
    }

    private FakeAnswer EnumKey(byte[] stub)
    {
        var path = _handles[HandleOf(stub)];
        var index = (int)U32(stub, 20);
        var room = (int)BinaryPrimitives.ReadUInt16LittleEndian(stub.AsSpan(26));
        LastRoom = (uint)room;
        var below = Keys.Keys.Where(key => key.Length > 0 && Parent(key) == path).ToArray();
        if (index >= below.Length)
        {
            return new WireBuilder().U16(0).U16(room).U32(0).U32(0).U32(0).U32(259);
        }

        var name = below[index][(below[index].LastIndexOf('\\') + 1)..];
        return 2 * (name.Length + 1) > room
            ? new WireBuilder().U16(0).U16(room).U32(0).U32(0).U32(0).U32(234)
            : new WireBuilder().Text(name).U32(1).Text(string.Empty).U32(1).U32(0x1234).U32(0x5678).U32(0);
    }

    private FakeAnswer EnumValue(byte[] stub)
    {
        var values = Keys[_handles[HandleOf(stub)]];
        var index = (int)U32(stub, 20);
        var nameRoom = (int)BinaryPrimitives.ReadUInt16LittleEndian(stub.AsSpan(26));
        var room = ReadRoom(stub, 44);
        if (index >= values.Count)
        {
            return new WireBuilder().U16(0).U16(0).U32(0).U32(0).U32(0).U32(0).U32(0).U32(259);
        }

        var (name, value) = values.ElementAt(index);
        return 2 * (name.Length + 1) > nameRoom || value.Data.Length > room
            ? new WireBuilder().U16(0).U16(0).U32(0).TooLong(value.Type, (uint)value.Data.Length)
            : new WireBuilder().Text(name).Align(4).Value(value.Type, value.Data, 0);
    }

    private FakeAnswer QueryInfo(byte[] stub)
    {
        var path = _handles[HandleOf(stub)];
        return new WireBuilder().Text("class").U32((uint)Keys.Keys.Count(key => key.Length > 0 && Parent(key) == path)).U32(10).U32(10).U32((uint)Keys[path].Count).U32(10).U32(10).U32(10)
            .U32(0x89ABCDEF).U32(0x01234567).U32(0);
    }

    private static string Parent(string path) => path.LastIndexOf('\\') is >= 0 and var end ? path[..end] : string.Empty;

    private static uint U32(byte[] stub, int offset) => BinaryPrimitives.ReadUInt32LittleEndian(stub.AsSpan(offset));

    // RPC_UNICODE_STRING with its text.
    private static string ReadText(byte[] stub, int offset, out int end)
    {
        var length = BinaryPrimitives.ReadUInt16LittleEndian(stub.AsSpan(offset));
        Assert.Equal(length, BinaryPrimitives.ReadUInt16LittleEndian(stub.AsSpan(offset + 2)));
        Assert.NotEqual(0u, U32(stub, offset + 4));
        Assert.Equal((length / 2u, 0u, length / 2u), (U32(stub, offset + 8), U32(stub, offset + 12), U32(stub, offset + 16)));
        var text = Encoding.Unicode.GetString(stub, offset + 20, length);
        Assert.EndsWith("\0", text, StringComparison.Ordinal);
        end = (offset + 20 + length + 3) & ~3;
        return text[..^1];
    }

    private int ReadRoom(byte[] stub, int offset)
    {
        var room = U32(stub, offset + 12);
        uint[] expected = [0, room, 0, 0, room, 0];
        uint[] places = [4, 12, 16, 20, 28, 36];
        Assert.Equal(expected, places.Select(place => U32(stub, offset + (int)place)));
        Assert.Equal(offset + 40, stub.Length);
        Assert.All([0, 8, 24, 32], place => Assert.NotEqual(0u, U32(stub, offset + place)));
        LastRoom = room;
        return (int)room;
    }
}
