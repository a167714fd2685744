using System.Diagnostics;
using RomFlash.Sdk.Targets;
using RomFlash.Sdk.Transports;
using RomFlash.Sdk.Transports.Redfish;

namespace RomFlash.Benchmarks.Comparison;

/// <summary>The rows of Redfish: an upload of 64 MiB beside curl's to the same service.</summary>
internal static class RedfishRows
{
    private const int Chunk = 256 << 10;
    private const int WarmUps = 2;
    private const int Pairs = 15;

    public static async IAsyncEnumerable<Row> MeasureAsync()
    {
        var image = RedfishFaceProcess.NewImage();
        var manifest = new DepositManifest("benchmark-1", 0, [new("romflash-00.bin", image.Content.Length, image.Sha256, "system")]);
        var file = Path.GetTempFileName();
        await File.WriteAllBytesAsync(file, image.Content.ToArray());
        image = null;
        var spare = Path.GetTempFileName();
        await File.WriteAllBytesAsync(spare, RedfishFaceProcess.WarmUpImage().Content.ToArray());
        double memory = 0;
        try
        {
            var (ours, peer) = await Peers.CompareAsync(WarmUps, Pairs, OursAsync, CurlAsync);
            yield return new("redfish.push", ours, peer, "ms, a multipart upload of 64 MiB and curl -F", "at most 1.0");
            yield return new("redfish.push.memory", memory, null, "MiB above idle, the largest of all runs", "at most 16");
        }
        finally
        {
            File.Delete(file);
            File.Delete(spare);
        }

        async Task<double> OursAsync()
        {
            await using var face = await RedfishFaceProcess.StartAsync();
            await WarmUpAsync(face);
            using var credentials = TargetCredentials.Password(RedfishFaceProcess.User, new Secret(RedfishFaceProcess.Password));
            var endpoint = TargetEndpoint.TryCreate($"redfish://{face.Authority}?sha256={face.Fingerprint}").GetValueOrThrow();
            await using var session = Value(await new RedfishTransport().ConnectAsync(new(endpoint, credentials, TimeProvider.System), CancellationToken.None));
            await using var deposit = Value(await session.GetCapability<IDepositCapability>()!.OpenDepositAsync(manifest, CancellationToken.None));
            await using var stream = File.OpenRead(file);
            var buffer = new byte[Chunk];
            var before = ProcessMemory.Begin();
            var start = Stopwatch.GetTimestamp();
            for (long offset = 0; offset < stream.Length;)
            {
                var read = await stream.ReadAtLeastAsync(buffer, Chunk, throwOnEndOfStream: false);
                Value(await deposit.WriteAsync(0, offset, buffer.AsMemory(0, read), CancellationToken.None));
                offset += read;
            }

            Value(await deposit.CommitAsync(CancellationToken.None));
            var elapsed = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
            memory = Math.Max(memory, ProcessMemory.Peak() - before);
            return elapsed;
        }

        async Task<double> CurlAsync()
        {
            await using var face = await RedfishFaceProcess.StartAsync();
            await WarmUpAsync(face);

            // Its start-up is not what is compared; the connection is part of either.
            var start = await Peers.TimeAsync("curl", "--version");
            return await Peers.TimeAsync(Upload(face, "system", file)) - start;
        }

        async Task WarmUpAsync(RedfishFaceProcess face) => await Peers.TimeAsync(Upload(face, "spare", spare));

        static string[] Upload(RedfishFaceProcess face, string component, string path) =>
        [
            "curl", "--silent", "--show-error", "--fail", "--insecure", "--user", $"{RedfishFaceProcess.User}:{RedfishFaceProcess.Password}",
            "--form", $"UpdateParameters={{\"Targets\":[\"/redfish/v1/UpdateService/FirmwareInventory/{component}\"],\"@Redfish.OperationApplyTime\":\"OnReset\"}};type=application/json",
            "--form", $"UpdateFile=@{path};type=application/octet-stream",
            $"https://{face.Authority}/redfish/v1/UpdateService/MultipartUpload",
        ];
    }

    private static T Value<T>(TransportResult<T> result)
        where T : notnull => result.TryGetValue(out var value, out var fault) ? value : throw new InvalidOperationException(fault.ToString());
}
