using System.Diagnostics;
using RomFlash.Sdk.Confirmation;
using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Pipeline;
using RomFlash.Sdk.Probing;
using RomFlash.Sdk.Testing.Simulation;
using RomFlash.Sdk.Tests.Pipeline;
using RomFlash.Sdk.Tests.Transports.Ssh.Connection;
using RomFlash.Sdk.Transports;

namespace RomFlash.Sdk.Tests.Transports.Ssh.Hostile;

/// <summary>Targets whose tools lie or hang, through the whole transport: a typed fault in time, and nothing is armed.</summary>
[Trait("Category", "Peer")]
public sealed class LyingToolsTests(HostileMachine machine) : IClassFixture<HostileMachine>
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(3);

    // Of what never comes: it is no nearer after three.
    private static readonly TimeSpan ShortDeadline = TimeSpan.FromSeconds(1);

    // From which step on which tool does what, and what the first fault is then.
    private static readonly Dictionary<string, (HostileStep From, string Tool, string Script, TransportFaultKind Kind)> s_lies = new()
    {
        ["a digest of bytes"] = (HostileStep.Digest, "sha256sum", "/usr/bin/head -c 64 /dev/urandom; echo '  -'", TransportFaultKind.ProtocolViolation),
        ["a digest that never comes"] = (HostileStep.Digest, "sha256sum", "exec sleep 30", TransportFaultKind.Cancelled),
        ["a digest that drips"] = (HostileStep.Digest, "sha256sum", "while :; do printf a; sleep 1; done", TransportFaultKind.Cancelled),
        ["a digest cut short"] = (HostileStep.Digest, "sha256sum", $"echo '{HostileMachine.Digest[..63]}  -'", TransportFaultKind.ProtocolViolation),
        ["a digest and one digit"] = (HostileStep.Digest, "sha256sum", $"echo '{HostileMachine.Digest}0  -'", TransportFaultKind.ProtocolViolation),
        ["a digest in capitals"] = (HostileStep.Digest, "sha256sum", $"echo '{HostileMachine.Digest.ToUpperInvariant()}  -'", TransportFaultKind.ProtocolViolation),
        ["a digest twice"] = (HostileStep.Digest, "sha256sum", $"echo '{HostileMachine.Digest}  -'; echo '{HostileMachine.Digest}  -'", TransportFaultKind.ProtocolViolation),
        ["a digest without a line's end"] = (HostileStep.Digest, "sha256sum", $"printf '{HostileMachine.Digest}  -'", TransportFaultKind.ProtocolViolation),
        ["a digest and a NUL"] = (HostileStep.Digest, "sha256sum", $"printf '{HostileMachine.Digest[..63]}\\000  -\\n'", TransportFaultKind.ProtocolViolation),
        ["a digest of another file"] = (HostileStep.Digest, "sha256sum", $"echo '{HostileMachine.Digest}  other'", TransportFaultKind.ProtocolViolation),
        ["no digest"] = (HostileStep.Digest, "sha256sum", "exit 0", TransportFaultKind.ProtocolViolation),
        ["a digest and a failure"] = (HostileStep.Digest, "sha256sum", $"echo '{HostileMachine.Digest}  -'; exit 1", TransportFaultKind.Unmapped),
        ["a failure that reads like another"] = (HostileStep.Digest, "sha256sum", "echo ': No space left on device'; exit 1", TransportFaultKind.NoSpace),
        ["a signal"] = (HostileStep.Digest, "sha256sum", "kill -KILL $$", TransportFaultKind.Unmapped),
        ["a tool that ends the shell above it"] = (HostileStep.Digest, "sha256sum", "kill -KILL $PPID", TransportFaultKind.Unmapped),

        ["a stat of nothing"] = (HostileStep.Claim, "stat", HostileMachine.ButForTheGuard + "exit 0", TransportFaultKind.ProtocolViolation),
        ["a stat of a name without name"] = (HostileStep.Claim, "stat", HostileMachine.ButForTheGuard + "printf '81a4 1 /'", TransportFaultKind.ProtocolViolation),
        ["a stat of a folder above"] = (HostileStep.Claim, "stat", HostileMachine.ButForTheGuard + "printf '41ed 1 ../'", TransportFaultKind.ProtocolViolation),
        ["a stat of one's own folder"] = (HostileStep.Claim, "stat", HostileMachine.ButForTheGuard + "printf '41ed 1 ./'", TransportFaultKind.ProtocolViolation),
        ["a stat of one name twice"] = (HostileStep.Claim, "stat", HostileMachine.ButForTheGuard + "printf '41ed 1 EFI/41ed 1 EFI/'", TransportFaultKind.ProtocolViolation),
        ["a stat with a length below zero"] = (HostileStep.Open, "stat", HostileMachine.ButForTheGuard + "echo '81a4 -1'", TransportFaultKind.ProtocolViolation),
        ["a stat with a length beyond all"] = (HostileStep.Open, "stat", HostileMachine.ButForTheGuard + "echo '81a4 99999999999999999999'", TransportFaultKind.ProtocolViolation),
        ["a stat that hangs"] = (HostileStep.Claim, "stat", HostileMachine.ButForTheGuard + "exec sleep 30", TransportFaultKind.Cancelled),
        ["a stat of another folder in the volume's place"] = (HostileStep.Claim, "stat", "echo 1:1", TransportFaultKind.NotFound),
        ["a stat that fails without a word"] = (HostileStep.Claim, "stat", HostileMachine.ButForTheGuard + "exit 1", TransportFaultKind.Unmapped),

        ["a mv that does nothing, from the claim on"] = (HostileStep.Claim, "mv", "exit 0", TransportFaultKind.Fenced),
        ["a mv that does nothing, from the commit on"] = (HostileStep.Commit, "mv", "exit 0", TransportFaultKind.NotFound),
        ["a mv that hangs"] = (HostileStep.Arm, "mv", "exec sleep 30", TransportFaultKind.Cancelled),
        ["a mv that fails, and says that it is not there"] = (HostileStep.Arm, "mv", "echo ': No such file or directory'; exit 1", TransportFaultKind.NotFound),

        ["a flock that is never had"] = (HostileStep.Open, "flock", "exec sleep 30", TransportFaultKind.Cancelled),
        ["a flock that ends its shell"] = (HostileStep.Open, "flock", "kill -KILL $PPID", TransportFaultKind.Unmapped),
        ["a timeout that runs nothing"] = (HostileStep.Open, "timeout", "exit 0", TransportFaultKind.Lost),

        ["an od of nothing"] = (HostileStep.Facts, "od", "exit 0", TransportFaultKind.ProtocolViolation),
        ["an od of other digits"] = (HostileStep.Facts, "od", "echo ' zz zz'", TransportFaultKind.ProtocolViolation),
        ["an od that hangs"] = (HostileStep.Facts, "od", "exec sleep 30", TransportFaultKind.Cancelled),
        ["an od of nothing from the beginning"] = (HostileStep.Connect, "od", "exit 0", TransportFaultKind.ProtocolViolation),
        ["a head of nothing"] = (HostileStep.Facts, "head", "exit 0", TransportFaultKind.ProtocolViolation),
        ["a head of more"] = (HostileStep.Facts, "head", "exec cat", TransportFaultKind.ProtocolViolation),
        ["a tr that cuts"] = (HostileStep.Facts, "tr", "/usr/bin/tr \"$@\" | /usr/bin/head -c 10", TransportFaultKind.ProtocolViolation),
        ["an id that hangs"] = (HostileStep.Connect, "id", "exec sleep 30", TransportFaultKind.Cancelled),
        ["a dd that reads nothing"] = (HostileStep.Write, "dd", "exit 0", TransportFaultKind.Unmapped),
        ["a sync that hangs"] = (HostileStep.Commit, "sync", "exec sleep 30", TransportFaultKind.Cancelled),
        ["a sync that fails"] = (HostileStep.Commit, "sync", "echo ': Input/output error' >&2; exit 1", TransportFaultKind.Unmapped),
        ["a cat that takes nothing and ends"] = (HostileStep.Write, "cat", "[ $# -gt 0 ] && exec /bin/cat \"$@\"; exit 0", TransportFaultKind.Lost),
        ["a cat that fails"] = (HostileStep.Write, "cat", "[ $# -gt 0 ] && exec /bin/cat \"$@\"; /bin/cat >/dev/null; exit 1", TransportFaultKind.Unmapped),
        ["a shutdown that fails without a word"] = (HostileStep.Restart, "shutdown", "exit 1", TransportFaultKind.Unmapped),
        ["a mktemp that fails"] = (HostileStep.Restart, "mktemp", "exit 1", TransportFaultKind.Unmapped),

        ["a shell that prints between answers"] = (HostileStep.Claim, "", "printf 'x\\n'", TransportFaultKind.ProtocolViolation),
        ["a shell that prints zeros between answers"] = (HostileStep.Facts, "", "printf '\\000'", TransportFaultKind.ProtocolViolation),
    };

    public static TheoryData<string> Lies => [.. s_lies.Keys];

    [Theory]
    [MemberData(nameof(Lies))]
    public async Task Walk_ToolThatLies_IsATypedFaultInTimeAndNothingIsArmed(string lie)
    {
        var (from, tool, script, kind) = s_lies[lie];
        using var ssh = machine.Ssh(tool, script);
        var (fault, step, took) = await machine.WalkAsync(ssh, from, kind is TransportFaultKind.Cancelled ? ShortDeadline : Deadline);

        Assert.True(kind == fault?.Kind, $"{step}: {fault?.ToString() ?? "it was believed"}");
        Assert.True(step >= from, step.ToString());
        Assert.InRange(took, TimeSpan.Zero, Deadline + TimeSpan.FromSeconds(2));
        Assert.True(step is HostileStep.Restart || !machine.Target.Root.IsArmed, "it is armed");
        await RemoteShellTests.WaitForAsync(() => ssh.Processes is []);
    }

    [Fact]
    public async Task Walk_HonestTools_ComesToItsEnd()
    {
        using var ssh = machine.Ssh("", ":");
        var (fault, step, _) = await machine.WalkAsync(ssh, null, Deadline);
        Assert.True(fault is null, $"{step}: {fault}");
        Assert.True(machine.Target.Root.IsArmed);
    }

    [Fact]
    public async Task CommitAsync_UploadThatFailedAtItsEnd_StaysUncommitted()
    {
        using var ssh = machine.Ssh("cat", "[ $# -gt 0 ] && exec /bin/cat \"$@\"; /bin/cat >/dev/null; echo ': No space left on device' >&2; exit 1");
        File.WriteAllText(ssh["hostile"], string.Empty);
        machine.Target.Wipe();
        await using var session = await machine.Target.ConnectAsync(machine.Options(ssh), "ssh://host/boot/efi");
        Assert.True((await session.GetCapability<IClaimCapability>()!.AcquireClaimAsync(new("client"), CancellationToken.None)).TryGetValue(out var claim, out var fault), fault?.ToString());
        var deposits = session.GetCapability<IDepositCapability>()!;
        var file = new DepositFile("image.cap", HostileMachine.Rom.Content.Length, new(Convert.FromHexString(HostileMachine.Digest)), "system");
        Assert.True((await deposits.OpenDepositAsync(new("d1", claim!.Generation, [file]), CancellationToken.None)).TryGetValue(out var deposit, out fault), fault?.ToString());
        await using (deposit)
        {
            Assert.True((await deposit!.WriteAsync(0, 0, HostileMachine.Rom.Content, CancellationToken.None)).TryGetValue(out _, out fault), fault?.ToString());
            for (var i = 0; i < 3; i++)
            {
                Assert.False((await deposit.CommitAsync(CancellationToken.None)).TryGetValue(out _, out fault));
                Assert.Equal(TransportFaultKind.NoSpace, fault.Kind);
            }
        }

        Assert.True((await deposits.ListDepositsAsync(CancellationToken.None)).TryGetValue(out var listed, out fault), fault?.ToString());
        Assert.DoesNotContain(listed, d => d.IsCommitted);
    }

    // A lock that is none keeps nobody out, and nobody can tell.
    [Fact]
    public async Task Walk_FlockThatDoesNothing_IsBelieved()
    {
        using var ssh = machine.Ssh("flock", "exit 0");
        var (fault, step, _) = await machine.WalkAsync(ssh, HostileStep.Connect, Deadline);
        Assert.True(fault is null, $"{step}: {fault}");
        Assert.True(machine.Target.Root.IsArmed);
    }

    [Fact]
    public async Task FlashAsync_MvThatDoesNothingWhenItArms_IsNotArmedAndNotCalledSo()
    {
        using var ssh = machine.Ssh("mv", "case $* in */UpdateCapsule) exit 0;; esac; exec /usr/bin/mv \"$@\"");
        var failure = await FailsAsync(ssh);
        Assert.True(failure.TargetState is not (TargetState.Armed or TargetState.Flashing), failure.ToString());
        Assert.Empty(machine.Target.Root.CapsuleFiles);
    }

    [Theory]
    [InlineData("loses a part", "[ $# -gt 0 ] && exec /bin/cat \"$@\"; /usr/bin/head -c 50000; exec /bin/cat >/dev/null")]
    [InlineData("changes bytes", "[ $# -gt 0 ] && exec /bin/cat \"$@\"; exec /usr/bin/tr '\\001' '\\002'")]
    [InlineData("adds some", "[ $# -gt 0 ] && exec /bin/cat \"$@\"; /bin/cat; printf more")]
    [InlineData("writes nothing", "[ $# -gt 0 ] && exec /bin/cat \"$@\"; exec /bin/cat >/dev/null")]
    public async Task FlashAsync_UploadThatIsSpoiledOverThere_IsAStagedCopyThatDiffers(string how, string script)
    {
        Assert.NotEmpty(how);
        using var ssh = machine.Ssh("cat", script);
        var failure = await FailsAsync(ssh);
        Assert.IsType<StagedCopyDiffers>(failure);
        Assert.Equal(TargetState.Untouched, failure.TargetState);
        Assert.False(machine.Target.Root.IsArmed);
    }

    [Fact]
    public async Task FlashAsync_TargetWhoseDigestsAlwaysFit_IsBelievedUnlessThePolicyHasTheCopyReadBack()
    {
        using var ssh = machine.Ssh("cat", "[ $# -gt 0 ] && exec /bin/cat \"$@\"; exec /usr/bin/tr '\\001' '\\002'");
        machine.Add(ssh, "sha256sum", $"echo '{HostileMachine.Digest}  -'");
        var failure = await FailsAsync(ssh, p => p with { MinimumVerification = VerificationMethod.ReadBack });
        Assert.IsType<StagedCopyDiffers>(failure);
        Assert.False(machine.Target.Root.IsArmed);

        var report = await FlashAsync(ssh);
        Assert.True(report.Outcome is FlashOutcomeKind.Pending, report.Result.ToString());
        Assert.True(report.Result.TryGetValue(out var outcome, out _) && outcome.Verification == VerificationMethod.DigestOnTarget);
        Assert.True(machine.Target.Root.IsArmed);
    }

    private Task<FlashReport> FlashAsync(FakeSsh ssh, Func<FlashPolicy, FlashPolicy>? change = null) => machine.FlashAsync(ssh, HostileMachine.Rom, change);

    private async Task<FlashFailure> FailsAsync(FakeSsh ssh, Func<FlashPolicy, FlashPolicy>? change = null) => Bench.FailureOf((await FlashAsync(ssh, change)).Result);
}
