using RomFlash.Sdk.Tests.Transports.Directory;
using RomFlash.Sdk.Transports;

namespace RomFlash.Sdk.Tests.Transports.SystemPartitions;

/// <summary>Claims on a target that knows whose connection has ended.</summary>
public sealed class PartitionClaimsTests : IDisposable
{
    private readonly EspFixture _esp = new();

    public void Dispose() => _esp.Dispose();

    [Theory]
    [InlineData("generation.json")]
    [InlineData("claim.json")]
    public async Task AcquireClaimAsync_ThatFails_GivesBackWhatSaysThatItsOwnerIsConnected(string document)
    {
        var partition = new WatchedPartition(_esp.Root);
        await using var session = new WatchedSession(partition);
        partition.Refuses = (what, path) => what == "rename" && path.EndsWith("/" + document, StringComparison.Ordinal) ? TransportFaultKind.Unmapped : null;
        Assert.Equal((TransportFaultKind.Unmapped, FaultEffect.MayHaveApplied), (await session.AcquireClaimAsync(new("me"), CancellationToken.None)).Fault() is var fault ? (fault.Kind, fault.Effect) : default);
        Assert.Empty(partition.Held);

        partition.Refuses = (_, _) => null;
        Assert.True((await session.AcquireClaimAsync(new("me"), CancellationToken.None)).TryGetValue(out _, out var again), again?.ToString());
        Assert.Single(partition.Held);
    }

    [Fact]
    public async Task AcquireClaimAsync_OnceMoreThatFails_KeepsWhatTheFirstOneHolds()
    {
        var partition = new WatchedPartition(_esp.Root);
        await using var session = new WatchedSession(partition);
        Assert.True((await session.AcquireClaimAsync(new("me"), CancellationToken.None)).TryGetValue(out _, out _));
        partition.Refuses = (what, path) => what == "rename" && path.EndsWith("/claim.json", StringComparison.Ordinal) ? TransportFaultKind.Unmapped : null;
        Assert.Equal(TransportFaultKind.Unmapped, (await session.AcquireClaimAsync(new("me"), CancellationToken.None)).Fault().Kind);
        Assert.Single(partition.Held);
    }

    [Theory]
    [InlineData(true, "who is connected now")]
    [InlineData(false, "who is not connected now")]
    public async Task AcquireClaimAsync_HeldByAnother_SaysWhetherThatOneIsConnected(bool isConnected, string says)
    {
        var partition = new WatchedPartition(_esp.Root);
        var first = new WatchedSession(partition);
        Assert.True((await first.AcquireClaimAsync(new("first"), CancellationToken.None)).TryGetValue(out _, out _));
        if (!isConnected)
        {
            await first.DisposeAsync();
        }

        await using var second = new WatchedSession(partition);
        var fault = (await second.AcquireClaimAsync(new("second"), CancellationToken.None)).Fault();
        Assert.Equal((TransportFaultKind.ClaimHeld, FaultEffect.NotSent), (fault.Kind, fault.Effect));
        Assert.Contains(says, fault.Detail, StringComparison.Ordinal);
        Assert.Equal(isConnected ? 1 : 0, partition.Held.Count);
        await first.DisposeAsync();
    }

    // A target that has too much to do says neither.
    [Fact]
    public async Task AcquireClaimAsync_HeldByAnotherAndTheTargetIsBusy_SaysNothingOfConnections()
    {
        var partition = new WatchedPartition(_esp.Root);
        await using var first = new WatchedSession(partition);
        Assert.True((await first.AcquireClaimAsync(new("first"), CancellationToken.None)).TryGetValue(out _, out _));
        partition.Refuses = (what, _) => what == "hold" ? TransportFaultKind.Busy : null;
        await using var second = new WatchedSession(partition);
        var fault = (await second.AcquireClaimAsync(new("second"), CancellationToken.None)).Fault();
        Assert.Equal(TransportFaultKind.ClaimHeld, fault.Kind);
        Assert.DoesNotContain("connected", fault.Detail, StringComparison.Ordinal);
    }
}
