using System.Collections.Immutable;
using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Testing.Simulation;

namespace RomFlash.Sdk.Testing.Redfish.Tests;

/// <summary>A rack with one target, its face, and a client that pins the face's certificate.</summary>
internal sealed class FaceUnderTest : IAsyncDisposable
{
    public const string User = "admin";
    public const string Password = "correct horse";
    public const string Reader = "reader";

    private readonly HttpClientHandler _handler;

    private FaceUnderTest(SimulatedClock clock, SimulatedTarget target, RedfishFace face)
    {
        Clock = clock;
        Target = target;
        Face = face;
        _handler = new()
        {
            AllowAutoRedirect = false,
            UseCookies = false,
            ServerCertificateCustomValidationCallback = (_, shown, _, _) => shown is not null && new ContentDigest(SHA256.HashData(shown.RawData)) == face.Fingerprint,
        };
        Client = NewClient(User);
    }

    public static TheoryData<RedfishVendor> Vendors { get; } = [.. Enum.GetValues<RedfishVendor>()];

    public static Guid SystemClass { get; } = new("11111111-2222-4333-8444-555555555555");

    public static Guid ArrayClass { get; } = new("66666666-7777-4888-8999-aaaaaaaaaaaa");

    public static SimulatedRom SystemRom { get; } = SimulatedRom.Create(SystemClass, RomKind.SystemRom, "1.0.0", 0x0001_0000, 5000);

    public static SimulatedRom NewSystemRom { get; } = SimulatedRom.Create(SystemClass, RomKind.SystemRom, "1.1.0", 0x0001_0001, 70_000, seed: 2);

    public static SimulatedRom ArrayRom { get; } = SimulatedRom.Create(ArrayClass, RomKind.ArrayController, "6.30", 0x0006_001E, pci: new PciId(0x103C, 0x3239));

    public static SimulatedRom NewArrayRom { get; } = SimulatedRom.Create(ArrayClass, RomKind.ArrayController, "6.40", 0x0006_0028, 3000, pci: new PciId(0x103C, 0x3239));

    public SimulatedClock Clock { get; }

    public SimulatedTarget Target { get; }

    public RedfishFace Face { get; }

    public HttpClient Client { get; }

    public static RedfishFaceOptions Options(RedfishVendor vendor = RedfishVendor.Generic) => new()
    {
        Vendor = vendor,
        Accounts = [new(User, Password), new(Reader, Password, isAdministrator: false)],
    };

    public static async Task<FaceUnderTest> StartAsync(
        RedfishFaceOptions? options = null,
        Func<SimulatedTargetOptions, SimulatedTargetOptions>? change = null)
    {
        var clock = new SimulatedClock();
        var rack = new SimulatedRack(clock);
        var target = rack.Add((change ?? (o => o))(new()
        {
            Name = "server-1",
            Persona = RedfishFace.ControllerPersona,
            Roms = [new("system", SystemRom) { Name = "System ROM" }, new("array-0", ArrayRom) { Name = "Array controller" }],
        }));
        var face = await RedfishFace.StartAsync(rack, target, options ?? Options(), CancellationToken.None);
        return new(clock, target, face);
    }

    public HttpClient NewClient(string? user)
    {
        var client = new HttpClient(_handler, disposeHandler: false) { BaseAddress = Face.Address, Timeout = TimeSpan.FromSeconds(60) };
        if (user is not null)
        {
            client.DefaultRequestHeaders.Authorization = new("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes($"{user}:{Password}")));
        }

        return client;
    }

    public async Task<JsonNode> GetAsync(string path)
    {
        using var response = await Client.GetAsync(new Uri(path, UriKind.Relative));
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        return JsonNode.Parse(await response.Content.ReadAsStringAsync())!;
    }

    public async Task<HttpResponseMessage> PostAsync(string path, string json) =>
        await Client.PostAsync(new Uri(path, UriKind.Relative), new StringContent(json, Encoding.UTF8, "application/json"));

    /// <summary>Pushes an image as DSP0266, 12.6.2 has it, to where the update service says.</summary>
    public async Task<HttpResponseMessage> PushAsync(ReadOnlyMemory<byte> image, string? applyTime = null, string? target = null)
    {
        var path = (string)(await GetAsync("/redfish/v1/UpdateService"))["MultipartHttpPushUri"]!;
        var parameters = new JsonObject { ["Targets"] = target is null ? new JsonArray() : new JsonArray(target) };
        if (applyTime is not null)
        {
            parameters["@Redfish.OperationApplyTime"] = applyTime;
        }

        return await Client.PostAsync(new Uri(path, UriKind.Relative), MultipartOf(parameters.ToJsonString(), new ReadOnlyMemoryContent(image)));
    }

    public static MultipartFormDataContent MultipartOf(string parameters, HttpContent image)
    {
        var json = new StringContent(parameters, Encoding.UTF8, "application/json");
        image.Headers.ContentType = new MediaTypeHeaderValue("application/octet-stream");
        return new() { { json, "UpdateParameters" }, { image, "UpdateFile", "image.bin" } };
    }

    public void Restart()
    {
        Target.Restart();
        Clock.Advance(TimeSpan.FromMinutes(5));
    }

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        _handler.Dispose();
        await Face.DisposeAsync();
    }
}
