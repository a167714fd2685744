namespace RomFlash.Repository.Tests.Compilation;

/// <summary>Attempts to forge a key, to take the stages out of order, or to add to a closed hierarchy; each beside a control that compiles.</summary>
public static class ContractSnippets
{
    private const string AllButOneCase = """
        Request = f => f.Code, Connection = f => f.Code, Compatibility = f => f.Code, Image = f => f.Code,
        Staging = f => f.Code, Arming = f => f.Code, Flashing = f => f.Code, Operation = f => f.Code, Other = f => f.Code,
        """;

    public static IReadOnlyList<Snippet> All { get; } =
    [
        // The way that is meant.
        new("InOrder", SnippetKind.Control, """
            _ = TargetReport.TryCreate(target, probed);
            _ = RomImage.TryCreate(source, read);
            _ = ApprovedUpgrade.TryCreate(report, [image], verdict, policy);
            _ = StagedImage.TryCreate(approved, stagedEvidence);
            _ = ScheduledFlash.TryCreate(staged, armed);
            _ = FlashOutcome.Decide(scheduled, confirmed);
            """),
        new("MatchesEveryGroup", SnippetKind.Control, $$"""_ = failure.Match(new FlashFailureCases<string> { {{AllButOneCase}} Access = f => f.Code });"""),
        new("MakesLeaf", SnippetKind.Control, """failure = new AccessDenied { TargetId = "db01", Detail = "no" } with { Stage = FlashStage.Probe };"""),
        new("KeyMayBeAbsent", SnippetKind.Control, "StagedImage? absent = default; _ = absent?.Verification;"),
        new("EvidenceIsAnybodys", SnippetKind.Control, """
            _ = new ProbeEvidence { Facts = new TargetFacts() };
            _ = new ImageEvidence { Format = "x", Length = 1, Sha256 = default };
            _ = new CompatibilityVerdict { IsTargetSupported = true };
            _ = stagedEvidence with { Verification = VerificationMethod.None };
            _ = new ConfirmationEvidence { Answered = false };
            """),
        new("SessionFromOutside", SnippetKind.Control, """
            internal sealed class Session : ITargetSession
            {
                public ValueTask DisposeAsync() => default;
            }
            """),

        // Constructors. A private one is invisible to the compiler, which therefore counts arguments (CS1729).
        new("NewTargetReport", SnippetKind.Statements, "_ = new TargetReport(target, probed, []);", "CS1729"),
        new("NewRomImage", SnippetKind.Statements, "_ = new RomImage(source, read);", "CS1729"),
        new("NewApprovedUpgrade", SnippetKind.Statements, "_ = new ApprovedUpgrade(report, null!, policy, [], [], false);", "CS1729"),
        new("NewStagedImage", SnippetKind.Statements, "_ = new StagedImage(approved, stagedEvidence);", "CS1729"),
        new("NewScheduledFlash", SnippetKind.Statements, """_ = new ScheduledFlash(target, "d", 1, null!, null!, default, default, [], false, false);""", "CS1729"),
        new("NewTargetReportWithNothing", SnippetKind.Statements, "_ = new TargetReport();", "CS1729"),
        new("NewRomImageWithNothing", SnippetKind.Statements, "_ = new RomImage();", "CS1729"),
        new("NewApprovedUpgradeWithNothing", SnippetKind.Statements, "_ = new ApprovedUpgrade();", "CS1729"),
        new("NewStagedImageWithNothing", SnippetKind.Statements, "_ = new StagedImage();", "CS1729"),
        new("NewScheduledFlashWithNothing", SnippetKind.Statements, "_ = new ScheduledFlash();", "CS1729"),

        // "with".
        new("WithTargetReport", SnippetKind.Statements, "_ = report with { };", "CS8858"),
        new("WithRomImage", SnippetKind.Statements, "_ = image with { };", "CS8858"),
        new("WithApprovedUpgrade", SnippetKind.Statements, "_ = approved with { HasMoreToCome = false };", "CS8858", "CS0200"),
        new("WithStagedImage", SnippetKind.Statements, "_ = staged with { };", "CS8858"),
        new("WithScheduledFlash", SnippetKind.Statements, "_ = scheduled with { };", "CS8858"),

        // Members.
        new("SetReportOfApproval", SnippetKind.Statements, "approved.Report = report;", "CS0200"),
        new("SetEvidenceOfStagedImage", SnippetKind.Statements, "staged.Evidence = stagedEvidence;", "CS0200"),
        new("SetTargetOfScheduledFlash", SnippetKind.Statements, "scheduled.Target = target;", "CS0200"),
        new("SetEvidenceOfRomImage", SnippetKind.Statements, "image.Evidence = read;", "CS0200"),
        new("SetTargetOfReport", SnippetKind.Statements, "report.Target = target;", "CS0200"),

        // "default" and null.
        new("DefaultTargetReport", SnippetKind.Statements, "TargetReport key = default; _ = key.ToString();", "CS8600", "CS8602"),
        new("DefaultRomImage", SnippetKind.Statements, "RomImage key = default; _ = key.ToString();", "CS8600", "CS8602"),
        new("DefaultApprovedUpgrade", SnippetKind.Statements, "ApprovedUpgrade key = default; _ = key.ToString();", "CS8600", "CS8602"),
        new("DefaultStagedImage", SnippetKind.Statements, "StagedImage key = default; _ = key.ToString();", "CS8600", "CS8602"),
        new("DefaultScheduledFlash", SnippetKind.Statements, "ScheduledFlash key = default; _ = key.ToString();", "CS8600", "CS8602"),
        new("DefaultStagedImageAsArgument", SnippetKind.Statements, "_ = ScheduledFlash.TryCreate(default(StagedImage), armed);", "CS8625"),
        new("NullApprovalAsArgument", SnippetKind.Statements, "_ = StagedImage.TryCreate(null, stagedEvidence);", "CS8625"),

        // Out of order.
        new("StageAReport", SnippetKind.Statements, "_ = StagedImage.TryCreate(report, stagedEvidence);", "CS1503"),
        new("StageAnImage", SnippetKind.Statements, "_ = StagedImage.TryCreate(image, stagedEvidence);", "CS1503"),
        new("ApproveATarget", SnippetKind.Statements, "_ = ApprovedUpgrade.TryCreate(target, [image], verdict, policy);", "CS1503"),
        new("ApproveAnUnvalidatedImage", SnippetKind.Statements, "_ = ApprovedUpgrade.TryCreate(report, [read], verdict, policy);", "CS0029"),
        new("ArmAnApproval", SnippetKind.Statements, "_ = ScheduledFlash.TryCreate(approved, armed);", "CS1503"),
        new("ArmEvidence", SnippetKind.Statements, "_ = ScheduledFlash.TryCreate(stagedEvidence, armed);", "CS1503"),
        new("DecideOnStaged", SnippetKind.Statements, "_ = FlashOutcome.Decide(staged, confirmed);", "CS1503"),
        new("UseAResultUnasked", SnippetKind.Statements, "_ = ScheduledFlash.TryCreate(StagedImage.TryCreate(approved, stagedEvidence), armed);", "CS1503"),

        // Deriving from keys.
        new("DeriveTargetReport", SnippetKind.Types, "internal class Forged : TargetReport;", "CS0509"),
        new("DeriveRomImage", SnippetKind.Types, "internal class Forged : RomImage;", "CS0509"),
        new("DeriveApprovedUpgrade", SnippetKind.Types, "internal class Forged : ApprovedUpgrade;", "CS0509"),
        new("DeriveStagedImage", SnippetKind.Types, "internal class Forged : StagedImage;", "CS0509"),
        new("DeriveScheduledFlash", SnippetKind.Types, "internal class Forged : ScheduledFlash;", "CS0509"),

        // Adding to the failures and the outcomes.
        new("DeriveFlashFailure", SnippetKind.Types, "internal record Mine : FlashFailure;", "CS0534"),
        new("DeriveFlashFailureByCopying", SnippetKind.Types, "internal record Mine : FlashFailure { public Mine(FlashFailure other) : base(other) { } }", "CS0534"),
        new("DeriveFlashFailureImplementingDispatch", SnippetKind.Types, """
            internal record Mine : FlashFailure
            {
                public Mine(FlashFailure other) : base(other) { }

                internal override T Dispatch<T>(FlashFailureCases<T> cases) => cases.Other(this);
            }
            """, "CS0534", "CS0115"),
        new("DeriveGroup", SnippetKind.Types, "internal record Mine : AccessFailure;", "CS0534"),
        new("DeriveGroupByCopying", SnippetKind.Types, "internal record Mine : AccessFailure { public Mine(AccessFailure other) : base(other) { } }", "CS0534"),
        new("DeriveGroupImplementingSeal", SnippetKind.Types, """
            internal record Mine : FlashingFailure
            {
                public Mine(FlashingFailure other) : base(other) { }

                internal override void Seal() { }
            }
            """, "CS0534", "CS0115"),
        new("DeriveLeaf", SnippetKind.Types, "internal record Mine : AccessDenied;", "CS0509"),
        new("DeriveLeafByCopying", SnippetKind.Types, "internal record Mine : ConnectionLost { public Mine(ConnectionLost other) : base(other) { } }", "CS0509"),
        new("DeriveFlashOutcome", SnippetKind.Types, """
            internal record Mine : FlashOutcome
            {
                public Mine(FlashOutcome other) : base(other) { }

                public override FlashOutcomeKind Kind => FlashOutcomeKind.Upgraded;
            }
            """, "CS0534"),
        new("DeriveUpgraded", SnippetKind.Types, "internal record Mine : Upgraded;", "CS0509"),
        new("NewGroup", SnippetKind.Statements, "failure = new AccessFailure();", "CS0144"),
        new("NewDescriptor", SnippetKind.Statements, """_ = new FailureDescriptor("RF9999", "a", "b", "c", RetryClass.Never, TargetState.Untouched);""", "CS1729"),
        new("SetCode", SnippetKind.Statements, """failure = failure with { Code = "RF0000" };""", "CS0200"),

        // Leaving out a group, or the fallback.
        new("LeaveOutAGroup", SnippetKind.Statements, $$"""_ = failure.Match(new FlashFailureCases<string> { {{AllButOneCase}} });""", "CS9035"),
        new("LeaveOutOther", SnippetKind.Statements, $$"""_ = failure.Match(new FlashFailureCases<string> { {{AllButOneCase.Replace("Other = f => f.Code,", string.Empty, StringComparison.Ordinal)}} Access = f => f.Code });""", "CS9035"),
        new("ReadAValueUnasked", SnippetKind.Statements, "_ = StagedImage.TryCreate(approved, stagedEvidence).Value;", "CS1061"),

        // Credentials are closed too.
        new("DeriveCredentials", SnippetKind.Statements, """internal sealed class Mine : TargetCredentials;""", "CS0122"),
    ];
}
