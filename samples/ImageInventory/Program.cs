// A tool of somebody else's that uses the validator and nothing else of the SDK: it walks a folder of firmware files, says what each is and whether it is
// whole, and writes the checksums that vendors publish beside it. No target, no catalog, no journal.
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Images.Checksums;
using RomFlash.Sdk.Outcomes;

if (args is not [var folder])
{
    Console.Error.WriteLine("usage: ImageInventory FOLDER");
    return 2;
}

const ChecksumAlgorithms Published = ChecksumAlgorithms.Crc32 | ChecksumAlgorithms.Md5 | ChecksumAlgorithms.Sha1 | ChecksumAlgorithms.Sha256;
var validator = new RomImageValidator(RomImageFormats.All, new RomImageValidatorOptions());
var wrong = 0;
foreach (var file in Directory.EnumerateFiles(folder).Order(StringComparer.Ordinal))
{
    var name = UntrustedText.ForTerminal(Path.GetFileName(file));
    var inspected = await validator.InspectAsync(new FileImageSource(file), new RomInspection(), CancellationToken.None);
    if (!inspected.TryGetValue(out var report, out var failure))
    {
        Console.WriteLine($"{name}: {failure.Code} {failure.Message}");
        wrong++;
        continue;
    }

    Console.WriteLine($"{name}: {report.Format}, {(report.IsValid ? "whole" : $"{report.Problems[0].Code} {report.Problems[0].Message}")}, signature {report.Signature}");
    Console.WriteLine($"  for: {For(report.Identity)}; {Count(report.Root)} parts, {Checks(report.Root)} checksums");
    foreach (var payload in report.Payloads)
    {
        Console.WriteLine($"  holds {UntrustedText.ForTerminal(payload.Name)}: {payload.Format}, {payload.Sha256}");
    }

    // All of them in one pass over the file.
    var digests = await MultiDigest.HashFileAsync(Published, file, CancellationToken.None);
    Console.WriteLine($"  crc32 {digests.ToHex(ChecksumAlgorithms.Crc32)}, md5 {digests.ToHex(ChecksumAlgorithms.Md5)}, sha256 {digests.ToHex(ChecksumAlgorithms.Sha256)}");
    wrong += report.IsValid ? 0 : 1;
}

Console.WriteLine(wrong == 0 ? "everything is whole" : $"{wrong} to look at");
return wrong == 0 ? 0 : 1;

static string For(RomIdentity identity) => UntrustedText.ForTerminal(string.Join(", ", [identity.Kind?.ToString() ?? "any kind", .. identity.FirmwareClasses.Select(c => c.ToString()), .. identity.PciIds.Select(p => p.ToString()), .. identity.Models]));

static int Count(RomImagePart part) => 1 + part.Parts.Sum(Count);

static int Checks(RomImagePart part) => part.Checks.Length + part.Parts.Sum(Checks);
