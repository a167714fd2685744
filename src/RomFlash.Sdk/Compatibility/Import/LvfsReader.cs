using System.Text;
using System.Xml;

namespace RomFlash.Sdk.Compatibility.Import;

/// <summary>Walks over the metadata and hands on one component after the other. Keeps nothing of what it does not know.</summary>
internal sealed class LvfsReader(XmlReader reader, LvfsCatalogBuilder builder)
{
    private const int MaxText = 4096;
    private const int MaxItems = 4096;

    // No name that is looked for is longer; a longer one is kept as none, because the path is put together for every element below it.
    private const int MaxName = 64;

    private readonly List<string> _path = [];
    private readonly StringBuilder _text = new();
    private readonly char[] _chunk = new char[1024];
    private LvfsComponent? _component;
    private LvfsRelease? _release;
    private (string? Type, string? Target, string? Key, string? Compare, string? Version, string? Depth) _attributes;

    // The text of the current element, if anybody wants it.
    private bool _isWanted;
    private int _items;

    /// <summary>Reads to the end.</summary>
    /// <returns>Why the metadata can't be used, or null.</returns>
    public async ValueTask<string?> ReadAsync(CancellationToken cancellationToken)
    {
        while (await reader.ReadAsync().ConfigureAwait(false))
        {
            cancellationToken.ThrowIfCancellationRequested();
            switch (reader.NodeType)
            {
                case XmlNodeType.Element:
                    var isEmpty = reader.IsEmptyElement;
                    if (Begin() is { } why)
                    {
                        return why;
                    }

                    if (isEmpty && End() is { } whyNot)
                    {
                        return whyNot;
                    }

                    break;
                case XmlNodeType.EndElement:
                    if (End() is { } bad)
                    {
                        return bad;
                    }

                    break;
                case XmlNodeType.Text or XmlNodeType.CDATA or XmlNodeType.SignificantWhitespace when _isWanted:
                    if (!await AppendAsync().ConfigureAwait(false))
                    {
                        return At($"<{_path[^1]}> holds more than {MaxText} characters");
                    }

                    break;
                default:
                    break;
            }
        }

        return null;
    }

    private string At(string what) => reader is IXmlLineInfo info ? $"line {info.LineNumber}, column {info.LinePosition}: {what}" : what;

    private string? Begin()
    {
        _path.Add(reader.LocalName is { Length: <= MaxName } name ? name : string.Empty);
        if (_path.Count > LvfsImport.MaxDepth)
        {
            return At($"it is nested more than {LvfsImport.MaxDepth} deep");
        }

        if (_path.Count == 1 && _path[0] is not ("components" or "component"))
        {
            return At($"it begins with <{_path[0]}>, not with <components>: this is no LVFS metadata");
        }

        if (_component is null)
        {
            if (reader.LocalName == "component" && _path.Count <= 2 && reader.GetAttribute("type") == "firmware")
            {
                _component = new();
                _items = 0;
            }

            return null;
        }

        _component.IsNested |= _isWanted;
        _attributes = (reader.GetAttribute("type"), reader.GetAttribute("target"), reader.GetAttribute("key"), reader.GetAttribute("compare"), reader.GetAttribute("version"), reader.GetAttribute("depth"));
        var inside = Inside;
        var isRelease = inside is "releases/release";
        if (isRelease)
        {
            _release = new() { Version = _attributes.Version?.Trim() ?? string.Empty, Type = _attributes.Type, Tag = reader.GetAttribute("tag") };
            _component.Releases.Add(_release);
        }

        _text.Clear();
        _isWanted = inside is "id" or "branch" or "provides/firmware" or "categories/category" or "X-categories/category" or "custom/value" or "releases/release/checksum" or "releases/release/size"
            || (_path[^2] == "requires" && Depth == 2);
        return (_isWanted || isRelease) && ++_items > MaxItems ? At($"a component has more than {MaxItems} entries") : null;
    }

    private int Depth => _path.Count - _path.IndexOf("component") - 1;

    private string Inside => string.Join('/', _path.Skip(_path.IndexOf("component") + 1));

    private async ValueTask<bool> AppendAsync()
    {
        int count;
        while ((count = await reader.ReadValueChunkAsync(_chunk, 0, _chunk.Length).ConfigureAwait(false)) > 0)
        {
            if (_text.Length + count > MaxText)
            {
                return false;
            }

            _text.Append(_chunk, 0, count);
        }

        return true;
    }

    private string? End()
    {
        if (_component is { } component)
        {
            if (Depth == 0)
            {
                _component = null;
                _path.RemoveAt(_path.Count - 1);
                return builder.Add(component) ? null : At("there is more in it than a catalog can hold");
            }

            Take(component, Inside, _text.ToString().Trim());
            _isWanted = false;
        }

        _path.RemoveAt(_path.Count - 1);
        return null;
    }

    private void Take(LvfsComponent component, string inside, string text)
    {
        switch (inside)
        {
            case "id":
                component.Id = text;
                break;
            case "branch":
                component.HasBranch = true;
                break;
            case "provides/firmware" when _attributes.Type == "flashed":
                component.Firmware.Add(text);
                break;
            case "categories/category" or "X-categories/category":
                component.Categories.Add(text);
                break;
            case "custom/value" when _attributes.Key == "LVFS::VersionFormat":
                component.Formats.Add(text);
                break;
            case "custom/value" when _attributes.Key == "LVFS::UpdateProtocol":
                component.Protocols.Add(text);
                break;
            case "releases/release/checksum" when _attributes is { Type: "sha256", Target: "content" }:
                _release?.ContentSha256.Add(text);
                break;
            case "releases/release/size" when _attributes.Type == "installed":
                _release?.InstalledSizes.Add(text);
                break;
            default:
                if (_isWanted && Depth == 2 && _path[^2] == "requires")
                {
                    component.Requirements.Add(new(_path[^1], text, _attributes.Compare, _attributes.Version, _attributes.Depth));
                }

                break;
        }
    }
}
