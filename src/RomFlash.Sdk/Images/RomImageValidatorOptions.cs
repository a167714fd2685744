namespace RomFlash.Sdk.Images;

/// <summary>Bounds of a <see cref="RomImageValidator"/>.</summary>
public sealed record RomImageValidatorOptions
{
    /// <summary>The largest image in bytes, at least 1. Default 256 MiB. A larger file is <see cref="Outcomes.ImageTooLarge"/>, and is not read.</summary>
    public long MaxLength
    {
        get;
        init
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(value, 1);
            field = value;
        }
    }

    = 256L << 20;
}
