using System.Net;
using System.Net.Sockets;

namespace RomFlash.Sdk.Transports.Smb.Protocol.Flow;

/// <summary>Opens sockets. A name with several addresses is tried at all of them, each a little later than the one before, so that one that swallows everything does not hide one that answers (RFC 8305).</summary>
internal static class SmbDialer
{
    private const int MaxAddresses = 8;

    /// <summary>How much later (RFC 8305, 5: 250 ms).</summary>
    private static readonly TimeSpan s_head = TimeSpan.FromMilliseconds(250);

    private static TransportFault Cancelled => new(TransportFaultKind.Cancelled, FaultEffect.NotSent, "cancelled while connecting");

    public static async ValueTask<TransportResult<Socket>> ConnectAsync(string host, int port, TimeProvider time, CancellationToken cancellationToken)
    {
        IPAddress[] addresses;
        try
        {
            addresses = await Dns.GetHostAddressesAsync(host, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is SocketException or OperationCanceledException or ArgumentException)
        {
            return exception switch
            {
                OperationCanceledException => Cancelled,
                ArgumentException => new TransportFault(TransportFaultKind.NameNotResolved, FaultEffect.NotSent, "this can't be the name of a host"),
                _ => SmbFault.From(exception, FaultEffect.NotSent),
            };
        }

        return addresses.Length switch
        {
            0 => new TransportFault(TransportFaultKind.NameNotResolved, FaultEffect.NotSent, "the name has no address"),
            1 => await DialAsync(addresses[0], port, cancellationToken).ConfigureAwait(false),
            _ => await RaceAsync(addresses, port, time, cancellationToken).ConfigureAwait(false),
        };
    }

    private static async ValueTask<TransportResult<Socket>> RaceAsync(IPAddress[] addresses, int port, TimeProvider time, CancellationToken cancellationToken)
    {
        using var race = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var count = Math.Min(addresses.Length, MaxAddresses);
        var running = new List<Task>();
        TransportFault? first = null;
        for (var next = 0; next < count || running.Count > 0;)
        {
            if (next < count)
            {
                running.Add(DialAsync(addresses[next++], port, race.Token));
            }

            // The wait is over when an attempt is, or when the next one may begin.
            var head = next < count ? Task.Delay(s_head, time, race.Token) : null;
            var done = await Task.WhenAny(head is null ? running : [.. running, head]).ConfigureAwait(false);
            if (done is not Task<TransportResult<Socket>> attempt)
            {
                continue;
            }

            running.Remove(attempt);
            var result = await attempt.ConfigureAwait(false);
            if (result.TryGetValue(out _, out var fault))
            {
                await race.CancelAsync().ConfigureAwait(false);
                running.ForEach(static late => _ = DropAsync((Task<TransportResult<Socket>>)late));
                return result;
            }

            first ??= fault;
        }

        return cancellationToken.IsCancellationRequested ? Cancelled : first!;
    }

    private static async Task DropAsync(Task<TransportResult<Socket>> late)
    {
        if ((await late.ConfigureAwait(false)).TryGetValue(out var socket, out _))
        {
            socket.Dispose();
        }
    }

    private static async Task<TransportResult<Socket>> DialAsync(IPAddress address, int port, CancellationToken cancellationToken)
    {
        Socket? socket = null;
        try
        {
            // Requests are written as a whole: there is nothing to wait for. The buffers' sizes are the system's, which adapts them.
            socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            await socket.ConnectAsync(new IPEndPoint(address, port), cancellationToken).ConfigureAwait(false);
            return socket;
        }
        catch (Exception exception) when (exception is SocketException or OperationCanceledException)
        {
            socket?.Dispose();
            return exception is OperationCanceledException ? Cancelled : SmbFault.From(exception, FaultEffect.NotSent);
        }
    }
}
