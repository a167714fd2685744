using System.Collections.Immutable;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Probing;
using RomFlash.Sdk.Targets;
using RomFlash.Sdk.Transports;

namespace RomFlash.Sdk.Testing.Simulation;

/// <summary>
/// One machine in memory: its ROMs, its system partition, its claim, and the flasher that runs when it boots. It has no thread and no
/// timer: what has become due is done when somebody looks. Image bytes are shared; beside them a target takes a few kilobytes.
/// </summary>
/// <remarks>
/// Thread-safe. Deterministic: the same operations at the same instants give the same results. What the members of this class tell is
/// the ground truth; what a client is told goes through the sessions of a <see cref="SimulatedTransport"/>, and through the faults
/// injected here.
/// </remarks>
public sealed partial class SimulatedTarget
{
    private readonly Lock _gate = new();
    private readonly TimeProvider _clock;
    private readonly Slot[] _slots;
    private readonly List<StoredDeposit> _deposits = [];
    private readonly List<Foreign> _foreign = [];
    private SimulatedTargetOptions _options;
    private TargetIdentity _identity;
    private StoredDeposit? _armed;
    private bool _bit;
    private TargetClaim? _claim;
    private long _lastGeneration;
    private DateTimeOffset? _rebootDue;
    private bool _rebootIsOwn;
    private DateTimeOffset _awayUntil;
    private DateTimeOffset _applyingUntil;
    private bool _isBroken;
    private int _bootCount = 1;
    private int _sessionEpoch;
    private BootIdentity _boot;
    private ImmutableArray<InstalledRom> _roms;
    private List<SimulatedEvent>? _history;

    /// <summary>Builds a machine. It answers at no address until a <see cref="SimulatedRack"/> holds it.</summary>
    /// <param name="options">What it is.</param>
    /// <param name="clock">Its clock.</param>
    public SimulatedTarget(SimulatedTargetOptions options, TimeProvider clock)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(clock);
        SimulatedRack.CheckName(options.Name);
        if (options.Roms.IsDefaultOrEmpty || options.Roms.Select(r => r.Id).Distinct(StringComparer.Ordinal).Count() != options.Roms.Length)
        {
            throw new ArgumentException("A simulated target has at least one ROM, and their ids are distinct.", nameof(options));
        }

        _options = options;
        _clock = clock;
        _identity = options.Identity ?? IdentityOf(options.Name);
        _slots = [.. options.Roms.Select(r => new Slot(r))];
        _boot = new BootIdentity(BootId(_bootCount));
    }

    /// <summary>The name.</summary>
    public string Name => _options.Name;

    /// <summary>The address, <c>sim://name</c>.</summary>
    public string Address => $"{SimulatedTransport.SchemeName}://{Name}";

    /// <summary>What it is like.</summary>
    public SimulatedPersona Persona => _options.Persona;

    /// <summary>What it is now; see <see cref="Reconfigure"/>.</summary>
    public SimulatedTargetOptions Options => Locked(t => t._options);

    /// <summary>Which machine it is.</summary>
    public TargetIdentity Identity => Locked(t => t._identity);

    /// <summary>The boot identity.</summary>
    public BootIdentity Boot => Locked(t => t._boot);

    /// <summary>How often it booted since it was built.</summary>
    public int BootCount => Locked(t => t._bootCount - 1);

    /// <summary>Whether it does not answer: it boots, or stays dark.</summary>
    public bool IsAway => Locked(t => t.IsAwayNow());

    /// <summary>Whether it lost power while it flashed, and was not recovered.</summary>
    public bool NeedsRecovery => Locked(t => t._isBroken);

    /// <summary>When it will restart, or null.</summary>
    public DateTimeOffset? RebootDue => Locked(t => t._rebootDue);

    /// <summary>The claim, or null.</summary>
    public TargetClaim? Claim => Locked(t => t._claim);

    /// <summary>The highest generation of a claim so far.</summary>
    public long LastGeneration => Locked(t => t._lastGeneration);

    /// <summary>How far something is armed, foreign capsules included.</summary>
    public ArmedPhase ArmedPhase => Locked(t => t.PhaseNow());

    /// <summary>The id of the deposit that is armed or prepared, or null.</summary>
    public string? ArmedDepositId => Locked(t => t._armed?.Manifest.Id);

    /// <summary>The digests of what is armed or prepared, as it lies there: the deposit's files in order, then foreign ones.</summary>
    public ImmutableArray<ContentDigest> ArmedDigests => Locked<ImmutableArray<ContentDigest>>(
        t => [.. (t._armed?.Files ?? []).Select(f => f.Digest), .. t._foreign.Select(f => f.File.Digest)]);

    /// <summary>The deposits that lie on the target and are not armed.</summary>
    public ImmutableArray<DepositInfo> Deposits => Locked<ImmutableArray<DepositInfo>>(
        t => [.. t._deposits.Select(d => new DepositInfo(d.Manifest.Id, d.Manifest.Generation, d.IsCommitted))]);

    /// <summary>Everything that happened, in order; empty where the options switch it off.</summary>
    public ImmutableArray<SimulatedEvent> History => Locked<ImmutableArray<SimulatedEvent>>(t => [.. t._history ?? []]);

    /// <summary>The ROM that a slot holds, or null when its content is no whole image.</summary>
    /// <param name="id">The slot's id.</param>
    /// <returns>The ROM.</returns>
    public SimulatedRom? RomOf(string id)
    {
        lock (_gate)
        {
            Settle();
            return SlotOf(id).Rom;
        }
    }

    /// <summary>The bytes that a slot holds.</summary>
    /// <param name="id">The slot's id.</param>
    /// <returns>The bytes.</returns>
    public ReadOnlyMemory<byte> ContentOf(string id)
    {
        lock (_gate)
        {
            Settle();
            return SlotOf(id).Content;
        }
    }

    /// <summary>The target as the pipeline takes it.</summary>
    /// <returns>A target with this machine's address as its id.</returns>
    public FlashTarget ToFlashTarget() => FlashTarget.Parse(Address);

    /// <summary>Changes what the machine is from now on. Its name and its ROMs stay as they are.</summary>
    /// <param name="change">Gives the new options.</param>
    public void Reconfigure(Func<SimulatedTargetOptions, SimulatedTargetOptions> change)
    {
        ArgumentNullException.ThrowIfNull(change);
        lock (_gate)
        {
            Settle();
            _options = change(_options) with { Name = _options.Name, Roms = _options.Roms };
            _roms = default;
        }
    }

    /// <summary>Puts another board behind the same address.</summary>
    /// <param name="identity">Which machine it is now.</param>
    public void ReplaceIdentity(TargetIdentity identity)
    {
        ArgumentNullException.ThrowIfNull(identity);
        lock (_gate)
        {
            _identity = identity;
        }
    }

    /// <summary>Flips a byte of a deposit that is not armed.</summary>
    /// <param name="fileIndex">Which file.</param>
    /// <param name="offset">Which byte; held within the file.</param>
    /// <returns>False when there is no such deposit.</returns>
    public bool CorruptDeposit(int fileIndex = 0, int offset = 0)
    {
        lock (_gate)
        {
            Settle();
            if (_deposits.Count == 0)
            {
                return false;
            }

            _deposits[^1].Files[fileIndex].Flip(offset);
            return true;
        }
    }

    /// <summary>Flips a byte of what is armed or prepared.</summary>
    /// <param name="fileIndex">Which file.</param>
    /// <param name="offset">Which byte; held within the file.</param>
    /// <returns>False when nothing is.</returns>
    public bool CorruptArmed(int fileIndex = 0, int offset = 0)
    {
        lock (_gate)
        {
            Settle();
            _armed?.Files[fileIndex].Flip(offset);
            return _armed is not null;
        }
    }

    /// <summary>Takes arming back as somebody at the machine would.</summary>
    public void DisarmBehindTheBack()
    {
        lock (_gate)
        {
            Settle();
            Disarm();
            _foreign.Clear();
            _bit = false;
        }
    }

    /// <summary>Puts a capsule of somebody else where the firmware looks.</summary>
    /// <param name="name">Its name. May be hostile.</param>
    /// <param name="content">Its bytes.</param>
    /// <param name="armed">Whether the bit is set as well.</param>
    public void PlantForeignCapsule(string name, ReadOnlyMemory<byte> content, bool armed = true)
    {
        ArgumentNullException.ThrowIfNull(name);
        lock (_gate)
        {
            Settle();
            _foreign.Add(new(name, new StoredFile(content.ToArray())));
            _bit |= armed;
        }
    }

    /// <summary>Leaves a deposit as an earlier run would.</summary>
    /// <param name="manifest">Which; its files are empty.</param>
    /// <param name="committed">Whether it was committed.</param>
    public void PlantDeposit(DepositManifest manifest, bool committed)
    {
        ArgumentNullException.ThrowIfNull(manifest);
        lock (_gate)
        {
            Settle();
            _deposits.Add(new StoredDeposit(manifest, [.. manifest.Files.Select(_ => new StoredFile(null, 0))], session: null) { IsCommitted = committed });
        }
    }

    /// <summary>Has another client hold the claim, whoever held it before.</summary>
    /// <param name="owner">The other client.</param>
    /// <returns>Its claim.</returns>
    public TargetClaim PlantClaim(string owner)
    {
        ArgumentException.ThrowIfNullOrEmpty(owner);
        lock (_gate)
        {
            Settle();
            return Claimed(owner);
        }
    }

    /// <summary>Breaks every session that is open now, as a pulled cable does.</summary>
    public void BreakSessions()
    {
        lock (_gate)
        {
            Settle();
            _sessionEpoch++;
        }
    }

    /// <summary>Restarts the machine as somebody at it would.</summary>
    public void Restart()
    {
        lock (_gate)
        {
            Settle();
            _rebootDue = null;
            BootNow(_clock.GetUtcNow());
        }
    }

    /// <summary>Restores the ROMs from their backups, and boots. Nothing happens to a machine that needs no recovery.</summary>
    public void Recover()
    {
        lock (_gate)
        {
            Settle();
            if (!_isBroken)
            {
                return;
            }

            _isBroken = false;
            foreach (var slot in _slots)
            {
                slot.Restore();
            }

            Note(SimulatedEventKind.Recovered);
            BootNow(_clock.GetUtcNow());
        }
    }

    /// <summary>The name and the boot identity.</summary>
    /// <returns>Text for a test's output.</returns>
    public override string ToString() => $"{Name} ({Boot.Value})";

    private static TargetIdentity IdentityOf(string name) => new()
    {
        SmbiosUuid = new Guid(SHA256.HashData(Encoding.UTF8.GetBytes(name)).AsSpan(0, 16)),
        SerialNumber = "SIM-" + name,
        Manufacturer = "Simulated",
        Product = "Rack server",
        Sku = "SIM-1",
    };

    private string BootId(int number) => string.Create(CultureInfo.InvariantCulture, $"{_options.Name}-boot-{number}");

    private T Locked<T>(Func<SimulatedTarget, T> read)
    {
        lock (_gate)
        {
            Settle();
            return read(this);
        }
    }

    private Slot SlotOf(string id) =>
        Array.Find(_slots, s => string.Equals(s.Description.Id, id, StringComparison.Ordinal)) ?? throw new ArgumentException($"There is no ROM '{id}'.", nameof(id));

    private bool IsAwayNow() =>
        _clock.GetUtcNow() < _awayUntil || (_isBroken && _options.PowerLossEnding == SimulatedPowerLossEnding.StaysDark);

    private ArmedPhase PhaseNow() => (_armed is not null || _foreign.Count > 0, _bit) switch
    {
        (true, true) => _clock.GetUtcNow() < _applyingUntil ? ArmedPhase.Applying : ArmedPhase.Armed,
        (false, false) => ArmedPhase.None,
        _ => ArmedPhase.Prepared,
    };

    private void Disarm()
    {
        if (_armed is { } armed)
        {
            _armed = null;
            _bit &= _foreign.Count > 0;
            Note(SimulatedEventKind.Disarmed, armed.Manifest.Id, generation: armed.Manifest.Generation);
        }
    }

    private TargetClaim Claimed(string owner)
    {
        _claim = new(owner, ++_lastGeneration);
        Note(SimulatedEventKind.ClaimAcquired, generation: _claim.Generation, text: owner);
        return _claim;
    }

    private void Note(
        SimulatedEventKind kind,
        string subject = "",
        ContentDigest digest = default,
        long generation = 0,
        UefiAttemptStatus status = UefiAttemptStatus.Success,
        string text = "")
    {
        if (_options.KeepsHistory)
        {
            (_history ??= []).Add(new(_clock.GetUtcNow(), kind, subject, digest, generation, status, text));
        }
    }

    /// <summary>A ROM chip.</summary>
    private sealed class Slot(SimulatedRomSlot description)
    {
        private SimulatedRom? _backup;
        private byte[]? _broken;

        public SimulatedRomSlot Description { get; } = description;

        public SimulatedRom? Rom { get; private set; } = description.Rom;

        public LastAttempt? Attempt { get; set; }

        public bool WasFlashed { get; private set; }

        public ReadOnlyMemory<byte> Content => Rom?.Content ?? _broken;

        public void Write(SimulatedRom rom)
        {
            Rom = rom;
            _broken = null;
            WasFlashed = true;
        }

        public void Break(byte[] content)
        {
            _backup = Rom;
            _broken = content;
            Rom = null;
        }

        public void Restore()
        {
            if (_backup is not null)
            {
                Rom = _backup;
                _backup = null;
                _broken = null;
            }
        }
    }

    internal sealed class StoredDeposit(DepositManifest manifest, StoredFile[] files, SimulatedSession? session)
    {
        public SimulatedSession? Session { get; } = session;

        public DepositManifest Manifest { get; } = manifest;

        public StoredFile[] Files { get; } = files;

        public bool IsCommitted { get; set; }
    }

    private sealed record Foreign(string Name, StoredFile File);
}
