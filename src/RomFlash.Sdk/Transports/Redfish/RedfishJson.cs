using System.Collections.Immutable;
using System.Text.Json;

namespace RomFlash.Sdk.Transports.Redfish;

/// <summary>
/// A value of a service's answer, or nothing. Services leave out properties, and give them another type than the schema says: what is not
/// of the wanted type is absent, and so is what lies inside of something absent. Of a property that comes twice the last one counts. Texts
/// are untrusted, and no longer than asked for.
/// </summary>
internal readonly struct RedfishJson
{
    /// <summary>The deepest nesting that is read. Redfish's own resources need about ten levels; vendors' parts some more.</summary>
    public const int MaxDepth = 64;

    public const int MaxTextLength = 2048;

    /// <summary>No collection or list is looked at any further; a full rack's inventory has some hundreds of members.</summary>
    public const int MaxItems = 4096;

    private readonly JsonElement _element;

    public RedfishJson(JsonElement element) => _element = element;

    public bool Exists => _element.ValueKind is not (JsonValueKind.Undefined or JsonValueKind.Null);

    public bool IsObject => _element.ValueKind is JsonValueKind.Object;

    public JsonElement Element => _element;

    /// <summary>Where this resource is (Redfish DSP0266, 9.5.4), as the service wrote it; null when it does not say.</summary>
    public string? Id => Text("@odata.id");

    /// <summary>A property of an object.</summary>
    public RedfishJson this[string name]
    {
        get
        {
            if (!IsObject)
            {
                return default;
            }

            try
            {
                return _element.TryGetProperty(name, out var value) ? new(value) : default;
            }
            catch (InvalidOperationException)
            {
                // The name of a property has half a surrogate pair. That one is absent; the others are not, as a list of tasks that went with it would look like one without any.
                return FindAmongOdd(name);
            }
        }
    }

    /// <summary>Reads a text; false when it is none, is not valid JSON as a whole, or is nested too deep.</summary>
    public static bool TryParse(ReadOnlySpan<byte> utf8, out RedfishJson json)
    {
        // A byte order mark is what some services write.
        if (utf8.StartsWith((ReadOnlySpan<byte>)[0xEF, 0xBB, 0xBF]))
        {
            utf8 = utf8[3..];
        }

        try
        {
            var reader = new Utf8JsonReader(utf8, new JsonReaderOptions { MaxDepth = MaxDepth });
            var element = JsonElement.ParseValue(ref reader);
            var isWhole = !reader.Read();
            json = isWhole ? new(element) : default;
            return isWhole;
        }
        catch (JsonException)
        {
            json = default;
            return false;
        }
    }

    /// <summary>This value as a text; longer ones are absent, as half a link or half a version is worse than none.</summary>
    public string? AsText(int maxLength = MaxTextLength)
    {
        if (_element.ValueKind is not JsonValueKind.String)
        {
            return null;
        }

        try
        {
            return _element.GetString() is { } text && text.Length <= maxLength ? text : null;
        }
        catch (InvalidOperationException)
        {
            // Not valid UTF-8, or half a surrogate pair.
            return null;
        }
    }

    public string? Text(string name, int maxLength = MaxTextLength) => this[name].AsText(maxLength);

    public bool? Flag(string name) => this[name]._element.ValueKind switch
    {
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        _ => null,
    };

    /// <summary>A whole number.</summary>
    public long? Number(string name) => this[name]._element is { ValueKind: JsonValueKind.Number } element && element.TryGetInt64(out var value) ? value : null;

    /// <summary>The target of a reference: the <c>@odata.id</c> of the object under this name (DSP0266, 9.6.9).</summary>
    public string? Link(string name) => this[name].Id;

    /// <summary>The items of a list; none when it is no list.</summary>
    public ImmutableArray<RedfishJson> Items(string name, int max = MaxItems) => this[name].AsItems(max);

    /// <summary>The items of this list.</summary>
    public ImmutableArray<RedfishJson> AsItems(int max = MaxItems)
    {
        if (_element.ValueKind is not JsonValueKind.Array)
        {
            return [];
        }

        var items = ImmutableArray.CreateBuilder<RedfishJson>(Math.Min(max, _element.GetArrayLength()));
        foreach (var item in _element.EnumerateArray())
        {
            if (items.Count == max)
            {
                break;
            }

            items.Add(new(item));
        }

        return items.ToImmutable();
    }

    /// <summary>The targets of a list of references, such as a collection's <c>Members</c>; what is no reference is left out.</summary>
    public ImmutableArray<string> Links(string name, int max = MaxItems)
    {
        var links = ImmutableArray.CreateBuilder<string>();
        foreach (var item in Items(name, max))
        {
            if (item.Id is { } link)
            {
                links.Add(link);
            }
        }

        return links.ToImmutable();
    }

    /// <summary>The texts of a list; what is no text is left out.</summary>
    public ImmutableArray<string> Texts(string name, int max = MaxItems, int maxLength = MaxTextLength)
    {
        var texts = ImmutableArray.CreateBuilder<string>();
        foreach (var item in Items(name, max))
        {
            if (item.AsText(maxLength) is { } text)
            {
                texts.Add(text);
            }
        }

        return texts.ToImmutable();
    }

    private RedfishJson FindAmongOdd(string name)
    {
        var found = default(RedfishJson);
        foreach (var property in _element.EnumerateObject())
        {
            try
            {
                found = property.NameEquals(name) ? new(property.Value) : found;
            }
            catch (InvalidOperationException)
            {
                // The odd one.
            }
        }

        return found;
    }
}
