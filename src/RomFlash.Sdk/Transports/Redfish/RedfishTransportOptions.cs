using System.Security.Cryptography.X509Certificates;

namespace RomFlash.Sdk.Transports.Redfish;

/// <summary>How management controllers are spoken to. Immutable; one instance serves many sessions.</summary>
public sealed record RedfishTransportOptions
{
    /// <summary>
    /// Roots that a controller's certificate may lead to, in place of the platform's; null for the platform's. The name is checked either
    /// way. A fingerprint in the address goes before both.
    /// </summary>
    public X509Certificate2Collection? TrustedRoots { get; init; }

    /// <summary>The longest answer that is read, in bytes: 4 KiB to 64 MiB, 1 MiB by default. A longer one is a violation of the protocol.</summary>
    public int MaxBodyBytes
    {
        get;
        init => field = value is >= 4 << 10 and <= 64 << 20 ? value : throw new ArgumentOutOfRangeException(nameof(value));
    } = 1 << 20;

    /// <summary>The longest head of an answer, in bytes: 1 KiB to 1 MiB, 32 KiB by default.</summary>
    public int MaxHeaderBytes
    {
        get;
        init => field = value is >= 1 << 10 and <= 1 << 20 ? value : throw new ArgumentOutOfRangeException(nameof(value));
    } = 32 << 10;

    /// <summary>How many times a reading request is repeated when the service says that it is busy and for how long: 0 to 100, 5 by default. Writes never are.</summary>
    public int MaxRetries
    {
        get;
        init => field = value is >= 0 and <= 100 ? value : throw new ArgumentOutOfRangeException(nameof(value));
    } = 5;

    /// <summary>The longest of these waits, 30 s by default: a service that asks for more is asked again after this.</summary>
    public TimeSpan MaxRetryDelay
    {
        get;
        init => field = value >= TimeSpan.Zero && value <= TimeSpan.FromHours(1) ? value : throw new ArgumentOutOfRangeException(nameof(value));
    } = TimeSpan.FromSeconds(30);

    /// <summary>How long the logout at the end of a session may take, 1 s by default, up to a minute. A service that does not answer keeps the session until it expires there.</summary>
    public TimeSpan LogoutTimeout
    {
        get;
        init => field = value > TimeSpan.Zero && value <= TimeSpan.FromMinutes(1) ? value : throw new ArgumentOutOfRangeException(nameof(value));
    } = TimeSpan.FromSeconds(1);

    /// <summary>
    /// How long a system may take to go down after it was asked to restart, 5 minutes by default, up to a day. Until then the request counts as one that can't be
    /// taken back; after that it counts as lost, and may be made again.
    /// </summary>
    public TimeSpan ShutdownTime
    {
        get;
        init => field = value > TimeSpan.Zero && value <= TimeSpan.FromDays(1) ? value : throw new ArgumentOutOfRangeException(nameof(value));
    } = TimeSpan.FromMinutes(5);
}
