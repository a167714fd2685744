using System.Globalization;

namespace RomFlash.Peers;

/// <summary>What proc(5) tells of processes. Those that have gone meanwhile are as if they had never been.</summary>
internal static class ProcessTable
{
    /// <summary>The number of every process but this one.</summary>
    public static IEnumerable<int> Others() => Directory.EnumerateDirectories("/proc")
        .Select(d => int.TryParse(Path.GetFileName(d), NumberStyles.None, CultureInfo.InvariantCulture, out var id) ? id : 0)
        .Where(id => id > 0 && id != Environment.ProcessId);

    /// <summary>Whether a process could still do something: it is there, and not only its entry that nobody has waited for.</summary>
    public static bool IsAlive(int process) => Stat(process).State is not null and not 'Z';

    /// <summary>Whether a process could do something now.</summary>
    public static bool IsRunning(int process) => Stat(process).State is not null and not ('T' or 'Z');

    /// <summary>The children of a process, their children, and so on.</summary>
    public static IReadOnlyList<int> Descendants(int ancestor)
    {
        var parents = Others().Select(id => (Id: id, Stat(id).Parent)).ToLookup(p => p.Parent, p => p.Id);
        var found = new List<int> { ancestor };
        for (var i = 0; i < found.Count; i++)
        {
            found.AddRange(parents[found[i]]);
        }

        return found[1..];
    }

    /// <summary>The words of its command line.</summary>
    public static string[] Words(int process) => Read(process, "cmdline") is { } bytes ? System.Text.Encoding.UTF8.GetString(bytes).Split('\0', StringSplitOptions.RemoveEmptyEntries) : [];

    /// <summary>Whether a file of the process holds these bytes.</summary>
    public static bool Has(int process, string file, ReadOnlySpan<byte> needle) => Read(process, file).AsSpan().IndexOf(needle) >= 0;

    // The state letter follows the name, which ends with the last bracket; the parent follows it.
    private static (char? State, int Parent) Stat(int process)
    {
        if (Read(process, "stat") is not { } bytes)
        {
            return (null, -1);
        }

        var text = System.Text.Encoding.UTF8.GetString(bytes);
        var fields = text[(text.LastIndexOf(')') + 2)..].Split(' ');
        return (fields[0][0], int.Parse(fields[1], CultureInfo.InvariantCulture));
    }

    private static byte[]? Read(int process, string file)
    {
        try
        {
            return File.ReadAllBytes(string.Create(CultureInfo.InvariantCulture, $"/proc/{process}/{file}"));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
