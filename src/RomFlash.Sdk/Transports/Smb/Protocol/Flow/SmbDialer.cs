using System.Net.Sockets;

namespace RomFlash.Sdk.Transports.Smb.Protocol.Flow;

/// <summary>Opens sockets.</summary>
internal static class SmbDialer
{
    public static async ValueTask<TransportResult<Socket>> ConnectAsync(string host, int port, CancellationToken cancellationToken)
    {
        // Requests are written as a whole: there is nothing to wait for. The buffers' sizes are the system's, which adapts them.
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(host, port, cancellationToken).ConfigureAwait(false);
            return socket;
        }
        catch (Exception exception) when (exception is SocketException or OperationCanceledException or ArgumentException)
        {
            socket.Dispose();
            return exception switch
            {
                OperationCanceledException => new TransportFault(TransportFaultKind.Cancelled, FaultEffect.NotSent, "cancelled while connecting"),
                ArgumentException => new TransportFault(TransportFaultKind.NameNotResolved, FaultEffect.NotSent, "this can't be the name of a host"),
                _ => SmbFault.From(exception, FaultEffect.NotSent),
            };
        }
    }
}
