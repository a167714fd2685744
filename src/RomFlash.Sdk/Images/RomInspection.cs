namespace RomFlash.Sdk.Images;

/// <summary>How deep an image is looked into.</summary>
public enum RomInspectionDepth
{
    /// <summary>Everything: what is compressed is decoded, and what is inside is checked too.</summary>
    Full = 0,

    /// <summary>The structure and all sums of what lies in the file as it is; nothing is decoded, and payloads of packages are not extracted.</summary>
    Outer,
}

/// <summary>What an inspection is asked for. The default is what a validation does.</summary>
public sealed record RomInspection
{
    /// <summary>How deep to look.</summary>
    public RomInspectionDepth Depth { get; init; }

    /// <summary>Whether the SHA-256 of the whole is computed, and what was parsed compared with what was digested. Without it nobody vouches that the file stayed the same meanwhile.</summary>
    public bool WithDigest { get; init; } = true;
}
