using System.Collections.Immutable;
using System.Globalization;
using System.Text.RegularExpressions;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Probing;
using RomFlash.Sdk.Transports.Inventory;
using RomFlash.Sdk.Transports.Ssh.Reading;

namespace RomFlash.Sdk.Transports.Ssh.Facts;

/// <summary>
/// Array controllers among the devices on the PCI bus. Their firmware's version is what the driver of their SCSI host says of it; not every driver does, and then it is unknown.
/// </summary>
internal static partial class ControllerFacts
{
    // An attribute of a SCSI host that has the firmware's version: of hpsa, of smartpqi, of mpt3sas and mpi3mr, of arcmsr.
    public static string Script { get; } = string.Create(CultureInfo.InvariantCulture, $$"""
        i=0
        for d in "$R"{{Devices}}/*; do
          v=
          if [ "$i" -lt {{ArrayControllers.Max}} ] && [ -f "$d/class" ]; then IFS= read -r v <"$d/class"; fi
          case $v in {{string.Join('|', ArrayControllers.Classes.Select(c => $"0x{c}*"))}})
            i=$((i+1)); e "$d"
            for a in class vendor device subsystem_vendor subsystem_device; do r "$d/$a"; done;;
          esac
        done
        if [ "$i" -gt 0 ]; then
          i=0
          for h in "$R"/sys/class/scsi_host/host*; do
            for a in firmware_revision firmware_version version_fw host_fw_version; do
              if [ "$i" -lt {{MaxVersions}} ] && [ -f "$h/$a" ]; then
                i=$((i+1)); v=; IFS= read -r v <"$h/$a"; p=$(cd -P "$h" && pwd -P)
                printf 'h %s\t%s\n' "$p" "$v"
              fi
            done
          done
        fi
        """);

    private const string Devices = "/sys/bus/pci/devices";
    private const int MaxVersions = 4 * ArrayControllers.Max;

    public static IEnumerable<InstalledRom> Read(TargetReadings readings)
    {
        var versions = ReadVersions(readings);
        foreach (var device in readings.Below(Devices).Take(ArrayControllers.Max))
        {
            var address = device[(Devices.Length + 1)..].ToLowerInvariant();
            if (!Address().IsMatch(address) || Number(readings, device, "vendor") is not { } vendor || Number(readings, device, "device") is not { } number)
            {
                continue;
            }

            // No subsystem is two zeros (PCI 3.0, 6.2.4).
            var pci = Number(readings, device, "subsystem_vendor") is { } subsystemVendor && Number(readings, device, "subsystem_device") is { } subsystem && (subsystemVendor | subsystem) != 0
                ? new PciId(vendor, number, subsystemVendor, subsystem)
                : new PciId(vendor, number);
            var rom = ArrayControllers.ToRom($"pci-{address}", $"array controller {pci} at {address}", pci);

            // Two hosts of one device that say different things say nothing.
            yield return versions.GetValueOrDefault(address) is [var version] ? rom with { Versions = [new(FactSource.Device, version)] } : rom;
        }
    }

    private static Dictionary<string, List<RomVersion>> ReadVersions(TargetReadings readings)
    {
        var versions = new Dictionary<string, List<RomVersion>>(StringComparer.Ordinal);
        foreach (var line in readings.Lines('h').Take(MaxVersions))
        {
            // /sys/devices/pci0000:00/0000:00:03.0/0000:08:00.0/host0/scsi_host/host0: the last address is that of the device.
            if (line.Split('\t', 2) is [var path, var text]
                && path.Split('/').LastOrDefault(s => Address().IsMatch(s)) is { } address
                && RomVersion.TryParse(text, out var version))
            {
                if (!versions.TryGetValue(address, out var known))
                {
                    versions[address] = known = [];
                }

                if (!known.Any(v => v.Text == version.Text))
                {
                    known.Add(version);
                }
            }
        }

        return versions;
    }

    private static ushort? Number(TargetReadings readings, string device, string name) =>
        readings.Text($"{device}/{name}") is ['0', 'x', .. { Length: 4 } digits] && ushort.TryParse(digits, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var number) ? number : null;

    [GeneratedRegex(@"^[0-9a-f]{4,8}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]$", RegexOptions.CultureInvariant)]
    private static partial Regex Address();
}
