using System.Security.Cryptography;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Probing;
using RomFlash.Sdk.Transports;

namespace RomFlash.Sdk.Tests.Transports.Redfish;

/// <summary>The client against the service that another project wrote for its own client: five personas of it, told by the account.</summary>
[Trait("Category", "Peer")]
public sealed class FwupdServiceTests : IClassFixture<FwupdService>
{
    private const string Generic = "username2";
    private const string Supermicro = "smc_username";
    private const string Unlicensed = "unlicensed_username";
    private const string Hpe = "hpe_username";
    private const string Dell = "dell_username";
    private readonly FwupdService _service;

    public FwupdServiceTests(FwupdService service) => _service = service;

    [Theory]
    [InlineData(Generic)]
    [InlineData(Supermicro)]
    [InlineData(Unlicensed)]
    [InlineData(Hpe)]
    [InlineData(Dell)]
    public async Task ReadFactsAsync_Persona_TellsItsFirmwareAndNothingThatItDoesNotSay(string user)
    {
        await using var session = await _service.ConnectAsync(user);

        var facts = FaceRig.Value(await ((IFactsCapability)session).ReadFactsAsync(FactKinds.All, CancellationToken.None));

        Assert.True(facts.Roms.TryGet(out var roms), facts.Roms.ToString());
        Assert.Equal(["BIOS", "BMC"], roms.Select(r => r.Id).Order(StringComparer.Ordinal));
        var bios = roms.Single(r => r.Id == "BIOS");
        Assert.Equal((RomKind.SystemRom, "Contoso BIOS Firmware"), (bios.Kind, bios.Name));
        Assert.Equal(new Guid("fee82a67-6ce2-4625-9f44-237ad2402c28"), bios.FirmwareClass);
        Assert.Equal("P79 v1.45", Assert.Single(bios.Versions, v => v.Source == FactSource.Redfish).Version.Text);
        Assert.True(bios.LowestSupportedVersion.TryGet(out var lowest));
        Assert.Equal("P79 v1.10", lowest.Text);
        Assert.False(bios.LastAttempt.IsKnown);
        var bmc = roms.Single(r => r.Id == "BMC");
        Assert.Equal((RomKind.Controller, "Lenovo BMC Firmware"), (bmc.Kind, bmc.Name));
        Assert.Null(bmc.FirmwareClass);
        Assert.Equal("11A-1.02", Assert.Single(bmc.Versions).Version.Text);
        Assert.Equal(user == Dell ? null : new Guid("aa148d2e-6e09-453e-bc6f-63baa5f5ccc4"), bmc.DeviceClass);

        // Its root tells of no system and no accounts.
        Assert.False(facts.Identity.IsKnown);
        Assert.False(facts.Boot.IsKnown);
        Assert.False(facts.Account.IsKnown);
        Assert.True(facts.Services.TryGet(out var services));
        Assert.Equal(new ServiceFact("UpdateService", true), Assert.Single(services));
        Assert.Null(session.GetCapability<IPowerCapability>());
    }

    [Theory]
    [InlineData(Generic)]
    [InlineData(Dell)]
    public async Task CommitAsync_ControllerImage_IsFollowedToTheEndOfItsTask(string user)
    {
        await using var session = await _service.ConnectAsync(user);
        Assert.Equal(DepositEffect.Flashes, session.GetCapability<IDepositCapability>()!.Traits.Effect);

        FaceRig.Value(await DepositAsync(session, "hello", "BMC", "romflash-00.exe"));

        var phases = await PollAsync(session);
        Assert.Equal([ArmedPhase.Applying, ArmedPhase.Applying, ArmedPhase.Applying, ArmedPhase.Applying, ArmedPhase.None], phases);
    }

    [Theory]
    [InlineData(Generic, ArmedPhase.None)]
    [InlineData(Dell, ArmedPhase.None)]
    [InlineData(Supermicro, ArmedPhase.Applying)]
    public async Task ReadFactsAsync_TaskThatHasEnded_IsTheLastAttemptAndAskedForAgain(string user, ArmedPhase next)
    {
        await using var session = await _service.ConnectAsync(user);
        var (component, name) = user == Supermicro ? ("BIOS", "romflash-00.bin") : ("BMC", "romflash-00.exe");
        FaceRig.Value(await DepositAsync(session, "hello", component, name));
        if (user == Supermicro)
        {
            FaceRig.Value(await session.GetCapability<IArmingCapability>()!.ArmAsync(new(Manifest("hello", component, name), ArmingMethod.ControllerUpdate), CancellationToken.None));
        }

        // The service counts the looks: the fifth one finds the task ended.
        Assert.All(await PollAsync(session, looks: 4), p => Assert.Equal(ArmedPhase.Applying, p));
        await AssertAttemptAsync(session, component);

        // Of one that has ended it then makes a failure, or one that runs again: what it says now is what counts.
        Assert.Equal([next], await PollAsync(session, looks: 1));
    }

    [Fact]
    public async Task ArmAsync_Supermicro_StartsWhatWasVerified()
    {
        await using var session = await _service.ConnectAsync(Supermicro);
        Assert.Equal(DepositEffect.Inert, session.GetCapability<IDepositCapability>()!.Traits.Effect);
        var arming = session.GetCapability<IArmingCapability>()!;

        FaceRig.Value(await DepositAsync(session, "hello", "BIOS", "romflash-00.bin"));
        Assert.Equal(["d-1"], FaceRig.Value(await ((IDepositCapability)session).ListDepositsAsync(CancellationToken.None)).Select(d => d.Id));
        Assert.Equal(ArmedPhase.None, FaceRig.Value(await arming.ReadArmedStateAsync(false, CancellationToken.None)).Phase);

        FaceRig.Value(await arming.ArmAsync(new(Manifest("hello", "BIOS", "romflash-00.bin"), ArmingMethod.ControllerUpdate), CancellationToken.None));

        var phases = await PollAsync(session);
        Assert.Equal([ArmedPhase.Applying, ArmedPhase.Applying, ArmedPhase.Applying, ArmedPhase.Applying, ArmedPhase.None], phases);
        Assert.Empty(FaceRig.Value(await ((IDepositCapability)session).ListDepositsAsync(CancellationToken.None)));
        Assert.Single(await _service.RequestsOfAsync(session), r => r.Contains("UpdateService.StartUpdate", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("BIOS")]
    [InlineData("BMC")]
    public async Task CommitAsync_Hpe_TellsItsEndByTheStateOfTheService(string component)
    {
        await using var session = await _service.ConnectAsync(Hpe);
        Assert.Equal(DepositEffect.Flashes, session.GetCapability<IDepositCapability>()!.Traits.Effect);

        FaceRig.Value(await DepositAsync(session, "hello", component, "romflash-00.fwpkg"));

        Assert.Equal([ArmedPhase.None], await PollAsync(session));
        await AssertAttemptAsync(session, component);
    }

    [Fact]
    public async Task CommitAsync_SupermicroInUpdateMode_IsBusy()
    {
        await using var session = await _service.ConnectAsync(Supermicro);

        var fault = FaceRig.Fault(await DepositAsync(session, "stuck", "BIOS", "romflash-00.bin"));

        Assert.Equal((TransportFaultKind.Busy, FaultEffect.NotSent), (fault.Kind, fault.Effect));
        Assert.Equal(new PeerCode(PeerCode.Redfish, 405, "SMC.OemFirmwareAlreadyInUpdateMode"), fault.PeerCode);
    }

    [Fact]
    public async Task OpenDepositAsync_SupermicroWithoutALicence_SendsNothing()
    {
        await using var session = await _service.ConnectAsync(Unlicensed);

        var state = FaceRig.Fault(await ((IArmingCapability)session).ReadArmedStateAsync(false, CancellationToken.None));
        var deposit = FaceRig.Fault(await DepositAsync(session, "hello", "BIOS", "romflash-00.bin"));

        foreach (var fault in (TransportFault[])[state, deposit])
        {
            Assert.Equal((TransportFaultKind.Unsupported, FaultEffect.NotSent), (fault.Kind, fault.Effect));
            Assert.Equal("SMC.OemLicenseNotPassed", fault.PeerCode?.Symbol);
            Assert.Contains("Feature not available.", fault.Detail, StringComparison.Ordinal);
        }

        var requests = await _service.RequestsOfAsync(session);
        Assert.Contains("GET /FWUpdate-unlicensed", requests);
        Assert.DoesNotContain(requests, r => r.StartsWith("POST /FWUpdate", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(Generic, "BMC", "romflash-00.exe", "other", "data invalid")]
    [InlineData(Generic, "BMC", "romflash-00.bin", "hello", "filename invalid")]
    [InlineData(Generic, "BIOS", "romflash-00.exe", "hello", "id invalid")]
    [InlineData(Dell, "BMC", "romflash-00.exe", "other", "data invalid")]
    [InlineData(Supermicro, "BIOS", "romflash-00.bin", "other", "data invalid")]
    public async Task CommitAsync_WhatTheServiceDoesNotTake_IsRejectedWithItsMessage(string user, string component, string name, string content, string message)
    {
        await using var session = await _service.ConnectAsync(user);

        var fault = FaceRig.Fault(await DepositAsync(session, content, component, name));

        Assert.Equal((TransportFaultKind.Rejected, FaultEffect.NotSent), (fault.Kind, fault.Effect));
        Assert.Contains(message, fault.Detail, StringComparison.Ordinal);
        Assert.Equal(400u, fault.PeerCode?.Number);
    }

    [Theory]
    [InlineData(Generic, "wrong")]
    [InlineData("nobody", FwupdProcess.Password)]
    public async Task ConnectAsync_WrongAccount_IsRejected(string user, string password)
    {
        var fault = FaceRig.Fault(await _service.TryConnectAsync(user, password));

        Assert.Equal((TransportFaultKind.CredentialsRejected, FaultEffect.NotSent), (fault.Kind, fault.Effect));
        Assert.DoesNotContain(password, fault.ToString(), StringComparison.Ordinal);
    }

    // Until it has come to an end: none of this service's tasks takes more than five looks.
    private static async Task<ArmedPhase[]> PollAsync(ITargetSession session, int looks = 10)
    {
        var phases = new List<ArmedPhase>();
        do
        {
            phases.Add(FaceRig.Value(await ((IArmingCapability)session).ReadArmedStateAsync(false, CancellationToken.None)).Phase);
        }
        while (phases[^1] != ArmedPhase.None && phases.Count < looks);

        return [.. phases];
    }

    private static async Task AssertAttemptAsync(ITargetSession session, string component)
    {
        var facts = FaceRig.Value(await ((IFactsCapability)session).ReadFactsAsync(FactKinds.Roms, CancellationToken.None));
        Assert.True(facts.Roms.TryGet(out var roms));
        Assert.True(roms.Single(r => r.Id == component).LastAttempt.TryGet(out var attempt), roms.Single(r => r.Id == component).LastAttempt.ToString());
        Assert.Equal(new PeerCode(PeerCode.Redfish, 0), attempt.Status);
        Assert.All(roms.Where(r => r.Id != component), r => Assert.False(r.LastAttempt.IsKnown));
    }

    private static DepositManifest Manifest(string content, string component, string name)
    {
        var bytes = System.Text.Encoding.ASCII.GetBytes(content);
        return new("d-1", 0, [new(name, bytes.Length, new ContentDigest(SHA256.HashData(bytes)), component)]);
    }

    private static async Task<TransportResult<Done>> DepositAsync(ITargetSession session, string content, string component, string name)
    {
        if (!(await session.GetCapability<IDepositCapability>()!.OpenDepositAsync(Manifest(content, component, name), CancellationToken.None)).TryGetValue(out var deposit, out var fault))
        {
            return fault;
        }

        await using (deposit)
        {
            var written = await deposit.WriteAsync(0, 0, System.Text.Encoding.ASCII.GetBytes(content), CancellationToken.None);
            return written.TryGetValue(out _, out fault) ? await deposit.CommitAsync(CancellationToken.None) : fault;
        }
    }
}
