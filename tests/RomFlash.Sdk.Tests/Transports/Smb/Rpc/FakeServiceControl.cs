using System.Buffers.Binary;
using System.Text;

namespace RomFlash.Sdk.Tests.Transports.Smb.Rpc;

/// <summary>A service control manager.</summary>
internal sealed class FakeServiceControl : FakeRpcServer
{
    private readonly Dictionary<uint, string> _handles = [];

    public FakeServiceControl()
        : base(new Guid("367abb81-9844-35f1-ad32-98f038001003"), 2, 0)
    {
        Operations[0] = stub =>
        {
            Close(HandleOf(stub));
            return new WireBuilder().NoHandle().U32(0);
        };
        Operations[6] = stub =>
        {
            var state = Services[_handles[HandleOf(stub)]];
            return new WireBuilder().U32(0x20).U32(state).U32(1).U32(0).U32(0).U32(0).U32(0).U32(0);
        };
        Operations[15] = stub =>
        {
            var access = BinaryPrimitives.ReadUInt32LittleEndian(stub.AsSpan(8));
            Accesses.Add(access);
            return (access & ~Granted) != 0 ? new WireBuilder().NoHandle().U32(5) : new WireBuilder().Handle(Open()).U32(0);
        };
        Operations[16] = stub =>
        {
            _ = HandleOf(stub);
            var length = (int)BinaryPrimitives.ReadUInt32LittleEndian(stub.AsSpan(28));
            Assert.Equal((length, 0), (BinaryPrimitives.ReadInt32LittleEndian(stub.AsSpan(20)), BinaryPrimitives.ReadInt32LittleEndian(stub.AsSpan(24))));
            var name = Encoding.Unicode.GetString(stub, 32, 2 * length).TrimEnd('\0');
            Assert.Equal(4u, BinaryPrimitives.ReadUInt32LittleEndian(stub.AsSpan(stub.Length - 4)));
            if (!Services.ContainsKey(name))
            {
                return new WireBuilder().NoHandle().U32(1060);
            }

            var number = Open();
            _handles[number] = name;
            return new WireBuilder().Handle(number).U32(0);
        };
    }

    public Dictionary<string, uint> Services { get; } = new(StringComparer.OrdinalIgnoreCase) { ["RemoteRegistry"] = 4 };

    /// <summary>The rights to the manager that the account has.</summary>
    public uint Granted { get; set; } = 3;

    public List<uint> Accesses { get; } = [];
}
