using System.Security.Cryptography.X509Certificates;

namespace RomFlash.Sdk.Images.Signatures;

/// <summary>Whom a caller trusts to sign images, and the clock that this is judged by.</summary>
/// <remarks>
/// <para>
/// A certificate here is <em>pinned</em> when it is the signer's own, byte for byte: nothing is asked of it but its validity, an accepted algorithm and a
/// key that is long enough. Key usage and extended key usage do not matter then, because the caller named this very certificate. A pinned certificate vouches
/// for images, never for other signers, even where it signed itself.
/// </para>
/// <para>
/// A certificate here is a <em>root</em> when it is a certification authority by its basic constraints (RFC 5280, 4.2.1.9). A signer that chains to it
/// needs the extended key usage code signing (RFC 5280, 4.2.1.12), which the authorities between may not exclude; a key usage extension, where there is one,
/// has to allow digital signatures (RFC 5280, 4.2.1.3). All links are within their validity, use accepted algorithms, and come with the signature or from here.
/// </para>
/// <para>
/// Validity counts <em>at the time of the check</em>, by <see cref="TimeProvider"/>: a certificate that has expired since does not vouch any more, and the
/// time that a signature claims for itself is nobody's word. Time stamps of authorities are not read.
/// </para>
/// <para>
/// Accepted are SHA-256, SHA-384 and SHA-512 with RSA (PKCS #1 v1.5 or PSS, 2,048 bits at least) or ECDSA (curves of 256 bits at least). A signature by
/// anything else proves nothing, and is invalid. Nothing is looked up outside: no store of the machine or its user, no revocation, no download.
/// </para>
/// <para>Immutable; thread-safe as long as nobody changes the collection of certificates.</para>
/// </remarks>
public sealed record ImageSignatureTrust
{
    /// <summary>The certificates that the caller trusts, pinned signers and roots, public parts alone; empty trusts nobody.</summary>
    public X509Certificate2Collection Certificates { get; init; } = [];

    /// <summary>The clock that the validity of certificates is measured with.</summary>
    public required TimeProvider TimeProvider { get; init; }
}
