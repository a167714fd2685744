using System.Buffers;
using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Text;
using RomFlash.Sdk.Compatibility;
using RomFlash.Sdk.Confirmation;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Probing;
using RomFlash.Sdk.Recovery;
using RomFlash.Sdk.Targets;
using RomFlash.Sdk.Transports;

namespace RomFlash.Sdk.Journal;

/// <summary>
/// The layout of a record, version 3: the fields in the order below, little-endian, strings with their length. Every string comes back
/// as it was, broken surrogate pairs included. There is no nesting, so no depth to bound. Version 1 ends before the recovery plans, version 2 behind them.
/// </summary>
internal static class RecordCodec
{
    // The unit separator of ASCII: a boot identity that is told by somebody else than the target's system has its teller in front.
    private const char BootSourceEnd = '\u001f';

    // In the place of a flag: 1 is an attempt without an id, as in all records from before there were any. A client that does not know of ids refuses the record: it would take each attempt for a new one.
    private const byte AttemptWithId = 2;

    private const int FirstWithRecovery = 2;
    private const int FirstWithRestart = 3;
    private const long NoDelay = -1;

    private const byte NoText = 0;
    private const byte Utf8Text = 1;
    private const byte Utf16Text = 2;

    private static readonly UTF8Encoding Strict = new(false, true);

    public static void Write(FlashJournalRecord record, IBufferWriter<byte> output)
    {
        PutInt32(output, (int)record.Kind);
        PutText(output, record.OperationId);
        PutText(output, record.TargetId);
        PutInt64(output, record.Time.Ticks);
        PutInt64(output, record.Time.Offset.Ticks);
        PutFlag(output, record.Identity is not null);
        if (record.Identity is { } identity)
        {
            PutFlag(output, identity.SmbiosUuid is not null);
            if (identity.SmbiosUuid is { } uuid)
            {
                PutBytes(output, uuid.ToByteArray());
            }

            PutText(output, identity.SerialNumber);
            PutText(output, identity.Manufacturer);
            PutText(output, identity.Product);
            PutText(output, identity.Sku);
        }

        PutFlag(output, record.Boot is not null);
        PutText(output, record.Boot is { } told ? told.Source.Length == 0 && !told.Value.Contains(BootSourceEnd, StringComparison.Ordinal) ? told.Value : told.Source + BootSourceEnd + told.Value : null);
        PutText(output, record.DepositId);
        PutInt64(output, record.Generation);
        PutText(output, record.Method);
        PutFlag(output, record.FlashesAtOnce);
        PutInt32(output, (int)record.Verification);
        ImmutableArray<UpgradeComponent> components = record.Components.IsDefault ? [] : record.Components;
        PutInt32(output, components.Length);
        foreach (var component in components)
        {
            PutComponent(output, component);
        }

        ImmutableArray<BlockerWaiver> waivers = record.Waivers.IsDefault ? [] : record.Waivers;
        PutInt32(output, waivers.Length);
        foreach (var waiver in waivers)
        {
            PutText(output, waiver.Blocker);
            PutText(output, waiver.Who);
            PutText(output, waiver.Why);
        }

        PutInt32(output, record.Outcome is { } outcome ? (int)outcome : -1);
        PutText(output, record.FailureCode);
        PutInt32(output, record.TargetState is { } state ? (int)state : -1);
        PutText(output, record.Detail);
        ImmutableArray<RecoveryPlan> recovery = record.Recovery.IsDefault ? [] : record.Recovery;
        PutInt32(output, recovery.Length);
        foreach (var plan in recovery)
        {
            PutPlan(output, plan);
        }

        PutFlag(output, record.WritesBeforeRestart);
        PutInt64(output, record.RebootDelay?.Ticks ?? NoDelay);
    }

    /// <summary>Reads a record back.</summary>
    /// <param name="payload">Exactly one record.</param>
    /// <param name="version">The version of its layout, at most the current one.</param>
    /// <param name="sequence">Its sequence.</param>
    /// <param name="record">The record, when this returns true.</param>
    /// <returns>False when the bytes are anything else than a whole record.</returns>
    public static bool TryRead(ReadOnlySpan<byte> payload, int version, long sequence, out FlashJournalRecord? record)
    {
        record = null;
        var cursor = new Cursor(payload);
        var kind = (FlashJournalRecordKind)cursor.Int32();
        var operationId = cursor.Text();
        var targetId = cursor.Text();
        var ticks = cursor.Int64();
        var offset = cursor.Int64();
        TargetIdentity? identity = null;
        if (cursor.Flag())
        {
            identity = new()
            {
                SmbiosUuid = cursor.Flag() && cursor.Bytes(16) is { Length: 16 } uuid ? new Guid(uuid) : null,
                SerialNumber = cursor.Text(),
                Manufacturer = cursor.Text(),
                Product = cursor.Text(),
                Sku = cursor.Text(),
            };
        }

        var hasBoot = cursor.Flag();
        var boot = cursor.Text();
        var depositId = cursor.Text();
        var generation = cursor.Int64();
        var method = cursor.Text();
        var flashesAtOnce = cursor.Flag();
        var verification = (VerificationMethod)cursor.Int32();
        var components = Many(ref cursor, ReadComponent);
        var waivers = Many(ref cursor, (ref c) => new BlockerWaiver(c.Text()!, c.Text()!, c.Text()!));
        var outcome = cursor.Int32();
        var failureCode = cursor.Text();
        var state = cursor.Int32();
        var detail = cursor.Text();
        ImmutableArray<RecoveryPlan> recovery = version < FirstWithRecovery ? [] : Many(ref cursor, ReadPlan);
        var writesBeforeRestart = version >= FirstWithRestart && cursor.Flag();
        var delay = version < FirstWithRestart ? NoDelay : cursor.Int64();
        if (cursor.IsBroken
            || !cursor.IsAtEnd
            || delay < NoDelay
            || string.IsNullOrEmpty(operationId)
            || string.IsNullOrEmpty(targetId)
            || kind is FlashJournalRecordKind.None
            || !Enum.IsDefined(kind)
            || !Enum.IsDefined(verification)
            || (outcome != -1 && !Enum.IsDefined((FlashOutcomeKind)outcome))
            || (state != -1 && !Enum.IsDefined((TargetState)state))
            || !TryTime(ticks, offset, out var time))
        {
            return false;
        }

        record = new()
        {
            Sequence = sequence,
            Kind = kind,
            OperationId = operationId,
            TargetId = targetId,
            Time = time,
            Identity = identity,
            Boot = hasBoot ? BootOf(boot!) : null,
            DepositId = depositId,
            Generation = generation,
            Method = method,
            FlashesAtOnce = flashesAtOnce,
            WritesBeforeRestart = writesBeforeRestart,
            RebootDelay = delay == NoDelay ? null : TimeSpan.FromTicks(delay),
            Verification = verification,
            Components = components,
            Waivers = waivers,
            Outcome = outcome == -1 ? null : (FlashOutcomeKind)outcome,
            FailureCode = failureCode,
            TargetState = state == -1 ? null : (TargetState)state,
            Detail = detail!,
            Recovery = recovery,
        };
        return true;
    }

    private static bool TryTime(long ticks, long offset, out DateTimeOffset time)
    {
        time = default;
        if (ticks < 0 || ticks > DateTime.MaxValue.Ticks || offset % TimeSpan.TicksPerMinute != 0 || Math.Abs(offset / TimeSpan.TicksPerMinute) > 14 * 60)
        {
            return false;
        }

        var utc = ticks - offset;
        if (utc < 0 || utc > DateTime.MaxValue.Ticks)
        {
            return false;
        }

        time = new(ticks, new TimeSpan(offset));
        return true;
    }

    private static void PutComponent(IBufferWriter<byte> output, UpgradeComponent component)
    {
        PutText(output, component.ComponentId);
        PutInt32(output, (int)component.Kind);
        Span<byte> digest = stackalloc byte[ContentDigest.Size];
        component.Sha256.CopyTo(digest);
        PutBytes(output, digest);
        PutInt64(output, component.Length);
        PutVersions(output, component.From);
        PutVersions(output, component.Expected);
        PutText(output, component.Version.Text);
        PutInt32(output, component.ReleasesToFollow);
        PutBytes(output, [component.AttemptBefore is null ? (byte)0 : component.AttemptBefore.Id is null ? (byte)1 : AttemptWithId]);
        PutText(output, component.AttemptBefore?.Version?.Text);
        PutText(output, component.AttemptBefore?.Status.Dialect);
        PutInt64(output, unchecked((long)(component.AttemptBefore?.Status.Number ?? 0)));
        PutText(output, component.AttemptBefore?.Status.Symbol);
        if (component.AttemptBefore?.Id is { } attemptId)
        {
            PutText(output, attemptId);
        }
    }

    private static UpgradeComponent ReadComponent(ref Cursor cursor)
    {
        var id = cursor.Text();
        var kind = (RomKind)cursor.Int32();
        var digest = cursor.Bytes(ContentDigest.Size);
        var length = cursor.Int64();
        var from = Many(ref cursor, ReadVersion);
        var expected = Many(ref cursor, ReadVersion);
        var version = Version(ref cursor);
        var follow = cursor.Int32();
        var attempt = cursor.Tag(AttemptWithId);
        var hasAttempt = attempt != 0;
        var attempted = cursor.Text();
        var dialect = cursor.Text();
        var status = unchecked((ulong)cursor.Int64());
        var symbol = cursor.Text();
        var attemptId = attempt == AttemptWithId ? cursor.Text() : null;
        RomVersion? attemptedVersion = null;
        if (!Enum.IsDefined(kind) || id is null || (hasAttempt && dialect is null) || (attempt == AttemptWithId && attemptId is null) || (attempted is not null && !RomVersion.TryParse(attempted, out attemptedVersion)))
        {
            cursor.Break();
        }

        return new()
        {
            ComponentId = id ?? string.Empty,
            Kind = kind,
            Sha256 = digest.Length == ContentDigest.Size ? new ContentDigest(digest) : default,
            Length = length,
            From = from,
            Expected = expected,
            Version = version,
            ReleasesToFollow = follow,
            AttemptBefore = hasAttempt && dialect is not null ? new LastAttempt(attemptedVersion, new PeerCode(dialect, status, symbol)) { Id = attemptId } : null,
        };
    }

    private static void PutPlan(IBufferWriter<byte> output, RecoveryPlan plan)
    {
        PutText(output, plan.ComponentId);
        PutVersions(output, plan.Before);
        PutFlag(output, plan.Image is not null);
        if (plan.Image is { } image)
        {
            Span<byte> digest = stackalloc byte[ContentDigest.Size];
            image.Sha256.CopyTo(digest);
            PutBytes(output, digest);
            PutInt64(output, image.Length);
            PutText(output, image.Name);
        }

        PutInt32(output, (int)plan.Copy);
        PutText(output, plan.CopyLocation);
        PutInt32(output, (int)plan.Road);
    }

    private static RecoveryPlan ReadPlan(ref Cursor cursor)
    {
        var id = cursor.Text();
        var before = Many(ref cursor, ReadVersion);
        RecoveryImage? image = null;
        if (cursor.Flag())
        {
            var digest = cursor.Bytes(ContentDigest.Size);
            image = new(digest.Length == ContentDigest.Size ? new ContentDigest(digest) : default, cursor.Int64(), cursor.Text() ?? string.Empty);
        }

        var copy = (BackupCopy)cursor.Int32();
        var location = cursor.Text();
        var road = (RecoveryRoad)cursor.Int32();
        if (id is null || location is null || !Enum.IsDefined(copy) || !Enum.IsDefined(road))
        {
            cursor.Break();
        }

        return new() { ComponentId = id ?? string.Empty, Before = before, Image = image, Copy = copy, CopyLocation = location ?? string.Empty, Road = road };
    }

    private static void PutVersions(IBufferWriter<byte> output, ImmutableArray<ReportedVersion> versions)
    {
        ImmutableArray<ReportedVersion> all = versions.IsDefault ? [] : versions;
        PutInt32(output, all.Length);
        foreach (var version in all)
        {
            PutText(output, version.Source.Name);
            PutText(output, version.Version.Text);
        }
    }

    private static ReportedVersion ReadVersion(ref Cursor cursor) => new(new FactSource(cursor.Text()!), Version(ref cursor));

    private static RomVersion Version(ref Cursor cursor)
    {
        if (RomVersion.TryParse(cursor.Text(), out var version))
        {
            return version;
        }

        cursor.Break();
        return RomVersion.FromPacked(0);
    }

    private static ImmutableArray<T> Many<T>(ref Cursor cursor, Reader<T> read)
    {
        var count = cursor.Int32();

        // Every element takes a byte at least: a count that the rest can't hold is a lie, and buys no memory.
        if (count < 0 || count > cursor.Remaining)
        {
            cursor.Break();
            return [];
        }

        var items = ImmutableArray.CreateBuilder<T>(Math.Min(count, 64));
        for (var i = 0; i < count && !cursor.IsBroken; i++)
        {
            items.Add(read(ref cursor));
        }

        return items.DrainToImmutable();
    }

    private static void PutFlag(IBufferWriter<byte> output, bool value) => PutBytes(output, [value ? (byte)1 : (byte)0]);

    private static void PutInt32(IBufferWriter<byte> output, int value)
    {
        BinaryPrimitives.WriteInt32LittleEndian(output.GetSpan(4), value);
        output.Advance(4);
    }

    private static void PutInt64(IBufferWriter<byte> output, long value)
    {
        BinaryPrimitives.WriteInt64LittleEndian(output.GetSpan(8), value);
        output.Advance(8);
    }

    private static void PutBytes(IBufferWriter<byte> output, ReadOnlySpan<byte> value) => output.Write(value);

    private static void PutText(IBufferWriter<byte> output, string? value)
    {
        if (value is null)
        {
            PutBytes(output, [NoText]);
            return;
        }

        // UTF-8 can't hold half a surrogate pair, and a peer's text may have one.
        var encoding = HasLoneSurrogate(value) ? (Encoding)Encoding.Unicode : Strict;
        PutBytes(output, [encoding == Strict ? Utf8Text : Utf16Text]);
        if (encoding == Strict)
        {
            var length = Strict.GetByteCount(value);
            PutInt32(output, length);
            output.Advance(Strict.GetBytes(value, output.GetSpan(length)));
            return;
        }

        PutInt32(output, value.Length * 2);
        foreach (var c in value)
        {
            BinaryPrimitives.WriteUInt16LittleEndian(output.GetSpan(2), c);
            output.Advance(2);
        }
    }

    private static bool HasLoneSurrogate(string value)
    {
        for (var i = 0; i < value.Length; i++)
        {
            if (!char.IsSurrogate(value[i]))
            {
                continue;
            }

            if (i + 1 == value.Length || !char.IsSurrogatePair(value[i], value[i + 1]))
            {
                return true;
            }

            i++;
        }

        return false;
    }

    private delegate T Reader<T>(ref Cursor cursor);

    private ref struct Cursor(ReadOnlySpan<byte> bytes)
    {
        private ReadOnlySpan<byte> _rest = bytes;

        public bool IsBroken { get; private set; }

        public readonly bool IsAtEnd => _rest.IsEmpty;

        public readonly int Remaining => _rest.Length;

        public void Break()
        {
            IsBroken = true;
            _rest = default;
        }

        public ReadOnlySpan<byte> Bytes(int count)
        {
            if (count < 0 || count > _rest.Length)
            {
                Break();
                return default;
            }

            var bytes = _rest[..count];
            _rest = _rest[count..];
            return bytes;
        }

        public bool Flag() => Tag(1) == 1;

        public byte Tag(byte most)
        {
            var bytes = Bytes(1);
            if (!IsBroken && bytes[0] > most)
            {
                Break();
            }

            return IsBroken ? (byte)0 : bytes[0];
        }

        public int Int32()
        {
            var bytes = Bytes(4);
            return IsBroken ? 0 : BinaryPrimitives.ReadInt32LittleEndian(bytes);
        }

        public long Int64()
        {
            var bytes = Bytes(8);
            return IsBroken ? 0 : BinaryPrimitives.ReadInt64LittleEndian(bytes);
        }

        public string? Text()
        {
            var tag = Bytes(1);
            if (IsBroken || tag[0] == NoText)
            {
                return null;
            }

            var bytes = Bytes(Int32());
            if (IsBroken)
            {
                return null;
            }

            if (tag[0] == Utf8Text && System.Text.Unicode.Utf8.IsValid(bytes))
            {
                return Strict.GetString(bytes);
            }

            if (tag[0] == Utf16Text && bytes.Length % 2 == 0)
            {
                var characters = new char[bytes.Length / 2];
                for (var i = 0; i < characters.Length; i++)
                {
                    characters[i] = (char)BinaryPrimitives.ReadUInt16LittleEndian(bytes[(2 * i)..]);
                }

                return new(characters);
            }

            Break();
            return null;
        }
    }

    private static BootIdentity BootOf(string text) => text.IndexOf(BootSourceEnd, StringComparison.Ordinal) is var end and >= 0
        ? new(text[(end + 1)..]) { Source = text[..end] }
        : new(text);
}
