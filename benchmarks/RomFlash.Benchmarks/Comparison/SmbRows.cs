using System.Diagnostics;
using RomFlash.Peers.Samba;
using RomFlash.Sdk.Probing;
using RomFlash.Sdk.Transports;

namespace RomFlash.Benchmarks.Comparison;

/// <summary>The rows of SMB: files of 64 MiB beside smbclient's to the same smbd, whose share lies in memory.</summary>
internal static class SmbRows
{
    private const int Length = 64 << 20;
    private const int MiB = Length >> 20;
    private const int WarmUps = 3;
    private const int Pairs = 15;
    private const double HalfRoundTrip = 5;

    private const uint Boots = 7;

    private const string Stored = "stored.bin";

    public static async IAsyncEnumerable<Row> MeasureAsync()
    {
        var memory = Directory.Exists("/dev/shm") ? "/dev/shm" : null;
        await using var server = await SambaServer.StartAsync(new() { ParentFolder = memory, Registry = new SambaRegistry().WithBootId(Boots) });
        var source = Path.Combine(server.ShareFolder, "..", "source.bin");
        var content = new byte[Length];
        new Random(1).NextBytes(content);
        await File.WriteAllBytesAsync(source, content);
        File.Copy(source, Path.Combine(server.ShareFolder, Stored));
        content = null;
        await foreach (var row in ThroughputAsync(server, source))
        {
            yield return row;
        }

        yield return await ConnectAsync(server);
        yield return new("smb.allocation", await AllocationAsync(server.Port), null, "bytes for each MiB, the worst of put and get, signed and encrypted", "at most 1024");

        yield return new("smb.staging.memory", await StagingProcess.MeasureSmbAsync(server.Port), null, "MiB above idle while 256 MiB are staged and read back, encrypted, the largest of all runs", "at most 24");
    }

    private static async IAsyncEnumerable<Row> ThroughputAsync(SambaServer server, string source)
    {
        await using var proxy = await DelayProxyProcess.StartAsync(server.Port, HalfRoundTrip);
        yield return await PutAsync("smb.put.signed", server, source, isEncrypted: false, server.Port, "at least 0.9; goal 1.1");
        yield return await PutAsync("smb.put.encrypted", server, source, isEncrypted: true, server.Port, "at least 1.2; goal 1.5");
        yield return await PutAsync("smb.put.signed.rtt10", server, source, isEncrypted: false, proxy.Port, "at least 0.9; goal 1.1");
        yield return await GetAsync("smb.get.signed", server, isEncrypted: false, "at least 0.8; goal 1.0");
        yield return await GetAsync("smb.get.encrypted", server, isEncrypted: true, "at least 0.75; goal 1.0");
    }

    private static async Task<Row> PutAsync(string row, SambaServer server, string source, bool isEncrypted, int port, string bound)
    {
        await using var link = await SmbLink.ConnectAsync(port, isEncrypted);
        await using var client = SmbClientSession.Start(server, SambaAccount.Administrator, SambaServer.ShareName, isEncrypted, port);
        var piece = new byte[SmbLink.Piece];
        var (ours, peer) = await Peers.CompareAsync(WarmUps, Pairs, OursAsync, PeerAsync);
        return new(row, ours, peer, $"MiB/s, {link.Security.Signing}{(isEncrypted ? $", {link.Security.Encryption}" : string.Empty)}, and smbclient", bound);

        // Either makes a new file: what an old one had is given back outside the time.
        async Task<double> OursAsync()
        {
            File.Delete(Path.Combine(server.ShareFolder, "ours.bin"));
            var start = Stopwatch.GetTimestamp();
            await link.PutAsync(source, "ours.bin", piece);
            return MiB / Stopwatch.GetElapsedTime(start).TotalSeconds;
        }

        async Task<double> PeerAsync()
        {
            File.Delete(Path.Combine(server.ShareFolder, "peer.bin"));
            return MiB / (await client.PutAsync(source, "peer.bin")).TotalSeconds;
        }
    }

    private static async Task<Row> GetAsync(string row, SambaServer server, bool isEncrypted, string bound)
    {
        await using var link = await SmbLink.ConnectAsync(server.Port, isEncrypted);
        await using var client = SmbClientSession.Start(server, SambaAccount.Administrator, SambaServer.ShareName, isEncrypted);
        var piece = new byte[SmbLink.Piece];
        var (ours, peer) = await Peers.CompareAsync(WarmUps, Pairs, OursAsync, async () => MiB / (await client.GetAsync(Stored, "/dev/null")).TotalSeconds);
        return new(row, ours, peer, $"MiB/s, {link.Security.Signing}{(isEncrypted ? $", {link.Security.Encryption}" : string.Empty)}, and smbclient", bound);

        async Task<double> OursAsync()
        {
            var start = Stopwatch.GetTimestamp();
            var length = await link.GetAsync(Stored, piece);
            return length == Length ? MiB / Stopwatch.GetElapsedTime(start).TotalSeconds : throw new InvalidOperationException($"{length} bytes came");
        }
    }

    // A session of the product, which reads how often the target was started, and a tool that reads the same value. The services behind the pipe run by then.
    private static async Task<Row> ConnectAsync(SambaServer server)
    {
        var rpc = new NetRpc(server, SambaAccount.Administrator);
        var (ours, peer) = await Peers.CompareAsync(WarmUps, Pairs, OursAsync, PeerAsync);
        return new("smb.connect", ours, peer, "ms until the first value of the registry, and net rpc registry", "at most 1.0");

        async Task<double> OursAsync()
        {
            var start = Stopwatch.GetTimestamp();
            await using (var session = await SmbLink.ConnectSessionAsync(server.Port))
            {
                var facts = SmbLink.Value(await session.GetCapability<IFactsCapability>()!.ReadFactsAsync(FactKinds.Boot, CancellationToken.None));
                if (!facts.Boot.IsKnown)
                {
                    throw new InvalidOperationException(facts.Boot.ToString());
                }
            }

            return Stopwatch.GetElapsedTime(start).TotalMilliseconds;
        }

        async Task<double> PeerAsync()
        {
            var start = Stopwatch.GetTimestamp();
            var value = await rpc.GetValueAsync(@"HKLM\SYSTEM\CurrentControlSet\Control\Session Manager\Memory Management\PrefetchParameters", "BootId");
            var elapsed = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
            value.Required("net rpc registry getvalue");
            return elapsed;
        }
    }

    private static async Task<double> AllocationAsync(int port)
    {
        double worst = 0;
        var piece = new byte[SmbLink.Piece];
        foreach (var isEncrypted in new[] { false, true })
        {
            await using var link = await SmbLink.ConnectAsync(port, isEncrypted);
            foreach (var transfer in new[] { () => link.WriteAsync("allocation.bin", Length, piece), () => link.GetAsync(Stored, piece) })
            {
                await transfer();
                await transfer();
                var before = GC.GetTotalAllocatedBytes(precise: true);
                await transfer();
                worst = Math.Max(worst, (GC.GetTotalAllocatedBytes(precise: true) - before) / (double)MiB);
            }
        }

        return worst;
    }
}
