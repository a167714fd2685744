using RomFlash.Sdk.Targets;
using RomFlash.Sdk.Transports;
using RomFlash.Sdk.Transports.Smb;

namespace RomFlash.Sdk.Tests.Transports.Smb.Scripted;

/// <summary>What tests of a scripted server let the client do.</summary>
internal static class ScriptedClient
{
    public const string Share = "ESP$";

    /// <summary>In every test's tree; longer than one READ, so that several are in flight.</summary>
    public const string File = @"EFI\a.bin";

    /// <summary>Much longer than anything takes that is right: whoever waits for it has found something that hangs.</summary>
    public static readonly TimeSpan Bound = TimeSpan.FromMinutes(2);

    public static byte[] Content { get; } = [.. Enumerable.Range(0, 5000).Select(i => (byte)(i * 7))];

    public static MemoryTree Tree()
    {
        var tree = new MemoryTree();
        tree.PutDirectory("EFI");
        tree.Put(File, Content);
        tree.Put(@"EFI\b.bin", 1, 2, 3);
        return tree;
    }

    public static async Task<TransportResult<ISmbConnection>> ConnectAsync(
        ScriptedSmbServer server, SmbConnectorOptions? options = null, TimeProvider? time = null, string password = "Passw0rd!", CancellationToken cancellationToken = default)
    {
        using var credentials = TargetCredentials.Password("admin", new Secret(password));
        return await new SmbConnector(options ?? new()).ConnectAsync(new("127.0.0.1", server.Port, credentials, time ?? TimeProvider.System), cancellationToken);
    }

    /// <summary>Connects and does one of everything.</summary>
    /// <returns>The first fault, or null; what succeeds, has to be right.</returns>
    public static async Task<TransportFault?> WalkAsync(ScriptedSmbServer server, SmbConnectorOptions? options = null, TimeProvider? time = null, bool isTrusted = true)
    {
        if (!(await ConnectAsync(server, options, time)).TryGetValue(out var connection, out var fault))
        {
            return fault;
        }

        await using (connection)
        {
            return await WalkAsync(connection, isTrusted);
        }
    }

    /// <summary>Does one of everything.</summary>
    /// <param name="connection">The connection.</param>
    /// <param name="isTrusted">Whether what is given has to be what the server has.</param>
    /// <returns>The first fault, or null.</returns>
    public static async Task<TransportFault?> WalkAsync(ISmbConnection connection, bool isTrusted = true)
    {
        if (!(await connection.QueryVolumeAsync(Share, default)).TryGetValue(out var volume, out var fault)
            || !(await connection.LookAsync(Share, File, default)).TryGetValue(out var entry, out fault)
            || !(await connection.OpenFileAsync(Share, File, new(SmbAccess.Read, Kind: SmbNodeKind.File), default)).TryGetValue(out var file, out fault))
        {
            return fault;
        }

        await using (file)
        {
            var buffer = new byte[Content.Length + 10];
            if (!(await file.ReadAsync(0, buffer, default)).TryGetValue(out var count, out fault))
            {
                return fault;
            }

            if (isTrusted)
            {
                Assert.Equal((Content.Length, "FAT32"), (count, volume.FileSystem));
                Assert.Equal(Content, buffer[..count]);
                Assert.Equal(new SmbEntry("a.bin", Content.Length, false, false), entry);
            }
        }

        return await ListAsync(connection, isTrusted) ?? await WriteAsync(connection) ?? await TalkAsync(connection, isTrusted);
    }

    private static async Task<TransportFault?> ListAsync(ISmbConnection connection, bool isTrusted)
    {
        if (!(await connection.OpenFileAsync(Share, "EFI", new(SmbAccess.Read, Kind: SmbNodeKind.Directory), default)).TryGetValue(out var folder, out var fault))
        {
            return fault;
        }

        await using (folder)
        {
            if (!(await folder.ListAsync(100, default)).TryGetValue(out var entries, out fault))
            {
                return fault;
            }

            if (isTrusted)
            {
                Assert.Equal(["a.bin", "b.bin"], entries.Select(e => e.Name));
            }

            return null;
        }
    }

    private static async Task<TransportFault?> WriteAsync(ISmbConnection connection)
    {
        if (!(await connection.OpenFileAsync(Share, @"EFI\c.part", new(SmbAccess.Write | SmbAccess.Delete, SmbSharing.None, SmbDisposition.Create, SmbNodeKind.File), default)).TryGetValue(out var file, out var fault))
        {
            return fault;
        }

        await using (file)
        {
            return (await file.WriteAsync(0, Content, default)).TryGetValue(out _, out fault)
                && (await file.FlushAsync(default)).TryGetValue(out _, out fault)
                && (await file.RenameAsync(@"EFI\c.bin", replace: false, default)).TryGetValue(out _, out fault)
                && (await file.DeleteAsync(default)).TryGetValue(out _, out fault)
                && (await file.CloseAsync(default)).TryGetValue(out _, out fault)
                    ? null : fault;
        }
    }

    private static async Task<TransportFault?> TalkAsync(ISmbConnection connection, bool isTrusted)
    {
        if (!(await connection.OpenPipeAsync("echo", default)).TryGetValue(out var pipe, out var fault))
        {
            return fault;
        }

        await using (pipe)
        {
            var answer = new byte[4];
            if (!(await pipe.TransceiveAsync("hello!"u8.ToArray(), answer, default)).TryGetValue(out var first, out fault)
                || !(await pipe.ReadAsync(answer.AsMemory(0, 2), default)).TryGetValue(out var second, out fault)
                || !(await pipe.WriteAsync("more"u8.ToArray(), default)).TryGetValue(out _, out fault)
                || !(await pipe.ReadAsync(answer, default)).TryGetValue(out var third, out fault))
            {
                return fault;
            }

            if (isTrusted)
            {
                Assert.Equal((4, 2, 4), (first, second, third));
                Assert.Equal("more"u8.ToArray(), answer);
            }

            return null;
        }
    }
}
