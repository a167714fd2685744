using System.Security.Cryptography;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Tests.Journal;
using RomFlash.Sdk.Tests.Transports.Ssh.Connection;
using RomFlash.Sdk.Transports;
using RomFlash.Sdk.Transports.Ssh;
using RomFlash.Sdk.Transports.Ssh.Connection;
using RomFlash.Sdk.Transports.SystemPartitions;

namespace RomFlash.Sdk.Tests.Transports.Ssh;

/// <summary>Each step on a system partition, by OpenSSH's own server and the shell and tools of this machine.</summary>
[Trait("Category", "Peer")]
public sealed class SshPartitionTests(SharedSshServer shared) : IClassFixture<SharedSshServer>, IAsyncLifetime
{
    private static readonly CancellationToken None = CancellationToken.None;

    private readonly Scratch _scratch = new();
    private SshScripts _scripts = null!;
    private SshPartition _partition = null!;

    public async Task InitializeAsync()
    {
        _scripts = await OpenAsync();
        _partition = new(_scripts, _scratch.Root, string.Empty);
    }

    public async Task DisposeAsync()
    {
        await _scripts.DisposeAsync();
        _scratch.Dispose();
    }

    [Fact]
    public async Task Look_EachKind_IsTold()
    {
        System.IO.Directory.CreateDirectory(_scratch["folder"]);
        await File.WriteAllTextAsync(_scratch["a file's name"], "12345");
        File.CreateSymbolicLink(_scratch["link"], "folder");
        Assert.Equal(new PartitionEntry("folder", PartitionEntryKind.Folder, 0), await _partition.LookAsync("folder", None));
        Assert.Equal(new PartitionEntry("a file's name", PartitionEntryKind.File, 5), await _partition.LookAsync("a file's name", None));
        Assert.Equal(PartitionEntryKind.Link, (await _partition.LookAsync("link", None)).Kind);
        Assert.Equal(PartitionEntryKind.None, (await _partition.LookAsync("nothing", None)).Kind);
        Assert.Equal(PartitionEntryKind.None, (await _partition.LookAsync("a file's name/under", None)).Kind);
        Assert.Equal(PartitionEntryKind.Folder, (await _partition.LookAsync(string.Empty, None)).Kind);
    }

    [Fact]
    public async Task List_NamesThatAShellWouldChange_ComeAsTheyAre()
    {
        string[] names = ["*", ".hidden", "..two", "-n", "a b", "line\nline", "$(reboot)", "`id`", "'", "\"", "\\", "ü", "[a]"];
        foreach (var name in names)
        {
            await File.WriteAllTextAsync(_scratch[name], name);
        }

        System.IO.Directory.CreateDirectory(_scratch["folder"]);
        var entries = await _partition.ListAsync(string.Empty, 100, None);
        Assert.Equal([.. names.Append("folder").Order(StringComparer.Ordinal)], entries.Select(e => e.Name).Order(StringComparer.Ordinal));
        Assert.Equal(2, entries.Single(e => e.Name == "-n").Length);
        Assert.Empty(await _partition.ListAsync("folder", 100, None));
        Assert.Equal(TransportFaultKind.ProtocolViolation, await FaultOfAsync(_partition.ListAsync(string.Empty, 5, None)));
        Assert.Equal(TransportFaultKind.NotFound, await FaultOfAsync(_partition.ListAsync("none", 5, None)));
        Assert.Equal(TransportFaultKind.NotFound, await FaultOfAsync(_partition.ListAsync("'", 5, None)));
    }

    [Fact]
    public async Task List_MoreThanOneCallTakes_IsWhole()
    {
        var names = Enumerable.Range(0, 12_001).Select(i => $"{i}-{new string('x', 180)}").ToHashSet(StringComparer.Ordinal);
        foreach (var name in names)
        {
            File.Create(_scratch[name]).Dispose();
        }

        var entries = await _partition.ListAsync(string.Empty, 16_384, None);
        Assert.Equal(names.Count, entries.Count);
        Assert.True(names.SetEquals(entries.Select(e => e.Name)));
    }

    [Theory]
    [InlineData("exit 1")]
    [InlineData("echo 'stat: cannot statx: Input/output error' >&2; exit 1")]
    [InlineData("kill -9 $$")]
    [InlineData("exit 0")]
    public async Task List_StatFails_IsNoEmptyList(string stat)
    {
        await File.WriteAllTextAsync(_scratch["one"], "1");
        var tools = System.IO.Directory.CreateDirectory(_scratch["tools"]).FullName;
        await File.WriteAllTextAsync(Path.Combine(tools, "stat"), $"#!/bin/sh\n{stat}\n");
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(Path.Combine(tools, "stat"), (UnixFileMode)Convert.ToInt32("755", 8));
        }

        // In the shell that the session uses, until it ends.
        await using var held = await _partition.LockAsync("lock", None);
        await _scripts.RunAsync("true", new ShellRequest { IsPlain = true }, None);
        var shadowed = new SshPartition(_scripts, _scratch.Root, string.Empty, $"PATH={ShellText.Quote(tools)}:$PATH");
        var fault = await Record.ExceptionAsync(() => shadowed.ListAsync(string.Empty, 100, None).AsTask());
        Assert.True(fault is PartitionFaultException, "an empty list was believed");
    }

    [Fact]
    public async Task Write_SmallAndLarge_IsReadBackAndDigested()
    {
        foreach (var length in new[] { 0, 1, 700, SshFile.SmallBytes, SshFile.SmallBytes + 1, 3_000_001 })
        {
            var bytes = new byte[length];
            new Random(length).NextBytes(bytes);
            var name = $"file {length}";
            await using (var file = await _partition.CreateFileAsync(name, None))
            {
                for (var offset = 0; offset < length; offset += SshPartition.Chunk)
                {
                    await file.WriteAsync(offset, bytes.AsMemory(offset, Math.Min(SshPartition.Chunk, length - offset)), None);
                }

                await file.FlushAsync(None);
            }

            Assert.Equal(bytes, await File.ReadAllBytesAsync(_scratch[name]));
            Assert.Equal(new ContentDigest(SHA256.HashData(bytes)), await _partition.TryDigestAsync(name, None));
            await using var reading = await _partition.OpenReadAsync(name, None);
            var found = new byte[length + 10];
            Assert.Equal(length, await reading.ReadAsync(0, found, None));
            Assert.Equal(bytes, found[..length]);
            if (length > 100)
            {
                Assert.Equal(50, await reading.ReadAsync(length - 50, found.AsMemory(0, 90), None));
                Assert.Equal(bytes[^50..], found[..50]);
                Assert.Equal(0, await reading.ReadAsync(length, found, None));
            }
        }
    }

    [Theory]
    [InlineData(100_000)]
    [InlineData(70_000)]
    [InlineData(0)]
    public async Task Write_GoesOnInAFile_WhatLiesBehindIsReplaced(int offset)
    {
        var bytes = new byte[200_000];
        new Random(7).NextBytes(bytes);
        await File.WriteAllBytesAsync(_scratch["part"], bytes[..100_000]);
        bytes.AsSpan(offset, 10).Fill(0xAA);
        await using (var file = await _partition.OpenWriteAsync("part", None))
        {
            await file.WriteAsync(offset, bytes.AsMemory(offset), None);
            await file.FlushAsync(None);
        }

        Assert.Equal(bytes, await File.ReadAllBytesAsync(_scratch["part"]));
    }

    [Fact]
    public async Task Write_BehindTheEnd_IsRefused()
    {
        await File.WriteAllBytesAsync(_scratch["short"], new byte[10]);
        await using var file = await _partition.OpenWriteAsync("short", None);
        var fault = await Assert.ThrowsAsync<PartitionFaultException>(async () =>
        {
            await file.WriteAsync(100_000, new byte[20_000], None);
            await file.FlushAsync(None);
        });
        Assert.Equal(FaultEffect.MayHaveApplied, fault.Fault.Effect);
        Assert.Contains("shorter", fault.Message, StringComparison.Ordinal);
        Assert.Equal(10, new FileInfo(_scratch["short"]).Length);
    }

    [Fact]
    public async Task Change_Refused_NothingWasSent()
    {
        System.IO.Directory.CreateDirectory(_scratch["folder"]);
        await File.WriteAllTextAsync(_scratch["file"], "1");
        await File.WriteAllTextAsync(_scratch["folder/inside"], "1");
        File.CreateSymbolicLink(_scratch["link"], "file");
        await RefusedAsync(TransportFaultKind.AlreadyExists, _partition.CreateFolderAsync("folder", None));
        await RefusedAsync(TransportFaultKind.NotFound, _partition.CreateFolderAsync("none/folder", None));
        await RefusedAsync(TransportFaultKind.AlreadyExists, AsTask(_partition.CreateFileAsync("file", None)));
        await RefusedAsync(TransportFaultKind.AlreadyExists, AsTask(_partition.CreateFileAsync("link", None)));
        await RefusedAsync(TransportFaultKind.NotFound, AsTask(_partition.CreateFileAsync("none/file", None)));
        await RefusedAsync(TransportFaultKind.AlreadyExists, _partition.RenameFolderAsync("folder", "file", None));
        await RefusedAsync(TransportFaultKind.NotFound, _partition.RenameFolderAsync("none", "other", None));
        await RefusedAsync(TransportFaultKind.NotFound, _partition.RenameFileAsync("none", "other", None));
        await RefusedAsync(TransportFaultKind.NotFound, _partition.DeleteFileAsync("none", None));
        await RefusedAsync(TransportFaultKind.ProtocolViolation, _partition.DeleteFileAsync("folder", None));
        await RefusedAsync(TransportFaultKind.AlreadyExists, _partition.DeleteFolderAsync("folder", None));
        await RefusedAsync(TransportFaultKind.ProtocolViolation, AsTask(ReadAsync("link")));
        await RefusedAsync(TransportFaultKind.ProtocolViolation, AsTask(_partition.OpenWriteAsync("folder", None)));
        await RefusedAsync(TransportFaultKind.NotFound, AsTask(ReadAsync("none")));
        await RefusedAsync(TransportFaultKind.NotFound, AsTask(_partition.TryDigestAsync("none", None)));
        await RefusedAsync(TransportFaultKind.NotFound, AsTask(_partition.LockAsync("none/lock", None)));
        await RefusedAsync(TransportFaultKind.NotFound, AsTask(_partition.TryHoldAsync("none/lock", None)));
        await RefusedAsync(TransportFaultKind.NotFound, _partition.FlushFolderAsync("none", None));
    }

    [Fact]
    public async Task Change_Granted_IsSeen()
    {
        await _partition.CreateFolderAsync("one", None);
        await (await _partition.CreateFileAsync("one/file", None)).DisposeAsync();
        await (await _partition.CreateFileAsync("one/other", None)).DisposeAsync();
        await _partition.RenameFileAsync("one/file", "one/other", None);
        await _partition.RenameFolderAsync("one", "two", None);
        await _partition.FlushFolderAsync("two", None);
        Assert.Equal(["other"], System.IO.Directory.GetFileSystemEntries(_scratch["two"]).Select(Path.GetFileName));
        await _partition.DeleteFileAsync("two/other", None);
        await _partition.DeleteFolderAsync("two", None);
        Assert.Empty(System.IO.Directory.GetFileSystemEntries(_scratch.Root));
    }

    [Fact]
    public async Task Lock_OfAnother_IsWaitedForAndNotForEver()
    {
        await using var second = await OpenAsync();
        var other = new SshPartition(second, _scratch.Root, string.Empty);
        await using (await _partition.LockAsync("lock", None))
        {
            // Works on, in the shell that holds it.
            await _partition.CreateFolderAsync("made", None);
            Assert.Equal(TransportFaultKind.Busy, await FaultOfAsync(AsTask(other.LockAsync("lock", None))));
            Assert.Equal(PartitionEntryKind.Folder, (await other.LookAsync("made", None)).Kind);
        }

        await using (await other.LockAsync("lock", None))
        {
            await other.DeleteFolderAsync("made", None);
        }

        await using (await _partition.LockAsync("lock", None))
        {
        }
    }

    [Fact]
    public async Task Lock_SessionEnds_IsFree()
    {
        var second = await OpenAsync();
        var other = new SshPartition(second, _scratch.Root, string.Empty);
        await other.LockAsync("lock", None);
        await second.DisposeAsync();
        await using (await _partition.LockAsync("lock", None))
        {
        }
    }

    [Fact]
    public async Task TryHold_OfAnother_IsTold()
    {
        await using var second = await OpenAsync();
        var other = new SshPartition(second, _scratch.Root, string.Empty);
        await using (await _partition.TryHoldAsync("holder", None))
        {
            Assert.Null(await other.TryHoldAsync("holder", None));
        }

        await using var held = await other.TryHoldAsync("holder", None);
        Assert.NotNull(held);
    }

    [Fact]
    public async Task Digest_FileThatIsStillWritten_WaitsForItsEnd()
    {
        await using var second = await OpenAsync();
        var other = new SshPartition(second, _scratch.Root, string.Empty);
        var bytes = new byte[100_000];
        new Random(3).NextBytes(bytes);
        await using var file = await _partition.CreateFileAsync("file", None);
        await file.WriteAsync(0, bytes.AsMemory(0, 50_000), None);
        await RemoteShellTests.WaitForAsync(() => new FileInfo(_scratch["file"]).Length == 50_000);
        var digest = other.TryDigestAsync("file", None).AsTask();
        await file.WriteAsync(50_000, bytes.AsMemory(50_000), None);
        Assert.False(digest.IsCompleted);
        await file.FlushAsync(None);
        Assert.Equal(new ContentDigest(SHA256.HashData(bytes)), await digest);
    }

    [Fact]
    public async Task Request_Cancelled_TheNextOneHasANewShell()
    {
        using var soon = new CancellationTokenSource(TimeSpan.FromMilliseconds(200));
        var request = new ShellRequest();
        var fault = await Assert.ThrowsAsync<PartitionFaultException>(() => _scripts.RunAsync("sleep 60", request, soon.Token).AsTask());
        Assert.Equal((TransportFaultKind.Cancelled, FaultEffect.MayHaveApplied), (fault.Kind, fault.Fault.Effect));
        Assert.Equal("again\n", (await _scripts.RunAsync("echo again", request, None)).Text);
    }

    [Fact]
    public async Task EveryStep_NoPartition_SaysWhy()
    {
        var none = new SshPartition(_scripts, null, "none is mounted");
        var fault = await Assert.ThrowsAsync<PartitionFaultException>(() => none.LookAsync("EFI", None).AsTask());
        Assert.Equal((TransportFaultKind.NotFound, "none is mounted"), (fault.Kind, fault.Message));
    }

    private static async Task<TransportFaultKind> FaultOfAsync(ValueTask<IReadOnlyList<PartitionEntry>> step) => (await Assert.ThrowsAsync<PartitionFaultException>(step.AsTask)).Kind;

    private static async Task<TransportFaultKind> FaultOfAsync(ValueTask step) => (await Assert.ThrowsAsync<PartitionFaultException>(step.AsTask)).Kind;

    private static async Task RefusedAsync(TransportFaultKind kind, ValueTask step)
    {
        var fault = await Assert.ThrowsAsync<PartitionFaultException>(step.AsTask);
        Assert.Equal((kind, FaultEffect.NotSent), (fault.Kind, fault.Fault.Effect));
    }

    private async ValueTask<int> ReadAsync(string path)
    {
        await using var file = await _partition.OpenReadAsync(path, None);
        return await file.ReadAsync(0, new byte[10], None);
    }

    private static async ValueTask AsTask<T>(ValueTask<T> step) => await step;

    private async Task<SshScripts> OpenAsync()
    {
        var client = new OpenSshClient(new OpenSshOptions { ConfigurationFile = shared.Server.ClientConfiguration }, TimeProvider.System);
        Assert.True(SshAddress.TryParse(new Uri($"ssh://127.0.0.1:{shared.Server.Port}")).TryGetValue(out var address, out var fault), fault?.ToString());
        Assert.True((await SshConnection.OpenAsync(client, address, None)).TryGetValue(out var connection, out fault), fault?.ToString());
        return (await SshScripts.OpenAsync(connection, new(), None)).TryGetValue(out var scripts, out fault) ? scripts : throw new InvalidOperationException(fault.ToString());
    }
}
