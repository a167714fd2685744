using System.Buffers.Binary;

namespace RomFlash.Sdk.Tests.Images;

/// <summary>Builds capsules field by field, right ones and wrong ones.</summary>
internal sealed class CapsuleBuilder
{
    public static readonly Guid Fmp = new("6dcbd5ed-e82d-4c44-bda1-7194199ad92a");
    public static readonly Guid Class = new("0f2c63b1-8a3f-4f0b-9d3e-5a1f7c1d2e3f");

    public Guid Kind { get; set; } = Fmp;

    public uint HeaderSize { get; set; } = 28;

    public uint Flags { get; set; } = 0x0001_0000;

    public uint? ImageSize { get; set; }

    public uint FmpVersion { get; set; } = 1;

    public ushort Drivers { get; set; }

    public ushort? Payloads { get; set; }

    public ulong[]? Offsets { get; set; }

    public List<byte[]> Items { get; } = [];

    public int Gap { get; set; }

    public static byte[] Item(byte[] image, uint version = 3, ulong support = 0, Guid? type = null, byte index = 1, ulong instance = 0, uint? imageSize = null, byte[]? vendor = null)
    {
        var size = version switch { 1 => 32, 2 => 40, _ => 48 };
        vendor ??= [];
        var item = new byte[size + image.Length + vendor.Length];
        BinaryPrimitives.WriteUInt32LittleEndian(item, version);
        (type ?? Class).TryWriteBytes(item.AsSpan(4));
        item[20] = index;
        BinaryPrimitives.WriteUInt32LittleEndian(item.AsSpan(24), imageSize ?? (uint)image.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(item.AsSpan(28), (uint)vendor.Length);
        if (size >= 40)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(item.AsSpan(32), instance);
        }

        if (size >= 48)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(item.AsSpan(40), support);
        }

        image.CopyTo(item, size);
        vendor.CopyTo(item, size + image.Length);
        return item;
    }

    public static byte[] PayloadHeader(uint version, uint lowest, uint size = 16)
    {
        var header = new byte[16];
        "MSS1"u8.CopyTo(header);
        BinaryPrimitives.WriteUInt32LittleEndian(header.AsSpan(4), size);
        BinaryPrimitives.WriteUInt32LittleEndian(header.AsSpan(8), version);
        BinaryPrimitives.WriteUInt32LittleEndian(header.AsSpan(12), lowest);
        return header;
    }

    public static byte[] Authentication(int signatureLength, uint? length = null)
    {
        var header = new byte[32 + signatureLength];
        BinaryPrimitives.WriteUInt32LittleEndian(header.AsSpan(8), length ?? (uint)(24 + signatureLength));
        BinaryPrimitives.WriteUInt16LittleEndian(header.AsSpan(12), 0x0200);
        BinaryPrimitives.WriteUInt16LittleEndian(header.AsSpan(14), 0x0EF1);
        new Guid("4aafd29d-68df-49ee-8aa9-347d375665a7").TryWriteBytes(header.AsSpan(16));
        return header;
    }

    public static byte[] Small() => new CapsuleBuilder { Items = { Item([.. PayloadHeader(0x20005, 0x20000), 1, 2, 3, 4]) } }.Build();

    public byte[] Build()
    {
        var listSize = 8 * Items.Count;
        var body = new List<byte>();
        var offsets = new List<ulong>();
        foreach (var item in Items)
        {
            offsets.Add((ulong)(8 + listSize + Gap + body.Count));
            body.AddRange(item);
        }

        var fmp = new byte[8 + listSize + Gap];
        BinaryPrimitives.WriteUInt32LittleEndian(fmp, FmpVersion);
        BinaryPrimitives.WriteUInt16LittleEndian(fmp.AsSpan(4), Drivers);
        BinaryPrimitives.WriteUInt16LittleEndian(fmp.AsSpan(6), Payloads ?? (ushort)(Items.Count - Drivers));
        for (var i = 0; i < Items.Count; i++)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(fmp.AsSpan(8 + (8 * i)), Offsets?[i] ?? offsets[i]);
        }

        var header = new byte[Math.Clamp(HeaderSize, 28, 64)];
        Kind.TryWriteBytes(header);
        BinaryPrimitives.WriteUInt32LittleEndian(header.AsSpan(16), HeaderSize);
        BinaryPrimitives.WriteUInt32LittleEndian(header.AsSpan(20), Flags);
        byte[] file = [.. header, .. fmp, .. body];
        BinaryPrimitives.WriteUInt32LittleEndian(file.AsSpan(24), ImageSize ?? (uint)file.Length);
        return file;
    }
}
