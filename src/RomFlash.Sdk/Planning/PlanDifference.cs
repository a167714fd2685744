using RomFlash.Sdk.Outcomes;

namespace RomFlash.Sdk.Planning;

/// <summary>One place where two plans, or a plan and what is there now, differ.</summary>
/// <param name="Where">The place, such as <c>targets/web-1/roms/system/installed/smbios/version</c>. May quote ids: untrusted text.</param>
/// <param name="Was">What the older plan holds, or null where it has nothing. Untrusted text.</param>
/// <param name="Is">What the newer one holds, or null where it has nothing. Untrusted text.</param>
public sealed record PlanDifference(string Where, string? Was, string? Is)
{
    /// <summary>The place and both values in one line; control characters are escaped.</summary>
    /// <returns>Text for a terminal or a log.</returns>
    public override string ToString() => UntrustedText.ForTerminal((Was, Is) switch
    {
        (null, _) => $"{Where}: is '{Is}', was not there",
        (_, null) => $"{Where}: was '{Was}', is not there",
        _ => $"{Where}: was '{Was}', is '{Is}'",
    });
}
