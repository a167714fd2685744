using System.Collections.Immutable;
using RomFlash.Sdk.Tests.Transports.Directory;
using RomFlash.Sdk.Transports;

namespace RomFlash.Sdk.Tests.Transports.SystemPartitions;

/// <summary>In which order a deposit does things, whichever transport reaches the partition.</summary>
public sealed class PartitionDepositTests : IDisposable
{
    private readonly EspFixture _esp = new();

    public void Dispose() => _esp.Dispose();

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Verify_WhatWasWritten_IsOnTheMediumBeforeAnotherOpenerSeesIt(bool digests)
    {
        var partition = new WatchedPartition(_esp.Root);
        await using var session = new WatchedSession(partition);
        var (manifest, contents) = await OpenedAsync(session, 5000);
        await using var deposit = Value(await session.OpenDepositAsync(manifest, CancellationToken.None));
        await WriteAsync(deposit, contents);
        partition.Asked.Clear();

        if (digests)
        {
            Assert.Equal(manifest.Files[0].Sha256, Value(await deposit.DigestOnTargetAsync(0, CancellationToken.None)));
        }
        else
        {
            Assert.Equal(5000, Value(await deposit.ReadBackAsync(0, 0, new byte[5000], CancellationToken.None)));
        }

        Assert.Equal(2, partition.Asked.Count);
        Assert.StartsWith("flush romflash-d1-00", partition.Asked[0], StringComparison.Ordinal);
        Assert.StartsWith((digests ? "digest" : "read") + " romflash-d1-00", partition.Asked[1], StringComparison.Ordinal);
    }

    [Fact]
    public async Task CommitAsync_Files_AreOnTheMediumBeforeTheyHaveTheirNamesAndTheNamesBeforeTheManifest()
    {
        var partition = new WatchedPartition(_esp.Root);
        await using var session = new WatchedSession(partition);
        var (manifest, contents) = await OpenedAsync(session, 3000, 4000);
        await using var deposit = Value(await session.OpenDepositAsync(manifest, CancellationToken.None));
        await WriteAsync(deposit, contents);
        partition.Asked.Clear();
        Value(await deposit.CommitAsync(CancellationToken.None));

        var asked = partition.Asked.Where(a => !a.EndsWith(".open.json", StringComparison.Ordinal)).ToList();
        var renamed = asked.FindIndex(a => a.StartsWith("rename romflash-d1-", StringComparison.Ordinal));
        Assert.Equal(2, asked.Take(renamed).Count(a => a.StartsWith("flush romflash-d1-", StringComparison.Ordinal)));
        var folder = asked.IndexOf("flush d1");
        Assert.InRange(folder, asked.FindLastIndex(a => a.StartsWith("rename romflash-d1-", StringComparison.Ordinal)) + 1, asked.IndexOf("rename d1.json") - 1);
    }

    [Theory]
    [InlineData(TransportFaultKind.NoSpace)]
    [InlineData(TransportFaultKind.Unmapped)]
    public async Task Verify_FlushThatFails_IsNotReadBack(TransportFaultKind kind)
    {
        var partition = new WatchedPartition(_esp.Root);
        await using var session = new WatchedSession(partition);
        var (manifest, contents) = await OpenedAsync(session, 5000);
        await using var deposit = Value(await session.OpenDepositAsync(manifest, CancellationToken.None));
        await WriteAsync(deposit, contents);
        partition.Refuses = (what, path) => what == "flush" && path.EndsWith(".part", StringComparison.Ordinal) ? kind : null;
        Assert.Equal(kind, (await deposit.DigestOnTargetAsync(0, CancellationToken.None)).Fault().Kind);
        Assert.Equal(kind, (await deposit.ReadBackAsync(0, 0, new byte[10], CancellationToken.None)).Fault().Kind);
        Assert.Equal(kind, (await deposit.CommitAsync(CancellationToken.None)).Fault().Kind);
        Assert.DoesNotContain(partition.Asked, a => a.StartsWith("read romflash-", StringComparison.Ordinal) || a.StartsWith("digest", StringComparison.Ordinal) || a.StartsWith("rename romflash-", StringComparison.Ordinal));
    }

    // Whatever the transport says of a flush.
    [Fact]
    public async Task CommitAsync_FileThatIsShorterThanWhatWasWritten_StaysUncommitted()
    {
        var partition = new WatchedPartition(_esp.Root);
        await using var session = new WatchedSession(partition);
        var (manifest, contents) = await OpenedAsync(session, 3000, 4000);
        await using var deposit = Value(await session.OpenDepositAsync(manifest, CancellationToken.None));
        await WriteAsync(deposit, contents);
        var part = Assert.Single(System.IO.Directory.GetFiles(_esp.RomFlash, "*-01-*.part", SearchOption.AllDirectories));
        await File.WriteAllBytesAsync(part, contents[1][..3999]);
        for (var i = 0; i < 2; i++)
        {
            Assert.Equal(TransportFaultKind.ContentDiffers, (await deposit.CommitAsync(CancellationToken.None)).Fault().Kind);
        }

        Assert.DoesNotContain(Value(await session.ListDepositsAsync(CancellationToken.None)), d => d.IsCommitted);
    }

    private static async Task<(DepositManifest Manifest, ImmutableArray<byte[]> Contents)> OpenedAsync(WatchedSession session, params int[] lengths) =>
        EspFixture.Sample("d1", Value(await session.AcquireClaimAsync(new("me"), CancellationToken.None)).Generation, lengths);

    private static async Task WriteAsync(IDeposit deposit, ImmutableArray<byte[]> contents)
    {
        for (var i = 0; i < contents.Length; i++)
        {
            Value(await deposit.WriteAsync(i, 0, contents[i], CancellationToken.None));
        }
    }

    private static T Value<T>(TransportResult<T> result)
        where T : notnull => result.TryGetValue(out var value, out var fault) ? value : throw new InvalidOperationException(fault.ToString());
}
