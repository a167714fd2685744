using System.Collections.Immutable;
using System.Globalization;
using System.Security.Cryptography;
using RomFlash.Sdk.Documents;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Outcomes;

namespace RomFlash.Sdk.Compatibility.Trust;

/// <summary>Reads catalogs, and checks who vouches for them before a byte of their content is interpreted.</summary>
/// <remarks>
/// <para>
/// In this order: the signature over the exact bytes, the content, the expiry, the history. Only a catalog that has passed the first three becomes part of
/// the history. A signed catalog without a serial can't be told from an older one, so it takes <see cref="CatalogTrust.AllowOlder"/>; an unsigned one
/// without a serial proves nothing in any case and takes <see cref="CatalogTrust.AllowUnsigned"/> alone, unless a serial of its name was seen. What was
/// accepted by an option is in <see cref="CatalogProvenance.Accepted"/>, and only what the catalog really lacks.
/// </para>
/// <para>Thread-safe.</para>
/// </remarks>
public static class CatalogFile
{
    /// <summary>Reads a catalog from a regular file, and its signature from the file beside it with <c>.p7s</c> behind the name, in DER or PEM.</summary>
    /// <param name="path">The catalog, at most 64 MiB; the signature, at most 1 MiB.</param>
    /// <param name="trust">Whom the caller believes, and what it accepts all the same.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    /// <returns>
    /// The catalog with its provenance; <see cref="CatalogUnusable"/> when it can't be read, <see cref="CatalogUntrusted"/>, <see cref="CatalogExpired"/> or
    /// <see cref="CatalogRolledBack"/>, the last also where nobody can tell.
    /// </returns>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public static async ValueTask<FlashResult<CatalogLayer>> LoadAsync(string path, CatalogTrust trust, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(path);
        ArgumentNullException.ThrowIfNull(trust);
        var content = await DocumentFile.ReadAsync(path, CatalogDocument.MaxLength, cancellationToken).ConfigureAwait(false);
        if (content.Bytes is not { } bytes)
        {
            return new CatalogUnusable { Stage = FlashStage.Check, Detail = content.WhyNot, PeerCode = content.PeerCode };
        }

        ReadOnlyMemory<byte>? signature = null;
        var beside = path + CatalogSignature.Extension;
        if (Path.Exists(beside))
        {
            var read = await DocumentFile.ReadAsync(beside, CatalogSignature.MaxLength, cancellationToken).ConfigureAwait(false);
            if (read.Bytes is null)
            {
                return new CatalogUntrusted { Stage = FlashStage.Check, Detail = $"the signature can't be read: {read.WhyNot}", PeerCode = read.PeerCode };
            }

            signature = read.Bytes;
        }

        return await ReadAsync(bytes, signature, path, trust, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Reads several catalogs, the strongest layer first. Two editions of one catalog can't be mixed: the name may be there once.</summary>
    /// <param name="paths">The files; at least one.</param>
    /// <param name="trust">Whom the caller believes, and what it accepts all the same, for each of them.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    /// <returns>The catalogs in the same order, or the first failure as <see cref="LoadAsync"/> gives it; <see cref="CatalogUnusable"/> where a name is there twice.</returns>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public static async ValueTask<FlashResult<ImmutableArray<CatalogLayer>>> LoadAllAsync(IReadOnlyList<string> paths, CatalogTrust trust, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(paths);
        ArgumentOutOfRangeException.ThrowIfZero(paths.Count, nameof(paths));
        var layers = ImmutableArray.CreateBuilder<CatalogLayer>(paths.Count);
        foreach (var path in paths)
        {
            if (!(await LoadAsync(path, trust, cancellationToken).ConfigureAwait(false)).TryGetValue(out var layer, out var failure))
            {
                return failure;
            }

            if (layers.Any(l => string.Equals(l.Document.Name, layer.Document.Name, StringComparison.Ordinal)))
            {
                return new CatalogUnusable { Stage = FlashStage.Check, Detail = $"{path}: another layer has the name '{layer.Document.Name}' already; two editions of one catalog can't be mixed" };
            }

            layers.Add(layer);
        }

        return layers.MoveToImmutable();
    }

    /// <summary>Reads a catalog from memory, as <see cref="LoadAsync"/> does from a file.</summary>
    /// <param name="catalog">The exact bytes that were signed.</param>
    /// <param name="signature">The signature in DER or PEM, or null when there is none.</param>
    /// <param name="name">A name for messages, such as the file's path.</param>
    /// <param name="trust">Whom the caller believes, and what it accepts all the same.</param>
    /// <param name="cancellationToken">Stops the wait for the history.</param>
    /// <returns>As <see cref="LoadAsync"/>.</returns>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public static async ValueTask<FlashResult<CatalogLayer>> ReadAsync(
        ReadOnlyMemory<byte> catalog,
        ReadOnlyMemory<byte>? signature,
        string name,
        CatalogTrust trust,
        CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(name);
        ArgumentNullException.ThrowIfNull(trust);
        cancellationToken.ThrowIfCancellationRequested();
        if (catalog.Length > CatalogDocument.MaxLength)
        {
            return new CatalogUnusable { Stage = FlashStage.Check, Detail = $"{name}: it is larger than {CatalogDocument.MaxLength} bytes" };
        }

        CatalogSigner? signer = null;
        if (signature is { } present)
        {
            if (!CatalogSignature.Verify(catalog, present, trust).TryGetValue(out signer, out var wrong))
            {
                return Named(name, wrong);
            }
        }
        else if (!trust.AllowUnsigned)
        {
            return new CatalogUntrusted { Stage = FlashStage.Check, Detail = $"{name}: there is no signature ({Path.GetFileName(name)}{CatalogSignature.Extension})" };
        }

        if (!CatalogDocument.TryParse(catalog.Span, name).TryGetValue(out var document, out var failure))
        {
            return failure;
        }

        var accepted = ImmutableArray.CreateBuilder<CatalogWeakness>();
        if (signer is null)
        {
            accepted.Add(CatalogWeakness.Unsigned);
        }

        if (document.Expires is { } expires && expires <= trust.TimeProvider.GetUtcNow())
        {
            if (!trust.AllowExpired)
            {
                return new CatalogExpired { Stage = FlashStage.Check, Detail = string.Create(CultureInfo.InvariantCulture, $"{name}: '{document.Name}' has expired at {expires.UtcDateTime:u}") };
            }

            accepted.Add(CatalogWeakness.Expired);
        }

        var digest = new ContentDigest(SHA256.HashData(catalog.Span));
        if (await FindRollbackAsync(document, digest, signer is not null, trust, cancellationToken).ConfigureAwait(false) is { } older)
        {
            if (!trust.AllowOlder)
            {
                return Named(name, older);
            }

            accepted.Add(CatalogWeakness.OlderThanSeen);
        }

        return new CatalogLayer(document, new CatalogProvenance(document.Name, digest)
        {
            Serial = document.Serial,
            Expires = document.Expires,
            SignedBy = signer?.ToString() ?? string.Empty,
            Accepted = accepted.DrainToImmutable(),
        });
    }

    private static FlashFailure Named(string name, FlashFailure failure) => failure with { Detail = $"{name}: {failure.Detail}" };

    /// <summary>Compares with what was seen, and remembers the catalog where it is the newest.</summary>
    /// <returns>What speaks against it, or null.</returns>
    private static async ValueTask<FlashFailure?> FindRollbackAsync(CatalogDocument document, ContentDigest digest, bool isSigned, CatalogTrust trust, CancellationToken cancellationToken)
    {
        if (!(await trust.History.FindAsync(document.Name, isSigned, cancellationToken).ConfigureAwait(false)).TryGetValue(out var newest, out var failure))
        {
            return failure;
        }

        if (document.Serial is not { } serial)
        {
            return newest.Serial >= 0 ? RolledBack($"'{document.Name}' has no serial, and {Show(newest.Serial)} was seen before")
                : isSigned ? RolledBack($"'{document.Name}' has no serial, so nobody can tell it from an older one")
                : null;
        }

        var seen = new CatalogSighting(document.Name, serial, digest, isSigned);
        if (newest.Serial < serial && !(await trust.History.ObserveAsync(seen, cancellationToken).ConfigureAwait(false)).TryGetValue(out newest, out failure))
        {
            return failure;
        }

        return newest.Serial > serial ? RolledBack($"'{document.Name}' has the serial {Show(serial)}, and {Show(newest.Serial)} was seen before")
            : newest.Serial == serial && newest.Sha256 != digest ? RolledBack($"'{document.Name}' has the serial {Show(serial)}, and another content with the same serial was seen before")
            : null;
    }

    private static string Show(long serial) => serial.ToString(CultureInfo.InvariantCulture);

    private static CatalogRolledBack RolledBack(string why) => new() { Stage = FlashStage.Check, Detail = why };
}
