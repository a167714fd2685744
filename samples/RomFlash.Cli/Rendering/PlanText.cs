using System.Collections.Immutable;
using System.Globalization;
using RomFlash.Sdk.Compatibility;
using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Pipeline;
using RomFlash.Sdk.Planning;

namespace RomFlash.Cli.Rendering;

/// <summary>A plan for a person who has to approve it: everything that is bound by its hash, and the hash.</summary>
internal static class PlanText
{
    public static IEnumerable<string> Lines(FlashPlan plan)
    {
        yield return $"plan {plan.Hash}";
        yield return $"  made {Time(plan.CreatedAt)} by {ResultText.Plain(plan.CreatedBy)}";
        foreach (var catalog in plan.Catalogs)
        {
            yield return $"  catalog {CatalogLine(catalog)}";
        }

        foreach (var image in plan.Images)
        {
            yield return string.Create(CultureInfo.InvariantCulture, $"  image {ResultText.Plain(image.Name)}: {ResultText.Plain(image.Format)}, {image.Length} bytes, sha256 {image.Sha256}");
            if (image.Package is { } package)
            {
                yield return string.Create(CultureInfo.InvariantCulture, $"    is '{ResultText.Plain(package.Name)}' of a package: {ResultText.Plain(package.Format)}, {package.Length} bytes, sha256 {package.Sha256}");
            }
        }

        yield return $"  allowed: {Allowed(plan.Policy)}";
        foreach (var waiver in plan.Policy.Waivers)
        {
            yield return $"  may be set aside: {Waiver(waiver)}";
        }

        for (var i = 0; i < plan.Targets.Length; i++)
        {
            foreach (var line in Lines(plan.Targets[i], i + 1))
            {
                yield return line;
            }
        }

        var (ready, current, refused) = (Count(plan, PlannedStanding.Ready), Count(plan, PlannedStanding.Current), Count(plan, PlannedStanding.Refused));
        yield return string.Create(CultureInfo.InvariantCulture, $"{ready} to be flashed, {current} current already, {refused} refused");
    }

    /// <summary>Where a catalog comes from, and what it lacks.</summary>
    public static string CatalogLine(CatalogProvenance catalog)
    {
        var parts = new List<string> { ResultText.Plain(catalog.Name) };
        if (catalog.Serial is { } serial)
        {
            parts.Add(string.Create(CultureInfo.InvariantCulture, $"serial {serial}"));
        }

        if (catalog.Expires is { } expires)
        {
            parts.Add($"expires {Time(expires)}");
        }

        parts.Add(catalog.SignedBy.Length > 0 ? $"signed by {ResultText.Plain(catalog.SignedBy)}" : "not signed");
        parts.Add($"sha256 {catalog.Sha256}");
        if (!catalog.Accepted.IsDefaultOrEmpty)
        {
            parts.Add($"ACCEPTED ALTHOUGH {string.Join(" and ", catalog.Accepted)}");
        }

        return string.Join(", ", parts);
    }

    private static int Count(FlashPlan plan, PlannedStanding standing) => plan.Targets.Count(t => t.Standing == standing);

    private static IEnumerable<string> Lines(PlannedTarget target, int number)
    {
        var machine = target.Identity is { } identity
            ? string.Join(' ', new[] { identity.Manufacturer, identity.Product, identity.SerialNumber ?? identity.SmbiosUuid?.ToString() }.Where(t => !string.IsNullOrWhiteSpace(t)))
            : "machine unknown";
        var boots = target.Boots > 0 ? string.Create(CultureInfo.InvariantCulture, $", {target.Boots} {(target.Boots == 1 ? "boot" : "boots")}") : string.Empty;
        yield return string.Create(CultureInfo.InvariantCulture, $"{number}. {ResultText.Plain(target.Id)} ({ResultText.Plain(machine)}): {Standing(target.Standing)}{boots}");
        foreach (var endpoint in target.Endpoints)
        {
            yield return $"     at {ResultText.Plain(endpoint.Address)}{(endpoint.Credentials is { } credentials ? $", with the credentials '{ResultText.Plain(credentials)}'" : string.Empty)}";
        }

        foreach (var rom in target.Roms)
        {
            yield return $"     {ResultText.Plain(rom.Id)} ({rom.Kind}): {Rom(rom)}";
        }

        if (target.Standing == PlannedStanding.Ready)
        {
            yield return $"     verified by {target.Verification}; armed by {ResultText.Plain(string.Join(" or ", target.ArmingMethods))}; {(target.CanReboot ? "can be restarted" : "has to be restarted by hand")}{Window(target.Window)}";
            if (target.Partition is { } partition)
            {
                yield return $"     prepared on {ResultText.Plain(partition.Location)}{(partition.FileSystem is { } system ? $" ({ResultText.Plain(system)})" : string.Empty)}";
            }
        }

        foreach (var blocker in target.Blockers)
        {
            yield return $"     blocker {ResultText.Plain(blocker.Name)}: {ResultText.Plain(blocker.Code)} {ResultText.Plain(blocker.Message)}{(blocker.CanBeWaived ? $" (--waive {ResultText.Plain(blocker.Name)})" : string.Empty)}";
        }

        foreach (var waiver in target.Waived)
        {
            yield return $"     set aside: {Waiver(waiver)}";
        }
    }

    private static string Standing(PlannedStanding standing) => standing switch
    {
        PlannedStanding.Ready => "will be flashed",
        PlannedStanding.Current => "current already",
        _ => "refused",
    };

    private static string Rom(PlannedRom rom)
    {
        var installed = rom.Installed.IsEmpty ? "unknown" : rom.Installed[0].Version.Text;
        return rom.Decision == RomDecision.Approved
            ? ResultText.Plain(string.Join(" -> ", [installed, .. rom.Path.Select(p => p.Version.Text)])) + $" (sha256 {string.Join(", ", rom.Path.Select(p => p.Sha256))})"
            : $"{ResultText.Plain(installed)}, {rom.Decision}";
    }

    private static string Window(PlannedWindow? window) => window is null ? string.Empty : $"; between {Time(window.Opens)} and {Time(window.Closes)}";

    private static string Waiver(BlockerWaiver waiver) => ResultText.Plain($"{waiver.Blocker} by {waiver.Who}: {waiver.Why}");

    private static string Allowed(PlannedPolicy policy)
    {
        var allowed = new List<string> { $"verification by {policy.MinimumVerification?.ToString() ?? "what the transport usually does"}" };
        if (policy.AllowDowngrade)
        {
            allowed.Add("downgrades");
        }

        if (policy.Reflash)
        {
            allowed.Add("flashing again what is installed");
        }

        if (policy.AllowImmediateFlash)
        {
            allowed.Add("targets that flash at once");
        }

        allowed.Add(policy.Reboot == RebootMode.LeaveToOperator ? "no restart" : string.Create(CultureInfo.InvariantCulture, $"{(policy.ForceReboot ? "a forced restart" : "a restart")} after {policy.RebootDelaySeconds} s"));
        if (policy.Reboot == RebootMode.Request && policy.RebootMessage.Length > 0)
        {
            allowed.Add($"with the message '{ResultText.Plain(policy.RebootMessage)}'");
        }

        if (policy.TakeOverClaimGeneration is { } generation)
        {
            allowed.Add(string.Create(CultureInfo.InvariantCulture, $"taking over claim {generation}"));
        }

        return string.Join(", ", allowed);
    }

    private static string Time(DateTimeOffset time) => time.ToUniversalTime().ToString("yyyy-MM-dd HH:mm:ss'Z'", CultureInfo.InvariantCulture);
}
