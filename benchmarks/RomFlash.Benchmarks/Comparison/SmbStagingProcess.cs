using System.Globalization;
using System.Security.Cryptography;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Transports;

namespace RomFlash.Benchmarks.Comparison;

/// <summary>Stages 256 MiB on a share in a process of its own, and tells how much more memory than idle that took.</summary>
internal static class SmbStagingProcess
{
    private const int Length = 256 << 20;

    /// <summary>Connects, then stages as the pipeline does: a chunk is made while the last one is on its way, and all is read back. Prints the number of MiB.</summary>
    public static async Task<int> RunAsync(string port)
    {
        await using var session = await SmbLink.ConnectSessionAsync(int.Parse(port, CultureInfo.InvariantCulture));
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

    public static async Task<double> MeasureAsync(int port) =>
        double.Parse(await Peers.OutputAsync("dotnet", typeof(SmbStagingProcess).Assembly.Location, "smb-staging", port.ToString(CultureInfo.InvariantCulture)), CultureInfo.InvariantCulture);

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
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        for (long offset = 0; offset < Length;)
        {
            var read = SmbLink.Value(await deposit.ReadBackAsync(0, offset, chunk, CancellationToken.None));
            hash.AppendData(chunk.AsSpan(0, read));
            offset += read > 0 ? read : throw new InvalidOperationException("the copy is too short");
        }

        if (new ContentDigest(hash.GetHashAndReset()) != manifest.Files[0].Sha256)
        {
            throw new InvalidOperationException("the copy is another one");
        }
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
