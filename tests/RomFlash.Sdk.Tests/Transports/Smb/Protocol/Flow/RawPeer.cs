using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using RomFlash.Sdk.Transports.Smb;
using RomFlash.Sdk.Transports.Smb.Protocol.Flow;
using RomFlash.Sdk.Transports.Smb.Protocol.Security;
using RomFlash.Sdk.Transports.Smb.Protocol.Wire;

namespace RomFlash.Sdk.Tests.Transports.Smb.Protocol.Flow;

/// <summary>A channel, and the other end of its socket in the hands of a test: what arrives is read message by message, and what is answered is any bytes at all.</summary>
internal sealed class RawPeer : IAsyncDisposable
{
    private const ulong SessionId = 0x5E55;

    private readonly Socket _socket;
    private SmbSigner? _signer;
    private SmbSealer? _sealer;

    private RawPeer(SmbChannel channel, Socket socket) => (Channel, _socket) = (channel, socket);

    public SmbChannel Channel { get; }

    public static async Task<RawPeer> ConnectAsync(TimeProvider? time = null, SmbConnectorOptions? options = null, bool smallBuffers = false)
    {
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        if (smallBuffers)
        {
            listener.ReceiveBufferSize = 4096;
        }

        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen(1);
        var client = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await client.ConnectAsync(listener.LocalEndPoint!);
        var peer = new RawPeer(new SmbChannel(client, options ?? new(), time ?? TimeProvider.System), await listener.AcceptAsync());
        peer.Channel.Start();
        return peer;
    }

    /// <summary>Gives both ends the keys of a session.</summary>
    public void Protect(bool seals)
    {
        Span<byte> key = stackalloc byte[16];
        var (dialect, cipher, hash) = (SmbDialect.Smb311, SmbCipher.Aes128Gcm, new byte[64]);
        using var server = SmbSessionKeys.Derive(dialect, cipher, key, hash, SmbRole.Server);
        using var client = SmbSessionKeys.Derive(dialect, cipher, key, hash);
        _signer = server.CreateSigner(SmbSigningAlgorithm.AesGmac);
        _sealer = server.CreateSealer(SessionId);
        Channel.Protect(new(client, SmbSigningAlgorithm.AesGmac, SessionId, canSeal: true, sealsAll: seals));
    }

    /// <summary>Has the channel granted some credits, by an exchange.</summary>
    public async Task GrantAsync(int credits = 64)
    {
        var reply = EchoAsync();
        await SendAsync(Answer(await ReadAsync(), credits: credits));
        (await reply).Dispose();
    }

    public Task<SmbReply> EchoAsync(CancellationToken cancellationToken = default) => SendAsync(SmbCommand.Echo, 4, default, cancellationToken);

    /// <summary>Has the channel send a request whose body is zero.</summary>
    public async Task<SmbReply> SendAsync(SmbCommand command, int bodyBytes, ExchangeTraits traits, CancellationToken cancellationToken = default)
    {
        var frame = Channel.Rent(bodyBytes);
        frame.Add(command, 7, bodyBytes);
        return await Channel.ExchangeAsync(frame, traits, null, cancellationToken);
    }

    /// <summary>Reads a request, opened when it is sealed.</summary>
    public async Task<byte[]> ReadAsync()
    {
        var length = BinaryPrimitives.ReadInt32BigEndian(await ReadExactlyAsync(4));
        var message = await ReadExactlyAsync(length);
        if (SmbHeader.ProtocolIdOf(message) == SmbHeader.TransformProtocolId)
        {
            Assert.True(_sealer!.TryOpen(message));
            return message[SmbSealer.HeaderBytes..];
        }

        if (_signer is not null)
        {
            Assert.True(_signer.Verify(message));
        }

        return message;
    }

    /// <summary>Makes the answer to a request: as many credits as it took, and a body of four bytes that most of these tests don't look at.</summary>
    public static byte[] Answer(byte[] request, uint status = 0, int? credits = null, SmbHeaderFlags flags = SmbHeaderFlags.Response, int bodyBytes = 4)
    {
        var answer = new byte[SmbHeader.Bytes + bodyBytes];
        request.AsSpan(0, SmbHeader.Bytes).CopyTo(answer);
        answer.AsSpan(48, 16).Clear();
        BinaryPrimitives.WriteUInt32LittleEndian(answer.AsSpan(8), status);
        BinaryPrimitives.WriteUInt16LittleEndian(answer.AsSpan(14), (ushort)(credits ?? 1));
        BinaryPrimitives.WriteUInt32LittleEndian(answer.AsSpan(16), (uint)flags);
        BinaryPrimitives.WriteUInt32LittleEndian(answer.AsSpan(20), 0);
        return answer;
    }

    /// <summary>An interim answer.</summary>
    public static byte[] Interim(byte[] request, ulong asyncId)
    {
        var answer = Answer(request, 0x00000103, flags: SmbHeaderFlags.Response | SmbHeaderFlags.Async);
        BinaryPrimitives.WriteUInt64LittleEndian(answer.AsSpan(32), asyncId);
        return answer;
    }

    public byte[] Sign(byte[] message)
    {
        message[16] |= (byte)SmbHeaderFlags.Signed;
        _signer!.Sign(message);
        return message;
    }

    public byte[] Seal(byte[] message)
    {
        byte[] framed = [.. new byte[SmbSealer.HeaderBytes], .. message];
        _sealer!.Seal(framed);
        return framed;
    }

    public async Task SendAsync(byte[] message)
    {
        var length = new byte[4];
        BinaryPrimitives.WriteInt32BigEndian(length, message.Length);
        await SendRawAsync([.. length, .. message]);
    }

    public async Task SendRawAsync(byte[] bytes) => await _socket.SendAsync(bytes);

    public void Close() => _socket.Close();

    public async ValueTask DisposeAsync()
    {
        _socket.Dispose();
        await Channel.DisposeAsync();
        _signer?.Dispose();
        _sealer?.Dispose();
    }

    private async Task<byte[]> ReadExactlyAsync(int length)
    {
        var bytes = new byte[length];
        for (var have = 0; have < length;)
        {
            var count = await _socket.ReceiveAsync(bytes.AsMemory(have));
            Assert.True(count > 0, "the channel closed the connection");
            have += count;
        }

        return bytes;
    }
}
