using System.Buffers.Binary;

namespace RomFlash.Benchmarks.Images;

/// <summary>A UEFI capsule with one payload (UEFI 2.10, 23.1 and 23.3.2) in a temporary file.</summary>
internal sealed class LargeCapsule : IDisposable
{
    public const int DefaultLength = 64 << 20;

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("romflash-benchmark-");

    public LargeCapsule(int length = DefaultLength)
    {
        File.WriteAllBytes(Path, Build(length));
        File.WriteAllBytes(EmptyPath, []);
    }

    public string Path => System.IO.Path.Combine(_folder.FullName, "large.cap");

    public string EmptyPath => System.IO.Path.Combine(_folder.FullName, "empty");

    public void Dispose() => _folder.Delete(recursive: true);

    private static byte[] Build(int length)
    {
        const int capsuleHeader = 28, list = 16, itemHeader = 48, payloadHeader = 16;
        var file = new byte[length];
        new Random(1).NextBytes(file.AsSpan(capsuleHeader + list + itemHeader + payloadHeader));
        var capsule = file.AsSpan();
        new Guid("6dcbd5ed-e82d-4c44-bda1-7194199ad92a").TryWriteBytes(capsule);
        BinaryPrimitives.WriteUInt32LittleEndian(capsule[16..], capsuleHeader);
        BinaryPrimitives.WriteUInt32LittleEndian(capsule[20..], 0x0001_0000);
        BinaryPrimitives.WriteUInt32LittleEndian(capsule[24..], (uint)length);

        var fmp = capsule[capsuleHeader..];
        BinaryPrimitives.WriteUInt32LittleEndian(fmp, 1);
        BinaryPrimitives.WriteUInt16LittleEndian(fmp[6..], 1);
        BinaryPrimitives.WriteUInt64LittleEndian(fmp[8..], list);

        var item = fmp[list..];
        BinaryPrimitives.WriteUInt32LittleEndian(item, 3);
        new Guid("0f2c63b1-8a3f-4f0b-9d3e-5a1f7c1d2e3f").TryWriteBytes(item[4..]);
        item[20] = 1;
        BinaryPrimitives.WriteUInt32LittleEndian(item[24..], (uint)(item.Length - itemHeader));

        var payload = item[itemHeader..];
        "MSS1"u8.CopyTo(payload);
        BinaryPrimitives.WriteUInt32LittleEndian(payload[4..], payloadHeader);
        BinaryPrimitives.WriteUInt32LittleEndian(payload[8..], 0x0002_0005);
        BinaryPrimitives.WriteUInt32LittleEndian(payload[12..], 0x0002_0000);
        return file;
    }
}
