using System.Collections.Immutable;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Pipeline;
using RomFlash.Sdk.Probing;

namespace RomFlash.Sdk.Compatibility;

/// <summary>What holds whatever a catalog says.</summary>
internal static class UpgradeRules
{
    public static ImmutableArray<FlashFailure> Check(TargetReport report, ImmutableArray<RomImage> images, CompatibilityVerdict verdict, FlashPolicy policy)
    {
        var found = ImmutableArray.CreateBuilder<FlashFailure>();
        if (!report.Facts.Identity.TryGet(out var identity) || !identity.IsIdentifying)
        {
            found.Add(new TargetIdentityUnknown { Detail = report.Facts.Identity.WhyUnknown });
        }

        if (!verdict.IsTargetSupported)
        {
            found.Add(new TargetNotSupported { Detail = string.Join("; ", OrEmpty(verdict.Reasons)) });
        }

        CheckImages(images, verdict, found);
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var component in OrEmpty(verdict.Components))
        {
            if (report.FindRom(component.ComponentId) is not { } rom || !seen.Add(component.ComponentId))
            {
                found.Add(new VerdictRejected { Detail = $"the verdict names '{component.ComponentId}', which the target does not have, or names it twice" });
                continue;
            }

            CheckComponent(rom, component, images, verdict, policy, found);
        }

        return [.. found.Select(f => f with { Stage = FlashStage.Check, TargetId = report.Target.Id })];
    }

    /// <summary>Whether policy sets an objection aside by the name of its blocker. Only what is said of an image's signature can be.</summary>
    public static bool IsWaived(FlashFailure objection, FlashPolicy policy) =>
        objection switch
        {
            ImageUnsigned => FlashBlocker.ImageUnsigned,
            ImageSignerUntrusted => FlashBlocker.ImageSignerUntrusted,
            _ => null,
        } is { } name && OrEmpty(policy.Waivers).Any(w => string.Equals(w.Blocker, name, StringComparison.Ordinal));

    public static UpgradeComponent ToComponent(InstalledRom rom, ComponentVerdict verdict) => new()
    {
        ComponentId = rom.Id,
        Kind = rom.Kind,
        Sha256 = verdict.Path[0].Sha256,
        Length = verdict.Path[0].Length,
        From = OrEmpty(rom.Versions),
        Expected = verdict.Path[0].ReportedAs,
        Version = verdict.Path[0].Version,
        AttemptBefore = rom.LastAttempt.TryGet(out var attempt) ? attempt : null,
        ReleasesToFollow = verdict.Path.Length - 1,
    };

    private static void CheckImages(ImmutableArray<RomImage> images, CompatibilityVerdict verdict, ImmutableArray<FlashFailure>.Builder found)
    {
        var used = OrEmpty(verdict.Components).SelectMany(c => OrEmpty(c.Path)).Select(r => r.Sha256).ToHashSet();
        foreach (var image in images)
        {
            if (OrEmpty(verdict.UnknownImages).Contains(image.Sha256))
            {
                found.Add(new ImageNotInCatalog { Detail = $"{image.Source.Name} (SHA-256 {image.Sha256}){(WhyWithdrawn(verdict, image.Sha256) is { } why ? $" was withdrawn: {why}" : string.Empty)}" });
            }
            else if (!used.Contains(image.Sha256)
                && !OrEmpty(verdict.UnneededImages).Contains(image.Sha256)
                && !OrEmpty(verdict.Components).Any(c => c.Decision is RomDecision.Downgrade or RomDecision.UnknownVersion or RomDecision.NotSupported or RomDecision.BelowLowestSupported))
            {
                found.Add(new RomNotForTarget { Detail = $"{image.Source.Name} is for none of the target's ROMs" });
            }
        }
    }

    private static string? WhyWithdrawn(CompatibilityVerdict verdict, ContentDigest sha256) => OrEmpty(verdict.WithdrawnImages).FirstOrDefault(w => w?.Sha256 == sha256)?.Why;

    private static void CheckComponent(
        InstalledRom rom,
        ComponentVerdict verdict,
        ImmutableArray<RomImage> images,
        CompatibilityVerdict whole,
        FlashPolicy policy,
        ImmutableArray<FlashFailure>.Builder found)
    {
        var why = string.Join("; ", OrEmpty(verdict.Reasons));
        switch (verdict.Decision)
        {
            case RomDecision.NotApplicable:
                return;
            case RomDecision.AlreadyCurrent:
                if (!OrEmpty(verdict.Path).Any(r => OrEmpty(rom.Versions).Any(v => r.ReportedBy(v.Source) is { } promised && promised.Equals(v.Version))))
                {
                    found.Add(new VerdictRejected { Detail = $"{rom.Id}: called current, but no source reports the release's version" });
                }

                return;
            case RomDecision.NotSupported:
                found.Add(new RomNotForTarget { Detail = $"{rom.Id}: {why}" });
                return;
            case RomDecision.Downgrade:
                found.Add(new DowngradeRefused { Detail = $"{rom.Id}: {why}" });
                return;
            case RomDecision.BelowLowestSupported:
                found.Add(new BelowLowestSupportedVersion { Detail = $"{rom.Id}: {why}" });
                return;
            case RomDecision.UnknownVersion:
                found.Add(OrEmpty(rom.Versions).IsEmpty
                    ? new InstalledVersionUnknown { Detail = $"{rom.Id}: {why}" }
                    : new VersionNotComparable { Detail = $"{rom.Id}: {why}" });
                return;
            case RomDecision.Approved:
                break;
            default:
                found.Add(new VerdictRejected { Detail = $"{rom.Id}: unknown decision" });
                return;
        }

        if (OrEmpty(verdict.Path).IsEmpty || verdict.Path[0] is not { } release)
        {
            found.Add(new VerdictRejected { Detail = $"{rom.Id}: approved without a release" });
            return;
        }

        if (verdict.Path.Any(r => r is not null && (r.Sha256.IsEmpty || OrEmpty(r.ReportedAs).IsEmpty)))
        {
            found.Add(new VerdictRejected { Detail = $"{rom.Id}: a release has no digest, or does not say what is reported once it runs" });
            return;
        }

        // Every boot of the path needs its image before the first one begins.
        var absent = verdict.Path.FirstOrDefault(r => r is null || !images.Any(i => i.Sha256 == r.Sha256));
        if (absent is not null || verdict.Path.Contains(null!))
        {
            found.Add(verdict.Path.Length > 1
                ? new IntermediateVersionRequired { Detail = $"{rom.Id}: the way to {verdict.Path[^1]?.Version} leads over {absent?.Version}, whose image (SHA-256 {absent?.Sha256}) is not at hand" }
                : new VerdictRejected { Detail = $"{rom.Id}: the approved release is none of the images at hand" });
            return;
        }

        // All of them now: found out between two boots, the target would be left on a stepping stone.
        foreach (var step in verdict.Path)
        {
            var image = images.First(i => i.Sha256 == step.Sha256);
            if (WhyWithdrawn(whole, step.Sha256) is { } withdrawn)
            {
                found.Add(new VerdictRejected { Detail = $"{rom.Id}: {step.Version} is approved, and was withdrawn: {withdrawn}" });
            }

            if (image.Length != step.Length)
            {
                found.Add(new VerdictRejected { Detail = $"{rom.Id}: the catalog says {step.Length} bytes, the image has {image.Length}" });
            }

            CheckIdentity(rom, image, found);
            CheckSignature(rom, image, found);
        }

        CheckVersions(rom, release, policy, found);
    }

    private static void CheckIdentity(InstalledRom rom, RomImage image, ImmutableArray<FlashFailure>.Builder found)
    {
        var identity = image.Evidence.Identity;
        if (identity.Kind is { } kind && kind != rom.Kind)
        {
            found.Add(new RomNotForTarget { Detail = $"{rom.Id}: the image is for a {kind}, the component is a {rom.Kind}" });
        }

        if (!OrEmpty(identity.FirmwareClasses).IsEmpty && rom.FirmwareClass is { } firmwareClass && !identity.FirmwareClasses.Contains(firmwareClass))
        {
            found.Add(new RomNotForTarget { Detail = $"{rom.Id}: the image is not for firmware class {firmwareClass}" });
        }

        if (!OrEmpty(identity.DeviceClasses).IsEmpty && rom.DeviceClass is { } deviceClass && !identity.DeviceClasses.Contains(deviceClass))
        {
            found.Add(new RomNotForTarget { Detail = $"{rom.Id}: the image is not for device class {deviceClass}" });
        }

        if (!OrEmpty(identity.PciIds).IsEmpty && rom.Pci is { } pci && !identity.PciIds.Any(p => pci.Matches(p)))
        {
            found.Add(new RomNotForTarget { Detail = $"{rom.Id}: the image is not for device {pci}" });
        }

        // Names decide only where nothing better does: makers are not strict about them, but one controller's ROM on another bricks it.
        if (rom is { Kind: RomKind.ArrayController, Name.Length: > 0 }
            && !OrEmpty(identity.Models).IsEmpty
            && !(rom.FirmwareClass is not null && !OrEmpty(identity.FirmwareClasses).IsEmpty)
            && !(rom.DeviceClass is not null && !OrEmpty(identity.DeviceClasses).IsEmpty)
            && !(rom.Pci is not null && !OrEmpty(identity.PciIds).IsEmpty)
            && !identity.Models.Any(m => rom.Name.Contains(m, StringComparison.OrdinalIgnoreCase) || m.Contains(rom.Name, StringComparison.OrdinalIgnoreCase)))
        {
            found.Add(new RomNotForTarget { Detail = $"{rom.Id}: the image is for {string.Join(", ", identity.Models)}, the controller is '{rom.Name}'" });
        }
    }

    // Whatever a catalog says: it vouches for a digest, and not for who made the image.
    private static void CheckSignature(InstalledRom rom, RomImage image, ImmutableArray<FlashFailure>.Builder found)
    {
        switch (image.Evidence.Signature)
        {
            case ImageSignatureStatus.Trusted:
                return;
            case ImageSignatureStatus.SignerUntrusted:
                found.Add(new ImageSignerUntrusted { Detail = $"{rom.Id}: {image.Source.Name} is signed by {string.Join(", ", OrEmpty(image.Evidence.Signatures).Select(s => $"{s.Signer} (certificate SHA-256 {s.SignerSha256}): {s.Why}"))}" });
                return;
            case ImageSignatureStatus.Unsigned:
                found.Add(new ImageUnsigned { Detail = $"{rom.Id}: {image.Source.Name}" });
                return;
            default:
                found.Add(new ImageSignatureInvalid { Detail = $"{rom.Id}: {image.Source.Name}" });
                return;
        }
    }

    private static void CheckVersions(InstalledRom rom, RomRelease release, FlashPolicy policy, ImmutableArray<FlashFailure>.Builder found)
    {
        var installed = OrEmpty(rom.Versions);
        if (rom.LowestSupportedVersion.TryGet(out var lowest)
            && release.ReportedAs.Any(r => r.Version.TryCompareTo(lowest, out var order) && order < 0))
        {
            found.Add(new BelowLowestSupportedVersion { Detail = $"{rom.Id}: {release.Version} is below {lowest}" });
        }

        if (installed.IsEmpty)
        {
            if (!policy.Reflash)
            {
                found.Add(new InstalledVersionUnknown { Detail = rom.Id });
            }

            return;
        }

        var compared = false;
        foreach (var version in installed)
        {
            if (release.ReportedBy(version.Source) is { } next && next.TryCompareTo(version.Version, out var order))
            {
                compared = true;
                if (order < 0 && !policy.AllowDowngrade)
                {
                    found.Add(new DowngradeRefused { Detail = $"{rom.Id}: {next} is older than {version.Version}" });
                }
                else if (order == 0 && !policy.Reflash)
                {
                    found.Add(new VerdictRejected { Detail = $"{rom.Id}: {next} is installed already" });
                }
            }

            var minimum = OrEmpty(release.RequiredMinimum).FirstOrDefault(m => m.Source == version.Source)?.Version;
            if (minimum is not null && minimum.TryCompareTo(version.Version, out order) && order > 0)
            {
                found.Add(new IntermediateVersionRequired { Detail = $"{rom.Id}: {release.Version} needs at least {minimum}, installed is {version.Version}" });
            }
        }

        if (!compared && !policy.Reflash)
        {
            found.Add(new VersionNotComparable { Detail = $"{rom.Id}: installed {string.Join(", ", installed)}; {release.Version} is reported as {string.Join(", ", release.ReportedAs)}" });
        }
    }

    private static ImmutableArray<T> OrEmpty<T>(ImmutableArray<T> array) => array.IsDefault ? [] : array;
}
