using System.Globalization;
using RomFlash.Sdk.Probing;
using RomFlash.Sdk.Targets;

namespace RomFlash.Sdk.Transports.Smb.Facts;

/// <summary>Which boot this is, and what the operating system waits for. The places in the registry are from public documents, and were not tried on Windows.</summary>
internal static class BootFacts
{
    private const string Prefetch = @"SYSTEM\CurrentControlSet\Control\Session Manager\Memory Management\PrefetchParameters";
    private const string SessionManager = @"SYSTEM\CurrentControlSet\Control\Session Manager";
    private const string Servicing = @"SOFTWARE\Microsoft\Windows\CurrentVersion\Component Based Servicing\RebootPending";
    private const string Update = @"SOFTWARE\Microsoft\Windows\CurrentVersion\WindowsUpdate\Auto Update\RebootRequired";
    private const string BitLocker = @"SYSTEM\CurrentControlSet\Control\BitLockerStatus";

    /// <summary>Windows counts its boots there.</summary>
    public static async ValueTask<Fact<BootIdentity>> ReadIdentityAsync(RegistryReader registry)
    {
        if (await registry.OpenAsync(Prefetch).ConfigureAwait(false) is not { } key)
        {
            return Fact<BootIdentity>.Unknown("the registry does not count boots (PrefetchParameters)");
        }

        await using (key.ConfigureAwait(false))
        {
            return await registry.ReadNumberAsync(key, "BootId").ConfigureAwait(false) is { } number
                ? new BootIdentity(string.Create(CultureInfo.InvariantCulture, $"boot-{number}"))
                : Fact<BootIdentity>.Unknown("the registry does not count boots (BootId)");
        }
    }

    public static async ValueTask<TargetReadiness> ReadReadinessAsync(RegistryReader registry)
    {
        const string NotTold = "the registry does not tell";
        return new()
        {
            PendingReboot = await IsRebootPendingAsync(registry).ConfigureAwait(false),
            DiskEncryptionSealed = await IsSealedAsync(registry).ConfigureAwait(false),
            ExternalPower = Fact<bool>.Unknown(NotTold),
            BatterySufficient = Fact<bool>.Unknown(NotTold),
            Healthy = Fact<bool>.Unknown(NotTold),
            InRecovery = Fact<bool>.Unknown(NotTold),
        };
    }

    // The places that Windows' own servicing, its updates and its installer use. A key that can't be opened may be there: only one that is not found is not.
    private static async ValueTask<Fact<bool>> IsRebootPendingAsync(RegistryReader registry)
    {
        bool?[] places =
        [
            await registry.IsThereAsync(Servicing).ConfigureAwait(false),
            await registry.IsThereAsync(Update).ConfigureAwait(false),
            await registry.HoldsTextAsync(SessionManager, "PendingFileRenameOperations").ConfigureAwait(false),
        ];
        return places.Contains(true) ? true
            : places.Contains(null) ? Fact<bool>.Unknown("the registry does not tell whether a restart is waited for")
            : false;
    }

    // 1 is said to mean that the volume of the system is encrypted. Whatever else it says, another volume or protector may be sealed: nobody takes that for a no.
    private static async ValueTask<Fact<bool>> IsSealedAsync(RegistryReader registry)
    {
        if (await registry.OpenAsync(BitLocker).ConfigureAwait(false) is { } key)
        {
            await using (key.ConfigureAwait(false))
            {
                if (await registry.ReadNumberAsync(key, "BootStatus").ConfigureAwait(false) is 1)
                {
                    return true;
                }
            }
        }

        return Fact<bool>.Unknown("the registry does not tell for sure whether a disk is sealed to the firmware");
    }
}
