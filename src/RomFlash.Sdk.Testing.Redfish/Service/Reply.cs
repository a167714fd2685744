using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace RomFlash.Sdk.Testing.Redfish.Service;

/// <summary>An answer before it is written.</summary>
internal sealed class Reply(int status, JsonObject? body = null)
{
    public int Status { get; } = status;

    public JsonObject? Body { get; init; } = body;

    /// <summary>A body that is no JSON, and its content type.</summary>
    public (string Text, string ContentType)? Other { get; init; }

    public List<KeyValuePair<string, string>> Headers { get; } = [];

    /// <summary>An answer with a message of a registry (DSP0266, 8.6).</summary>
    public static Reply Error(int status, string messageId, string message, params ReadOnlySpan<string> arguments) => new(status, new JsonObject
    {
        ["error"] = new JsonObject
        {
            ["code"] = messageId,
            ["message"] = message,
            ["@Message.ExtendedInfo"] = new JsonArray(Message(messageId, message, "Critical", arguments)),
        },
    });

    public static JsonObject Message(string messageId, string message, string severity, params ReadOnlySpan<string> arguments)
    {
        var list = new JsonArray();
        foreach (var argument in arguments)
        {
            list.Add((JsonNode)argument);
        }

        return new()
        {
            ["@odata.type"] = "#Message.v1_1_2.Message",
            ["MessageId"] = messageId,
            ["Message"] = message,
            ["MessageArgs"] = list,
            ["MessageSeverity"] = severity,
            ["Severity"] = severity,
            ["Resolution"] = "None.",
        };
    }

    /// <summary>A strong ETag of what a resource says.</summary>
    public static string ETagOf(JsonObject resource) => $"\"{Convert.ToHexStringLower(SHA256.HashData(Write(resource)).AsSpan(0, 8))}\"";

    public static byte[] Write(JsonObject body)
    {
        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream))
        {
            body.WriteTo(writer);
        }

        return stream.ToArray();
    }

    public Reply With(string header, string value)
    {
        Headers.Add(new(header, value));
        return this;
    }
}

/// <summary>The messages that the service answers with (DMTF message registries Base 1.18 and Update 1.2, DSP8011).</summary>
internal static class Replies
{
    public static Reply NotAuthenticated() =>
        Reply.Error(401, "Base.1.18.NoValidSession", "There is no valid session established with the implementation.")
            .With("WWW-Authenticate", "Basic realm=\"redfish\"");

    public static Reply NotAllowed() => Reply.Error(403, "Base.1.18.InsufficientPrivilege", "There are insufficient privileges for the account or credentials associated with the current session to perform the requested operation.");

    public static Reply NotFound(string path) => Reply.Error(404, "Base.1.18.ResourceMissingAtURI", $"The resource at the URI '{path}' was not found.", path);

    public static Reply NoSuchMethod(string allow) =>
        Reply.Error(405, "Base.1.18.OperationNotAllowed", "The HTTP method is not allowed on this resource.").With("Allow", allow);

    public static Reply MalformedJson() => Reply.Error(400, "Base.1.18.MalformedJSON", "The request body submitted was malformed JSON and could not be parsed by the receiving service.");

    public static Reply MalformedPart(string why) => Reply.Error(400, "Base.1.18.MissingOrMalformedPart", $"The multipart request contains malformed parts or is missing required parts: {why}.");

    public static Reply Missing(string property) => Reply.Error(400, "Base.1.18.PropertyMissing", $"The property {property} is a required property and must be included in the request.", property);

    public static Reply Unknown(string property) => Reply.Error(400, "Base.1.18.PropertyUnknown", $"The property {property} is not in the list of valid properties for the resource.", property);

    public static Reply NotInList(string property, string value) =>
        Reply.Error(400, "Base.1.18.PropertyValueNotInList", $"The value '{value}' for the property {property} is not in the list of acceptable values.", value, property);

    public static Reply WrongMediaType() => Reply.Error(415, "Base.1.18.UnrecognizedRequestBody", "The service detected a malformed request body that it was unable to interpret.");

    public static Reply TooLarge() => Reply.Error(413, "Base.1.18.PayloadTooLarge", "The supplied payload exceeds the maximum size supported by the service.");

    public static Reply WrongETag() => Reply.Error(412, "Base.1.18.PreconditionFailed", "The ETag supplied did not match the ETag required to change this resource.");

    public static Reply InUse(string why) => Reply.Error(409, "Base.1.18.ResourceInUse", $"The change to the requested resource failed because the resource is in use or in transition: {why}.");

    public static Reply TryLater(TimeSpan after) =>
        Reply.Error(503, "Base.1.18.ServiceTemporarilyUnavailable", $"The service is temporarily unavailable. Retry in {Seconds(after)} seconds.", Seconds(after)).With("Retry-After", Seconds(after));

    public static string Seconds(TimeSpan time) => ((long)Math.Ceiling(time.TotalSeconds)).ToString(System.Globalization.CultureInfo.InvariantCulture);
}
