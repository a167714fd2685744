using RomFlash.Peers.Samba;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Targets;
using RomFlash.Sdk.Testing.Simulation;
using RomFlash.Sdk.Tests.Pipeline;
using RomFlash.Sdk.Transports;
using RomFlash.Sdk.Transports.Smb;

namespace RomFlash.Sdk.Tests.Transports.Smb;

/// <summary>A private Samba that looks like a Windows server: its registry tells of a machine, its share is a system partition.</summary>
internal sealed class SmbTarget : IAsyncDisposable
{
    public const string Product = "ProLiant DL380 Gen10";
    public const string Controller = "VEN_103C&DEV_3239&SUBSYS_21CB103C&REV_01";

    private uint _boots = 7;

    private SmbTarget(SambaServer server) => Server = server;

    public static Guid Uuid { get; } = new("00112233-4455-6677-8899-aabbccddeeff");

    public SambaServer Server { get; }

    public string Efi => Path.Combine(Server.ShareFolder, "EFI");

    public string Capsules => Path.Combine(Efi, "UpdateCapsule");

    public string RomFlash => Path.Combine(Efi, "RomFlash");

    public string Address => AddressAt(Server.Port);

    public static string AddressAt(int port, string share = SambaServer.ShareName) => $"smb://127.0.0.1:{port}/{share}";

    public static async Task<SmbTarget> StartAsync(SambaOptions? options = null, bool takesCapsuleFiles = true, SimulatedRom? rom = null)
    {
        var registry = Machine(rom ?? Bench.OldSystem, 7);
        if (takesCapsuleFiles)
        {
            registry.WithText(@"HKLM\SOFTWARE\RomFlash.Sdk", "Arming", "capsule-file-only");
        }

        return new(await SambaServer.StartAsync((options ?? new()) with { Registry = registry }));
    }

    public static SambaRegistry Machine(SimulatedRom rom, uint boots) => new SambaRegistry()
        .WithIdentity("HPE", Product, "868703-B21", rom.Version.Text)
        .WithHardwareId(Uuid)
        .WithBootId(boots)
        .WithFirmware(Bench.SystemClass, 1, rom.PackedVersion, lowestSupported: 0x0001_0000)
        .WithPciDevice(Controller, "4&1a2b&0&00E0", "@oem12.inf,%desc%;Smart Array P410i", "hpsa", @"PCI\" + Controller, @"PCI\VEN_103C&DEV_3239&CC_010400")
        .WithPciDevice("VEN_8086&DEV_10D3&SUBSYS_00000000&REV_00", "3&11583659&0&10", "Network adapter", "e1i68x64", @"PCI\VEN_8086&DEV_10D3&CC_020000");

    public static TargetCredentials Credentials(SambaAccount? account = null) =>
        TargetCredentials.Password((account ?? SambaAccount.Administrator).Name, new Secret((account ?? SambaAccount.Administrator).Password));

    public static TransportConnectRequest Request(string address, SambaAccount? account = null) =>
        new(TargetEndpoint.TryCreate(address).GetValueOrThrow(), Credentials(account), TimeProvider.System);

    public async Task<ITargetSession> ConnectAsync(SambaAccount? account = null, SmbTransport? transport = null, string? address = null)
    {
        var request = Request(address ?? Address, account);
        using (request.Credentials)
        {
            return (await (transport ?? new SmbTransport()).ConnectAsync(request, CancellationToken.None)).TryGetValue(out var session, out var fault) ? session : throw new InvalidOperationException(fault.ToString());
        }
    }

    /// <summary>Makes the share empty but for its EFI folder.</summary>
    public void Wipe()
    {
        System.IO.Directory.Delete(Efi, recursive: true);
        System.IO.Directory.CreateDirectory(Efi);
    }

    /// <summary>What firmware does, and then Windows: the capsules are taken, the registry tells what runs now, and boots are one more.</summary>
    public async Task PlayBootAsync(SimulatedRom? rom, uint attemptStatus = 0)
    {
        foreach (var capsule in System.IO.Directory.Exists(Capsules) ? System.IO.Directory.GetFiles(Capsules) : [])
        {
            File.Delete(capsule);
        }

        var registry = new SambaRegistry().WithBootId(++_boots);
        if (rom is not null)
        {
            registry.WithIdentity("HPE", Product, "868703-B21", rom.Version.Text).WithFirmware(Bench.SystemClass, 1, rom.PackedVersion, lowestSupported: 0x0001_0000, rom.PackedVersion, attemptStatus);
        }

        await Server.ImportAsync(registry);
    }

    public ValueTask DisposeAsync() => Server.DisposeAsync();
}
