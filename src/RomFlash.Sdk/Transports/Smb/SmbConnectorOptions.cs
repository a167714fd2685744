namespace RomFlash.Sdk.Transports.Smb;

/// <summary>What a connection is protected by. There is no value below signing.</summary>
public enum SmbProtection
{
    /// <summary>Encrypted on 3.x, and refused on 3.x when the peer can't; signed on 2.1, which has no encryption.</summary>
    Encrypted = 0,

    /// <summary>Signed only, unless the peer demands encryption.</summary>
    Signed,
}

/// <summary>How peers are spoken to by the SDK's own SMB client. Immutable; one instance serves many connections.</summary>
public sealed record SmbConnectorOptions
{
    /// <summary>The least protection that is accepted; encryption by default.</summary>
    public SmbProtection Protection { get; init; }

    /// <summary>How long connecting, negotiating and logging on may take together: 10 s by default, 1 ms to 10 minutes.</summary>
    public TimeSpan ConnectTimeout
    {
        get;
        init => field = IsTime(value) ? value : throw new ArgumentOutOfRangeException(nameof(value));
    } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// How long a request may stay without any answer: 30 s by default, 1 ms to 10 minutes. An interim answer begins the time anew, up to <see cref="MaxPendingTime"/>. What
    /// is larger than one request has this time for each of them.
    /// </summary>
    public TimeSpan OperationTimeout
    {
        get;
        init => field = IsTime(value) ? value : throw new ArgumentOutOfRangeException(nameof(value));
    } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// How long a peer may keep a request pending by interim answers, and how long it may owe the answer to one that was given up before the connection is taken for lost: 5 minutes by
    /// default, 1 ms to 10 minutes.
    /// </summary>
    public TimeSpan MaxPendingTime
    {
        get;
        init => field = IsTime(value) ? value : throw new ArgumentOutOfRangeException(nameof(value));
    } = TimeSpan.FromMinutes(5);

    /// <summary>After how long without traffic the peer is asked whether it is still there (SMB2 ECHO): 30 s by default, 1 ms to 10 minutes. One that does not answer within <see cref="OperationTimeout"/> is lost.</summary>
    public TimeSpan KeepAliveInterval
    {
        get;
        init => field = IsTime(value) ? value : throw new ArgumentOutOfRangeException(nameof(value));
    } = TimeSpan.FromSeconds(30);

    private static bool IsTime(TimeSpan value) => value >= TimeSpan.FromMilliseconds(1) && value <= TimeSpan.FromMinutes(10);
}
