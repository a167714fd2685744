namespace RomFlash.Sdk.Testing.Redfish;

/// <summary>A request that reached a face.</summary>
/// <param name="Number">Which, counted from 1 since the face started.</param>
/// <param name="Method">The method.</param>
/// <param name="Path">The path.</param>
public readonly record struct RedfishRequest(int Number, string Method, string Path);

/// <summary>What becomes of a request instead of the right answer; see <see cref="RedfishFace.Interfere"/>.</summary>
/// <remarks>Immutable.</remarks>
public sealed record RedfishFault
{
    private RedfishFault()
    {
    }

    /// <summary>The connection is closed before the request is read. Nothing happens on the target.</summary>
    public static RedfishFault Close { get; } = new() { Way = FaultWay.Close };

    /// <summary>The request takes effect, and the connection is closed before the answer.</summary>
    public static RedfishFault LoseAnswer { get; } = new() { Way = FaultWay.LoseAnswer };

    /// <summary>No answer comes, and nothing happens on the target, until the client gives up.</summary>
    public static RedfishFault Hang { get; } = new() { Way = FaultWay.Hang };

    /// <summary>The answer is a JSON document that never ends.</summary>
    public static RedfishFault EndlessBody { get; } = new() { Way = FaultWay.Endless };

    /// <summary>The request takes effect, and half of the answer's body comes before the connection is closed.</summary>
    public static RedfishFault HalfAnswer { get; } = new() { Way = FaultWay.HalfAnswer };

    internal FaultWay Way { get; private init; }

    internal int Status { get; private init; }

    internal string Body { get; private init; } = string.Empty;

    internal string ContentType { get; private init; } = string.Empty;

    internal string Location { get; private init; } = string.Empty;

    internal TimeSpan? RetryAfter { get; private init; }

    internal long Bytes { get; private init; }

    internal TimeSpan Pause { get; private init; }

    /// <summary>The request is answered with a status and Redfish's error object, and takes no effect.</summary>
    /// <param name="status">The HTTP status.</param>
    /// <param name="retryAfter">What <c>Retry-After</c> tells, or null for none.</param>
    /// <returns>The fault.</returns>
    public static RedfishFault Refuse(int status, TimeSpan? retryAfter = null) => new() { Way = FaultWay.Refuse, Status = status, RetryAfter = retryAfter };

    /// <summary>The request is answered with anything, and takes no effect.</summary>
    /// <param name="status">The HTTP status.</param>
    /// <param name="body">The body.</param>
    /// <param name="contentType">The content type.</param>
    /// <returns>The fault.</returns>
    public static RedfishFault Answer(int status, string body, string contentType)
    {
        ArgumentNullException.ThrowIfNull(body);
        ArgumentNullException.ThrowIfNull(contentType);
        return new() { Way = FaultWay.Answer, Status = status, Body = body, ContentType = contentType };
    }

    /// <summary>The client is sent elsewhere.</summary>
    /// <param name="location">Where.</param>
    /// <param name="status">301, 302, 307 or 308.</param>
    /// <returns>The fault.</returns>
    public static RedfishFault Redirect(Uri location, int status = 307)
    {
        ArgumentNullException.ThrowIfNull(location);
        return new() { Way = FaultWay.Redirect, Status = status, Location = location.OriginalString };
    }

    /// <summary>The request takes effect and is answered rightly, with another content type.</summary>
    /// <param name="contentType">The content type.</param>
    /// <returns>The fault.</returns>
    public static RedfishFault As(string contentType)
    {
        ArgumentNullException.ThrowIfNull(contentType);
        return new() { Way = FaultWay.ContentType, ContentType = contentType };
    }

    /// <summary>The connection is closed when some of the request's body has been read.</summary>
    /// <param name="bytes">How many bytes are read.</param>
    /// <returns>The fault.</returns>
    public static RedfishFault CloseAfter(long bytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(bytes);
        return new() { Way = FaultWay.CloseAfter, Bytes = bytes };
    }

    /// <summary>The request is looked at after a pause, told by the target's clock.</summary>
    /// <param name="pause">How long.</param>
    /// <returns>The fault.</returns>
    public static RedfishFault Slow(TimeSpan pause) => new() { Way = FaultWay.Slow, Pause = pause };

    internal enum FaultWay
    {
        Close,
        LoseAnswer,
        HalfAnswer,
        Hang,
        Endless,
        Refuse,
        Answer,
        Redirect,
        ContentType,
        CloseAfter,
        Slow,
    }
}
