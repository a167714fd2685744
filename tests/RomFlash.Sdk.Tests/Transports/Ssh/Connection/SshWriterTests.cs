using System.Diagnostics;
using System.IO.Pipes;
using RomFlash.Sdk.Transports.Ssh.Connection;

namespace RomFlash.Sdk.Tests.Transports.Ssh.Connection;

public sealed class SshWriterTests
{
    private static readonly TimeSpan Short = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan Long = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task WriteAsync_ManyTimes_ArrivesInOrder()
    {
        await using var pipe = new Pipe();
        var bytes = new byte[3_000_001];
        new Random(7).NextBytes(bytes);
        var arrived = new byte[bytes.Length];
        var reading = pipe.Reader.ReadExactlyAsync(arrived).AsTask();
        int[] ends = [0, 1, 70_000, 70_000, 1_200_000, bytes.Length];
        foreach (var (from, to) in ends.Zip(ends.Skip(1)))
        {
            await pipe.Writer.WriteAsync(bytes.AsMemory(from, to - from), Long, CancellationToken.None);
        }

        await reading;
        Assert.Equal(bytes, arrived);
    }

    [Fact]
    public async Task WriteAsync_NobodyReads_IsOverInTimeAndTakesNoThreadOfThePool()
    {
        var pipes = Enumerable.Range(0, 64).Select(_ => new Pipe()).ToArray();
        var watch = Stopwatch.StartNew();
        var writing = pipes.Select(p => p.Writer.WriteAsync(new byte[1 << 20], TimeSpan.FromSeconds(3), CancellationToken.None).AsTask()).ToArray();
        await Task.Delay(200);
        var asked = Stopwatch.StartNew();
        await Task.WhenAll(Enumerable.Range(0, 16).Select(_ => Task.Run(() => Thread.Sleep(1))));
        Assert.InRange(asked.Elapsed, TimeSpan.Zero, TimeSpan.FromSeconds(1));
        foreach (var write in writing)
        {
            await Assert.ThrowsAsync<TimeoutException>(() => write);
        }

        Assert.InRange(watch.Elapsed, TimeSpan.FromSeconds(2.9), TimeSpan.FromSeconds(6));
        foreach (var pipe in pipes)
        {
            await pipe.DisposeAsync();
        }
    }

    // What has left may still fill the pipe.
    [Fact]
    public async Task WriteAsync_FewBytesIntoAFullPipe_AreGivenUpInTime()
    {
        await using var pipe = new Pipe();
        await Assert.ThrowsAsync<TimeoutException>(() => pipe.Writer.WriteAsync(new byte[1 << 20], Short, CancellationToken.None).AsTask());
        await using var second = new Pipe();
        await second.Writer.WriteAsync(new byte[64 * 1024], Long, CancellationToken.None);
        var watch = Stopwatch.StartNew();
        var begun = Task.Run(() => second.Writer.WriteAsync(new byte[28], Short, CancellationToken.None).AsTask());
        await Assert.ThrowsAsync<TimeoutException>(() => begun.WaitAsync(TimeSpan.FromSeconds(20)));
        Assert.InRange(watch.Elapsed, TimeSpan.Zero, TimeSpan.FromSeconds(10));
    }

    [Fact]
    public async Task WriteAsync_SlowReader_IsWaitedForWhileBytesLeave()
    {
        await using var pipe = new Pipe();
        var watch = Stopwatch.StartNew();
        var writing = pipe.Writer.WriteAsync(new byte[512 * 1024], Short, CancellationToken.None).AsTask();
        var buffer = new byte[64 * 1024];
        for (var i = 0; i < 8; i++)
        {
            await Task.Delay(Short / 4);
            await pipe.Reader.ReadExactlyAsync(buffer);
        }

        await writing;
        Assert.True(watch.Elapsed > Short, "it took no longer than bytes may stand still");
    }

    [Fact]
    public async Task WriteAsync_Cancelled_ReturnsAtOnce()
    {
        await using var pipe = new Pipe();
        using var stop = new CancellationTokenSource(100);
        var watch = Stopwatch.StartNew();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => pipe.Writer.WriteAsync(new byte[1 << 20], Long, stop.Token).AsTask());
        Assert.InRange(watch.Elapsed, TimeSpan.Zero, TimeSpan.FromSeconds(5));
    }

    [Fact]
    public async Task WriteAsync_ReaderIsGone_ThrowsAndTheThreadEnds()
    {
        await using var pipe = new Pipe();
        var writing = pipe.Writer.WriteAsync(new byte[1 << 20], Long, CancellationToken.None).AsTask();
        await pipe.Reader.DisposeAsync();
        await Assert.ThrowsAsync<IOException>(() => writing);
        await Assert.ThrowsAsync<IOException>(() => pipe.Writer.WriteAsync(new byte[1], Long, CancellationToken.None).AsTask());
        pipe.Writer.Close();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => pipe.Writer.WriteAsync(new byte[1 << 20], Long, CancellationToken.None).AsTask());
    }

    private sealed class Pipe : IAsyncDisposable
    {
        private readonly AnonymousPipeServerStream _in = new(PipeDirection.In);
        private readonly AnonymousPipeClientStream _out;

        public Pipe()
        {
            _out = new(PipeDirection.Out, _in.ClientSafePipeHandle);
            Writer = new(_out, TimeProvider.System);
        }

        public SshWriter Writer { get; }

        public Stream Reader => _in;

        public async ValueTask DisposeAsync()
        {
            Writer.Close();
            await _in.DisposeAsync();
            await _out.DisposeAsync();
        }
    }
}
