using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Testing.Simulation;
using RomFlash.Sdk.Transports;
using static RomFlash.Sdk.Testing.Redfish.Tests.FaceUnderTest;

namespace RomFlash.Sdk.Testing.Redfish.Tests;

/// <summary>What becomes of what a client pushes.</summary>
public sealed class UpdateTests
{
    private const string StartUpdate = "/redfish/v1/UpdateService/Actions/UpdateService.StartUpdate";

    [Fact]
    public async Task Push_OnStartUpdateRequest_IsStagedThenArmedThenInstalled()
    {
        await using var under = await StartAsync();

        using var pushed = await under.PushAsync(NewSystemRom.Content, "OnStartUpdateRequest", "/redfish/v1/UpdateService/FirmwareInventory/system");
        Assert.Equal(HttpStatusCode.Accepted, pushed.StatusCode);
        Assert.NotNull(pushed.Headers.RetryAfter);
        var task = await TaskAsync(pushed);
        Assert.Equal("Pending", (string)task["TaskState"]!);
        Assert.True(under.Target.Deposits.Single().IsCommitted);
        Assert.Equal(ArmedPhase.None, under.Target.ArmedPhase);

        using var started = await under.PostAsync(StartUpdate, "{}");
        Assert.Equal(HttpStatusCode.Accepted, started.StatusCode);
        Assert.Equal(ArmedPhase.Armed, under.Target.ArmedPhase);
        Assert.Equal(NewSystemRom.Sha256, under.Target.ArmedDigests.Single());
        Assert.Contains("Base.1.18.ResetRequired", await MessagesAsync(under, task));

        under.Target.Restart();
        Assert.Equal("Running", await StateAsync(under, task));
        under.Clock.Advance(TimeSpan.FromMinutes(5));
        Assert.Equal("Completed", await StateAsync(under, task));
        Assert.Equal("1.1.0", (string)(await under.GetAsync("/redfish/v1/UpdateService/FirmwareInventory/system"))["Version"]!);
    }

    [Theory]
    [InlineData("OnReset")]
    [InlineData("Immediate")]
    public async Task Push_OnResetOrImmediate_IsArmedAtOnceAndWaitsForTheRestart(string applyTime)
    {
        await using var under = await StartAsync();

        using var pushed = await under.PushAsync(NewSystemRom.Content, applyTime);
        var task = await TaskAsync(pushed);

        Assert.Equal(ArmedPhase.Armed, under.Target.ArmedPhase);
        Assert.Equal("Pending", (string)task["TaskState"]!);
        Assert.Equal(0, under.Target.BootCount);
        under.Restart();
        Assert.Equal("Completed", await StateAsync(under, task));
        Assert.Equal("1.1.0", under.Target.RomOf("system")!.Version.Text);
    }

    [Fact]
    public async Task Push_ImmediateWhereTheServiceRestarts_IsInstalledWithoutTheClient()
    {
        await using var under = await StartAsync(Options() with { RestartsByItself = true });

        using var pushed = await under.PushAsync(NewSystemRom.Content, "Immediate");
        under.Clock.Advance(TimeSpan.FromMinutes(5));

        Assert.Equal("Completed", await StateAsync(under, await TaskAsync(pushed)));
        Assert.Equal(1, under.Target.BootCount);
    }

    [Fact]
    public async Task Push_WhereTheControllerWritesWhileRunning_RunsThenIsCompleteBeforeTheRestart()
    {
        await using var under = await StartAsync(Options() with { AppliesWhileRunning = true, ApplyDuration = TimeSpan.FromSeconds(20) });
        using var pushed = await under.PushAsync(NewSystemRom.Content, "OnReset");
        var task = await TaskAsync(pushed);
        Assert.Equal("Running", (string)task["TaskState"]!);
        under.Clock.Advance(TimeSpan.FromSeconds(5));

        var quarter = await under.GetAsync((string)task["@odata.id"]!);
        under.Clock.Advance(TimeSpan.FromSeconds(15));
        var done = await under.GetAsync((string)task["@odata.id"]!);

        Assert.Equal(25, (int)quarter["PercentComplete"]!);
        Assert.Equal("Completed", (string)done["TaskState"]!);
        Assert.Equal(100, (int)done["PercentComplete"]!);
        Assert.NotNull(done["EndTime"]);
        Assert.Equal("1.0.0", (string)(await under.GetAsync("/redfish/v1/UpdateService/FirmwareInventory/system"))["Version"]!);
        under.Restart();
        Assert.Equal("1.1.0", (string)(await under.GetAsync("/redfish/v1/UpdateService/FirmwareInventory/system"))["Version"]!);
    }

    [Fact]
    public async Task Push_OfTwoComponents_BothAreInstalledByOneRestart()
    {
        await using var under = await StartAsync();
        using var first = await under.PushAsync(NewSystemRom.Content, "OnStartUpdateRequest");
        using var second = await under.PushAsync(NewArrayRom.Content, "OnStartUpdateRequest");
        using var started = await under.PostAsync(StartUpdate, "{}");

        Assert.Equal(2, under.Target.ArmedDigests.Length);
        Assert.Empty(under.Target.Deposits);
        under.Restart();

        Assert.Equal("Completed", await StateAsync(under, await TaskAsync(first)));
        Assert.Equal("Completed", await StateAsync(under, await TaskAsync(second)));
        Assert.Equal("6.40", under.Target.RomOf("array-0")!.Version.Text);
    }

    [Fact]
    public async Task Push_OnResetOfASecondComponent_JoinsTheArmedOne()
    {
        await using var under = await StartAsync();
        using var first = await under.PushAsync(NewSystemRom.Content, "OnReset");
        using var second = await under.PushAsync(NewArrayRom.Content, "OnReset");
        under.Restart();

        Assert.Equal("1.1.0", under.Target.RomOf("system")!.Version.Text);
        Assert.Equal("6.40", under.Target.RomOf("array-0")!.Version.Text);
    }

    [Fact]
    public async Task Push_OfAComponentWithAPendingUpdate_EndsInAnException()
    {
        await using var under = await StartAsync();
        using var first = await under.PushAsync(NewSystemRom.Content, "OnReset");
        using var second = await under.PushAsync(NewSystemRom.Content, "OnReset");
        var task = await TaskAsync(second);

        Assert.Equal("Exception", (string)task["TaskState"]!);
        Assert.Contains("Update.1.2.ApplyFailed", await MessagesAsync(under, task));
        Assert.Empty(under.Target.Deposits);
        Assert.Equal("Pending", await StateAsync(under, await TaskAsync(first)));
    }

    [Fact]
    public async Task Push_OfNoImage_EndsInAnExceptionAndLeavesNothing()
    {
        await using var under = await StartAsync();

        using var pushed = await under.PushAsync(Encoding.ASCII.GetBytes("no image"), "OnReset");
        var task = await TaskAsync(pushed);

        Assert.Equal("Exception", (string)task["TaskState"]!);
        Assert.Contains("Update.1.2.VerificationFailed", await MessagesAsync(under, task));
        Assert.Empty(under.Target.Deposits);
        Assert.Equal(ArmedPhase.None, under.Target.ArmedPhase);
    }

    [Fact]
    public async Task Push_ThatTheFlasherRefuses_EndsInAnExceptionAfterTheBoot()
    {
        await using var under = await StartAsync(change: o => o with { Readiness = o.Readiness with { ExternalPower = false } });
        using var pushed = await under.PushAsync(NewSystemRom.Content, "OnReset");
        under.Restart();

        Assert.Equal("Exception", await StateAsync(under, await TaskAsync(pushed)));
        Assert.Equal("1.0.0", (string)(await under.GetAsync("/redfish/v1/UpdateService/FirmwareInventory/system"))["Version"]!);
    }

    [Theory]
    [InlineData("OnStartUpdateRequest")]
    [InlineData("OnReset")]
    public async Task Delete_OfATaskThatHasNotBegun_LeavesNothingOnTheTarget(string applyTime)
    {
        await using var under = await StartAsync();
        using var pushed = await under.PushAsync(NewSystemRom.Content, applyTime);
        var task = await TaskAsync(pushed);

        Assert.Equal(HttpStatusCode.NoContent, await DeleteAsync(under, (string)task["@odata.id"]!));
        Assert.Equal("Cancelled", await StateAsync(under, task));
        Assert.Empty(under.Target.Deposits);
        Assert.Equal(ArmedPhase.None, under.Target.ArmedPhase);

        // What is finished is forgotten.
        Assert.Equal(HttpStatusCode.NoContent, await DeleteAsync(under, (string)task["@odata.id"]!));
        Assert.Equal(HttpStatusCode.NotFound, await DeleteAsync(under, (string)task["@odata.id"]!));
    }

    [Fact]
    public async Task Delete_OfOneOfTwoArmedTasks_KeepsTheOther()
    {
        await using var under = await StartAsync();
        using var first = await under.PushAsync(NewSystemRom.Content, "OnReset");
        using var second = await under.PushAsync(NewArrayRom.Content, "OnReset");

        Assert.Equal(HttpStatusCode.NoContent, await DeleteAsync(under, (string)(await TaskAsync(first))["@odata.id"]!));
        Assert.Equal(NewArrayRom.Sha256, under.Target.ArmedDigests.Single());
    }

    [Fact]
    public async Task Delete_OfATaskThatRuns_IsRefused()
    {
        await using var under = await StartAsync();
        using var pushed = await under.PushAsync(NewSystemRom.Content, "OnReset");
        under.Target.Restart();

        Assert.Equal(HttpStatusCode.Conflict, await DeleteAsync(under, (string)(await TaskAsync(pushed))["@odata.id"]!));
    }

    [Fact]
    public async Task Monitor_OfAnUpdate_TellsTheEndOnce()
    {
        await using var under = await StartAsync();
        using var pushed = await under.PushAsync(NewSystemRom.Content, "OnReset");
        var monitor = pushed.Headers.Location!;

        using var waiting = await under.Client.GetAsync(monitor);
        under.Restart();
        using var done = await under.Client.GetAsync(monitor);
        using var gone = await under.Client.GetAsync(monitor);

        Assert.Equal(HttpStatusCode.Accepted, waiting.StatusCode);
        Assert.Equal(HttpStatusCode.NoContent, done.StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, gone.StatusCode);
    }

    [Fact]
    public async Task Task_OfAPush_TellsTheRequestWithoutItsSecrets()
    {
        await using var under = await StartAsync();
        under.Client.DefaultRequestHeaders.UserAgent.Add(new ProductInfoHeaderValue("romflash", "7"));

        using var pushed = await under.PushAsync(NewSystemRom.Content, "OnReset");
        var payload = (await TaskAsync(pushed))["Payload"]!;

        Assert.Equal("POST", (string)payload["HttpOperation"]!);
        Assert.Equal("/redfish/v1/UpdateService/MultipartUpload", (string)payload["TargetUri"]!);
        var headers = payload["HttpHeaders"]!.AsArray().Select(h => (string)h!).ToArray();
        Assert.Contains("User-Agent: romflash/7", headers);
        Assert.DoesNotContain(headers, h => h.StartsWith("Authorization", StringComparison.OrdinalIgnoreCase));
        Assert.Contains("OnReset", (string)payload["JsonBody"]!, StringComparison.Ordinal);
    }

    [Fact]
    public async Task RawPush_IsAppliedAsTheOptionsSay()
    {
        await using var under = await StartAsync();
        Assert.Equal(200, await RedfishFaceTests.PatchAsync(under, """{"HttpPushUriOptions":{"HttpPushUriApplyTime":{"ApplyTime":"OnStartUpdateRequest"}},"HttpPushUriTargets":["/redfish/v1/UpdateService/FirmwareInventory/array-0"]}""", null));

        using var pushed = await under.Client.PostAsync(new Uri("/redfish/v1/UpdateService/Upload", UriKind.Relative), Raw(NewArrayRom.Content));

        Assert.Equal(HttpStatusCode.Accepted, pushed.StatusCode);
        Assert.True(under.Target.Deposits.Single().IsCommitted);
        Assert.Equal("Update of array-0", (string)(await TaskAsync(pushed))["Name"]!);
    }

    [Fact]
    public async Task RawPush_WhereTheETagIsNeeded_IsRefusedWithoutIt()
    {
        await using var under = await StartAsync(Options(RedfishVendor.Dell) with { PushNeedsIfMatch = true });
        var inventory = new Uri("/redfish/v1/UpdateService/FirmwareInventory", UriKind.Relative);
        using var looked = await under.Client.GetAsync(inventory);
        using var without = await under.Client.PostAsync(inventory, Raw(NewSystemRom.Content));
        using var request = new HttpRequestMessage(HttpMethod.Post, inventory) { Content = Raw(NewSystemRom.Content) };
        request.Headers.IfMatch.Add(looked.Headers.ETag!);
        using var with = await under.Client.SendAsync(request);

        Assert.Equal(HttpStatusCode.PreconditionFailed, without.StatusCode);
        Assert.Equal(HttpStatusCode.Accepted, with.StatusCode);
    }

    [Theory]
    [InlineData("UpdateParameters", "{", 400)]
    [InlineData("UpdateParameters", "[]", 400)]
    [InlineData("Other", "{}", 400)]
    [InlineData("UpdateParameters", """{"@Redfish.OperationApplyTime":"Yesterday"}""", 400)]
    [InlineData("UpdateParameters", """{"Targets":["/redfish/v1/UpdateService/FirmwareInventory/none"]}""", 400)]
    [InlineData("UpdateParameters", """{"Targets":[7]}""", 400)]
    public async Task Push_WithWrongParameters_IsABadRequestAndLeavesNothing(string part, string parameters, int status)
    {
        await using var under = await StartAsync();
        var image = new ReadOnlyMemoryContent(NewSystemRom.Content);
        image.Headers.ContentType = new("application/octet-stream");
        var form = new MultipartFormDataContent { { new StringContent(parameters, Encoding.UTF8, "application/json"), part }, { image, "UpdateFile", "image.bin" } };

        using var pushed = await under.Client.PostAsync(new Uri("/redfish/v1/UpdateService/MultipartUpload", UriKind.Relative), form);

        Assert.Equal(status, (int)pushed.StatusCode);
        Assert.Empty(under.Target.Deposits);
        Assert.Equal(ArmedPhase.None, under.Target.ArmedPhase);
    }

    [Fact]
    public async Task Push_LongerThanTheServiceTakes_IsTooLarge()
    {
        await using var under = await StartAsync(Options() with { MaxImageSizeBytes = 10_000 });

        using var raw = await under.Client.PostAsync(new Uri("/redfish/v1/UpdateService/Upload", UriKind.Relative), Raw(NewSystemRom.Content));
        using var multipart = await under.PushAsync(NewSystemRom.Content);

        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, raw.StatusCode);
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, multipart.StatusCode);
        Assert.Empty(under.Target.Deposits);
    }

    [Fact]
    public async Task Push_OfAnotherMediaType_IsRefused()
    {
        await using var under = await StartAsync();

        using var text = await under.Client.PostAsync(new Uri("/redfish/v1/UpdateService/Upload", UriKind.Relative), new StringContent("x"));
        using var json = await under.PostAsync("/redfish/v1/UpdateService/MultipartUpload", "{}");

        Assert.Equal(HttpStatusCode.UnsupportedMediaType, text.StatusCode);
        Assert.Equal(HttpStatusCode.UnsupportedMediaType, json.StatusCode);
    }

    [Theory]
    [InlineData(RedfishVendor.Generic, HttpStatusCode.Accepted)]
    [InlineData(RedfishVendor.Dell, HttpStatusCode.LengthRequired)]
    public async Task Push_InChunks_IsTakenByThoseWhoCan(RedfishVendor vendor, HttpStatusCode status)
    {
        await using var under = await StartAsync(Options(vendor));
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri("/redfish/v1/UpdateService/MultipartUpload", UriKind.Relative))
        {
            Content = MultipartOf("{}", new ReadOnlyMemoryContent(NewSystemRom.Content)),
        };
        request.Headers.TransferEncodingChunked = true;

        using var pushed = await under.Client.SendAsync(request);

        Assert.Equal(status, pushed.StatusCode);
    }

    [Fact]
    public async Task Push_WhileTheTargetBoots_IsToBeTriedLater()
    {
        await using var under = await StartAsync();
        await under.GetAsync("/redfish/v1/Systems/1");
        under.Target.Restart();

        using var pushed = await under.PushAsync(NewSystemRom.Content, "OnReset");

        Assert.Equal(HttpStatusCode.ServiceUnavailable, pushed.StatusCode);
        Assert.NotNull(pushed.Headers.RetryAfter);
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(1, 0)]
    [InlineData(500, 0)]
    [InlineData(-1, 0)]
    [InlineData(-1, 1)]
    [InlineData(-100, 100)]
    public async Task Push_CutBeforeItsEnd_LeavesNothing(int kept, int epilogue)
    {
        await using var under = await StartAsync(Options() with { PlainHttp = true });
        using var content = MultipartOf("""{"@Redfish.OperationApplyTime":"OnReset"}""", new ReadOnlyMemoryContent(NewSystemRom.Content));

        // What follows the last boundary belongs to the request as well (RFC 2046, 5.1.1).
        byte[] body = [.. await content.ReadAsByteArrayAsync(), .. new byte[epilogue]];
        kept = kept < 0 ? body.Length + kept : kept;
        var head = $"POST /redfish/v1/UpdateService/MultipartUpload HTTP/1.1\r\nHost: localhost\r\nAuthorization: {under.Client.DefaultRequestHeaders.Authorization}\r\n"
            + $"Content-Type: {content.Headers.ContentType}\r\nContent-Length: {body.Length}\r\n\r\n";

        using (var client = new TcpClient())
        {
            await client.ConnectAsync(IPAddress.Loopback, under.Face.Address.Port);
            var stream = client.GetStream();
            await stream.WriteAsync(Encoding.ASCII.GetBytes(head));
            await stream.WriteAsync(body.AsMemory(0, kept));
            client.Client.Shutdown(SocketShutdown.Send);

            // The face closes the connection when it has noticed.
            Assert.DoesNotContain(" 202 ", await ReadToEndAsync(stream), StringComparison.Ordinal);
        }

        Assert.Empty(under.Target.Deposits);
        Assert.Equal(ArmedPhase.None, under.Target.ArmedPhase);
        Assert.Equal(0, (int)(await under.GetAsync("/redfish/v1/TaskService/Tasks"))["Members@odata.count"]!);
    }

    [Fact]
    public async Task Push_ToATargetWithClaims_IsMadeUnderTheControllersOwn()
    {
        await using var under = await StartAsync(change: o => o with { Persona = SimulatedPersona.Ordinary });
        using var first = await under.PushAsync(NewSystemRom.Content, "OnStartUpdateRequest");
        using var second = await under.PushAsync(NewArrayRom.Content, "OnReset");
        using var started = await under.PostAsync(StartUpdate, "{}");
        under.Restart();

        Assert.Equal("controller", under.Target.Claim!.Owner);
        Assert.Equal("Completed", await StateAsync(under, await TaskAsync(first)));
        Assert.Equal("Completed", await StateAsync(under, await TaskAsync(second)));
    }

    [Fact]
    public async Task Push_ToATargetThatFlashesAtOnce_IsInstalledByItsOwnRestart()
    {
        await using var under = await StartAsync(change: o => o with { Persona = SimulatedPersona.FlashingAtOnce });
        using var pushed = await under.PushAsync(NewSystemRom.Content, "Immediate");
        under.Clock.Advance(TimeSpan.FromMinutes(5));

        Assert.Equal("Completed", await StateAsync(under, await TaskAsync(pushed)));
    }

    [Fact]
    public async Task Delete_WhereArmingCantBeTakenBack_IsRefusedAndStaysArmed()
    {
        await using var under = await StartAsync(change: o => o with { Persona = RedfishFace.ControllerPersona with { CanDisarm = false } });
        using var pushed = await under.PushAsync(NewSystemRom.Content, "OnReset");

        Assert.Equal(HttpStatusCode.Conflict, await DeleteAsync(under, (string)(await TaskAsync(pushed))["@odata.id"]!));
        Assert.Equal(ArmedPhase.Armed, under.Target.ArmedPhase);
    }

    [Fact]
    public async Task Push_OfMoreThanOneBootCanFlash_EndsInAnException()
    {
        await using var under = await StartAsync(change: o => o with { Persona = RedfishFace.ControllerPersona with { MaxComponents = 1 } });
        using var first = await under.PushAsync(NewSystemRom.Content, "OnReset");
        using var second = await under.PushAsync(NewArrayRom.Content, "OnReset");

        Assert.Equal("Exception", (string)(await TaskAsync(second))["TaskState"]!);
        Assert.Equal(NewSystemRom.Sha256, under.Target.ArmedDigests.Single());
        Assert.Empty(under.Target.Deposits);
    }

    [Fact]
    public async Task Push_ThatPowerIsLostIn_EndsInAnExceptionAndTheInventoryTellsNoVersion()
    {
        await using var under = await StartAsync(change: o => o with { PowerLossAtBlock = 1, PowerLossEnding = SimulatedPowerLossEnding.SaysRecovery });
        using var pushed = await under.PushAsync(NewSystemRom.Content, "OnReset");
        under.Restart();

        Assert.Equal("Exception", await StateAsync(under, await TaskAsync(pushed)));
        Assert.Null((string?)(await under.GetAsync("/redfish/v1/UpdateService/FirmwareInventory/system"))["Version"]);
        Assert.Equal("Critical", (string)(await under.GetAsync("/redfish/v1/Systems/1"))["Status"]!["Health"]!);
    }

    internal static async Task<JsonNode> TaskAsync(HttpResponseMessage response) => JsonNode.Parse(await response.Content.ReadAsStringAsync())!;

    internal static async Task<string> StateAsync(FaceUnderTest under, JsonNode task) => (string)(await under.GetAsync((string)task["@odata.id"]!))["TaskState"]!;

    internal static async Task<HttpStatusCode> DeleteAsync(FaceUnderTest under, string path)
    {
        using var response = await under.Client.DeleteAsync(new Uri(path, UriKind.Relative));
        return response.StatusCode;
    }

    private static async Task<string> ReadToEndAsync(Stream stream)
    {
        try
        {
            return await new StreamReader(stream).ReadToEndAsync();
        }
        catch (IOException)
        {
            return "reset";
        }
    }

    internal static ReadOnlyMemoryContent Raw(ReadOnlyMemory<byte> image)
    {
        var content = new ReadOnlyMemoryContent(image);
        content.Headers.ContentType = new("application/octet-stream");
        return content;
    }

    private static async Task<string[]> MessagesAsync(FaceUnderTest under, JsonNode task) =>
        [.. (await under.GetAsync((string)task["@odata.id"]!))["Messages"]!.AsArray().Select(m => (string)m!["MessageId"]!)];
}
