using RomFlash.Sdk.Images;
using RomFlash.Sdk.Probing;
using RomFlash.Sdk.Targets;
using RomFlash.Sdk.Testing;
using RomFlash.Sdk.Testing.Redfish;
using RomFlash.Sdk.Testing.Simulation;
using RomFlash.Sdk.Transports;
using RomFlash.Sdk.Transports.Redfish;
using FaceFault = RomFlash.Sdk.Testing.Redfish.RedfishFault;

namespace RomFlash.Sdk.Tests.Transports.Redfish;

/// <summary>A simulated server behind a Redfish service on the loopback address, and what a client needs to reach it.</summary>
internal sealed class FaceRig : IAsyncDisposable
{
    public const string User = "admin";
    public const string Reader = "reader";
    public const string Password = "canary-5up3r-secret";

    private FaceRig(SimulatedClock clock, SimulatedRack rack, SimulatedTarget target, RedfishFace face)
    {
        Clock = clock;
        Rack = rack;
        Target = target;
        Face = face;
    }

    public static Guid SystemClass { get; } = new("11111111-2222-4333-8444-555555555555");

    public static Guid ArrayClass { get; } = new("66666666-7777-4888-8999-aaaaaaaaaaaa");

    public static SimulatedRom OldSystem { get; } = SimulatedRom.Create(SystemClass, RomKind.SystemRom, "1.0.0", 0x0001_0000, 5000);

    public static SimulatedRom NewSystem { get; } = SimulatedRom.Create(SystemClass, RomKind.SystemRom, "1.1.0", 0x0001_0001, 70_000, seed: 2);

    public static SimulatedRom Large { get; } = SimulatedRom.Create(SystemClass, RomKind.SystemRom, "1.1.0", 0x0001_0001, 500_000, seed: 3);

    public static SimulatedRom OldArray { get; } = SimulatedRom.Create(ArrayClass, RomKind.ArrayController, "6.30", 0x0006_001E, pci: new PciId(0x103C, 0x3239));

    public static SimulatedRom NewArray { get; } = SimulatedRom.Create(ArrayClass, RomKind.ArrayController, "6.40", 0x0006_0028, 3000, pci: new PciId(0x103C, 0x3239));

    public SimulatedClock Clock { get; }

    public SimulatedRack Rack { get; }

    public SimulatedTarget Target { get; }

    public RedfishFace Face { get; }

    public RedfishTransport Transport { get; } = new(new RedfishTransportOptions { ShutdownTime = TimeSpan.FromSeconds(1) });

    public string Address => $"redfish://{Face.Address.Host}:{Face.Address.Port}/?sha256={Face.Fingerprint}";

    public TargetEndpoint Endpoint => TargetEndpoint.TryCreate(Address).GetValueOrThrow();

    public static RedfishFaceOptions Options(RedfishVendor vendor = RedfishVendor.Generic, params RedfishApplyTime[] applyTimes) => new()
    {
        Vendor = vendor,
        Accounts = [new(User, Password), new(Reader, Password, isAdministrator: false)],
        ApplyTimes = applyTimes.Length == 0 ? default : [.. applyTimes],
    };

    public static async Task<FaceRig> StartAsync(RedfishFaceOptions? options = null, Func<SimulatedTargetOptions, SimulatedTargetOptions>? change = null)
    {
        var clock = new SimulatedClock();
        var rack = new SimulatedRack(clock);
        var target = rack.Add((change ?? (o => o))(new()
        {
            Name = "server-1",
            Persona = RedfishFace.ControllerPersona,
            Roms =
            [
                new("system", OldSystem) { Name = "System ROM", Sources = [FactSource.Redfish, FactSource.Smbios] },
                new("array-0", OldArray) { Name = "Array controller", Sources = [FactSource.Redfish] },
            ],
        }));
        return new(clock, rack, target, await RedfishFace.StartAsync(rack, target, options ?? Options(), CancellationToken.None));
    }

    public static TargetCredentials Credentials(string user = User, string password = Password) => TargetCredentials.Password(user, new Secret(password));

    public async Task<ITargetSession> ConnectAsync(string user = User)
    {
        using var credentials = Credentials(user);
        return (await Transport.ConnectAsync(new(Endpoint, credentials, TimeProvider.System), CancellationToken.None)).TryGetValue(out var session, out var fault)
            ? session
            : throw new InvalidOperationException(fault.ToString());
    }

    /// <summary>Has the next request end like this.</summary>
    public ValueTask MeetNext(FaceFault fault)
    {
        var isMet = 0;
        Face.Interfere = _ => Interlocked.Exchange(ref isMet, 1) == 0 ? fault : null;
        return ValueTask.CompletedTask;
    }

    public static T Value<T>(TransportResult<T> result)
        where T : notnull => result.TryGetValue(out var value, out var fault) ? value : throw new InvalidOperationException(fault.ToString());

    public static TransportFault Fault<T>(TransportResult<T> result)
        where T : notnull
    {
        Assert.False(result.TryGetValue(out _, out var fault));
        return fault!;
    }

    public static DepositManifest Manifest(SimulatedRom rom, string component = "system", string id = "d-1") =>
        new(id, 0, [new("romflash-00.cap", rom.Content.Length, rom.Sha256, component)]);

    /// <summary>Uploads in pieces, and commits.</summary>
    public static async Task<TransportResult<Done>> DepositAsync(ITargetSession session, SimulatedRom rom, string component = "system", string id = "d-1", int piece = 16_384)
    {
        var deposits = session.GetCapability<IDepositCapability>()!;
        if (!(await deposits.OpenDepositAsync(Manifest(rom, component, id), CancellationToken.None)).TryGetValue(out var deposit, out var fault))
        {
            return fault;
        }

        await using (deposit)
        {
            for (var offset = 0; offset < rom.Content.Length; offset += piece)
            {
                var written = await deposit.WriteAsync(0, offset, rom.Content.Slice(offset, Math.Min(piece, rom.Content.Length - offset)), CancellationToken.None);
                if (!written.TryGetValue(out _, out _))
                {
                    return written;
                }
            }

            return await deposit.CommitAsync(CancellationToken.None);
        }
    }

    public async ValueTask DisposeAsync() => await Face.DisposeAsync();
}
