namespace RomFlash.Sdk.Images;

/// <summary>
/// What bounds the reading of an image, so that hostile content can't take more. Images in use stay far below; what goes beyond is
/// <see cref="Outcomes.ImageTooLarge"/>, never taken for valid.
/// </summary>
public static class RomImageLimits
{
    /// <summary>The most parts of one report. A server's whole flash image has about 5,000.</summary>
    public const int MaxParts = 16_384;

    /// <summary>The most checks of one report.</summary>
    public const int MaxChecks = 2 * MaxParts;

    /// <summary>How deep parts may nest. A compressed volume in a volume in a capsule takes about 12.</summary>
    public const int MaxNesting = 32;

    /// <summary>The most problems that are kept; with the last of them the reading ends.</summary>
    public const int MaxProblems = 100;

    /// <summary>The most warnings that are kept.</summary>
    public const int MaxWarnings = 256;

    /// <summary>The most bytes that compressed parts and what they decode to may hold in memory at one time: 36 MiB.</summary>
    public const int MaxDecodedAtOnce = 36 << 20;

    /// <summary>The most bytes that all compressed parts of one image may decode to, together: 256 MiB. Bounds the time.</summary>
    public const long MaxDecodedInAll = 256L << 20;

    /// <summary>The most payloads of one package.</summary>
    public const int MaxPayloads = 64;
}
