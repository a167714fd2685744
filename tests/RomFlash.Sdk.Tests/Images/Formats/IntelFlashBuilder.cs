using System.Buffers.Binary;

namespace RomFlash.Sdk.Tests.Images.Formats;

/// <summary>Builds flash images with an Intel descriptor, right ones and wrong ones.</summary>
internal sealed class IntelFlashBuilder
{
    public const int ComponentSection = 0x30;
    public const int RegionSection = 0x40;
    public const int MasterSection = 0x80;

    public const uint Unused = 0x0000_7FFF;

    /// <summary>Descriptor, BIOS in the second MiB, management engine between, as far as they are not set otherwise: base and limit in units of 4 KiB.</summary>
    public Dictionary<int, uint> Regions { get; } = new() { [0] = Region(0, 0), [1] = Region(0x80, 0xFF), [2] = Region(1, 0x7F) };

    public int Size { get; set; } = 1 << 20;

    public uint Map0 { get; set; } = (RegionSection >> 4 << 16) | (ComponentSection >> 4);

    public uint Map1 { get; set; } = (0x10u << 16) | (2u << 8) | (MasterSection >> 4);

    /// <summary>One component of 1 MiB, read at 20 MHz: the older descriptor.</summary>
    public uint Components { get; set; } = 1;

    public int SignatureOffset { get; set; } = 16;

    public byte[] Bios { get; set; } = FirmwareVolumeBuilder.With(FirmwareVolumeBuilder.Driver()).Build();

    public static uint Region(uint first, uint last) => first | (last << 16);

    public byte[] Build()
    {
        var flash = new byte[Size];
        flash.AsSpan().Fill(0xFF);
        BinaryPrimitives.WriteUInt32LittleEndian(flash.AsSpan(SignatureOffset), 0x0FF0_A55A);
        BinaryPrimitives.WriteUInt32LittleEndian(flash.AsSpan(SignatureOffset + 4), Map0);
        BinaryPrimitives.WriteUInt32LittleEndian(flash.AsSpan(SignatureOffset + 8), Map1);
        BinaryPrimitives.WriteUInt32LittleEndian(flash.AsSpan(SignatureOffset + 12), 0);
        BinaryPrimitives.WriteUInt32LittleEndian(flash.AsSpan(ComponentSection), Components);
        for (var i = 0; i < 16; i++)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(flash.AsSpan(RegionSection + (4 * i)), Regions.GetValueOrDefault(i, Unused));
        }

        var bios = (int)(Regions.GetValueOrDefault(1, Unused) & 0x7FFF) << 12;
        if (bios + Bios.Length <= flash.Length)
        {
            Bios.CopyTo(flash, bios);
        }

        return flash;
    }
}
