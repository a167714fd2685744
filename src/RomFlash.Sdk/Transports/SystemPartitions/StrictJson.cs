using System.Buffers;
using System.Text.Json;

namespace RomFlash.Sdk.Transports.SystemPartitions;

/// <summary>
/// Reads JSON that people wrote or that lay on a target: every field is known, none comes twice, nothing is nested deeper than needed, and
/// what is wrong is named with its line and column (in bytes, from 1).
/// </summary>
internal ref struct StrictJson
{
    private readonly ReadOnlySpan<byte> _bytes;
    private readonly string _file;
    private Utf8JsonReader _reader;

    public StrictJson(ReadOnlySpan<byte> bytes, string file)
    {
        // A byte order mark is what some editors write.
        _bytes = bytes.StartsWith((ReadOnlySpan<byte>)[0xEF, 0xBB, 0xBF]) ? bytes[3..] : bytes;
        _file = file;
        _reader = new(_bytes, new JsonReaderOptions { MaxDepth = 8 });
    }

    public void Begin() => Expect(Next(), JsonTokenType.StartObject, "an object");

    /// <summary>Ends the document.</summary>
    public void End()
    {
        if (Move())
        {
            throw Wrong("nothing may follow");
        }
    }

    /// <summary>Moves to the next field of an object.</summary>
    /// <param name="seen">The fields of this object so far.</param>
    /// <param name="name">The field's name.</param>
    /// <returns>False at the end of the object.</returns>
    public bool NextField(HashSet<string> seen, out string name)
    {
        name = string.Empty;
        if (Next() is JsonTokenType.EndObject)
        {
            return false;
        }

        name = Text();
        return seen.Add(name) ? true : throw Wrong("a field comes twice");
    }

    public bool NextItem() => Next() is not JsonTokenType.EndArray;

    public readonly void ExpectObjectHere() => Expect(_reader.TokenType, JsonTokenType.StartObject, "an object");

    public void BeginArray() => Expect(Next(), JsonTokenType.StartArray, "a list");

    public string ReadText(int maxLength = 1024)
    {
        Expect(Next(), JsonTokenType.String, "a text");
        return TextHere(maxLength);
    }

    public readonly string TextHere(int maxLength)
    {
        Expect(_reader.TokenType, JsonTokenType.String, "a text");
        var text = Text();
        return text.Length <= maxLength ? text : throw Wrong("the text is too long");
    }

    public bool ReadFlag() => Next() switch
    {
        JsonTokenType.True => true,
        JsonTokenType.False => false,
        _ => throw Wrong("true or false is expected"),
    };

    public long ReadSize()
    {
        Expect(Next(), JsonTokenType.Number, "a number");
        return _reader.TryGetInt64(out var value) && value >= 0 ? value : throw Wrong("a whole number of 0 or more is expected");
    }

    public readonly PartitionFaultException Unknown() => Wrong("this field is not known");

    /// <summary>Names what is wrong, and where.</summary>
    /// <param name="what">What is wrong; never quotes the content.</param>
    /// <returns>The fault.</returns>
    public readonly PartitionFaultException Wrong(string what)
    {
        var before = _bytes[..(int)Math.Min(_reader.TokenStartIndex, _bytes.Length)];
        return PartitionFaultException.At(_file, before.Count((byte)'\n') + 1, before.Length - before.LastIndexOf((byte)'\n'), what);
    }

    private readonly string Text()
    {
        try
        {
            return _reader.GetString()!;
        }
        catch (InvalidOperationException)
        {
            throw Wrong("the text is not valid UTF-8 or UTF-16");
        }
    }

    private readonly void Expect(JsonTokenType is_, JsonTokenType wanted, string what)
    {
        if (is_ != wanted)
        {
            throw Wrong(what + " is expected");
        }
    }

    private JsonTokenType Next() => Move() ? _reader.TokenType : throw Wrong("the file ends too early");

    private bool Move()
    {
        try
        {
            return _reader.Read();
        }
        catch (JsonException e)
        {
            throw PartitionFaultException.At(_file, (e.LineNumber ?? 0) + 1, (e.BytePositionInLine ?? 0) + 1, "this is not valid JSON");
        }
    }
}
