using System.Collections.Immutable;
using RomFlash.Sdk.Compatibility.Trust;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Outcomes;

namespace RomFlash.Sdk.Compatibility;

/// <summary>A catalog from one or several JSON files: which ROM releases go on which systems, and what each source reports once they run.</summary>
/// <remarks>
/// <para>Immutable and thread-safe. Looks up releases by digest and systems by what tells them apart, so a large catalog answers as fast as a small one.</para>
/// <para>
/// Layers add to each other: a system that any of them supports is supported, with the ROMs and releases of all entries that fit. What a layer withdraws is
/// withdrawn for all. Two layers that say different things of the same image make no catalog. The order of the layers decides what is shown where one has to
/// be named: the first is the strongest. The format is in docs/catalog.md.
/// </para>
/// </remarks>
public sealed class JsonCompatibilityCatalog : ICompatibilityCatalog
{
    /// <summary>The largest catalog in bytes: 64 MiB.</summary>
    public const int MaxLength = CatalogDocument.MaxLength;

    private readonly CatalogContent _content;
    private readonly TimeProvider _time;
    private readonly bool _allowExpired;
    private readonly CatalogProvenance? _firstToExpire;

    private JsonCompatibilityCatalog(CatalogContent content, TimeProvider time, bool allowExpired)
    {
        _content = content;
        _time = time;
        _allowExpired = allowExpired;
        _firstToExpire = content.Catalogs.Where(CanExpire).MinBy(c => c.Expires);
    }

    /// <summary>The name of the strongest layer. Untrusted text.</summary>
    public string Name => _content.Catalogs[0].Name;

    /// <summary>The catalogs that this one is made of, the strongest first; one that expired while it was in use, and is accepted all the same, says so.</summary>
    public ImmutableArray<CatalogProvenance> Catalogs => _firstToExpire is { } first && first.Expires <= _time.GetUtcNow() ? CatalogsAt(_time.GetUtcNow()) : _content.Catalogs;

    /// <summary>How many different images the catalog knows.</summary>
    public int ReleaseCount => _content.ReleaseCount;

    /// <summary>Makes a catalog of one or several layers.</summary>
    /// <param name="layers">The layers, the strongest first; at least one. Each document is checked as if it were read from a file.</param>
    /// <param name="timeProvider">The clock by which a catalog expires while it is in use; null for the system's.</param>
    /// <returns>The catalog, or <see cref="CatalogUnusable"/> when a layer can't be used or two contradict each other; the detail names them.</returns>
    /// <exception cref="ArgumentException">There is no layer, or one is null.</exception>
    public static FlashResult<JsonCompatibilityCatalog> TryCreate(ImmutableArray<CatalogLayer> layers, TimeProvider? timeProvider)
    {
        if (layers.IsDefaultOrEmpty || layers.Any(l => l?.Document is null || l.Provenance is null))
        {
            throw new ArgumentException("A catalog needs at least one layer, and none may be null.", nameof(layers));
        }

        // Anybody can make a document; reading it back as it would be written holds it to every rule that a file is held to.
        var read = ImmutableArray.CreateBuilder<CatalogLayer>(layers.Length);
        foreach (var layer in layers)
        {
            if (!ReadBack(layer.Document).TryGetValue(out var document, out var failure))
            {
                return failure;
            }

            read.Add(layer with { Document = document });
        }

        return Create(read.MoveToImmutable(), timeProvider, allowExpired: false);
    }

    /// <summary>Reads a catalog from a file with its signature, and checks who vouches for it, as <see cref="CatalogFile.LoadAsync"/> does.</summary>
    /// <param name="path">The path.</param>
    /// <param name="trust">Whom the caller believes, and what it accepts all the same; its clock is also the one by which the catalog expires while it is in use.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    /// <returns>The catalog, or the failure of <see cref="CatalogFile.LoadAsync"/>.</returns>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public static ValueTask<FlashResult<JsonCompatibilityCatalog>> LoadAsync(string path, CatalogTrust trust, CancellationToken cancellationToken) =>
        LoadAsync([path], trust, cancellationToken);

    /// <summary>Reads several catalogs, the strongest layer first, as <see cref="CatalogFile.LoadAllAsync"/> does, and makes one of them.</summary>
    /// <param name="paths">The files; at least one.</param>
    /// <param name="trust">Whom the caller believes, and what it accepts all the same, for each of them.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    /// <returns>The catalog, the failure of <see cref="CatalogFile.LoadAllAsync"/>, or <see cref="CatalogUnusable"/> when two layers contradict each other.</returns>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public static async ValueTask<FlashResult<JsonCompatibilityCatalog>> LoadAsync(IReadOnlyList<string> paths, CatalogTrust trust, CancellationToken cancellationToken) =>
        (await CatalogFile.LoadAllAsync(paths, trust, cancellationToken).ConfigureAwait(false)).TryGetValue(out var layers, out var failure)
            ? Create(layers, trust.TimeProvider, trust.AllowExpired)
            : failure;

    /// <summary>Looks a release up, whatever it is for; such as the recovery image of one that was flashed. Says nothing about what may be flashed.</summary>
    /// <param name="sha256">The SHA-256 of its image.</param>
    /// <returns>
    /// The release as the strongest layer has it, or null when no catalog has it. One that was withdrawn is found as well: who flashed it needs its recovery image the
    /// most. A recovery image that was withdrawn itself is left out.
    /// </returns>
    public RomRelease? FindRelease(ContentDigest sha256) => _content.Find(sha256);

    /// <inheritdoc/>
    public ValueTask<FlashResult<CompatibilityVerdict>> EvaluateAsync(CompatibilityQuery query, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(query);
        cancellationToken.ThrowIfCancellationRequested();
        if (_firstToExpire is not { } catalog || catalog.Expires > _time.GetUtcNow())
        {
            return new(CatalogEvaluation.Evaluate(_content, query));
        }

        // Accepted in advance, and named from the very moment on: a plan that was made before is not carried out with it.
        return _allowExpired
            ? new(CatalogEvaluation.Evaluate(_content, query) with { Catalogs = Catalogs })
            : new(new CatalogExpired { Stage = FlashStage.Check, TargetId = query.Report.Target.Id, Detail = $"'{catalog.Name}' expired at {catalog.Expires:u}" });
    }

    private static bool CanExpire(CatalogProvenance catalog) => catalog.Expires is not null && (catalog.Accepted.IsDefault || !catalog.Accepted.Contains(CatalogWeakness.Expired));

    private ImmutableArray<CatalogProvenance> CatalogsAt(DateTimeOffset now) => !_allowExpired
        ? _content.Catalogs
        : [.. _content.Catalogs.Select(c => CanExpire(c) && c.Expires <= now ? c with { Accepted = [.. c.Accepted.IsDefault ? [] : c.Accepted, CatalogWeakness.Expired] } : c)];

    private static FlashResult<JsonCompatibilityCatalog> Create(ImmutableArray<CatalogLayer> layers, TimeProvider? timeProvider, bool allowExpired) =>
        CatalogContent.TryCreate(layers, out var contradictions) is { } content
            ? new JsonCompatibilityCatalog(content, CallerClock.OrSystem(timeProvider), allowExpired)
            : new CatalogUnusable { Stage = FlashStage.Check, Detail = string.Join("; ", contradictions) };

    private static FlashResult<CatalogDocument> ReadBack(CatalogDocument document)
    {
        var name = document.Name ?? "catalog";
        try
        {
            return CatalogDocument.TryParse(document.ToJson().Span, name);
        }
        catch (ArgumentException e)
        {
            return new CatalogUnusable { Stage = FlashStage.Check, Detail = $"{name}: it holds what can't be written ({e.Message})" };
        }
    }
}
