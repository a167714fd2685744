using System.Collections.Immutable;
using RomFlash.Sdk.Compatibility;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Pipeline;
using RomFlash.Sdk.Probing;
using RomFlash.Sdk.Scheduling;
using RomFlash.Sdk.Targets;
using RomFlash.Sdk.Transports;

namespace RomFlash.Sdk.Planning;

/// <summary>What a plan holds for a target.</summary>
public enum PlannedStanding
{
    /// <summary>Something speaks against it; it is asked again when the plan is carried out, and nothing is flashed that the plan does not hold.</summary>
    Refused = 0,

    /// <summary>Everything is installed already.</summary>
    Current,

    /// <summary>It will be flashed.</summary>
    Ready,
}

/// <summary>An endpoint, without credentials.</summary>
/// <param name="Address">The address.</param>
/// <param name="Credentials">The name that the credential source understands, or null.</param>
public sealed record PlannedEndpoint(string Address, string? Credentials);

/// <summary>When a target may be armed and restarted.</summary>
/// <param name="Opens">When it opens, in UTC.</param>
/// <param name="Closes">When it closes, in UTC.</param>
public sealed record PlannedWindow(DateTimeOffset Opens, DateTimeOffset Closes);

/// <summary>A release that will be flashed.</summary>
/// <param name="Sha256">The SHA-256 of its image.</param>
/// <param name="Length">The image's length in bytes.</param>
/// <param name="Version">The version as the release names it.</param>
/// <param name="ReportedAs">What each source has to report once it runs.</param>
public sealed record PlannedRelease(ContentDigest Sha256, long Length, RomVersion Version, ImmutableArray<ReportedVersion> ReportedAs);

/// <summary>An installed ROM, and what becomes of it.</summary>
public sealed record PlannedRom
{
    /// <summary>The installed ROM's id.</summary>
    public required string Id { get; init; }

    /// <summary>Its kind.</summary>
    public required RomKind Kind { get; init; }

    /// <summary>Its ESRT firmware class, or null.</summary>
    public Guid? FirmwareClass { get; init; }

    /// <summary>Its PCI device, or null.</summary>
    public string? Pci { get; init; }

    /// <summary>What is installed, by source; empty when unknown.</summary>
    public ImmutableArray<ReportedVersion> Installed { get; init; } = [];

    /// <summary>The lowest version that the installed firmware accepts, or null when unknown.</summary>
    public RomVersion? LowestSupported { get; init; }

    /// <summary>The catalog's word.</summary>
    public required RomDecision Decision { get; init; }

    /// <summary>The releases to flash one after the other, stepping stones first; empty unless approved.</summary>
    public ImmutableArray<PlannedRelease> Path { get; init; } = [];
}

/// <summary>What speaks against a target.</summary>
/// <param name="Name">The blocker's name.</param>
/// <param name="Code">The code of the failure, such as <c>RF4001</c>.</param>
/// <param name="Message">The failure's message, escaped for a terminal.</param>
/// <param name="CanBeWaived">Whether policy may set it aside.</param>
public sealed record PlannedBlocker(string Name, string Code, string Message, bool CanBeWaived);

/// <summary>The volume that will hold the deposit.</summary>
/// <param name="Location">Where it is. Untrusted text.</param>
/// <param name="FileSystem">The file system, or null when unknown. Untrusted text.</param>
/// <param name="TotalBytes">The volume's size in bytes, or null when unknown.</param>
public sealed record PlannedPartition(string Location, string? FileSystem, long? TotalBytes);

/// <summary>
/// A target as it was found, and what will be done with it. Holds what the decision rests on; what changes by itself (free space, the boot identity) is
/// not in it.
/// </summary>
/// <remarks>Immutable and thread-safe.</remarks>
public sealed record PlannedTarget
{
    /// <summary>The target's id.</summary>
    public required string Id { get; init; }

    /// <summary>Its endpoints, in the order in which they are asked.</summary>
    public required ImmutableArray<PlannedEndpoint> Endpoints { get; init; }

    /// <summary>What the plan holds for it.</summary>
    public required PlannedStanding Standing { get; init; }

    /// <summary>When it may be armed and restarted, or null for any time.</summary>
    public PlannedWindow? Window { get; init; }

    /// <summary>The machine, or null when it could not be read.</summary>
    public TargetIdentity? Identity { get; init; }

    /// <summary>Its ROMs in flashing order.</summary>
    public ImmutableArray<PlannedRom> Roms { get; init; } = [];

    /// <summary>How many boots the upgrade takes at least; 0 when nothing is flashed, or the catalog does not say.</summary>
    public int Boots { get; init; }

    /// <summary>The volume that will hold the deposit, or null when unknown.</summary>
    public PlannedPartition? Partition { get; init; }

    /// <summary>The strongest verification that the transport has.</summary>
    public VerificationMethod Verification { get; init; }

    /// <summary>The ways to arm that the target offers.</summary>
    public ImmutableArray<string> ArmingMethods { get; init; } = [];

    /// <summary>Whether an endpoint can restart it.</summary>
    public bool CanReboot { get; init; }

    /// <summary>What speaks against it; empty unless refused.</summary>
    public ImmutableArray<PlannedBlocker> Blockers { get; init; } = [];

    /// <summary>What was set aside, by whom and why.</summary>
    public ImmutableArray<BlockerWaiver> Waived { get; init; } = [];

    /// <summary>The target with its endpoints, as it was planned.</summary>
    /// <returns>The target.</returns>
    /// <exception cref="FlashException">The id or an address can't be used; never for a target of a <see cref="FlashPlan"/>.</exception>
    public FlashTarget ToFlashTarget() => ToTarget().GetValueOrThrow();

    internal FlashResult<FlashTarget> ToTarget()
    {
        var endpoints = ImmutableArray.CreateBuilder<TargetEndpoint>(Endpoints.Length);
        foreach (var endpoint in Endpoints)
        {
            if (!TargetEndpoint.TryCreate(endpoint.Address, endpoint.Credentials).TryGetValue(out var made, out var failure))
            {
                return failure;
            }

            endpoints.Add(made);
        }

        return FlashTarget.TryCreate(Id, endpoints.MoveToImmutable());
    }

    internal static PlannedTarget Of(PreflightReport preflight, FlashPolicy policy, FlashWindow window)
    {
        var report = preflight.Probe.TryGetValue(out var probed, out _) ? probed : null;
        var isReady = preflight.Blockers.IsEmpty && !preflight.IsCurrent && !preflight.Components.IsEmpty;
        var target = new PlannedTarget
        {
            Id = preflight.Target.Id,
            Endpoints = EndpointsOf(preflight.Target),
            Standing = isReady ? PlannedStanding.Ready : preflight.IsCurrent ? PlannedStanding.Current : PlannedStanding.Refused,
            Window = WindowOf(window),
            Blockers = [.. preflight.Blockers.Select(b => new PlannedBlocker(b.Name, b.Failure.Code, b.Failure.Message, b.CanBeWaived))],
            Waived = [.. preflight.Waived.OrderBy(w => w.Blocker, StringComparer.Ordinal)],
            Boots = isReady ? preflight.Verdict?.Boots ?? 0 : 0,
        };
        return report is null ? target : target.With(report, policy, preflight.Verdict);
    }

    internal static ImmutableArray<PlannedEndpoint> EndpointsOf(FlashTarget target) => [.. target.Endpoints.Select(e => new PlannedEndpoint(e.ToString(), e.CredentialReference))];

    internal static PlannedWindow? WindowOf(FlashWindow window) => window is { Opens: { } opens, Closes: { } closes } ? new PlannedWindow(opens, closes) : null;

    /// <summary>Whether a component is a step of this plan. A target that is refused has a path, too, but nobody has approved it.</summary>
    internal bool Holds(UpgradeComponent component) =>
        Standing == PlannedStanding.Ready && Roms.Any(r => string.Equals(r.Id, component.ComponentId, StringComparison.Ordinal) && r.Path.Any(p => p.Sha256 == component.Sha256));

    private PlannedTarget With(TargetReport report, FlashPolicy policy, CompatibilityVerdict? verdict)
    {
        var decided = verdict is null || verdict.Components.IsDefault ? [] : verdict.Components;
        var armed = report.Evidence.Armed.TryGet(out var state) && !state.Offers.IsDefault ? state.Offers : [];
        return this with
        {
            Identity = report.Facts.Identity.TryGet(out var identity) ? identity : null,
            Roms = [.. report.Roms.OrderBy(r => r.Kind).ThenBy(r => r.Id, StringComparer.Ordinal).Select(r => Of(r, decided.FirstOrDefault(c => string.Equals(c.ComponentId, r.Id, StringComparison.Ordinal))))],
            Partition = report.Facts.SystemPartition.TryGet(out var partition)
                ? new PlannedPartition(partition.Location, partition.FileSystem.TryGet(out var system) ? system : null, partition.TotalBytes.TryGet(out var total) ? total : null)
                : null,
            Verification = report.Evidence.Deposit.TryGet(out var deposit) ? deposit.MethodFor(policy.MinimumVerification) : VerificationMethod.None,
            ArmingMethods = [.. armed.Select(o => o.Method.Name)],
            CanReboot = report.Evidence.CanReboot,
        };
    }

    private static PlannedRom Of(InstalledRom rom, ComponentVerdict? verdict) => new()
    {
        Id = rom.Id,
        Kind = rom.Kind,
        FirmwareClass = rom.FirmwareClass,
        Pci = rom.Pci?.ToString(),
        Installed = rom.Versions.IsDefault ? [] : rom.Versions,
        LowestSupported = rom.LowestSupportedVersion.TryGet(out var lowest) ? lowest : null,
        Decision = verdict?.Decision ?? RomDecision.NotApplicable,
        Path = verdict is { Decision: RomDecision.Approved, Path.IsDefault: false }
            ? [.. verdict.Path.Select(r => new PlannedRelease(r.Sha256, r.Length, r.Version, r.ReportedAs))]
            : [],
    };
}
