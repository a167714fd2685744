using RomFlash.Sdk.Probing;
using RomFlash.Sdk.Testing;
using RomFlash.Sdk.Testing.Redfish;
using RomFlash.Sdk.Transports;
using FaceFault = RomFlash.Sdk.Testing.Redfish.RedfishFault;

namespace RomFlash.Sdk.Tests.Transports.Redfish;

/// <summary>Which system is restarted, and whether it still will be.</summary>
public sealed class RedfishPowerTests
{
    private const string Systems = "/redfish/v1/Systems";
    private const string Other = Systems + "/other";
    private static readonly RebootRequest Now = new(TimeSpan.Zero, string.Empty, true);

    [Theory]
    [InlineData(403, "", false)]
    [InlineData(405, "", false)]
    [InlineData(500, "", false)]
    [InlineData(501, "", false)]
    [InlineData(200, "", false)]
    [InlineData(404, "", true)]
    [InlineData(410, "", true)]
    [InlineData(404, ""","Members@odata.nextLink":"/redfish/v1/Systems?page=2" """, false)]
    public async Task ConnectAsync_SystemsThatAreNotAllShown_AreNotOneSystem(int status, string more, bool hasPower)
    {
        await using var rig = await FaceRig.StartAsync();
        var own = await SystemPathAsync(rig);
        rig.Face.Interfere = r => r.Path switch
        {
            Systems => FaceFault.Answer(200, $$"""{"Members":[{"@odata.id":"{{Other}}"},{"@odata.id":"{{own}}"}]{{more}}}""", "application/json"),
            Other => status == 200 ? FaceFault.Answer(200, "{}", "application/json") : FaceFault.Refuse(status),
            _ => null,
        };

        await using var session = await rig.ConnectAsync();
        var facts = FaceRig.Value(await ((IFactsCapability)session).ReadFactsAsync(FactKinds.Identity, CancellationToken.None));

        Assert.Equal((hasPower, hasPower), (session.GetCapability<IPowerCapability>() is not null, facts.Identity.IsKnown));
        Assert.True(hasPower || facts.Identity.ToString().Contains("which one is meant", StringComparison.Ordinal), facts.Identity.ToString());
    }

    [Theory]
    [InlineData("""{"Members":[{"@odata.id":"OWN"},{}]}""")]
    [InlineData("""{"Members":[{"@odata.id":"OWN"},{"@odata.id":"https://elsewhere.example/redfish/v1/Systems/2"}]}""")]
    [InlineData(null)]
    public async Task ConnectAsync_ListOfSystemsThatTellsNotWhereTheyAre_IsNotOneSystem(string? list)
    {
        await using var rig = await FaceRig.StartAsync();
        var own = await SystemPathAsync(rig);
        rig.Face.Interfere = r => r.Path != Systems ? null : list is null ? FaceFault.Refuse(500) : FaceFault.Answer(200, list.Replace("OWN", own, StringComparison.Ordinal), "application/json");

        await using var session = await rig.ConnectAsync();
        var facts = FaceRig.Value(await ((IFactsCapability)session).ReadFactsAsync(FactKinds.Identity, CancellationToken.None));

        Assert.Null(session.GetCapability<IPowerCapability>());
        Assert.Contains("does not show all of its systems", facts.Identity.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false, false)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    public async Task AbortRebootAsync_BootIsUnknownBeforeOrNow_IsBusyForAsLongAsAShutdownTakes(bool isKnownBefore, bool isKnownNow)
    {
        await using var rig = await FaceRig.StartAsync();
        var own = await SystemPathAsync(rig);
        var tells = isKnownBefore;
        rig.Face.Interfere = r => r.Path != own ? null : SystemAnswer(own, tells);
        var clock = new SimulatedClock();
        using var credentials = FaceRig.Credentials();
        await using var session = FaceRig.Value(await rig.Transport.ConnectAsync(new(rig.Endpoint, credentials, clock), CancellationToken.None));
        var power = session.GetCapability<IPowerCapability>()!;
        FaceRig.Value(await power.ScheduleRebootAsync(Now, CancellationToken.None));
        tells = isKnownNow;

        Assert.Equal(TransportFaultKind.Busy, FaceRig.Fault(await power.AbortRebootAsync(CancellationToken.None)).Kind);

        clock.Advance(TimeSpan.FromSeconds(1));
        FaceRig.Value(await power.AbortRebootAsync(CancellationToken.None));
    }

    [Fact]
    public async Task AbortRebootAsync_AnotherRestartWasRefused_TheFirstOneIsStillUnderWay()
    {
        await using var rig = await FaceRig.StartAsync();
        var own = await SystemPathAsync(rig);
        var isRefused = false;
        rig.Face.Interfere = r => r.Path == own ? SystemAnswer(own, tellsBoot: true)
            : isRefused && r.Method == "POST" ? FaceFault.Refuse(409)
            : null;
        using var credentials = FaceRig.Credentials();
        await using var session = FaceRig.Value(await rig.Transport.ConnectAsync(new(rig.Endpoint, credentials, new SimulatedClock()), CancellationToken.None));
        var power = session.GetCapability<IPowerCapability>()!;
        FaceRig.Value(await power.ScheduleRebootAsync(Now, CancellationToken.None));
        isRefused = true;
        Assert.Equal(FaultEffect.NotSent, FaceRig.Fault(await power.ScheduleRebootAsync(Now, CancellationToken.None)).Effect);

        Assert.Equal(TransportFaultKind.Busy, FaceRig.Fault(await power.AbortRebootAsync(CancellationToken.None)).Kind);
    }

    private static FaceFault SystemAnswer(string path, bool tellsBoot) => FaceFault.Answer(
        200,
        $$"""
        {
          "PowerState": "On", {{(tellsBoot ? "\"LastResetTime\": \"2024-01-01T00:00:00Z\"," : string.Empty)}}
          "Actions": { "#ComputerSystem.Reset": { "target": "{{path}}/Actions/ComputerSystem.Reset", "ResetType@Redfish.AllowableValues": ["ForceRestart"] } }
        }
        """,
        "application/json");

    private static async Task<string> SystemPathAsync(FaceRig rig)
    {
        var path = string.Empty;
        rig.Face.Interfere = r =>
        {
            path = r.Path.StartsWith(Systems + "/", StringComparison.Ordinal) && path.Length == 0 ? r.Path : path;
            return null;
        };
        await (await rig.ConnectAsync()).DisposeAsync();
        return path;
    }
}
