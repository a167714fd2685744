using RomFlash.Sdk.Images;
using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Probing;
using RomFlash.Sdk.Targets;
using RomFlash.Sdk.Transports;

namespace RomFlash.Sdk.Testing.Simulation;

/// <content>What the machine does by itself: boot, and flash what is armed, as firmware does.</content>
public sealed partial class SimulatedTarget
{
    // Everything that has become due, in the order in which it was due.
    private void Settle()
    {
        if (Persona.Effect != DepositEffect.Inert)
        {
            // What is sent over one connection is nothing without its end.
            _deposits.RemoveAll(d => !d.IsCommitted && (d.Session is not { IsBroken: false, Life.IsAlive: true } || d.Session.Epoch != _sessionEpoch));
        }

        if (_rebootDue is { } due && _clock.GetUtcNow() >= due)
        {
            _rebootDue = null;
            BootNow(due);
        }
    }

    private void BootNow(DateTimeOffset at)
    {
        _bootCount++;
        _sessionEpoch++;
        _boot = new BootIdentity(BootId(_bootCount));
        _rebootIsOwn = false;
        _roms = default;
        _awayUntil = at + _options.BootDuration;
        Note(SimulatedEventKind.Booted, text: _boot.Value);
        if (at < _applyingUntil)
        {
            // A restart in the middle of writing is as good as a power cut.
            _options = _options with { PowerLossAtBlock = 0 };
        }

        _applyingUntil = default;
        if (_bit)
        {
            FlashAll();
        }

        if (Persona.ForgetsTheTask)
        {
            foreach (var slot in _slots)
            {
                slot.Attempt = null;
            }
        }

        if (Persona.ReturnsAsAnotherMachine)
        {
            _identity = IdentityOf($"{_options.Name} after {_boot.Value}");
        }
    }

    private void FlashAll()
    {
        // Firmware clears the bit before it looks at the first capsule, so that a capsule that kills it is not tried for ever.
        _bit = false;
        var block = 0;
        if (_armed is { } armed)
        {
            for (var i = 0; i < armed.Files.Length; i++)
            {
                if (!Flash(armed.Files[i], armed.Manifest.Files[i].ComponentId, ref block))
                {
                    return;
                }
            }

            _armed = null;
        }

        foreach (var foreign in _foreign)
        {
            if (!Flash(foreign.File, null, ref block))
            {
                return;
            }
        }

        _foreign.Clear();
    }

    // False when power was lost.
    private bool Flash(StoredFile file, string? componentId, ref int block)
    {
        var status = UefiAttemptStatus.Success;
        var rom = file.Shared;
        if (rom is null)
        {
            SimulatedRom.TryRead(file.ToArray(), out rom, out status);
        }

        var slot = FindSlot(rom, componentId);
        status = rom is null ? status : Check(rom, slot);
        if (slot is null || rom is null || status != UefiAttemptStatus.Success)
        {
            if (slot is not null)
            {
                slot.Attempt = AttemptOf(rom, status);
            }

            Note(SimulatedEventKind.FlashRefused, slot?.Description.Id ?? string.Empty, file.Digest, status: status);
            return true;
        }

        Note(SimulatedEventKind.FlashStarted, slot.Description.Id, rom.Sha256);
        var blockLength = Math.Max(1, _options.BlockLength);
        var blocks = Math.Max(1, (rom.Bytes.Length + blockLength - 1) / blockLength);
        if (_options.PowerLossAtBlock is { } fatal && fatal >= block && fatal < block + blocks)
        {
            slot.Break(HalfWritten(slot.Content.Span, rom.Bytes, (fatal - block) * blockLength, blockLength));
            _options = _options with { PowerLossAtBlock = null };
            _isBroken = true;
            Note(SimulatedEventKind.PowerLost, slot.Description.Id);
            return false;
        }

        block += blocks;
        slot.Write(rom);
        slot.Attempt = AttemptOf(rom, UefiAttemptStatus.Success);
        Note(SimulatedEventKind.Flashed, slot.Description.Id, rom.Sha256);
        return true;
    }

    // By firmware class, as firmware does; the component only tells identical controllers apart, and takes the blame for unreadable content.
    private Slot? FindSlot(SimulatedRom? rom, string? componentId)
    {
        Slot? byId = null;
        Slot? byClass = null;
        foreach (var slot in _slots)
        {
            var isNamed = string.Equals(slot.Description.Id, componentId, StringComparison.Ordinal);
            byId = isNamed ? slot : byId;
            if (rom is not null && slot.Description.Rom.FirmwareClass == rom.FirmwareClass && (byClass is null || isNamed))
            {
                byClass = slot;
            }
        }

        return byClass ?? byId;
    }

    private UefiAttemptStatus Check(SimulatedRom rom, Slot? slot)
    {
        if (slot is null || slot.Description.Rom.FirmwareClass != rom.FirmwareClass || slot.Description.Rom.Kind != rom.Kind)
        {
            return UefiAttemptStatus.Unsuccessful;
        }

        if (_options.Readiness.ExternalPower.TryGet(out var external) && !external)
        {
            return UefiAttemptStatus.PowerEventExternal;
        }

        if (_options.Readiness.BatterySufficient.TryGet(out var battery) && !battery)
        {
            return UefiAttemptStatus.PowerEventBattery;
        }

        return rom.PackedVersion < (slot.Rom?.LowestSupported ?? 0) ? UefiAttemptStatus.IncorrectVersion : UefiAttemptStatus.Success;
    }

    private static byte[] HalfWritten(ReadOnlySpan<byte> before, ReadOnlySpan<byte> after, int written, int blockLength)
    {
        var content = new byte[Math.Max(before.Length, after.Length)];
        content.AsSpan().Fill(0xFF);
        before.CopyTo(content);
        after[..written].CopyTo(content);

        // A block is erased before it is written.
        content.AsSpan(written, Math.Min(blockLength, content.Length - written)).Fill(0xFF);
        return content;
    }

    private static LastAttempt AttemptOf(SimulatedRom? rom, UefiAttemptStatus status) =>
        new(rom is null ? null : RomVersion.FromPacked(rom.PackedVersion), new PeerCode(PeerCode.UefiLastAttempt, (ulong)status));
}
