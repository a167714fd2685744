using System.Collections.Immutable;
using System.IO.Compression;
using System.Xml;
using RomFlash.Sdk.Outcomes;

namespace RomFlash.Sdk.Compatibility.Import;

/// <summary>How LVFS metadata becomes a catalog.</summary>
public sealed record LvfsImportOptions
{
    /// <summary>The catalog's name; 1 to 256 characters.</summary>
    public required string Name { get; init; }

    /// <summary>The catalog's serial, from 0, or null.</summary>
    public long? Serial { get; init; }

    /// <summary>Until when the catalog is vouched for, or null. LVFS metadata does not say.</summary>
    public DateTimeOffset? Expires { get; init; }

    /// <summary>
    /// The systems that firmware without a hardware requirement is for, or null, and then such firmware is not carried over. LVFS trusts the firmware class
    /// there; but a class can be shared by boards that need different images, so somebody who knows the fleet has to say it. The entry's ROMs are not looked at.
    /// </summary>
    public CatalogSystem? Unrestricted { get; init; }
}

/// <summary>What of the metadata is not in the catalog, and why. All texts are untrusted.</summary>
/// <param name="Component">The id of the AppStream component.</param>
/// <param name="Release">The release's version, or empty when the whole component is meant.</param>
/// <param name="Reason">Why.</param>
public sealed record LvfsOmission(string Component, string Release, string Reason);

/// <summary>What an import gave.</summary>
/// <param name="Document">The catalog.</param>
/// <param name="Omissions">What could not be carried over, in the order of the metadata; an entry for each component or release.</param>
/// <param name="Components">How many firmware components the metadata has.</param>
/// <param name="Releases">How many releases are in the catalog, each image counted once.</param>
public sealed record LvfsImportResult(CatalogDocument Document, ImmutableArray<LvfsOmission> Omissions, int Components, int Releases);

/// <summary>
/// Reads the metadata of the Linux Vendor Firmware Service (<c>firmware.xml</c>: an AppStream collection with components of the type <c>firmware</c>) into a
/// catalog. What the rules of this SDK need and the metadata does not tell is not carried over and listed; nothing is guessed.
/// </summary>
/// <remarks>
/// <para>Carried over is a release that has all of these; sources are the AppStream specification ("Firmware") and fwupd's and LVFS's documentation:</para>
/// <list type="bullet">
/// <item>the update protocol <c>org.uefi.capsule</c>, firmware GUIDs of the type <c>flashed</c> (ESRT firmware classes), and a category that tells the kind of ROM;</item>
/// <item>a SHA-256 of its content (that of the cabinet around it is no image's) and the installed size;</item>
/// <item>a version that gives the whole 32-bit number of the ESRT under one named format; <c>dell-bios</c> and <c>dell-bios-msb</c> hide eight of the bits;</item>
/// <item>hardware ids, or <see cref="LvfsImportOptions.Unrestricted"/>; requirements that a catalog can hold: <c>ge</c> on the firmware itself becomes the
/// required minimum. Those on fwupd's own version are about another program, and vendor ids are covered by the systems, so both are left out. Any other
/// requirement, and a firmware branch, keeps the component out.</item>
/// </list>
/// <para>
/// The content is hostile: no DTD, at most <see cref="MaxDepth"/> levels, <see cref="MaxLength"/> bytes when decompressed and <see cref="MaxRatio"/> times the
/// compressed length; read as a stream. Nobody vouches for the result: sign it. Thread-safe.
/// </para>
/// </remarks>
public static class LvfsImport
{
    /// <summary>The largest metadata in bytes, decompressed: 256 MiB.</summary>
    public const long MaxLength = 256 << 20;

    /// <summary>The highest ratio of compression, beyond the first mebibyte: 200. XML of this kind has 10 to 30.</summary>
    public const int MaxRatio = 200;

    /// <summary>The deepest nesting of elements: 32. The format needs 8.</summary>
    public const int MaxDepth = 32;

    /// <summary>Reads metadata, plain or compressed with gzip, which is told by its first bytes.</summary>
    /// <param name="metadata">The content, from its current position; left open.</param>
    /// <param name="options">How it becomes a catalog.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    /// <returns>The catalog and what is missing in it; <see cref="CatalogUnusable"/> when the content is no such metadata, or larger than the bounds.</returns>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public static async ValueTask<FlashResult<LvfsImportResult>> ReadAsync(Stream metadata, LvfsImportOptions options, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(metadata);
        ArgumentNullException.ThrowIfNull(options);
        var counted = new MeasuredStream(metadata);
        try
        {
            var first = await counted.PeekAsync(cancellationToken).ConfigureAwait(false);
            if (first.Span.StartsWith<byte>([0xFD, 0x37, 0x7A, 0x58, 0x5A, 0x00]) || first.Span.StartsWith<byte>([0x28, 0xB5, 0x2F, 0xFD]))
            {
                return Unusable("it is compressed with xz or zstd, for which there is no decoder here; decompress it first");
            }

            var isCompressed = first.Span.StartsWith<byte>([0x1F, 0x8B]);
            var plain = isCompressed ? new GZipStream(counted, CompressionMode.Decompress, leaveOpen: true) : (Stream)counted;
            await using (plain.ConfigureAwait(false))
            {
                using var bounded = new BoundedStream(plain, isCompressed ? counted : null);
                return await ReadXmlAsync(bounded, options, cancellationToken).ConfigureAwait(false);
            }
        }
        catch (XmlException e)
        {
            var problem = new DocumentProblem(Math.Max(1, e.LineNumber), Math.Max(1, e.LinePosition), e.Message);
            return new CatalogUnusable { Stage = FlashStage.Check, Detail = problem.ToString(), Problems = [problem] };
        }
        catch (Exception e) when (e is InvalidDataException or IOException or ArgumentException or NotSupportedException or UnauthorizedAccessException)
        {
            return Unusable(e.Message);
        }
    }

    internal static CatalogUnusable Unusable(string why) => new() { Stage = FlashStage.Check, Detail = why };

    private static async ValueTask<FlashResult<LvfsImportResult>> ReadXmlAsync(Stream xml, LvfsImportOptions options, CancellationToken cancellationToken)
    {
        var settings = new XmlReaderSettings
        {
            Async = true,
            DtdProcessing = DtdProcessing.Prohibit,
            XmlResolver = null,
            MaxCharactersInDocument = MaxLength,
            IgnoreComments = true,
            IgnoreProcessingInstructions = true,
            CloseInput = false,
        };
        using var reader = XmlReader.Create(xml, settings);
        var builder = new LvfsCatalogBuilder(options);
        if (await new LvfsReader(reader, builder).ReadAsync(cancellationToken).ConfigureAwait(false) is { } why)
        {
            return Unusable(why);
        }

        var result = builder.Build();
        byte[] json;
        try
        {
            json = result.Document.ToJson().ToArray();
        }
        catch (ArgumentException e)
        {
            return Unusable($"the metadata holds what can't be written as JSON ({e.Message})");
        }

        // What is given out is what the reader of catalogs takes: no import makes a catalog that nobody can use.
        return CatalogDocument.TryParse(json, options.Name).TryGetValue(out _, out var failure) ? result : failure;
    }
}
