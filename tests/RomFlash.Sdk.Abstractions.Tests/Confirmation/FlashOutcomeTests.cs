using System.Collections.Immutable;
using RomFlash.Sdk.Compatibility;
using RomFlash.Sdk.Confirmation;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Journal;
using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Probing;
using RomFlash.Sdk.Scheduling;
using RomFlash.Sdk.Targets;
using RomFlash.Sdk.Transports;

namespace RomFlash.Sdk.Tests.Confirmation;

public sealed class FlashOutcomeTests
{
    private static readonly ConfirmationEvidence Good = new()
    {
        Answered = true,
        Facts = new() { Identity = Evidence.Identity, Boot = new BootIdentity("boot-2"), Roms = ImmutableArray.Create(Evidence.Rom("2.0")) },
    };

    [Fact]
    public void Decide_NewBootAndPromisedVersion_IsUpgraded()
    {
        var outcome = FlashOutcome.Decide(Evidence.Scheduled(), Good).GetValueOrThrow();

        Assert.IsType<Upgraded>(outcome);
        Assert.Single(outcome.Components);
        Assert.Equal(VerificationMethod.ReadBack, outcome.Verification);
    }

    [Theory]
    [InlineData(false, false, false, "RF8005")]
    [InlineData(false, false, true, "RF8005")]
    [InlineData(true, false, false, "RF8005")]
    [InlineData(true, false, true, "RF8002")]
    [InlineData(false, true, true, "RF8002")]
    [InlineData(false, true, false, "RF8005")]
    public void Decide_NoAnswer_IsRecoveryOnlyWhenItWentAndTheTimeIsOver(bool rebootRequested, bool flashesAtOnce, bool waitedToTheEnd, string code)
    {
        var scheduled = Evidence.Scheduled(flashesAtOnce: flashesAtOnce);
        scheduled = rebootRequested ? scheduled.WithReboot(new(TimeSpan.Zero, "x")) : scheduled;

        Assert.Equal(code, Code(scheduled, new() { Answered = false, WaitedToTheEnd = waitedToTheEnd }));
    }

    [Theory]
    [InlineData("identity unknown", "RF8005")]
    [InlineData("identity unproved", "RF8005")]
    [InlineData("other machine", "RF4009")]
    [InlineData("in recovery", "RF8001")]
    [InlineData("boot unknown", "RF8005")]
    [InlineData("roms unknown", "RF8005")]
    [InlineData("rom not listed", "RF8005")]
    [InlineData("version unknown", "RF8005")]
    [InlineData("other source alone", "RF8005")]
    [InlineData("other style", "RF8005")]
    [InlineData("old version", "RF8003")]
    [InlineData("third version", "RF8004")]
    public void Decide_AnythingLessThanProof_IsNoSuccess(string what, string code)
    {
        var facts = Good.Facts;
        facts = what switch
        {
            "identity unknown" => facts with { Identity = default },
            "identity unproved" => facts with { Identity = new TargetIdentity { Product = "DL360" } },
            "other machine" => facts with { Identity = new TargetIdentity { SerialNumber = "S2" } },
            "in recovery" => facts with { Readiness = new TargetReadiness { InRecovery = true } },
            "boot unknown" => facts with { Boot = default },
            "roms unknown" => facts with { Roms = default },
            "rom not listed" => facts with { Roms = ImmutableArray.Create(Evidence.Rom("2.0") with { Id = "other" }) },
            "version unknown" => facts with { Roms = ImmutableArray.Create(Evidence.Rom() with { Versions = [] }) },
            "other source alone" => facts with { Roms = ImmutableArray.Create(Evidence.Rom() with { Versions = [new(FactSource.Redfish, RomVersion.Parse("2.0"))] }) },
            "other style" => facts with { Roms = ImmutableArray.Create(Evidence.Rom("01/22/2018")) },
            "old version" => facts with { Roms = ImmutableArray.Create(Evidence.Rom()) },
            "third version" => facts with { Roms = ImmutableArray.Create(Evidence.Rom("3.0")) },
            _ => throw new ArgumentOutOfRangeException(nameof(what)),
        };

        Assert.Equal(code, Code(Evidence.Scheduled(), Good with { Facts = facts }));
    }

    // What a source was promised to report, and does not, is not outvoted by another one.
    [Theory]
    [InlineData("2.0", null)]
    [InlineData(null, null)]
    [InlineData("U31 v2.0", "RF8005")]
    [InlineData("01/22/2018", "RF8005")]
    [InlineData("1.0", "RF8005")]
    [InlineData("3.0", "RF8005")]
    public void Decide_TwoSourcesWerePromised_EachThatTellsHasToAgree(string? smbios, string? code)
    {
        var esrt = new ReportedVersion(FactSource.Esrt, RomVersion.FromPacked(0x20));
        var scheduled = Adopted([Evidence.Scheduled().Components[0] with { Expected = [Evidence.Smbios("2.0"), esrt] }]);
        var rom = Evidence.Rom() with { Versions = smbios is null ? [esrt] : [Evidence.Smbios(smbios), esrt] };

        Assert.Equal(code, Code(scheduled, Good with { Facts = Good.Facts with { Roms = ImmutableArray.Create(rom) } }));
    }

    // After a crash the journal alone says that it writes before the restart.
    [Fact]
    public void Decide_SameBootAndNotArmedAndMayBeWritten_IsNotCalledIntact()
    {
        var scheduled = Adopted(Evidence.Scheduled().Components, writesBeforeRestart: true);
        var unarmed = Good with { Facts = Good.Facts with { Boot = Evidence.Boot }, Armed = new ArmedState { Phase = ArmedPhase.None, Offers = [] } };

        Assert.True(scheduled.WritesBeforeRestart && scheduled.WithReboot(new(TimeSpan.Zero, "x")).WritesBeforeRestart);
        Assert.Equal("RF8005", Code(scheduled, unarmed));
        Assert.Equal("RF8003", Code(Evidence.Scheduled(), unarmed));
    }

    [Fact]
    public void Decide_SameBoot_IsPendingUnlessSomebodyDisarmedIt()
    {
        var sameBoot = Good with { Facts = Good.Facts with { Boot = Evidence.Boot } };

        Assert.IsType<Pending>(FlashOutcome.Decide(Evidence.Scheduled(), sameBoot).GetValueOrThrow());
        Assert.IsType<Pending>(FlashOutcome.Decide(Evidence.Scheduled(), sameBoot with { Armed = Evidence.Armed() }).GetValueOrThrow());
        Assert.Equal("RF8003", Code(Evidence.Scheduled(), sameBoot with { Armed = new ArmedState { Phase = ArmedPhase.None } }));
        Assert.IsType<Pending>(FlashOutcome.Decide(Evidence.Scheduled(flashesAtOnce: true), sameBoot with { Armed = new ArmedState { Phase = ArmedPhase.None } }).GetValueOrThrow());
    }

    [Fact]
    public void Decide_BootToldBySomebodyElse_ProvesNothing()
    {
        var other = Good with { Facts = Good.Facts with { Boot = new BootIdentity("boot-2") { Source = "redfish" } } };

        Assert.Equal("RF8005", Code(Evidence.Scheduled(), other));
    }

    [Fact]
    public void Decide_SameBootAndWriting_IsPending()
    {
        var sameBoot = Good with { Facts = Good.Facts with { Boot = Evidence.Boot }, Armed = Evidence.Armed() with { Phase = ArmedPhase.Applying } };

        Assert.IsType<Pending>(FlashOutcome.Decide(Evidence.Scheduled(), sameBoot).GetValueOrThrow());

        // Whose it is can't always be told: nothing is over while something is being written.
        var other = Evidence.FailureOf(FlashOutcome.Decide(Evidence.Scheduled(), sameBoot with { Armed = Evidence.Armed() with { Phase = ArmedPhase.Applying, DepositId = "another" } }));
        Assert.Equal(("RF8005", TargetState.Flashing), (other.Code, other.TargetState));
        var booted = Evidence.FailureOf(FlashOutcome.Decide(Evidence.Scheduled(), Good with { Facts = Good.Facts with { Roms = ImmutableArray.Create(Evidence.Rom()) }, Armed = Evidence.Armed() with { Phase = ArmedPhase.Applying } }));
        Assert.Equal(("RF8005", TargetState.Flashing), (booted.Code, booted.TargetState));
    }

    [Fact]
    public void Decide_SameBootAndNothingArmedOnATargetThatWritesFirst_ProvesNothing()
    {
        var sameBoot = Good with
        {
            Facts = Good.Facts with { Boot = Evidence.Boot },
            Armed = new ArmedState { Phase = ArmedPhase.None, Offers = [new(ArmingMethod.CapsuleOnDisk, false, false, 1) { WritesBeforeRestart = true }] },
        };

        Assert.Equal("RF8005", Code(Evidence.Scheduled(), sameBoot));
    }

    [Theory]
    [InlineData("1.0", TargetState.PreviousRomIntact)]
    [InlineData("3.0", TargetState.Indeterminate)]
    public void Decide_SameBootAndTheDeviceSaysThatItFailed_TellsItsCode(string version, TargetState state)
    {
        var rom = Evidence.Rom(version) with { LastAttempt = new LastAttempt(null, new(PeerCode.Redfish, 1, "Update.ApplyFailed")) };
        var evidence = Good with { Facts = Good.Facts with { Boot = Evidence.Boot, Roms = ImmutableArray.Create(rom) }, Armed = new ArmedState { Phase = ArmedPhase.None } };

        var failure = Evidence.FailureOf(FlashOutcome.Decide(Evidence.Scheduled(flashesAtOnce: true), evidence));

        Assert.IsType<FlashNotApplied>(failure);
        Assert.Equal(state, failure.TargetState);
        Assert.Equal("Update.ApplyFailed", failure.PeerCode!.Value.Symbol);
        Assert.IsType<Pending>(FlashOutcome.Decide(Evidence.Scheduled(flashesAtOnce: true), evidence with { Armed = Evidence.Armed() }).GetValueOrThrow());
    }

    [Theory]
    [InlineData(false, TargetState.PreviousRomIntact)]
    [InlineData(true, TargetState.Indeterminate)]
    public void Decide_FlashesAtOnceAndNothingHappenedForLong_IsNotApplied(bool writesBeforeRestart, TargetState state)
    {
        var evidence = Good with
        {
            Facts = Good.Facts with { Boot = Evidence.Boot, Roms = ImmutableArray.Create(Evidence.Rom()) },
            Armed = new ArmedState { Phase = ArmedPhase.None, Offers = [new(ArmingMethod.CapsuleOnDisk, false, true, 1) { WritesBeforeRestart = writesBeforeRestart }] },
        };
        var scheduled = Evidence.Scheduled(flashesAtOnce: true);

        Assert.IsType<Pending>(FlashOutcome.Decide(scheduled, evidence).GetValueOrThrow());
        Assert.Equal(state, Evidence.FailureOf(FlashOutcome.Decide(scheduled, evidence with { WaitedToTheEnd = true })).TargetState);
        Assert.IsType<Pending>(FlashOutcome.Decide(scheduled, evidence with { WaitedToTheEnd = true, Armed = default }).GetValueOrThrow());
    }

    [Fact]
    public void Decide_OldVersion_TellsStatusAndWhetherItIsStillArmed()
    {
        var rom = Evidence.Rom() with { LastAttempt = new LastAttempt(null, new(PeerCode.UefiLastAttempt, 4)) };
        var evidence = Good with { Facts = Good.Facts with { Roms = ImmutableArray.Create(rom) } };

        var failure = Evidence.FailureOf(FlashOutcome.Decide(Evidence.Scheduled(), evidence));
        Assert.Equal(TargetState.PreviousRomIntact, failure.TargetState);
        Assert.Equal(4u, failure.PeerCode!.Value.Number);
        Assert.Equal(FlashStage.Confirm, failure.Stage);

        Assert.Equal(TargetState.Armed, Evidence.FailureOf(FlashOutcome.Decide(Evidence.Scheduled(), evidence with { Armed = Evidence.Armed() })).TargetState);
    }

    [Theory]
    [InlineData(null, "RF8005")]
    [InlineData(0, null)]
    [InlineData(0, "RF8005", false)]
    [InlineData(4, "RF8003", false)]
    public void Decide_Reflash_IsToldByTheLastAttemptAlone(int? status, string? code, bool hasVersion = true)
    {
        // Zeros without a version are what a table says that knows of no attempt, or has forgotten it.
        var rom = Evidence.Rom("2.0");
        rom = status is { } number ? rom with { LastAttempt = new LastAttempt(hasVersion ? RomVersion.FromPacked(2) : null, new(PeerCode.UefiLastAttempt, (ulong)number)) } : rom;

        Assert.Equal(code, Code(Evidence.Scheduled(from: "2.0"), Good with { Facts = Good.Facts with { Roms = ImmutableArray.Create(rom) } }));
    }

    [Theory]
    [InlineData(0x8000_0000_0000_0015, "RF8003")]
    [InlineData(0ul, "RF8005")]
    [InlineData(7ul, "RF8005")]
    public void Decide_ReflashAndAResultOfTheCapsule_IsNeverMadeBetter(ulong status, string code)
    {
        var none = new LastAttempt(null, new(PeerCode.UefiLastAttempt, 0));
        var result = new LastAttempt(null, new(PeerCode.UefiStatus, status)) { Id = "Capsule0001" };

        // The firmware's records were read before, and there were none; where they were not read, one may be of any age.
        Assert.Equal(code, Reflash(none with { Id = "none" }, result));
        Assert.Equal("RF8005", Reflash(none, result));
        Assert.Equal("RF8005", Reflash(none with { Status = new(PeerCode.UefiLastAttempt, 3) }, none));
        Assert.Equal(code, Reflash(result with { Id = "Capsule0000" }, result));
        Assert.Equal("RF8005", Reflash(result, result));

        // An attempt of the table that is forgotten, and results that nobody read before: what shows then may be of any age.
        Assert.Equal("RF8005", Reflash(none with { Status = new(PeerCode.UefiLastAttempt, 3) }, result));
        Assert.Equal("RF8005", Reflash(none with { Version = RomVersion.FromPacked(1) }, result));
        Assert.Equal("RF8005", Reflash(null, result));

        // And results that are gone make no success of what the table says where it knows of no attempt.
        Assert.Equal("RF8005", Reflash(result, none));
        Assert.Null(Reflash(result, none with { Version = RomVersion.FromPacked(2) }));

        static string? Reflash(LastAttempt? before, LastAttempt after)
        {
            var rom = Evidence.Rom("2.0") with { LastAttempt = after };
            return Code(Evidence.Scheduled(from: "2.0", attemptBefore: before), Good with { Facts = Good.Facts with { Roms = ImmutableArray.Create(rom) } });
        }
    }

    [Fact]
    public void Decide_VersionThatWasPromised_IsUpgradedWhateverAResultSays()
    {
        var rom = Evidence.Rom("2.0") with { LastAttempt = new LastAttempt(null, new(PeerCode.UefiStatus, 0x8000_0000_0000_0015)) { Id = "Capsule0001" } };

        Assert.Null(Code(Evidence.Scheduled(), Good with { Facts = Good.Facts with { Roms = ImmutableArray.Create(rom) } }));
        Assert.Equal("RF8003", Code(Evidence.Scheduled(), Good with { Facts = Good.Facts with { Roms = ImmutableArray.Create(Evidence.Rom() with { LastAttempt = new LastAttempt(null, new(PeerCode.UefiStatus, 0)) }) } }));
    }

    [Theory]
    [InlineData(PeerCode.UefiStatus, 0x8000_0000_0000_0002, true)]
    [InlineData(PeerCode.UefiStatus, 7ul, false)]
    [InlineData(PeerCode.UefiStatus, 0ul, false)]
    [InlineData(PeerCode.UefiLastAttempt, 7ul, true)]
    [InlineData(PeerCode.UefiLastAttempt, 0ul, false)]
    public void HasFailedSince_Attempts_AreToldApartByWhatIsKnownOfThem(string dialect, ulong status, bool failed)
    {
        var attempt = new LastAttempt(null, new(dialect, status)) { Id = "b" };

        Assert.Equal(failed, attempt.HasFailedSince(attempt with { Id = "a" }));
        Assert.False(attempt.HasFailedSince(attempt with { }));
    }

    [Fact]
    public void Decide_TwoReadingsThatContradictEachOther_IsIndeterminate()
    {
        var rom = Evidence.Rom() with { Versions = [Evidence.Smbios("2.0"), Evidence.Smbios("1.0")] };

        Assert.Equal("RF8005", Code(Evidence.Scheduled(), Good with { Facts = Good.Facts with { Roms = ImmutableArray.Create(rom) } }));
    }

    [Fact]
    public void KindOf_Failures_AreOneWordEach()
    {
        Assert.Equal(FlashOutcomeKind.RecoveryRequired, FlashOutcome.KindOf(new FailureDuringFlash()));
        Assert.Equal(FlashOutcomeKind.RecoveryRequired, FlashOutcome.KindOf(new TargetDidNotReturn()));
        Assert.Equal(FlashOutcomeKind.NotApplied, FlashOutcome.KindOf(new FlashNotApplied()));
        Assert.Equal(FlashOutcomeKind.UnexpectedVersion, FlashOutcome.KindOf(new UnexpectedVersion()));
        Assert.Equal(FlashOutcomeKind.Indeterminate, FlashOutcome.KindOf(new OutcomeIndeterminate()));
        Assert.Equal(FlashOutcomeKind.NotFlashed, FlashOutcome.KindOf(new ImageEmpty()));
        Assert.Equal(FlashOutcomeKind.NotFlashed, FlashOutcome.KindOf(new StagingEvidenceRejected()));
        Assert.Equal(FlashOutcomeKind.Pending, FlashOutcome.KindOf(new RebootRefused()));
    }

    private static ScheduledFlash Adopted(ImmutableArray<UpgradeComponent> components, bool writesBeforeRestart = false)
    {
        var record = new FlashJournalRecord
        {
            Kind = FlashJournalRecordKind.ArmIntent,
            OperationId = "o",
            TargetId = Evidence.Target.Id,
            Time = DateTimeOffset.UnixEpoch,
            Identity = Evidence.Identity,
            Boot = Evidence.Boot,
            DepositId = Evidence.Deposit,
            Method = ArmingMethod.ControllerUpdate.Name,
            Components = components,
            WritesBeforeRestart = writesBeforeRestart,
        };
        return ScheduledFlash.TryAdopt(Evidence.Target, [record], Evidence.Identity).GetValueOrThrow();
    }

    private static string? Code(ScheduledFlash scheduled, ConfirmationEvidence evidence) =>
        FlashOutcome.Decide(scheduled, evidence).TryGetValue(out _, out var failure) ? null : failure.Code;
}
