using System.Globalization;
using System.Text;

namespace RomFlash.Sdk.Transports.Ssh.Facts;

/// <summary>A mount: its device's numbers, the folder of the file system that is seen there, where that is, and whether it can't be written.</summary>
internal sealed record Mount(int Id, int Parent, string Device, string Folder, string Point, bool IsReadOnly, string FileSystem);

/// <summary>What is mounted on a target, as Linux tells it (proc(5), /proc/pid/mountinfo). Untrusted: a line that is none is left out.</summary>
internal sealed class MountTable
{
    /// <summary>The longest path that Linux takes (PATH_MAX), and what no path of a target is longer than.</summary>
    public const int MaxPath = 4096;

    // As many mounts on each other at one place are nobody's doing but a liar's.
    private const int MaxStacked = 64;

    private readonly Dictionary<int, Mount> _byId = [];
    private readonly Dictionary<string, Mount> _top = new(StringComparer.Ordinal);

    public MountTable(IEnumerable<string> lines)
    {
        foreach (var line in lines)
        {
            if (TryParse(line) is { } mount)
            {
                _byId[mount.Id] = mount;
                _top[mount.Point] = mount;
            }
        }
    }

    public bool IsEmpty => _top.Count == 0;

    /// <summary>The mounts that can be reached: of several at one place the last one, and nothing that lies below a folder that another mount covers.</summary>
    public IEnumerable<Mount> Reachable => _top.Values.Where(IsReachable);

    /// <summary>What is mounted right at a path, or null.</summary>
    public Mount? At(string path) => _top.TryGetValue(path, out var mount) && IsReachable(mount) ? mount : null;

    /// <summary>In which mount a path lies, or null.</summary>
    public Mount? Around(string path)
    {
        for (var at = path; at is not null; at = ParentOf(at))
        {
            if (At(at) is { } mount)
            {
                return mount;
            }
        }

        return null;
    }

    public static Mount? TryParse(string line)
    {
        // 36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue
        var fields = line.Split(' ');
        var dash = Array.IndexOf(fields, "-", Math.Min(6, fields.Length));
        return dash > 0
            && dash + 1 < fields.Length
            && int.TryParse(fields[0], NumberStyles.None, CultureInfo.InvariantCulture, out var id)
            && int.TryParse(fields[1], NumberStyles.None, CultureInfo.InvariantCulture, out var parent)
            && IsDevice(fields[2])
            && TryUnescape(fields[3], out var folder)
            && TryUnescape(fields[4], out var point)
            && point is ['/', ..]
            && point.Length <= MaxPath
            && TryUnescape(fields[dash + 1], out var fileSystem)
            && fileSystem.Length > 0
                ? new(id, parent, fields[2], folder, point, IsReadOnly(fields[5]) || (dash + 3 < fields.Length && IsReadOnly(fields[dash + 3])), fileSystem)
                : null;
    }

    /// <summary>A path as the table has it.</summary>
    public static string Escape(string path) => path.Replace("\\", "\\134", StringComparison.Ordinal).Replace(" ", "\\040", StringComparison.Ordinal)
        .Replace("\t", "\\011", StringComparison.Ordinal).Replace("\n", "\\012", StringComparison.Ordinal);

    private static bool IsReadOnly(string options) => options.Split(',').Contains("ro", StringComparer.Ordinal);

    private static bool IsDevice(string text) =>
        text.Split(':') is [{ Length: > 0 and <= 9 } major, { Length: > 0 and <= 9 } minor] && major.All(char.IsAsciiDigit) && minor.All(char.IsAsciiDigit);

    // A blank, a tab, a line break and a backslash are three octal digits behind a backslash; a name that was no text can't be named back.
    private static bool TryUnescape(string field, out string text)
    {
        text = field;
        if (field.Contains('\uFFFD', StringComparison.Ordinal))
        {
            return false;
        }

        if (!field.Contains('\\', StringComparison.Ordinal))
        {
            return true;
        }

        var plain = new StringBuilder(field.Length);
        for (var i = 0; i < field.Length; i++)
        {
            if (field[i] != '\\')
            {
                plain.Append(field[i]);
                continue;
            }

            if (i + 3 >= field.Length || !IsOctal(field[i + 1], 1) || !IsOctal(field[i + 2], 7) || !IsOctal(field[i + 3], 7))
            {
                return false;
            }

            var value = ((field[i + 1] - '0') << 6) | ((field[i + 2] - '0') << 3) | (field[i + 3] - '0');
            if (value == 0)
            {
                return false;
            }

            plain.Append((char)value);
            i += 3;
        }

        text = plain.ToString();
        return true;

        static bool IsOctal(char c, int max) => c >= '0' && c - '0' <= max;
    }

    private static string? ParentOf(string path) => path.Length == 1 ? null : path.LastIndexOf('/') is > 0 and var slash ? path[..slash] : "/";

    // The mount at the next folder above a path that is one.
    private Mount? Above(ReadOnlySpan<char> path)
    {
        var top = _top.GetAlternateLookup<ReadOnlySpan<char>>();
        while (path.Length > 1)
        {
            path = path.LastIndexOf('/') is > 0 and var slash ? path[..slash] : "/";
            if (top.TryGetValue(path, out var mount))
            {
                return mount;
            }
        }

        return null;
    }

    // The mount that a mount lies on has to be the one that is seen at the next folder above it. One that the table does not have lies outside of what is seen.
    private bool IsReachable(Mount mount)
    {
        for (var steps = _byId.Count; steps > 0; steps--)
        {
            var parent = _byId.GetValueOrDefault(mount.Parent);

            // Several at one place lie on each other.
            for (var below = 0; parent is not null && parent.Point == mount.Point && parent.Id != parent.Parent; below++)
            {
                if (below == MaxStacked)
                {
                    return false;
                }

                parent = _byId.GetValueOrDefault(parent.Parent);
            }

            if (parent is null || parent.Point == mount.Point)
            {
                return true;
            }

            if (Above(mount.Point) is not { } seen)
            {
                return true;
            }

            if (seen.Id != parent.Id)
            {
                return false;
            }

            mount = seen;
        }

        return false;
    }
}
