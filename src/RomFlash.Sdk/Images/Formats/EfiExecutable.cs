using System.Buffers.Binary;

namespace RomFlash.Sdk.Images.Formats;

/// <summary>
/// Looks at the outline of an EFI driver: a PE32 or PE32+ executable (UEFI 2.10, 2.1.1; PE Format, 3). Headers and sections have to lie in what is there, which is what
/// firmware looks at before it loads one.
/// </summary>
internal static class EfiExecutable
{
    // MS-DOS header: where the PE header is. PE header: signature, COFF header. Optional header: magic, subsystem, directories.
    private const int PointerOffset = 0x3C;
    private const int HeaderSize = 24;
    private const int MachineOffset = 4;
    private const int SectionCountOffset = 6;
    private const int OptionalSizeOffset = 20;
    private const int SubsystemOffset = 68;
    private const int SectionSize = 40;
    private const int RawSizeOffset = 16;
    private const int MaxSections = 96;

    // IMAGE_SUBSYSTEM_EFI_BOOT_SERVICE_DRIVER and IMAGE_SUBSYSTEM_EFI_RUNTIME_DRIVER.
    private const ushort BootServiceDriver = 11;
    private const ushort RuntimeDriver = 12;

    /// <summary>Checks the outline, and notes what it is.</summary>
    /// <param name="reading">The reading.</param>
    /// <param name="part">The part that stands for the executable.</param>
    /// <param name="at">Where it begins in the content.</param>
    /// <param name="length">How many bytes there are for it; what follows the executable in them is padding.</param>
    /// <param name="machine">The machine that whatever holds it says it is for, or null.</param>
    public static void Check(RomImageReading reading, RomPartBuilder part, long at, long length, ushort? machine)
    {
        Span<byte> dos = stackalloc byte[PointerOffset + sizeof(uint)];
        if (length < dos.Length || !reading.Content.TryRead(at, dos) || !dos.StartsWith("MZ"u8))
        {
            reading.Malformed(at, $"the EFI image is no executable");
            return;
        }

        long pointer = BinaryPrimitives.ReadUInt32LittleEndian(dos[PointerOffset..]);
        Span<byte> header = stackalloc byte[HeaderSize];
        if (pointer > length - HeaderSize || !reading.Content.TryRead(at + pointer, header) || !header.StartsWith("PE\0\0"u8))
        {
            reading.Malformed(at + PointerOffset, $"the EFI image has no PE header at 0x{pointer:X} of its 0x{length:X} bytes");
            return;
        }

        var own = BinaryPrimitives.ReadUInt16LittleEndian(header[MachineOffset..]);
        part.Note(FormattableString.Invariant($"PE, machine 0x{own:X4}"));
        if (machine is { } expected && expected != own)
        {
            reading.Malformed(at + pointer + MachineOffset, $"the EFI image is for machine 0x{own:X4}, and what holds it says 0x{expected:X4}");
        }

        NoteSubsystem(reading, part, at + pointer + HeaderSize);
        CheckSections(reading, at, length, pointer, header);
    }

    private static void NoteSubsystem(RomImageReading reading, RomPartBuilder part, long optional)
    {
        Span<byte> field = stackalloc byte[sizeof(ushort)];
        if (!reading.Content.TryRead(optional + SubsystemOffset, field))
        {
            return;
        }

        var subsystem = BinaryPrimitives.ReadUInt16LittleEndian(field);
        part.Note(subsystem switch
        {
            BootServiceDriver => "boot service driver",
            RuntimeDriver => "runtime driver",
            _ => FormattableString.Invariant($"subsystem {subsystem}"),
        });
        if (subsystem is not (BootServiceDriver or RuntimeDriver))
        {
            reading.Warn($"{reading.Where(optional)}: the EFI image is no driver, which firmware does not run");
        }
    }

    private static void CheckSections(RomImageReading reading, long at, long length, long pointer, ReadOnlySpan<byte> header)
    {
        int count = BinaryPrimitives.ReadUInt16LittleEndian(header[SectionCountOffset..]);
        var table = pointer + HeaderSize + BinaryPrimitives.ReadUInt16LittleEndian(header[OptionalSizeOffset..]);
        if (count > MaxSections || table + (count * SectionSize) > length)
        {
            reading.Malformed(at + pointer + SectionCountOffset, $"the EFI image has {count} sections, whose headers at 0x{table:X} do not lie in its 0x{length:X} bytes");
            return;
        }

        Span<byte> section = stackalloc byte[SectionSize];
        for (var i = 0; i < count && !reading.IsOver; i++)
        {
            var place = at + table + (i * SectionSize);
            if (!reading.Content.TryRead(place, section))
            {
                return;
            }

            long size = BinaryPrimitives.ReadUInt32LittleEndian(section[RawSizeOffset..]);
            long start = BinaryPrimitives.ReadUInt32LittleEndian(section[(RawSizeOffset + sizeof(uint))..]);
            if (size > 0 && start > 0 && start + size > length)
            {
                reading.Malformed(place + RawSizeOffset, $"section {i} of the EFI image has 0x{size:X} bytes at 0x{start:X}, and the image 0x{length:X}");
            }
        }
    }
}
