using System.Collections.Immutable;
using RomFlash.Sdk.Compatibility;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Probing;
using RomFlash.Sdk.Scheduling;
using RomFlash.Sdk.Transports;

namespace RomFlash.Sdk.Pipeline;

/// <summary>Finds everything that speaks against an upgrade: all of it, not the first. Unknown is never good.</summary>
internal sealed class Preflight
{
    // Beside the deposits: directory entries, manifests, claim.
    private const long Overhead = 1 << 20;

    private readonly TargetReport _report;
    private readonly FlashPolicy _policy;
    private readonly ImmutableArray<FlashBlocker>.Builder _found = ImmutableArray.CreateBuilder<FlashBlocker>();

    private Preflight(TargetReport report, FlashPolicy policy)
    {
        _report = report;
        _policy = policy;
    }

    /// <summary>The blockers that a probe alone shows.</summary>
    public static ImmutableArray<FlashBlocker> OfTarget(TargetReport report, FlashPolicy policy, long depositBytes, long backupBytes, string clientId, DateTimeOffset now)
    {
        var preflight = new Preflight(report, policy);
        preflight.Endpoints();
        preflight.Account();
        preflight.Services();
        preflight.Readiness();
        preflight.Boot();
        preflight.Partition(depositBytes, backupBytes);
        preflight.Verification();
        preflight.Claim(clientId);
        preflight.Armed();
        preflight.Window(now);
        return preflight._found.ToImmutable();
    }

    /// <summary>The blockers that the catalog and the rules of compatibility find.</summary>
    public static ImmutableArray<FlashBlocker> OfVerdict(TargetReport report, ImmutableArray<RomImage> images, CompatibilityVerdict verdict, FlashPolicy policy)
    {
        var preflight = new Preflight(report, policy);
        foreach (var objection in ApprovedUpgrade.FindObjections(report, images, verdict, policy))
        {
            preflight.Add(NameOf(objection), objection, canBeWaived: objection is ImageUnsigned or ImageSignerUntrusted);
        }

        preflight.PowerCycle(verdict);

        return preflight._found.ToImmutable();
    }

    private static string NameOf(FlashFailure failure) => failure switch
    {
        TargetIdentityUnknown => "identity-unknown",
        TargetNotSupported => "target-not-supported",
        RomNotForTarget => "rom-not-for-target",
        DowngradeRefused => "downgrade",
        BelowLowestSupportedVersion => "below-lowest-supported-version",
        IntermediateVersionRequired => "intermediate-version-required",
        InstalledVersionUnknown => "installed-version-unknown",
        VersionNotComparable => "version-not-comparable",
        ImageNotInCatalog => "image-not-in-catalog",
        ImageUnsigned => FlashBlocker.ImageUnsigned,
        ImageSignerUntrusted => FlashBlocker.ImageSignerUntrusted,
        ImageSignatureInvalid => "image-signature-invalid",
        _ => "verdict-rejected",
    };

    // Of every boot of the path, and not of the next one alone: nothing is begun that can't be brought to its end.
    private void PowerCycle(CompatibilityVerdict verdict)
    {
        if (_policy.Reboot == RebootMode.LeaveToOperator || verdict.Components.IsDefaultOrEmpty)
        {
            return;
        }

        foreach (var component in verdict.Components.Where(c => c.Decision == RomDecision.Approved && !c.Path.IsDefault))
        {
            if (component.Path.FirstOrDefault(r => r?.Reboot == RebootNeed.PowerCycle) is { } release)
            {
                Add("power-cycle-required", new PowerCycleRequired { Detail = $"{component.ComponentId}: '{release.Version}' runs only after the power was off; leave the restart to an operator" });
            }
        }
    }

    private void Endpoints()
    {
        if (_report.Target.Endpoints.Length < 2)
        {
            return;
        }

        var identified = _report.Evidence.Origins.Where(o => o.What == FactOrigin.Identified).Select(o => o.Endpoint).ToHashSet(StringComparer.Ordinal);
        foreach (var endpoint in _report.Evidence.Origins.Where(o => o.What is "Arming" or "Deposit" or "Claim" or "Power").Select(o => o.Endpoint).Distinct(StringComparer.Ordinal).Where(e => !identified.Contains(e)))
        {
            Add("endpoint-unidentified", new TargetIdentityUnknown { TargetAddress = endpoint, Detail = $"{endpoint} does not tell which machine it is" }, canBeWaived: true);
        }
    }

    private void Account()
    {
        if (!_report.Facts.Account.TryGet(out var rights))
        {
            Add("administrator-unproved", new AdministratorUnproved { Detail = _report.Facts.Account.WhyUnknown }, canBeWaived: true);
        }
        else if (rights != AccountRights.Administrator)
        {
            Add("access-denied", new AccessDenied { Detail = "the account has no administrative privileges" });
        }
    }

    private void Services()
    {
        if (!_report.Facts.Services.TryGet(out var services))
        {
            Add("services-unknown", new RemoteRegistryStopped { Detail = $"the services that the transport depends on are unknown: {_report.Facts.Services.WhyUnknown}" }, canBeWaived: true);
            return;
        }

        foreach (var service in services.IsDefault ? [] : services)
        {
            if (!service.IsRunning.TryGet(out var running))
            {
                Add("service-unknown", new RemoteRegistryStopped { Service = service.Name, Detail = $"{service.Name}: {service.IsRunning.WhyUnknown}" }, canBeWaived: true);
            }
            else if (!running)
            {
                Add("service-stopped", new RemoteRegistryStopped { Service = service.Name, Detail = service.Name });
            }
        }
    }

    private void Readiness()
    {
        var readiness = _report.Facts.Readiness.TryGet(out var known) ? known : new TargetReadiness();
        Condition("pending-reboot", readiness.PendingReboot, good: false, "the operating system waits for a restart");
        Condition("external-power", readiness.ExternalPower, good: true, "external power is missing or not redundant");
        Condition("battery", readiness.BatterySufficient, good: true, "the battery does not hold enough");
        Condition("health", readiness.Healthy, good: true, "the target does not call itself healthy");
        if (readiness.InRecovery.TryGet(out var recovering) && recovering)
        {
            Add("in-recovery", new FailureDuringFlash { Detail = "the target says that it is in recovery" });
        }

        if (!readiness.DiskEncryptionSealed.TryGet(out var @sealed))
        {
            Add("disk-encryption-unknown", new DiskEncryptionSealed { Detail = $"whether a disk is sealed to the firmware is unknown: {readiness.DiskEncryptionSealed.WhyUnknown}" }, canBeWaived: true);
        }
        else if (@sealed)
        {
            Add("disk-encryption-sealed", new DiskEncryptionSealed(), canBeWaived: true);
        }
    }

    private void Condition(string name, Fact<bool> fact, bool good, string bad)
    {
        if (!fact.TryGet(out var value))
        {
            Add(name + "-unknown", new TargetNotReady { Condition = name, Detail = $"{name} is unknown: {fact.WhyUnknown}" }, canBeWaived: true);
        }
        else if (value != good)
        {
            Add(name, new TargetNotReady { Condition = name, Detail = bad }, canBeWaived: true);
        }
    }

    private void Boot()
    {
        if (!_report.Facts.Boot.IsKnown)
        {
            Add("boot-identity-unknown", new TargetNotReady { Condition = "boot-identity", Detail = $"the boot identity can't be read ({_report.Facts.Boot.WhyUnknown}), so nobody could say later that it booted" });
        }
    }

    private void Partition(long depositBytes, long backupBytes)
    {
        if (_report.Evidence.Deposit.TryGet(out var traits) && !traits.UsesSystemPartition)
        {
            return;
        }

        if (!_report.Facts.SystemPartition.TryGet(out var partition))
        {
            Add("system-partition-missing", new SystemPartitionMissing { Detail = _report.Facts.SystemPartition.WhyUnknown });
            return;
        }

        if (!partition.TotalBytes.TryGet(out var total))
        {
            Add("system-partition-size-unknown", new SystemPartitionUnproved { Detail = $"the volume's size is unknown: {partition.TotalBytes.WhyUnknown}" });
        }
        else if (total < SystemPartition.MinimumBytes)
        {
            Add("system-partition-too-small", new SystemPartitionTooSmall { TotalBytes = total, Detail = $"{total} bytes, at least {SystemPartition.MinimumBytes} are needed" });
        }

        if (!partition.IsFat)
        {
            Add("system-partition-not-fat", new SystemPartitionUnproved { Detail = $"the file system is {partition.FileSystem}" });
        }

        if (!partition.HasEfiDirectory.TryGet(out var efi) || !efi)
        {
            Add("system-partition-without-efi", new SystemPartitionUnproved { Detail = "there is no EFI directory" });
        }

        if (partition.IsBootVolume.TryGet(out var boot) && !boot)
        {
            Add("system-partition-not-booted", new SystemPartitionUnproved { Detail = "the firmware boots from another volume" });
        }

        if (partition.IsReadOnly.TryGet(out var readOnly) && readOnly)
        {
            Add("system-partition-read-only", new SystemPartitionReadOnly { Detail = partition.Location });
        }

        var required = RequiredBytes(depositBytes);
        var both = RequiredBytes(depositBytes + backupBytes);
        if (!partition.FreeBytes.TryGet(out var free))
        {
            Add("system-partition-free-unknown", new SystemPartitionFull { RequiredBytes = both, Detail = $"the free space is unknown: {partition.FreeBytes.WhyUnknown}" }, canBeWaived: true);
        }
        else if (free < required)
        {
            Add("system-partition-full", new SystemPartitionFull { RequiredBytes = required, FreeBytes = free, Detail = $"{free} bytes are free, {required} are needed" });
        }
        else if (free < both)
        {
            Add(FlashBlocker.BackupDoesNotFit, new SystemPartitionFull { RequiredBytes = both, FreeBytes = free, Detail = $"{free} bytes are free; with the backup image beside the new one {both} are needed" }, canBeWaived: true);
        }
    }

    /// <summary>How much has to be free for deposits of so many bytes.</summary>
    internal static long RequiredBytes(long depositBytes) => checked(depositBytes + Overhead);

    private void Verification()
    {
        if (!_report.Evidence.Deposit.TryGet(out var traits))
        {
            Add("no-deposit", new CapabilityMissing { Capability = nameof(IDepositCapability), Detail = _report.Evidence.Deposit.WhyUnknown });
        }
        else if (traits.Strongest < (_policy.MinimumVerification ?? VerificationMethod.AcceptedByDevice))
        {
            Add("verification-too-weak", new VerificationTooWeak { Detail = $"the transport has {traits.Strongest}, the minimum is {_policy.MinimumVerification}" });
        }
    }

    private void Claim(string clientId)
    {
        if (_report.Evidence.Claim.TryGet(out var claim)
            && claim.Current is { } current
            && !string.Equals(current.Owner, clientId, StringComparison.Ordinal)
            && _policy.TakeOverClaimGeneration != current.Generation)
        {
            Add("claimed", new TargetClaimed { Owner = current.Owner, Generation = current.Generation, Detail = $"by {current.Owner}, generation {current.Generation}" });
        }
    }

    private void Armed()
    {
        if (!_report.Evidence.Armed.TryGet(out var armed))
        {
            Add("arming-not-possible", new ArmingNotPossible { Detail = _report.Evidence.Armed.WhyUnknown });
            return;
        }

        if (!armed.Foreign.IsDefaultOrEmpty)
        {
            Add("foreign-capsule", new ForeignCapsulePending { Detail = string.Join(", ", armed.Foreign.Select(f => f.Name)) });
        }

        if (armed.Phase != ArmedPhase.None)
        {
            Add("another-flash-pending", new AnotherFlashPending { Detail = $"deposit '{armed.DepositId}' is {armed.Phase}" });
        }

        if (armed.Offers.IsDefaultOrEmpty)
        {
            Add("arming-not-possible", new ArmingNotPossible { Detail = DefaultFlashScheduler.WhyNoOffer(armed) });
        }
        else if (DefaultFlashScheduler.Choose(armed, _policy) is null)
        {
            Add("immediate-flash", new ImmediateFlashNotAllowed());
        }
    }

    private void Window(DateTimeOffset now)
    {
        if (MissedWindow.Find(_policy, _report, now) is { } missed)
        {
            Add("window-over", missed);
        }
    }

    private void Add(string name, FlashFailure failure, bool canBeWaived = false) =>
        _found.Add(new(name, failure with { Stage = FlashStage.Check, TargetId = _report.Target.Id, TargetState = StateWith(failure) }, canBeWaived));

    // Whatever the blocker is about: when the next boot flashes something, that is what a person has to know.
    private TargetState StateWith(FlashFailure failure) =>
        failure is FailureDuringFlash ? TargetState.RecoveryRequired
        : _report.Evidence.Armed.TryGet(out var armed) && armed.Phase == ArmedPhase.Applying ? TargetState.Flashing
        : armed is not null && (armed.Phase == ArmedPhase.Armed || !armed.Foreign.IsDefaultOrEmpty) ? TargetState.Armed
        : TargetState.Untouched;
}
