using System.Globalization;

namespace RomFlash.Benchmarks.Comparison;

/// <summary>Writes 256 MiB to a share in a process of its own, and tells how much more memory than idle that took.</summary>
internal static class SmbStagingProcess
{
    private const int Length = 256 << 20;

    /// <summary>Connects, writes, and prints the number of MiB.</summary>
    public static async Task<int> RunAsync(string port)
    {
        await using var connection = await SmbLink.ConnectAsync(int.Parse(port, CultureInfo.InvariantCulture), isEncrypted: true);
        var before = ProcessMemory.Begin();
        var piece = new byte[SmbLink.Piece];
        new Random(1).NextBytes(piece);
        await connection.WriteAsync("staging.bin", Length, piece);
        Console.WriteLine((ProcessMemory.Peak() - before).ToString(CultureInfo.InvariantCulture));
        return 0;
    }

    public static async Task<double> MeasureAsync(int port) =>
        double.Parse(await Peers.OutputAsync("dotnet", typeof(SmbStagingProcess).Assembly.Location, "smb-staging", port.ToString(CultureInfo.InvariantCulture)), CultureInfo.InvariantCulture);
}
