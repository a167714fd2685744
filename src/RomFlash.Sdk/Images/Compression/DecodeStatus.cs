namespace RomFlash.Sdk.Images.Compression;

/// <summary>How a decoding ended.</summary>
internal enum DecodeStatus
{
    /// <summary>All of the output is there.</summary>
    Done = 0,

    /// <summary>The input ends before the output is complete.</summary>
    TruncatedInput,

    /// <summary>The input can't have been made by an encoder.</summary>
    Corrupt,

    /// <summary>It would decode to more than there is room for.</summary>
    OutputTooSmall,
}
