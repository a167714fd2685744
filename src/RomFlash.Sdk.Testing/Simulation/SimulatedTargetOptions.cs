using System.Collections.Immutable;
using RomFlash.Sdk.Probing;
using RomFlash.Sdk.Targets;
using RomFlash.Sdk.Transports;

namespace RomFlash.Sdk.Testing.Simulation;

/// <summary>An account of a simulated target.</summary>
public sealed class SimulatedAccount
{
    /// <summary>Creates an account.</summary>
    /// <param name="userName">The name, compared without regard to case.</param>
    /// <param name="password">The password of the simulated account.</param>
    /// <param name="isAdministrator">Whether it has administrative rights.</param>
    public SimulatedAccount(string userName, string password, bool isAdministrator = true)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(userName);
        ArgumentNullException.ThrowIfNull(password);
        UserName = userName;
        Password = password;
        IsAdministrator = isAdministrator;
    }

    /// <summary>The name.</summary>
    public string UserName { get; }

    /// <summary>Whether it has administrative rights.</summary>
    public bool IsAdministrator { get; }

    /// <summary>What signing in as it is answered with, or null to let it in when the password is right.</summary>
    public TransportFaultKind? Refusal { get; init; }

    internal string Password { get; }

    /// <summary>The name; the password is not shown.</summary>
    /// <returns><see cref="UserName"/>.</returns>
    public override string ToString() => UserName;
}

/// <summary>A ROM that a simulated target is built with.</summary>
/// <param name="Id">The id, unique on the target.</param>
/// <param name="Rom">What it holds. Decides the kind, the firmware class and the PCI ids of the slot.</param>
public sealed record SimulatedRomSlot(string Id, SimulatedRom Rom)
{
    /// <summary>A name for people. May be hostile.</summary>
    public string Name { get; init; } = string.Empty;

    /// <summary>Which sources tell its version: a subset of SMBIOS, device, Redfish (text) and ESRT (number). Empty: nobody tells.</summary>
    public ImmutableArray<FactSource> Sources { get; init; } =
        [Rom.Kind == Images.RomKind.SystemRom ? FactSource.Smbios : FactSource.Device, FactSource.Esrt];
}

/// <summary>What becomes of a target that loses power while it flashes.</summary>
public enum SimulatedPowerLossEnding
{
    /// <summary>It never answers again.</summary>
    StaysDark = 0,

    /// <summary>It comes back, says that it is in recovery, and tells no versions.</summary>
    SaysRecovery,
}

/// <summary>What a simulated target is.</summary>
public sealed record SimulatedTargetOptions
{
    /// <summary>The name: the host in <c>sim://name</c>. Lower-case letters, digits and hyphens.</summary>
    public required string Name { get; init; }

    /// <summary>The ROMs; ids are distinct.</summary>
    public required ImmutableArray<SimulatedRomSlot> Roms { get; init; }

    /// <summary>Images whose bytes are shared: a deposit of the same content refers to them instead of holding a copy. Those in <see cref="Roms"/> are known anyway.</summary>
    public ImmutableArray<SimulatedRom> KnownImages { get; init; } = [];

    /// <summary>Which machine it is, or null for one that follows from the name.</summary>
    public TargetIdentity? Identity { get; init; }

    /// <summary>What kind of machine it is beyond its identity, or null for one that does not tell.</summary>
    public HardwareDescription? Hardware { get; init; }

    /// <summary>What it is like.</summary>
    public SimulatedPersona Persona { get; init; } = SimulatedPersona.Ordinary;

    /// <summary>The system partition. The free bytes are those of an empty partition: deposits and armed files are subtracted.</summary>
    public SystemPartition SystemPartition { get; init; } = new()
    {
        Location = "EFI system partition",
        FileSystem = "vfat",
        TotalBytes = 536_870_912,
        FreeBytes = 402_653_184,
        HasEfiDirectory = true,
        IsBootVolume = true,
        IsReadOnly = false,
    };

    /// <summary>What speaks for or against a flash.</summary>
    public TargetReadiness Readiness { get; init; } = new()
    {
        PendingReboot = false,
        ExternalPower = true,
        BatterySufficient = true,
        DiskEncryptionSealed = false,
        Healthy = true,
        InRecovery = false,
    };

    /// <summary>The accounts. Without any, whoever comes is an administrator; with some, only a password lets one in.</summary>
    public ImmutableArray<SimulatedAccount> Accounts { get; init; } = [];

    /// <summary>The services that the facts tell of.</summary>
    public ImmutableArray<ServiceFact> Services { get; init; } = [new("RemoteRegistry", true)];

    /// <summary>How long a boot takes, flash included. With zero the target never misses a call: it boots within the operation that finds the restart due.</summary>
    public TimeSpan BootDuration { get; init; } = TimeSpan.FromSeconds(90);

    /// <summary>How long after arming a target that flashes at once restarts by itself.</summary>
    public TimeSpan OwnRebootDelay { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>How long a target writes after arming, when its persona does so before the restart.</summary>
    public TimeSpan WriteDuration { get; init; } = TimeSpan.FromSeconds(45);

    /// <summary>What connecting is answered with while the target boots or stays dark.</summary>
    public TransportFaultKind WhenAway { get; init; } = TransportFaultKind.Refused;

    /// <summary>Whether a restart that is not forced is refused, because a program objects.</summary>
    public bool RebootNeedsForce { get; init; }

    /// <summary>How the flasher writes, in bytes for each block.</summary>
    public int BlockLength { get; init; } = 4096;

    /// <summary>Before which block, counted from 0 over all ROMs of one boot, the next flash loses power; null for never.</summary>
    public int? PowerLossAtBlock { get; init; }

    /// <summary>What becomes of the target then.</summary>
    public SimulatedPowerLossEnding PowerLossEnding { get; init; }

    /// <summary>The largest write in bytes.</summary>
    public int MaxWriteBytes { get; init; } = 1 << 20;

    /// <summary>Whether <see cref="SimulatedTarget.History"/> and <see cref="SimulatedTarget.OperationLog"/> are kept. Off for benchmarks.</summary>
    public bool KeepsHistory { get; init; } = true;
}
