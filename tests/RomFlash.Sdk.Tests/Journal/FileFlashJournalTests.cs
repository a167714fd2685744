using System.Buffers.Binary;
using System.Security.Cryptography;
using RomFlash.Sdk.Confirmation;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Journal;
using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Probing;
using RomFlash.Sdk.Recovery;
using RomFlash.Sdk.Transports;
using static RomFlash.Sdk.Journal.FlashJournalRecordKind;
using static RomFlash.Sdk.Tests.Journal.JournalSamples;

namespace RomFlash.Sdk.Tests.Journal;

public sealed class FileFlashJournalTests : IDisposable
{
    private readonly Scratch _scratch = new();
    private readonly FixedClock _clock = new(Now);

    private string File => _scratch["journal"];

    public void Dispose() => _scratch.Dispose();

    [Fact]
    public async Task AppendAsync_EveryFieldWithHostileText_ComesBackAsItWas()
    {
        var records = HostileTexts.Select(Full).Append(Record(Started)).ToList();
        await Write(records);

        await using var journal = await Reopen();
        var read = await History(journal);
        Assert.Equal(records.Select(Show), read.Select(Show));
        Assert.Equal(Enumerable.Range(1, records.Count).Select(i => (long)i), read.Select(r => r.Sequence));
    }

    [Fact]
    public async Task OpenAsync_FileOfVersion1_IsReadForEver()
    {
        // Written once by version 1 of the format. When this fails, the format has changed, and needs a new version.
        var record = Full("t\u00fc") with { Recovery = [], WritesBeforeRestart = false, RebootDelay = null };
        var all = Golden(record, cutOff: sizeof(int) + RestartLength, version: 1);
        Assert.Equal(GoldenLength, all.Length);
        Assert.Equal(GoldenDigest, Convert.ToHexStringLower(SHA256.HashData(all)));

        await System.IO.File.WriteAllBytesAsync(File, all);
        await using var journal = await Reopen();
        Assert.Equal("client-00112233445566778899aabbccddeeff", journal.ClientId);
        Assert.Equal(Show(record), Show((await History(journal)).Single()));
    }

    [Fact]
    public async Task OpenAsync_RecordOfVersion2_IsReadForEver()
    {
        // As above, for records with recovery plans.
        var record = Full("t\u00fc") with { WritesBeforeRestart = false, RebootDelay = null };
        var all = Golden(record, cutOff: RestartLength, version: 2);
        Assert.Equal(Golden2Length, all.Length);
        Assert.Equal(Golden2Digest, Convert.ToHexStringLower(SHA256.HashData(all)));

        await System.IO.File.WriteAllBytesAsync(File, all);
        await using var journal = await Reopen();
        Assert.Equal(Show(record), Show((await History(journal)).Single()));
    }

    [Fact]
    public async Task OpenAsync_RecordOfVersion3_IsReadForEver()
    {
        // As above, for records that know of the restart.
        var all = Golden(Full("t\u00fc"), cutOff: 0, version: 3);
        Assert.Equal(Golden3Length, all.Length);
        Assert.Equal(Golden3Digest, Convert.ToHexStringLower(SHA256.HashData(all)));

        await System.IO.File.WriteAllBytesAsync(File, all);
        await using var journal = await Reopen();
        Assert.Equal(Show(Full("t\u00fc")), Show((await History(journal)).Single()));
    }

    [Theory]
    [InlineData(0, 1)]
    [InlineData(RestartLength, 1)]
    [InlineData(0, 2)]
    [InlineData(sizeof(int) + RestartLength, 2)]
    [InlineData(RestartLength, 3)]
    [InlineData(1, 3)]
    public async Task OpenAsync_RecordOfAnotherLayoutThanItsVersionSays_IsNotBelieved(int cutOff, int version)
    {
        await System.IO.File.WriteAllBytesAsync(File, Golden(Full("t") with { Recovery = [] }, cutOff, version));
        Assert.IsType<JournalCorrupt>(Failure(await FileFlashJournal.OpenAsync(File, Options(), default)));
    }

    // A file with one record, as a version of this library wrote it.
    private static byte[] Golden(FlashJournalRecord record, int cutOff, int version)
    {
        var payload = new System.Buffers.ArrayBufferWriter<byte>();
        RecordCodec.Write(record, payload);
        var writer = new System.Buffers.ArrayBufferWriter<byte>();
        JournalFormat.WriteFrame(writer, 5, version >= 3 ? 1 : 0, payload.WrittenSpan[..^cutOff]);
        var frame = writer.WrittenSpan.ToArray();
        BinaryPrimitives.WriteUInt16LittleEndian(frame.AsSpan(4), (ushort)version);
        BinaryPrimitives.WriteUInt32LittleEndian(frame.AsSpan(20), JournalFormat.Checksum(frame.AsSpan(0, 20)));
        BinaryPrimitives.WriteUInt32LittleEndian(frame.AsSpan(frame.Length - 8), JournalFormat.Checksum(frame.AsSpan(0, frame.Length - 8)));
        return [.. JournalFormat.WriteHeader(Guid.Parse("00112233-4455-6677-8899-aabbccddeeff"), 4), .. frame];
    }

    [Fact]
    public async Task OpenAsync_Again_KeepsClientAndSequence()
    {
        var client = await Write([Record(Started), Record(Concluded)]);
        await using var journal = await Reopen();

        Assert.Equal(client, journal.ClientId);
        Assert.InRange(client.Length, 1, 128);
        Assert.Equal(0, journal.TornTailBytes);
        Assert.Empty(journal.Notes);
        (await journal.AppendAsync(Record(Started), default)).GetValueOrThrow();
        Assert.Equal([1, 2, 3], (await History(journal)).Select(r => r.Sequence));
    }

    [Fact]
    public async Task OpenAsync_LastRecordCutAtAnyByte_IsReportedAndCutOff()
    {
        await Write([Record(Started), Full("x")]);
        var whole = await System.IO.File.ReadAllBytesAsync(File);
        var first = JournalFormat.HeaderLength + FrameLength(whole, JournalFormat.HeaderLength);
        for (var length = first; length < whole.Length; length++)
        {
            await System.IO.File.WriteAllBytesAsync(File, whole[..length]);
            await using (var journal = await Reopen())
            {
                Assert.Equal(length - first, journal.TornTailBytes);
                Assert.Equal(length == first ? 0 : 1, journal.Notes.Length);
                Assert.Single(await History(journal));
                (await journal.AppendAsync(Record(ArmIntent), default)).GetValueOrThrow();
            }

            if (length > first)
            {
                Assert.Equal(whole[first..length], await System.IO.File.ReadAllBytesAsync(File + ".torn"));
            }

            await using var again = await Reopen();
            Assert.Equal(0, again.TornTailBytes);
            Assert.Equal(2, (await History(again)).Count);
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(700)]
    [InlineData(5000)]
    public async Task OpenAsync_ZerosOrGarbageAfterTheLastRecord_AreATornEnd(int count)
    {
        await Write([Record(Started)]);
        var whole = await System.IO.File.ReadAllBytesAsync(File);
        var garbage = new byte[count];
        foreach (var seed in new[] { 0, 1 })
        {
            if (seed != 0)
            {
                new Random(seed).NextBytes(garbage);
            }

            await System.IO.File.WriteAllBytesAsync(File, [.. whole, .. garbage]);
            await using var journal = await Reopen();
            Assert.Equal(count, journal.TornTailBytes);
            Assert.Single(await History(journal));
        }
    }

    [Fact]
    public async Task OpenAsync_LastRecordWithALostSector_IsATornEnd()
    {
        await Write([Record(Started), Record(Observed) with { Detail = new('x', 4000) }]);
        var whole = await System.IO.File.ReadAllBytesAsync(File);
        whole.AsSpan(1024, 512).Clear();
        await System.IO.File.WriteAllBytesAsync(File, whole);

        await using var journal = await Reopen();
        Assert.True(journal.TornTailBytes > 4000);
    }

    // Three records went out in one write, and power failed before it was flushed: the first one's sector was lost, the others arrived.
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task OpenAsync_LostSectorInAWriteOfSeveralRecords_IsATornEndUnlessAnotherWriteFollows(bool anotherFollows)
    {
        await Write([Record(Started)]);
        var before = new FileInfo(File).Length;
        WatchedFile? watched = null;
        await using (var journal = (await FileFlashJournal.OpenAsync(File, Options(), f => watched = new(f), default)).GetValueOrThrow())
        {
            await TogetherAsync(journal, watched!, [Record(Started, "first")], [.. Enumerable.Range(0, 3).Select(i => Record(Observed, $"op-{i}") with { Detail = new('x', 2000) })]);
            if (anotherFollows)
            {
                (await journal.AppendAsync(Record(Observed), default)).GetValueOrThrow();
            }
        }

        var whole = await System.IO.File.ReadAllBytesAsync(File);
        var batch = (int)before + FrameLength(whole, (int)before);
        whole.AsSpan(((batch / 512) + 1) * 512, 512).Clear();
        await System.IO.File.WriteAllBytesAsync(File, whole);

        var opened = await FileFlashJournal.OpenAsync(File, Options(), default);
        if (anotherFollows)
        {
            Assert.IsType<JournalCorrupt>(Failure(opened));
            return;
        }

        await using var again = opened.GetValueOrThrow();
        Assert.Equal(whole.Length - batch, again.TornTailBytes);
        Assert.Equal([1, 2], (await History(again)).Select(r => r.Sequence));
        Assert.Equal(whole[batch..], await System.IO.File.ReadAllBytesAsync(File + ".torn"));
    }

    // What an earlier write, or a compaction, put on the disk is never a torn end, although what follows it was not flushed by itself.
    [Theory]
    [InlineData("compacted, of two writes")]
    [InlineData("compacted, of one write")]
    [InlineData("a sector of two writes")]
    public async Task OpenAsync_LostSectorOfWhatWasOnTheDiskBefore_IsDamage(string what)
    {
        var long2K = new string('x', 2000);
        var options = Options() with { TimeProvider = new FixedClock(Now + TimeSpan.FromDays(4000)) };
        WatchedFile? watched = null;
        await using (var journal = (await FileFlashJournal.OpenAsync(File, Options(), f => watched = new(f), default)).GetValueOrThrow())
        {
            switch (what)
            {
                case "compacted, of two writes":
                    await TogetherAsync(journal, watched!, [Record(Started, "a") with { Detail = long2K }], [Record(Concluded, "b"), Record(Observed, "a") with { Detail = long2K }]);
                    break;
                case "compacted, of one write":
                    await TogetherAsync(journal, watched!, [Record(Concluded, "b")], [Record(Started, "a") with { Detail = long2K }, Record(Observed, "a") with { Detail = long2K }]);
                    break;
                default:
                    await TogetherAsync(journal, watched!, [Record(Started, "a") with { Detail = new('y', 700) }], [Record(Started, "b"), Record(Observed, "b") with { Detail = long2K }, Record(Observed, "b") with { Detail = long2K }]);
                    break;
            }
        }

        var isCompacted = what.StartsWith("compacted", StringComparison.Ordinal);
        if (isCompacted)
        {
            await using var journal = (await FileFlashJournal.OpenAsync(File, options, default)).GetValueOrThrow();
            Assert.Equal(2, (await History(journal)).Count);
        }

        var whole = await System.IO.File.ReadAllBytesAsync(File);
        var second = JournalFormat.HeaderLength + FrameLength(whole, JournalFormat.HeaderLength);
        whole.AsSpan((isCompacted ? 1 : second / 512) * 512, 512).Clear();
        await System.IO.File.WriteAllBytesAsync(File, whole);

        Assert.IsType<JournalCorrupt>(Failure(await FileFlashJournal.OpenAsync(File, Options(), default)));
        Assert.Equal(whole, await System.IO.File.ReadAllBytesAsync(File));
    }

    // The records of the second list go out in one write, while the first one's is held.
    private static async Task TogetherAsync(FileFlashJournal journal, WatchedFile watched, FlashJournalRecord[] first, FlashJournalRecord[] together)
    {
        watched.Gate.Reset();
        var tasks = first.Select(r => journal.AppendAsync(r, default).AsTask()).ToList();
        Assert.True(SpinWait.SpinUntil(() => watched.IsWriting, TimeSpan.FromSeconds(30)));
        tasks.AddRange(together.Select(r => journal.AppendAsync(r, default).AsTask()));
        watched.Gate.Set();
        Assert.All(await Task.WhenAll(tasks), r => r.GetValueOrThrow());
    }

    [Fact]
    public async Task OpenAsync_ThroughALink_IsTheSameJournal()
    {
        await Write([Record(Started), Record(Concluded), Record(Started)]);
        var link = File + ".link";
        System.IO.File.CreateSymbolicLink(link, File);

        await using (var journal = await Reopen())
        {
            Assert.IsType<JournalUnavailable>(Failure(await FileFlashJournal.OpenAsync(link, Options(), default)));
        }

        await using (var journal = (await FileFlashJournal.OpenAsync(link, Options(), default)).GetValueOrThrow())
        {
            Assert.IsType<JournalUnavailable>(Failure(await FileFlashJournal.OpenAsync(File, Options(), default)));
            (await journal.CompactAsync(default)).GetValueOrThrow();
            (await journal.AppendAsync(Record(Observed), default)).GetValueOrThrow();
        }

        Assert.NotNull(new FileInfo(link).LinkTarget);
        await using var direct = await Reopen();
        Assert.Equal(Observed, (await History(direct))[^1].Kind);
    }

    // What is acknowledged can be read again: a record that can't would lock everybody out of everything.
    [Theory]
    [InlineData("verification")]
    [InlineData("outcome")]
    [InlineData("state")]
    [InlineData("kind")]
    [InlineData("component")]
    [InlineData("attempt")]
    [InlineData("copy")]
    public async Task AppendAsync_ValueThatCouldNotBeReadBack_IsRefused(string what)
    {
        await Write([Record(Started)]);
        var length = new FileInfo(File).Length;
        var full = Full("x");
        var component = full.Components[0];
        var record = what switch
        {
            "verification" => full with { Verification = (VerificationMethod)9 },
            "outcome" => full with { Outcome = (FlashOutcomeKind)99 },
            "state" => full with { TargetState = (TargetState)99 },
            "kind" => full with { Components = [component with { Kind = (RomKind)99 }] },
            "component" => full with { Components = [component with { ComponentId = null! }] },
            "attempt" => full with { Components = [component with { AttemptBefore = new LastAttempt(null, default) }] },
            _ => full with { Recovery = [full.Recovery[0] with { Copy = (BackupCopy)99 }] },
        };
        await using (var journal = await Reopen())
        {
            Assert.IsType<JournalUnavailable>(Failure(await journal.AppendAsync(record, default)));
            Assert.Equal(length, new FileInfo(File).Length);
            (await journal.AppendAsync(Record(Observed), default)).GetValueOrThrow();
        }

        await using var again = await Reopen();
        Assert.Equal(2, (await History(again)).Count);
    }

    [Fact]
    public async Task AppendAsync_AnotherIsBeingWritten_BothTogetherKeepToTheLimit()
    {
        var options = Options() with { MaxFileBytes = 1 << 16 };
        WatchedFile? watched = null;
        await using (var journal = (await FileFlashJournal.OpenAsync(File, options, f => watched = new(f), default)).GetValueOrThrow())
        {
            watched!.Gate.Reset();
            var first = journal.AppendAsync(Record(Started) with { Detail = new('x', 40_000) }, default).AsTask();
            Assert.True(SpinWait.SpinUntil(() => watched.IsWriting, TimeSpan.FromSeconds(30)));
            var second = journal.AppendAsync(Record(Observed) with { Detail = new('x', 40_000) }, default).AsTask();
            watched.Gate.Set();

            (await first).GetValueOrThrow();
            Assert.Contains("largest size", Failure(await second).Detail, StringComparison.Ordinal);
            (await journal.AppendAsync(Record(Observed), default)).GetValueOrThrow();
        }

        await using var again = await Reopen(options);
        Assert.Equal(2, (await History(again)).Count);
    }

    // A disk that gives something else for once: the old file stays, with everything that is in it.
    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    public async Task CompactAsync_WhatIsReadAgainDiffers_KeepsTheOldFile(int wrongAt)
    {
        await Write([Record(Started, "a"), Record(Started, "b"), Record(Started, "c")]);
        var second = JournalFormat.HeaderLength + FrameLength(await System.IO.File.ReadAllBytesAsync(File), JournalFormat.HeaderLength);
        WatchedFile? watched = null;
        await using (var journal = (await FileFlashJournal.OpenAsync(File, Options(), Watch, default)).GetValueOrThrow())
        {
            watched!.WrongAt = (second, wrongAt);
            Assert.False((await journal.CompactAsync(default)).TryGetValue(out _, out _));
            Assert.True(watched.WasWrong);
            (await journal.AppendAsync(Record(Observed, "a"), default)).GetValueOrThrow();
        }

        await using var again = await Reopen();
        Assert.Equal([1, 2, 3, 4], (await History(again)).Select(r => r.Sequence));

        // The new file is one, too.
        WatchedFile Watch(IJournalFile file)
        {
            var made = new WatchedFile(file);
            watched ??= made;
            return made;
        }
    }

    [Fact]
    public async Task OpenAsync_AnyBitFlipped_IsNeverReadAsGood()
    {
        await Write([Record(Started), Record(StagingIntent) with { DepositId = "d" }, Record(ArmIntent)]);
        var whole = await System.IO.File.ReadAllBytesAsync(File);
        var last = JournalFormat.HeaderLength + FrameLength(whole, JournalFormat.HeaderLength);
        last += FrameLength(whole, last);
        var torn = 0;
        for (var bit = 0; bit < whole.Length * 8; bit++)
        {
            var flipped = (byte[])whole.Clone();
            flipped[bit / 8] ^= (byte)(1 << (bit % 8));
            await System.IO.File.WriteAllBytesAsync(File, flipped);
            var result = await FileFlashJournal.OpenAsync(File, Options(), default);
            if (result.TryGetValue(out var journal, out var failure))
            {
                // Only the last record may pass for torn, and then it is said.
                await journal.DisposeAsync();
                Assert.True(bit / 8 >= last);
                Assert.Equal(whole.Length - last, journal.TornTailBytes);
                torn++;
                continue;
            }

            Assert.IsType<JournalCorrupt>(failure);
            Assert.Equal(flipped, await System.IO.File.ReadAllBytesAsync(File));
        }

        // A record that was whole once is not thrown away for one bit.
        Assert.Equal(0, torn);
    }

    [Fact]
    public async Task OpenAsync_NewerVersions_SaysSo()
    {
        await Write([Record(Started)]);
        var whole = await System.IO.File.ReadAllBytesAsync(File);
        var record = whole.AsSpan(JournalFormat.HeaderLength).ToArray();
        BinaryPrimitives.WriteUInt16LittleEndian(record.AsSpan(4), FlashJournalRecord.CurrentVersion + 1);
        BinaryPrimitives.WriteUInt32LittleEndian(record.AsSpan(20), JournalFormat.Checksum(record.AsSpan(0, 20)));
        BinaryPrimitives.WriteUInt32LittleEndian(record.AsSpan(record.Length - 8), JournalFormat.Checksum(record.AsSpan(0, record.Length - 8)));
        byte[] newRecord = [.. whole[..JournalFormat.HeaderLength], .. record];
        var newFile = (byte[])whole.Clone();
        newFile[8] = 2;
        BinaryPrimitives.WriteUInt32LittleEndian(newFile.AsSpan(44), JournalFormat.Checksum(newFile.AsSpan(0, 44)));
        foreach (var content in new[] { newRecord, newFile })
        {
            await System.IO.File.WriteAllBytesAsync(File, content);
            var failure = await Fails<JournalCorrupt>();
            Assert.Contains("newer version", failure.Detail, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task OpenAsync_HostileFiles_AreAnsweredWithATypedFailure()
    {
        var random = new Random(7);
        await Write([Record(Started)]);
        var header = (await System.IO.File.ReadAllBytesAsync(File))[..JournalFormat.HeaderLength];
        for (var i = 0; i < 200; i++)
        {
            var bytes = new byte[random.Next(1, 3000)];
            random.NextBytes(bytes);
            await System.IO.File.WriteAllBytesAsync(File, bytes);
            await Fails<JournalCorrupt>();

            // Behind a good header, with checksums that fit: the payload is what is hostile.
            var frame = new System.Buffers.ArrayBufferWriter<byte>();
            JournalFormat.WriteFrame(frame, 1, 1, bytes);
            await System.IO.File.WriteAllBytesAsync(File, [.. header, .. frame.WrittenSpan]);
            await Fails<JournalCorrupt>();
        }
    }

    [Fact]
    public async Task OpenAsync_HeadersWithLongPayloadsEverywhere_EndsSoon()
    {
        await Write([Record(Started)]);
        var header = (await System.IO.File.ReadAllBytesAsync(File))[..JournalFormat.HeaderLength];
        var frame = new System.Buffers.ArrayBufferWriter<byte>();
        JournalFormat.WriteFrame(frame, 1, 1, new byte[500_000]);
        var one = frame.WrittenSpan[..JournalFormat.FrameHeaderLength].ToArray();
        var content = new MemoryStream();
        content.Write(header);
        while (content.Length < 2_000_000)
        {
            content.Write(one);
        }

        await System.IO.File.WriteAllBytesAsync(File, content.ToArray());
        await Fails<JournalCorrupt>();
    }

    [Fact]
    public async Task OpenAsync_LargerThanAllowed_IsUnavailable()
    {
        await Write([Record(Started)]);
        using (var stream = new FileStream(File, FileMode.Open))
        {
            stream.SetLength(1L << 40);
        }

        await Fails<JournalUnavailable>();
    }

    [Fact]
    public async Task AppendAsync_FileAtItsLimit_RefusesAndStaysUsable()
    {
        await using var journal = await Reopen(Options() with { MaxFileBytes = 1 << 16 });
        var large = Record(Started) with { Detail = new('x', 40_000) };
        (await journal.AppendAsync(large, default)).GetValueOrThrow();
        Assert.IsType<JournalUnavailable>(Failure(await journal.AppendAsync(large, default)));
        Assert.IsType<JournalUnavailable>(Failure(await journal.AppendAsync(Record(Started) with { Detail = new('x', 2_000_000) }, default)));
        (await journal.AppendAsync(Record(Started), default)).GetValueOrThrow();
    }

    [Fact]
    public async Task OpenAsync_SecondOpener_IsRefusedUntilTheFirstHasGone()
    {
        var first = await Reopen();
        Assert.Contains("in use", (await Fails<JournalUnavailable>()).Detail, StringComparison.Ordinal);
        await first.DisposeAsync();
        await first.DisposeAsync();
        Assert.IsType<JournalUnavailable>(Failure(await first.AppendAsync(Record(Started), default)));
        await (await Reopen()).DisposeAsync();
    }

    [Fact]
    public async Task OpenAsync_NoDirectoryOrADirectory_IsUnavailable()
    {
        Directory.CreateDirectory(File);
        await Fails<JournalUnavailable>();
        var result = await FileFlashJournal.OpenAsync(_scratch["no/such/journal"], Options(), default);
        Assert.False(result.TryGetValue(out _, out var failure));
        Assert.IsType<JournalUnavailable>(failure);
    }

    [Fact]
    public async Task OpenAsync_OnUnix_FileIsPrivateAndLooserModesAreTightened()
    {
        if (OperatingSystem.IsWindows())
        {
            return;
        }

        await Write([Record(Started)]);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, System.IO.File.GetUnixFileMode(File));
        System.IO.File.SetUnixFileMode(File, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead);
        await using var journal = await Reopen();
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, System.IO.File.GetUnixFileMode(File));
        Assert.Contains("0600", Assert.Single(journal.Notes), StringComparison.Ordinal);
    }

    [Fact]
    public async Task OpenAsync_EmptyFileAndLeftoverOfACrashedCompaction_AreFine()
    {
        await System.IO.File.WriteAllTextAsync(File, string.Empty);
        await System.IO.File.WriteAllTextAsync(File + ".new", "half");
        await using var journal = await Reopen();
        (await journal.AppendAsync(Record(Started), default)).GetValueOrThrow();
        (await journal.CompactAsync(default)).GetValueOrThrow();
        Assert.Single(await History(journal));
        Assert.False(System.IO.File.Exists(File + ".new"));
    }

    [Fact]
    public async Task OpenAsync_OldConcludedOperations_AreDroppedAndOpenOnesKept()
    {
        await Write([
            Record(Started, "open"), Record(Started, "done"), Record(Concluded, "done"), Record(Started, "again"), Record(Concluded, "again"), Record(Observed, "again"), Record(Started, "late"),
            Record(Concluded, "late") with { Time = Now.AddDays(50) },
        ]);
        _clock.Now = Now.AddDays(91);
        await using (var journal = await Reopen())
        {
            Assert.Equal(["open", "again", "again", "again", "late", "late"], (await History(journal)).Select(r => r.OperationId));
            Assert.Single((await journal.ReadOpenAsync("dir:/a", null, default)).GetValueOrThrow(), r => r.OperationId == "again");
        }

        _clock.Now = Now.AddDays(1000);
        await using (var journal = await Reopen())
        {
            Assert.Equal(4, (await History(journal)).Count);
            (await journal.AppendAsync(Record(Concluded, "open"), default)).GetValueOrThrow();
            (await journal.AppendAsync(Record(Concluded, "again"), default)).GetValueOrThrow();
            (await journal.CompactAsync(default)).GetValueOrThrow();
            Assert.Empty(await History(journal));
        }

        // A sequence is not given twice, even when no record is left that shows it.
        await using var last = await Reopen();
        (await last.AppendAsync(Record(Started), default)).GetValueOrThrow();
        Assert.Equal(11, (await History(last)).Single().Sequence);
    }

    [Fact]
    public async Task ReadHistoryAsync_CompactedMeanwhile_GoesOnWhereItWas()
    {
        await using var journal = await Reopen();
        for (var i = 0; i < 300; i++)
        {
            (await journal.AppendAsync(Record(i < 100 ? Concluded : Started, $"op-{i}"), default)).GetValueOrThrow();
        }

        var seen = new List<long>();
        await foreach (var record in journal.ReadHistoryAsync(null, default))
        {
            seen.Add(record.Sequence);
            if (seen.Count == 150)
            {
                _clock.Now = Now.AddDays(1000);
                (await journal.CompactAsync(default)).GetValueOrThrow();
                (await journal.AppendAsync(Record(Started, "later"), default)).GetValueOrThrow();
            }
        }

        Assert.Equal(Enumerable.Range(1, 300).Select(i => (long)i), seen);
    }

    [Fact]
    public async Task AppendAsync_ManyWaiting_EachCompletesAfterAFlushThatCoversItAndTheyShareFlushes()
    {
        WatchedFile? watched = null;
        var journal = (await FileFlashJournal.OpenAsync(File, Options(), f => watched = new(f), default)).GetValueOrThrow();
        var flushesBefore = watched!.Flushes;
        watched.Gate.Reset();
        var tasks = Enumerable.Range(0, 50).Select(i => journal.AppendAsync(Record(Started, $"op-{i}"), default).AsTask()).ToList();
        Assert.All(tasks, t => Assert.False(t.IsCompleted));
        watched.Gate.Set();
        await Task.WhenAll(tasks.Select(async t =>
        {
            (await t).GetValueOrThrow();

            // Each record has its own length at least between what was there and what is flushed.
            Assert.True(watched.FlushedLength > JournalFormat.HeaderLength);
        }));

        Assert.Equal(watched.Length, watched.FlushedLength);
        Assert.InRange(watched.Flushes - flushesBefore, 1, 3);

        for (var i = 0; i < 20; i++)
        {
            (await journal.AppendAsync(Record(Observed, $"op-{i}"), default)).GetValueOrThrow();
            Assert.Equal(watched.WrittenLength, watched.FlushedLength);
        }

        await journal.DisposeAsync();
    }

    [Fact]
    public async Task AppendAsync_KilledAtAnyByteOfAWrite_WhatWasAcknowledgedIsThere()
    {
        for (var budget = 0; budget < 420; budget += 7)
        {
            System.IO.File.Delete(File);
            WatchedFile? watched = null;
            var journal = (await FileFlashJournal.OpenAsync(File, Options(), f => watched = new(f), default)).GetValueOrThrow();
            watched!.BytesUntilDeath = budget;
            var acknowledged = 0;
            for (var i = 0; i < 4; i++)
            {
                acknowledged += (await journal.AppendAsync(Record(Started, $"op-{i}"), default)).TryGetValue(out _, out var failure) ? 1 : 0;
                Assert.True(failure is null or JournalUnavailable);
            }

            await journal.DisposeAsync();
            await using var again = await Reopen();
            Assert.Equal(Enumerable.Range(0, acknowledged).Select(i => $"op-{i}"), (await History(again)).Select(r => r.OperationId));
        }
    }

    [Fact]
    public async Task AppendAsync_FlushFails_RefusesEverythingAfterwards()
    {
        WatchedFile? watched = null;
        await using var journal = (await FileFlashJournal.OpenAsync(File, Options(), f => watched = new(f), default)).GetValueOrThrow();
        watched!.FlushFails = true;
        Assert.IsType<JournalUnavailable>(Failure(await journal.AppendAsync(Record(Started), default)));
        watched.FlushFails = false;
        Assert.Contains("open the journal again", Failure(await journal.AppendAsync(Record(Started), default)).Detail, StringComparison.Ordinal);
        Assert.IsType<JournalUnavailable>(Failure(await journal.CompactAsync(default)));
        Assert.False((await journal.ReadOpenAsync("dir:/a", null, default)).TryGetValue(out _, out _));
    }

    [Fact]
    public async Task AppendAsync_DiskFull_RefusesAndGoesOnWhenThereIsSpaceAgain()
    {
        WatchedFile? watched = null;
        await using (var journal = (await FileFlashJournal.OpenAsync(File, Options(), f => watched = new(f), default)).GetValueOrThrow())
        {
            (await journal.AppendAsync(Record(Started), default)).GetValueOrThrow();
            watched!.BytesUntilFull = 13;
            Assert.IsType<JournalUnavailable>(Failure(await journal.AppendAsync(Record(ArmIntent), default)));
            watched.BytesUntilFull = null;
            (await journal.AppendAsync(Record(Armed), default)).GetValueOrThrow();
            Assert.Equal([Started, Armed], (await journal.ReadOpenAsync("dir:/a", null, default)).GetValueOrThrow().Select(r => r.Kind));
        }

        await using var again = await Reopen();
        Assert.Equal(0, again.TornTailBytes);
        Assert.Equal([Started, Armed], (await History(again)).Select(r => r.Kind));
    }

    [Fact]
    public async Task CompactAsync_NewFileCantBeWritten_KeepsTheOldOne()
    {
        var fails = false;
        await using var journal = (await FileFlashJournal.OpenAsync(File, Options(), f => new WatchedFile(f) { BytesUntilFull = fails ? 10 : null }, default)).GetValueOrThrow();
        (await journal.AppendAsync(Record(Started), default)).GetValueOrThrow();
        fails = true;
        Assert.IsType<JournalUnavailable>(Failure(await journal.CompactAsync(default)));
        (await journal.AppendAsync(Record(Observed), default)).GetValueOrThrow();
        Assert.Equal(2, (await History(journal)).Count);
    }

    // What version 3 has behind version 2: a flag and a delay.
    private const int RestartLength = sizeof(byte) + sizeof(long);

    private const int Golden3Length = 641;
    private const string Golden3Digest = "e544f7fceec884ac37e7155b691d81bce92efb554bab272c3c62ffd3097ef9f5";
    private const int Golden2Length = 632;
    private const string Golden2Digest = "1a4be1718574953690a807dcb4a3af2ae23a5b5c9344f2ccd63685c8be56089d";
    private const int GoldenLength = 489;
    private const string GoldenDigest = "c40e231f8533785677db0097244889400df6654e6966173e83d126837ea8d501";

    private static FlashFailure Failure<T>(FlashResult<T> result)
        where T : notnull => result.TryGetValue(out _, out var failure) ? throw new InvalidOperationException("it succeeded") : failure;

    private static int FrameLength(byte[] file, int offset) => JournalFormat.MinimumFrameLength + BinaryPrimitives.ReadInt32LittleEndian(file.AsSpan(offset + 8));

    private static async Task<List<FlashJournalRecord>> History(FileFlashJournal journal)
    {
        var records = new List<FlashJournalRecord>();
        await foreach (var record in journal.ReadHistoryAsync(null, default))
        {
            records.Add(record);
        }

        return records;
    }

    private FileFlashJournalOptions Options() => new() { TimeProvider = _clock };

    private async Task<FileFlashJournal> Reopen(FileFlashJournalOptions? options = null) =>
        (await FileFlashJournal.OpenAsync(File, options ?? Options(), default)).GetValueOrThrow();

    private async Task<T> Fails<T>()
        where T : FlashFailure
    {
        var result = await FileFlashJournal.OpenAsync(File, Options(), default);
        Assert.False(result.TryGetValue(out _, out var failure));
        return Assert.IsType<T>(failure);
    }

    private async Task<string> Write(IEnumerable<FlashJournalRecord> records)
    {
        await using var journal = await Reopen();
        foreach (var record in records)
        {
            (await journal.AppendAsync(record, default)).GetValueOrThrow();
        }

        return journal.ClientId;
    }

    /// <summary>A file that counts, waits, fills up, dies and refuses to flush as a test wants it.</summary>
    private sealed class WatchedFile(IJournalFile inner) : IJournalFile
    {
        public ManualResetEventSlim Gate { get; } = new(true);

        public int Flushes { get; private set; }

        public long WrittenLength { get; private set; } = inner.Length;

        public long FlushedLength { get; private set; } = inner.Length;

        public bool FlushFails { get; set; }

        public int? BytesUntilFull { get; set; }

        public int? BytesUntilDeath { get; set; }

        public long Length => inner.Length;

        public bool IsWriting { get; private set; }

        /// <summary>Where a whole frame begins, and the how-manieth reading of it is wrong.</summary>
        public (long Offset, int Reading)? WrongAt { get; set; }

        public bool WasWrong { get; private set; }

        public int Read(long offset, Span<byte> buffer)
        {
            var count = inner.Read(offset, buffer);
            if (WrongAt is var (place, reading) && offset == place && count > JournalFormat.MinimumFrameLength && (WrongAt = (place, reading - 1)).Value.Reading == 0)
            {
                buffer[JournalFormat.FrameHeaderLength] ^= 1;
                WasWrong = true;
            }

            return count;
        }

        public void Write(long offset, ReadOnlySpan<byte> bytes)
        {
            IsWriting = true;
            Gate.Wait();
            IsWriting = false;
            if (BytesUntilFull is { } room && bytes.Length > room)
            {
                inner.Write(offset, bytes[..room]);
                throw new IOException("no space left on device", 28);
            }

            if (BytesUntilDeath is { } life)
            {
                inner.Write(offset, bytes[..Math.Min(life, bytes.Length)]);
                BytesUntilDeath = Math.Max(0, life - bytes.Length);
                if (bytes.Length > life)
                {
                    throw new IOException("killed", 5);
                }
            }
            else
            {
                inner.Write(offset, bytes);
            }

            WrittenLength = Math.Max(WrittenLength, offset + bytes.Length);
        }

        public void Flush()
        {
            if (FlushFails)
            {
                throw new IOException("input/output error", 5);
            }

            inner.Flush();
            Flushes++;
            FlushedLength = WrittenLength;
        }

        public void Truncate(long length)
        {
            if (BytesUntilDeath is not null)
            {
                throw new IOException("killed", 5);
            }

            inner.Truncate(length);
        }

        public void Dispose() => inner.Dispose();
    }
}
