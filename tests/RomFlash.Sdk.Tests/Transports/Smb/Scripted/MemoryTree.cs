namespace RomFlash.Sdk.Tests.Transports.Smb.Scripted;

/// <summary>A share in memory. Names have no case.</summary>
internal sealed class MemoryTree
{
    private readonly Dictionary<string, Node> _nodes = new(StringComparer.OrdinalIgnoreCase) { [string.Empty] = new() { IsDirectory = true } };

    public Lock Gate { get; } = new();

    public int Count => _nodes.Count;

    public Node? this[string path]
    {
        get => _nodes.GetValueOrDefault(path);
        set
        {
            if (value is null)
            {
                _nodes.Remove(path);
            }
            else
            {
                _nodes[path] = value;
            }
        }
    }

    public void Put(string path, params ReadOnlySpan<byte> content)
    {
        lock (Gate)
        {
            this[path] = new() { Content = content.ToArray() };
        }
    }

    public void PutDirectory(string path)
    {
        lock (Gate)
        {
            this[path] = new() { IsDirectory = true };
        }
    }

    public byte[]? Get(string path)
    {
        lock (Gate)
        {
            return this[path]?.Content.ToArray();
        }
    }

    public bool HasParent(string path) => path.LastIndexOf('\\') is var slash && (slash < 0 || this[path[..slash]] is { IsDirectory: true });

    public List<(string Name, Node Node)> Children(string path)
    {
        var prefix = path.Length == 0 ? string.Empty : path + '\\';
        return [.. _nodes.Where(n => n.Key.Length > prefix.Length && n.Key.StartsWith(prefix, StringComparison.OrdinalIgnoreCase) && !n.Key[prefix.Length..].Contains('\\', StringComparison.Ordinal))
            .Select(n => (n.Key[prefix.Length..], n.Value)).OrderBy(n => n.Item1, StringComparer.Ordinal)];
    }

    internal sealed class Node
    {
        public byte[] Content { get; set; } = [];

        public bool IsDirectory { get; init; }
    }
}
