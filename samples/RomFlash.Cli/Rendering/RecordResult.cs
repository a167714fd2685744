using System.Collections.Immutable;
using System.Globalization;
using RomFlash.Sdk.Compatibility;
using RomFlash.Sdk.Journal;

namespace RomFlash.Cli.Rendering;

/// <summary>A ROM that is, was or would be flashed, as it is written.</summary>
internal sealed record ComponentResult(string Component, string Kind, string Sha256, string? FromVersion, string ToVersion)
{
    public static ComponentResult Of(UpgradeComponent component) => new(
        component.ComponentId,
        component.Kind.ToString(),
        component.Sha256.ToString(),
        component.From.IsDefaultOrEmpty ? null : component.From[0].Version.Text,
        component.Version.Text);
}

/// <summary>A blocker that was set aside, as it is written.</summary>
internal sealed record WaiverResult(string Blocker, string Who, string Why);

/// <summary>A record of the journal, as it is written.</summary>
internal sealed record RecordResult
{
    public required string Target { get; init; }

    public required string Time { get; init; }

    public required string OperationId { get; init; }

    public required string Kind { get; init; }

    public string? Outcome { get; init; }

    public string? Code { get; init; }

    public string? TargetState { get; init; }

    public required string Message { get; init; }

    public required string Verification { get; init; }

    public string? Method { get; init; }

    public ImmutableArray<ComponentResult> Components { get; init; } = [];

    public ImmutableArray<WaiverResult> Waivers { get; init; } = [];

    public ImmutableArray<RecoveryPlanResult> RecoveryPlans { get; init; } = [];

    public static RecordResult Of(FlashJournalRecord record) => new()
    {
        Target = record.TargetId,
        Time = record.Time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture),
        OperationId = record.OperationId,
        Kind = record.Kind.ToString(),
        Outcome = record.Outcome?.ToString(),
        Code = record.FailureCode,
        TargetState = record.TargetState?.ToString(),
        Message = record.Detail,
        Verification = record.Verification.ToString(),
        Method = record.Method,
        Components = [.. record.Components.Select(ComponentResult.Of)],
        Waivers = [.. record.Waivers.Select(w => new WaiverResult(w.Blocker, w.Who, w.Why))],
        RecoveryPlans = [.. record.Recovery.Select(RecoveryPlanResult.Of)],
    };
}
