using RomFlash.Peers.Ssh;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Targets;
using RomFlash.Sdk.Testing.Simulation;
using RomFlash.Sdk.Tests.Pipeline;
using RomFlash.Sdk.Transports;
using RomFlash.Sdk.Transports.Ssh;

namespace RomFlash.Sdk.Tests.Transports.Ssh;

/// <summary>A private sshd on a machine whose firmware, system partition and shutdown are staged in a folder.</summary>
internal sealed class SshTarget : IAsyncDisposable
{
    private SshTarget(SshServer server, LinuxRoot root)
    {
        Server = server;
        Root = root;
    }

    public SshServer Server { get; }

    public LinuxRoot Root { get; }

    public string Address => AddressAt(Server.Port);

    public SshTransportOptions Options => new() { ConfigurationFile = Server.ClientConfiguration, FactRoot = Root.Path, ShutdownProgram = Root.ShutdownProgram };

    public static string AddressAt(int port, string path = "/boot/efi") => $"ssh://127.0.0.1:{port}{path}";

    public static async Task<SshTarget> StartAsync(LinuxRootOptions? options = null, SshServerOptions? server = null, SimulatedRom? rom = null)
    {
        var sshd = await SshServer.StartAsync(server ?? new());
        var runs = rom ?? Bench.OldSystem;
        try
        {
            return new(sshd, await LinuxRoot.CreateAsync(sshd, (options ?? new()) with
            {
                BiosVersion = runs.Version.Text,
                SystemFirmware = new(Bench.SystemClass, 1, runs.PackedVersion, 0x0001_0000),
            }));
        }
        catch
        {
            await sshd.DisposeAsync();
            throw;
        }
    }

    /// <summary>What a capsule of this ROM makes of the machine.</summary>
    public static LinuxFlash Flash(SimulatedRom rom, uint status = 0) => new(rom.PackedVersion, rom.Version.Text, status);

    public async Task<ITargetSession> ConnectAsync(SshTransportOptions? options = null, string? address = null)
    {
        var connected = await new SshTransport(options ?? Options).ConnectAsync(Request(address ?? Address), CancellationToken.None);
        return connected.TryGetValue(out var session, out var fault) ? session : throw new InvalidOperationException(fault.ToString());
    }

    public static TransportConnectRequest Request(string address, TargetCredentials? credentials = null) =>
        new(TargetEndpoint.TryCreate(address).GetValueOrThrow(), credentials ?? TargetCredentials.CurrentUser, TimeProvider.System);

    /// <summary>Makes the partition empty but for its EFI folder, and disarms it.</summary>
    public void Wipe()
    {
        var efi = Path.Combine(Root.SystemPartition, "EFI");
        System.IO.Directory.Delete(efi, recursive: true);
        System.IO.Directory.CreateDirectory(efi);
        Root.SetVariable("OsIndications", null);
    }

    /// <summary>It is not armed, and has no file of a deposit's.</summary>
    public void AssertNothingIsLeft()
    {
        Assert.False(Root.IsArmed);
        Assert.Empty(Root.CapsuleFiles);
        Assert.Equal(["generation.json", "holder", "lock"], System.IO.Directory.EnumerateFileSystemEntries(Root.RomFlashFolder).Select(Path.GetFileName).Order(StringComparer.Ordinal));
    }

    public ValueTask DisposeAsync() => Server.DisposeAsync();
}
