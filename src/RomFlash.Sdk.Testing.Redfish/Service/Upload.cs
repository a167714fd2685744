using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Net.Http.Headers;
using RomFlash.Sdk.Testing.Redfish.Vendors;

namespace RomFlash.Sdk.Testing.Redfish.Service;

/// <summary>What a client pushed.</summary>
internal sealed record Upload(SpooledImage Image, JsonObject? Parameters, IReadOnlyDictionary<string, string> Fields)
{
    /// <summary>The longest JSON document and form field, in bytes.</summary>
    public const int MaxFieldLength = 1 << 16;

    private const int MaxParts = 16;

    public static bool IsMultipart(HttpRequest request) => request.ContentType?.StartsWith("multipart/form-data", StringComparison.OrdinalIgnoreCase) == true;

    /// <summary>Reads a push whose body is the image.</summary>
    public static async Task<(Upload? Upload, Reply? Refusal)> ReadRawAsync(HttpRequest request, long limit, CancellationToken cancellationToken)
    {
        var image = await SpooledImage.TakeAsync(request.Body, limit, cancellationToken).ConfigureAwait(false);
        return Checked(image, null, new Dictionary<string, string>());
    }

    /// <summary>Reads a multipart push (DSP0266, 12.6.2): parameters as JSON, and the image.</summary>
    public static async Task<(Upload? Upload, Reply? Refusal)> ReadMultipartAsync(HttpRequest request, VendorBehaviour vendor, long limit, CancellationToken cancellationToken)
    {
        if (!MediaTypeHeaderValue.TryParse(request.ContentType, out var type) || HeaderUtilities.RemoveQuotes(type.Boundary).Value is not { Length: > 0 and <= 200 } boundary)
        {
            return (null, Replies.MalformedPart("there is no boundary"));
        }

        var reader = new MultipartReader(boundary, request.Body, MaxFieldLength) { BodyLengthLimit = null };
        var fields = new Dictionary<string, string>(StringComparer.Ordinal);
        SpooledImage? image = null;
        var isTaken = false;
        try
        {
            for (var parts = 0; await reader.ReadNextSectionAsync(cancellationToken).ConfigureAwait(false) is { } section; parts++)
            {
                if (parts == MaxParts || !ContentDispositionHeaderValue.TryParse(section.ContentDisposition, out var disposition)
                    || HeaderUtilities.RemoveQuotes(disposition.Name).Value is not { Length: > 0 } name)
                {
                    return (null, Replies.MalformedPart("a part has no name, or there are too many"));
                }

                if (name == vendor.ImagePart)
                {
                    if (image is not null)
                    {
                        return (null, Replies.MalformedPart("there are two images"));
                    }

                    image = await SpooledImage.TakeAsync(section.Body, limit, cancellationToken).ConfigureAwait(false);
                    if (image is null)
                    {
                        return (null, Replies.TooLarge());
                    }
                }
                else if (!fields.TryAdd(name, await ReadTextAsync(section.Body, cancellationToken).ConfigureAwait(false) ?? string.Empty))
                {
                    return (null, Replies.MalformedPart($"{name} is there twice"));
                }
            }

            // The last boundary ends the parts; the request ends with its announced length.
            await request.Body.CopyToAsync(Stream.Null, cancellationToken).ConfigureAwait(false);
            if (!fields.TryGetValue(vendor.ParametersPart, out var text))
            {
                return (null, Replies.MalformedPart($"there is no {vendor.ParametersPart}"));
            }

            if (ParseObject(text) is not { } parameters)
            {
                return (null, Replies.MalformedJson());
            }

            if (image is null)
            {
                return (null, Replies.MalformedPart($"there is no {vendor.ImagePart}"));
            }

            var (upload, refusal) = Checked(image, parameters, fields);
            isTaken = upload is not null;
            return (upload, refusal);
        }
        catch (InvalidDataException)
        {
            return (null, Replies.MalformedPart("the headers of a part can't be read"));
        }
        finally
        {
            if (!isTaken)
            {
                image?.Dispose();
            }
        }
    }

    /// <summary>Reads a short text; null when it is longer than a field may be.</summary>
    public static async ValueTask<string?> ReadTextAsync(Stream content, CancellationToken cancellationToken)
    {
        var buffer = new byte[MaxFieldLength + 1];
        var length = await content.ReadAtLeastAsync(buffer, buffer.Length, throwOnEndOfStream: false, cancellationToken).ConfigureAwait(false);
        return length > MaxFieldLength ? null : Encoding.UTF8.GetString(buffer, 0, length);
    }

    /// <summary>Reads a JSON object; null when the text is none.</summary>
    public static JsonObject? ParseObject(string text)
    {
        try
        {
            return JsonNode.Parse(text, documentOptions: new JsonDocumentOptions { AllowDuplicateProperties = false }) as JsonObject;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static (Upload? Upload, Reply? Refusal) Checked(SpooledImage? image, JsonObject? parameters, IReadOnlyDictionary<string, string> fields)
    {
        if (image is null)
        {
            return (null, Replies.TooLarge());
        }

        if (image.Length == 0)
        {
            image.Dispose();
            return (null, Replies.MalformedPart("the image is empty"));
        }

        return (new(image, parameters, fields), null);
    }
}
