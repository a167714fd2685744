using System.Globalization;
using RomFlash.Sdk.Probing;
using RomFlash.Sdk.Transports.Ssh.Connection;
using RomFlash.Sdk.Transports.Ssh.Firmware;
using RomFlash.Sdk.Transports.Ssh.Reading;
using RomFlash.Sdk.Transports.SystemPartitions;

namespace RomFlash.Sdk.Transports.Ssh.Facts;

/// <summary>Finds the system partition among what is mounted, and tells what it is.</summary>
internal sealed class VolumeFacts(IRemoteScripts scripts)
{
    private const string Mounts = "/proc/self/mountinfo";
    private const int MaxDevices = 64;
    private const int MaxVolumes = 256;

    // Two numbers of 64 bits.
    private const int MaxFolderId = 41;

    /// <summary>Prints what a <see cref="MountTable"/> reads.</summary>
    public const string MountsScript = $"g \"$R\"{Mounts}; sed 's/^/m /' \"$R\"{Mounts}";

    // UEFI 2.10, 5.3.3: the partition type of an EFI system partition.
    private static readonly Guid SystemPartitionType = new("c12a7328-f81f-11d2-ba4b-00a0c93ec93b");

    // Where it is mounted by custom: file-hierarchy(7), and the Boot Loader Specification.
    private static readonly string[] Places = ["/boot/efi", "/efi", "/boot"];

    /// <summary>Finds the system partition.</summary>
    /// <param name="path">Where somebody says that it is mounted; null when it is to be found out.</param>
    /// <param name="cancellationToken">Cancelled by the caller.</param>
    /// <returns>The volume, or unknown and why none was found.</returns>
    /// <exception cref="PartitionFaultException">The target can't be asked.</exception>
    public async ValueTask<Fact<SshVolume>> FindAsync(string? path, CancellationToken cancellationToken)
    {
        if (path is not null && !IsPath(path))
        {
            return NoPath(path);
        }

        var readings = await ReadingScript.RunAsync(scripts, path is null ? [Script(null), BootEntries.Script] : [Script(path)], cancellationToken).ConfigureAwait(false);
        var found = path is null ? Choose(readings) : At(readings, path);
        return found.TryGet(out var volume) && volume.FileSystem.IsKnown ? volume with { FolderId = await ReadFolderIdAsync(volume, cancellationToken).ConfigureAwait(false) } : found;
    }

    /// <summary>Tells what a volume that was found is now. Whether it has a directory EFI is for the caller to say.</summary>
    /// <exception cref="PartitionFaultException">The target can't be asked.</exception>
    public async ValueTask<Fact<SystemPartition>> ReadAsync(SshVolume volume, CancellationToken cancellationToken) =>
        Read(await ReadingScript.RunAsync(scripts, [ScriptOf(volume)], cancellationToken).ConfigureAwait(false), volume);

    /// <summary>What <see cref="Read"/> needs.</summary>
    public static string ScriptOf(SshVolume volume) => $$"""
        {{Script(volume.MountPoint)}}
        s=$(stat -f -c '%S %b %a' "$R"{{ShellText.Quote(volume.MountPoint)}}/.) && printf 's %s\n' "$s"
        {{BootEntries.Script}}
        """;

    public static Fact<SystemPartition> Read(TargetReadings readings, SshVolume volume)
    {
        // Anew: a FAT volume that finds itself damaged turns read-only, and anything may have been mounted or unmounted since.
        var there = At(readings, volume.MountPoint);
        if (!there.TryGet(out var now))
        {
            return Fact<SystemPartition>.Unknown(there.WhyUnknown);
        }

        if (now.MountPoint != volume.MountPoint || now.Device != volume.Device || now.FileSystem != volume.FileSystem)
        {
            return Fact<SystemPartition>.Unknown($"another volume is mounted at {volume.MountPoint} than before");
        }

        var (total, free) = SizeOf(readings);
        var booted = BootEntries.FindBootPartition(readings);
        return new SystemPartition
        {
            Location = now.MountPoint,
            FileSystem = now.FileSystem,
            TotalBytes = total,
            FreeBytes = free,
            IsReadOnly = now.IsReadOnly,
            IsBootVolume = !now.PartitionUuid.TryGet(out var uuid) ? Fact<bool>.Unknown(now.PartitionUuid.WhyUnknown)
                : booted.TryGet(out var boot) ? uuid == boot
                : Fact<bool>.Unknown(booted.WhyUnknown),
        };
    }

    /// <summary>
    /// A script that fails when the volume is not mounted any more where it was found, or something else is seen there: another volume, a folder of this one, or one above it that was mounted over. Looking at it
    /// mounts what systemd mounts on demand.
    /// </summary>
    public static string Guard(string root, SshVolume volume) => $$"""
        rf_away() { echo {{ShellText.Quote(volume.MountPoint + " is not mounted any more, or something else is mounted there: No such file or directory")}} >&2; exit 1; }
        [ -e {{ShellText.Quote(root + volume.MountPoint)}}/. ]
        rf_now=
        while read -r rf_id rf_parent rf_device rf_folder rf_point rf_rest; do
          [ "$rf_point" != {{ShellText.Quote(MountTable.Escape(volume.MountPoint))}} ] || rf_now=$rf_device
        done <{{ShellText.Quote(root + Mounts)}}
        [ "$rf_now" = {{ShellText.Quote(volume.Device)}} ] || rf_away
        {{(volume.FolderId is { } id ? $"[ \"$({FolderIdScript(root, volume)})\" = {ShellText.Quote(id)} ] || rf_away" : string.Empty)}}

        """;

    private static string FolderIdScript(string root, SshVolume volume) => $"stat -c '%d:%i' -- {ShellText.Quote(root + volume.MountPoint)}/. 2>/dev/null";

    private async ValueTask<string?> ReadFolderIdAsync(SshVolume volume, CancellationToken cancellationToken)
    {
        var reply = await scripts.RunAsync(FolderIdScript(scripts.Root, volume), new() { IsPlain = true }, cancellationToken).ConfigureAwait(false);
        return reply is { ExitStatus: 0, Text: [.. var id, '\n'] } && id.Length <= MaxFolderId && id.Split(':') is [{ Length: > 0 } device, { Length: > 0 } number] && (device + number).All(char.IsAsciiDigit) ? id : null;
    }

    // Systemd mounts a system partition when somebody looks into its folder, and unmounts it later. What udev knows of a partition, it read from the partition table.
    private static string Script(string? path)
    {
        var script = $"for p in {string.Join(' ', Places)}; do [ -e \"$R$p/.\" ]; done\n";
        if (path is not null)
        {
            script += $$"""
                q={{ShellText.Quote(path)}}
                if [ -d "$R$q/." ]; then p=$(cd -P "$R$q" && pwd -P); o=$(cd -P "$R/" && pwd -P); printf 'd %s\t%s\n' "$o" "$p"; else e "$R$q"; fi

                """;
        }

        // What sed reads may have no end of line at its end.
        return script + string.Create(CultureInfo.InvariantCulture, $$"""
            g "$R"{{Mounts}}
            if [ -f "$R"{{Mounts}} ]; then
              sed 's/^/m /' "$R"{{Mounts}}; echo
              n=0; seen=
              for d in $(sed -n -e 's/^[0-9]* [0-9]* \([0-9]*:[0-9]*\) .* - vfat .*/\1/p' -e 's/^[0-9]* [0-9]* \([0-9]*:[0-9]*\) .* - msdos .*/\1/p' "$R"{{Mounts}}); do
                case "$seen " in *" $d "*) continue ;; esac
                seen="$seen $d"
                n=$((n + 1))
                [ "$n" -le {{MaxDevices}} ] || break
                if [ -f "$R/run/udev/data/b$d" ]; then sed -n "s/^E:\(ID_PART_ENTRY_[A-Z]*=.*\)/u $d \1/p" "$R/run/udev/data/b$d"; echo; fi
              done
            fi
            """);
    }

    private static Fact<SshVolume> At(TargetReadings readings, string path)
    {
        if (TargetPath(readings) is not { } real)
        {
            return readings.IsThere(path) || readings.Lines('d').Count > 0 ? Fact<SshVolume>.Unknown($"{path} is no folder that can be used") : NoPath(path);
        }

        var table = new MountTable(readings.Lines('m'));
        return table.At(real) is { } mount ? Of(readings, mount)
            : table.Around(real) is { } around ? Of(readings, around) with
            {
                MountPoint = real,
                FileSystem = Fact<string>.Unknown($"{real} is not a mount point: it is a folder of the {around.FileSystem} at {around.Point}"),
            }
            : Fact<SshVolume>.Unknown($"nobody tells what is mounted at {path}: {Mounts} can't be read, or not be understood");
    }

    private static Fact<SshVolume> Choose(TargetReadings readings)
    {
        var table = new MountTable(readings.Lines('m'));
        if (table.IsEmpty)
        {
            return Fact<SshVolume>.Unknown($"nobody tells what is mounted: {Mounts} can't be read, or not be understood");
        }

        // A volume that is mounted twice is one, and best known at its usual place.
        var fat = table.Reachable.Where(m => m.FileSystem is "vfat" or "msdos" && m.Folder == "/").ToArray();
        if (fat.Length > MaxVolumes)
        {
            return Fact<SshVolume>.Unknown($"more than {MaxVolumes} FAT volumes are mounted: name the system partition's path");
        }

        var candidates = fat.GroupBy(m => m.Device, StringComparer.Ordinal)
            .Select(g => Of(readings, g.OrderBy(m => RankOf(m.Point)).ThenBy(m => m.Point, StringComparer.Ordinal).First()))
            .Where(v => v.PartitionType.TryGet(out var type) ? type == SystemPartitionType : Places.Contains(v.MountPoint, StringComparer.Ordinal))
            .OrderBy(v => RankOf(v.MountPoint)).ThenBy(v => v.MountPoint, StringComparer.Ordinal)
            .ToArray();
        switch (candidates)
        {
            case [var one]:
                return one;
            case []:
                return Fact<SshVolume>.Unknown(fat.Length == 0
                    ? "no FAT volume is mounted: mount the system partition, such as at /boot/efi"
                    : $"none of the mounted FAT volumes is known to be a system partition ({Names(fat.Select(m => m.Point))}): name its path");
        }

        var booted = BootEntries.FindBootPartition(readings);
        return booted.TryGet(out var boot) && candidates.Where(c => c.PartitionUuid.TryGet(out var uuid) && uuid == boot).ToArray() is [var next]
            ? next
            : Fact<SshVolume>.Unknown($"several system partitions are mounted ({Names(candidates.Select(c => c.MountPoint))}), and the one that the firmware boots from can't be told ({(booted.IsKnown ? "it is none of them" : booted.WhyUnknown)}): name its path");
    }

    private static SshVolume Of(TargetReadings readings, Mount mount) => new(
        mount.Point,
        mount.Device,
        mount.Folder == "/" ? mount.FileSystem : Fact<string>.Unknown($"only the folder {mount.Folder} of the {mount.FileSystem} is mounted at {mount.Point}"),
        mount.IsReadOnly,
        OfPartition(readings, mount.Device, "ID_PART_ENTRY_TYPE"),
        OfPartition(readings, mount.Device, "ID_PART_ENTRY_UUID"));

    private static Fact<Guid> OfPartition(TargetReadings readings, string device, string name) =>
        Udev(readings, device, "ID_PART_ENTRY_SCHEME") is not { } scheme ? Fact<Guid>.Unknown($"udev does not tell which partition {device} is")
        : scheme != "gpt" ? Fact<Guid>.Unknown($"{device} is no partition of a GPT")
        : Guid.TryParseExact(Udev(readings, device, name), "D", out var id) ? id
        : Fact<Guid>.Unknown($"udev does not tell {name} of {device}");

    private static string? Udev(TargetReadings readings, string device, string name)
    {
        var head = $"{device} {name}=";
        return readings.Lines('u').FirstOrDefault(l => l.StartsWith(head, StringComparison.Ordinal))?[head.Length..];
    }

    // What the path leads to, with its links followed, below the target's root.
    private static string? TargetPath(TargetReadings readings)
    {
        if (readings.Lines('d') is not [var line] || line.Split('\t') is not [['/', ..] root, ['/', ..] path])
        {
            return null;
        }

        var prefix = root.TrimEnd('/');
        var real = path.StartsWith(prefix, StringComparison.Ordinal) ? path[prefix.Length..] : null;
        return real is "" ? "/" : real is ['/', ..] && real.Length <= MountTable.MaxPath && !real.Contains('\uFFFD', StringComparison.Ordinal) ? real : null;
    }

    private static (Fact<long> Total, Fact<long> Free) SizeOf(TargetReadings readings)
    {
        if (readings.Lines('s') is [var line]
            && line.Split(' ') is [var size, var total, var free]
            && TryParse(size, out var bytes)
            && TryParse(total, out var all)
            && TryParse(free, out var left)
            && (bytes == 0 || Math.Max(all, left) <= long.MaxValue / bytes))
        {
            return (all * bytes, left * bytes);
        }

        var unknown = Fact<long>.Unknown("stat(1) does not tell");
        return (unknown, unknown);

        static bool TryParse(string text, out long number) => long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number);
    }

    private static int RankOf(string point) => Array.IndexOf(Places, point) is >= 0 and var rank ? rank : Places.Length;

    // Of a hundred FAT volumes some ten say enough.
    private static string Names(IEnumerable<string> points) => points.Order(StringComparer.Ordinal).ToArray() is { Length: > 10 } many ? string.Join(", ", many.Take(10)) + ", …" : string.Join(", ", points.Order(StringComparer.Ordinal));

    private static bool IsPath(string path) => path is ['/', ..] && path.Length <= 1024 && !path.Any(char.IsControl);

    private static Fact<SshVolume> NoPath(string path) => Fact<SshVolume>.Unknown($"there is no folder {path}");
}
