using System.Globalization;
using RomFlash.Sdk.Transports.Inventory;
using RomFlash.Sdk.Transports.Ssh.Reading;

namespace RomFlash.Sdk.Transports.Ssh.Firmware;

/// <summary>The variables in which firmware leaves what became of capsules (UEFI 2.10, 8.5.6): the newest of them.</summary>
internal static class CapsuleVariables
{
    /// <summary>How many results are looked at. Linux lets some hundred reads of variables pass in a second.</summary>
    public const int MaxResults = 64;

    private const int AttributeBytes = sizeof(uint);
    private const int NameBytes = 24;

    // The same way back through the numbers as CapsuleReport.NewestFirst. What ends it ends it in Read, too.
    public static string Script { get; } = string.Create(CultureInfo.InvariantCulture, $$"""
        rf_number() {
          n=$(tail -c +{{AttributeBytes + 1}} "$1" | head -c 22 | tr -d '\000')
          case $n in {{CapsuleReport.Prefix}}[0-9A-F][0-9A-F][0-9A-F][0-9A-F]) n=$((0x${n#{{CapsuleReport.Prefix}}}));; *) n=;; esac
        }
        x {{AttributeBytes + NameBytes + 1}} "$R"{{PathOf(CapsuleReport.Last)}} "$R"{{PathOf(CapsuleReport.Max)}}
        if [ -f "$R"{{PathOf(CapsuleReport.Last)}} ]; then
          k=
          if [ -f "$R"{{PathOf(CapsuleReport.Max)}} ]; then rf_number "$R"{{PathOf(CapsuleReport.Max)}}; k=$n; fi
          rf_number "$R"{{PathOf(CapsuleReport.Last)}}; l=$n; c=; i=0
          while [ -n "$n" ] && [ "$i" -lt {{MaxResults}} ]; do
            c="$c $n"; i=$((i+1)); n=$((n-1))
            if [ "$n" -lt 0 ]; then n=; if [ -n "$k" ] && [ "$k" -gt "$l" ]; then n=$k; fi; fi
            if [ "$n" = "$l" ]; then break; fi
          done
          if [ -n "$c" ]; then
            for n in $(printf '%04X ' $c); do
              n="$R{{PathOf(CapsuleReport.Prefix).Replace(CapsuleReport.Prefix + "-", CapsuleReport.Prefix + "$n-", StringComparison.Ordinal)}}"
              if ! [ -e "$n" ]; then break; fi
              x {{AttributeBytes + CapsuleResult.MaxBytes + 1}} "$n"
            done
          fi
        fi
        """);

    /// <summary>Reads what <see cref="Script"/> read.</summary>
    /// <returns>Results, the newest first, and none where there are none; null when nobody can tell: one can't be read, or the firmware does not say which is the newest.</returns>
    public static IReadOnlyList<CapsuleReport>? Read(TargetReadings readings)
    {
        if (NumberOf(readings, CapsuleReport.Last) is not { } last)
        {
            return readings.IsUnreadable(PathOf(CapsuleReport.Last)) || readings.Bytes(PathOf(CapsuleReport.Last)) is not null ? null : [];
        }

        var reports = new List<CapsuleReport>();
        foreach (var number in CapsuleReport.NewestFirst(last, NumberOf(readings, CapsuleReport.Max)).Take(MaxResults))
        {
            // Firmware leaves no gap. Behind one that is gone or can't be read, the newest that is found may be an old one, and would look like an attempt since.
            if (readings.IsUnreadable(PathOf(CapsuleReport.NameOf(number))))
            {
                return null;
            }

            if (readings.Bytes(PathOf(CapsuleReport.NameOf(number))) is not { Length: > 0 } bytes)
            {
                break;
            }

            if (EfiVariable.TryParse(bytes) is { } variable && CapsuleResult.TryParse(variable.Value) is { } result)
            {
                reports.Add(new(number, result));
            }
        }

        return reports;
    }

    private static string PathOf(string name) => EfiVariables.PathOf(name, CapsuleReport.Vendor);

    private static ushort? NumberOf(TargetReadings readings, string name) =>
        readings.Bytes(PathOf(name)) is { } bytes && EfiVariable.TryParse(bytes) is { } variable ? CapsuleReport.TryParseName(variable.Value) : null;
}
