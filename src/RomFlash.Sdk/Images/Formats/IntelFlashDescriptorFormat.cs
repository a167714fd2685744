using System.Buffers.Binary;
using RomFlash.Sdk.Images.Formats.FirmwareVolumes;

namespace RomFlash.Sdk.Images.Formats;

/// <summary>
/// Flash images of Intel platforms with a descriptor (Intel 100 Series PCH datasheet, volume 1, "SPI flash descriptor"): regions have to lie in the file and must
/// not overlap; the BIOS region is read as firmware volumes.
/// </summary>
/// <remarks>Thread-safe and without state. The other regions belong to devices of their own; what is in them is not checked.</remarks>
public sealed class IntelFlashDescriptorFormat : IRomImageFormat
{
    private const int SignatureOffset = 0x10;
    private const uint DescriptorSignature = 0x0FF0_A55A;
    private const int DescriptorSize = 0x1000;
    private const int MapOffset = 0x14;
    private const int RegionUnit = 0x1000;
    private const int MostRegions = 16;
    private const int BiosRegion = 1;

    /// <inheritdoc/>
    public string Name => "intel-flash";

    private static ReadOnlySpan<string> RegionNames => new[]
    {
        "descriptor", "bios", "management engine", "gigabit ethernet", "platform data", "device expansion 1", "bios 2", "reserved 7",
        "embedded controller", "device expansion 2", "innovation engine", "10 gigabit ethernet 0", "10 gigabit ethernet 1", "reserved 13", "reserved 14", "platform trust",
    };

    /// <inheritdoc/>
    public RomRecognition Recognize(IRomImageContent content)
    {
        ArgumentNullException.ThrowIfNull(content);
        return IsDescriptor(content) ? RomRecognition.Signature : RomRecognition.None;
    }

    /// <inheritdoc/>
    public void Read(RomImageReading reading)
    {
        ArgumentNullException.ThrowIfNull(reading);
        if (reading.Nesting == 0)
        {
            reading.Identity = new() { Kind = RomKind.SystemRom };
        }

        var content = reading.Content;
        if (content.Length < DescriptorSize)
        {
            reading.Truncated($"the descriptor has {DescriptorSize} bytes");
            return;
        }

        Span<byte> map = stackalloc byte[8];
        content.TryRead(MapOffset, map);
        var map0 = BinaryPrimitives.ReadUInt32LittleEndian(map);

        // FLMAP0: FRBA in bits 16-23, NR (on older chipsets) in bits 24-26; the table's place in units of 16 bytes.
        var table = (int)((map0 >> 16) & 0xFF) << 4;
        if (table < MapOffset + map.Length || table + (MostRegions * 4) > DescriptorSize)
        {
            reading.Malformed(MapOffset, $"the table of regions begins at 0x{table:X}, which is not in the descriptor behind its map");
            return;
        }

        var regions = new List<(int Index, long Start, long End)>();
        Span<byte> entry = stackalloc byte[4];
        for (var i = 0; i < MostRegions; i++)
        {
            content.TryRead(table + (i * 4), entry);
            var value = BinaryPrimitives.ReadUInt32LittleEndian(entry);
            var (first, last) = ((long)(value & 0x7FFF), (long)((value >> 16) & 0x7FFF));

            // Not used: the limit is below the base, or the entry was never written; older chipsets have fewer entries than the table has room for.
            if (value is 0 or uint.MaxValue && i > 0)
            {
                continue;
            }

            if (last < first)
            {
                continue;
            }

            var (start, end) = (first * RegionUnit, (last + 1) * RegionUnit);
            if (end > content.Length)
            {
                reading.Malformed(table + (i * 4), $"the region {RegionNames[i]} ends at 0x{end:X}, the file at 0x{content.Length:X}");
                continue;
            }

            regions.Add((i, start, end));
        }

        if (regions.Count == 0 || regions[0] is not (0, 0, _))
        {
            reading.Malformed(table, $"the descriptor's own region does not begin at 0");
        }

        ReadRegions(reading, table, regions);
    }

    /// <summary>Whether the content begins with a descriptor.</summary>
    internal static bool IsDescriptor(IRomImageContent content)
    {
        Span<byte> signature = stackalloc byte[4];
        return content.TryRead(SignatureOffset, signature) && BinaryPrimitives.ReadUInt32LittleEndian(signature) == DescriptorSignature;
    }

    private static void ReadRegions(RomImageReading reading, int table, List<(int Index, long Start, long End)> regions)
    {
        regions.Sort((a, b) => a.Start.CompareTo(b.Start));
        var done = 0L;
        foreach (var (index, start, end) in regions)
        {
            if (start < done)
            {
                reading.Malformed(table + (index * 4), $"the region {RegionNames[index]} begins at 0x{start:X}, inside of what lies before it");
                continue;
            }

            if (start > done)
            {
                reading.Add("data", done, start - done).Note("in no region");
            }

            done = end;
            var part = reading.Add("flash-region", start, end - start);
            part.Name = RegionNames[index];
            if (index == BiosRegion && reading.Slice(part, start, end - start) is { } bios)
            {
                if (VolumeHeader.FindSignature(bios.Content, 0) < 0)
                {
                    reading.Warn("the bios region has no firmware volume; what is in it was not checked");
                }
                else
                {
                    new VolumeReader(reading.CancellationToken).ReadAll(bios);
                }
            }
        }

        if (done < reading.Content.Length)
        {
            reading.Add("data", done, reading.Content.Length - done).Note("in no region");
        }
    }
}
