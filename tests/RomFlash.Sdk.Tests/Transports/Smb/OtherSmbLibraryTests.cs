using RomFlash.Sdk.Images;
using RomFlash.Sdk.Probing;
using RomFlash.Sdk.Targets;
using RomFlash.Sdk.Testing.Conformance;
using RomFlash.Sdk.Tests.Journal;
using RomFlash.Sdk.Tests.Transports.Directory;
using RomFlash.Sdk.Transports;
using RomFlash.Sdk.Transports.Smb;

namespace RomFlash.Sdk.Tests.Transports.Smb;

/// <summary>The transport over its public seam, with another library behind it.</summary>
public sealed class OtherSmbLibraryTests : IDisposable
{
    internal const string HostileProduct = "ProLiant\u001b[31m\r\n<b>&[x]";

    private readonly Scratch _scratch = new();

    public void Dispose() => _scratch.Dispose();

    [Fact]
    public async Task RunAsync_AnotherLibrary_IsConformant()
    {
        var number = 0;
        var report = await TransportConformance.RunAsync(
            _ =>
            {
                var (library, _) = Create($"esp-{number++}");
                return new(new ConformanceSubject
                {
                    Transport = new SmbTransport(library),
                    Endpoint = Endpoint("smb://server1/ESP$"),
                    UnknownEndpoint = Endpoint("smb://nobody/ESP$"),
                    Credentials = Right,
                    WrongCredentials = () => TargetCredentials.Password("admin", new Secret("wrong")),
                    TimeProvider = TimeProvider.System,
                    Image = Enumerable.Range(0, 9000).Select(i => (byte)(i * 7)).ToArray(),
                    HostileText = HostileProduct,
                    CutConnections = () =>
                    {
                        library.Cut();
                        return ValueTask.CompletedTask;
                    },
                });
            },
            CancellationToken.None);

        Assert.True(report.IsConformant, report.ToString());
        Assert.Equal(
            ["deposit-digest", "deposit-arms", "disarm-unsupported", "cancelled-while-hanging", "cut-answer"],
            report.Checks.Where(c => c.Result == ConformanceResult.NotApplicable).Select(c => c.Rule));
    }

    [Fact]
    public async Task AcquireClaimAsync_HeldByAnotherOwner_TellsWhetherHeIsConnected()
    {
        var (library, _) = Create("esp");
        var first = (IClaimCapability)await ConnectAsync(library);
        (await first.AcquireClaimAsync(new("first"), default)).Ok();
        await using var second = (SmbSession)await ConnectAsync(library);
        Assert.Contains("is connected now", (await second.AcquireClaimAsync(new("second"), default)).Fault().Detail, StringComparison.Ordinal);

        // His connection dies; the claim stays, and he gets it again while nobody takes it over.
        library.Cut();
        await using var third = (SmbSession)await ConnectAsync(library);
        Assert.Contains("is not connected now", (await third.AcquireClaimAsync(new("third"), default)).Fault().Detail, StringComparison.Ordinal);
        Assert.Equal(2, (await third.AcquireClaimAsync(new("first"), default)).Ok().Generation);
    }

    [Fact]
    public async Task ReadFactsAsync_AnotherLibrary_TellsTheMachine()
    {
        var (library, _) = Create("esp");
        await using var session = (SmbSession)await ConnectAsync(library);
        var facts = (await session.ReadFactsAsync(FactKinds.All, default)).Ok();
        Assert.True(facts.Identity.TryGet(out var identity));
        Assert.Equal(("HPE", new Guid("00112233-4455-6677-8899-aabbccddeeff")), (identity.Manufacturer, identity.SmbiosUuid));
        Assert.True(facts.Boot.TryGet(out var boot));
        Assert.Equal(new BootIdentity("boot-7"), boot);
        Assert.True(facts.SystemPartition.TryGet(out var partition));
        Assert.True(partition.IsFat);
        Assert.True(partition.HasEfiDirectory.TryGet(out var hasEfi) && hasEfi);
        Assert.True(facts.Account.TryGet(out var rights));
        Assert.Equal(AccountRights.Administrator, rights);
        Assert.True(facts.Roms.TryGet(out var roms));
        Assert.Equal(("system", RomKind.SystemRom, "1.0"), (roms[0].Id, roms[0].Kind, roms[0].DisplayVersion));
    }

    [Fact]
    public async Task ConnectAsync_LibraryThatLogsOnAGuest_IsRefused()
    {
        var (library, _) = Create("esp");
        library.IsGuest = true;
        using var credentials = Right();
        var fault = (await new SmbTransport(library).ConnectAsync(new(Endpoint("smb://server1/ESP$"), credentials, TimeProvider.System), default)).Fault();
        Assert.Equal((TransportFaultKind.CredentialsRejected, FaultEffect.NotSent), (fault.Kind, fault.Effect));
    }

    [Theory]
    [InlineData("smb://server1")]
    [InlineData("smb://server1/")]
    [InlineData("smb://server1/IPC$")]
    [InlineData("smb://server1/C$/folder")]
    [InlineData("smb://server1/a%3Ab")]
    [InlineData("smb://server1/ESP$?x=1")]
    [InlineData("smb://server1/ESP$#x")]
    [InlineData("smb:///ESP$")]
    [InlineData("smb://server1:0/ESP$")]
    public void TryParse_AddressOfNoShare_SaysWhatIsWrong(string address)
    {
        var fault = SmbAddress.TryParse(new Uri(address)).Fault();
        Assert.Equal((TransportFaultKind.Unsupported, FaultEffect.NotSent), (fault.Kind, fault.Effect));
        Assert.NotEmpty(fault.Detail);
    }

    [Theory]
    [InlineData("smb://server1/ESP$", "server1", 445, "ESP$")]
    [InlineData("smb://10.1.2.3:4450/ESP$/", "10.1.2.3", 4450, "ESP$")]
    [InlineData("smb://[fe80::1]/System%20Partition", "fe80::1", 445, "System Partition")]
    public void TryParse_Address_IsHostPortAndShare(string address, string host, int port, string share)
    {
        var parsed = SmbAddress.TryParse(new Uri(address)).Ok();
        Assert.Equal((host, port, share), (parsed.Host, parsed.Port, parsed.Share));
    }

    private static TargetCredentials Right() => TargetCredentials.Password("admin", new Secret("right"));

    private static TargetEndpoint Endpoint(string address) => TargetEndpoint.TryCreate(address).GetValueOrThrow();

    private static async Task<ITargetSession> ConnectAsync(OtherSmbLibrary library)
    {
        using var credentials = Right();
        return (await new SmbTransport(library).ConnectAsync(new(Endpoint("smb://server1/ESP$"), credentials, TimeProvider.System), default)).Ok();
    }

    private (OtherSmbLibrary Library, string Root) Create(string name)
    {
        var root = _scratch[name];
        System.IO.Directory.CreateDirectory(Path.Combine(root, "EFI"));
        return (new(root), root);
    }
}
