using System.Collections.Immutable;
using System.Globalization;
using RomFlash.Sdk.Probing;
using RomFlash.Sdk.Transports.Inventory;
using RomFlash.Sdk.Transports.Ssh.Firmware;
using RomFlash.Sdk.Transports.Ssh.Reading;

namespace RomFlash.Sdk.Transports.Ssh.Facts;

/// <summary>The installed ROMs: SMBIOS, the EFI system resource table (UEFI 2.10, 23.4) and the results of capsules, array controllers. Root alone may read the table.</summary>
internal static class RomFacts
{
    private const string Esrt = "/sys/firmware/efi/esrt";
    private const string Entries = Esrt + "/entries";
    private const string TooMany = "/esrt-entries";
    private const string Told = ReadingScript.ToldFolder + "/firmware";

    // The table says "a device's", and not which. Whoever knows it of a model writes it into a file of its machines, named after the firmware class.
    public static string Script { get; } = string.Create(CultureInfo.InvariantCulture, $$"""
        r "$R"/sys/class/dmi/id/bios_version
        if [ -e "$R"{{Esrt}} ]; then
          if [ -d "$R"{{Entries}} ] && [ -r "$R"{{Entries}} ] && [ -x "$R"{{Entries}} ]; then
            i=0
            for d in "$R"{{Entries}}/entry*; do
              if [ "$i" -ge {{FirmwareResources.Max}} ]; then printf '! {{TooMany}}\n'; break; fi
              i=$((i+1)); e "$d"; v=
              r "$d/fw_class"; c=$v
              for a in fw_type fw_version lowest_supported_fw_version last_attempt_version last_attempt_status; do r "$d/$a"; done
              case $c in ''|*[!0-9a-f-]*) ;; *) t "$R{{Told}}/$c" "$R{{ReadingScript.ToldFolder}}" "$R{{Told}}";; esac
            done
          else
            printf '! {{Entries}}\n'
          fi
        fi
        {{CapsuleVariables.Script}}
        {{ControllerFacts.Script}}
        """);

    public static Fact<ImmutableArray<InstalledRom>> Read(TargetReadings readings)
    {
        // In each case the lowest version that the firmware takes would be missing, and nobody would miss it.
        if (readings.IsUnreadable(Entries))
        {
            return Unknown($"the firmware resource table can't be read ({Entries})");
        }

        // The script stops by itself; whoever lies does not.
        var entries = readings.Below(Entries).Take(FirmwareResources.Max + 1).ToArray();
        if (readings.IsUnreadable(TooMany) || entries.Length > FirmwareResources.Max)
        {
            return Unknown($"the firmware resource table has more than {FirmwareResources.Max} entries");
        }

        var resources = new List<FirmwareResource>();
        foreach (var entry in entries)
        {
            foreach (var name in new[] { "fw_class", "fw_type", "fw_version", "lowest_supported_fw_version", "last_attempt_version", "last_attempt_status" })
            {
                if (readings.IsUnreadable($"{entry}/{name}"))
                {
                    return Unknown($"the firmware resource table can't be read ({entry}/{name}); root alone may");
                }
            }

            if (!Guid.TryParseExact(readings.Text($"{entry}/fw_class"), "D", out var firmwareClass) || resources.Any(r => r.FirmwareClass == firmwareClass))
            {
                return Unknown($"the firmware resource table can't be understood: {entry} has no class of its own");
            }

            if (readings.Number($"{entry}/lowest_supported_fw_version") is not { } lowest)
            {
                return Unknown($"the firmware resource table can't be understood: {entry} has no lowest version");
            }

            resources.Add(new(firmwareClass, readings.Number($"{entry}/fw_type"))
            {
                ToldKind = readings.Told($"{Told}/{firmwareClass:D}"),
                Version = readings.Number($"{entry}/fw_version"),
                LowestSupportedVersion = lowest,
                LastAttemptVersion = readings.Number($"{entry}/last_attempt_version"),
                LastAttemptStatus = readings.Number($"{entry}/last_attempt_status"),
            });
        }

        return FirmwareResources.ToRoms(DmiFacts.BiosVersion(readings), resources, "the firmware resource table does not tell", CapsuleVariables.Read(readings)) is { } roms
            ? roms.AddRange(ControllerFacts.Read(readings))
            : Unknown("the target tells neither a BIOS version nor a firmware resource table");
    }

    private static Fact<ImmutableArray<InstalledRom>> Unknown(string why) => Fact<ImmutableArray<InstalledRom>>.Unknown(why);
}
