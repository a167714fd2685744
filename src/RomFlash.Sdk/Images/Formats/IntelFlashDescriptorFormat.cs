using System.Buffers.Binary;
using RomFlash.Sdk.Images.Formats.FirmwareVolumes;

namespace RomFlash.Sdk.Images.Formats;

/// <summary>
/// Whole flash chips of Intel platforms: a flash descriptor and the regions that it lays out (Intel I/O Controller Hub and Platform Controller Hub
/// datasheets, "SPI flash descriptor"). The BIOS regions are read as firmware volumes.
/// </summary>
/// <remarks>Thread-safe and without state. The descriptor has no checksum: its map is held against itself and the file.</remarks>
public sealed class IntelFlashDescriptorFormat : IRomImageFormat
{
    // FLVALSIG; behind a reset vector of 16 bytes since the PCH.
    private const uint Signature = 0x0FF0_A55A;
    private const int SignatureOffset = 16;

    // Region 0.
    private const int DescriptorSize = 4096;

    // FLMAP0, FLMAP1, FLMAP2 behind the signature; bases in units of 16 bytes.
    private const int MapSize = 3 * sizeof(uint);

    // Regions end at multiples of 4 KiB.
    private const int RegionShift = 12;
    private const uint RegionMask = 0x7FFF;
    private const int MostRegions = 16;
    private const int RegionsOfOldest = 5;
    private const int RegionDescriptor = 0;
    private const int RegionBios = 1;
    private const int RegionManagementEngine = 2;
    private const int RegionSecondBios = 6;

    // FLCOMP: the densities are 512 KiB << n; with 3 bits each up to the 9 series, with 4 afterwards.
    private const int OldDensityBits = 3;
    private const int NewDensityBits = 4;
    private const int SmallestDensity = 512 << 10;
    private const int ReadFrequencyShift = 17;
    private const int LargestDensityCode = 8;

    /// <inheritdoc/>
    public string Name => "intel-flash";

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
        reading.Identity = new() { Kind = RomKind.SystemRom };
        Span<byte> descriptor = stackalloc byte[DescriptorSize];
        if (!reading.Content.TryRead(0, descriptor))
        {
            reading.Truncated($"a flash descriptor has {DescriptorSize} bytes");
            return;
        }

        var map = BinaryPrimitives.ReadUInt32LittleEndian(descriptor[SignatureOffset..]) == Signature ? SignatureOffset + sizeof(uint) : sizeof(uint);
        if (Map.TryRead(reading, descriptor, map) is { } found)
        {
            ReadComponents(reading, descriptor, found);
            ReadRegions(reading, descriptor, found);
        }
    }

    /// <summary>Whether the content begins with a descriptor.</summary>
    internal static bool IsDescriptor(IRomImageContent content)
    {
        Span<byte> head = stackalloc byte[SignatureOffset + sizeof(uint)];
        return content.TryRead(0, head)
            && (BinaryPrimitives.ReadUInt32LittleEndian(head[SignatureOffset..]) == Signature || BinaryPrimitives.ReadUInt32LittleEndian(head) == Signature);
    }

    private static string NameOf(int region) => region switch
    {
        RegionDescriptor => "descriptor",
        RegionBios => "bios",
        RegionManagementEngine => "me",
        3 => "gbe",
        4 => "pdr",
        5 => "device-expansion-1",
        RegionSecondBios => "bios-2",
        8 => "ec",
        9 => "device-expansion-2",
        10 => "ie",
        11 => "10gbe-0",
        12 => "10gbe-1",
        15 => "ptt",
        _ => FormattableString.Invariant($"region-{region}"),
    };

    // How much flash there is against how much the file has: a part of a chip can be wanted, so it is no mistake.
    private static void ReadComponents(RomImageReading reading, ReadOnlySpan<byte> descriptor, Map map)
    {
        var component = BinaryPrimitives.ReadUInt32LittleEndian(descriptor[map.Components..]);

        // A speed of 0 is the old descriptor's, and that of the 500 series: then whichever of the two fits.
        var bits = ((component >> ReadFrequencyShift) & 7) == 0 && SizeOf(component, map.ComponentCount, OldDensityBits) == reading.Content.Length ? OldDensityBits : NewDensityBits;
        if (SizeOf(component, map.ComponentCount, bits) is not { } total)
        {
            reading.Warn(FormattableString.Invariant($"the densities 0x{component & 0xFF:X2} of the flash components mean nothing that is known"));
            return;
        }

        for (var i = 0; i < map.ComponentCount; i++)
        {
            reading.Part.Note(FormattableString.Invariant($"flash component {i}: {SizeOf(component >> (i * bits), 1, bits) >> 10} KiB"));
        }

        if (total != reading.Content.Length)
        {
            reading.Warn(FormattableString.Invariant($"the flash has {total} bytes by its descriptor, the image {reading.Content.Length}"));
        }
    }

    private static long? SizeOf(uint component, int count, int bits)
    {
        long total = 0;
        for (var i = 0; i < count; i++)
        {
            var code = (int)((component >> (i * bits)) & ((1u << bits) - 1));
            if (code > LargestDensityCode)
            {
                return null;
            }

            total += (long)SmallestDensity << code;
        }

        return total;
    }

    private static void ReadRegions(RomImageReading reading, ReadOnlySpan<byte> descriptor, Map map)
    {
        Span<(long Start, long End, int Number, int At)> regions = stackalloc (long, long, int, int)[MostRegions];
        var count = 0;
        for (var i = 0; i < map.RegionCount; i++)
        {
            var at = map.Regions + (i * sizeof(uint));
            var value = BinaryPrimitives.ReadUInt32LittleEndian(descriptor[at..]);
            var start = (long)(value & RegionMask) << RegionShift;
            var end = ((long)((value >> 16) & RegionMask) + 1) << RegionShift;

            // A region that is not there has a limit below its base, or of nothing.
            if (end <= start || (i != RegionDescriptor && value >> 16 == 0) || value == uint.MaxValue)
            {
                continue;
            }

            if (end > reading.Content.Length)
            {
                reading.Truncated($"the region {NameOf(i)} is to be at 0x{start:X} to 0x{end - 1:X}");
                end = reading.Content.Length;
            }

            if (start < end)
            {
                regions[count++] = (start, end, i, at);
            }
        }

        regions = regions[..count];
        if (count == 0 || regions[0] is not (0, _, RegionDescriptor, _))
        {
            reading.Malformed(map.Regions, $"the descriptor's own region does not begin at 0");
        }

        regions.Sort(static (a, b) => a.Start.CompareTo(b.Start));
        long done = 0;
        var previous = RegionDescriptor;
        foreach (var (start, end, number, at) in regions)
        {
            if (reading.IsOver)
            {
                return;
            }

            if (start < done)
            {
                reading.Malformed(at, $"the region {NameOf(number)} begins at 0x{start:X}, and {NameOf(previous)} ends at 0x{done:X}");
            }

            ReadGap(reading, done, start);
            ReadRegion(reading, start, end, number);
            if (end > done)
            {
                (done, previous) = (end, number);
            }
        }

        ReadGap(reading, done, reading.Content.Length);
    }

    private static void ReadGap(RomImageReading reading, long start, long end)
    {
        if (end > start)
        {
            reading.Add("data", start, end - start).Note("in no region");
        }
    }

    private static void ReadRegion(RomImageReading reading, long start, long end, int number)
    {
        var part = reading.Add("flash-region", start, end - start);
        part.Name = NameOf(number);
        if (number is RegionBios or RegionSecondBios)
        {
            if (reading.Slice(part, start, end - start) is { } inner && VolumeReader.ReadArea(inner) == 0)
            {
                reading.Warn($"no firmware volume is in the region {part.Name}");
            }
        }
        else if (number == RegionManagementEngine)
        {
            // The partition table of the engine's firmware, at the beginning or behind a bypass vector of 16 bytes.
            Span<byte> head = stackalloc byte[20];
            if (reading.Content.TryRead(start, head) && (head[..4].SequenceEqual("$FPT"u8) || head[16..].SequenceEqual("$FPT"u8)))
            {
                part.Note("partition table $FPT");
            }
        }
    }

    // Where the sections of the descriptor are.
    private readonly record struct Map(int Components, int ComponentCount, int Regions, int RegionCount)
    {
        public static Map? TryRead(RomImageReading reading, ReadOnlySpan<byte> descriptor, int at)
        {
            var map0 = BinaryPrimitives.ReadUInt32LittleEndian(descriptor[at..]);
            var map1 = BinaryPrimitives.ReadUInt32LittleEndian(descriptor[(at + 4)..]);
            var components = Base(map0);
            var regions = Base(map0 >> 16);
            var masters = Base(map1);
            var straps = Base(map1 >> 16);
            var count = (int)((map0 >> 8) & 3) + 1;
            if (count > 2)
            {
                reading.Malformed(at, $"the descriptor counts {count} flash components, and there can be 2");
                count = 2;
            }

            // The maps of masters and straps, which nothing here is read from, only have to be where no other is.
            var end = at + MapSize;
            foreach (var (name, value, where) in (ReadOnlySpan<(string, int, int)>)[("component", components, at), ("region", regions, at), ("master", masters, at + 4), ("strap", straps, at + 4)])
            {
                if (value != 0 && value < end)
                {
                    reading.Malformed(where, $"the {name} section of the descriptor is to be at 0x{value:X}, inside of its map");
                    return null;
                }
            }

            if (components == 0 || regions == 0)
            {
                reading.Malformed(at, $"the descriptor has no {(components == 0 ? "component" : "region")} section");
                return null;
            }

            var next = DescriptorSize;
            foreach (var other in (ReadOnlySpan<int>)[components, masters, straps])
            {
                if (other == regions)
                {
                    reading.Malformed(at, $"two sections of the descriptor are to be at 0x{other:X}");
                    return null;
                }

                next = other > regions ? Math.Min(next, other) : next;
            }

            // The count of regions in the map was left at 0 since the 100 series; the space up to the next section tells.
            var most = Math.Min(MostRegions, (next - regions) / sizeof(uint));
            var promised = (int)((map0 >> 24) & 7) + 1;
            return new(components, count, regions, promised > RegionsOfOldest || promised == 1 ? most : Math.Min(most, Math.Max(promised, RegionsOfOldest)));
        }

        private static int Base(uint bits) => (int)(bits & 0xFF) << 4;
    }
}
