using System.Collections.Immutable;
using RomFlash.Sdk.Compatibility;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Probing;
using RomFlash.Sdk.Recovery;
using RomFlash.Sdk.Staging;
using RomFlash.Sdk.Transports;

namespace RomFlash.Sdk.Pipeline;

/// <summary>What disaster recovery would need: which image, and whether a copy of it is staged beside the new one.</summary>
internal static class RecoveryKit
{
    /// <summary>How many bytes the backups take that are given and named by the catalog, at the boot of the way that takes the most.</summary>
    public static long BytesOf(TargetReport report, ImmutableArray<ComponentVerdict> components, ImmutableArray<RomImage> backups)
    {
        if (backups.IsDefaultOrEmpty || components.IsDefault || !HasPlace(report))
        {
            return 0;
        }

        var counted = new HashSet<ContentDigest>();
        return components.Where(c => c.Decision == RomDecision.Approved && !c.Path.IsDefaultOrEmpty)
            .Select(c => c.Path.Select((r, i) => r is null ? null : i == 0 ? ImageFor(c) : r.Recovery).Select(i => Find(i, backups)).OfType<RomImage>().MaxBy(i => i.Length))
            .OfType<RomImage>()
            .Where(i => counted.Add(i.Sha256))
            .Aggregate(0L, (sum, i) => Math.Min(long.MaxValue / 8, sum + Math.Clamp(i.Length, 0, long.MaxValue / 16)));
    }

    /// <summary>Plans for what is about to be flashed.</summary>
    /// <param name="approved">What is about to be flashed.</param>
    /// <param name="verdict">What the catalog says.</param>
    /// <param name="backups">The images to come back with that the caller gave.</param>
    /// <param name="hasRoom">Whether there is room for a copy.</param>
    public static ImmutableArray<RecoveryPlan> Plan(ApprovedUpgrade approved, CompatibilityVerdict verdict, ImmutableArray<RomImage> backups, bool hasRoom)
    {
        var traits = approved.Report.Evidence.Deposit.TryGet(out var told) ? told : null;
        return [.. approved.Components.Select(component =>
        {
            var image = verdict.Components.FirstOrDefault(c => string.Equals(c.ComponentId, component.ComponentId, StringComparison.Ordinal)) is { } decided ? ImageFor(decided) : null;
            return new RecoveryPlan
            {
                ComponentId = component.ComponentId,
                Before = component.From,
                Image = image,
                Copy = image is null ? BackupCopy.NoImageKnown
                    : Find(image, backups) is null ? BackupCopy.NotGiven
                    : !HasPlace(approved.Report) ? BackupCopy.NoPlace
                    : hasRoom ? BackupCopy.Intended
                    : BackupCopy.DoesNotFit,
                Road = traits is { UsesSystemPartition: false } ? RecoveryRoad.Controller : RecoveryRoad.SystemPartition,
            };
        })];
    }

    /// <summary>What is to be staged: each image once, although several components may come back with it.</summary>
    public static ImmutableArray<BackupImage> ToStage(ImmutableArray<RecoveryPlan> plans, ImmutableArray<RomImage> backups) =>
        [.. plans.Where(p => p.Copy is BackupCopy.Intended).Select(p => Find(p.Image, backups) is { } image ? new BackupImage(p.ComponentId, image) : null).OfType<BackupImage>().DistinctBy(b => b.Image.Sha256)];

    /// <summary>The same plans with the copies that lie on the target now.</summary>
    public static ImmutableArray<RecoveryPlan> Staged(ImmutableArray<RecoveryPlan> plans, StagedBackup copies, DepositKey deposit) =>
        [.. plans.Select(p => p.Copy is BackupCopy.Intended && copies.Files.FirstOrDefault(f => f.File.Sha256 == p.Image?.Sha256) is { } file
            ? p with { Copy = BackupCopy.Staged, CopyLocation = file.Location.Length > 0 ? file.Location : $"deposit {deposit.Id}" }
            : p)];

    /// <summary>The same plans where the copies that were to be staged have no room.</summary>
    public static ImmutableArray<RecoveryPlan> NotFitting(ImmutableArray<RecoveryPlan> plans) =>
        [.. plans.Select(p => p.Copy is BackupCopy.Intended ? p with { Copy = BackupCopy.DoesNotFit } : p)];

    /// <summary>The same plans where the copies that lay on the target do so no more.</summary>
    public static ImmutableArray<RecoveryPlan> Removed(ImmutableArray<RecoveryPlan> plans) =>
        [.. plans.Select(p => p.Copy is BackupCopy.Staged ? p with { Copy = BackupCopy.Removed, CopyLocation = string.Empty } : p)];

    // Of the first step of the way alone: each boot is planned anew.
    private static RecoveryImage? ImageFor(ComponentVerdict verdict) =>
        verdict.Path.IsDefaultOrEmpty ? null
        : verdict.Path[0]?.Recovery ?? (verdict.Installed is { Sha256.IsEmpty: false } installed ? new(installed.Sha256, installed.Length, installed.Version.Text) : null);

    private static RomImage? Find(RecoveryImage? wanted, ImmutableArray<RomImage> backups) =>
        wanted is null || backups.IsDefaultOrEmpty ? null : backups.FirstOrDefault(b => b.Sha256 == wanted.Sha256);

    private static bool HasPlace(TargetReport report) =>
        report.Evidence.Deposit.TryGet(out var traits) && traits is { UsesSystemPartition: true, Effect: DepositEffect.Inert };
}
