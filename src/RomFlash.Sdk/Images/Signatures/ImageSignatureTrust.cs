using System.Security.Cryptography.X509Certificates;

namespace RomFlash.Sdk.Images.Signatures;

/// <summary>Whom a caller trusts to sign images.</summary>
/// <remarks>Immutable; thread-safe as long as nobody changes the collection of certificates.</remarks>
public sealed record ImageSignatureTrust
{
    /// <summary>The certificates that the caller trusts, public parts alone; empty trusts nobody. Nothing is looked up outside: no store of the system, no revocation, no download.</summary>
    public X509Certificate2Collection Certificates { get; init; } = [];

    /// <summary>The clock that the validity of certificates is measured with.</summary>
    public required TimeProvider TimeProvider { get; init; }
}
