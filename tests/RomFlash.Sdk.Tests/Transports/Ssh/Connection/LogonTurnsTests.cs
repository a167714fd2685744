using RomFlash.Sdk.Testing;
using RomFlash.Sdk.Transports.Ssh.Connection;

namespace RomFlash.Sdk.Tests.Transports.Ssh.Connection;

public sealed class LogonTurnsTests
{
    private readonly SimulatedClock _time = new();

    [Fact]
    public async Task TakeAsync_AllPlacesTaken_WaitsForOne()
    {
        var turns = new LogonTurns(2);
        using var first = await turns.TakeAsync(_time, CancellationToken.None);
        using var second = await turns.TakeAsync(_time, CancellationToken.None);
        var third = turns.TakeAsync(_time, CancellationToken.None).AsTask();
        Assert.False(third.IsCompleted);
        first.Dispose();
        first.Dispose();
        using var taken = await third.WaitAsync(TimeSpan.FromSeconds(10));
        Assert.False(turns.TakeAsync(_time, CancellationToken.None).IsCompleted);
    }

    [Fact]
    public async Task TakeAsync_HolderHangs_IsGivenUpAfterSomeTimesTheUsual()
    {
        var turns = new LogonTurns(1);
        using (var quick = await turns.TakeAsync(_time, CancellationToken.None))
        {
            _time.Advance(TimeSpan.FromMilliseconds(900));
            quick.Succeeded();
        }

        using var hung = await turns.TakeAsync(_time, CancellationToken.None);
        var next = turns.TakeAsync(_time, CancellationToken.None).AsTask();
        _time.Advance(TimeSpan.FromMilliseconds(1100));
        Assert.False(next.IsCompleted);
        _time.Advance(TimeSpan.FromMilliseconds(200));
        using var taken = await next.WaitAsync(TimeSpan.FromSeconds(10));

        // Its place is gone, and not given twice.
        hung.Dispose();
        Assert.False(turns.TakeAsync(_time, CancellationToken.None).IsCompleted);
    }

    [Fact]
    public async Task TakeAsync_CancelledWhileWaiting_KeepsNoPlace()
    {
        var turns = new LogonTurns(1);
        using var stop = new CancellationTokenSource();
        using (await turns.TakeAsync(_time, CancellationToken.None))
        {
            var waiting = turns.TakeAsync(_time, stop.Token).AsTask();
            await stop.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
        }

        using var taken = await turns.TakeAsync(_time, CancellationToken.None).AsTask().WaitAsync(TimeSpan.FromSeconds(10));
    }
}
