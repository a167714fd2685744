using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Staging;
using RomFlash.Sdk.Transports;

namespace RomFlash.Sdk.Tests.Staging;

public sealed class StagedImageTests
{
    [Theory]
    [InlineData(null, VerificationMethod.ReadBack, VerificationMethod.ReadBack, true)]
    [InlineData(null, VerificationMethod.DigestOnTarget, VerificationMethod.ReadBack, false)]
    [InlineData(null, VerificationMethod.DigestOnTarget, VerificationMethod.DigestOnTarget, true)]
    [InlineData(null, VerificationMethod.AcceptedByDevice, VerificationMethod.AcceptedByDevice, true)]
    [InlineData(null, VerificationMethod.None, VerificationMethod.None, false)]
    [InlineData(VerificationMethod.None, VerificationMethod.None, VerificationMethod.None, false)]
    [InlineData(VerificationMethod.AcceptedByDevice, VerificationMethod.AcceptedByDevice, VerificationMethod.ReadBack, true)]
    [InlineData(VerificationMethod.ReadBack, VerificationMethod.DigestOnTarget, VerificationMethod.DigestOnTarget, false)]
    public void TryCreate_Verification_HasToReachTheMinimum(VerificationMethod? minimum, VerificationMethod used, VerificationMethod strongest, bool isEnough)
    {
        var result = StagedImage.TryCreate(Evidence.Approved(new() { MinimumVerification = minimum }), Evidence.Staging(used, strongest));

        Assert.Equal(isEnough, result.TryGetValue(out _, out var failure));
        Assert.Equal(isEnough ? null : "RF6007", failure?.Code);
    }

    [Fact]
    public void TryCreate_DigestsThatDiffer_AreRefused()
    {
        var sent = Evidence.FailureOf(StagedImage.TryCreate(Evidence.Approved(), Evidence.Staging(sent: 9)));
        Assert.Equal("RF5008", sent.Code);
        Assert.Equal(TargetState.Prepared, sent.TargetState);
        Assert.Equal(FlashStage.Verify, sent.Stage);

        Assert.Equal("RF6006", Evidence.FailureOf(StagedImage.TryCreate(Evidence.Approved(), Evidence.Staging(found: 9))).Code);
        Assert.Equal("RF6006", Evidence.FailureOf(StagedImage.TryCreate(Evidence.Approved(), Evidence.Staging(found: 0))).Code);
        Assert.True(StagedImage.TryCreate(
            Evidence.Approved(new() { MinimumVerification = VerificationMethod.AcceptedByDevice }),
            Evidence.Staging(VerificationMethod.AcceptedByDevice, found: 0)).TryGetValue(out _, out _));
    }

    [Fact]
    public void TryCreate_FilesThatWereNotApproved_AreRefused()
    {
        var good = Evidence.Staging();
        var second = new DepositFile("b.cap", 100, Evidence.Digest(2), "system");
        foreach (var bad in new[]
        {
            good with { Files = [] },
            good with { Files = default },
            good with { Files = [good.Files[0], good.Files[0]] },
            good with { Manifest = new("d", 1, [good.Files[0].File, second]) },
            good with { Files = [good.Files[0] with { File = second }] },
            Evidence.Staging(file: new("a.cap", 99, Evidence.Digest(2), "system")),
            Evidence.Staging(file: new("a.cap", 100, Evidence.Digest(3), "system")),
            Evidence.Staging(file: new("a.cap", 100, Evidence.Digest(2), "array")),
        })
        {
            Assert.Equal("RF6010", Evidence.FailureOf(StagedImage.TryCreate(Evidence.Approved(), bad)).Code);
        }
    }
}
