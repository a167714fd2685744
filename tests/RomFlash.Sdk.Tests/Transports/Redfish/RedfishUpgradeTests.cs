using System.Collections.Immutable;
using RomFlash.Sdk.Compatibility;
using RomFlash.Sdk.Confirmation;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Journal;
using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Pipeline;
using RomFlash.Sdk.Probing;
using RomFlash.Sdk.Targets;
using RomFlash.Sdk.Testing.Redfish;
using RomFlash.Sdk.Testing.Simulation;
using RomFlash.Sdk.Transports;
using FaceFault = RomFlash.Sdk.Testing.Redfish.RedfishFault;

namespace RomFlash.Sdk.Tests.Transports.Redfish;

/// <summary>Whole upgrades through a controller. The server's clock moves on with every request, so that nothing here waits for real.</summary>
public sealed class RedfishUpgradeTests : IDisposable
{
    private readonly string _folder = System.IO.Directory.CreateTempSubdirectory("romflash-redfish-").FullName;

    [Theory]
    [InlineData(RedfishVendor.Generic, RedfishApplyTime.OnStartUpdateRequest, false)]
    [InlineData(RedfishVendor.Generic, RedfishApplyTime.OnStartUpdateRequest, true)]
    [InlineData(RedfishVendor.Generic, RedfishApplyTime.OnReset, false)]
    [InlineData(RedfishVendor.Generic, RedfishApplyTime.Immediate, false)]
    [InlineData(RedfishVendor.Generic, RedfishApplyTime.Immediate, true)]
    [InlineData(RedfishVendor.OpenBmc, RedfishApplyTime.OnReset, false)]
    [InlineData(RedfishVendor.Dell, RedfishApplyTime.OnReset, false)]
    [InlineData(RedfishVendor.Supermicro, RedfishApplyTime.OnStartUpdateRequest, true)]
    [InlineData(RedfishVendor.Hpe, RedfishApplyTime.Immediate, true)]
    public async Task FlashAsync_SystemAndArrayController_AreUpgradedByEvidence(RedfishVendor vendor, RedfishApplyTime applyTime, bool writesBeforeRestart)
    {
        await using var rig = await FaceRig.StartAsync(FaceRig.Options(vendor, applyTime) with { AppliesWhileRunning = writesBeforeRestart });
        await using var world = await RedfishWorld.CreateAsync(rig, _folder);

        var report = await world.FlashAsync();

        Assert.True(report.Result.TryGetValue(out var outcome, out var failure), $"{failure}\n{string.Join("\n", report.Blockers)}");
        Assert.IsType<Upgraded>(outcome);
        Assert.Equal(FaceRig.NewSystem.Sha256, rig.Target.RomOf("system")!.Sha256);
        Assert.Equal(FaceRig.NewArray.Sha256, rig.Target.RomOf("array-0")!.Sha256);
        Assert.Equal(VerificationMethod.AcceptedByDevice, report.Verification);
        Assert.False(rig.Target.NeedsRecovery);
    }

    [Fact]
    public async Task FlashAsync_ServiceFlashesAtOnceAndPolicyDoesNotAllowIt_NothingIsSent()
    {
        await using var rig = await FaceRig.StartAsync(FaceRig.Options(RedfishVendor.Generic, RedfishApplyTime.Immediate));
        await using var world = await RedfishWorld.CreateAsync(rig, _folder);

        var report = await world.FlashAsync(p => p with { AllowImmediateFlash = false });

        Assert.False(report.Result.TryGetValue(out _, out var failure));
        Assert.IsType<ImmediateFlashNotAllowed>(failure);
        Assert.DoesNotContain(rig.Target.History, e => e.Kind is SimulatedEventKind.DepositOpened or SimulatedEventKind.Armed);
    }

    [Fact]
    public async Task FlashAsync_ControllerRefusesTheImage_TellsItsMessage()
    {
        await using var rig = await FaceRig.StartAsync(FaceRig.Options(RedfishVendor.Generic, RedfishApplyTime.OnStartUpdateRequest));
        await using var world = await RedfishWorld.CreateAsync(rig, _folder);
        world.Meet = r => r.Method == "POST" && r.Path.EndsWith("upload", StringComparison.OrdinalIgnoreCase) ? FaceFault.Answer(400, """{"error":{"code":"Base.1.18.GeneralError","message":"m","@Message.ExtendedInfo":[{"MessageId":"Update.1.0.VerificationFailed","Message":"no good","MessageArgs":["x"]}]}}""", "application/json") : null;

        var report = await world.FlashAsync();

        Assert.False(report.Result.TryGetValue(out _, out var failure));
        Assert.Equal(TargetState.Untouched, failure!.TargetState);
        Assert.DoesNotContain(rig.Target.History, e => e.Kind is SimulatedEventKind.Armed);
        Assert.True(world.Met > 0);
        Assert.Equal("Update.VerificationFailed", failure.PeerCode!.Value.Symbol);
    }

    [Fact]
    public async Task ProbeAsync_Account_IsProvedByItsRole()
    {
        await using var rig = await FaceRig.StartAsync();
        await using var admin = await rig.ConnectAsync();
        await using var reader = await rig.ConnectAsync(FaceRig.Reader);

        var facts = FaceRig.Value(await ((IFactsCapability)admin).ReadFactsAsync(FactKinds.All, CancellationToken.None));
        var less = FaceRig.Value(await ((IFactsCapability)reader).ReadFactsAsync(FactKinds.Account, CancellationToken.None));

        Assert.True(facts.Account.TryGet(out var rights), facts.Account.ToString());
        Assert.Equal(AccountRights.Administrator, rights);
        Assert.False(less.Account.TryGet(out var lessRights) && lessRights == AccountRights.Administrator);
        Assert.True(facts.Identity.TryGet(out var identity) && identity.IsIdentifying);
        Assert.True(facts.Boot.TryGet(out var boot));
        Assert.Equal("redfish", boot!.Source);
        Assert.True(facts.Roms.TryGet(out var roms));
        Assert.Equal(["array-0", "system"], roms.Where(r => r.Id is "system" or "array-0").Select(r => r.Id).Order(StringComparer.Ordinal));
        var array = roms.Single(r => r.Id == "array-0");
        Assert.Equal(RomKind.ArrayController, array.Kind);
        Assert.Equal(FaceRig.OldArray.Pci, array.Pci);
        var system = roms.Single(r => r.Id == "system");
        Assert.Equal((RomKind.SystemRom, (Guid?)FaceRig.SystemClass), (system.Kind, system.FirmwareClass));
        Assert.Contains(system.Versions, v => v.Source == FactSource.Smbios && v.Version.Text == "1.0.0");
    }

    public void Dispose() => System.IO.Directory.Delete(_folder, recursive: true);
}
