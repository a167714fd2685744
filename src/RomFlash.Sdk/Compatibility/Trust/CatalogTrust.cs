using System.Security.Cryptography.X509Certificates;

namespace RomFlash.Sdk.Compatibility.Trust;

/// <summary>Whom a caller believes about catalogs, and what it accepts all the same. There is no default that accepts anything weak: each weakness takes its own option.</summary>
/// <remarks>Immutable; thread-safe as long as nobody changes the collection of certificates.</remarks>
public sealed record CatalogTrust
{
    /// <summary>
    /// The certificates that the caller trusts, public parts alone; empty when only <see cref="AllowUnsigned"/> lets a catalog pass. A certificate here is
    /// the signer itself, which then has to be within its validity; or a root (a certification authority by its basic constraints, RFC 5280, 4.2.1.9) that
    /// the signer's certificate chains to, and then the signer needs the extended key usage code signing (RFC 5280, 4.2.1.12). Nothing is looked up
    /// outside: no store of the system, no revocation, no download of intermediates, which the signature has to bring along.
    /// </summary>
    public X509Certificate2Collection Certificates { get; init; } = [];

    /// <summary>Accepts a catalog without a signature. A signature that is there and wrong is never accepted.</summary>
    public bool AllowUnsigned { get; init; }

    /// <summary>
    /// Accepts a catalog whose time has passed, also where it passes while the catalog is in use; verdicts and reports name it from that moment on, and a plan
    /// that was made before is not carried out with it any more.
    /// </summary>
    public bool AllowExpired { get; init; }

    /// <summary>Accepts a catalog that is older than one that was seen, and one of which nobody can tell: signed without a serial, or with a history that can't be read.</summary>
    public bool AllowOlder { get; init; }

    /// <summary>What was seen before: <see cref="FileCatalogHistory"/>, or <see cref="InMemoryCatalogHistory"/>, which forgets with the process.</summary>
    public required ICatalogHistory History { get; init; }

    /// <summary>The clock that expiry and the validity of certificates are measured with.</summary>
    public required TimeProvider TimeProvider { get; init; }
}
