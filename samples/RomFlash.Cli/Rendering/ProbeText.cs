using RomFlash.Sdk.Probing;
using RomFlash.Sdk.Transports;

namespace RomFlash.Cli.Rendering;

/// <summary>A probed target for a person. Facts that are unknown say so, and why.</summary>
internal static class ProbeText
{
    public static IEnumerable<string> Lines(TargetReport report)
    {
        var facts = report.Facts;
        yield return $"{ResultText.Plain(report.Target.Id)}:";
        yield return facts.Identity.TryGet(out var identity)
            ? $"  machine: {ResultText.Plain(string.Join(" ", new[] { identity.Manufacturer, identity.Product, identity.Sku }.Where(t => !string.IsNullOrEmpty(t))))}; uuid {identity.SmbiosUuid?.ToString() ?? "unknown"}; serial {ResultText.Plain(identity.SerialNumber ?? "unknown")}"
            : Line("machine", facts.Identity);
        foreach (var rom in report.Roms)
        {
            var versions = rom.Versions.IsDefaultOrEmpty ? "version unknown" : string.Join(", ", rom.Versions);
            yield return $"  rom {ResultText.Plain(rom.Id)}: {rom.Kind} {ResultText.Plain(rom.Name)}; {ResultText.Plain(versions)}";
        }

        if (report.Roms.IsEmpty)
        {
            yield return $"  roms: {(facts.Roms.IsKnown ? "none" : ResultText.Plain($"unknown ({facts.Roms.WhyUnknown})"))}";
        }

        if (facts.SystemPartition.TryGet(out var partition))
        {
            yield return $"  system partition: {ResultText.Plain(partition.Location)}";
            yield return Line("  file system", partition.FileSystem);
            yield return Line("  total bytes", partition.TotalBytes);
            yield return Line("  free bytes", partition.FreeBytes);
            yield return Line("  EFI directory", partition.HasEfiDirectory);
            yield return Line("  boot volume", partition.IsBootVolume);
            yield return Line("  read-only", partition.IsReadOnly);
        }
        else
        {
            yield return Line("system partition", facts.SystemPartition);
        }

        yield return Line("account", facts.Account);
        if (facts.Readiness.TryGet(out var readiness))
        {
            yield return Line("restart pending", readiness.PendingReboot);
            yield return Line("external power", readiness.ExternalPower);
            yield return Line("battery sufficient", readiness.BatterySufficient);
            yield return Line("disk encryption sealed", readiness.DiskEncryptionSealed);
            yield return Line("healthy", readiness.Healthy);
            yield return Line("in recovery", readiness.InRecovery);
            if (readiness.SecureBoot.IsKnown)
            {
                yield return Line("secure boot", readiness.SecureBoot);
            }
        }
        else
        {
            yield return Line("readiness", facts.Readiness);
        }

        yield return facts.Boot.TryGet(out var boot) ? $"  boot: {ResultText.Plain(boot.Value)}" : Line("boot", facts.Boot);
        yield return report.Evidence.Deposit.TryGet(out var deposit) ? $"  strongest verification: {deposit.Strongest}{(deposit.Usual == deposit.Strongest ? string.Empty : $"; usual: {deposit.Usual}")}" : Line("deposits", report.Evidence.Deposit);
        yield return report.Evidence.Armed.TryGet(out var armed) ? $"  armed: {armed.Phase}; {Offers(armed)}" : Line("arming", report.Evidence.Armed);
        yield return $"  can be restarted: {(report.Evidence.CanReboot ? "yes" : "no")}";
    }

    private static string Offers(ArmedState armed) => armed.Offers.IsDefaultOrEmpty
        ? "no way to arm"
        : "arms by " + ResultText.Plain(string.Join(", ", armed.Offers.Select(o => o.Method.Name)));

    private static string Line<T>(string name, Fact<T> fact)
        where T : notnull => $"  {name}: {ResultText.Plain(fact.ToString())}";
}
