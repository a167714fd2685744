using System.Diagnostics;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Testing;
using RomFlash.Sdk.Testing.Redfish;
using RomFlash.Sdk.Testing.Simulation;

namespace RomFlash.Benchmarks.Comparison;

/// <summary>A Redfish service in a process of its own, which ends with its standard input.</summary>
internal sealed class RedfishFaceProcess : IAsyncDisposable
{
    public const string User = "admin";
    public const string Password = "benchmark";

    private const int ImageLength = 64 << 20;
    private static readonly Guid SystemClass = new("11111111-2222-4333-8444-555555555555");

    private static readonly Guid SpareClass = new("66666666-7777-4888-8999-aaaaaaaaaaaa");

    private readonly Process _process;

    private RedfishFaceProcess(Process process, string authority, string fingerprint)
    {
        _process = process;
        Authority = authority;
        Fingerprint = fingerprint;
    }

    /// <summary>An image of 64 MiB that the service takes; the same each time.</summary>
    public static SimulatedRom NewImage() => SimulatedRom.Create(SystemClass, RomKind.SystemRom, "2.0", 0x0002_0000, ImageLength, seed: 2);

    /// <summary>A smaller image for another slot: the service's first upload is nobody's measure.</summary>
    public static SimulatedRom WarmUpImage() => SimulatedRom.Create(SpareClass, RomKind.ArrayController, "2.0", 0x0002_0000, ImageLength / 8, seed: 3);

    public string Authority { get; }

    public string Fingerprint { get; }

    /// <summary>Serves until standard input ends.</summary>
    public static async Task<int> ServeAsync()
    {
        var rack = new SimulatedRack(new SimulatedClock());
        var target = rack.Add(new()
        {
            Name = "server-1",
            Persona = RedfishFace.ControllerPersona,
            Roms = [new("system", SimulatedRom.Create(SystemClass, RomKind.SystemRom, "1.0", 0x0001_0000, 5000)), new("spare", SimulatedRom.Create(SpareClass, RomKind.ArrayController, "1.0", 0x0001_0000, 5000))],
            KnownImages = [NewImage(), WarmUpImage()],
            KeepsHistory = false,
        });
        var options = new RedfishFaceOptions { Accounts = [new(User, Password)], ApplyTimes = [RedfishApplyTime.OnReset] };
        await using var face = await RedfishFace.StartAsync(rack, target, options, CancellationToken.None);
        Console.WriteLine($"{face.Address.Host}:{face.Address.Port} {face.Fingerprint}");
        await Console.In.ReadToEndAsync();
        return 0;
    }

    public static async Task<RedfishFaceProcess> StartAsync()
    {
        var process = Process.Start(new ProcessStartInfo("dotnet", [typeof(RedfishFaceProcess).Assembly.Location, "redfish-face"]) { RedirectStandardInput = true, RedirectStandardOutput = true })
            ?? throw new InvalidOperationException("the service did not start");
        var line = (await process.StandardOutput.ReadLineAsync() ?? throw new InvalidOperationException("the service told no address")).Split(' ');
        return new(process, line[0], line[1]);
    }

    public async ValueTask DisposeAsync()
    {
        _process.StandardInput.Close();
        await _process.WaitForExitAsync();
        _process.Dispose();
    }
}
