using RomFlash.Sdk.Probing;
using RomFlash.Sdk.Transports.Ssh.Firmware;
using RomFlash.Sdk.Transports.Ssh.Reading;

namespace RomFlash.Sdk.Transports.Ssh.Facts;

/// <summary>What a running Linux tells of a flash's chances. Of much it tells nothing: of redundant power supplies, of health, of recovery.</summary>
internal static class ReadinessFacts
{
    public static string Script { get; } = $$"""
        e "$R"{{RebootRequired}} "$R"{{ShutdownScheduled}} "$R"{{UpdateNotifierHook}} "$R"{{UnattendedUpgradesHook}} "$R"{{Supplies}} "$R"{{Blocks}} "$R/sys/firmware/efi"
        i=0
        for d in "$R"{{Supplies}}/*; do
          if [ "$i" -ge {{MaxSupplies}} ]; then printf '! {{TooManySupplies}}\n'; break; fi
          i=$((i+1)); for a in type scope present online capacity status; do r "$d/$a"; done
        done
        i=0
        for d in "$R"{{Blocks}}/dm-*; do
          if [ "$i" -ge {{MaxVolumes}} ]; then printf '! {{TooManyVolumes}}\n'; break; fi
          i=$((i+1)); r "$d/dm/uuid"
        done
        if [ -f "$R"{{CryptTab}} ]; then
          while IFS= read -r l || [ -n "$l" ]; do
            case $l in '#'*) ;; *tpm2-device=*) printf '+ {{SealedVolume}}\n'; break;; esac
          done <"$R"{{CryptTab}} || printf '! {{CryptTab}}\n'
        fi
        x {{SecureBootBytes + 1}} "$R"{{EfiVariables.PathOf(SecureBoot)}}
        """;

    private const string RebootRequired = "/run/reboot-required";
    private const string ShutdownScheduled = "/run/systemd/shutdown/scheduled";

    // Debian's and Ubuntu's kernels run what lies there; these two say that a new kernel waits for a restart.
    private const string UpdateNotifierHook = "/etc/kernel/postinst.d/update-notifier";
    private const string UnattendedUpgradesHook = "/etc/kernel/postinst.d/unattended-upgrades";

    private const string Supplies = "/sys/class/power_supply";
    private const string Blocks = "/sys/block";
    private const string CryptTab = "/etc/crypttab";
    private const string SealedVolume = "/sealed-volume";
    private const string TooManySupplies = "/supplies";
    private const string TooManyVolumes = "/volumes";
    private const int MaxSupplies = 64;
    private const int MaxVolumes = 512;
    private const string SecureBoot = "SecureBoot";
    private const int SecureBootBytes = 5;

    // The least that Windows' requirements for firmware have a device check before it flashes itself.
    private const uint SufficientPercent = 25;

    public static TargetReadiness Read(TargetReadings readings)
    {
        var supplies = readings.Below(Supplies).Select(d => Supply.Of(readings, d)).Where(s => !s.IsOfAnotherDevice).ToArray();
        var isWhole = readings.IsThere(Supplies) && !readings.IsUnreadable(TooManySupplies);
        return new()
        {
            PendingReboot = IsRebootPending(readings),
            ExternalPower = HasExternalPower(supplies, isWhole),
            BatterySufficient = IsBatterySufficient(supplies, isWhole),
            DiskEncryptionSealed = IsSealed(readings),
            Healthy = Fact<bool>.Unknown("Linux does not tell whether a machine is healthy; its management controller does"),
            InRecovery = Fact<bool>.Unknown("Linux does not tell whether the firmware is in recovery"),
            SecureBoot = IsSecureBoot(readings),
        };
    }

    private static Fact<bool> IsRebootPending(TargetReadings readings) =>
        readings.IsThere(RebootRequired) || readings.IsThere(ShutdownScheduled) ? true
        : readings.IsThere(UpdateNotifierHook) || readings.IsThere(UnattendedUpgradesHook) ? false
        : Fact<bool>.Unknown($"nothing on the target is known to write {RebootRequired} when it waits for a restart");

    // A server's supplies are no business of its operating system: no known supply is no news of them. A portable machine tells of its own.
    private static Fact<bool> HasExternalPower(Supply[] supplies, bool isWhole)
    {
        var external = supplies.Where(s => s.IsExternal).ToArray();
        return external.Any(s => s.IsOnline is true) ? true
            : !isWhole ? Fact<bool>.Unknown("the target does not list its power supplies")
            : external.Length > 0 && external.All(s => s.IsOnline is false) ? false
            : supplies.Any(s => s.IsBattery && s.Status == "Discharging") ? false
            : Fact<bool>.Unknown("the operating system knows of no external supply; a server's management controller does");
    }

    private static Fact<bool> IsBatterySufficient(Supply[] supplies, bool isWhole)
    {
        var batteries = supplies.Where(s => s.IsBattery && s.IsPresent is not false).ToArray();
        return batteries.Any(b => b.Percent is >= SufficientPercent and <= 100) ? true
            : !isWhole ? Fact<bool>.Unknown("the target does not list its power supplies")
            : supplies.Any(s => s.Type is null) ? Fact<bool>.Unknown("a power supply does not tell whether it is a battery")
            : batteries.Length == 0 ? true
            : batteries.All(b => b.Percent is < SufficientPercent) ? false
            : Fact<bool>.Unknown("a battery does not tell how much it holds");
    }

    // An encrypted volume may also be unsealed by what is not in crypttab: a token in the volume's own header, or a tool of its own.
    private static Fact<bool> IsSealed(TargetReadings readings)
    {
        if (!readings.IsThere(Blocks))
        {
            return Fact<bool>.Unknown("the target does not list its disks");
        }

        var volumes = readings.Below(Blocks).Select(d => $"{d}/dm/uuid").ToArray();
        var isEncrypted = volumes.Any(v => readings.Text(v)?.StartsWith("CRYPT-", StringComparison.Ordinal) is true);
        return isEncrypted && readings.IsThere(SealedVolume) ? true
            : isEncrypted ? Fact<bool>.Unknown("a volume is encrypted, and nobody tells whether its key is sealed to the firmware")
            : readings.IsUnreadable(TooManyVolumes) || volumes.Any(readings.IsUnreadable) ? Fact<bool>.Unknown("not every volume tells whether it is encrypted")
            : false;
    }

    // UEFI 2.10, 3.3: one byte.
    private static Fact<bool> IsSecureBoot(TargetReadings readings) =>
        readings.Bytes(EfiVariables.PathOf(SecureBoot)) is { } bytes && EfiVariable.TryParse(bytes)?.Value is [<= 1 and var value] ? value == 1
        : readings.IsThere(EfiVariables.PathOf(SecureBoot)) ? Fact<bool>.Unknown("the variable SecureBoot can't be read, or not be understood")
        : readings.IsThere("/sys/firmware/efi") ? Fact<bool>.Unknown("the target shows no variable SecureBoot")
        : Fact<bool>.Unknown("the target was not started by UEFI");

    private sealed record Supply(string? Type, bool IsOfAnotherDevice, bool? IsPresent, bool? IsOnline, uint? Percent, string? Status)
    {
        public bool IsBattery => Type == "Battery";

        // USB, USB_C, USB_PD and what else there is of it. A battery-backed supply for the room (UPS) is neither.
        public bool IsExternal => Type == "Mains" || Type?.StartsWith("USB", StringComparison.Ordinal) is true;

        public static Supply Of(TargetReadings readings, string folder) => new(
            readings.Text($"{folder}/type"),
            readings.Text($"{folder}/scope") == "Device",
            readings.Number($"{folder}/present") is { } present ? present != 0 : null,
            readings.Number($"{folder}/online") is { } online ? online != 0 : null,
            readings.Number($"{folder}/capacity"),
            readings.Text($"{folder}/status"));
    }
}
