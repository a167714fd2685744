using System.Collections.Immutable;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Pipeline;
using RomFlash.Sdk.Probing;

namespace RomFlash.Sdk.Compatibility;

/// <summary>Decides which ROM may go on which target.</summary>
/// <remarks>Thread-safe: one instance serves many targets at once.</remarks>
public interface ICompatibilityCatalog
{
    /// <summary>Decides for each installed ROM of a target.</summary>
    /// <param name="query">The target, the images at hand and the policy.</param>
    /// <param name="cancellationToken">Cancelled by the caller.</param>
    /// <returns>The verdict, or why the catalog can't be used.</returns>
    ValueTask<FlashResult<CompatibilityVerdict>> EvaluateAsync(CompatibilityQuery query, CancellationToken cancellationToken);
}

/// <summary>What a catalog is asked.</summary>
/// <param name="Report">The target.</param>
/// <param name="Images">The validated images at hand.</param>
/// <param name="Policy">What the caller allows.</param>
public sealed record CompatibilityQuery(TargetReport Report, ImmutableArray<RomImage> Images, FlashPolicy Policy);

/// <summary>A catalog's word on one installed ROM.</summary>
public enum RomDecision
{
    /// <summary>The catalog has nothing to say on this ROM, or no image at hand is meant for it.</summary>
    NotApplicable = 0,

    /// <summary>The upgrade is allowed.</summary>
    Approved,

    /// <summary>The version is installed already.</summary>
    AlreadyCurrent,

    /// <summary>The catalog does not support this ROM or this controller with any image at hand.</summary>
    NotSupported,

    /// <summary>The image is older than the installed version.</summary>
    Downgrade,

    /// <summary>The installed version is unknown or can't be compared.</summary>
    UnknownVersion,

    /// <summary>The image is below the lowest version that the installed release accepts; asking for a downgrade does not help.</summary>
    BelowLowestSupported,
}

/// <summary>What it takes until a release runs.</summary>
public enum RebootNeed
{
    /// <summary>A restart.</summary>
    Restart = 0,

    /// <summary>The power has to be off for a moment: a restart alone leaves the old version running.</summary>
    PowerCycle,
}

/// <summary>An image for disaster recovery, as a catalog describes it.</summary>
/// <param name="Sha256">The SHA-256 of the image.</param>
/// <param name="Length">The image's length in bytes.</param>
/// <param name="Name">Its name for people, or empty. Untrusted text.</param>
public sealed record RecoveryImage(ContentDigest Sha256, long Length, string Name);

/// <summary>What a catalog lacks that was accepted by an explicit option.</summary>
public enum CatalogWeakness
{
    /// <summary>It has no signature.</summary>
    Unsigned = 0,

    /// <summary>Its time has passed.</summary>
    Expired,

    /// <summary>A newer one was seen before.</summary>
    OlderThanSeen,
}

/// <summary>Where an answer comes from: which catalog, in which state, and who vouches for it.</summary>
/// <param name="Name">The catalog's name. Untrusted text.</param>
/// <param name="Sha256">The SHA-256 of the catalog's bytes; a plan is bound to it.</param>
public sealed record CatalogProvenance(string Name, ContentDigest Sha256)
{
    /// <summary>The catalog's serial, which grows with every edition, or null.</summary>
    public long? Serial { get; init; }

    /// <summary>Until when its maker vouches for it, in UTC, or null.</summary>
    public DateTimeOffset? Expires { get; init; }

    /// <summary>The subject of the certificate that signed it; empty when it is not signed, or nobody checked. Untrusted text.</summary>
    public string SignedBy { get; init; } = string.Empty;

    /// <summary>What it lacks, and the caller accepted by an explicit option.</summary>
    public ImmutableArray<CatalogWeakness> Accepted { get; init; } = [];
}

/// <summary>A released ROM, as a catalog describes it.</summary>
public sealed record RomRelease
{
    /// <summary>The SHA-256 of the image.</summary>
    public required ContentDigest Sha256 { get; init; }

    /// <summary>The image's length in bytes.</summary>
    public required long Length { get; init; }

    /// <summary>The version as the release names it.</summary>
    public required RomVersion Version { get; init; }

    /// <summary>What each fact source reports once this release runs. Without an entry for a source that the target has, no outcome can be confirmed.</summary>
    public required ImmutableArray<ReportedVersion> ReportedAs { get; init; }

    /// <summary>The lowest version that must be installed before this release, by fact source; empty when any will do.</summary>
    public ImmutableArray<ReportedVersion> RequiredMinimum { get; init; } = [];

    /// <summary>The lowest version that the firmware accepts once this release is in place, by fact source; empty when the catalog does not say.</summary>
    public ImmutableArray<ReportedVersion> LowestSupported { get; init; } = [];

    /// <summary>What it takes until this release runs.</summary>
    public RebootNeed Reboot { get; init; }

    /// <summary>The image that brings a target back after a failed flash of this release, or null when the catalog names none.</summary>
    public RecoveryImage? Recovery { get; init; }

    /// <summary>Notes for people. Untrusted text.</summary>
    public string Notes { get; init; } = string.Empty;

    /// <summary>Gives what a source reports once this release runs.</summary>
    /// <param name="source">The source.</param>
    /// <returns>The version, or null.</returns>
    public RomVersion? ReportedBy(FactSource source) => ReportedAs.IsDefault ? null : ReportedAs.FirstOrDefault(r => r.Source == source)?.Version;
}

/// <summary>An image that must not be flashed.</summary>
/// <param name="Sha256">Its SHA-256.</param>
/// <param name="Why">Why, for people. Untrusted text.</param>
public sealed record WithdrawnRelease(ContentDigest Sha256, string Why);

/// <summary>A catalog's word on one installed ROM, with its reasons.</summary>
public sealed record ComponentVerdict
{
    /// <summary>The id of the installed ROM.</summary>
    public required string ComponentId { get; init; }

    /// <summary>The decision.</summary>
    public required RomDecision Decision { get; init; }

    /// <summary>The releases to flash one after the other, stepping stones first; empty unless approved or current.</summary>
    public ImmutableArray<RomRelease> Path { get; init; } = [];

    /// <summary>For an approved ROM the release that runs now, where exactly one of the catalog's releases for this ROM is reported like it; otherwise null.</summary>
    public RomRelease? Installed { get; init; }

    /// <summary>Why, for people. Untrusted text.</summary>
    public ImmutableArray<string> Reasons { get; init; } = [];

    /// <summary>The catalog's entries that come nearest, where it has none for this ROM; for people. Untrusted text.</summary>
    public ImmutableArray<string> Nearest { get; init; } = [];
}

/// <summary>What a catalog answered; anybody can construct it. <see cref="ApprovedUpgrade.TryCreate"/> turns it into a key.</summary>
public sealed record CompatibilityVerdict
{
    /// <summary>Whether the catalog lists the target as supported.</summary>
    public required bool IsTargetSupported { get; init; }

    /// <summary>One entry for each installed ROM.</summary>
    public ImmutableArray<ComponentVerdict> Components { get; init; } = [];

    /// <summary>The images at hand that no release of the catalog has.</summary>
    public ImmutableArray<ContentDigest> UnknownImages { get; init; } = [];

    /// <summary>Those of the images at hand that must not be flashed, whether a release has them or not. No <see cref="ComponentVerdict.Path"/> of an approved ROM has one.</summary>
    public ImmutableArray<WithdrawnRelease> WithdrawnImages { get; init; } = [];

    /// <summary>The images at hand that are for this target's ROMs, but have no part in any <see cref="ComponentVerdict.Path"/> now: a stepping stone that was passed, or a lower version.</summary>
    public ImmutableArray<ContentDigest> UnneededImages { get; init; } = [];

    /// <summary>Which catalogs answered, the strongest layer first; empty where the implementation has none to name, and then no plan can be bound to it.</summary>
    public ImmutableArray<CatalogProvenance> Catalogs { get; init; } = [];

    /// <summary>
    /// The fewest boots that all approved paths take on this target, as it can take one ROM or several at a boot, in flashing order; 0 when nothing is approved.
    /// </summary>
    public int Boots { get; init; }

    /// <summary>Reasons that concern the whole target, for people. Untrusted text.</summary>
    public ImmutableArray<string> Reasons { get; init; } = [];

    /// <summary>The supported systems that come nearest, where the target is not one of them; for people. Untrusted text.</summary>
    public ImmutableArray<string> Nearest { get; init; } = [];
}
