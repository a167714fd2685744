namespace RomFlash.Sdk.Images.Formats.Packages;

/// <summary>Names of files in packages. Nothing is ever written under one of them; but whoever shows a name, or extracts by hand, must not be led elsewhere by it.</summary>
internal static class EntryName
{
    /// <summary>The longest name in characters.</summary>
    public const int MaxLength = 256;

    /// <summary>Why a name is refused, or null.</summary>
    public static string? WhyRefused(string name)
    {
        if (name.Length is 0 or > MaxLength)
        {
            return $"a name has 1 to {MaxLength} characters";
        }

        if (name[0] is '/' or '\\' || name.Contains('\\', StringComparison.Ordinal) || name.Contains(':', StringComparison.Ordinal) || name.Any(char.IsControl))
        {
            return "it is absolute, or holds what no plain name holds";
        }

        return name.Split('/').Any(p => p is "" or "." or "..") ? "it leads out of the package" : null;
    }
}
