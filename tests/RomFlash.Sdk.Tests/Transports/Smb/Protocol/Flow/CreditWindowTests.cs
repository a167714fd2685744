using RomFlash.Sdk.Transports;
using RomFlash.Sdk.Transports.Smb.Protocol.Flow;

namespace RomFlash.Sdk.Tests.Transports.Smb.Protocol.Flow;

public sealed class CreditWindowTests
{
    [Fact]
    public async Task TakeAsync_NewWindow_HasOneCreditForTheFirstId()
    {
        var window = new CreditWindow();

        var lease = await window.TakeAsync(16, 1, CancellationToken.None);
        var next = window.TakeAsync(1, 1, CancellationToken.None);

        Assert.Equal(new CreditLease(0, 1, null), lease);
        Assert.False(next.IsCompleted);
        window.Settle(1, 1);
        Assert.Equal(new CreditLease(1, 1, null), await next);
    }

    [Fact]
    public async Task TakeAsync_SeveralCredits_AdvancesTheIdByAsMany()
    {
        var window = await GrantedAsync(100);

        var first = await window.TakeAsync(16, 1, CancellationToken.None);
        var second = await window.TakeAsync(16, 1, CancellationToken.None);

        Assert.Equal((1UL, 16), (first.MessageId, first.Count));
        Assert.Equal((17UL, 16), (second.MessageId, second.Count));
    }

    [Theory]
    [InlineData(8, 2)]
    [InlineData(32, 8)]
    [InlineData(3, 1)]
    [InlineData(1, 1)]
    [InlineData(64, 16)]
    public async Task TakeAsync_FewCredits_GivesAQuarterSoThatSeveralAreInFlight(int granted, int given)
    {
        var window = await GrantedAsync(granted);

        Assert.Equal(given, (await window.TakeAsync(16, 1, CancellationToken.None)).Count);
    }

    [Fact]
    public async Task TakeAsync_SomebodyWaitsForMore_IsNotOvertaken()
    {
        var window = await GrantedAsync(64);
        await window.TakeAsync(16, 16, CancellationToken.None);
        await window.TakeAsync(40, 40, CancellationToken.None);

        var large = window.TakeAsync(16, 16, CancellationToken.None);
        var small = window.TakeAsync(1, 1, CancellationToken.None);
        Assert.False(large.IsCompleted);
        Assert.False(small.IsCompleted);
        window.Settle(16, 8);

        Assert.Equal(57UL, (await large).MessageId);
        Assert.False(small.IsCompleted);
        window.Settle(40, 1);
        Assert.Equal(73UL, (await small).MessageId);
    }

    [Fact]
    public async Task TakeAsync_CancelledWhileWaiting_LetsTheNextOneIn()
    {
        var window = await GrantedAsync(8);
        await window.TakeAsync(6, 6, CancellationToken.None);
        using var cancellation = new CancellationTokenSource();
        var large = window.TakeAsync(4, 4, cancellation.Token);
        var small = window.TakeAsync(1, 1, CancellationToken.None);
        Assert.False(small.IsCompleted);

        await cancellation.CancelAsync();

        var fault = (await large).Fault!;
        Assert.Equal((TransportFaultKind.Cancelled, FaultEffect.NotSent), (fault.Kind, fault.Effect));
        Assert.Null((await small).Fault);
    }

    [Fact]
    public async Task TakeAsync_CancelledBefore_TakesNothing()
    {
        var window = await GrantedAsync(8);

        Assert.Equal(TransportFaultKind.Cancelled, (await window.TakeAsync(1, 1, new CancellationToken(true))).Fault!.Kind);
        Assert.Equal(1UL, (await window.TakeAsync(1, 1, CancellationToken.None)).MessageId);
    }

    [Fact]
    public async Task TakeAsync_NothingIsThereAndNothingComes_IsAViolation()
    {
        var window = new CreditWindow();
        await window.TakeAsync(1, 1, CancellationToken.None);
        var waiting = window.TakeAsync(1, 1, CancellationToken.None);

        window.Settle(1, 0);

        Assert.Equal(TransportFaultKind.ProtocolViolation, (await waiting).Fault!.Kind);
        Assert.Equal(TransportFaultKind.ProtocolViolation, (await window.TakeAsync(1, 1, CancellationToken.None)).Fault!.Kind);
    }

    [Fact]
    public async Task AskFor_BelowTheTarget_AsksForMoreThanItTakes()
    {
        var window = await GrantedAsync(8);

        Assert.Equal(1 + 64, window.AskFor(1));
        window.Settle(0, CreditWindow.Target);
        Assert.Equal(16, window.AskFor(16));
    }

    [Fact]
    public async Task Settle_PeerGrantsWithoutMeasure_KeepsABound()
    {
        var window = await GrantedAsync(1);
        for (var i = 0; i < 1000; i++)
        {
            window.Settle(0, ushort.MaxValue);
        }

        Assert.True(window.Total <= 8192, "a window without a bound");
    }

    [Fact]
    public async Task Fail_ForGood_EndsWhoWaitsAndWhoComes()
    {
        var window = new CreditWindow();
        await window.TakeAsync(1, 1, CancellationToken.None);
        var waiting = window.TakeAsync(1, 1, CancellationToken.None);
        var fault = new TransportFault(TransportFaultKind.Lost, FaultEffect.NotSent);

        window.Fail(fault, forGood: true);

        Assert.Same(fault, (await waiting).Fault);
        Assert.Same(fault, (await window.TakeAsync(1, 1, CancellationToken.None)).Fault);
        Assert.False(window.TryTakeOne(out _));
    }

    [Fact]
    public async Task TakeAsync_ManyAtOnce_NeverGivesAnIdTwice()
    {
        var window = await GrantedAsync(32);
        var ids = new System.Collections.Concurrent.ConcurrentBag<ulong>();

        await Parallel.ForAsync(0, 2000, async (i, cancellationToken) =>
        {
            var lease = await window.TakeAsync(1 + (i % 7), 1, cancellationToken);
            for (var k = 0; k < lease.Count; k++)
            {
                ids.Add(lease.MessageId + (ulong)k);
            }

            window.Settle(lease.Count, lease.Count);
        });

        Assert.Equal(ids.Count, ids.Distinct().Count());
        Assert.Equal(ids.Count, (int)(ids.Max() - ids.Min()) + 1);
    }

    // The first id has been used, for the negotiation.
    private static async Task<CreditWindow> GrantedAsync(int credits)
    {
        var window = new CreditWindow();
        await window.TakeAsync(1, 1, CancellationToken.None);
        window.Settle(1, credits);
        return window;
    }
}
