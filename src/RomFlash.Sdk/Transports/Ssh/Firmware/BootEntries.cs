using System.Buffers.Binary;
using System.Globalization;
using RomFlash.Sdk.Probing;
using RomFlash.Sdk.Transports.Ssh.Reading;

namespace RomFlash.Sdk.Transports.Ssh.Firmware;

/// <summary>
/// Which partition the firmware boots from next: on that device's system partition it looks for capsules, and nowhere else (UEFI 2.10, 8.5.5). That is the entry of BootNext, or the first active
/// one of BootOrder whose device is present.
/// </summary>
internal sealed class BootEntries(IRemoteScripts scripts)
{
    private const string Next = "BootNext";
    private const string Order = "BootOrder";
    private const string Partitions = "/dev/disk/by-partuuid";
    private const string TooManyEntries = "/boot-entries";
    private const string TooManyPartitions = "/partitions";
    private const int MaxEntries = 128;
    private const int MaxPartitions = 1024;
    private const int AttributeBytes = sizeof(uint);

    // What else is named Boot, such as BootOptionSupport, has no four hexadecimal digits there.
    public static string Script { get; } = string.Create(CultureInfo.InvariantCulture, $$"""
        e "$R"{{EfiVariables.Folder}} "$R"{{Partitions}}
        x {{EfiVariable.MaxBytes + 1}} "$R"{{EfiVariables.PathOf(Next)}} "$R"{{EfiVariables.PathOf(Order)}}
        i=0
        for b in "$R"{{EfiVariables.PathOf("Boot").Replace("Boot-", "Boot[0-9A-F][0-9A-F][0-9A-F][0-9A-F]-", StringComparison.Ordinal)}}; do
          if [ "$i" -ge {{MaxEntries}} ]; then printf '! {{TooManyEntries}}\n'; break; fi
          i=$((i+1)); x {{AttributeBytes + LoadOption.MaxBytes + 1}} "$b"
        done
        i=0
        for b in "$R"{{Partitions}}/*; do
          if [ "$i" -ge {{MaxPartitions}} ]; then printf '! {{TooManyPartitions}}\n'; break; fi
          i=$((i+1)); if [ -e "$b" ] || [ -L "$b" ]; then printf 'p %s\n' "${b##*/}"; fi
        done
        """);

    public async ValueTask<Fact<Guid>> ReadBootPartitionAsync(CancellationToken cancellationToken) =>
        FindBootPartition(await ReadingScript.RunAsync(scripts, [Script], cancellationToken).ConfigureAwait(false));

    /// <summary>Finds it in what <see cref="Script"/> read.</summary>
    public static Fact<Guid> FindBootPartition(TargetReadings readings)
    {
        if (!readings.IsThere(EfiVariables.PathOf(Order)) && !readings.IsThere(EfiVariables.PathOf(Next)))
        {
            return Fact<Guid>.Unknown(readings.IsThere(EfiVariables.Folder) ? "the firmware's variables have no boot order" : $"the target shows no EFI variables ({EfiVariables.Folder})");
        }

        if (readings.IsThere(EfiVariables.PathOf(Next)))
        {
            return TryReadNumbers(readings, Next) is not [var number] ? NotUnderstood(Next)
                : !readings.IsThere(EfiVariables.PathOf(NameOf(number))) ? Fact<Guid>.Unknown($"BootNext names {NameOf(number)}, which is not there")
                : TryReadOption(readings, number) is not { } next ? NotUnderstood(NameOf(number))
                : next.Partition ?? Fact<Guid>.Unknown($"BootNext names {NameOf(number)}, which does not boot from a GPT partition");
        }

        if (TryReadNumbers(readings, Order) is not { } order)
        {
            return NotUnderstood(Order);
        }

        var present = PresentPartitions(readings);
        foreach (var number in order)
        {
            if (!readings.IsThere(EfiVariables.PathOf(NameOf(number))))
            {
                if (readings.IsUnreadable(TooManyEntries))
                {
                    return Fact<Guid>.Unknown($"there are more than {MaxEntries} boot entries");
                }

                continue;
            }

            if (TryReadOption(readings, number) is not { } option)
            {
                return NotUnderstood(NameOf(number));
            }

            if (option is { IsActive: true, Partition: { } partition } && present?.Contains(partition) is not false)
            {
                return partition;
            }
        }

        return Fact<Guid>.Unknown("no active boot entry boots from a GPT partition that is there");
    }

    // Null where nobody tells: then an entry's device is taken to be there.
    private static HashSet<Guid>? PresentPartitions(TargetReadings readings) =>
        readings.IsThere(Partitions) && !readings.IsUnreadable(TooManyPartitions)
            ? readings.Lines('p').Select(n => Guid.TryParseExact(n, "D", out var id) ? id : Guid.Empty).ToHashSet()
            : null;

    private static ushort[]? TryReadNumbers(TargetReadings readings, string name)
    {
        if (readings.Bytes(EfiVariables.PathOf(name)) is not { } bytes || EfiVariable.TryParse(bytes) is not { } variable || variable.Value.Length % sizeof(ushort) != 0)
        {
            return null;
        }

        var numbers = new ushort[variable.Value.Length / sizeof(ushort)];
        for (var i = 0; i < numbers.Length; i++)
        {
            numbers[i] = BinaryPrimitives.ReadUInt16LittleEndian(variable.Value.AsSpan(i * sizeof(ushort)));
        }

        return numbers;
    }

    private static LoadOption? TryReadOption(TargetReadings readings, ushort number) =>
        readings.Bytes(EfiVariables.PathOf(NameOf(number))) is { } bytes && EfiVariable.TryParse(bytes) is { } variable ? LoadOption.TryParse(variable.Value) : null;

    // UEFI 2.10, 3.1.1: four hexadecimal digits, upper-case.
    private static string NameOf(ushort number) => string.Create(CultureInfo.InvariantCulture, $"Boot{number:X4}");

    private static Fact<Guid> NotUnderstood(string name) => Fact<Guid>.Unknown($"the EFI variable {name} can't be read, or not be understood");
}
