using System.Collections.Immutable;
using RomFlash.Sdk.Confirmation;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Pipeline;
using RomFlash.Sdk.Probing;
using RomFlash.Sdk.Scheduling;
using RomFlash.Sdk.Targets;
using RomFlash.Sdk.Testing.Simulation;
using RomFlash.Sdk.Transports;

namespace RomFlash.Sdk.Tests.Pipeline;

/// <summary>Every documented failure is reached from end to end, with its code and with the target in the state that it names.</summary>
public sealed class DocumentedFailuresTests
{
    private static readonly SimulatedRom Foreign = SimulatedRom.Create(Guid.Parse("99999999-0000-0000-0000-000000000001"), RomKind.SystemRom, "P99 v1.00 (01/01/2020)", 0x0001_0000, 100);

    private static void IsRefusedUntouched<T>(Bench bench, string code)
        where T : FlashFailure
    {
        var report = bench.Flash();
        var failure = Bench.Fails<T>(report);
        Assert.Equal((code, TargetState.Untouched, FlashOutcomeKind.NotFlashed), (failure.Code, failure.TargetState, report.Outcome));
        Assert.Empty(Bench.Done(bench.Target));
        Assert.True(bench.IsAllOld);
    }

    private static void IsUndone<T>(Bench bench, string code)
        where T : FlashFailure
    {
        var failure = Bench.Fails<T>(bench.Flash());
        Assert.Equal((code, TargetState.Untouched), (failure.Code, failure.TargetState));
        Assert.Empty(failure.Leftovers);
        Assert.Equal(ArmedPhase.None, bench.Target.ArmedPhase);
        Assert.Empty(bench.Target.Deposits);
        Assert.Null(bench.Target.Claim);
        bench.Target.Restart();
        bench.Clock.Advance(TimeSpan.FromMinutes(10));
        Assert.DoesNotContain(bench.Target.History, e => e.Kind is SimulatedEventKind.Flashed or SimulatedEventKind.FlashStarted);
    }

    [Theory]
    [InlineData(TransportFaultKind.Unmapped, "RF2007")]
    [InlineData(TransportFaultKind.Unreachable, "RF2003")]
    [InlineData(TransportFaultKind.NameNotResolved, "RF2002")]
    [InlineData(TransportFaultKind.Refused, "RF2004")]
    [InlineData(TransportFaultKind.TimedOut, "RF2005")]
    [InlineData(TransportFaultKind.Lost, "RF2001")]
    [InlineData(TransportFaultKind.PeerNotTrusted, "RF2008")]
    [InlineData(TransportFaultKind.ProtocolViolation, "RF2006")]
    [InlineData(TransportFaultKind.Busy, "RF2009")]
    [InlineData(TransportFaultKind.AccessDenied, "RF3001")]
    [InlineData(TransportFaultKind.CredentialsRejected, "RF3002")]
    [InlineData(TransportFaultKind.AccountDisabled, "RF3003")]
    [InlineData(TransportFaultKind.AccountLocked, "RF3004")]
    [InlineData(TransportFaultKind.PasswordExpired, "RF3005")]
    [InlineData(TransportFaultKind.ServiceNotRunning, "RF3006")]
    [InlineData(TransportFaultKind.CurrentUserUnavailable, "RF3007")]
    [InlineData(TransportFaultKind.CredentialsUnavailable, "RF3008")]
    [InlineData(TransportFaultKind.TransportBroken, "RF9005")]
    public void FlashAsync_ConnectionIsRefused_NamesTheReasonAndThePeersCode(TransportFaultKind kind, string code)
    {
        var bench = new Bench();
        bench.Target.Inject(SimulatedOperation.Connect, SimulatedFault.Refuse(kind, new PeerCode("win32", 1326)), 0, 99);
        var failure = Bench.FailureOf(bench.Flash().Result);
        Assert.Equal((code, TargetState.Untouched, "sim://server-1"), (failure.Code, failure.TargetState, failure.TargetAddress));
        Assert.Equal(1326UL, failure.PeerCode!.Value.Number);
        Assert.Empty(Bench.Done(bench.Target));
        Assert.Equal(code, Bench.FailureOf(bench.Preflight().Probe).Code);
    }

    [Fact]
    public void FlashAsync_CurrentUserWhereOnlyPasswordsWork_IsCurrentUserUnavailable() => IsRefusedUntouched<CurrentUserUnavailable>(
        new Bench(change: o => o with { Accounts = [new SimulatedAccount("admin", "pw")] }) { Credentials = CredentialSources.CurrentUser },
        "RF3007");

    [Fact]
    public void FlashAsync_WrongPassword_IsCredentialsRejected() => IsRefusedUntouched<CredentialsRejected>(
        new Bench(change: o => o with { Accounts = [new SimulatedAccount("admin", "pw")] }) { Credentials = CredentialSources.From((_, _, _) => new(TargetCredentials.Password("admin", new Secret("other")))) },
        "RF3002");

    [Fact]
    public void FlashAsync_CredentialSourceHasNothing_IsCredentialsUnavailable() => IsRefusedUntouched<CredentialsUnavailable>(
        new Bench { Credentials = CredentialSources.From((_, _, _) => new(new CredentialsUnavailable())) },
        "RF3008");

    [Fact]
    public void FlashAsync_UnknownName_IsNameNotResolved() => IsRefusedUntouched<NameNotResolved>(new Bench { FlashTarget = FlashTarget.Parse("sim://nobody") }, "RF2002");

    [Fact]
    public void FlashAsync_UnknownScheme_IsTransportNotRegistered() => IsRefusedUntouched<TransportNotRegistered>(new Bench { FlashTarget = FlashTarget.Parse("gopher://server-1") }, "RF1003");

    [Fact]
    public void TryCreate_PasswordInTheAddress_IsRefusedAndNotRepeated()
    {
        var failure = Bench.FailureOf(FlashTarget.TryCreate("sim://admin:CANARY@server-1"));
        Assert.Equal("RF1005", failure.Code);
        Assert.DoesNotContain("CANARY", failure.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void FlashAsync_PartitionWithoutEfi_IsUnproved() => IsRefusedUntouched<SystemPartitionUnproved>(
        new Bench(change: o => o with { SystemPartition = o.SystemPartition with { HasEfiDirectory = false } }), "RF6005");

    [Fact]
    public void FlashAsync_PartitionIsNotFat_IsUnproved() => IsRefusedUntouched<SystemPartitionUnproved>(
        new Bench(change: o => o with { SystemPartition = o.SystemPartition with { FileSystem = "ntfs" } }), "RF6005");

    [Fact]
    public void FlashAsync_PartitionIsReadOnly_SaysSo() => IsRefusedUntouched<SystemPartitionReadOnly>(
        new Bench(change: o => o with { SystemPartition = o.SystemPartition with { IsReadOnly = true } }), "RF6004");

    [Fact]
    public void FlashAsync_PartitionIsFull_SaysSo() => IsRefusedUntouched<SystemPartitionFull>(
        new Bench(change: o => o with { SystemPartition = o.SystemPartition with { FreeBytes = 1000 } }), "RF6003");

    [Fact]
    public void FlashAsync_PartitionFillsUpMeanwhile_IsUndone()
    {
        var bench = new Bench();
        bench.Target.Inject(SimulatedOperation.Write, SimulatedFault.Full, 1, 99);
        IsUndone<SystemPartitionFull>(bench, "RF6003");
    }

    [Fact]
    public void FlashAsync_TargetIsInNoCatalog_IsNotSupported() => IsRefusedUntouched<TargetNotSupported>(
        new Bench { Catalog = SimulatedCatalog.Of(Foreign), Images = [Foreign.Image] }, "RF4001");

    [Fact]
    public void FlashAsync_RomOfAnotherMachine_IsNotForTarget() => IsRefusedUntouched<RomNotForTarget>(
        new Bench { Catalog = SimulatedCatalog.Of(Bench.NewSystem, Foreign), Images = [Foreign.Image] }, "RF4002");

    [Fact]
    public void FlashAsync_UnknownImage_IsNotInCatalog() => IsRefusedUntouched<ImageNotInCatalog>(
        new Bench { Catalog = SimulatedCatalog.Of(Bench.NewArray) }, "RF4014");

    [Fact]
    public void FlashAsync_OlderRom_IsRefusedUnlessAllowedByName()
    {
        var bench = new Bench(change: o => o with { Roms = [new(Bench.System, Bench.NewSystem)] }) { Catalog = SimulatedCatalog.Of(Bench.OldSystem), Images = [Bench.OldSystem.Image] };
        Assert.Equal("RF4003", Bench.Fails<DowngradeRefused>(bench.Flash()).Code);
        Assert.Empty(Bench.Done(bench.Target));

        bench.Policy = bench.Policy with { AllowDowngrade = true };
        Bench.IsUpgraded(bench.Flash());
        Assert.Equal(Bench.OldSystem.Sha256, bench.Target.RomOf(Bench.System)!.Sha256);
    }

    [Fact]
    public void FlashAsync_BelowTheLowestSupportedVersion_IsRefusedEvenWhenADowngradeIsAllowed()
    {
        var installed = Bench.SystemRom("U30 v2.50 (03/12/2021)", 0x0002_5000, 2, lowest: 0x0002_4500);
        var bench = new Bench(change: o => o with { Roms = [new(Bench.System, installed)] }) { Catalog = SimulatedCatalog.Of(Bench.OldSystem), Images = [Bench.OldSystem.Image] };
        bench.Policy = bench.Policy with { AllowDowngrade = true };
        Assert.Equal("RF4004", Bench.Fails<BelowLowestSupportedVersion>(bench.Flash()).Code);
        Assert.Empty(Bench.Done(bench.Target));
    }

    [Fact]
    public void FlashAsync_ClaimOfAnotherClient_IsRespectedUnlessTakenOverByGeneration()
    {
        var bench = new Bench();
        var claim = bench.Target.PlantClaim("client-b");
        var failure = Bench.Fails<TargetClaimed>(bench.Flash());
        Assert.Equal(("RF6008", "client-b", claim.Generation), (failure.Code, failure.Owner, failure.Generation));

        bench.Policy = bench.Policy with { TakeOverClaimGeneration = claim.Generation + 1 };
        Bench.Fails<TargetClaimed>(bench.Flash());
        Assert.Equal(claim, bench.Target.Claim);
        Assert.Equal([SimulatedEventKind.ClaimAcquired], Bench.Done(bench.Target)); // That of the other client, which the test planted.

        bench.Policy = bench.Policy with { TakeOverClaimGeneration = claim.Generation };
        Bench.IsUpgraded(bench.Flash());
    }

    [Fact]
    public void FlashAsync_TakenOverByAnotherClientBeforeArming_IsClaimLost()
    {
        var bench = new Bench();
        bench.Gates.Add(new BenchGate("slow", () =>
        {
            bench.Target.PlantClaim("client-b");
            return GateDecision.Allow;
        }));
        var failure = Bench.FailureOf(bench.Flash().Result);
        Assert.Equal("RF6009", failure.Code);
        Assert.DoesNotContain(SimulatedEventKind.Armed, Bench.Done(bench.Target));
        Assert.Equal("client-b", bench.Target.Claim!.Owner);
    }

    [Fact]
    public void FlashAsync_NoEndpointArms_IsArmingNotPossible()
    {
        var bench = new Bench();
        bench.Rack.SetAddress("server-1", bench.Target, SimulatedCapabilities.All & ~SimulatedCapabilities.Arming);
        IsRefusedUntouched<ArmingNotPossible>(bench, "RF7003");
    }

    [Fact]
    public void FlashAsync_NoEndpointTakesDeposits_IsCapabilityMissing()
    {
        var bench = new Bench();
        bench.Rack.SetAddress("server-1", bench.Target, SimulatedCapabilities.All & ~SimulatedCapabilities.Deposit);
        IsRefusedUntouched<CapabilityMissing>(bench, "RF1004");
    }

    [Fact]
    public void FlashAsync_TargetFlashesAtOnce_HasToBeAllowedByName()
    {
        var bench = new Bench(SimulatedPersona.FlashingAtOnce);
        IsRefusedUntouched<ImmediateFlashNotAllowed>(bench, "RF7004");
        bench.Policy = bench.Policy with { AllowImmediateFlash = true };
        Bench.IsUpgraded(bench.Flash());
    }

    [Fact]
    public void FlashAsync_WeakVerification_IsRefusedAndNotLowered()
    {
        var bench = new Bench(SimulatedPersona.OnlyAccepts);
        bench.Policy = bench.Policy with { MinimumVerification = VerificationMethod.ReadBack };
        IsRefusedUntouched<VerificationTooWeak>(bench, "RF6007");
        bench.Policy = bench.Policy with { MinimumVerification = null };
        var report = bench.Flash();
        Bench.IsUpgraded(report);
        Assert.Equal(VerificationMethod.AcceptedByDevice, report.Verification);
    }

    [Fact]
    public void FlashAsync_DepositIsCorruptedOnTheTarget_IsUndone()
    {
        var bench = new Bench();
        bench.Target.Inject(SimulatedOperation.Write, SimulatedFault.Corrupt, 1, 1);
        IsUndone<StagedCopyDiffers>(bench, "RF6006");
    }

    [Fact]
    public void FlashAsync_WindowClosesWhileAGateThinks_IsUndone()
    {
        var bench = new Bench();
        bench.Policy = bench.Policy with { Window = FlashWindow.Between(bench.Clock.GetUtcNow(), bench.Clock.GetUtcNow().AddMinutes(1)) };
        bench.Gates.Add(new BenchGate("slow", () =>
        {
            bench.Clock.Advance(TimeSpan.FromMinutes(2));
            return GateDecision.Allow;
        }));
        IsUndone<WindowMissed>(bench, "RF7008");
    }

    [Fact]
    public void FlashAsync_WindowIsOver_IsRefused()
    {
        var bench = new Bench();
        bench.Policy = bench.Policy with { Window = FlashWindow.Between(bench.Clock.GetUtcNow().AddDays(-2), bench.Clock.GetUtcNow().AddDays(-1)) };
        IsRefusedUntouched<WindowMissed>(bench, "RF7008");
    }

    [Fact]
    public void FlashAsync_GateRefusesBefore_IsUndone()
    {
        var bench = new Bench();
        bench.Gates.Add(new BenchGate("first"));
        bench.Gates.Add(new BenchGate("drain", () => GateDecision.Refuse("busy")));
        IsUndone<GateRefused>(bench, "RF7009");
    }

    [Fact]
    public void FlashAsync_GateThrows_IsUndone()
    {
        var bench = new Bench();
        bench.Gates.Add(new BenchGate("drain", () => throw new InvalidOperationException("broken")));
        IsUndone<PlugInFault>(bench, "RF9005");
    }

    [Fact]
    public void FlashAsync_GateRefusesAfter_SaysThatTheRomChanged()
    {
        var bench = new Bench();
        bench.Gates.Add(new BenchGate("health", after: () => GateDecision.Refuse("the service is down")));
        var failure = Bench.Fails<GateRefused>(bench.Flash());
        Assert.Equal(("RF7009", "health", TargetState.RomChanged), (failure.Code, failure.Gate, failure.TargetState));
        Assert.True(bench.IsAllNew);
        Assert.Null(bench.Target.Claim);
    }

    [Fact]
    public void FlashAsync_RestartIsRefused_IsUndoneUnlessForced()
    {
        var bench = new Bench(change: o => o with { RebootNeedsForce = true });
        IsUndone<RebootRefused>(bench, "RF7007");
        bench.Policy = bench.Policy with { ForceReboot = true };
        Bench.IsUpgraded(bench.Flash());
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void FlashAsync_PowerLossInABlock_RequiresRecovery(int block)
    {
        var told = new Bench(change: o => o with { PowerLossAtBlock = block, PowerLossEnding = SimulatedPowerLossEnding.SaysRecovery });
        var report = told.Flash();
        Assert.Equal(("RF8001", FlashOutcomeKind.RecoveryRequired), (Bench.Fails<FailureDuringFlash>(report).Code, report.Outcome));
        Assert.True(told.Target.NeedsRecovery);

        var dark = new Bench(change: o => o with { PowerLossAtBlock = block, PowerLossEnding = SimulatedPowerLossEnding.StaysDark });
        report = dark.Flash();
        Assert.Equal(("RF8002", FlashOutcomeKind.RecoveryRequired), (Bench.Fails<TargetDidNotReturn>(report).Code, report.Outcome));
    }

    [Fact]
    public void FlashAsync_FirmwareRefusesTheCapsule_CarriesItsStatus()
    {
        var bench = new Bench { Images = [Bench.NewSystem.Image] };
        bench.Target.OnOperation = e =>
        {
            if (e.Operation == SimulatedOperation.ScheduleReboot)
            {
                Assert.True(bench.Target.CorruptArmed(0, 200));
            }
        };
        var report = bench.Flash();
        var failure = Bench.Fails<FlashNotApplied>(report);
        Assert.Equal(("RF8003", TargetState.PreviousRomIntact, FlashOutcomeKind.NotApplied), (failure.Code, failure.TargetState, report.Outcome));
        Assert.Equal(PeerCode.UefiLastAttempt, failure.PeerCode!.Value.Dialect);
        Assert.Equal((ulong)Assert.Single(bench.Target.History, e => e.Kind == SimulatedEventKind.FlashRefused).Status, failure.PeerCode!.Value.Number);
        Assert.NotEqual(0UL, failure.PeerCode!.Value.Number);
        Assert.True(bench.IsAllOld);
    }

    [Fact]
    public void FlashAsync_SomebodyElsesCapsuleIsFlashedToo_IsUnexpectedVersion()
    {
        var bench = new Bench();
        bench.Target.OnOperation = e =>
        {
            if (e.Operation == SimulatedOperation.ScheduleReboot)
            {
                bench.Target.PlantForeignCapsule("other.cap", Bench.MiddleSystem.Content);
            }
        };
        var report = bench.Flash();
        Assert.Equal(("RF8004", FlashOutcomeKind.UnexpectedVersion), (Bench.Fails<UnexpectedVersion>(report).Code, report.Outcome));
    }

    [Fact]
    public void FlashAsync_ImageIsSwappedAfterItsValidation_IsFoundBeforeAnythingIsComplete()
    {
        var swapped = Bench.NewSystem.Content.ToArray();
        swapped[4000] ^= 1;
        var bench = new Bench { Images = [RomImage.TryCreate(SimulatedRom.Source(swapped, "swapped.rom"), Bench.NewSystem.Image.Evidence).GetValueOrThrow()] };
        var failure = Bench.FailureOf(bench.Flash().Result);
        Assert.Equal(("RF5008", TargetState.Untouched), (failure.Code, failure.TargetState));
        Assert.DoesNotContain(SimulatedEventKind.Committed, Bench.Done(bench.Target));
        Assert.Empty(bench.Target.Deposits);
        Assert.Null(bench.Target.Claim);
    }

    [Fact]
    public void FlashAsync_AnotherMachineReturns_IsIdentityChanged()
    {
        var bench = new Bench(SimulatedPersona.ReturningAsAnotherMachine);
        var failure = Bench.Fails<TargetIdentityChanged>(bench.Flash());
        Assert.Equal("RF4009", failure.Code);
        Assert.DoesNotContain(failure.TargetState, new[] { TargetState.Untouched, TargetState.PreviousRomIntact });
    }

    [Fact]
    public void FlashAsync_JournalCanNotBeWritten_BeginsNothing()
    {
        var bench = new Bench();
        bench.Disk.OnAppend = _ => BenchFault.Fail;
        IsRefusedUntouched<JournalUnavailable>(bench, "RF9003");
    }
}
