using RomFlash.Sdk.Confirmation;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Journal;
using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Recovery;
using RomFlash.Sdk.Targets;
using RomFlash.Sdk.Testing;
using RomFlash.Sdk.Testing.Simulation;
using RomFlash.Sdk.Tests.Journal;
using RomFlash.Sdk.Tests.Pipeline;
using RomFlash.Sdk.Transports;
using RomFlash.Sdk.Transports.Directory;

namespace RomFlash.Sdk.Tests.Transports.Directory;

/// <summary>A whole upgrade of a folder, with a journal in a file; the boot is played by hand.</summary>
public sealed class DirectoryUpgradeTests : IDisposable
{
    private readonly EspFixture _esp = new();
    private readonly Scratch _scratch = new();
    private readonly SimulatedClock _clock = new();

    public DirectoryUpgradeTests() => _esp.WriteFacts("boot-1", Bench.OldSystem);

    private FlashTarget Target => FlashTarget.Parse("dir:" + _esp.Root);

    private FlashRequest Request => new(Target, Bench.NewSystem.Image);

    public void Dispose()
    {
        _esp.Dispose();
        _scratch.Dispose();
    }

    [Fact]
    public async Task FlashAsync_Folder_IsPendingUntilItsBootIsPlayedThenUpgraded()
    {
        await using var journal = await OpenJournal();
        var client = Client(journal);
        var report = await client.FlashAsync(Request, null, CancellationToken.None);
        Assert.True(report.Outcome == FlashOutcomeKind.Pending, report.Result.ToString());
        Assert.True(report.HadClaim);
        var capsule = Assert.Single(System.IO.Directory.GetFiles(_esp.Capsules));
        Assert.Equal(Bench.NewSystem.Content.ToArray(), await File.ReadAllBytesAsync(capsule));

        Assert.Equal(FlashOutcomeKind.Pending, (await client.ConfirmAsync(Target, TimeSpan.Zero, null, CancellationToken.None)).Outcome);

        _esp.PlayBoot("boot-2", Bench.NewSystem);
        var confirmed = await client.ConfirmAsync(Target, TimeSpan.Zero, null, CancellationToken.None);
        Bench.IsUpgraded(confirmed);
        AssertNothingIsLeft();
        Assert.Equal(FlashOutcomeKind.AlreadyCurrent, (await client.FlashAsync(Request, null, CancellationToken.None)).Outcome);
    }

    [Fact]
    public async Task FlashAsync_BackupGiven_LiesBesideWhereNoFirmwareLooks()
    {
        await using var journal = await OpenJournal();
        var client = new RomFlashClient(Options(journal, _clock, roms: [Bench.NewSystem, Bench.OldSystem]));
        var report = await client.FlashAsync(Request with { BackupImages = [Bench.OldSystem.Image] }, null, CancellationToken.None);
        Assert.True(report.Outcome == FlashOutcomeKind.Pending, report.Result.ToString());
        Assert.Equal(Bench.NewSystem.Content.ToArray(), await File.ReadAllBytesAsync(Assert.Single(System.IO.Directory.GetFiles(_esp.Capsules))));

        var plan = Assert.Single(report.Recovery);
        Assert.Equal(BackupCopy.Staged, plan.Copy);
        Assert.StartsWith("EFI/RomFlash/g1/", plan.CopyLocation, StringComparison.Ordinal);
        Assert.Equal(Bench.OldSystem.Content.ToArray(), await File.ReadAllBytesAsync(Path.Combine(_esp.Root, plan.CopyLocation)));

        // Disarmed, the upgrade goes, and what lay beside it with it.
        Assert.Equal(new CancellationReport(TargetState.Untouched, WasArmed: true), (await client.CancelAsync(Target, null, CancellationToken.None)).GetValueOrThrow());
        AssertNothingIsLeft();
    }

    [Fact]
    public async Task FlashAsync_BackupGivenAndBootPlayed_IsGoneOnceItCameUpWell()
    {
        await using var journal = await OpenJournal();
        var client = new RomFlashClient(Options(journal, _clock, roms: [Bench.NewSystem, Bench.OldSystem]));
        Assert.Equal(FlashOutcomeKind.Pending, (await client.FlashAsync(Request with { BackupImages = [Bench.OldSystem.Image] }, null, CancellationToken.None)).Outcome);

        _esp.PlayBoot("boot-2", Bench.NewSystem);
        Bench.IsUpgraded(await client.ConfirmAsync(Target, TimeSpan.Zero, null, CancellationToken.None));
        AssertNothingIsLeft();
    }

    [Fact]
    public async Task CancelAsync_ArmedFolder_IsUntouched()
    {
        await using var journal = await OpenJournal();
        var client = Client(journal);
        Assert.Equal(FlashOutcomeKind.Pending, (await client.FlashAsync(Request, null, CancellationToken.None)).Outcome);

        var cancelled = await client.CancelAsync(Target, null, CancellationToken.None);
        Assert.Equal(new CancellationReport(TargetState.Untouched, WasArmed: true), cancelled.GetValueOrThrow());
        AssertNothingIsLeft();
    }

    [Fact]
    public async Task FlashAsync_NewClientAfterTheBoot_AdoptsInsteadOfFlashingAgain()
    {
        string id;
        await using (var journal = await OpenJournal())
        {
            var first = await Client(journal).FlashAsync(Request, null, CancellationToken.None);
            Assert.Equal(FlashOutcomeKind.Pending, first.Outcome);
            id = journal.ClientId;
        }

        _esp.PlayBoot("boot-2", Bench.NewSystem);
        await using var reopened = await OpenJournal();
        Assert.Equal(id, reopened.ClientId);
        var report = await Client(reopened).FlashAsync(Request, null, CancellationToken.None);
        Bench.IsUpgraded(report);
        AssertNothingIsLeft();
        var records = new List<FlashJournalRecordKind>();
        await foreach (var record in reopened.ReadHistoryAsync(null, CancellationToken.None))
        {
            records.Add(record.Kind);
        }

        Assert.Equal(1, records.Count(k => k == FlashJournalRecordKind.ArmIntent));
        Assert.Equal(FlashJournalRecordKind.Concluded, records[^1]);
    }

    [Fact]
    public async Task FlashAsync_NewClientBeforeTheBoot_LeavesWhatIsArmedInPlace()
    {
        await using (var journal = await OpenJournal())
        {
            await Client(journal).FlashAsync(Request, null, CancellationToken.None);
        }

        var armed = System.IO.Directory.GetFiles(_esp.Capsules);
        await using var reopened = await OpenJournal();
        Assert.Equal(FlashOutcomeKind.Pending, (await Client(reopened).FlashAsync(Request, null, CancellationToken.None)).Outcome);
        Assert.Equal(armed, System.IO.Directory.GetFiles(_esp.Capsules));
    }

    [Theory]
    [InlineData(-1, 3)]
    [InlineData(0, 5)]
    [InlineData(1_500_000, 4)]
    public async Task FlashAsync_AfterARunThatWasCut_GoesOnBehindWhatIsTheSame(int damagedAt, int chunks)
    {
        // Four chunks and a bit; two chunks and a bit are there.
        const int Chunk = 1 << 20;
        const int Present = (2 * Chunk) + 700;
        var rom = Bench.SystemRom("U30 v2.50 (03/12/2021)", 0x0002_5000, 2, payloadLength: (4 * Chunk) + 99);
        await using var journal = await OpenJournal();
        var there = rom.Content.ToArray()[..Present];
        if (damagedAt >= 0)
        {
            there[damagedAt] ^= 1;
        }

        await LeaveUnfinished(journal.ClientId, rom, there);
        var folder = new BrokenFolder();
        var client = new RomFlashClient(Options(journal, _clock, new DirectoryTransport(folder), [rom]));
        var report = await client.FlashAsync(new(Target, rom.Image), null, CancellationToken.None);

        Assert.True(report.Outcome == FlashOutcomeKind.Pending, report.Result.ToString());
        Assert.Equal(rom.Content.ToArray(), await File.ReadAllBytesAsync(Assert.Single(System.IO.Directory.GetFiles(_esp.Capsules))));
        Assert.Equal(chunks, folder.Writes.Count(w => w == Chunk || w == rom.Content.Length - (4 * Chunk)));
        Assert.DoesNotContain("stale", _esp.Tree(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task FlashAsync_AfterARunThatWasCutBeforeTheFirstByte_WritesOn()
    {
        await using var journal = await OpenJournal();
        await LeaveUnfinished(journal.ClientId, Bench.NewSystem, []);
        var part = Assert.Single(System.IO.Directory.GetFiles(_esp.RomFlash, "*.part", SearchOption.AllDirectories));
        Assert.Equal(0, new FileInfo(part).Length);

        var report = await Client(journal).FlashAsync(Request, null, CancellationToken.None);

        Assert.True(report.Outcome == FlashOutcomeKind.Pending, report.Result.ToString());
        Assert.Equal(Bench.NewSystem.Content.ToArray(), await File.ReadAllBytesAsync(Assert.Single(System.IO.Directory.GetFiles(_esp.Capsules))));
        Assert.DoesNotContain("stale", _esp.Tree(), StringComparison.Ordinal);
    }

    private async Task LeaveUnfinished(string owner, SimulatedRom rom, byte[] there)
    {
        await using var session = await _esp.Connect();
        var claim = (await session.AcquireClaimAsync(new(owner), default)).Ok();
        var manifest = new DepositManifest("cut-short", claim.Generation, [new("romflash-00.cap", rom.Content.Length, rom.Image.Sha256, "system")]);
        await using var deposit = (await session.OpenDepositAsync(manifest, default)).Ok();
        (await deposit.WriteAsync(0, 0, ReadOnlyMemory<byte>.Empty, default)).Ok();
        for (var at = 0; at < there.Length; at += 1 << 20)
        {
            (await deposit.WriteAsync(0, at, there.AsMemory(at, Math.Min(1 << 20, there.Length - at)), default)).Ok();
        }
    }

    private static RomFlashClientOptions Options(IFlashJournal journal, TimeProvider clock, DirectoryTransport? transport = null, SimulatedRom[]? roms = null) => new()
    {
        Transports = [transport ?? new DirectoryTransport()],
        Catalog = SimulatedCatalog.Of(roms ?? [Bench.NewSystem]),
        Journal = journal,
        Credentials = CredentialSources.None,
        TimeProvider = clock,
    };

    private RomFlashClient Client(IFlashJournal journal) => new(Options(journal, _clock));

    private async Task<FileFlashJournal> OpenJournal() =>
        (await FileFlashJournal.OpenAsync(_scratch["journal"], new FileFlashJournalOptions { TimeProvider = _clock }, CancellationToken.None)).GetValueOrThrow();

    private void AssertNothingIsLeft()
    {
        Assert.False(System.IO.Directory.Exists(_esp.Capsules) && System.IO.Directory.EnumerateFileSystemEntries(_esp.Capsules).Any(), _esp.Tree());
        Assert.Equal(["generation.json", "lock"], System.IO.Directory.EnumerateFileSystemEntries(_esp.RomFlash).Select(Path.GetFileName).Order(StringComparer.Ordinal));
    }
}
