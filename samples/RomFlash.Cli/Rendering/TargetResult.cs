using System.Collections.Immutable;
using System.Text.Json.Serialization;
using RomFlash.Sdk;
using RomFlash.Sdk.Compatibility;
using RomFlash.Sdk.Confirmation;
using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Probing;

namespace RomFlash.Cli.Rendering;

/// <summary>A blocker that stood against an upgrade, as it is written.</summary>
internal sealed record BlockerResult(string Name, string Code, string Message, string Remedy, bool CanBeWaived);

/// <summary>What became of one target, as it is written: the same for the table, for lines and for JSON. Untrusted text is still raw here.</summary>
internal sealed record TargetResult
{
    public required string Target { get; init; }

    public required string Outcome { get; init; }

    /// <summary>The failure's code, or null.</summary>
    public string? Code { get; init; }

    public string? Stage { get; init; }

    public required string TargetState { get; init; }

    public required string Message { get; init; }

    public string? Cause { get; init; }

    public string? Remedy { get; init; }

    public string? FromVersion { get; init; }

    public string? ToVersion { get; init; }

    public string Verification { get; init; } = "None";

    public string? Product { get; init; }

    public string? OperationId { get; init; }

    public ImmutableArray<string> Notes { get; init; } = [];

    public ImmutableArray<BlockerResult> Blockers { get; init; } = [];

    public ImmutableArray<string> Waived { get; init; } = [];

    /// <summary>The catalogs that answered, the strongest first.</summary>
    public ImmutableArray<CatalogResult> Catalogs { get; init; } = [];

    /// <summary>What it takes to bring each ROM back.</summary>
    public ImmutableArray<RecoveryPlanResult> RecoveryPlans { get; init; } = [];

    /// <summary>The hash of the plan that it is a part of, or null.</summary>
    public string? PlanHash { get; init; }

    /// <summary>In <c>probe</c> alone: what the target is and can do.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public ProbeResult? Probe { get; init; }

    /// <summary>In <c>recover</c> alone: what happened, and what to do.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public RecoveryResult? Recovery { get; init; }

    /// <summary>In <c>catalog explain</c> alone: what the catalogs decide.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public VerdictResult? Explanation { get; init; }

    /// <summary>In the demo alone: what was staged, and what has to come of it.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Scenario { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Expected { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public bool? AsStaged { get; init; }

    public static TargetResult Of(FlashReport report)
    {
        var components = report.Result.TryGetValue(out var outcome, out var failure) && !outcome.Components.IsDefaultOrEmpty
            ? outcome.Components
            : [.. report.Completed.Union(report.Components)];
        var result = failure is null ? Of(report.Target.Id, outcome!) : Of(report.Target.Id, failure);
        return result with
        {
            FromVersion = From(components) ?? Installed(report.Probe),
            ToVersion = To(components) ?? (outcome is AlreadyCurrent ? Installed(report.Probe) : null),
            Verification = report.Verification.ToString(),
            Product = report.Probe is { } probe && probe.Facts.Identity.TryGet(out var identity) ? identity.Product : null,
            PlanHash = report.PlanHash.IsEmpty ? null : report.PlanHash.ToString(),
            OperationId = report.OperationId.Length == 0 ? null : report.OperationId,
            Blockers = [.. report.Blockers.Select(b => new BlockerResult(b.Name, b.Failure.Code, b.Failure.Message, b.Failure.Remedy, b.CanBeWaived))],
            Waived = [.. report.Waived.Select(w => w.Blocker)],
            Catalogs = [.. report.Catalogs.Select(CatalogResult.Of)],
            RecoveryPlans = [.. report.Recovery.Select(RecoveryPlanResult.Of)],
            Notes = [.. result.Notes, .. report.Recovery.Select(RecoveryText.Note).OfType<string>()],
        };
    }

    /// <summary>A target that was probed.</summary>
    public static TargetResult Of(TargetReport report) => new()
    {
        Target = report.Target.Id,
        Outcome = "Probed",
        TargetState = nameof(Sdk.Outcomes.TargetState.Untouched),
        Message = "The target was read; nothing was written",
        FromVersion = Installed(report),
        Product = report.Facts.Identity.TryGet(out var identity) ? identity.Product : null,
        Probe = ProbeResult.Of(report),
    };

    /// <summary>A target that was disarmed, or had nothing to disarm.</summary>
    public static TargetResult Of(string target, CancellationReport report) => new()
    {
        Target = target,
        Outcome = report.WasArmed ? "Disarmed" : "NothingArmed",
        TargetState = report.State.ToString(),
        Message = report.WasArmed ? "disarmed" : "nothing was armed",
    };

    /// <summary>A target whose flash was looked into.</summary>
    public static TargetResult Of(string target, TargetState state, string outcome, string message, RecoveryResult recovery) => new()
    {
        Target = target,
        Outcome = outcome,
        TargetState = state.ToString(),
        Message = message,
        FromVersion = Join(recovery.Flashed.Select(f => f.FromVersion ?? "unknown")),
        ToVersion = Join(recovery.Flashed.Select(f => f.ToVersion)),
        OperationId = recovery.OperationId,
        Recovery = recovery,
    };

    /// <summary>A target that failed before there was a report, or without one.</summary>
    public static TargetResult Of(string target, FlashFailure failure) => new()
    {
        Target = target,
        Outcome = FlashOutcome.KindOf(failure).ToString(),
        Code = failure.Code,
        Stage = failure.Stage.ToString(),
        TargetState = failure.TargetState.ToString(),
        Message = failure.Message,
        Cause = failure.Cause,
        Remedy = failure.Remedy,
        Notes = [.. failure.Leftovers.Select(l => "left on the target, inert: " + l)],
    };

    private static TargetResult Of(string target, FlashOutcome outcome)
    {
        var (state, message) = outcome.Kind switch
        {
            FlashOutcomeKind.Upgraded => (Sdk.Outcomes.TargetState.RomChanged, "Upgraded: after a new boot, the promised version reads back"),
            FlashOutcomeKind.AlreadyCurrent => (Sdk.Outcomes.TargetState.Untouched, "The version is installed already; nothing was written"),
            FlashOutcomeKind.Pending => (Sdk.Outcomes.TargetState.Armed, "Armed; the next boot flashes. Restart the target, then run romflash confirm"),
            FlashOutcomeKind.WouldUpgrade => (Sdk.Outcomes.TargetState.Untouched, "Nothing speaks against the upgrade; nothing was written"),
            _ => (Sdk.Outcomes.TargetState.Indeterminate, outcome.Kind.ToString()),
        };
        return new() { Target = target, Outcome = outcome.Kind.ToString(), TargetState = state.ToString(), Message = message, Notes = outcome.Notes };
    }

    private static string? From(ImmutableArray<UpgradeComponent> components) =>
        Join(components.Select(c => c.From.IsDefaultOrEmpty ? "unknown" : c.From[0].Version.Text));

    private static string? To(ImmutableArray<UpgradeComponent> components) => Join(components.Select(c => c.Version.Text));

    private static string? Installed(TargetReport? report) => report is null ? null : Join(report.Roms.Select(r => r.DisplayVersion));

    private static string? Join(IEnumerable<string> versions) => string.Join("; ", versions) is { Length: > 0 } text ? text : null;
}
