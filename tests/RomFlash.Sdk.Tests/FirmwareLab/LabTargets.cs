using System.Globalization;
using RomFlash.Peers.Firmware;
using RomFlash.Peers.Samba;
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
        try
        {
            await target.StartAsync(new LabFacts(1, 1, null));
            return target;
        }
        catch
        {
            await target.DisposeAsync();
            throw;
        }
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
                { "id": "system", "kind": "system-rom", "firmwareClass": "{{FirmwareBuild.SystemClass}}", "versions": { "smbios": "{{VirtualLinux.Smbios(facts.System)}}", "esrt": "0x{{VirtualLinux.Packed(facts.System):x8}}" }{{attempt}} },
                { "id": "array-0", "kind": "array-controller", "firmwareClass": "{{FirmwareBuild.ArrayClass}}", "versions": { "esrt": "0x{{VirtualLinux.Packed(facts.Array):x8}}" } }
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
        SmbTarget? samba = null;
        try
        {
            samba = await SmbTarget.StartAsync(takesCapsuleFiles: kind is FirmwareKind.TakesAnyFile);
            var target = new SmbLabTarget(board, samba);
            await samba.Server.ImportAsync(target.Registry(new(1, 1, null)));
            return target;
        }
        catch
        {
            await (samba?.DisposeAsync() ?? ValueTask.CompletedTask);
            await board.DisposeAsync();
            throw;
        }
    }

    protected override Task StopAsync() => _target.Server.KillAsync();

    protected override async Task StartAsync(LabFacts facts)
    {
        await _target.Server.RestartAsync();
        await _target.Server.ImportAsync(Registry(facts));
    }

    protected override ValueTask CloseAsync() => _target.DisposeAsync();

    private SambaRegistry Registry(LabFacts facts) => new SambaRegistry()
        .WithIdentity("HPE", SmbTarget.Product, "868703-B21", VirtualLinux.Smbios(facts.System))
        .WithBootId(_boots++)
        .WithFirmware(FirmwareBuild.SystemClass, 1, VirtualLinux.Packed(facts.System), 0, facts.Attempt is null ? 0 : VirtualLinux.Packed(9), facts.Attempt is { } status ? LabAttempts.ToTable(status) : 0);
}

/// <summary>Reached by a private sshd on a staged machine.</summary>
internal sealed class SshLabTarget : LabTarget
{
    private readonly VirtualLinux _linux;

    private SshLabTarget(VirtualLinux linux)
        : base(linux.Board) => _linux = linux;

    public override string Name => "ssh";

    public override string Address => SshTarget.AddressAt(_linux.Server.Port);

    public override ITransport Transport =>
        new SshTransport(new SshTransportOptions { ConfigurationFile = _linux.Server.ClientConfiguration, FactRoot = _linux.Root.Path, ShutdownProgram = _linux.Root.ShutdownProgram });

    public override string Tree => _linux.Root.SystemPartition;

    public override bool IsRestartAsked => _linux.Root.PendingShutdown is not null;

    public static async Task<SshLabTarget> StartAsync(FirmwareKind kind = FirmwareKind.NeedsIndications, FirmwareSigner? trusts = null, bool hasArray = false) => new(await VirtualLinux.StartAsync(kind, trusts, hasArray));

    public override Task<IReadOnlyList<BoardBoot>> BootAsync(Func<bool>? cut = null) => _linux.RestartAsync(cut);

    public override Task<IReadOnlyList<BoardBoot>> PowerOnAsync(Func<bool>? cut = null) => _linux.PowerOnAsync(cut);

    protected override Task StopAsync() => _linux.Server.KillAsync();

    protected override Task StartAsync(LabFacts facts) => _linux.Server.RestartAsync();

    protected override ValueTask CloseAsync() => _linux.Server.DisposeAsync();
}
