using System.Collections.Immutable;
using System.Text;
using System.Text.Json;
using RomFlash.Sdk.Outcomes;

namespace RomFlash.Sdk.Documents;

/// <summary>
/// Reads JSON that a person wrote: strictly, and to the end, because every problem is told with its line and column, and all of them at once.
/// A deserializer, generated or not, stops at the first.
/// </summary>
/// <remarks>
/// A reader function is called on the first token of its value and leaves on the last one. <see cref="JsonException"/> goes up to whoever began,
/// and to <see cref="Malformed"/> from there.
/// </remarks>
internal ref struct DocumentReader
{
    /// <summary>After so many problems nobody reads on.</summary>
    public const int MaxProblems = 100;

    /// <summary>The longest text that is read unless told otherwise, in characters.</summary>
    public const int MaxTextLength = 256;

    // What is quoted from a document in a message is cut after so many characters.
    private const int MaxQuoteLength = 64;

    private const string More = "and more";

    private readonly ReadOnlySpan<byte> _utf8;
    private readonly List<DocumentProblem> _problems = [];
    private Utf8JsonReader _reader;
    private long _field;

    public DocumentReader(ReadOnlySpan<byte> utf8, int maxDepth)
    {
        // A byte order mark is no JSON, but editors leave it.
        _utf8 = utf8.StartsWith("\uFEFF"u8) ? utf8[3..] : utf8;
        _reader = new(_utf8, new JsonReaderOptions { MaxDepth = maxDepth });
    }

    /// <summary>The problems so far, in the order in which they lie in the document; behind the last of too many it says that there are more.</summary>
    public readonly ImmutableArray<DocumentProblem> Problems =>
        [.. _problems.Take(MaxProblems).OrderBy(p => p.Line).ThenBy(p => p.Column), .. _problems.Skip(MaxProblems)];

    /// <summary>All problems in one text, for a failure's detail.</summary>
    public static string Join(ImmutableArray<DocumentProblem> problems) => string.Join("; ", problems);

    /// <summary>A text of the document as a message quotes it: cut where it is long.</summary>
    public static string Quote(string text) => text.Length <= MaxQuoteLength ? $"'{text}'" : $"'{text.AsSpan(0, char.IsHighSurrogate(text[MaxQuoteLength - 1]) ? MaxQuoteLength - 1 : MaxQuoteLength)}…'";

    public readonly bool HasProblems => _problems.Count > 0;

    public readonly JsonTokenType Token => _reader.TokenType;

    /// <summary>Where the current token begins; for <see cref="Problem(long, string)"/>.</summary>
    public readonly long Position => _reader.TokenStartIndex;

    /// <summary>Where the name of the current field begins: what is wrong with a name is told there, and not at its value. Valid until the next <see cref="NextField"/>.</summary>
    public readonly long FieldPosition => _field;

    /// <summary>Steps to the first token, or past the last: a second document behind the first one is malformed.</summary>
    public void Read() => _reader.Read();

    /// <summary>Records that the document is no JSON from some place on.</summary>
    public readonly void Malformed(JsonException e)
    {
        ArgumentNullException.ThrowIfNull(e);
        if (_problems.Count > MaxProblems)
        {
            return;
        }

        var message = e.Message.AsSpan();
        var end = message.IndexOf(" LineNumber:", StringComparison.Ordinal);
        var line = (int)(e.LineNumber ?? 0);
        var start = 0;
        for (var i = 0; i < line; i++)
        {
            start += _utf8[start..].IndexOf((byte)'\n') + 1;
        }

        var bytes = Math.Clamp((int)(e.BytePositionInLine ?? 0), 0, _utf8.Length - start);
        _problems.Add(new(line + 1, Encoding.UTF8.GetCharCount(_utf8.Slice(start, bytes)) + 1, _problems.Count == MaxProblems ? More : (end < 0 ? message : message[..end]).ToString()));
    }

    public bool BeginObject(string what) => Begin(JsonTokenType.StartObject, what, "an object");

    public bool BeginArray(string what) => Begin(JsonTokenType.StartArray, what, "a list");

    public bool NextItem() => _reader.Read() && _reader.TokenType != JsonTokenType.EndArray;

    /// <summary>Steps to the next field and on to its value.</summary>
    /// <returns>The field's name, or null at the end of the object.</returns>
    public string? NextField(HashSet<string> seen)
    {
        if (!_reader.Read() || _reader.TokenType == JsonTokenType.EndObject)
        {
            return null;
        }

        _field = Position;
        var name = GetString() ?? "\uFFFD";
        if (!seen.Add(name))
        {
            Problem($"the field {Quote(name)} is there twice");
        }

        _reader.Read();
        return name;
    }

    public void Skip() => _reader.Skip();

    public void Unknown(string field)
    {
        Problem(FieldPosition, $"the field {Quote(field)} is not known here");
        _reader.Skip();
    }

    public readonly void Require(HashSet<string> seen, long at, string what, params ReadOnlySpan<string> fields)
    {
        foreach (var field in fields)
        {
            if (!seen.Contains(field))
            {
                Problem(at, $"{what} lacks the field '{field}'");
            }
        }
    }

    /// <summary>Reads a text without white space around it.</summary>
    /// <returns>The text, or null when it was none, and that was recorded.</returns>
    public string? ReadText(string field, int maxLength = MaxTextLength)
    {
        if (_reader.TokenType != JsonTokenType.String)
        {
            Problem($"{field} must be a text");
            _reader.Skip();
            return null;
        }

        var text = GetString();
        if (text is null || string.IsNullOrWhiteSpace(text) || text.Length > maxLength)
        {
            Problem($"{field} must be a valid text of 1 to {maxLength} characters");
            return null;
        }

        return text.Trim();
    }

    /// <summary>Reads a whole number within bounds.</summary>
    /// <returns>The number, or null when it was none, and that was recorded.</returns>
    public long? ReadNumber(string field, long least, long most, string what)
    {
        if (_reader.TokenType == JsonTokenType.Number && _reader.TryGetInt64(out var number) && number >= least && number <= most)
        {
            return number;
        }

        Problem($"{field} must be {what}");
        _reader.Skip();
        return null;
    }

    public bool? ReadFlag(string field)
    {
        if (_reader.TokenType is JsonTokenType.True or JsonTokenType.False)
        {
            return _reader.TokenType == JsonTokenType.True;
        }

        Problem($"{field} must be true or false");
        _reader.Skip();
        return null;
    }

    public readonly void Problem(string what) => Problem(_reader.TokenStartIndex, what);

    public readonly void Problem(long at, string what)
    {
        if (_problems.Count > MaxProblems)
        {
            return;
        }

        var before = _utf8[..(int)at];
        var line = before.Count((byte)'\n') + 1;
        var column = Encoding.UTF8.GetCharCount(before[(before.LastIndexOf((byte)'\n') + 1)..]) + 1;
        _problems.Add(new(line, column, _problems.Count == MaxProblems ? More : what));
    }

    // The reader decodes here, and refuses text that is no UTF-8 or has half a surrogate pair.
    private readonly string? GetString()
    {
        try
        {
            return _reader.GetString();
        }
        catch (InvalidOperationException)
        {
            return null;
        }
    }

    private bool Begin(JsonTokenType token, string what, string kind)
    {
        if (_reader.TokenType == token)
        {
            return true;
        }

        Problem($"{what} must be {kind}");
        _reader.Skip();
        return false;
    }
}
