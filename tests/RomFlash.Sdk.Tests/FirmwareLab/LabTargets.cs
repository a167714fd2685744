using System.Globalization;
using RomFlash.Peers.Firmware;
using RomFlash.Peers.Samba;
using RomFlash.Peers.Ssh;
using RomFlash.Sdk.Targets;
using RomFlash.Sdk.Tests.Transports.Smb;
using RomFlash.Sdk.Tests.Transports.Ssh;
using RomFlash.Sdk.Transports;
using RomFlash.Sdk.Transports.Directory;
using RomFlash.Sdk.Transports.Smb;
using RomFlash.Sdk.Transports.Ssh;

namespace RomFlash.Sdk.Tests.FirmwareLab;

/// <summary>The status of the last attempt as an operating system's table has it (UEFI 2.10, 23.4), of what a capsule's result says (UEFI 2.10, appendix D).</summary>
internal static class LabAttempts
{
    private const ulong SecurityViolation = 0x8000_0000_0000_001A;

    public static uint ToTable(ulong status) => status switch { 0 => 0, SecurityViolation => 5, _ => 1 };
}

/// <summary>Reached as a folder; what the machine tells is written beside it. Nobody asks for a restart, and nobody sets a variable.</summary>
internal sealed class DirectoryLabTarget : LabTarget
{
    private int _boots = 1;

    private DirectoryLabTarget(VirtualBoard board)
        : base(board) => System.IO.Directory.CreateDirectory(Path.Combine(Tree, "EFI"));

    public override string Name => "dir";

    public override string Address => "dir:" + Tree;

    public override ITransport Transport { get; } = new DirectoryTransport();

    public override TargetCredentials Credentials => TargetCredentials.None;

    public override string Tree => Path.Combine(Board.Folder, "esp");

    public override bool Restarts => false;

    public static async Task<DirectoryLabTarget> StartAsync(FirmwareKind kind)
    {
        var target = new DirectoryLabTarget(await VirtualBoard.CreateAsync(FirmwareBuild.Load(kind)));
        await target.StartAsync(new LabFacts(1, 1, null));
        return target;
    }

    protected override Task StopAsync() => Task.CompletedTask;

    protected override async Task StartAsync(LabFacts facts)
    {
        var attempt = facts.Attempt is { } status ? string.Create(CultureInfo.InvariantCulture, $", \"lastAttempt\": {{ \"status\": {LabAttempts.ToTable(status)} }}") : string.Empty;
        await File.WriteAllTextAsync(Tree + ".facts.json", string.Create(CultureInfo.InvariantCulture, $$"""
            {
              "identity": { "smbiosUuid": "00112233-4455-6677-8899-aabbccddeeff", "serialNumber": "CZ1234", "manufacturer": "Contoso", "product": "Lab" },
              "boot": "boot-{{_boots++}}",
              "roms": [
                { "id": "system", "kind": "system-rom", "firmwareClass": "{{FirmwareBuild.SystemClass}}", "versions": { "smbios": "{{LabRoms.Smbios(facts.System)}}", "esrt": "0x{{LabRoms.Packed(facts.System):x8}}" }{{attempt}} },
                { "id": "array-0", "kind": "array-controller", "firmwareClass": "{{FirmwareBuild.ArrayClass}}", "versions": { "esrt": "0x{{LabRoms.Packed(facts.Array):x8}}" } }
              ],
              "systemPartition": { "fileSystem": "vfat", "totalBytes": 536870912, "freeBytes": 500000000, "isBootVolume": true, "isReadOnly": false },
              "account": "administrator",
              "readiness": { "pendingReboot": false, "externalPower": true, "batterySufficient": true, "diskEncryptionSealed": false, "healthy": true, "inRecovery": false }{{(Board.Firmware.Kind is FirmwareKind.TakesAnyFile ? ",\n\"arming\": [\"capsule-file-only\"]" : string.Empty)}}
            }
            """));
    }

    protected override ValueTask CloseAsync() => ValueTask.CompletedTask;
}

/// <summary>Reached as a share of a private Samba, whose registry tells what a Windows server's does.</summary>
internal sealed class SmbLabTarget : LabTarget
{
    private readonly SmbTarget _target;
    private uint _boots = 7;

    private SmbLabTarget(VirtualBoard board, SmbTarget target)
        : base(board) => _target = target;

    public override string Name => "smb";

    public override string Address => _target.Address;

    public override ITransport Transport { get; } = new SmbTransport();

    public override TargetCredentials Credentials => SmbTarget.Credentials();

    public override string Tree => _target.Server.ShareFolder;

    public override bool IsRestartAsked => _target.Server.ShutdownRequests.Any(r => !r.IsAbort);

    public static async Task<SmbLabTarget> StartAsync(FirmwareKind kind)
    {
        var board = await VirtualBoard.CreateAsync(FirmwareBuild.Load(kind));
        var target = new SmbLabTarget(board, await SmbTarget.StartAsync(takesCapsuleFiles: kind is FirmwareKind.TakesAnyFile));
        await target._target.Server.ImportAsync(target.Registry(new(1, 1, null)));
        return target;
    }

    protected override Task StopAsync() => _target.Server.KillAsync();

    protected override async Task StartAsync(LabFacts facts)
    {
        await _target.Server.RestartAsync();
        await _target.Server.ImportAsync(Registry(facts));
    }

    protected override ValueTask CloseAsync() => _target.DisposeAsync();

    private SambaRegistry Registry(LabFacts facts) => new SambaRegistry()
        .WithIdentity("HPE", SmbTarget.Product, "868703-B21", LabRoms.Smbios(facts.System))
        .WithBootId(_boots++)
        .WithFirmware(FirmwareBuild.SystemClass, 1, LabRoms.Packed(facts.System), 0, facts.Attempt is null ? 0 : LabRoms.Packed(9), facts.Attempt is { } status ? LabAttempts.ToTable(status) : 0);
}

/// <summary>Reached by a private sshd on a staged machine, whose efivarfs is carried to the firmware's store and back, one to one.</summary>
internal sealed class SshLabTarget : LabTarget
{
    private readonly SshServer _server;
    private readonly LinuxRoot _root;

    private SshLabTarget(VirtualBoard board, SshServer server, LinuxRoot root)
        : base(board)
    {
        _server = server;
        _root = root;
    }

    public override string Name => "ssh";

    public override string Address => SshTarget.AddressAt(_server.Port);

    public SshServer Server => _server;

    public LinuxRoot Root => _root;

    public override ITransport Transport => new SshTransport(new SshTransportOptions { ConfigurationFile = _server.ClientConfiguration, FactRoot = _root.Path, ShutdownProgram = _root.ShutdownProgram });

    public override string Tree => _root.SystemPartition;

    public override bool IsRestartAsked => _root.PendingShutdown is not null;

    private string Efivars => _root.Combine("sys/firmware/efi/efivars");

    public static async Task<SshLabTarget> StartAsync(FirmwareKind kind = FirmwareKind.NeedsIndications, FirmwareSigner? trusts = null)
    {
        var board = await VirtualBoard.CreateAsync(FirmwareBuild.Load(kind), trusts);
        var server = await SshServer.StartAsync(new SshServerOptions());
        var root = await LinuxRoot.CreateAsync(server, new()
        {
            BiosVersion = LabRoms.Smbios(1),
            SystemFirmware = new(FirmwareBuild.SystemClass, 1, LabRoms.Packed(1), 0),
            TakesAnyFile = kind is FirmwareKind.TakesAnyFile,
            PartitionId = VirtualBoard.PartitionId,
        });
        root.SetFirmware(new(FirmwareBuild.ArrayClass, 2, LabRoms.Packed(1), 0));
        root.NameFirmware(FirmwareBuild.ArrayClass);
        return new(board, server, root);
    }

    protected override Task StopAsync() => _server.KillAsync();

    protected override async Task StartAsync(LabFacts facts)
    {
        // Nothing but what Linux does: another boot, no restart that is still to come, what the machine tells of itself. There is no attempt in this firmware's table.
        _root.PlayRestart();
        _root.Write("sys/class/dmi/id/bios_version", LabRoms.Smbios(facts.System) + "\n");
        _root.SetFirmware(_root.GetFirmware(FirmwareBuild.SystemClass)! with { Version = LabRoms.Packed(facts.System) });
        _root.SetFirmware(_root.GetFirmware(FirmwareBuild.ArrayClass)! with { Version = LabRoms.Packed(facts.Array) });
        await _server.RestartAsync();
    }

    protected override ValueTask CloseAsync() => _server.DisposeAsync();

    // Those that are stored; the others are what the firmware tells anew at each boot.
    protected override void GiveVariables() => Board.Variables =
    [
        .. System.IO.Directory.EnumerateFiles(Efivars).Select(Read).Where(v => (v.Attributes & 1) != 0).OrderBy(v => v.FileName, StringComparer.Ordinal),
    ];

    protected override void TakeVariables()
    {
        foreach (var file in System.IO.Directory.GetFiles(Efivars).Where(f => (Read(f).Attributes & 1) != 0))
        {
            File.Delete(file);
        }

        foreach (var variable in Board.Variables.Where(v => (v.Attributes & 4) != 0))
        {
            File.WriteAllBytes(Path.Combine(Efivars, variable.FileName), [.. BitConverter.GetBytes(variable.Attributes), .. variable.Value]);
        }
    }

    private static FirmwareVariable Read(string file)
    {
        var name = Path.GetFileName(file);
        var bytes = File.ReadAllBytes(file);
        return new(name[..^37], Guid.Parse(name[^36..]), BitConverter.ToUInt32(bytes), bytes[4..]);
    }
}
