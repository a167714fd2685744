using System.Buffers;
using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using System.Text.Json;
using RomFlash.Sdk.Outcomes;

namespace RomFlash.Sdk.Images;

/// <summary>Writes a <see cref="RomImageReport"/> for people and for programs. What comes from the image is escaped for where it is shown.</summary>
/// <remarks>Thread-safe.</remarks>
public static class RomImageReportWriter
{
    /// <summary>The tree for a terminal: a line for each part, with offset and length in hexadecimal bytes, what it is, and each check of it.</summary>
    /// <param name="report">The report.</param>
    /// <returns>
    /// The lines, without line ends or control characters. An offset behind <c>~</c> counts in what the nearest part above it that says <c>decodes to</c>
    /// decodes to. A check that holds is <c>[ok …]</c>, one that does not <c>[WRONG …]</c> with what was found and what it has to be.
    /// </returns>
    public static IEnumerable<string> ToLines(RomImageReport report)
    {
        ArgumentNullException.ThrowIfNull(report);
        return Lines(report.Root, 0);
    }

    /// <summary>The whole report as one JSON object in UTF-8, without line ends.</summary>
    /// <param name="report">The report.</param>
    /// <returns>The object; its fields are described in docs/json.md under <c>imageReport</c>.</returns>
    public static ReadOnlyMemory<byte> ToJson(RomImageReport report)
    {
        ArgumentNullException.ThrowIfNull(report);
        var buffer = new ArrayBufferWriter<byte>(4096);
        using (var writer = new Utf8JsonWriter(buffer))
        {
            WriteJson(report, writer);
        }

        return buffer.WrittenMemory;
    }

    /// <summary>The whole report as a JSON object.</summary>
    /// <param name="report">The report.</param>
    /// <param name="writer">Where an object may be written.</param>
    public static void WriteJson(RomImageReport report, Utf8JsonWriter writer)
    {
        ArgumentNullException.ThrowIfNull(report);
        ArgumentNullException.ThrowIfNull(writer);
        writer.WriteStartObject();
        writer.WriteString("name"u8, report.Name);
        writer.WriteString("format"u8, report.Format);
        writer.WriteNumber("length"u8, report.Length);
        WriteText(writer, "sha256", report.Sha256?.ToString());
        writer.WriteBoolean("isValid"u8, report.IsValid);
        writer.WriteString("signature"u8, report.Signature.ToString());
        writer.WriteStartArray("signatures"u8);
        foreach (var signature in report.Signatures)
        {
            writer.WriteStartObject();
            writer.WriteString("kind"u8, signature.Kind);
            writer.WriteString("status"u8, signature.Status.ToString());
            writer.WriteBoolean("coversAll"u8, signature.CoversAll);
            writer.WriteString("signer"u8, signature.Signer);
            writer.WriteString("signerSha256"u8, signature.SignerSha256);
            writer.WriteString("digestAlgorithm"u8, signature.DigestAlgorithm);
            writer.WriteString("why"u8, signature.Why);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
        WriteIdentity(writer, report.Identity);
        writer.WriteStartArray("payloads"u8);
        foreach (var payload in report.Payloads)
        {
            writer.WriteStartObject();
            writer.WriteString("name"u8, payload.Name);
            writer.WriteString("format"u8, payload.Format);
            writer.WriteNumber("length"u8, payload.Length);
            writer.WriteString("sha256"u8, payload.Sha256.ToString());
            WriteIdentity(writer, payload.Identity);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
        WriteTexts(writer, "warnings", report.Warnings);
        writer.WriteStartArray("problems"u8);
        foreach (var problem in report.Problems)
        {
            writer.WriteStartObject();
            writer.WriteString("code"u8, problem.Code);
            WriteNumber(writer, "offset", OffsetOf(problem));
            writer.WriteString("message"u8, problem.Message);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
        writer.WritePropertyName("root"u8);
        WritePart(writer, report.Root);
        writer.WriteEndObject();
    }

    private static long? OffsetOf(ImageFailure problem) => problem switch
    {
        ImageMalformed malformed => malformed.ByteOffset,
        ImageTruncated truncated => truncated.ByteOffset,
        ImageChecksumWrong wrong => wrong.ByteOffset,
        _ => null,
    };

    private static void WriteIdentity(Utf8JsonWriter writer, RomIdentity identity)
    {
        writer.WriteStartObject("identity"u8);
        WriteText(writer, "kind", identity.Kind?.ToString());
        WriteText(writer, "version", identity.Version?.Text);
        WriteText(writer, "lowestSupportedVersion", identity.LowestSupportedVersion?.Text);
        WriteTexts(writer, "firmwareClasses", identity.FirmwareClasses.Select(c => c.ToString()));
        WriteTexts(writer, "deviceClasses", identity.DeviceClasses.Select(c => c.ToString()));
        WriteTexts(writer, "pciIds", identity.PciIds.Select(p => p.ToString()));
        WriteTexts(writer, "models", identity.Models);
        writer.WriteEndObject();
    }

    private static void WritePart(Utf8JsonWriter writer, RomImagePart part)
    {
        writer.WriteStartObject();
        writer.WriteString("kind"u8, part.Kind);
        writer.WriteString("name"u8, part.Name);
        writer.WriteNumber("offset"u8, part.Offset);
        writer.WriteNumber("length"u8, part.Length);
        writer.WriteBoolean("isInFile"u8, part.IsInFile);
        WriteNumber(writer, "decodedLength", part.DecodedLength);
        WriteText(writer, "id", part.Id?.ToString());
        WriteText(writer, "pci", part.Pci?.ToString());
        writer.WriteString("version"u8, part.Version);
        WriteTexts(writer, "notes", part.Notes);
        writer.WriteStartArray("checks"u8);
        foreach (var check in part.Checks)
        {
            writer.WriteStartObject();
            writer.WriteString("name"u8, check.Name);
            writer.WriteNumber("offset"u8, check.Offset);
            writer.WriteNumber("length"u8, check.Length);
            writer.WriteString("expected"u8, check.Expected);
            writer.WriteString("found"u8, check.Found);
            writer.WriteBoolean("holds"u8, check.Holds);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
        writer.WriteStartArray("parts"u8);
        foreach (var inner in part.Parts)
        {
            WritePart(writer, inner);
        }

        writer.WriteEndArray();
        writer.WriteEndObject();
    }

    private static void WriteText(Utf8JsonWriter writer, string name, string? value)
    {
        if (value is null)
        {
            writer.WriteNull(name);
        }
        else
        {
            writer.WriteString(name, value);
        }
    }

    private static void WriteNumber(Utf8JsonWriter writer, string name, long? value)
    {
        if (value is null)
        {
            writer.WriteNull(name);
        }
        else
        {
            writer.WriteNumber(name, value.Value);
        }
    }

    private static void WriteTexts(Utf8JsonWriter writer, string name, IEnumerable<string> values)
    {
        writer.WriteStartArray(name);
        foreach (var value in values)
        {
            writer.WriteStringValue(value);
        }

        writer.WriteEndArray();
    }

    private static IEnumerable<string> Lines(RomImagePart part, int depth)
    {
        yield return Line(part, depth);
        foreach (var inner in part.Parts)
        {
            foreach (var line in Lines(inner, depth + 1))
            {
                yield return line;
            }
        }
    }

    private static string Line(RomImagePart part, int depth)
    {
        var text = new StringBuilder(128);
        text.Append(CultureInfo.InvariantCulture, $"{(part.IsInFile ? ' ' : '~')}{part.Offset:X8} {part.Length:X8} ").Append(' ', 2 * depth).Append(UntrustedText.ForTerminal(part.Kind));
        if (part.Id is { } id)
        {
            text.Append(' ').Append(id);
        }

        if (part.Pci is { } pci)
        {
            text.Append(" pci ").Append(pci);
        }

        if (part.Name.Length > 0)
        {
            text.Append(" '").Append(UntrustedText.ForTerminal(part.Name)).Append('\'');
        }

        if (part.Version.Length > 0)
        {
            text.Append(" version ").Append(UntrustedText.ForTerminal(part.Version));
        }

        if (part.DecodedLength is { } decoded)
        {
            text.Append(CultureInfo.InvariantCulture, $", decodes to {decoded:X8}");
        }

        foreach (var note in part.Notes)
        {
            text.Append("; ").Append(UntrustedText.ForTerminal(note));
        }

        foreach (var check in part.Checks)
        {
            text.Append(check.Holds ? " [ok " : " [WRONG ").Append(UntrustedText.ForTerminal(check.Name));
            if (!check.Holds)
            {
                text.Append(": ").Append(UntrustedText.ForTerminal(check.Found)).Append(", has to be ").Append(UntrustedText.ForTerminal(check.Expected));
            }

            text.Append(']');
        }

        return text.ToString();
    }
}
