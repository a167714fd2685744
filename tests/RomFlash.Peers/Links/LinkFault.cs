namespace RomFlash.Peers.Links;

/// <summary>Which way bytes go.</summary>
public enum LinkDirection
{
    /// <summary>What the client sends.</summary>
    ToServer = 0,

    /// <summary>What the server sends.</summary>
    ToClient,
}

/// <summary>What happens to a link.</summary>
public enum LinkAction
{
    /// <summary>All connections end, as when a program closes them: what was forwarded arrives, then comes the end.</summary>
    Cut = 0,

    /// <summary>All connections are reset.</summary>
    Reset,

    /// <summary>Nothing is read or forwarded any more in either direction; the connections stay. Who sends much blocks when the buffers between are full.</summary>
    Freeze,

    /// <summary>Nothing that the server sends is forwarded any more; the client's requests still arrive.</summary>
    FreezeAnswers,

    /// <summary>Nothing that the client sends is forwarded any more.</summary>
    FreezeRequests,

    /// <summary>Nothing: the link goes on, and who waits for the fault knows.</summary>
    None,
}

/// <summary>One fault, and when it comes. Messages and bytes are counted from 1 over all connections of the proxy, from its start.</summary>
/// <param name="Direction">Which way the counted bytes go.</param>
/// <param name="Point">What is counted.</param>
/// <param name="Number">Which one.</param>
/// <param name="Action">What happens.</param>
public sealed record LinkFault(LinkDirection Direction, LinkPoint Point, long Number, LinkAction Action)
{
    /// <summary>The server never sees the client's message, nor anything after it.</summary>
    /// <param name="number">Which message.</param>
    /// <param name="action">What happens.</param>
    /// <returns>The fault.</returns>
    public static LinkFault BeforeRequest(long number, LinkAction action = LinkAction.Cut) => new(LinkDirection.ToServer, LinkPoint.BeforeMessage, number, action);

    /// <summary>The server has the client's message whole; whether an answer still comes through is a race.</summary>
    /// <param name="number">Which message.</param>
    /// <param name="action">What happens.</param>
    /// <returns>The fault.</returns>
    public static LinkFault AfterRequest(long number, LinkAction action = LinkAction.Cut) => new(LinkDirection.ToServer, LinkPoint.AfterMessage, number, action);

    /// <summary>The server has done what it was asked for, and the client never hears of it: the n-th answer is swallowed when it comes. An interim answer is one, too.</summary>
    /// <param name="number">Which message.</param>
    /// <param name="action">What happens.</param>
    /// <returns>The fault.</returns>
    public static LinkFault InsteadOfAnswer(long number, LinkAction action = LinkAction.Cut) => new(LinkDirection.ToClient, LinkPoint.BeforeMessage, number, action);

    /// <summary>Exactly so many bytes came through.</summary>
    /// <param name="direction">Which way.</param>
    /// <param name="number">How many.</param>
    /// <param name="action">What happens.</param>
    /// <returns>The fault.</returns>
    public static LinkFault AfterBytes(LinkDirection direction, long number, LinkAction action = LinkAction.Cut) => new(direction, LinkPoint.AfterByte, number, action);
}

/// <summary>What a fault waits for.</summary>
public enum LinkPoint
{
    /// <summary>The first byte of a message, which is not forwarded.</summary>
    BeforeMessage = 0,

    /// <summary>The last byte of a message, which is.</summary>
    AfterMessage,

    /// <summary>A byte, which is forwarded.</summary>
    AfterByte,
}
