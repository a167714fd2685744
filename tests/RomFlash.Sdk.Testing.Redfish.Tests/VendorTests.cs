using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using RomFlash.Sdk.Transports;
using static RomFlash.Sdk.Testing.Redfish.Tests.FaceUnderTest;

namespace RomFlash.Sdk.Testing.Redfish.Tests;

/// <summary>Where vendors differ.</summary>
public sealed class VendorTests
{
    private const string UpdateService = "/redfish/v1/UpdateService";
    private const string StartUpdate = UpdateService + "/Actions/UpdateService.StartUpdate";

    [Fact]
    public async Task OpenBmc_OffersNoStartUpdate_AndOneAddressForBothPushes()
    {
        await using var under = await StartAsync(Options(RedfishVendor.OpenBmc));
        var service = await under.GetAsync(UpdateService);

        Assert.Equal((string)service["HttpPushUri"]!, (string)service["MultipartHttpPushUri"]!);
        Assert.Empty(service["Actions"]!.AsObject());
        Assert.Equal(["Immediate", "OnReset"], service["MultipartHttpPushUri@Redfish.OperationApplyTimeSupport"]!["SupportedValues"]!.AsArray().Select(v => (string)v!));
        using var started = await under.PostAsync(StartUpdate, "{}");
        Assert.Equal(HttpStatusCode.NotFound, started.StatusCode);
        using var refused = await under.PushAsync(NewSystemRom.Content, "OnStartUpdateRequest");
        Assert.Equal(HttpStatusCode.BadRequest, refused.StatusCode);
        using var raw = await under.Client.PostAsync(new Uri((string)service["HttpPushUri"]!, UriKind.Relative), UpdateTests.Raw(NewArrayRom.Content));
        Assert.Equal(HttpStatusCode.Accepted, raw.StatusCode);
    }

    [Fact]
    public async Task Dell_AfterSuccess_TheTaskIsGoneAndTheJobIsLeft()
    {
        await using var under = await StartAsync(Options(RedfishVendor.Dell));
        using var pushed = await under.PushAsync(NewSystemRom.Content, "OnReset");
        var location = pushed.Headers.Location!.ToString();
        Assert.StartsWith("/redfish/v1/TaskService/Tasks/JID_", location, StringComparison.Ordinal);
        var manager = await under.GetAsync("/redfish/v1/Managers/iDRAC.Embedded.1");
        var job = (string)manager["Links"]!["Oem"]!["Dell"]!["Jobs"]!["@odata.id"]! + location[location.LastIndexOf('/')..];
        Assert.Equal("Scheduled", (string)(await under.GetAsync(job))["JobState"]!);

        under.Restart();

        using var task = await under.Client.GetAsync(new Uri(location, UriKind.Relative));
        Assert.Equal(HttpStatusCode.NotFound, task.StatusCode);
        Assert.Equal("Completed", (string)(await under.GetAsync(job))["JobState"]!);
    }

    [Fact]
    public async Task Dell_AfterFailure_TheTaskIsLeft()
    {
        await using var under = await StartAsync(Options(RedfishVendor.Dell), o => o with { Readiness = o.Readiness with { ExternalPower = false } });
        using var pushed = await under.PushAsync(NewSystemRom.Content, "OnReset");
        under.Restart();

        Assert.Equal("Exception", (string)(await under.GetAsync(pushed.Headers.Location!.ToString()))["TaskState"]!);
    }

    [Fact]
    public async Task Supermicro_VerifiesInOneTaskAndWritesInAnother()
    {
        await using var under = await StartAsync(Options(RedfishVendor.Supermicro));
        using var pushed = await under.PushAsync(NewSystemRom.Content, "OnStartUpdateRequest", "/redfish/v1/Systems/1/Bios");
        var verified = await NamedInMessageAsync(pushed);
        Assert.Equal("Completed", (string)(await under.GetAsync(verified))["TaskState"]!);
        Assert.Equal(ArmedPhase.None, under.Target.ArmedPhase);

        using var again = await under.PushAsync(NewArrayRom.Content, "OnStartUpdateRequest");
        Assert.Equal(HttpStatusCode.MethodNotAllowed, again.StatusCode);
        Assert.Equal("SMC.1.0.OemFirmwareAlreadyInUpdateMode", await MessageOfAsync(again));

        using var started = await under.PostAsync(StartUpdate, "{}");
        var written = await NamedInMessageAsync(started);
        Assert.NotEqual(verified, written);
        Assert.Equal(ArmedPhase.Armed, under.Target.ArmedPhase);
        under.Restart();
        Assert.Equal("Completed", (string)(await under.GetAsync(written))["TaskState"]!);
        using var free = await under.PushAsync(NewArrayRom.Content, "OnStartUpdateRequest");
        Assert.Equal(HttpStatusCode.Accepted, free.StatusCode);
    }

    [Fact]
    public async Task Supermicro_TakenBackAfterVerifying_TakesTheNextPush()
    {
        await using var under = await StartAsync(Options(RedfishVendor.Supermicro));
        using var pushed = await under.PushAsync(NewSystemRom.Content, "OnStartUpdateRequest");

        Assert.Equal(HttpStatusCode.NoContent, await UpdateTests.DeleteAsync(under, await NamedInMessageAsync(pushed)));

        Assert.Empty(under.Target.Deposits);
        using var free = await under.PushAsync(NewArrayRom.Content, "OnStartUpdateRequest");
        Assert.Equal(HttpStatusCode.Accepted, free.StatusCode);
    }

    [Fact]
    public async Task Supermicro_WithoutALicense_RefusesThePushAndTheLook()
    {
        await using var under = await StartAsync(Options(RedfishVendor.Supermicro) with { IsLicensed = false });
        var path = (string)(await under.GetAsync(UpdateService))["MultipartHttpPushUri"]!;

        using var look = await under.Client.GetAsync(new Uri(path, UriKind.Relative));
        using var push = await under.PushAsync(NewSystemRom.Content);

        Assert.Equal("SMC.1.0.OemLicenseNotPassed", await MessageOfAsync(look));
        Assert.Equal("SMC.1.0.OemLicenseNotPassed", await MessageOfAsync(push));
        Assert.Empty(under.Target.Deposits);
    }

    [Fact]
    public async Task Hpe_PushWithTheSessionsKey_HasNoTaskAndTellsItsState()
    {
        await using var under = await StartAsync(Options(RedfishVendor.Hpe) with { AppliesWhileRunning = true, ApplyDuration = TimeSpan.FromSeconds(20) });
        Assert.Equal("Idle", (string)(await HpeAsync(under))["State"]!);

        using var pushed = await PushToHpeAsync(under, await KeyAsync(under), NewSystemRom.Content);
        Assert.Equal(HttpStatusCode.OK, pushed.StatusCode);
        Assert.Null(pushed.Headers.Location);
        under.Clock.Advance(TimeSpan.FromSeconds(10));
        var half = await HpeAsync(under);
        Assert.Equal("Updating", (string)half["State"]!);
        Assert.Equal(50, (int)half["FlashProgressPercent"]!);
        under.Clock.Advance(TimeSpan.FromSeconds(10));
        Assert.Equal("Complete", (string)(await HpeAsync(under))["State"]!);
        Assert.Equal(0, (int)(await under.GetAsync("/redfish/v1/TaskService/Tasks"))["Members@odata.count"]!);
        Assert.Equal(ArmedPhase.Armed, under.Target.ArmedPhase);
    }

    [Fact]
    public async Task Hpe_PushOfNoImage_TellsTheError()
    {
        await using var under = await StartAsync(Options(RedfishVendor.Hpe));

        using var pushed = await PushToHpeAsync(under, await KeyAsync(under), Encoding.ASCII.GetBytes("no image"));
        var hpe = await HpeAsync(under);

        Assert.Equal("Error", (string)hpe["State"]!);
        Assert.Equal("iLO.2.14.UpdateFailed", (string)hpe["Result"]!["MessageId"]!);
    }

    [Theory]
    [InlineData("")]
    [InlineData("0123456789abcdef0123456789abcdef")]
    public async Task Hpe_PushWithoutALiveSession_IsRefused(string key)
    {
        await using var under = await StartAsync(Options(RedfishVendor.Hpe));

        using var pushed = await PushToHpeAsync(under, key, NewSystemRom.Content);

        Assert.Equal(HttpStatusCode.Unauthorized, pushed.StatusCode);
        Assert.Empty(under.Target.Deposits);
    }

    private static async Task<JsonNode> HpeAsync(FaceUnderTest under) => (await under.GetAsync(UpdateService))["Oem"]!["Hpe"]!;

    private static async Task<string> KeyAsync(FaceUnderTest under)
    {
        using var session = await under.PostAsync("/redfish/v1/SessionService/Sessions", $$"""{"UserName":"{{User}}","Password":"{{Password}}"}""");
        return session.Headers.GetValues("X-Auth-Token").Single();
    }

    private static async Task<HttpResponseMessage> PushToHpeAsync(FaceUnderTest under, string key, ReadOnlyMemory<byte> image)
    {
        using var client = under.NewClient(null);
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri((string)(await HpeAsync(under))["PushUpdateUri"]!, UriKind.Relative))
        {
            Content = new MultipartFormDataContent
            {
                { new StringContent(key), "sessionKey" },
                { new StringContent("""{"UpdateRepository":false,"UpdateTarget":true,"ETag":"atag"}""", Encoding.UTF8, "application/json"), "parameters" },
                { UpdateTests.Raw(image), "files[]", "firmware.fwpkg" },
            },
        };
        request.Headers.Add("Cookie", $"sessionKey={key}");
        return await client.SendAsync(request);
    }

    private static async Task<string> MessageOfAsync(HttpResponseMessage response) =>
        (string)(await UpdateTests.TaskAsync(response))["error"]!["@Message.ExtendedInfo"]![0]!["MessageId"]!;

    private static async Task<string> NamedInMessageAsync(HttpResponseMessage response)
    {
        Assert.Equal(HttpStatusCode.Accepted, response.StatusCode);
        var named = (string)(await UpdateTests.TaskAsync(response))["Accepted"]!["@Message.ExtendedInfo"]![0]!["MessageArgs"]![0]!;
        Assert.Equal(response.Headers.Location!.ToString(), named);
        return named;
    }
}
