using System.Globalization;
using RomFlash.Sdk.Images;

namespace RomFlash.Cli.Rendering;

/// <summary>What was found in an image, for a person.</summary>
internal static class ImageText
{
    public static IEnumerable<string> Lines(RomImageReport report, bool isTree)
    {
        yield return $"{ResultText.Plain(report.Name)}: {(report.IsValid ? "valid" : "not valid")}";
        yield return $"  format: {ResultText.Plain(report.Format)}";
        yield return string.Create(CultureInfo.InvariantCulture, $"  length: {report.Length} bytes");
        if (report.Sha256 is { } sha256)
        {
            yield return $"  sha256: {sha256}";
        }

        yield return $"  signature: {report.Signature}";
        foreach (var signature in report.Signatures)
        {
            yield return $"    {ResultText.Plain(signature.Kind)}: {signature.Status}{(signature.Signer.Length > 0 ? $", by {ResultText.Plain(signature.Signer)}, certificate SHA-256 {signature.SignerSha256}" : string.Empty)}{(signature.Why.Length > 0 ? $" ({ResultText.Plain(signature.Why)})" : string.Empty)}";
        }

        foreach (var line in Lines(report.Identity, "  "))
        {
            yield return line;
        }

        foreach (var payload in report.Payloads)
        {
            yield return string.Create(CultureInfo.InvariantCulture, $"  payload {ResultText.Plain(payload.Name)}: {ResultText.Plain(payload.Format)}, {payload.Length} bytes, sha256 {payload.Sha256}");
            foreach (var line in Lines(payload.Identity, "    "))
            {
                yield return line;
            }
        }

        foreach (var warning in report.Warnings)
        {
            yield return $"  warning: {ResultText.Plain(warning)}";
        }

        foreach (var problem in report.Problems)
        {
            yield return $"  problem {problem.Code}: {problem.Message}";
        }

        if (isTree)
        {
            yield return "  parts: offset, length (hexadecimal bytes; ~ in what the part above decodes to), what it is, checks";
            foreach (var line in RomImageReportWriter.ToLines(report))
            {
                yield return "  " + line;
            }
        }
    }

    private static IEnumerable<string> Lines(RomIdentity identity, string indent)
    {
        if (identity.Kind is { } kind)
        {
            yield return $"{indent}kind: {kind}";
        }

        foreach (var firmwareClass in identity.FirmwareClasses)
        {
            yield return $"{indent}firmware class: {firmwareClass}";
        }

        foreach (var deviceClass in identity.DeviceClasses)
        {
            yield return $"{indent}device class: {deviceClass}";
        }

        foreach (var pci in identity.PciIds)
        {
            yield return $"{indent}pci: {pci}";
        }

        foreach (var model in identity.Models)
        {
            yield return $"{indent}model: {ResultText.Plain(model)}";
        }

        if (identity.Version is { } version)
        {
            yield return $"{indent}version: {ResultText.Plain(version.Text)}";
        }

        if (identity.LowestSupportedVersion is { } lowest)
        {
            yield return $"{indent}lowest supported version: {ResultText.Plain(lowest.Text)}";
        }
    }
}
