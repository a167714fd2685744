using RomFlash.Sdk.Images.Formats.FirmwareVolumes;

namespace RomFlash.Sdk.Images.Formats;

/// <summary>
/// Raw flash images of UEFI firmware: firmware volumes at any place (UEFI PI 1.8, volume 3, 3.2), with their files, sections and what is compressed in them;
/// every sum of headers and data is checked.
/// </summary>
/// <remarks>Thread-safe and without state.</remarks>
public sealed class FirmwareVolumeFormat : IRomImageFormat
{
    /// <inheritdoc/>
    public string Name => "firmware-volume";

    /// <inheritdoc/>
    public RomRecognition Recognize(IRomImageContent content)
    {
        ArgumentNullException.ThrowIfNull(content);
        if (IntelFlashDescriptorFormat.IsDescriptor(content))
        {
            return RomRecognition.None;
        }

        if (VolumeHeader.TryRead(content, 0, out _))
        {
            return RomRecognition.Signature;
        }

        for (var at = 0L; VolumeHeader.FindSignature(content, at) is >= 0 and var found; at = found + VolumeHeader.Alignment)
        {
            if (VolumeHeader.TryRead(content, found, out var header) && header.SumHolds(content))
            {
                return RomRecognition.Structure;
            }
        }

        return RomRecognition.None;
    }

    /// <inheritdoc/>
    public void Read(RomImageReading reading)
    {
        ArgumentNullException.ThrowIfNull(reading);
        if (reading.Nesting == 0)
        {
            reading.Identity = new() { Kind = RomKind.SystemRom };
        }

        new VolumeReader(reading.CancellationToken).ReadAll(reading);
    }
}
