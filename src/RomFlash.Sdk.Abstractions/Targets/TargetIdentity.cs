namespace RomFlash.Sdk.Targets;

/// <summary>Which machine it is. Texts come from the target: untrusted.</summary>
public sealed record TargetIdentity
{
    /// <summary>The SMBIOS UUID (SMBIOS 3.6, 7.2.1), or null when the target does not tell or gives a placeholder.</summary>
    public Guid? SmbiosUuid { get; init; }

    /// <summary>The serial number, or null.</summary>
    public string? SerialNumber { get; init; }

    /// <summary>The manufacturer, or null.</summary>
    public string? Manufacturer { get; init; }

    /// <summary>The product name, or null.</summary>
    public string? Product { get; init; }

    /// <summary>The SKU, or null.</summary>
    public string? Sku { get; init; }

    /// <summary>True when the machine can be told from another one: a UUID that is no placeholder, or a serial number.</summary>
    public bool IsIdentifying => UsableUuid is not null || !string.IsNullOrWhiteSpace(SerialNumber);

    // All zeros and all ones mean "not set" (SMBIOS 3.6, 7.2.1).
    private Guid? UsableUuid => SmbiosUuid is { } id && id != Guid.Empty && id != Guid.AllBitsSet ? id : null;

    /// <summary>Whether both describe the same machine. Evidence that one of them lacks is no evidence: the answer is then unknown.</summary>
    /// <param name="other">The other identity.</param>
    /// <returns>Different as soon as anything that both know differs; same only when they agree on a UUID or a serial number.</returns>
    public IdentityMatch CompareWith(TargetIdentity other)
    {
        ArgumentNullException.ThrowIfNull(other);
        var uuids = UsableUuid is { } a && other.UsableUuid is { } b ? a == b : (bool?)null;
        var serials = Same(SerialNumber, other.SerialNumber);
        if (uuids is false || serials is false || Same(Manufacturer, other.Manufacturer) is false || Same(Product, other.Product) is false)
        {
            return IdentityMatch.Different;
        }

        return uuids is true || serials is true ? IdentityMatch.Same : IdentityMatch.Unknown;
    }

    private static bool? Same(string? a, string? b) =>
        string.IsNullOrWhiteSpace(a) || string.IsNullOrWhiteSpace(b) ? null : string.Equals(a, b, StringComparison.Ordinal);
}

/// <summary>What a comparison of two identities tells.</summary>
public enum IdentityMatch
{
    /// <summary>There is not enough to tell.</summary>
    Unknown = 0,

    /// <summary>The same machine.</summary>
    Same,

    /// <summary>Another machine.</summary>
    Different,
}

/// <summary>A value that changes with every boot of the target. Untrusted text.</summary>
/// <param name="Value">The value; compared as it is.</param>
public sealed record BootIdentity(string Value)
{
    /// <summary>
    /// Who counts the boots: empty for the target's own system, otherwise a short lower-case name such as <c>redfish</c>. A target may be asked at several places,
    /// and when one of them is away another answers with a value of its own, which tells nothing beside the first one's.
    /// </summary>
    public string Source { get; init; } = string.Empty;

    /// <summary>Whether both are of the same boot.</summary>
    /// <param name="other">The other one.</param>
    /// <returns>Null when they come from two sources: then nobody can say.</returns>
    public bool? IsSameBootAs(BootIdentity other)
    {
        ArgumentNullException.ThrowIfNull(other);
        return string.Equals(Source, other.Source, StringComparison.Ordinal) ? string.Equals(Value, other.Value, StringComparison.Ordinal) : null;
    }
}
