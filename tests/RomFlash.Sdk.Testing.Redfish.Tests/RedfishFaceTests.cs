using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using RomFlash.Sdk.Testing.Simulation;
using RomFlash.Sdk.Transports;
using static RomFlash.Sdk.Testing.Redfish.Tests.FaceUnderTest;

namespace RomFlash.Sdk.Testing.Redfish.Tests;

/// <summary>What a face serves, and to whom.</summary>
public sealed class RedfishFaceTests
{
    [Theory]
    [MemberData(nameof(FaceUnderTest.Vendors), MemberType = typeof(FaceUnderTest))]
    public async Task Get_EveryLinkFromTheRoot_IsAResourceThatNamesItself(RedfishVendor vendor)
    {
        await using var under = await StartAsync(Options(vendor));
        using var pushed = vendor == RedfishVendor.Hpe ? null : await under.PushAsync(NewSystemRom.Content);
        var seen = new HashSet<string>(StringComparer.Ordinal);
        var todo = new Queue<string>(["/redfish/v1/"]);

        while (todo.TryDequeue(out var path))
        {
            if (!seen.Add(path))
            {
                continue;
            }

            var resource = await under.GetAsync(path);
            Assert.Equal(path, (string)resource["@odata.id"]!);
            Assert.StartsWith("#", (string)resource["@odata.type"]!, StringComparison.Ordinal);
            Assert.NotEmpty((string)resource["Name"]!);
            if (resource["Members"] is null)
            {
                Assert.NotEmpty((string)resource["Id"]!);
            }
            else
            {
                Assert.Equal(resource["Members"]!.AsArray().Count, (int)resource["Members@odata.count"]!);
            }

            foreach (var link in LinksIn(resource))
            {
                todo.Enqueue(link);
            }
        }

        Assert.True(seen.Count > 20, string.Join('\n', seen));
    }

    [Fact]
    public async Task Get_System_TellsWhatTheTargetIs()
    {
        await using var under = await StartAsync();

        var system = await under.GetAsync("/redfish/v1/Systems/1");

        Assert.Equal(under.Target.Identity.SmbiosUuid.ToString(), (string)system["UUID"]!);
        Assert.Equal("SIM-server-1", (string)system["SerialNumber"]!);
        Assert.Equal("Simulated", (string)system["Manufacturer"]!);
        Assert.Equal("Rack server", (string)system["Model"]!);
        Assert.Equal("SIM-1", (string)system["SKU"]!);
        Assert.Equal("1.0.0", (string)system["BiosVersion"]!);
        Assert.Equal("On", (string)system["PowerState"]!);
        Assert.Equal("OSRunning", (string)system["BootProgress"]!["LastState"]!);
    }

    [Fact]
    public async Task Get_StorageController_TellsVersionAndPciIds()
    {
        await using var under = await StartAsync();

        var controller = await under.GetAsync("/redfish/v1/Systems/1/Storage/array-0/Controllers/0");
        var function = await under.GetAsync((string)controller["Links"]!["PCIeFunctions"]![0]!["@odata.id"]!);

        Assert.Equal("6.30", (string)controller["FirmwareVersion"]!);
        Assert.Equal("0x103c", (string)function["VendorId"]!);
        Assert.Equal("0x3239", (string)function["DeviceId"]!);
    }

    [Fact]
    public async Task Get_WithoutCredentials_OnlyTheRootAnswers()
    {
        await using var under = await StartAsync();
        using var nobody = under.NewClient(null);

        foreach (var open in (string[])["/redfish", "/redfish/v1", "/redfish/v1/", "/redfish/v1/odata", "/redfish/v1/$metadata"])
        {
            using var response = await nobody.GetAsync(new Uri(open, UriKind.Relative));
            Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        }

        using var closed = await nobody.GetAsync(new Uri("/redfish/v1/Systems", UriKind.Relative));
        Assert.Equal(HttpStatusCode.Unauthorized, closed.StatusCode);
        Assert.Equal("Basic", closed.Headers.WwwAuthenticate.Single().Scheme);
        var error = JsonNode.Parse(await closed.Content.ReadAsStringAsync())!["error"]!;
        Assert.Equal((string)error["code"]!, (string)error["@Message.ExtendedInfo"]![0]!["MessageId"]!);
    }

    [Fact]
    public async Task Session_LogInUseLogOut_TokenCountsUntilThen()
    {
        await using var under = await StartAsync();
        using var client = under.NewClient(null);
        var (token, location) = await LogInAsync(client);

        Assert.Equal(HttpStatusCode.OK, await StatusAsync(client, HttpMethod.Get, "/redfish/v1/Systems", token));
        Assert.Equal(HttpStatusCode.NoContent, await StatusAsync(client, HttpMethod.Delete, location, token));
        Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync(client, HttpMethod.Get, "/redfish/v1/Systems", token));
    }

    [Fact]
    public async Task Session_IdleForTooLongOrEndedByTheController_IsOver()
    {
        await using var under = await StartAsync();
        using var client = under.NewClient(null);
        var (idle, _) = await LogInAsync(client);
        under.Clock.Advance(TimeSpan.FromMinutes(31));
        var (ended, _) = await LogInAsync(client);
        Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync(client, HttpMethod.Get, "/redfish/v1/Systems", idle));
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(client, HttpMethod.Get, "/redfish/v1/Systems", ended));
        under.Face.ExpireSessions();

        Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync(client, HttpMethod.Get, "/redfish/v1/Systems", ended));
    }

    [Fact]
    public async Task Session_WrongPassword_IsRefused()
    {
        await using var under = await StartAsync();
        using var client = under.NewClient(null);

        using var response = await client.PostAsync(
            new Uri("/redfish/v1/SessionService/Sessions", UriKind.Relative),
            new StringContent($$"""{"UserName":"{{User}}","Password":"wrong"}""", Encoding.UTF8, "application/json"));

        Assert.Equal(HttpStatusCode.Unauthorized, response.StatusCode);
        Assert.False(response.Headers.Contains("X-Auth-Token"));
    }

    [Fact]
    public async Task Post_AsAReader_IsForbiddenAndChangesNothing()
    {
        await using var under = await StartAsync();
        using var reader = under.NewClient(Reader);

        Assert.Equal(HttpStatusCode.OK, await StatusAsync(reader, HttpMethod.Get, "/redfish/v1/Systems/1", null));
        Assert.Equal(HttpStatusCode.Forbidden, await StatusAsync(reader, HttpMethod.Post, "/redfish/v1/Systems/1/Actions/ComputerSystem.Reset", null));
        Assert.Equal(0, under.Target.BootCount);
    }

    [Fact]
    public async Task Delete_OfAnothersSession_IsForbiddenForAReader()
    {
        await using var under = await StartAsync();
        using var client = under.NewClient(null);
        using var reader = under.NewClient(Reader);
        var (token, location) = await LogInAsync(client);

        Assert.Equal(HttpStatusCode.Forbidden, await StatusAsync(reader, HttpMethod.Delete, location, null));
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(client, HttpMethod.Get, "/redfish/v1/Systems", token));
    }

    [Theory]
    [InlineData("GET", "/redfish/v1/Nothing", 404)]
    [InlineData("GET", "/redfish/v1/UpdateService/FirmwareInventory/none", 404)]
    [InlineData("GET", "/redfish/v1/SystemsX", 404)]
    [InlineData("GET", "/elsewhere", 404)]
    [InlineData("GET", "/redfish/v1/Systems/1/Actions/ComputerSystem.Reset", 405)]
    [InlineData("GET", "/redfish/v1/UpdateService/MultipartUpload", 405)]
    [InlineData("POST", "/redfish/v1/Systems/1", 405)]
    [InlineData("PUT", "/redfish/v1/Systems/1", 405)]
    [InlineData("DELETE", "/redfish/v1/Systems/1", 405)]
    [InlineData("PATCH", "/redfish/v1/Systems/1", 405)]
    [InlineData("POST", "/redfish/v1/UpdateService/Actions/UpdateService.StartUpdate", 409)]
    public async Task Request_ThatCantBe_IsAnsweredWithTheErrorObject(string method, string path, int status)
    {
        await using var under = await StartAsync();
        using var request = new HttpRequestMessage(new(method), new Uri(path, UriKind.Relative));

        using var response = await under.Client.SendAsync(request);

        Assert.Equal(status, (int)response.StatusCode);
        var error = JsonNode.Parse(await response.Content.ReadAsStringAsync())!["error"]!;
        Assert.NotEmpty((string)error["code"]!);
        Assert.NotEmpty((string)error["@Message.ExtendedInfo"]![0]!["MessageId"]!);
    }

    [Theory]
    [InlineData("ForceRestart", 204, 1)]
    [InlineData("GracefulRestart", 204, 1)]
    [InlineData("On", 204, 0)]
    [InlineData("Nmi", 400, 0)]
    public async Task Reset_OfEachKind_RestartsTheTargetOrDoesNot(string type, int status, int boots)
    {
        await using var under = await StartAsync();

        using var response = await under.PostAsync("/redfish/v1/Systems/1/Actions/ComputerSystem.Reset", $$"""{"ResetType":"{{type}}"}""");

        Assert.Equal(status, (int)response.StatusCode);
        Assert.Equal(boots, under.Target.BootCount);
    }

    [Theory]
    [InlineData("{", 400)]
    [InlineData("[]", 400)]
    [InlineData("{}", 400)]
    [InlineData("""{"ResetType":1}""", 400)]
    [InlineData("""{"ResetType":"On","ResetType":"On"}""", 400)]
    public async Task Reset_WithAMalformedBody_IsABadRequest(string body, int status)
    {
        await using var under = await StartAsync();

        using var response = await under.PostAsync("/redfish/v1/Systems/1/Actions/ComputerSystem.Reset", body);

        Assert.Equal(status, (int)response.StatusCode);
        Assert.Equal(0, under.Target.BootCount);
    }

    [Fact]
    public async Task Reset_ThatAProgramObjectsTo_NeedsForce()
    {
        await using var under = await StartAsync(change: o => o with { RebootNeedsForce = true });

        using var graceful = await under.PostAsync("/redfish/v1/Systems/1/Actions/ComputerSystem.Reset", """{"ResetType":"GracefulRestart"}""");
        using var forced = await under.PostAsync("/redfish/v1/Systems/1/Actions/ComputerSystem.Reset", """{"ResetType":"ForceRestart"}""");

        Assert.Equal(HttpStatusCode.Conflict, graceful.StatusCode);
        Assert.Equal(HttpStatusCode.NoContent, forced.StatusCode);
        Assert.Equal(1, under.Target.BootCount);
    }

    [Fact]
    public async Task Get_WhileTheTargetBoots_TheControllerAnswersWithWhatItKnows()
    {
        await using var under = await StartAsync();
        var before = await under.GetAsync("/redfish/v1/Systems/1");
        under.Clock.Advance(TimeSpan.FromHours(1));
        under.Target.Restart();

        var booting = await under.GetAsync("/redfish/v1/Systems/1");
        under.Clock.Advance(TimeSpan.FromMinutes(5));
        var after = await under.GetAsync("/redfish/v1/Systems/1");

        Assert.Equal("Starting", (string)booting["Status"]!["State"]!);
        Assert.Equal("1.0.0", (string)booting["BiosVersion"]!);
        Assert.NotEqual((string)before["LastResetTime"]!, (string)booting["LastResetTime"]!);
        Assert.Equal((string)booting["LastResetTime"]!, (string)after["LastResetTime"]!);
        Assert.Equal("Enabled", (string)after["Status"]!["State"]!);
    }

    [Fact]
    public async Task Get_WithTheETagItHas_IsNotModified()
    {
        await using var under = await StartAsync();
        using var first = await under.Client.GetAsync(new Uri("/redfish/v1/Systems/1", UriKind.Relative));
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri("/redfish/v1/Systems/1", UriKind.Relative));
        request.Headers.IfNoneMatch.Add(first.Headers.ETag!);

        using var second = await under.Client.SendAsync(request);

        Assert.Equal(HttpStatusCode.NotModified, second.StatusCode);
    }

    [Fact]
    public async Task Patch_OfThePushOptions_NeedsTheCurrentETagAndKnownValues()
    {
        await using var under = await StartAsync();
        const string OnReset = """{"HttpPushUriOptions":{"HttpPushUriApplyTime":{"ApplyTime":"OnReset"}}}""";

        Assert.Equal(412, await PatchAsync(under, OnReset, "\"stale\""));
        Assert.Equal(400, await PatchAsync(under, """{"HttpPushUriOptions":{"HttpPushUriApplyTime":{"ApplyTime":"Yesterday"}}}""", null));
        Assert.Equal(400, await PatchAsync(under, """{"Unknown":1}""", null));
        var etag = (string)(await under.GetAsync("/redfish/v1/UpdateService"))["@odata.etag"]!;
        Assert.Equal(200, await PatchAsync(under, OnReset, etag));
        Assert.Equal("OnReset", (string)(await under.GetAsync("/redfish/v1/UpdateService"))["HttpPushUriOptions"]!["HttpPushUriApplyTime"]!["ApplyTime"]!);
    }

    [Fact]
    public async Task StartAsync_ByDefault_ListensOnLoopbackWithTlsAndAPinnableCertificate()
    {
        await using var under = await StartAsync();

        Assert.Equal("https", under.Face.Address.Scheme);
        Assert.True(under.Face.Address.IsLoopback);
        Assert.False(under.Face.Fingerprint.IsEmpty);
        Assert.StartsWith("-----BEGIN CERTIFICATE-----", under.Face.CertificatePem, StringComparison.Ordinal);
    }

    [Fact]
    public async Task StartAsync_WithoutAccounts_IsRefused()
    {
        var rack = new SimulatedRack(new SimulatedClock());
        var target = rack.Add(new() { Name = "server-1", Roms = [new("system", SystemRom)] });

        await Assert.ThrowsAsync<ArgumentException>(() => RedfishFace.StartAsync(rack, target, new() { Accounts = [] }, CancellationToken.None));
    }

    internal static async Task<int> PatchAsync(FaceUnderTest under, string json, string? etag)
    {
        using var request = new HttpRequestMessage(HttpMethod.Patch, new Uri("/redfish/v1/UpdateService", UriKind.Relative))
        {
            Content = new StringContent(json, Encoding.UTF8, "application/json"),
        };
        if (etag is not null)
        {
            request.Headers.TryAddWithoutValidation("If-Match", etag);
        }

        using var response = await under.Client.SendAsync(request);
        return (int)response.StatusCode;
    }

    private static async Task<(string Token, string Location)> LogInAsync(HttpClient client)
    {
        using var response = await client.PostAsync(
            new Uri("/redfish/v1/SessionService/Sessions", UriKind.Relative),
            new StringContent($$"""{"UserName":"{{User}}","Password":"{{Password}}"}""", Encoding.UTF8, "application/json"));
        Assert.Equal(HttpStatusCode.Created, response.StatusCode);
        return (response.Headers.GetValues("X-Auth-Token").Single(), response.Headers.Location!.ToString());
    }

    private static async Task<HttpStatusCode> StatusAsync(HttpClient client, HttpMethod method, string path, string? token)
    {
        using var request = new HttpRequestMessage(method, new Uri(path, UriKind.Relative));
        if (token is not null)
        {
            request.Headers.Add("X-Auth-Token", token);
        }

        using var response = await client.SendAsync(request);
        return response.StatusCode;
    }

    // Every address but those of actions, which are no resources.
    private static IEnumerable<string> LinksIn(JsonNode? node) => node switch
    {
        JsonObject o => o.SelectMany(p => p.Key == "@odata.id" ? [(string)p.Value!] : p.Key == "Actions" ? [] : LinksIn(p.Value)),
        JsonArray a => a.SelectMany(LinksIn),
        _ => [],
    };
}
