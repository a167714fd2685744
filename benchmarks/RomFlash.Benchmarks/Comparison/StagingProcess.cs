using System.Globalization;
using System.Security.Cryptography;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Transports;

namespace RomFlash.Benchmarks.Comparison;

/// <summary>Stages 256 MiB on a target in a process of its own, and tells how much more memory than idle that took.</summary>
internal static class StagingProcess
{
    private const int Length = 256 << 20;
    private const int Runs = 3;

    private const string Smb = "smb";
    private const string Ssh = "ssh";

    /// <summary>Connects, then stages as the pipeline does: a chunk is made while the last one is on its way, and the copy is verified as usual. Prints the number of MiB.</summary>
    public static async Task<int> RunAsync(string[] where)
    {
        await using var session = await ConnectAsync(where);
        var deposits = session.GetCapability<IDepositCapability>()!;
        var file = new DepositFile("romflash-00.bin", Length, Digest(deposits.Traits.PreferredWriteBytes), "system");
        var claims = session.GetCapability<IClaimCapability>()!;
        var claim = SmbLink.Value(await claims.AcquireClaimAsync(new("benchmark"), CancellationToken.None));
        var manifest = new DepositManifest("benchmark-1", claim.Generation, [file]);
        var before = ProcessMemory.Begin();
        await StageAsync(deposits, manifest);
        Console.WriteLine((ProcessMemory.Peak() - before).ToString(CultureInfo.InvariantCulture));
        SmbLink.Value(await deposits.DiscardDepositAsync(manifest.Id, manifest.Generation, CancellationToken.None));
        SmbLink.Value(await claims.ReleaseClaimAsync(claim, CancellationToken.None));
        return 0;
    }

    /// <summary>The most that any of several runs took, on a share.</summary>
    public static Task<double> MeasureSmbAsync(int port) => MeasureAsync(Smb, port.ToString(CultureInfo.InvariantCulture));

    /// <summary>The most that any of several runs took, on a Linux target.</summary>
    public static Task<double> MeasureSshAsync(string configuration, string root, int port) => MeasureAsync(Ssh, configuration, root, port.ToString(CultureInfo.InvariantCulture));

    private static async Task<double> MeasureAsync(params string[] where)
    {
        double most = 0;
        for (var run = 0; run < Runs; run++)
        {
            most = Math.Max(most, double.Parse(await Peers.OutputAsync(["dotnet", typeof(StagingProcess).Assembly.Location, "staging", .. where]), CultureInfo.InvariantCulture));
        }

        return most;
    }

    private static Task<ITargetSession> ConnectAsync(string[] where) => where switch
    {
        [Smb, var port] => SmbLink.ConnectSessionAsync(int.Parse(port, CultureInfo.InvariantCulture)),
        [Ssh, var configuration, var root, var port] => SshLink.ConnectSessionAsync(configuration, root, int.Parse(port, CultureInfo.InvariantCulture)),
        _ => throw new ArgumentException("staging is on a share or on a Linux target", nameof(where)),
    };

    private static async Task StageAsync(IDepositCapability deposits, DepositManifest manifest)
    {
        await using var deposit = SmbLink.Value(await deposits.OpenDepositAsync(manifest, CancellationToken.None));
        var (chunk, other) = (new byte[deposits.Traits.PreferredWriteBytes], new byte[deposits.Traits.PreferredWriteBytes]);
        Task? write = null;
        for (long offset = 0; offset < Length; offset += chunk.Length)
        {
            Fill(chunk, offset);
            await (write ?? Task.CompletedTask);
            write = WriteAsync(deposit, offset, chunk);
            (chunk, other) = (other, chunk);
        }

        await write!;
        SmbLink.Value(await deposit.CommitAsync(CancellationToken.None));
        var digest = deposits.Traits.Usual is VerificationMethod.DigestOnTarget ? SmbLink.Value(await deposit.DigestOnTargetAsync(0, CancellationToken.None)) : await ReadBackAsync(deposit, chunk);
        if (digest != manifest.Files[0].Sha256)
        {
            throw new InvalidOperationException("the copy is another one");
        }
    }

    private static async Task<ContentDigest> ReadBackAsync(IDeposit deposit, byte[] chunk)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        for (long offset = 0; offset < Length;)
        {
            var read = SmbLink.Value(await deposit.ReadBackAsync(0, offset, chunk, CancellationToken.None));
            hash.AppendData(chunk.AsSpan(0, read));
            offset += read > 0 ? read : throw new InvalidOperationException("the copy is too short");
        }

        return new(hash.GetHashAndReset());
    }

    private static async Task WriteAsync(IDeposit deposit, long offset, byte[] chunk) =>
        SmbLink.Value(await deposit.WriteAsync(0, offset, chunk.AsMemory(0, (int)Math.Min(chunk.Length, Length - offset)), CancellationToken.None));

    // Made, not read: an image in memory or in a file's cache is not what staging takes.
    private static void Fill(byte[] chunk, long offset) => new Random((int)(offset >> 12)).NextBytes(chunk);

    private static ContentDigest Digest(int chunkLength)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var chunk = new byte[chunkLength];
        for (long offset = 0; offset < Length; offset += chunkLength)
        {
            Fill(chunk, offset);
            hash.AppendData(chunk.AsSpan(0, (int)Math.Min(chunkLength, Length - offset)));
        }

        return new(hash.GetHashAndReset());
    }
}
