using System.Collections.Immutable;
using System.Globalization;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Probing;
using RomFlash.Sdk.Targets;
using RomFlash.Sdk.Testing.Simulation;
using RomFlash.Sdk.Transports;

namespace CustomTransport;

/// <summary>What is at the other end: a machine with one ROM. It boots when a restart has become due and somebody looks.</summary>
internal sealed class MemoryMachine(string name, SimulatedRom rom, TimeProvider clock)
{
    private readonly Lock _lock = new();
    private DateTimeOffset? _rebootDue;
    private int _boots;

    public string Name => name;

    public SimulatedRom Rom { get; private set; } = rom;

    public TargetClaim? Claim { get; set; }

    public long LastGeneration { get; set; }

    public List<StoredDeposit> Deposits { get; } = [];

    public StoredDeposit? Armed { get; set; }

    public TargetFacts Facts => new()
    {
        Identity = new TargetIdentity { SerialNumber = "MEM-" + name, Manufacturer = "Maker", Product = "Memory" },
        Boot = new BootIdentity(_boots.ToString(CultureInfo.InvariantCulture)),
        Roms = ImmutableArray.Create(new InstalledRom { Id = "system", Kind = Rom.Kind, FirmwareClass = Rom.FirmwareClass, Versions = Rom.ReportedAs }),
        Account = AccountRights.Administrator,
        Services = ImmutableArray<ServiceFact>.Empty,
        Readiness = new TargetReadiness
        {
            PendingReboot = false,
            ExternalPower = true,
            BatterySufficient = true,
            DiskEncryptionSealed = false,
            Healthy = true,
            InRecovery = false,
        },
    };

    public void RebootIn(TimeSpan? delay) => _rebootDue = clock.GetUtcNow() + delay;

    public T Locked<T>(Func<T> operation)
    {
        lock (_lock)
        {
            if (_rebootDue is { } due && clock.GetUtcNow() >= due)
            {
                Boot();
            }

            return operation();
        }
    }

    private void Boot()
    {
        _rebootDue = null;
        _boots++;
        if (Armed is { } armed)
        {
            Rom = SimulatedRom.TryRead(armed.Files[0].ToArray(), out var flashed, out _) && flashed.FirmwareClass == Rom.FirmwareClass ? flashed : Rom;
            Armed = null;
        }
    }
}

/// <summary>A deposit as it lies on the machine.</summary>
internal sealed class StoredDeposit(DepositManifest manifest)
{
    public DepositManifest Manifest => manifest;

    public MemoryStream[] Files { get; } = [.. manifest.Files.Select(_ => new MemoryStream())];

    public bool IsCommitted { get; set; }

    public void Write(int file, long offset, ReadOnlySpan<byte> data)
    {
        Files[file].Position = offset;
        Files[file].Write(data);
    }

    public int Read(int file, long offset, Span<byte> buffer)
    {
        Files[file].Position = offset;
        return Files[file].Read(buffer);
    }
}
