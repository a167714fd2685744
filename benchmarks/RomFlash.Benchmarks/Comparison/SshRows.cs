using System.Diagnostics;
using System.Security.Cryptography;
using RomFlash.Peers.Ssh;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Transports;

namespace RomFlash.Benchmarks.Comparison;

/// <summary>The rows of SSH: files of 64 MiB beside sftp's to the same sshd, whose system partition lies in memory; and the installed ssh by itself for what is short.</summary>
internal static class SshRows
{
    private const int Length = 64 << 20;
    private const int MiB = Length >> 20;
    private const int WarmUps = 3;
    private const int Pairs = 15;

    // On two cores one transfer differs much from the next, whoever makes it, so that the median of few pairs moves; and until all of ours is compiled, the compiler has one of the cores.
    private const int PutWarmUps = 10;
    private const int PutPairs = 41;

    public static async IAsyncEnumerable<Row> MeasureAsync()
    {
        var memory = Directory.Exists("/dev/shm") ? "/dev/shm" : null;
        await using var server = await SshServer.StartAsync(new SshServerOptions { ParentFolder = memory });
        var root = await LinuxRoot.CreateAsync(server);
        var source = Path.Combine(server.Folder, "source.bin");
        var content = new byte[Length];
        new Random(1).NextBytes(content);
        await File.WriteAllBytesAsync(source, content);
        var file = new DepositFile("romflash-00.bin", Length, new ContentDigest(SHA256.HashData(content)), "system");
        content = null;
        await using (var master = await SshMaster.StartAsync(server))
        {
            yield return await PutAsync("ssh.put", server, root, master, source, file, isComplete: false, "MiB/s, until all is written, and sftp over a connection that is there", "at least 1.0");
            yield return await PutAsync("ssh.stage", server, root, master, source, file, isComplete: true, "MiB/s, with the digest on the target and the commit, and sftp without", "reported");
            yield return await ConnectAsync(server, root);
            yield return await RequestAsync(server, root, master);
        }

        yield return new("ssh.staging.memory", await StagingProcess.MeasureSshAsync(server.ClientConfiguration, root.Path, server.Port), null, "MiB above idle while 256 MiB are staged and compared on the target, the largest of all runs", "at most 24");
    }

    private static async Task<Row> PutAsync(string row, SshServer server, LinuxRoot root, SshMaster master, string source, DepositFile file, bool isComplete, string unit, string bound)
    {
        await using var link = await SshLink.OpenAsync(server.ClientConfiguration, root.Path, server.Port);
        await using var sftp = SftpSession.Start(server, master);
        var (ours, peer) = await Peers.CompareAsync(PutWarmUps, PutPairs, OursAsync, PeerAsync);
        return new(row, ours, peer, unit, bound);

        // Either makes a new file, and its room is given back outside the time.
        async Task<double> OursAsync()
        {
            var deposit = await link.BeginAsync(file);
            var start = Stopwatch.GetTimestamp();
            await link.PutAsync(deposit, source);
            if (isComplete)
            {
                await SshLink.CompleteAsync(deposit);
            }

            var elapsed = Stopwatch.GetElapsedTime(start);
            await link.EndAsync(deposit);
            return MiB / elapsed.TotalSeconds;
        }

        async Task<double> PeerAsync()
        {
            var remote = Path.Combine(root.SystemPartition, "peer.bin");
            var elapsed = await sftp.PutAsync(source, remote);
            var length = new FileInfo(remote).Length;
            File.Delete(remote);
            return length == Length ? MiB / elapsed.TotalSeconds : throw new InvalidOperationException($"sftp wrote {length} bytes");
        }
    }

    private static async Task<Row> ConnectAsync(SshServer server, LinuxRoot root)
    {
        var (ours, peer) = await Peers.CompareAsync(WarmUps, Pairs, OursAsync, () => Peers.TimeAsync(["ssh", .. SshMaster.Arguments(server, socket: null), "cat", BootFile(root)]));
        return new("ssh.connect", ours, peer, "ms until the first fact, and ssh HOST cat as a whole", "reported");

        async Task<double> OursAsync()
        {
            var start = Stopwatch.GetTimestamp();
            await using var session = await SshLink.ConnectSessionAsync(server.ClientConfiguration, root.Path, server.Port);
            Check(await SshLink.ReadBootAsync(session), root);
            return Stopwatch.GetElapsedTime(start).TotalMilliseconds;
        }
    }

    private static async Task<Row> RequestAsync(SshServer server, LinuxRoot root, SshMaster master)
    {
        await using var session = await SshLink.ConnectSessionAsync(server.ClientConfiguration, root.Path, server.Port);
        var (ours, peer) = await Peers.CompareAsync(WarmUps, Pairs, OursAsync, () => Peers.TimeAsync(["ssh", .. SshMaster.Arguments(server, master.Socket), "cat", BootFile(root)]));
        return new("ssh.request", ours, peer, "ms for a fact in an open session, and ssh HOST cat over a connection that is there", "reported");

        async Task<double> OursAsync()
        {
            var start = Stopwatch.GetTimestamp();
            var boot = await SshLink.ReadBootAsync(session);
            var elapsed = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
            Check(boot, root);
            return elapsed;
        }
    }

    private static string BootFile(LinuxRoot root) => root.Combine("proc/sys/kernel/random/boot_id");

    private static void Check(string boot, LinuxRoot root)
    {
        if (!string.Equals(boot, root.BootId, StringComparison.OrdinalIgnoreCase))
        {
            throw new InvalidOperationException($"the target says that its boot is {boot}");
        }
    }
}
