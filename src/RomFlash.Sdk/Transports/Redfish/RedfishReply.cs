using System.Collections.Immutable;

namespace RomFlash.Sdk.Transports.Redfish;

/// <summary>An answer of the 2xx class.</summary>
internal sealed record RedfishReply
{
    public required int Status { get; init; }

    /// <summary>Where to look next, such as a task monitor: path and query on the same host. Null when the service named nothing.</summary>
    public string? Location { get; init; }

    /// <summary>How long the service wants to be left alone, as it said it; null when it did not.</summary>
    public TimeSpan? RetryAfter { get; init; }

    public string? ETag { get; init; }

    /// <summary>What the service says about the request, in its own order.</summary>
    public ImmutableArray<RedfishMessage> Messages { get; init; } = [];

    /// <summary>The body; absent when there was none, and after a write also when it is no JSON.</summary>
    public RedfishJson Body { get; init; }
}

/// <summary>One message object (DSP0266, 8.6.2): of an error, of an accepted request, or of a task.</summary>
internal sealed record RedfishMessage
{
    public const int MaxMessages = 32;
    private const int MaxIdLength = 128;

    /// <summary>Registry and key without the version between them, such as <c>Base.ResourceNotFound</c>; empty when the service gave none that can be read.</summary>
    public string Id { get; init; } = string.Empty;

    /// <summary>The text for people. Untrusted.</summary>
    public string Text { get; init; } = string.Empty;

    public ImmutableArray<string> Args { get; init; } = [];

    /// <summary><c>OK</c>, <c>Warning</c> or <c>Critical</c>; empty when unknown.</summary>
    public string Severity { get; init; } = string.Empty;

    public string Resolution { get; init; } = string.Empty;

    /// <summary>The messages of an answer: of its <c>error</c>, beside its properties, or of whatever one object some services wrap them in.</summary>
    public static ImmutableArray<RedfishMessage> Of(RedfishJson body)
    {
        foreach (var holder in (ReadOnlySpan<RedfishJson>)[body["error"], body, body["Accepted"], body["Success"]])
        {
            var items = holder.Items("@Message.ExtendedInfo", MaxMessages);
            if (!items.IsEmpty)
            {
                return Read(items);
            }

            // Old services give one message in place of a list of them.
            if (holder["@Message.ExtendedInfo"] is { IsObject: true } single)
            {
                return Read([single]);
            }
        }

        // No message: then at least the code and the text of the error itself (DSP0266, 8.6.1).
        var error = body["error"];
        var id = Shorten(error.Text("code", MaxIdLength));
        var text = error.Text("message") ?? error.Text("Message") ?? string.Empty;
        return id.Length + text.Length > 0 ? [new() { Id = id, Text = text }] : [];
    }

    /// <summary>Reads message objects, such as a task's <c>Messages</c>.</summary>
    public static ImmutableArray<RedfishMessage> Read(ImmutableArray<RedfishJson> items)
    {
        var messages = ImmutableArray.CreateBuilder<RedfishMessage>();
        foreach (var item in items)
        {
            if (messages.Count == MaxMessages)
            {
                break;
            }

            var message = new RedfishMessage
            {
                Id = Shorten(item.Text("MessageId", MaxIdLength)),
                Text = item.Text("Message") ?? string.Empty,
                Args = item.Texts("MessageArgs", 16),
                Severity = item.Text("MessageSeverity", 16) ?? item.Text("Severity", 16) ?? string.Empty,
                Resolution = item.Text("Resolution") ?? string.Empty,
            };
            if (message.Id.Length + message.Text.Length > 0)
            {
                messages.Add(message);
            }
        }

        return messages.ToImmutable();
    }

    /// <summary>The ids alone, for texts that may quote what must not be repeated.</summary>
    public static ImmutableArray<RedfishMessage> IdsOf(ImmutableArray<RedfishMessage> messages)
    {
        var ids = ImmutableArray.CreateBuilder<RedfishMessage>(messages.Length);
        foreach (var message in messages)
        {
            ids.Add(new() { Id = message.Id, Severity = message.Severity });
        }

        return ids.ToImmutable();
    }

    /// <summary>Takes the version out of <c>Registry.1.2.3.Key</c> or <c>Registry.v1_2_3.Key</c> (DSP0266, 9.5.11.4).</summary>
    public static string Shorten(string? id)
    {
        if (string.IsNullOrEmpty(id) || id.Length > MaxIdLength)
        {
            return string.Empty;
        }

        foreach (var c in id)
        {
            if (!char.IsAsciiLetterOrDigit(c) && c is not ('.' or '_' or '-'))
            {
                return string.Empty;
            }
        }

        var (first, last) = (id.IndexOf('.', StringComparison.Ordinal), id.LastIndexOf('.'));
        return first == last ? id : string.Concat(id.AsSpan(0, first), id.AsSpan(last));
    }
}
