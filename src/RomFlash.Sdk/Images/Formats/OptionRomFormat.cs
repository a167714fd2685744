using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Text;
using RomFlash.Sdk.Images.Compression;

namespace RomFlash.Sdk.Images.Formats;

/// <summary>
/// Expansion ROMs of PCI and ISA cards: array controllers, network adapters, graphics (PCI Firmware 3.3, 5.1; UEFI 2.10, 14.4.2 for EFI images). Follows the
/// chain of images, checks each sum, and tells the devices.
/// </summary>
/// <remarks>
/// Thread-safe and without state. Only images for the PC (code type 0) and ISA ROMs have a sum: the others may keep one, and then it is noted. What is behind the
/// last image is told, and is no mistake: makers put their own data there.
/// </remarks>
public sealed class OptionRomFormat : IRomImageFormat
{
    /// <summary>The most images of a chain. In use there are two or three.</summary>
    public const int MaxImages = 32;

    private const int Unit = 512;
    private const int HeaderSize = 0x1C;
    private const int DataStructurePointer = 0x18;
    private const int DataStructureSize = 24;
    private const int LastImage = 0x80;
    private const byte CodeTypeX86 = 0;
    private const byte CodeTypeEfi = 3;
    private const uint EfiSignature = 0x0EF1;
    private const int MostListed = 1024;
    private const byte MassStorage = 0x01;

    // Plug and Play expansion header (Plug and Play BIOS 1.0A, 3.2): where the first one is; manufacturer and product, as places in the image.
    private const int PnpPointer = 0x1A;
    private const int PnpHeaderSize = 32;
    private const int MaxPnpHeaders = 16;
    private const int MaxPnpText = 64;

    private static ReadOnlySpan<byte> Signature => [0x55, 0xAA];

    /// <inheritdoc/>
    public string Name => "option-rom";

    /// <inheritdoc/>
    public RomRecognition Recognize(IRomImageContent content)
    {
        ArgumentNullException.ThrowIfNull(content);
        Span<byte> head = stackalloc byte[2];
        if (!content.TryRead(0, head) || !head.SequenceEqual(Signature))
        {
            return RomRecognition.None;
        }

        // Two bytes are no signature to rely on: a PCI data structure is, or a sum that holds over a length that fits.
        return FindDataStructure(content, 0) is not null ? RomRecognition.Signature
            : IsaLength(content) is { } length && length <= content.Length && content.Length - length < Unit && ContentRanges.Sum8(content, 0, length) == 0 ? RomRecognition.Structure
            : RomRecognition.Convention;
    }

    /// <inheritdoc/>
    public void Read(RomImageReading reading)
    {
        ArgumentNullException.ThrowIfNull(reading);
        if (FindDataStructure(reading.Content, 0) is null)
        {
            ReadIsa(reading);
            return;
        }

        var devices = ImmutableArray.CreateBuilder<PciId>();
        var kinds = new HashSet<RomKind>();
        var content = reading.Content;
        long at = 0;
        for (var images = 0; ; images++)
        {
            if (images == MaxImages)
            {
                reading.GiveUp(at, $"the chain has more than {MaxImages} images");
                return;
            }

            if (FindDataStructure(content, at) is not { } structure)
            {
                if (content.Length - at < Unit)
                {
                    reading.Truncated($"the chain of images goes on at 0x{at:X}");
                    return;
                }

                reading.Malformed(at, $"the chain goes on here, and there is no image with a PCI data structure");
                return;
            }

            var image = ReadImage(reading, at, structure, devices, kinds);
            if (image is not { } found)
            {
                return;
            }

            at += found.Length;
            if (found.IsLast)
            {
                break;
            }
        }

        ReadRest(reading, at);
        reading.Identity = new()
        {
            // Never none: a ROM of a card does not fit a system ROM's slot.
            Kind = kinds.Count == 1 ? kinds.First() : RomKind.Other,
            PciIds = [.. devices.Distinct()],
        };
    }

    private static void ReadRest(RomImageReading reading, long at)
    {
        var rest = reading.Content.Length - at;
        if (rest <= 0)
        {
            return;
        }

        Span<byte> first = stackalloc byte[1];
        reading.Content.TryRead(at, first);
        if (first[0] is 0xFF or 0 && ContentRanges.IndexOfAnyExcept(reading.Content, at, rest, first[0]) < 0)
        {
            reading.Add("padding", at, rest);
            return;
        }

        reading.Add("data", at, rest).Note("behind the last image; not checked");
        reading.Warn($"{reading.Where(at)}: something follows the last image that is no padding");
    }

    // The place of the PCI data structure of the image at an offset; null when there is none.
    private static long? FindDataStructure(IRomImageContent content, long at)
    {
        Span<byte> head = stackalloc byte[HeaderSize];
        Span<byte> signature = stackalloc byte[4];
        if (!content.TryRead(at, head) || !head[..2].SequenceEqual(Signature))
        {
            return null;
        }

        int pointer = BinaryPrimitives.ReadUInt16LittleEndian(head[DataStructurePointer..]);
        return pointer >= HeaderSize && content.TryRead(at + pointer, signature) && signature.SequenceEqual("PCIR"u8) ? at + pointer : null;
    }

    private static long? IsaLength(IRomImageContent content)
    {
        Span<byte> head = stackalloc byte[3];
        return content.TryRead(0, head) && head[2] > 0 ? head[2] * Unit : null;
    }

    private static void ReadIsa(RomImageReading reading)
    {
        if (IsaLength(reading.Content) is not { } length)
        {
            reading.Malformed(2, $"the image has a length of 0");
            return;
        }

        if (length > reading.Content.Length)
        {
            reading.Truncated($"the image says it has {length} bytes");
            return;
        }

        var part = reading.Add("isa-rom-image", 0, length);
        reading.Check(part, "sum8", 0, length, 0, ContentRanges.Sum8(reading.Content, 0, length), 2);
        ReadPnp(reading, part, 0, length);
        ReadRest(reading, length);
        reading.Identity = new() { Kind = RomKind.Other };
    }

    private static (long Length, bool IsLast)? ReadImage(RomImageReading reading, long at, long structure, ImmutableArray<PciId>.Builder devices, HashSet<RomKind> kinds)
    {
        var content = reading.Content;
        Span<byte> data = stackalloc byte[DataStructureSize];
        if (!content.TryRead(structure, data))
        {
            reading.Truncated($"the PCI data structure at 0x{structure:X} has {DataStructureSize} bytes");
            return null;
        }

        var length = BinaryPrimitives.ReadUInt16LittleEndian(data[16..]) * (long)Unit;
        var (codeType, isLast) = (data[20], (data[21] & LastImage) != 0);
        var structureLength = BinaryPrimitives.ReadUInt16LittleEndian(data[10..]);
        if (length == 0)
        {
            reading.Malformed(structure + 16, $"the image has a length of 0");
            return null;
        }

        if (structureLength < DataStructureSize || structure + structureLength > at + length)
        {
            reading.Malformed(structure + 10, $"the image has 0x{length:X} bytes and a data structure of 0x{structureLength:X} bytes at 0x{structure - at:X} of it");
            return null;
        }

        if (length > content.Length - at)
        {
            reading.Truncated($"the image at 0x{at:X} has 0x{length:X} bytes");
            return null;
        }

        var part = reading.Add("option-rom-image", at, length);
        part.Name = codeType switch { CodeTypeX86 => "x86", 1 => "Open Firmware", 2 => "HP PA-RISC", CodeTypeEfi => "EFI", _ => FormattableString.Invariant($"code type 0x{codeType:X2}") };
        var device = new PciId(BinaryPrimitives.ReadUInt16LittleEndian(data[4..]), BinaryPrimitives.ReadUInt16LittleEndian(data[6..]));
        part.Pci = device;
        devices.Add(device);
        part.Version = FormattableString.Invariant($"0x{BinaryPrimitives.ReadUInt16LittleEndian(data[18..]):X4}");
        part.Note(FormattableString.Invariant($"class {data[15]:X2}{data[14]:X2}{data[13]:X2}"));
        kinds.Add(KindOf(data[15], data[14]));
        ReadDeviceList(reading, part, at, length, structure, data, devices);
        var sum = ContentRanges.Sum8(content, at, length);
        switch (codeType)
        {
            case CodeTypeX86:
                reading.Check(part, "sum8", at, length, 0, sum, 2);
                ReadPnp(reading, part, at, length);
                break;
            case CodeTypeEfi:
                part.Note(FormattableString.Invariant($"sum8 {sum:X2}, which an EFI image need not keep"));
                ReadEfi(reading, part, at, length);
                break;
            default:
                part.Note(FormattableString.Invariant($"sum8 {sum:X2}"));
                if (sum != 0)
                {
                    reading.Warn($"{reading.Where(at)}: the image is for {part.Name}, which has no sum that must hold: only a digest says whether it is whole");
                }

                break;
        }

        return (length, isLast);
    }

    // Mass storage that a controller of arrays calls itself (PCI Code and ID Assignment 1.11, 1.2): SCSI, RAID, SAS, other. Disks on their own (NVMe) and plain ports
    // (IDE, ATA, SATA) are none.
    private static RomKind KindOf(byte baseClass, byte subClass) => baseClass == MassStorage && subClass is 0x00 or 0x04 or 0x07 or 0x80 ? RomKind.ArrayController : RomKind.Other;

    // The chain of headers, each behind the one before it. Not every maker keeps its sum.
    private static void ReadPnp(RomImageReading reading, RomPartBuilder image, long at, long length)
    {
        Span<byte> pointer = stackalloc byte[sizeof(ushort)];
        Span<byte> header = stackalloc byte[PnpHeaderSize];
        if (!reading.Content.TryRead(at + PnpPointer, pointer))
        {
            return;
        }

        int offset = BinaryPrimitives.ReadUInt16LittleEndian(pointer);
        var last = 0;
        for (var i = 0; i < MaxPnpHeaders && offset > last && offset <= length - PnpHeaderSize; i++)
        {
            if (!reading.Content.TryRead(at + offset, header) || !header.StartsWith("$PnP"u8))
            {
                return;
            }

            var part = reading.Add("pnp-header", at + offset, PnpHeaderSize, image);
            part.Name = TextAt(reading, at, length, BinaryPrimitives.ReadUInt16LittleEndian(header[0x10..]));
            if (TextAt(reading, at, length, BinaryPrimitives.ReadUInt16LittleEndian(header[0x0E..])) is { Length: > 0 } maker)
            {
                part.Note($"by {maker}");
            }

            last = offset;
            offset = BinaryPrimitives.ReadUInt16LittleEndian(header[6..]);
        }
    }

    // A text that ends with 0, or none.
    private static string TextAt(RomImageReading reading, long at, long length, int offset)
    {
        Span<byte> bytes = stackalloc byte[MaxPnpText];
        bytes = bytes[..(int)Math.Clamp(length - offset, 0, bytes.Length)];
        if (offset == 0 || !reading.Content.TryRead(at + offset, bytes) || bytes.IndexOf((byte)0) is not (> 0 and var end))
        {
            return string.Empty;
        }

        return bytes[..end].ContainsAnyExceptInRange((byte)0x20, (byte)0x7E) ? string.Empty : Encoding.ASCII.GetString(bytes[..end]).Trim();
    }

    // Further devices, as ids that end with 0; since revision 3 of the structure.
    private static void ReadDeviceList(RomImageReading reading, RomPartBuilder part, long at, long length, long structure, ReadOnlySpan<byte> data, ImmutableArray<PciId>.Builder devices)
    {
        int offset = BinaryPrimitives.ReadUInt16LittleEndian(data[8..]);
        if (data[12] < 3 || offset == 0)
        {
            return;
        }

        var vendor = BinaryPrimitives.ReadUInt16LittleEndian(data[4..]);
        Span<byte> id = stackalloc byte[2];
        for (var i = 0; ; i++)
        {
            var place = structure + offset + (i * id.Length);
            if (i == MostListed || place + id.Length > at + length || !reading.Content.TryRead(place, id))
            {
                reading.Malformed(structure + 8, $"the list of devices does not end within the image");
                return;
            }

            if (BinaryPrimitives.ReadUInt16LittleEndian(id) is var next && next == 0)
            {
                return;
            }

            var device = new PciId(vendor, next);
            devices.Add(device);
            part.Note($"also for {device}");
        }
    }

    // EFI_PCI_EXPANSION_ROM_HEADER (UEFI 2.10, 14.4.2.1). Byte 2 is no size here but the lower half of one, and there is no sum.
    private static void ReadEfi(RomImageReading reading, RomPartBuilder part, long at, long length)
    {
        Span<byte> header = stackalloc byte[HeaderSize];
        reading.Content.TryRead(at, header);
        if (BinaryPrimitives.ReadUInt32LittleEndian(header[4..]) != EfiSignature)
        {
            reading.Malformed(at + 4, $"the image has the code type of EFI, and not its signature");
            return;
        }

        var own = BinaryPrimitives.ReadUInt16LittleEndian(header[2..]) * (long)Unit;
        if (own == 0 || own > length)
        {
            reading.Malformed(at + 2, $"the header says 0x{own:X} bytes, the data structure 0x{length:X}");
        }
        else if (own < length)
        {
            reading.Warn($"{reading.Where(at)}: the header of the EFI image says 0x{own:X} bytes, and the data structure 0x{length:X}");
        }

        var machine = BinaryPrimitives.ReadUInt16LittleEndian(header[10..]);
        var compression = BinaryPrimitives.ReadUInt16LittleEndian(header[12..]);
        long offset = BinaryPrimitives.ReadUInt16LittleEndian(header[22..]);
        part.Note(FormattableString.Invariant($"subsystem {BinaryPrimitives.ReadUInt16LittleEndian(header[8..])}, machine 0x{machine:X4}, compression {compression}"));
        if (offset < HeaderSize || offset >= length)
        {
            reading.Malformed(at + 22, $"the EFI image begins at 0x{offset:X}, which is not behind the header and in the image");
            return;
        }

        var executable = reading.Add("efi-executable", at + offset, length - offset, part);
        switch (compression)
        {
            case 0:
                EfiExecutable.Check(reading, executable, at + offset, length - offset, machine);
                break;
            case 1:
                Decode(reading, executable, at + offset, length - offset, machine);
                break;
            default:
                reading.Malformed(at + 12, $"the compression type {compression} is not known");
                break;
        }
    }

    private static void Decode(RomImageReading reading, RomPartBuilder part, long at, long length, ushort machine)
    {
        if (reading.Depth == RomInspectionDepth.Outer)
        {
            part.Note("not decoded");
            return;
        }

        Span<byte> head = stackalloc byte[TianoDecoder.HeaderSize];
        if (length < head.Length || !reading.Content.TryRead(at, head) || !TianoDecoder.TryReadHeader(head, length, out var decodedLength))
        {
            reading.Malformed(at, $"the header of the compressed data contradicts its {length} bytes");
            return;
        }

        var compressedLength = TianoDecoder.HeaderSize + (long)BinaryPrimitives.ReadUInt32LittleEndian(head);
        if (!reading.TryTake(at, compressedLength + decodedLength, decodedLength))
        {
            return;
        }

        var compressed = new byte[(int)compressedLength];
        var decoded = new byte[(int)decodedLength];
        if (reading.Content.TryRead(at, compressed))
        {
            var status = TianoDecoder.Decode(compressed, TianoVariant.Efi, decoded, out var consumed, reading.CancellationToken);
            if (status != DecodeStatus.Done)
            {
                reading.Malformed(at, $"the EFI image can't be decoded ({status}, after {consumed} bytes)");
            }
            else if (reading.Decoded(part, decoded) is { } inner)
            {
                EfiExecutable.Check(inner, part, 0, decoded.Length, machine);
            }
        }

        reading.GiveBack(compressedLength + decodedLength);
    }
}
