using System.Collections.Immutable;
using RomFlash.Sdk.Documents;
using RomFlash.Sdk.Outcomes;

namespace RomFlash.Sdk.Targets;

/// <summary>A group of a targets file.</summary>
/// <param name="Name">Its name. Untrusted text.</param>
/// <param name="Targets">The targets that are written in it, in the order of the file.</param>
/// <param name="Groups">The names of the groups that it includes.</param>
public sealed record TargetsGroup(string Name, ImmutableArray<FlashTarget> Targets, ImmutableArray<string> Groups);

/// <summary>
/// A list of targets that people keep in a file: groups, several endpoints for each target, and credentials by reference. The format is
/// described in docs/targets-file.md, its schema is docs/schemas/targets.schema.json.
/// </summary>
/// <remarks>Immutable and thread-safe. Holds no secret.</remarks>
public sealed class TargetsFile
{
    /// <summary>The largest file, in bytes.</summary>
    public const int MaxLength = 16 << 20;

    /// <summary>The most targets of a file.</summary>
    public const int MaxTargets = 100_000;

    /// <summary>The most groups of a file.</summary>
    public const int MaxGroups = 10_000;

    /// <summary>The most endpoints of a target.</summary>
    public const int MaxEndpoints = 16;

    private readonly Dictionary<string, TargetsGroup> _byName;

    internal TargetsFile(ImmutableArray<TargetsGroup> groups, ImmutableDictionary<string, CredentialDeclaration> credentials)
    {
        Groups = groups;
        Credentials = credentials;
        Targets = [.. groups.SelectMany(g => g.Targets)];
        _byName = groups.ToDictionary(g => g.Name, StringComparer.Ordinal);
    }

    /// <summary>The groups, in the order of the file.</summary>
    public ImmutableArray<TargetsGroup> Groups { get; }

    /// <summary>All targets, in the order of the file. No two have the same id or share an address.</summary>
    public ImmutableArray<FlashTarget> Targets { get; }

    /// <summary>The declared credentials by name; empty when the file declares none and leaves all references to whoever reads it.</summary>
    public ImmutableDictionary<string, CredentialDeclaration> Credentials { get; }

    /// <summary>Reads a targets file.</summary>
    /// <param name="utf8">The content.</param>
    /// <param name="name">What it is called in messages, such as its path. Untrusted text.</param>
    /// <param name="knownSchemes">The schemes that transports serve; an address with another one is a problem.</param>
    /// <returns>The file, or <see cref="TargetsFileUnusable"/> with every problem and its place. An address that holds credentials is not repeated.</returns>
    public static FlashResult<TargetsFile> TryParse(ReadOnlySpan<byte> utf8, string name, IReadOnlyCollection<string> knownSchemes)
    {
        ArgumentNullException.ThrowIfNull(name);
        ArgumentNullException.ThrowIfNull(knownSchemes);
        if (utf8.Length > MaxLength)
        {
            return new TargetsFileUnusable { Detail = $"{name}: it is larger than {MaxLength} bytes" };
        }

        var reader = new TargetsFileReader(utf8, knownSchemes);
        return reader.Read(out var problems) is { } file
            ? file
            : new TargetsFileUnusable { Detail = $"{name}: {string.Join("; ", problems)}", Problems = problems };
    }

    /// <summary>Reads a targets file. A file that is too large is refused before it is read.</summary>
    /// <param name="path">The path; not empty.</param>
    /// <param name="knownSchemes">The schemes that transports serve; an address with another one is a problem.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    /// <returns>The file, or <see cref="TargetsFileUnusable"/>; see <see cref="TryParse"/>.</returns>
    public static async Task<FlashResult<TargetsFile>> LoadAsync(string path, IReadOnlyCollection<string> knownSchemes, CancellationToken cancellationToken)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        var content = await DocumentFile.ReadAsync(path, MaxLength, cancellationToken).ConfigureAwait(false);
        return content.Bytes is { } bytes
            ? TryParse(bytes.Span, path, knownSchemes)
            : new TargetsFileUnusable { Detail = content.WhyNot, PeerCode = content.PeerCode };
    }

    /// <summary>Selects the targets of groups and of all groups that these include. A target that is reached on several ways is there once.</summary>
    /// <param name="groups">The names of the groups; none selects all targets.</param>
    /// <returns>The targets in the order of the file, or <see cref="InvalidParameter"/> for a name that the file does not have.</returns>
    public FlashResult<ImmutableArray<FlashTarget>> Select(IReadOnlyCollection<string> groups)
    {
        ArgumentNullException.ThrowIfNull(groups);
        if (groups.Count == 0)
        {
            return Targets;
        }

        var selected = new HashSet<string>(StringComparer.Ordinal);
        var waiting = new Stack<string>(groups);
        while (waiting.TryPop(out var name))
        {
            if (!_byName.TryGetValue(name, out var group))
            {
                return new InvalidParameter { Parameter = "group", Detail = $"the targets file does not have all of these groups; it has {Name(Groups)}" };
            }

            if (selected.Add(name))
            {
                foreach (var included in group.Groups)
                {
                    waiting.Push(included);
                }
            }
        }

        return ImmutableArray.CreateRange(Groups.Where(g => selected.Contains(g.Name)).SelectMany(g => g.Targets));
    }

    private static string Name(ImmutableArray<TargetsGroup> groups)
    {
        const int Most = 10;
        return string.Join(", ", groups.Take(Most).Select(g => $"'{g.Name}'")) + (groups.Length > Most ? " and more" : string.Empty);
    }
}
