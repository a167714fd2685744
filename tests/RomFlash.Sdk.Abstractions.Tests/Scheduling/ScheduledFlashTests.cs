using System.Collections.Immutable;
using RomFlash.Sdk.Journal;
using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Scheduling;
using RomFlash.Sdk.Targets;
using RomFlash.Sdk.Transports;

namespace RomFlash.Sdk.Tests.Scheduling;

public sealed class ScheduledFlashTests
{
    [Fact]
    public void TryCreate_GoodEvidence_IsTheKey()
    {
        var scheduled = Evidence.Scheduled();

        Assert.Equal(Evidence.Deposit, scheduled.DepositId);
        Assert.Equal(3, scheduled.Generation);
        Assert.Equal(Evidence.Boot, scheduled.BootBefore);
        Assert.False(scheduled.IsRebootRequested);
        Assert.True(scheduled.WithReboot(new(TimeSpan.Zero, "dir:/x")).IsRebootRequested);
    }

    [Theory]
    [InlineData("other deposit", "RF7012")]
    [InlineData("other machine", "RF4009")]
    [InlineData("unproved machine", "RF4009")]
    [InlineData("too many components", "RF7012")]
    [InlineData("foreign", "RF7002")]
    [InlineData("not armed", "RF7006")]
    [InlineData("half armed", "RF7006")]
    [InlineData("other armed", "RF7006")]
    [InlineData("no items", "RF7005")]
    [InlineData("other digest", "RF7005")]
    [InlineData("digest unknown", "RF7005")]
    public void TryCreate_OneThingWrong_IsRefusedWithItsCode(string what, string code)
    {
        var armed = Evidence.Armed();
        var arming = what switch
        {
            "other deposit" => Evidence.Arming(deposit: "d-2"),
            "other machine" => Evidence.Arming(identity: new() { SerialNumber = "S2" }),
            "unproved machine" => Evidence.Arming(identity: new() { Product = "DL360" }),
            "too many components" => Evidence.Arming(maxComponents: 0),
            _ => Evidence.Arming(Bend(armed, what)),
        };

        var failure = Evidence.FailureOf(ScheduledFlash.TryCreate(Evidence.Staged(), arming));
        Assert.Equal(code, failure.Code);
        Assert.Equal(FlashStage.Arm, failure.Stage);
    }

    [Theory]
    [InlineData("foreign", "RF7002")]
    [InlineData("not armed", "RF7006")]
    [InlineData("other armed", "RF7006")]
    [InlineData("no items", "RF7005")]
    [InlineData("two items", "RF7005")]
    [InlineData("other digest", "RF7005")]
    [InlineData("digest unknown", "RF7005")]
    [InlineData("nothing", null)]
    public void FindDifference_StateOfTheTarget_IsComparedWithWhatWasVerified(string what, string? code) =>
        Assert.Equal(code, Evidence.Scheduled().FindDifference(Bend(Evidence.Armed(), what))?.Code);

    [Fact]
    public void FindDifference_DeviceThatOnlyAccepts_MayKeepDigestsToItselfButNotTellWrongOnes()
    {
        var scheduled = ScheduledFlash.TryCreate(Evidence.Staged(VerificationMethod.AcceptedByDevice), Evidence.Arming(Evidence.Armed(0))).GetValueOrThrow();

        Assert.Null(scheduled.FindDifference(Evidence.Armed(0)));
        Assert.Null(scheduled.FindDifference(Evidence.Armed() with { Items = [] }));
        Assert.Equal("RF7005", scheduled.FindDifference(Evidence.Armed(9))?.Code);
    }

    [Fact]
    public void TryCreate_DeviceThatFlashesAtOnce_MayHaveNothingArmedAnyMore() =>
        Assert.True(ScheduledFlash.TryCreate(Evidence.Staged(), Evidence.Arming(new() { Phase = ArmedPhase.None }, flashesAtOnce: true)).GetValueOrThrow().FlashesAtOnce);

    [Fact]
    public void TryAdopt_ArmIntent_IsTheSameKeyAgain()
    {
        var adopted = ScheduledFlash.TryAdopt(Evidence.Target, [Record(FlashJournalRecordKind.Started, 1), Record(FlashJournalRecordKind.ArmIntent, 2)], Evidence.Identity).GetValueOrThrow();

        Assert.Equal(Evidence.Deposit, adopted.DepositId);
        Assert.Equal(Evidence.Boot, adopted.BootBefore);
        Assert.False(adopted.IsRebootRequested);
        Assert.Null(adopted.FindDifference(Evidence.Armed()));
        Assert.True(ScheduledFlash.TryAdopt(Evidence.Target, [Record(FlashJournalRecordKind.ArmIntent, 2), Record(FlashJournalRecordKind.RebootRequested, 3)], Evidence.Identity).GetValueOrThrow().IsRebootRequested);
        Assert.False(ScheduledFlash.TryAdopt(Evidence.Target, [Record(FlashJournalRecordKind.ArmIntent, 2), Record(FlashJournalRecordKind.RebootIntent, 3)], Evidence.Identity).GetValueOrThrow().IsRebootRequested);
        Assert.False(ScheduledFlash.TryAdopt(Evidence.Target, [Record(FlashJournalRecordKind.RebootRequested, 1), Record(FlashJournalRecordKind.ArmIntent, 2)], Evidence.Identity).GetValueOrThrow().IsRebootRequested);
    }

    [Fact]
    public void TryAdopt_IncompleteRecords_AreJournalCorrupt()
    {
        var arm = Record(FlashJournalRecordKind.ArmIntent, 2);
        foreach (var records in new ImmutableArray<FlashJournalRecord>[]
        {
            default,
            [],
            [Record(FlashJournalRecordKind.Staged, 1)],
            [arm with { Identity = null }],
            [arm with { Boot = null }],
            [arm with { DepositId = null }],
            [arm with { Components = [] }],
        })
        {
            Assert.IsType<JournalCorrupt>(Evidence.FailureOf(ScheduledFlash.TryAdopt(Evidence.Target, records, Evidence.Identity)));
        }
    }

    [Theory]
    [InlineData("S2")]
    [InlineData(null)]
    public void TryAdopt_MachineThatIsNotProvedTheSame_IsRefused(string? serial) =>
        Assert.Equal("RF4009", Evidence.FailureOf(ScheduledFlash.TryAdopt(Evidence.Target, [Record(FlashJournalRecordKind.ArmIntent, 2)], new() { SerialNumber = serial })).Code);

    private static FlashJournalRecord Record(FlashJournalRecordKind kind, long sequence) => new()
    {
        Kind = kind,
        Sequence = sequence,
        OperationId = "op",
        TargetId = "dir:/target",
        Time = DateTimeOffset.UnixEpoch,
        Identity = Evidence.Identity,
        Boot = Evidence.Boot,
        DepositId = Evidence.Deposit,
        Generation = 3,
        Method = "capsule-on-disk",
        Verification = VerificationMethod.ReadBack,
        Components = Evidence.Approved().Components,
    };

    private static ArmedState Bend(ArmedState state, string what) => what switch
    {
        "foreign" => state with { Foreign = state.Items },
        "not armed" => state with { Phase = ArmedPhase.None },
        "half armed" => state with { Phase = ArmedPhase.Prepared },
        "other armed" => state with { DepositId = "d-2" },
        "no items" => state with { Items = [] },
        "two items" => state with { Items = [state.Items[0], state.Items[0]] },
        "other digest" => Evidence.Armed(9),
        "digest unknown" => Evidence.Armed(0),
        "nothing" => state,
        _ => throw new ArgumentOutOfRangeException(nameof(what)),
    };
}
