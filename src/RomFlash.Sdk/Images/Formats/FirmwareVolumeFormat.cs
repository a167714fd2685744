using RomFlash.Sdk.Images.Formats.FirmwareVolumes;

namespace RomFlash.Sdk.Images.Formats;

/// <summary>
/// Flash images of UEFI firmware: firmware volumes anywhere in the file, with the files and sections in them (UEFI PI 1.8, volume 3). All sums of volumes, files
/// and CRC-32 sections are checked, and what is compressed is decoded and read as well.
/// </summary>
/// <remarks>Thread-safe and without state. Time is in proportion to the content and what it decodes to, memory is bounded by <see cref="RomImageLimits"/>.</remarks>
public sealed class FirmwareVolumeFormat : IRomImageFormat
{
    /// <inheritdoc/>
    public string Name => "firmware-volume";

    /// <inheritdoc/>
    public RomRecognition Recognize(IRomImageContent content)
    {
        ArgumentNullException.ThrowIfNull(content);
        Span<byte> head = stackalloc byte[VolumeHeader.SignatureOffset + VolumeHeader.Signature.Length];
        if (!content.TryRead(0, head) || IntelFlashDescriptorFormat.IsDescriptor(content))
        {
            return RomRecognition.None;
        }

        return head[VolumeHeader.SignatureOffset..].SequenceEqual(VolumeHeader.Signature) ? RomRecognition.Signature
            : VolumeScan.FindNext(content, 0, mustVouch: true, out _, out _) >= 0 ? RomRecognition.Structure
            : RomRecognition.None;
    }

    /// <inheritdoc/>
    public void Read(RomImageReading reading)
    {
        ArgumentNullException.ThrowIfNull(reading);
        reading.Identity = new() { Kind = RomKind.SystemRom };
        if (VolumeReader.ReadArea(reading) == 0)
        {
            reading.Truncated($"a volume header has at least {VolumeHeader.FixedSize} bytes");
        }
    }
}
