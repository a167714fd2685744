namespace RomFlash.Sdk.Compatibility.Import;

/// <summary>A component as it stands in the metadata, not judged yet.</summary>
internal sealed class LvfsComponent
{
    public string Id { get; set; } = string.Empty;

    public bool HasBranch { get; set; }

    /// <summary>An element whose text says something holds elements: what it says then is not known here.</summary>
    public bool IsNested { get; set; }

    public List<string> Firmware { get; } = [];

    public List<string> Categories { get; } = [];

    public List<string> Formats { get; } = [];

    public List<string> Protocols { get; } = [];

    public List<LvfsRequirement> Requirements { get; } = [];

    public List<LvfsRelease> Releases { get; } = [];
}

/// <summary>A requirement: the element's name, its text and what it compares with.</summary>
internal sealed record LvfsRequirement(string Kind, string Text, string? Compare, string? Version, string? Depth);

/// <summary>A release as it stands in the metadata.</summary>
internal sealed class LvfsRelease
{
    public string Version { get; init; } = string.Empty;

    public string? Type { get; init; }

    public string? Tag { get; init; }

    public List<string> ContentSha256 { get; } = [];

    public List<string> InstalledSizes { get; } = [];
}
