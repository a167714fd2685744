using RomFlash.Sdk.Images;
using RomFlash.Sdk.Probing;
using RomFlash.Sdk.Targets;
using RomFlash.Sdk.Testing.Simulation;
using RomFlash.Sdk.Transports;

namespace RomFlash.Sdk.Testing.Tests.Simulation;

/// <summary>A rack with one target, and the steps of an upgrade as a client takes them.</summary>
internal sealed class Rig
{
    public static readonly Guid SystemClass = new("6f9619ff-8b86-d011-b42d-00c04fc964ff");
    public static readonly Guid ArrayClass = new("0a1b2c3d-8b86-d011-b42d-00c04fc964ff");
    public static readonly SimulatedRom Old = SimulatedRom.Create(SystemClass, RomKind.SystemRom, "U30 v2.40 (01/02/2020)", 0x240, lowestSupported: 0x200);
    public static readonly SimulatedRom New = SimulatedRom.Create(SystemClass, RomKind.SystemRom, "U30 v2.50 (03/12/2021)", 0x250, 20_000, 5, lowestSupported: 0x200);
    public static readonly SimulatedRom OldArray = SimulatedRom.Create(ArrayClass, RomKind.ArrayController, "7.00", 0x700, pci: new PciId(0x103c, 0x3239));
    public static readonly SimulatedRom NewArray = SimulatedRom.Create(ArrayClass, RomKind.ArrayController, "7.10", 0x710, 9_000, pci: new PciId(0x103c, 0x3239));

    public Rig(SimulatedPersona? persona = null, Func<SimulatedTargetOptions, SimulatedTargetOptions>? change = null)
    {
        var options = new SimulatedTargetOptions
        {
            Name = "server-1",
            Roms = [new("system", Old), new("array-0", OldArray)],
            KnownImages = [New, NewArray],
            Persona = persona ?? SimulatedPersona.Ordinary,
        };
        Rack = new SimulatedRack(Clock);
        Target = Rack.Add(change?.Invoke(options) ?? options);
    }

    public SimulatedClock Clock { get; } = new();

    public SimulatedRack Rack { get; }

    public SimulatedTarget Target { get; }

    public static T Value<T>(TransportResult<T> result)
        where T : notnull
    {
        Assert.False(result.IsDefault, "the result was never set");
        Assert.True(result.TryGetValue(out var value, out var fault), fault?.ToString());
        return value;
    }

    public static TransportFault Fault<T>(TransportResult<T> result)
        where T : notnull
    {
        Assert.False(result.IsDefault, "the result was never set");
        Assert.False(result.TryGetValue(out var value, out var fault), $"a value where a fault was expected: {value}");
        return fault;
    }

    public static TransportConnectRequest Request(string address, TimeProvider clock, TargetCredentials? credentials = null) =>
        new(TargetEndpoint.TryCreate(address).GetValueOrThrow(), credentials ?? TargetCredentials.None, clock);

    public static DepositManifest Manifest(string id, long generation, params (string Component, SimulatedRom Rom)[] files) =>
        new(id, generation, [.. files.Select(f => new DepositFile($"{f.Component}.rom", f.Rom.Content.Length, f.Rom.Sha256, f.Component))]);

    public async Task<ITargetSession> ConnectAsync(ITransport? transport = null) =>
        Value(await (transport ?? Rack.Transport).ConnectAsync(Request(Target.Address, Clock), CancellationToken.None));

    public async Task<long> ClaimAsync(ITargetSession session, string owner = "me") =>
        session.GetCapability<IClaimCapability>() is { } claims
            ? Value(await claims.AcquireClaimAsync(new ClaimRequest(owner), CancellationToken.None)).Generation
            : 0;

    public async Task<DepositManifest> DepositAsync(ITargetSession session, string id, params (string Component, SimulatedRom Rom)[] files) =>
        await DepositBytesAsync(session, id, [.. files.Select(f => (f.Component, f.Rom.Content))]);

    public async Task<DepositManifest> DepositBytesAsync(ITargetSession session, string id, params (string Component, ReadOnlyMemory<byte> Content)[] files)
    {
        var generation = Target.Claim?.Generation ?? 0;
        var manifest = new DepositManifest(id, generation, [.. files.Select(f => new DepositFile($"{f.Component}.rom", f.Content.Length, new(System.Security.Cryptography.SHA256.HashData(f.Content.Span)), f.Component))]);
        await using var deposit = Value(await session.GetCapability<IDepositCapability>()!.OpenDepositAsync(manifest, CancellationToken.None));
        for (var i = 0; i < files.Length; i++)
        {
            var half = files[i].Content.Length / 2;
            Value(await deposit.WriteAsync(i, 0, files[i].Content[..half], CancellationToken.None));
            Value(await deposit.WriteAsync(i, half, files[i].Content[half..], CancellationToken.None));
        }

        Value(await deposit.CommitAsync(CancellationToken.None));
        return manifest;
    }

    public ValueTask<TransportResult<Done>> ArmAsync(ITargetSession session, DepositManifest manifest) =>
        session.GetCapability<IArmingCapability>()!.ArmAsync(new ArmRequest(manifest, Target.Persona.Method), CancellationToken.None);

    /// <summary>Deposits, arms, restarts and waits for the boot.</summary>
    public async Task FlashAsync(params (string Component, SimulatedRom Rom)[] files)
    {
        await using var session = await ConnectAsync();
        await ClaimAsync(session);
        var manifest = await DepositAsync(session, "d-1", files);
        Value(await ArmAsync(session, manifest));
        await RestartAsync(session);
    }

    public async Task RestartAsync(ITargetSession session)
    {
        if (Target.Persona.WritesBeforeRestart)
        {
            Clock.Advance(Target.Options.WriteDuration);
        }

        if (Target.Persona is { FlashesAtOnce: true, WritesBeforeRestart: false })
        {
            Clock.Advance(Target.Options.OwnRebootDelay);
        }
        else if (session.GetCapability<IPowerCapability>() is { } power)
        {
            var delay = power.RestartsAtOnce ? TimeSpan.Zero : TimeSpan.FromSeconds(15);
            Value(await power.ScheduleRebootAsync(new RebootRequest(delay, "restart", false), CancellationToken.None));
            Clock.Advance(delay);
        }
        else
        {
            Target.Restart();
        }

        Assert.True(Target.IsAway);
        Clock.Advance(Target.Options.BootDuration);
    }

    public async Task<TargetFacts> FactsAsync(FactKinds kinds = FactKinds.All)
    {
        await using var session = await ConnectAsync();
        return Value(await session.GetCapability<IFactsCapability>()!.ReadFactsAsync(kinds, CancellationToken.None));
    }

    public async Task<InstalledRom> RomAsync(string id)
    {
        Assert.True((await FactsAsync()).Roms.TryGet(out var roms));
        return Assert.Single(roms, r => r.Id == id);
    }

    public SimulatedEventKind[] Kinds => [.. Target.History.Select(e => e.Kind)];
}
