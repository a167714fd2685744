using System.Collections.Immutable;
using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Text;

namespace RomFlash.Sdk.Transports.Redfish.Http;

/// <summary>One part of an upload before the file.</summary>
/// <param name="Name">The field's name.</param>
/// <param name="ContentType">Its media type, or null for plain text.</param>
/// <param name="Value">Its bytes.</param>
internal sealed record RedfishPushField(string Name, string? ContentType, ReadOnlyMemory<byte> Value);

/// <summary>What to upload, and where to.</summary>
internal sealed record RedfishPushRequest
{
    public required string Path { get; init; }

    /// <summary>The length of the file in bytes, at least 1.</summary>
    public required long Length { get; init; }

    /// <summary>The field that holds the file; null for a body that is the file alone.</summary>
    public string? FileField { get; init; }

    public string FileName { get; init; } = "firmware.bin";

    /// <summary>The fields before the file, in order.</summary>
    public ImmutableArray<RedfishPushField> Fields { get; init; } = [];

    public string? Comment { get; init; }

    public string? Cookie { get; init; }

    public string? IfMatch { get; init; }
}

/// <summary>
/// An upload under way: what is written goes to the socket at once, and nothing is kept. Its length is known beforehand, and its last bytes are withheld until
/// <see cref="CompleteAsync"/>: before that the request is incomplete, and no service acts on it.
/// </summary>
/// <remarks>One operation at a time. Disposing of it before it is complete cuts the connection.</remarks>
internal sealed class RedfishPush : IAsyncDisposable
{
    private const int FillLength = 1 << 20;

    private readonly RedfishConnection _connection;
    private readonly HttpClient _client;
    private readonly long _length;
    private readonly byte[] _head;
    private readonly byte[] _tail;
    private readonly byte[] _withheld = new byte[1];
    private readonly PushContent _content;
    private readonly CancellationTokenSource _cut;
    private Task<HttpResponseMessage>? _sending;
    private volatile EarlyAnswer? _answer;
    private Stream? _stream;
    private TransportFault? _fault;
    private long _written;
    private long _given;
    private bool _isCompleting;

    /// <summary>Prepares an upload.</summary>
    /// <param name="connection">Whose it is.</param>
    /// <param name="createClient">Makes a client of its own for it, whose one connection goes through what it is given.</param>
    /// <param name="request">What is uploaded.</param>
    /// <param name="closing">Cancelled when the connection is disposed of.</param>
    public RedfishPush(RedfishConnection connection, Func<Func<Stream, Stream>, HttpClient> createClient, RedfishPushRequest request, CancellationToken closing)
    {
        _connection = connection;
        _client = createClient(stream => _answer = new EarlyAnswer(stream));
        _cut = CancellationTokenSource.CreateLinkedTokenSource(closing);
        _length = request.Length;
        (_head, _tail, var type) = Frame(request);
        _content = new PushContent(_head.Length + request.Length + _tail.Length);
        _content.Headers.ContentType = type;
    }

    public HttpContent Content => _content;

    /// <summary>Sends the head of the request and what comes before the file.</summary>
    /// <returns>Null when the service waits for the file; otherwise why it does not.</returns>
    public async ValueTask<TransportFault?> BeginAsync(HttpRequestMessage message, CancellationToken cancellationToken)
    {
        _sending = SendAsync(message);
        try
        {
            if (await Task.WhenAny(_content.Started, _sending).WaitAsync(cancellationToken).ConfigureAwait(false) == _sending)
            {
                return await EarlyAsync(cancellationToken).ConfigureAwait(false);
            }

            _stream = await _content.Started.ConfigureAwait(false);
            await GiveAsync(_head, cancellationToken).ConfigureAwait(false);
            return null;
        }
        catch (Exception exception) when (IsExpected(exception))
        {
            return await BreakAsync(exception, FaultEffect.NotSent, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Sends bytes of the file, in order.</summary>
    public async ValueTask<TransportResult<Done>> WriteAsync(ReadOnlyMemory<byte> data, CancellationToken cancellationToken)
    {
        if (cancellationToken.IsCancellationRequested)
        {
            return new TransportFault(TransportFaultKind.Cancelled, FaultEffect.NotSent, "cancelled");
        }

        if (_fault is not null)
        {
            return _fault;
        }

        if (_isCompleting || _written + data.Length > _length)
        {
            return new TransportFault(TransportFaultKind.ProtocolViolation, FaultEffect.NotSent, "this upload takes no more bytes");
        }

        try
        {
            if (!IsOver)
            {
                var isLast = _written + data.Length == _length && data.Length > 0;
                await GiveAsync(isLast ? data[..^1] : data, cancellationToken).ConfigureAwait(false);
                if (isLast)
                {
                    _withheld[0] = data.Span[^1];
                }

                _written += data.Length;
            }
        }
        catch (Exception exception) when (IsExpected(exception))
        {
            return await BreakAsync(exception, FaultEffect.NotSent, cancellationToken).ConfigureAwait(false);
        }

        return IsOver ? await EarlyAsync(cancellationToken).ConfigureAwait(false) : default(Done);
    }

    /// <summary>Sends what was withheld, and gives the service's answer. From here on the upload may have taken effect.</summary>
    public async ValueTask<TransportResult<RedfishReply>> CompleteAsync(CancellationToken cancellationToken)
    {
        if (cancellationToken.IsCancellationRequested)
        {
            return new TransportFault(TransportFaultKind.Cancelled, FaultEffect.NotSent, "cancelled");
        }

        if (_fault is not null)
        {
            return _fault;
        }

        if (_isCompleting || _written != _length)
        {
            return new TransportFault(TransportFaultKind.ProtocolViolation, FaultEffect.NotSent, "this upload is not whole");
        }

        if (IsOver)
        {
            return await EarlyAsync(cancellationToken).ConfigureAwait(false);
        }

        _isCompleting = true;
        try
        {
            byte[] end = [_withheld[0], .. _tail];
            await GiveAsync(end, cancellationToken).ConfigureAwait(false);
            _content.End();
            using var response = await _sending!.WaitAsync(cancellationToken).ConfigureAwait(false);
            var result = await _connection.ReadReplyAsync(response, isWrite: true, cancellationToken).ConfigureAwait(false);
            return !result.TryGetValue(out var reply, out _fault) ? _fault
                : _answer is { HasDropped: true } ? _fault = TooEarly(reply)
                : reply;
        }
        catch (Exception exception) when (IsExpected(exception))
        {
            return await BreakAsync(exception, FaultEffect.MayHaveApplied, cancellationToken).ConfigureAwait(false);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _cut.CancelAsync().ConfigureAwait(false);
        _content.Break();
        if (_sending is { } sending)
        {
            try
            {
                (await sending.ConfigureAwait(false)).Dispose();
            }
#pragma warning disable CA1031 // It was cut: how it ended is told already, or nobody's business.
            catch (Exception)
#pragma warning restore CA1031
            {
                // Nothing to tell.
            }
        }

        _client.Dispose();
        _cut.Dispose();
        _content.Dispose();
    }

    private static (byte[] Head, byte[] Tail, MediaTypeHeaderValue Type) Frame(RedfishPushRequest request)
    {
        if (request.FileField is not { } fileField)
        {
            return ([], [], new("application/octet-stream"));
        }

        // RFC 7578. The boundary is random, so that nothing in an image can be taken for it.
        var boundary = "romflash-" + Guid.NewGuid().ToString("N", CultureInfo.InvariantCulture);
        using var head = new MemoryStream();
        foreach (var field in request.Fields)
        {
            Text($"--{boundary}\r\nContent-Disposition: form-data; name=\"{field.Name}\"\r\n");
            Text(field.ContentType is null ? "\r\n" : $"Content-Type: {field.ContentType}\r\n\r\n");
            head.Write(field.Value.Span);
            Text("\r\n");
        }

        Text($"--{boundary}\r\nContent-Disposition: form-data; name=\"{fileField}\"; filename=\"{request.FileName}\"\r\nContent-Type: application/octet-stream\r\n\r\n");
        var type = new MediaTypeHeaderValue("multipart/form-data");
        type.Parameters.Add(new("boundary", boundary));
        return (head.ToArray(), Encoding.ASCII.GetBytes($"\r\n--{boundary}--\r\n"), type);

        void Text(string text) => head.Write(Encoding.UTF8.GetBytes(text));
    }

    private async Task<HttpResponseMessage> SendAsync(HttpRequestMessage message)
    {
        using (message)
        {
            return await _client.SendAsync(message, HttpCompletionOption.ResponseHeadersRead, _cut.Token).ConfigureAwait(false);
        }
    }

    private static bool IsExpected(Exception exception) =>
        exception is HttpRequestException or IOException or OperationCanceledException or ObjectDisposedException or InvalidOperationException or RedfishFaultException;

    private static TransportFault TooEarly(RedfishReply reply) =>
        new(TransportFaultKind.ProtocolViolation, FaultEffect.MayHaveApplied, string.Create(CultureInfo.InvariantCulture, $"the service answered {reply.Status} before it had the file"));

    // Whether the service has answered already, or the connection is broken.
    private bool IsOver => _answer is { IsOver: true } || _sending is { IsCompleted: true };

    // The framework's stream minds no token but the whole request's.
    private async ValueTask GiveAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        using var registration = cancellationToken.UnsafeRegister(static answer => ((EarlyAnswer)answer!).StopWriting(), _answer);
        _given += bytes.Length;
        await _stream!.WriteAsync(bytes, CancellationToken.None).ConfigureAwait(false);
        cancellationToken.ThrowIfCancellationRequested();
    }

    // The service answered, or the connection broke, before the file was whole. What it says is there when the framework has got rid of the rest, which goes nowhere.
    private async ValueTask<TransportFault> EarlyAsync(CancellationToken cancellationToken)
    {
        try
        {
            if (!_sending!.IsCompleted)
            {
                var rest = new byte[(int)Math.Min(FillLength, _content.Length - _given)];
                while (_given < _content.Length && !_sending.IsCompleted)
                {
                    cancellationToken.ThrowIfCancellationRequested();
                    await GiveAsync(rest.AsMemory(0, (int)Math.Min(rest.Length, _content.Length - _given)), cancellationToken).ConfigureAwait(false);
                }

                _content.End();
            }
        }
        catch (Exception exception) when (IsExpected(exception) && _sending!.IsCompleted)
        {
            // How the request ended says more.
        }
        catch (Exception exception) when (IsExpected(exception))
        {
            return await BreakAsync(exception, FaultEffect.NotSent, cancellationToken).ConfigureAwait(false);
        }

        try
        {
            using var response = await _sending!.WaitAsync(cancellationToken).ConfigureAwait(false);
            var result = await _connection.ReadReplyAsync(response, isWrite: true, cancellationToken).ConfigureAwait(false);
            return _fault = result.TryGetValue(out var reply, out var fault) ? TooEarly(reply) : fault;
        }
        catch (Exception exception) when (IsExpected(exception))
        {
            return await BreakAsync(exception, FaultEffect.NotSent, cancellationToken).ConfigureAwait(false);
        }
    }

    private async ValueTask<TransportFault> BreakAsync(Exception exception, FaultEffect effect, CancellationToken cancellationToken)
    {
        _fault = _connection.FaultOf(exception, effect, cancellationToken);
        _content.Break();
        await _cut.CancelAsync().ConfigureAwait(false);
        return _fault;
    }

    /// <summary>Hands the stream to the socket over to whoever writes, and waits for the end of it.</summary>
    private sealed class PushContent(long length) : HttpContent
    {
        private readonly TaskCompletionSource<Stream> _started = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public long Length => length;

        public Task<Stream> Started => _started.Task;

        public void End() => _ended.TrySetResult();

        public void Break() => _ended.TrySetException(new IOException("the upload was cut"));

        protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) => SerializeToStreamAsync(stream, context, CancellationToken.None);

        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken)
        {
            _started.TrySetResult(stream);
            await _ended.Task.WaitAsync(cancellationToken).ConfigureAwait(false);
        }

        protected override bool TryComputeLength(out long computed)
        {
            computed = length;
            return true;
        }
    }
}
