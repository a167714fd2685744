using System.Collections.Frozen;
using System.Collections.Immutable;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Targets;

namespace RomFlash.Sdk.Compatibility;

/// <summary>A catalog in a JSON file: which ROM releases go on which systems, and what each source reports once they run.</summary>
/// <remarks>
/// <para>Immutable and thread-safe. Looks releases up by digest, so a large catalog answers as fast as a small one.</para>
/// <para>
/// The format, in UTF-8: <c>{"romflashCatalog":1, "name":"…", "systems":[{"manufacturer":"…", "product":"…", "sku":"…", "roms":[{"component":"system-rom",
/// "firmwareClass":"guid", "pci":"103c:3239:103c:21c2", "id":"…", "releases":[{"version":"…", "sha256":"…", "size":1, "reportedAs":{"smbios":"…",
/// "esrt":"0x…"}, "requiredMinimum":{"esrt":"0x…"}, "notes":"…"}]}]}]}</c>. Optional are <c>name</c>, <c>sku</c>, <c>firmwareClass</c>, <c>pci</c>,
/// <c>id</c>, <c>requiredMinimum</c> and <c>notes</c>. In <c>manufacturer</c>, <c>product</c> and <c>sku</c> a <c>*</c> stands for any text, and case does
/// not matter. <c>component</c> is <c>system-rom</c>, <c>array-controller</c>, <c>controller</c> or <c>other</c>. Anything else is refused, with line and
/// column: unknown and repeated fields, releases that contradict each other, a digest that is there twice for one ROM.
/// </para>
/// </remarks>
public sealed class JsonCompatibilityCatalog : ICompatibilityCatalog
{
    /// <summary>The largest catalog in bytes: 64 MiB.</summary>
    public const int MaxLength = 64 << 20;

    private readonly FrozenDictionary<ContentDigest, JsonCatalogOccurrence[]> _byDigest;
    private readonly Dictionary<(string Manufacturer, string Product), List<JsonCatalogSystem>> _exact = [];
    private readonly List<JsonCatalogSystem> _patterns = [];
    private readonly Dictionary<JsonCatalogSystem, List<JsonCatalogRom>> _romsOf = [];

    private JsonCompatibilityCatalog(string name, List<JsonCatalogSystem> systems, List<JsonCatalogRom> roms)
    {
        Name = name;
        foreach (var system in systems)
        {
            _romsOf.Add(system, []);
            if (system.HasPatterns)
            {
                _patterns.Add(system);
                continue;
            }

            var key = Key(system.Manufacturer, system.Product);
            if (!_exact.TryGetValue(key, out var same))
            {
                _exact.Add(key, same = []);
            }

            same.Add(system);
        }

        var occurrences = new Dictionary<ContentDigest, List<JsonCatalogOccurrence>>();
        foreach (var rom in roms)
        {
            _romsOf[rom.System].Add(rom);
            foreach (var release in rom.Releases)
            {
                if (!occurrences.TryGetValue(release.Sha256, out var list))
                {
                    occurrences.Add(release.Sha256, list = []);
                }

                list.Add(new(rom, release));
            }
        }

        _byDigest = occurrences.ToFrozenDictionary(p => p.Key, p => p.Value.ToArray());
    }

    /// <summary>The catalog's own name, or the name that it was read under. Untrusted text.</summary>
    public string Name { get; }

    /// <summary>How many different images the catalog knows.</summary>
    public int ReleaseCount => _byDigest.Count;

    /// <summary>Reads a catalog from memory.</summary>
    /// <param name="utf8">The content; kept by nobody.</param>
    /// <param name="name">A name for messages, such as the file's path.</param>
    /// <returns>The catalog, or <see cref="CatalogUnusable"/> whose detail lists up to 100 problems with line and column.</returns>
    public static FlashResult<JsonCompatibilityCatalog> TryParse(ReadOnlySpan<byte> utf8, string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        if (utf8.Length > MaxLength)
        {
            return Unusable(name, $"it is larger than {MaxLength} bytes");
        }

        var reader = new JsonCatalogReader(utf8);
        var problems = reader.Read();
        return problems.Count == 0
            ? new JsonCompatibilityCatalog(reader.Name ?? name, reader.Systems, reader.Roms)
            : Unusable(name, string.Join("; ", problems));
    }

    /// <summary>Reads a catalog from a regular file.</summary>
    /// <param name="path">The path.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    /// <returns>The catalog, or <see cref="CatalogUnusable"/>.</returns>
    public static async ValueTask<FlashResult<JsonCompatibilityCatalog>> LoadAsync(string path, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(path);
        if (path.Length == 0)
        {
            return Unusable("catalog", "no file was named");
        }

        if (!(await new FileImageSource(path).OpenReadAsync(cancellationToken).ConfigureAwait(false)).TryGetValue(out var stream, out var failure))
        {
            return new CatalogUnusable { Stage = FlashStage.Check, Detail = failure.Detail, PeerCode = failure.PeerCode };
        }

        await using (stream.ConfigureAwait(false))
        {
            try
            {
                if (stream.Length > MaxLength)
                {
                    return Unusable(path, $"it is larger than {MaxLength} bytes");
                }

                var content = new byte[(int)stream.Length];
                var count = await stream.ReadAtLeastAsync(content, content.Length, throwOnEndOfStream: false, cancellationToken).ConfigureAwait(false);
                return TryParse(content.AsSpan(0, count), path);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException or NotSupportedException)
            {
                return new CatalogUnusable { Stage = FlashStage.Check, Detail = $"{path}: {e.Message}", PeerCode = new PeerCode(PeerCode.HResult, unchecked((uint)e.HResult)) };
            }
        }
    }

    /// <inheritdoc/>
    public ValueTask<FlashResult<CompatibilityVerdict>> EvaluateAsync(CompatibilityQuery query, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(query);
        cancellationToken.ThrowIfCancellationRequested();
        var images = query.Images.IsDefault ? [] : query.Images;
        var known = new List<(RomImage Image, JsonCatalogOccurrence[] Occurrences)>(images.Length);
        var unknown = ImmutableArray.CreateBuilder<ContentDigest>();
        foreach (var image in images)
        {
            if (_byDigest.TryGetValue(image.Sha256, out var occurrences))
            {
                known.Add((image, occurrences));
            }
            else
            {
                unknown.Add(image.Sha256);
            }
        }

        var systems = new List<JsonCatalogSystem>();
        var reason = "the target does not tell what it is";
        if (query.Report.Facts.Identity.TryGet(out var identity))
        {
            FindSystems(identity, systems);
            reason = $"no system of the catalog is '{identity.Manufacturer}' '{identity.Product}' (SKU '{identity.Sku}')";
        }

        var verdict = systems.Count == 0
            ? new CompatibilityVerdict
            {
                IsTargetSupported = false,
                Components = [.. query.Report.Roms.Select(r => new ComponentVerdict { ComponentId = r.Id, Decision = RomDecision.NotApplicable, Reasons = [reason] })],
                Reasons = [reason],
            }
            : new JsonCatalogEvaluation(query.Report.Roms, known, [.. systems.SelectMany(s => _romsOf[s])], query.Policy).Evaluate();
        return new(verdict with { UnknownImages = unknown.DrainToImmutable(), Catalogs = [new CatalogProvenance(Name, default)] });
    }

    private static (string Manufacturer, string Product) Key(string manufacturer, string product) => (manufacturer.Trim().ToUpperInvariant(), product.Trim().ToUpperInvariant());

    private static CatalogUnusable Unusable(string name, string why) => new() { Stage = FlashStage.Check, Detail = $"{name}: {why}" };

    private void FindSystems(TargetIdentity identity, List<JsonCatalogSystem> found)
    {
        if (_exact.TryGetValue(Key(identity.Manufacturer ?? string.Empty, identity.Product ?? string.Empty), out var exact))
        {
            found.AddRange(exact.Where(s => s.Matches(identity)));
        }

        found.AddRange(_patterns.Where(s => s.Matches(identity)));
    }
}
