using System.Collections.Immutable;
using RomFlash.Sdk.Targets;

namespace RomFlash.Sdk.Probing;

/// <summary>Which facts to read; a transport reads no more than asked for.</summary>
[Flags]
public enum FactKinds
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary><see cref="TargetFacts.Identity"/>.</summary>
    Identity = 1,

    /// <summary><see cref="TargetFacts.Roms"/>, with versions and last attempts.</summary>
    Roms = 2,

    /// <summary><see cref="TargetFacts.SystemPartition"/>.</summary>
    SystemPartition = 4,

    /// <summary><see cref="TargetFacts.Account"/>.</summary>
    Account = 8,

    /// <summary><see cref="TargetFacts.Services"/>.</summary>
    Services = 16,

    /// <summary><see cref="TargetFacts.Readiness"/>.</summary>
    Readiness = 32,

    /// <summary><see cref="TargetFacts.Boot"/>.</summary>
    Boot = 64,

    /// <summary><see cref="TargetFacts.Hardware"/>.</summary>
    Hardware = 128,

    /// <summary>All of them.</summary>
    All = Identity | Roms | SystemPartition | Account | Services | Readiness | Boot | Hardware,
}

/// <summary>The rights of the account that the session has.</summary>
public enum AccountRights
{
    /// <summary>The account is proved to have no administrative rights.</summary>
    NotAdministrator = 0,

    /// <summary>The account is proved to have administrative rights.</summary>
    Administrator,
}

/// <summary>A service that the transport depends on.</summary>
/// <param name="Name">Its name on the target, such as <c>RemoteRegistry</c>. Untrusted text.</param>
/// <param name="IsRunning">Whether it runs.</param>
public sealed record ServiceFact(string Name, Fact<bool> IsRunning);

/// <summary>The volume that holds deposits.</summary>
public sealed record SystemPartition
{
    /// <summary>The smallest volume that is a system partition: the documented 32 MB, in bytes. A formatted 32 MiB FAT volume has 33,470,464.</summary>
    public const long MinimumBytes = 32_000_000;

    /// <summary>Where it is, for people. Untrusted text.</summary>
    public string Location { get; init; } = string.Empty;

    /// <summary>The file system's name as the target gives it, such as <c>vfat</c> or <c>FAT32</c>. Untrusted text.</summary>
    public Fact<string> FileSystem { get; init; }

    /// <summary>The volume's size in bytes.</summary>
    public Fact<long> TotalBytes { get; init; }

    /// <summary>The free space in bytes.</summary>
    public Fact<long> FreeBytes { get; init; }

    /// <summary>Whether the volume has a directory <c>\EFI</c>.</summary>
    public Fact<bool> HasEfiDirectory { get; init; }

    /// <summary>Whether it is the volume behind BootNext or BootOrder, where the transport can tell.</summary>
    public Fact<bool> IsBootVolume { get; init; }

    /// <summary>Whether it can't be written.</summary>
    public Fact<bool> IsReadOnly { get; init; }

    /// <summary>True when the file system is known to be a FAT variant.</summary>
    public bool IsFat => FileSystem.TryGet(out var name)
        && (name.StartsWith("FAT", StringComparison.OrdinalIgnoreCase)
            || string.Equals(name, "vfat", StringComparison.OrdinalIgnoreCase)
            || string.Equals(name, "msdos", StringComparison.OrdinalIgnoreCase)
            || string.Equals(name, "EFI", StringComparison.OrdinalIgnoreCase));
}

/// <summary>What speaks for or against a flash now. Each is unknown until the target tells.</summary>
public sealed record TargetReadiness
{
    /// <summary>The operating system waits for a restart.</summary>
    public Fact<bool> PendingReboot { get; init; }

    /// <summary>External power is connected (and redundant, where the target has more than one supply).</summary>
    public Fact<bool> ExternalPower { get; init; }

    /// <summary>A battery, where there is one, holds enough for the flash; true where there is none.</summary>
    public Fact<bool> BatterySufficient { get; init; }

    /// <summary>A disk is encrypted with a key that is sealed to the firmware (PCR 0-7 of a TPM).</summary>
    public Fact<bool> DiskEncryptionSealed { get; init; }

    /// <summary>The target calls itself healthy.</summary>
    public Fact<bool> Healthy { get; init; }

    /// <summary>The target says that it is in recovery.</summary>
    public Fact<bool> InRecovery { get; init; }

    /// <summary>The firmware checks what it boots (UEFI 2.10, 3.3, <c>SecureBoot</c>). For people: it speaks neither for nor against a flash.</summary>
    public Fact<bool> SecureBoot { get; init; }
}

/// <summary>What a target told. Everything is unknown until it is read.</summary>
public sealed record TargetFacts
{
    /// <summary>Which machine it is.</summary>
    public Fact<TargetIdentity> Identity { get; init; }

    /// <summary>The installed ROMs.</summary>
    public Fact<ImmutableArray<InstalledRom>> Roms { get; init; }

    /// <summary>The system partition.</summary>
    public Fact<SystemPartition> SystemPartition { get; init; }

    /// <summary>The account's rights.</summary>
    public Fact<AccountRights> Account { get; init; }

    /// <summary>The services that the transport depends on.</summary>
    public Fact<ImmutableArray<ServiceFact>> Services { get; init; }

    /// <summary>What speaks for or against a flash now.</summary>
    public Fact<TargetReadiness> Readiness { get; init; }

    /// <summary>The boot identity.</summary>
    public Fact<BootIdentity> Boot { get; init; }

    /// <summary>What kind of machine it is, beyond <see cref="Identity"/>.</summary>
    public Fact<HardwareDescription> Hardware { get; init; }

    /// <summary>The kinds that are known here.</summary>
    public FactKinds Known =>
        (Identity.IsKnown ? FactKinds.Identity : 0)
        | (Roms.IsKnown ? FactKinds.Roms : 0)
        | (SystemPartition.IsKnown ? FactKinds.SystemPartition : 0)
        | (Account.IsKnown ? FactKinds.Account : 0)
        | (Services.IsKnown ? FactKinds.Services : 0)
        | (Readiness.IsKnown ? FactKinds.Readiness : 0)
        | (Boot.IsKnown ? FactKinds.Boot : 0)
        | (Hardware.IsKnown ? FactKinds.Hardware : 0);
}
