using System.Globalization;

namespace RomFlash.Sdk.Transports.Ssh.Reading;

/// <summary>
/// What a <see cref="ReadingScript"/> found, by the path on the target. A file that is there and can't be read is told apart from one that is not there. Untrusted, and read totally: what is no line
/// of the script is nobody's.
/// </summary>
internal sealed class TargetReadings
{
    /// <summary>What is longer says nothing.</summary>
    public const int MaxText = 1024;

    private readonly HashSet<string> _there = new(StringComparer.Ordinal);
    private readonly HashSet<string> _unreadable = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _lines = new(StringComparer.Ordinal);
    private readonly Dictionary<string, List<byte>> _bytes = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _told = new(StringComparer.Ordinal);
    private readonly Dictionary<char, List<string>> _others = [];

    /// <summary>Whether the script came to its end; what it did not come to would look as if it were not there.</summary>
    public bool IsWhole { get; private set; }

    public static TargetReadings Parse(string output)
    {
        var readings = new TargetReadings();
        string? hex = null;
        foreach (var line in output.Split('\n'))
        {
            if (line is [' ', ..])
            {
                readings.AddBytes(hex, line);
                continue;
            }

            hex = null;
            if (line == ReadingScript.End)
            {
                readings.IsWhole = true;
            }
            else if (line is [var tag, ' ', ..])
            {
                hex = readings.Add(tag, line[2..]);
            }
        }

        return readings;
    }

    public bool IsThere(string path) => _there.Contains(path);

    public bool IsUnreadable(string path) => _unreadable.Contains(path);

    /// <summary>A file's first line when it says something; null when not, when it is not there, and when it can't be read.</summary>
    public string? Text(string path) => !IsUnreadable(path) && _lines.GetValueOrDefault(path)?.Trim() is { Length: > 0 and <= MaxText } text ? text : null;

    /// <summary>A file's first line as a decimal number.</summary>
    public uint? Number(string path) => uint.TryParse(Text(path), NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;

    /// <summary>A file's first bytes, as many as the script asked for; null when it is not there or can't be read.</summary>
    public byte[]? Bytes(string path) => !IsUnreadable(path) && _bytes.TryGetValue(path, out var bytes) ? [.. bytes] : null;

    /// <summary>The one line of a file that root alone can have written; null for any other.</summary>
    public string? Told(string path) => _told.GetValueOrDefault(path);

    /// <summary>The folders and files right below a path of which something was found, in their order.</summary>
    public IEnumerable<string> Below(string path)
    {
        var prefix = path + "/";
        return _there.Where(p => p.StartsWith(prefix, StringComparison.Ordinal)).Select(p => p[..(p.IndexOf('/', prefix.Length) is > 0 and var end ? end : p.Length)])
            .Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal);
    }

    /// <summary>The lines of another kind.</summary>
    public IReadOnlyList<string> Lines(char tag) => _others.TryGetValue(tag, out var lines) ? lines : [];

    // Returns whose bytes the following lines are.
    private string? Add(char tag, string rest)
    {
        var tab = rest.IndexOf('\t', StringComparison.Ordinal);
        var path = tab < 0 ? rest : rest[..tab];
        switch (tag)
        {
            case '+':
                _there.Add(path);
                return null;
            case '!':
                _there.Add(path);
                _unreadable.Add(path);
                return null;
            case '=':
                _there.Add(path);
                _lines[path] = tab < 0 ? string.Empty : rest[(tab + 1)..];
                return null;
            case 'x':
                _there.Add(path);
                _bytes[path] = [];
                return path;
            case 't':
                _there.Add(path);
                if (tab > 0 && rest[(tab + 1)..].Split('\t', 2) is [var owners, var told] && IsOfRootAlone(owners))
                {
                    _told[path] = told;
                }

                return null;
            default:
                if (!_others.TryGetValue(tag, out var lines))
                {
                    _others[tag] = lines = [];
                }

                lines.Add(rest);
                return null;
        }
    }

    private void AddBytes(string? path, string line)
    {
        if (path is null)
        {
            return;
        }

        foreach (var digits in line.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            if (digits.Length == 2 && byte.TryParse(digits, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var value))
            {
                _bytes[path].Add(value);
            }
            else
            {
                _unreadable.Add(path);
            }
        }
    }

    // "0 41ed 0 81a4": for the folders above it and for the file itself the owner and the mode. A link is none of them, wherever it leads.
    private static bool IsOfRootAlone(string owners)
    {
        var words = owners.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        const int Kind = 0xF000;
        const int Folder = 0x4000;
        const int PlainFile = 0x8000;
        const int WritableByOthers = 0x12;
        if (words.Length < 4 || words.Length % 2 != 0)
        {
            return false;
        }

        for (var i = 0; i < words.Length; i += 2)
        {
            if (words[i] != "0"
                || !int.TryParse(words[i + 1], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var mode)
                || (mode & Kind) != (i == words.Length - 2 ? PlainFile : Folder)
                || (mode & WritableByOthers) != 0)
            {
                return false;
            }
        }

        return true;
    }
}
