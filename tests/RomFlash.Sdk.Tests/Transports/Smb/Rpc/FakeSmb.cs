using RomFlash.Sdk.Transports;
using RomFlash.Sdk.Transports.Smb;

namespace RomFlash.Sdk.Tests.Transports.Smb.Rpc;

/// <summary>A connection that has pipes alone, each with a server behind it.</summary>
internal sealed class FakeSmb : ISmbConnection
{
    private readonly Dictionary<string, Func<FakeRpcServer>> _services = [];

    public List<string> Asked { get; } = [];

    public List<FakePipe> Pipes { get; } = [];

    /// <summary>What every opening of a pipe ends with, or null.</summary>
    public TransportFault? Refusal { get; set; }

    /// <summary>Changes a pipe before it is used.</summary>
    public Action<FakePipe>? Prepare { get; set; }

    public SmbSecurity Security => new("3.1.1", "AES-128-GMAC", "AES-128-GCM", false);

    public FakeSmb Serve(string pipe, Func<FakeRpcServer> server)
    {
        _services[pipe] = server;
        return this;
    }

    public ValueTask<TransportResult<ISmbPipe>> OpenPipeAsync(string name, CancellationToken cancellationToken)
    {
        Asked.Add(name);
        if (Refusal is { } refusal)
        {
            return new(refusal);
        }

        if (!_services.TryGetValue(name, out var server))
        {
            return new(new TransportFault(TransportFaultKind.NotFound, FaultEffect.NotSent, "no such pipe") { PeerCode = new("ntstatus", 0xC0000034) });
        }

        var pipe = new FakePipe(server());
        Pipes.Add(pipe);
        Prepare?.Invoke(pipe);
        return new(TransportResult<ISmbPipe>.From(pipe));
    }

    public ValueTask<TransportResult<ISmbFile>> OpenFileAsync(string share, string path, SmbOpen how, CancellationToken cancellationToken) => throw new InvalidOperationException();

    public ValueTask<TransportResult<SmbEntry>> LookAsync(string share, string path, CancellationToken cancellationToken) => throw new InvalidOperationException();

    public ValueTask<TransportResult<SmbVolume>> QueryVolumeAsync(string share, CancellationToken cancellationToken) => throw new InvalidOperationException();

    public ValueTask DisposeAsync() => default;
}

/// <summary>A pipe in message mode.</summary>
internal sealed class FakePipe(FakeRpcServer server) : ISmbPipe
{
    private readonly Queue<byte[]> _messages = new();
    private int _operations;

    public FakeRpcServer Server { get; } = server;

    public int Disposed { get; private set; }

    public int Reads { get; private set; }

    /// <summary>How many bytes a read gives at most; by default as many as there are of a message.</summary>
    public Func<int>? ReadSize { get; set; }

    /// <summary>What lies between the server and the client: a message becomes several, others, or none.</summary>
    public Func<byte[], IEnumerable<byte[]>>? Wire { get; set; }

    /// <summary>What an operation ends with in place of being done, by its number; null when it is done. May throw.</summary>
    public Func<int, TransportFault?>? Fail { get; set; }

    /// <summary>What an operation ends with after the server has seen its message.</summary>
    public Func<int, TransportFault?>? FailAfter { get; set; }

    /// <summary>Makes what is read of nothing: a peer that goes on for ever.</summary>
    public Func<byte[]?>? Endless { get; set; }

    /// <summary>What reads say that they read, whatever they did.</summary>
    public int? LyingCount { get; set; }

    public ValueTask<TransportResult<Done>> WriteAsync(ReadOnlyMemory<byte> message, CancellationToken cancellationToken)
    {
        var number = ++_operations;
        if (Before(number, cancellationToken) is { } fault)
        {
            return new(fault);
        }

        Take(message);
        return FailAfter?.Invoke(number) is { } after ? new(after) : new(default(Done));
    }

    public ValueTask<TransportResult<int>> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        Reads++;
        return Before(++_operations, cancellationToken) is { } fault ? new(fault) : new(Read(buffer, FaultEffect.NotSent));
    }

    public ValueTask<TransportResult<int>> TransceiveAsync(ReadOnlyMemory<byte> message, Memory<byte> answer, CancellationToken cancellationToken)
    {
        var number = ++_operations;
        if (Before(number, cancellationToken) is { } fault)
        {
            return new(fault);
        }

        Take(message);
        return FailAfter?.Invoke(number) is { } after ? new(after) : new(Read(answer, FaultEffect.MayHaveApplied));
    }

    public ValueTask DisposeAsync()
    {
        if (Disposed++ == 0)
        {
            Server.RunDown();
        }

        return default;
    }

    private TransportFault? Before(int number, CancellationToken cancellationToken)
    {
        Assert.Equal(0, Disposed);
        return cancellationToken.IsCancellationRequested ? new TransportFault(TransportFaultKind.Cancelled, FaultEffect.NotSent) : Fail?.Invoke(number);
    }

    private void Take(ReadOnlyMemory<byte> message)
    {
        foreach (var answer in Server.Take(message.ToArray()))
        {
            foreach (var part in Wire is null ? [answer] : Wire(answer))
            {
                _messages.Enqueue(part);
            }
        }
    }

    private TransportResult<int> Read(Memory<byte> buffer, FaultEffect effect)
    {
        if (_messages.Count == 0 && Endless?.Invoke() is { } more)
        {
            _messages.Enqueue(more);
        }

        if (!_messages.TryDequeue(out var message))
        {
            return new TransportFault(TransportFaultKind.TimedOut, effect, "nothing to read");
        }

        var count = Math.Min(Math.Min(buffer.Length, message.Length), ReadSize?.Invoke() ?? int.MaxValue);
        message.AsMemory(0, count).CopyTo(buffer);
        if (count < message.Length)
        {
            // The rest is first again.
            byte[][] others = [message[count..], .. _messages];
            _messages.Clear();
            foreach (var other in others)
            {
                _messages.Enqueue(other);
            }
        }

        return LyingCount ?? count;
    }
}
