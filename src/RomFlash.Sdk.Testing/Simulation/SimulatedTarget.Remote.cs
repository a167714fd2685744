using System.Collections.Immutable;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Probing;
using RomFlash.Sdk.Targets;
using RomFlash.Sdk.Transports;

namespace RomFlash.Sdk.Testing.Simulation;

/// <content>What remote operations do. All of these run under the target's lock, behind the choke point.</content>
public sealed partial class SimulatedTarget
{
    internal int MaxWriteBytes => _options.MaxWriteBytes;

    internal static TransportFault Refused(TransportFaultKind kind, string why) => new(kind, FaultEffect.NotSent, why);

    internal TransportResult<Done> ConnectCore(SimulatedSession session, TargetCredentials credentials)
    {
        if (SignIn(credentials, out var isAdministrator) is { } refusal)
        {
            return refusal;
        }

        session.Open(_sessionEpoch, isAdministrator);
        Note(SimulatedEventKind.Connected);
        return default(Done);
    }

    internal TransportResult<TargetFacts> ReadFactsCore(SimulatedSession session, FactKinds kinds, SimulatedFaultKind? distortion)
    {
        if (distortion is SimulatedFaultKind.Corrupt)
        {
            return NonsenseFacts(kinds);
        }

        var inRecovery = _isBroken;
        return new TargetFacts
        {
            Identity = kinds.HasFlag(FactKinds.Identity) ? _identity : default(Fact<TargetIdentity>),
            Roms = !kinds.HasFlag(FactKinds.Roms) ? default
                : inRecovery ? Fact<ImmutableArray<InstalledRom>>.Unknown("the target is in recovery")
                : InstalledRoms(),
            SystemPartition = !kinds.HasFlag(FactKinds.SystemPartition) ? default
                : IsShareLost ? Fact<SystemPartition>.Unknown("the volume is not there")
                : Persona.UsesSystemPartition ? PartitionNow()
                : Fact<SystemPartition>.Unknown("deposits do not lie on a volume"),
            Account = kinds.HasFlag(FactKinds.Account)
                ? session.IsAdministrator ? AccountRights.Administrator : AccountRights.NotAdministrator
                : default(Fact<AccountRights>),
            Services = kinds.HasFlag(FactKinds.Services) ? _options.Services : default(Fact<ImmutableArray<ServiceFact>>),
            Readiness = !kinds.HasFlag(FactKinds.Readiness) ? default(Fact<TargetReadiness>)
                : inRecovery ? _options.Readiness with { InRecovery = true, Healthy = false }
                : _options.Readiness,
            Boot = kinds.HasFlag(FactKinds.Boot) ? _boot : default(Fact<BootIdentity>),
            Hardware = !kinds.HasFlag(FactKinds.Hardware) ? default
                : _options.Hardware is { } hardware ? hardware
                : Fact<HardwareDescription>.Unknown("the target does not tell"),
        };
    }

    internal TransportResult<ClaimState> ReadClaimCore(SimulatedFaultKind? distortion) =>
        distortion is SimulatedFaultKind.Corrupt ? new ClaimState(new TargetClaim("\u001b[2J" + new string('x', 200), -7), -9) : new ClaimState(_claim, _lastGeneration);

    internal TransportResult<TargetClaim> AcquireClaimCore(ClaimRequest request)
    {
        if (request.Owner.Length is 0 or > 128)
        {
            return Refused(TransportFaultKind.Rejected, "an owner has 1 to 128 characters");
        }

        if (_claim is { } held && !string.Equals(held.Owner, request.Owner, StringComparison.Ordinal) && request.TakeOverGeneration != held.Generation)
        {
            return Refused(TransportFaultKind.ClaimHeld, held.Owner);
        }

        return Claimed(request.Owner);
    }

    internal TransportResult<Done> ReleaseClaimCore(TargetClaim claim)
    {
        if (_claim == claim)
        {
            _claim = null;
            Note(SimulatedEventKind.ClaimReleased, generation: claim.Generation, text: claim.Owner);
        }

        return default(Done);
    }

    internal TransportResult<ImmutableArray<DepositInfo>> ListDepositsCore(SimulatedFaultKind? distortion)
    {
        if (IsShareLost)
        {
            return ShareLost;
        }

        if (distortion is SimulatedFaultKind.Corrupt)
        {
            return ImmutableArray.Create(new DepositInfo("../../EFI/BOOT\u0007", -1, true));
        }

        return _deposits.Count == 0
            ? ImmutableArray<DepositInfo>.Empty
            : [.. _deposits.Select(d => new DepositInfo(d.Manifest.Id, d.Manifest.Generation, d.IsCommitted))];
    }

    internal TransportResult<IDeposit> OpenDepositCore(SimulatedSession session, DepositManifest manifest)
    {
        if (IsShareLost)
        {
            return ShareLost;
        }

        if (IsFenced(manifest.Generation))
        {
            return Refused(TransportFaultKind.Fenced, $"generation {manifest.Generation} is not the claim's");
        }

        if (IsTaken(manifest.Id))
        {
            return Refused(TransportFaultKind.AlreadyExists, manifest.Id);
        }

        if (Persona.UsesSystemPartition)
        {
            if (_options.SystemPartition.IsReadOnly.TryGet(out var readOnly) && readOnly)
            {
                return Refused(TransportFaultKind.ReadOnly, "the volume can't be written");
            }

            if (FreeNow() is { } free && manifest.TotalBytes > free)
            {
                return Refused(TransportFaultKind.NoSpace, $"{free} bytes are free");
            }
        }

        var files = new StoredFile[manifest.Files.Length];
        for (var i = 0; i < files.Length; i++)
        {
            files[i] = new StoredFile(FindKnown(manifest.Files[i].Sha256), manifest.Files[i].Length);
        }

        var stored = new StoredDeposit(manifest, files, session);
        _deposits.Add(stored);
        Note(SimulatedEventKind.DepositOpened, manifest.Id, generation: manifest.Generation);
        return new SimulatedDeposit(this, session, stored);
    }

    internal TransportResult<Done> DiscardDepositCore(string id, long generation)
    {
        if (IsShareLost)
        {
            return ShareLost;
        }

        if (_armed is { } armed && Is(armed, id, generation))
        {
            return Refused(TransportFaultKind.Busy, $"{id} is armed");
        }

        var at = _deposits.FindIndex(d => Is(d, id, generation));
        if (at >= 0)
        {
            _deposits.RemoveAt(at);
            Note(SimulatedEventKind.Discarded, id, generation: generation);
        }

        return default(Done);
    }

    internal TransportResult<Done> WriteCore(StoredDeposit deposit, int fileIndex, long offset, ReadOnlyMemory<byte> data, SimulatedFaultKind? distortion)
    {
        if (FindFile(deposit, fileIndex, out var file) is { } fault)
        {
            return fault;
        }

        if (deposit.IsCommitted || offset != file.Length || data.Length > MaxWriteBytes || offset + data.Length > deposit.Manifest.Files[fileIndex].Length)
        {
            return Refused(TransportFaultKind.Rejected, "a write is out of order, too long, or comes too late");
        }

        if (Persona.UsesSystemPartition && FreeNow() is { } free && free < data.Length)
        {
            return Refused(TransportFaultKind.NoSpace, $"{free} bytes are free");
        }

        switch (distortion)
        {
            case SimulatedFaultKind.ShortWrite:
                file.Append(data.Span[..(data.Length / 2)]);
                break;
            case SimulatedFaultKind.ShortWriteLying:
                file.Append(data.Span[..(data.Length / 2)]);
                file.Append(new byte[data.Length - (data.Length / 2)]);
                break;
            default:
                file.Append(data.Span);
                break;
        }

        if (distortion is SimulatedFaultKind.Corrupt)
        {
            file.Flip((int)offset + (data.Length / 2));
        }

        if (_options.KeepsHistory && file.Length == deposit.Manifest.Files[fileIndex].Length)
        {
            Note(SimulatedEventKind.Deposited, deposit.Manifest.Id, file.Digest, deposit.Manifest.Generation);
        }

        return default(Done);
    }

    internal TransportResult<int> ReadBackCore(StoredDeposit deposit, int fileIndex, long offset, Memory<byte> buffer, SimulatedFaultKind? distortion)
    {
        if (!Persona.Verification.Contains(VerificationMethod.ReadBack))
        {
            return Refused(TransportFaultKind.Unsupported, "the target lets nobody read a deposit");
        }

        if (FindFile(deposit, fileIndex, out var file) is { } fault)
        {
            return fault;
        }

        if (offset < 0)
        {
            return Refused(TransportFaultKind.Rejected, "an offset is negative");
        }

        var rest = offset >= file.Length ? default : file.Content[(int)offset..];
        var count = Math.Min(rest.Length, buffer.Length);
        rest[..count].CopyTo(buffer.Span);
        if (distortion is SimulatedFaultKind.Corrupt && count > 0)
        {
            buffer.Span[count / 2] ^= 0x5A;
        }

        return count;
    }

    internal TransportResult<ContentDigest> DigestCore(StoredDeposit deposit, int fileIndex, SimulatedFaultKind? distortion)
    {
        if (!Persona.Verification.Contains(VerificationMethod.DigestOnTarget))
        {
            return Refused(TransportFaultKind.Unsupported, "the target computes no digests");
        }

        if (FindFile(deposit, fileIndex, out var file) is { } fault)
        {
            return fault;
        }

        return distortion is SimulatedFaultKind.Corrupt ? Flipped(file.Digest) : file.Digest;
    }

    internal TransportResult<Done> CommitCore(StoredDeposit deposit)
    {
        if (deposit.IsCommitted && ReferenceEquals(deposit, _armed))
        {
            return default(Done);
        }

        if (FindFile(deposit, 0, out _) is { } fault)
        {
            return fault;
        }

        if (deposit.IsCommitted)
        {
            return default(Done);
        }

        for (var i = 0; i < deposit.Files.Length; i++)
        {
            if (deposit.Files[i].Length != deposit.Manifest.Files[i].Length)
            {
                return Refused(TransportFaultKind.Rejected, $"{deposit.Manifest.Files[i].Name} is not whole");
            }

            // A device that lets nobody look looks itself.
            if (Persona.Verification is [VerificationMethod.AcceptedByDevice]
                && deposit.Files[i].Shared is null
                && !SimulatedRom.TryRead(deposit.Files[i].ToArray(), out _, out _))
            {
                return Refused(TransportFaultKind.Rejected, $"{deposit.Manifest.Files[i].Name} is no image");
            }
        }

        if (Persona.Effect != DepositEffect.Inert && (_armed is not null || _foreign.Count > 0))
        {
            return Refused(TransportFaultKind.Busy, "something else is armed");
        }

        deposit.IsCommitted = true;
        Note(SimulatedEventKind.Committed, deposit.Manifest.Id, generation: deposit.Manifest.Generation);
        return Persona.Effect == DepositEffect.Inert ? default(Done) : ArmCore(new(deposit.Manifest, Persona.Method));
    }

    internal TransportResult<ArmedState> ReadArmedStateCore(bool withDigests, SimulatedFaultKind? distortion)
    {
        ImmutableArray<ArmedItem> items = [];
        if (_armed is { } armed)
        {
            var builder = ImmutableArray.CreateBuilder<ArmedItem>(armed.Files.Length);
            for (var i = 0; i < armed.Files.Length; i++)
            {
                builder.Add(ItemOf(armed.Manifest.Files[i].Name, armed.Files[i], withDigests, distortion));
            }

            items = builder.MoveToImmutable();
        }

        return new ArmedState
        {
            Phase = PhaseNow(),
            DepositId = _armed?.Manifest.Id,
            Generation = _armed?.Manifest.Generation ?? 0,
            Items = items,
            Foreign = _foreign.Count == 0 ? [] : [.. _foreign.Select(f => ItemOf(f.Name, f.File, withDigests, null))],
            Offers = [new ArmingOffer(Persona.Method, Persona.CanDisarm, Persona.FlashesAtOnce, Math.Max(1, Persona.MaxComponents)) { WritesBeforeRestart = Persona.WritesBeforeRestart }],
        };
    }

    /// <summary>Puts the files where the firmware looks. Inert: the bit is not set.</summary>
    internal TransportResult<Done> PrepareArmCore(ArmRequest request)
    {
        if (ObjectToArming(request, out var deposit) is { } fault)
        {
            return fault;
        }

        if (deposit is not null)
        {
            _deposits.Remove(deposit);
            _armed = deposit;
            Note(SimulatedEventKind.Prepared, deposit.Manifest.Id, generation: deposit.Manifest.Generation);
        }

        return default(Done);
    }

    /// <summary>The commit point: from here on the next boot flashes.</summary>
    internal TransportResult<Done> ArmCore(ArmRequest request)
    {
        if (ObjectToArming(request, out var deposit) is { } fault)
        {
            return fault;
        }

        if (deposit is not null)
        {
            _deposits.Remove(deposit);
            _armed = deposit;
        }

        if (_bit)
        {
            return default(Done);
        }

        _bit = true;
        foreach (var file in _options.KeepsHistory ? _armed!.Files : [])
        {
            Note(SimulatedEventKind.Armed, _armed!.Manifest.Id, file.Digest, _armed.Manifest.Generation);
        }

        if (Persona.WritesBeforeRestart)
        {
            _applyingUntil = _clock.GetUtcNow() + _options.WriteDuration;
        }

        if (Persona is { FlashesAtOnce: true, WritesBeforeRestart: false })
        {
            _rebootDue = _clock.GetUtcNow() + _options.OwnRebootDelay;
            _rebootIsOwn = true;
        }

        return default(Done);
    }

    internal TransportResult<Done> DisarmCore(string depositId)
    {
        if (_armed is { } armed && string.Equals(armed.Manifest.Id, depositId, StringComparison.Ordinal))
        {
            if (!Persona.CanDisarm && _bit)
            {
                return Refused(TransportFaultKind.Unsupported, "arming can't be taken back here");
            }

            Disarm();
        }

        return default(Done);
    }

    internal TimeSpan DelayOf(TimeSpan asked)
    {
        var step = Persona.DelayStep;
        return step > TimeSpan.Zero && asked.Ticks % step.Ticks > 0 ? step * ((asked.Ticks / step.Ticks) + 1) : asked;
    }

    internal TransportResult<Done> ScheduleRebootCore(RebootRequest request)
    {
        if (request.Delay < TimeSpan.Zero)
        {
            return Refused(TransportFaultKind.Rejected, "a delay is negative");
        }

        if (Persona.RestartsAtOnce && request.Delay > TimeSpan.Zero)
        {
            return Refused(TransportFaultKind.Unsupported, "a restart can't be delayed here");
        }

        if (_options.RebootNeedsForce && !request.Force)
        {
            return Refused(TransportFaultKind.Busy, "a program objects to the restart");
        }

        if (_rebootIsOwn)
        {
            return Refused(TransportFaultKind.Busy, "the target restarts by itself");
        }

        _rebootDue = _clock.GetUtcNow() + DelayOf(request.Delay);
        Note(SimulatedEventKind.RebootRequested);
        return default(Done);
    }

    internal TransportResult<Done> AbortRebootCore()
    {
        if (_rebootIsOwn)
        {
            return Refused(TransportFaultKind.Busy, "the flash has been handed over");
        }

        if (_rebootDue is not null)
        {
            _rebootDue = null;
            Note(SimulatedEventKind.RebootAborted);
        }

        return default(Done);
    }

    private static TransportFault ShareLost => Refused(TransportFaultKind.NotFound, "the volume is not there");

    private bool IsShareLost => Persona.LosesShareAfterBoot && _bootCount > 1;

    private static bool Is(StoredDeposit deposit, string id, long generation) =>
        deposit.Manifest.Generation == generation && string.Equals(deposit.Manifest.Id, id, StringComparison.Ordinal);

    private static ContentDigest Flipped(ContentDigest digest)
    {
        Span<byte> bytes = stackalloc byte[ContentDigest.Size];
        digest.CopyTo(bytes);
        bytes[^1] ^= 0x5A;
        return new(bytes);
    }

    private static TargetFacts NonsenseFacts(FactKinds kinds)
    {
        const string hostile = "\u001b]0;owned\u0007<script>[red]\r\n";
        var twice = new InstalledRom { Id = hostile, Kind = RomKind.SystemRom, Name = hostile };
        return new()
        {
            Identity = kinds.HasFlag(FactKinds.Identity) ? new TargetIdentity { Manufacturer = hostile, Product = hostile } : default(Fact<TargetIdentity>),
            Roms = kinds.HasFlag(FactKinds.Roms) ? ImmutableArray.Create(twice, twice) : default(Fact<ImmutableArray<InstalledRom>>),
            SystemPartition = kinds.HasFlag(FactKinds.SystemPartition)
                ? new SystemPartition { Location = hostile, FileSystem = hostile, TotalBytes = -1, FreeBytes = long.MaxValue }
                : default(Fact<SystemPartition>),
            Account = kinds.HasFlag(FactKinds.Account) ? (AccountRights)77 : default(Fact<AccountRights>),
            Services = kinds.HasFlag(FactKinds.Services) ? ImmutableArray.Create(new ServiceFact(hostile, default)) : default(Fact<ImmutableArray<ServiceFact>>),
            Readiness = kinds.HasFlag(FactKinds.Readiness) ? new TargetReadiness() : default(Fact<TargetReadiness>),
            Boot = kinds.HasFlag(FactKinds.Boot) ? new BootIdentity(hostile) : default(Fact<BootIdentity>),
            Hardware = kinds.HasFlag(FactKinds.Hardware) ? new HardwareDescription { Family = hostile, BiosVersion = hostile, HardwareIds = default } : default(Fact<HardwareDescription>),
        };
    }

    private TransportFault? SignIn(TargetCredentials credentials, out bool isAdministrator)
    {
        isAdministrator = true;
        if (_options.Accounts.IsDefaultOrEmpty)
        {
            return null;
        }

        if (credentials is not PasswordCredentials password)
        {
            return ReferenceEquals(credentials, TargetCredentials.CurrentUser)
                ? Refused(TransportFaultKind.CurrentUserUnavailable, "the simulated target takes passwords alone")
                : Refused(TransportFaultKind.CredentialsRejected, "no credentials");
        }

        foreach (var account in _options.Accounts)
        {
            if (string.Equals(account.UserName, password.UserName, StringComparison.OrdinalIgnoreCase)
                && password.UsePassword(account.Password, static (right, given) => given.SequenceEqual(right)))
            {
                isAdministrator = account.IsAdministrator;
                return account.Refusal is { } refusal ? Refused(refusal, account.UserName) : null;
            }
        }

        return Refused(TransportFaultKind.CredentialsRejected, "the user name or the password is wrong");
    }

    private ImmutableArray<InstalledRom> InstalledRoms()
    {
        if (_roms.IsDefault)
        {
            _roms = [.. _slots.Select(Describe)];
        }

        return _roms;
    }

    private InstalledRom Describe(Slot slot)
    {
        var (description, rom) = (slot.Description, slot.Rom);
        var versions = ImmutableArray.CreateBuilder<ReportedVersion>();
        var tellsEsrt = false;
        foreach (var source in rom is null ? [] : description.Sources)
        {
            var isEsrt = source == FactSource.Esrt;
            if (Persona.ReportsAnotherStyle && isEsrt != slot.WasFlashed)
            {
                continue;
            }

            tellsEsrt |= isEsrt;
            versions.Add(new(source, isEsrt ? rom!.ReportedAs[1].Version : rom!.Version));
        }

        return new InstalledRom
        {
            Id = description.Id,
            Kind = description.Rom.Kind,
            Name = description.Name,
            FirmwareClass = description.Rom.FirmwareClass,
            Pci = description.Rom.Pci,
            Versions = versions.ToImmutable(),
            LowestSupportedVersion = tellsEsrt ? rom!.Lowest : Fact<RomVersion>.Unknown("there is no ESRT"),
            LastAttempt = slot.Attempt ?? Fact<LastAttempt>.Unknown("the target knows of no attempt"),
        };
    }

    private Fact<SystemPartition> PartitionNow() =>
        FreeNow() is { } free ? _options.SystemPartition with { FreeBytes = free } : _options.SystemPartition;

    private long? FreeNow()
    {
        if (!_options.SystemPartition.FreeBytes.TryGet(out var free))
        {
            return null;
        }

        foreach (var deposit in _deposits)
        {
            free -= deposit.Files.Sum(f => (long)f.Length);
        }

        free -= _armed?.Files.Sum(f => (long)f.Length) ?? 0;
        foreach (var foreign in _foreign)
        {
            free -= foreign.File.Length;
        }

        return Math.Max(0, free);
    }

    private bool IsFenced(long generation) => Persona.HasClaim ? _claim?.Generation != generation : generation != 0;

    private bool IsTaken(string id) =>
        string.Equals(_armed?.Manifest.Id, id, StringComparison.Ordinal) || _deposits.Exists(d => string.Equals(d.Manifest.Id, id, StringComparison.Ordinal));

    private SimulatedRom? FindKnown(ContentDigest sha256)
    {
        foreach (var rom in _options.KnownImages)
        {
            if (rom.Sha256 == sha256)
            {
                return rom;
            }
        }

        foreach (var slot in _options.Roms)
        {
            if (slot.Rom.Sha256 == sha256)
            {
                return slot.Rom;
            }
        }

        return null;
    }

    private TransportFault? FindFile(StoredDeposit deposit, int fileIndex, out StoredFile file)
    {
        file = deposit.Files[Math.Clamp(fileIndex, 0, deposit.Files.Length - 1)];
        if (IsShareLost)
        {
            return ShareLost;
        }

        return fileIndex < 0 || fileIndex >= deposit.Files.Length ? Refused(TransportFaultKind.Rejected, "there is no such file")
            : _deposits.Contains(deposit) ? null
            : Refused(TransportFaultKind.NotFound, "the deposit is gone");
    }

    private ArmedItem ItemOf(string name, StoredFile file, bool withDigests, SimulatedFaultKind? distortion) => new(
        name,
        (long)file.Length,
        !withDigests ? Fact<ContentDigest>.Unknown("not asked for")
            : !Persona.TellsArmedDigests ? Fact<ContentDigest>.Unknown("the target does not let one look")
            : distortion is SimulatedFaultKind.Corrupt ? Flipped(file.Digest)
            : file.Digest);

    // Null with a deposit: it can be moved into place. Null without: it is there already.
    private TransportFault? ObjectToArming(ArmRequest request, out StoredDeposit? deposit)
    {
        var manifest = request.Manifest;
        deposit = null;
        if (request.Method != Persona.Method || manifest.Files.Length > Math.Max(1, Persona.MaxComponents))
        {
            return Refused(TransportFaultKind.Unsupported, "the target does not arm this, or not this way");
        }

        if (IsFenced(manifest.Generation))
        {
            return Refused(TransportFaultKind.Fenced, $"generation {manifest.Generation} is not the claim's");
        }

        var isInPlace = _armed is { } armed && Is(armed, manifest.Id, manifest.Generation);
        if (_foreign.Count > 0 || (_armed is not null && !isInPlace) || (_bit && !isInPlace))
        {
            return Refused(TransportFaultKind.Busy, "something else is armed");
        }

        if (isInPlace)
        {
            return null;
        }

        if (IsShareLost)
        {
            return ShareLost;
        }

        var found = _deposits.Find(d => Is(d, manifest.Id, manifest.Generation));
        if (found is not { IsCommitted: true } || found.Manifest.Digest != manifest.Digest)
        {
            return Refused(TransportFaultKind.NotFound, $"there is no committed deposit {manifest.Id}");
        }

        deposit = found;
        return null;
    }
}
