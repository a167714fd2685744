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

    /// <summary>The input says that it is complete, and it decoded to less than was announced.</summary>
    OutputTooLarge,
}

/// <summary>How a decoding ended, and where.</summary>
/// <param name="Status">How.</param>
/// <param name="Consumed">How many bytes of input were used, at least 0; where the problem was met when there is one.</param>
/// <param name="Written">How many bytes of output are good, at least 0. What lies behind them in the output is undefined.</param>
internal readonly record struct DecodeResult(DecodeStatus Status, int Consumed, int Written);
