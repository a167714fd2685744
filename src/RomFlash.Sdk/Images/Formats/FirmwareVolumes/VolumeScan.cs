namespace RomFlash.Sdk.Images.Formats.FirmwareVolumes;

/// <summary>Looks for volumes in a stretch of flash.</summary>
/// <remarks>Each place of the signature costs the reading of one header, so that a content full of signatures takes time in proportion to its length.</remarks>
internal static class VolumeScan
{
    /// <summary>Volumes begin at multiples of it (UEFI PI 1.8, volume 3, 3.2.1).</summary>
    public const int Alignment = 8;

    /// <summary>Finds the next volume.</summary>
    /// <param name="content">The content.</param>
    /// <param name="offset">Where to begin.</param>
    /// <param name="mustVouch">Whether only whole headers count, and not damaged ones.</param>
    /// <param name="fill">The byte that all bytes before the volume are, or null where they are not the same.</param>
    /// <param name="header">The header.</param>
    /// <returns>Where the volume begins, or -1.</returns>
    public static long FindNext(IRomImageContent content, long offset, bool mustVouch, out byte? fill, out VolumeHeader header)
    {
        fill = null;
        header = default;
        var isFilled = true;
        using var steps = new ContentSteps(content, offset, content.Length - offset, VolumeHeader.Signature.Length - 1);
        while (steps.TryNext(out var bytes))
        {
            // Padding is most of a flash image, and one pass is enough for it.
            if (isFilled)
            {
                fill ??= bytes[0];
                if (bytes.IndexOfAnyExcept(fill.GetValueOrDefault()) < 0)
                {
                    continue;
                }

                isFilled = false;
            }

            for (var from = 0; ;)
            {
                var at = bytes[from..].IndexOf(VolumeHeader.Signature);
                if (at < 0)
                {
                    break;
                }

                var start = steps.Start + from + at - VolumeHeader.SignatureOffset;
                from += at + 1;
                if (start < offset || start % Alignment != 0 || !VolumeHeader.TryRead(content, start, out header))
                {
                    continue;
                }

                var space = content.Length - start;
                if (header.Vouches(space) || (!mustVouch && header.IsCredible(space)))
                {
                    fill = IsFilled(content, offset, start, fill) ? fill : null;
                    return start;
                }
            }
        }

        fill = isFilled ? fill : null;
        return -1;
    }

    // The stretch before a volume ends where the volume begins, and not where the step did that it was found in.
    private static bool IsFilled(IRomImageContent content, long offset, long end, byte? fill) =>
        end > offset && ContentRanges.IndexOfAnyExcept(content, offset, end - offset, fill.GetValueOrDefault()) < 0;
}
