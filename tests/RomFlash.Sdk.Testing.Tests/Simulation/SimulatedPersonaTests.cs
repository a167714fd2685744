using RomFlash.Sdk.Probing;
using RomFlash.Sdk.Targets;
using RomFlash.Sdk.Testing.Simulation;
using RomFlash.Sdk.Transports;

namespace RomFlash.Sdk.Testing.Tests.Simulation;

public sealed class SimulatedPersonaTests
{
    public static TheoryData<string> Names => [.. SimulatedPersona.All.Select(p => p.Name)];

    private static SimulatedPersona Persona(string name) => SimulatedPersona.All.Single(p => p.Name == name);

    [Theory]
    [MemberData(nameof(Names))]
    public async Task Upgrade_EveryPersona_FlashesWhatWasArmed(string name)
    {
        var rig = new Rig(Persona(name));
        await rig.FlashAsync(("system", Rig.New));
        Assert.Same(Rig.New, rig.Target.RomOf("system"));
        Assert.Equal(1, rig.Target.BootCount);
    }

    [Theory]
    [InlineData(nameof(SimulatedPersona.ReadsBack), true, false)]
    [InlineData(nameof(SimulatedPersona.DigestsOnTarget), false, true)]
    [InlineData(nameof(SimulatedPersona.OnlyAccepts), false, false)]
    [InlineData(nameof(SimulatedPersona.Ordinary), true, true)]
    public async Task Deposit_VerificationOfThePersona_IsAllThatWorks(string name, bool readBack, bool digest)
    {
        var rig = new Rig(Persona(name));
        await using var session = await rig.ConnectAsync();
        var manifest = Rig.Manifest("d-1", await rig.ClaimAsync(session), ("system", Rig.New));
        var deposits = session.GetCapability<IDepositCapability>()!;
        Assert.Equal(readBack, deposits.Traits.Verification.Contains(VerificationMethod.ReadBack));
        Assert.Equal(digest, deposits.Traits.Verification.Contains(VerificationMethod.DigestOnTarget));
        await using var deposit = Rig.Value(await deposits.OpenDepositAsync(manifest, CancellationToken.None));
        Rig.Value(await deposit.WriteAsync(0, 0, Rig.New.Content, CancellationToken.None));

        var buffer = new byte[Rig.New.Content.Length];
        var read = await deposit.ReadBackAsync(0, 0, buffer, CancellationToken.None);
        var digested = await deposit.DigestOnTargetAsync(0, CancellationToken.None);

        if (readBack)
        {
            Assert.Equal(buffer.Length, Rig.Value(read));
            Assert.Equal(Rig.New.Content.ToArray(), buffer);
        }
        else
        {
            Assert.Equal(TransportFaultKind.Unsupported, Rig.Fault(read).Kind);
        }

        if (digest)
        {
            Assert.Equal(Rig.New.Sha256, Rig.Value(digested));
        }
        else
        {
            Assert.Equal(TransportFaultKind.Unsupported, Rig.Fault(digested).Kind);
        }
    }

    [Fact]
    public async Task OnlyAccepts_ContentThatIsNoImage_IsRejectedAtTheCommit()
    {
        var rig = new Rig(SimulatedPersona.OnlyAccepts);
        await using var session = await rig.ConnectAsync();
        var manifest = Rig.Manifest("d-1", await rig.ClaimAsync(session), ("system", Rig.New));
        await using var deposit = Rig.Value(await session.GetCapability<IDepositCapability>()!.OpenDepositAsync(manifest, CancellationToken.None));
        Rig.Value(await deposit.WriteAsync(0, 0, new byte[Rig.New.Content.Length], CancellationToken.None));
        Assert.Equal(TransportFaultKind.Rejected, Rig.Fault(await deposit.CommitAsync(CancellationToken.None)).Kind);
    }

    [Fact]
    public async Task OnlyAccepts_Armed_TellsNoDigests()
    {
        var rig = new Rig(SimulatedPersona.OnlyAccepts);
        await using var session = await rig.ConnectAsync();
        await rig.ClaimAsync(session);
        Rig.Value(await rig.ArmAsync(session, await rig.DepositAsync(session, "d-1", ("system", Rig.New))));
        var state = Rig.Value(await session.GetCapability<IArmingCapability>()!.ReadArmedStateAsync(true, CancellationToken.None));
        Assert.False(Assert.Single(state.Items).Sha256.IsKnown);
    }

    [Fact]
    public async Task FlashingAtOnce_Armed_RestartsByItselfAndCannotBeStopped()
    {
        var rig = new Rig(SimulatedPersona.FlashingAtOnce);
        await using var session = await rig.ConnectAsync();
        await rig.ClaimAsync(session);
        Rig.Value(await rig.ArmAsync(session, await rig.DepositAsync(session, "d-1", ("system", Rig.New))));

        var arming = session.GetCapability<IArmingCapability>()!;
        Assert.Equal(TransportFaultKind.Unsupported, Rig.Fault(await arming.DisarmAsync("d-1", CancellationToken.None)).Kind);
        Assert.Equal(TransportFaultKind.Busy, Rig.Fault(await session.GetCapability<IPowerCapability>()!.AbortRebootAsync(CancellationToken.None)).Kind);
        Assert.True(Rig.Value(await arming.ReadArmedStateAsync(false, CancellationToken.None)).Offers.Single().FlashesAtOnce);

        rig.Clock.Advance(TimeSpan.FromSeconds(5));
        Assert.Same(Rig.New, rig.Target.RomOf("system"));
        Assert.True(rig.Target.IsAway);
    }

    [Fact]
    public async Task CannotDisarm_Armed_StaysArmed()
    {
        var rig = new Rig(SimulatedPersona.CannotDisarm);
        await using var session = await rig.ConnectAsync();
        await rig.ClaimAsync(session);
        Rig.Value(await rig.ArmAsync(session, await rig.DepositAsync(session, "d-1", ("system", Rig.New))));
        var fault = Rig.Fault(await session.GetCapability<IArmingCapability>()!.DisarmAsync("d-1", CancellationToken.None));
        Assert.Equal((TransportFaultKind.Unsupported, FaultEffect.NotSent), (fault.Kind, fault.Effect));
        Assert.Equal(ArmedPhase.Armed, rig.Target.ArmedPhase);
    }

    [Fact]
    public async Task ArmingInTwoSteps_CutBetween_IsPreparedAndDisarmRemovesBoth()
    {
        var rig = new Rig(SimulatedPersona.ArmingInTwoSteps);
        await using var session = await rig.ConnectAsync();
        await rig.ClaimAsync(session);
        var manifest = await rig.DepositAsync(session, "d-1", ("system", Rig.New));
        rig.Target.Inject(SimulatedOperation.PrepareArm, SimulatedFault.DisconnectAfter);
        Assert.Equal(TransportFaultKind.Lost, Rig.Fault(await rig.ArmAsync(session, manifest)).Kind);
        Assert.Equal(ArmedPhase.Prepared, rig.Target.ArmedPhase);
        Assert.Empty(rig.Target.Deposits);

        await using var second = await rig.ConnectAsync();
        Rig.Value(await second.GetCapability<IArmingCapability>()!.DisarmAsync("d-1", CancellationToken.None));
        Assert.Equal(ArmedPhase.None, rig.Target.ArmedPhase);
        Assert.Empty(rig.Target.ArmedDigests);
    }

    [Fact]
    public async Task ArmingInTwoSteps_RepeatedAfterTheCut_Arms()
    {
        var rig = new Rig(SimulatedPersona.ArmingInTwoSteps);
        await using var session = await rig.ConnectAsync();
        await rig.ClaimAsync(session);
        var manifest = await rig.DepositAsync(session, "d-1", ("system", Rig.New));
        rig.Target.Inject(SimulatedOperation.Arm, SimulatedFault.Refuse(TransportFaultKind.AccessDenied));
        Assert.Equal(FaultEffect.MayHaveApplied, Rig.Fault(await rig.ArmAsync(session, manifest)).Effect);
        Rig.Value(await rig.ArmAsync(session, manifest));
        Assert.Equal(ArmedPhase.Armed, rig.Target.ArmedPhase);
    }

    [Fact]
    public async Task NoClaimAndNoPower_Capabilities_AreNotOffered()
    {
        await using var noClaim = await new Rig(SimulatedPersona.NoClaim).ConnectAsync();
        Assert.Null(noClaim.GetCapability<IClaimCapability>());
        Assert.NotNull(noClaim.GetCapability<IPowerCapability>());
        await using var noPower = await new Rig(SimulatedPersona.NoPower).ConnectAsync();
        Assert.Null(noPower.GetCapability<IPowerCapability>());
        Assert.NotNull(noPower.GetCapability<IClaimCapability>());
    }

    [Fact]
    public async Task OneComponentPerBoot_TwoComponents_AreNotArmed()
    {
        var rig = new Rig(SimulatedPersona.OneComponentPerBoot);
        await using var session = await rig.ConnectAsync();
        await rig.ClaimAsync(session);
        var manifest = await rig.DepositAsync(session, "d-1", ("system", Rig.New), ("array-0", Rig.NewArray));
        Assert.Equal(TransportFaultKind.Unsupported, Rig.Fault(await rig.ArmAsync(session, manifest)).Kind);
        Assert.Equal(ArmedPhase.None, rig.Target.ArmedPhase);
    }

    [Fact]
    public async Task ReturningAsAnotherMachine_AfterTheBoot_HasAnotherIdentity()
    {
        var rig = new Rig(SimulatedPersona.ReturningAsAnotherMachine);
        Assert.True((await rig.FactsAsync()).Identity.TryGet(out var before));
        await rig.FlashAsync(("system", Rig.New));
        Assert.True((await rig.FactsAsync()).Identity.TryGet(out var after));
        Assert.Equal(IdentityMatch.Different, before.CompareWith(after));
    }

    [Fact]
    public async Task LosingShareAfterBoot_AfterTheBoot_TellsFactsAndTakesNoDeposits()
    {
        var rig = new Rig(SimulatedPersona.LosingShareAfterBoot);
        await rig.FlashAsync(("system", Rig.New));
        var facts = await rig.FactsAsync();
        Assert.False(facts.SystemPartition.IsKnown);
        Assert.True(facts.Roms.IsKnown);
        await using var session = await rig.ConnectAsync();
        Assert.Equal(TransportFaultKind.NotFound, Rig.Fault(await session.GetCapability<IDepositCapability>()!.ListDepositsAsync(CancellationToken.None)).Kind);
    }

    [Fact]
    public async Task ReportingAnotherStyle_AfterTheFlash_TellsTheNumberAlone()
    {
        var rig = new Rig(SimulatedPersona.ReportingAnotherStyle);
        Assert.Equal(FactSource.Smbios, Assert.Single((await rig.RomAsync("system")).Versions).Source);
        await rig.FlashAsync(("system", Rig.New));
        Assert.Equal(FactSource.Esrt, Assert.Single((await rig.RomAsync("system")).Versions).Source);
        Assert.Equal(FactSource.Device, Assert.Single((await rig.RomAsync("array-0")).Versions).Source);
    }

    [Fact]
    public async Task ForgettingTheTask_AfterTheBoot_KnowsNoAttempt()
    {
        var rig = new Rig(SimulatedPersona.ForgettingTheTask);
        await rig.FlashAsync(("system", Rig.New));
        Assert.False((await rig.RomAsync("system")).LastAttempt.IsKnown);
    }
}
