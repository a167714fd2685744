using System.Collections.Immutable;
using RomFlash.Sdk.Compatibility;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Pipeline;
using RomFlash.Sdk.Probing;
using RomFlash.Sdk.Scheduling;
using RomFlash.Sdk.Staging;
using RomFlash.Sdk.Targets;
using RomFlash.Sdk.Transports;

namespace RomFlash.Sdk.Tests;

/// <summary>Good evidence, to be bent by a test in one place.</summary>
internal static class Evidence
{
    public const string Deposit = "d-1";

    public static readonly TargetIdentity Identity = new() { SerialNumber = "S1", Manufacturer = "HPE", Product = "DL360" };

    public static readonly BootIdentity Boot = new("boot-1");

    public static FlashTarget Target => FlashTarget.Parse("dir:/target");

    public static ContentDigest Digest(byte value) => new([value, .. new byte[30], 1]);

    public static ReportedVersion Smbios(string version) => new(FactSource.Smbios, RomVersion.Parse(version));

    public static InstalledRom Rom(string version = "1.0") => new() { Id = "system", Kind = RomKind.SystemRom, Versions = [Smbios(version)] };

    public static RomRelease Release(string version = "2.0", byte digest = 2) =>
        new() { Version = RomVersion.Parse(version), Sha256 = Digest(digest), Length = 100, ReportedAs = [Smbios(version)] };

    public static RomImage Image(byte digest = 2, RomIdentity? identity = null, long length = 100, ImageSignatureStatus signature = ImageSignatureStatus.Trusted) =>
        RomImage.TryCreate(new Source(), new() { Format = "test", Signature = signature, Length = length, Sha256 = Digest(digest), Identity = identity ?? RomIdentity.None }).GetValueOrThrow();

    public static TargetReport Report(TargetIdentity? identity, params ImmutableArray<InstalledRom> roms) =>
        TargetReport.TryCreate(Target, new() { Facts = new() { Identity = identity is null ? Fact<TargetIdentity>.Unknown("not told") : (Fact<TargetIdentity>)identity, Roms = roms } }).GetValueOrThrow();

    public static CompatibilityVerdict Verdict(RomDecision decision = RomDecision.Approved, params ImmutableArray<RomRelease> path) => new()
    {
        IsTargetSupported = true,
        Components = [new() { ComponentId = "system", Decision = decision, Path = path }],
    };

    public static ApprovedUpgrade Approved(FlashPolicy? policy = null, string from = "1.0", string to = "2.0", LastAttempt? attemptBefore = null) =>
        ApprovedUpgrade.TryCreate(Report(Identity, Rom(from) with { LastAttempt = attemptBefore ?? Fact<LastAttempt>.Unknown("not told") }), [Image()], Verdict(RomDecision.Approved, Release(to)), policy ?? FlashPolicy.Default).GetValueOrThrow();

    public static StagingEvidence Staging(VerificationMethod verification = VerificationMethod.ReadBack, VerificationMethod strongest = VerificationMethod.ReadBack, byte sent = 2, byte found = 2, DepositFile? file = null)
    {
        file ??= new DepositFile("a.cap", 100, Digest(2), "system");
        return new()
        {
            Manifest = new(Deposit, 3, [file]),
            Files = [new(file, Digest(sent), found == 0 ? default : Digest(found))],
            Verification = verification,
            UsualVerification = strongest,
        };
    }

    public static ArmedState Armed(byte digest = 2) => new()
    {
        Phase = ArmedPhase.Armed,
        DepositId = Deposit,
        Generation = 3,
        Items = [new("a.cap", 100L, digest == 0 ? Fact<ContentDigest>.Unknown("not told") : Digest(digest))],
    };

    public static ArmingEvidence Arming(ArmedState? armed = null, TargetIdentity? identity = null, bool flashesAtOnce = false, string deposit = Deposit, int maxComponents = 1) => new()
    {
        Baseline = new(identity ?? Identity, Boot, new(ArmingMethod.CapsuleOnDisk, true, flashesAtOnce, maxComponents)),
        DepositId = deposit,
        Armed = armed ?? Armed(),
    };

    public static StagedImage Staged(VerificationMethod verification = VerificationMethod.ReadBack, string from = "1.0", LastAttempt? attemptBefore = null) =>
        StagedImage.TryCreate(Approved(new() { MinimumVerification = verification, Reflash = true }, from, attemptBefore: attemptBefore), Staging(verification)).GetValueOrThrow();

    public static ScheduledFlash Scheduled(string from = "1.0", bool flashesAtOnce = false, LastAttempt? attemptBefore = null) =>
        ScheduledFlash.TryCreate(Staged(from: from, attemptBefore: attemptBefore), Arming(flashesAtOnce: flashesAtOnce)).GetValueOrThrow();

    public static FlashFailure FailureOf<T>(FlashResult<T> result)
        where T : notnull
    {
        Assert.False(result.TryGetValue(out _, out var failure));
        return failure!;
    }

    private sealed class Source : IRomImageSource
    {
        public string Name => "a.cap";

        public ValueTask<FlashResult<Stream>> OpenReadAsync(CancellationToken cancellationToken) => new(FlashResult<Stream>.From(new MemoryStream(new byte[100])));
    }
}
