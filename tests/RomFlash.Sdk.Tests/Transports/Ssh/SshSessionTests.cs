
using RomFlash.Peers.Ssh;
using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Pipeline;
using RomFlash.Sdk.Probing;
using RomFlash.Sdk.Targets;
using RomFlash.Sdk.Testing.Simulation;
using RomFlash.Sdk.Tests.Pipeline;
using RomFlash.Sdk.Tests.Transports.Directory;
using RomFlash.Sdk.Transports.Ssh;
using RomFlash.Sdk.Transports;

namespace RomFlash.Sdk.Tests.Transports.Ssh;

/// <summary>Sessions with a Linux target: how they log on, and what they say when something changes meanwhile.</summary>
[Trait("Category", "Peer")]
public sealed class SshSessionTests
{
    [Fact]
    public async Task ConnectAsync_PasswordsAreNotAllowed_IsUnsupportedAndSaysSo()
    {
        var request = SshTarget.Request("ssh://127.0.0.1:1", TargetCredentials.Password("root", new Secret("correct horse")));
        var fault = (await new SshTransport().ConnectAsync(request, CancellationToken.None)).Fault();
        Assert.Equal(TransportFaultKind.Unsupported, fault.Kind);
        Assert.DoesNotContain("correct horse", fault.ToString(), StringComparison.Ordinal);
        fault = (await new SshTransport(new() { AllowPasswords = true }).ConnectAsync(SshTarget.Request("ssh://other@127.0.0.1:1", TargetCredentials.Password("root", new Secret("x"))), CancellationToken.None)).Fault();
        Assert.Equal(TransportFaultKind.Unsupported, fault.Kind);
    }

    [Fact]
    public async Task ConnectAsync_PasswordsAreAllowed_LogsOnByTheRightOne()
    {
        await using var target = await SshTarget.StartAsync(server: new() { Account = new("operator", SshSudo.MayRunShell) { Password = "correct $horse 'battery'" } });
        var transport = new SshTransport(target.Options with { AllowPasswords = true });
        var address = target.Address.Replace("//", "//operator@", StringComparison.Ordinal);
        using var right = TargetCredentials.Password("operator", new Secret("correct $horse 'battery'"));
        Assert.True((await transport.ConnectAsync(SshTarget.Request(address, right), CancellationToken.None)).TryGetValue(out var session, out var fault), fault?.ToString());
        await using (session)
        {
            Assert.True((await session.GetCapability<IFactsCapability>()!.ReadFactsAsync(FactKinds.Account, CancellationToken.None)).TryGetValue(out var facts, out fault), fault?.ToString());
            Assert.Equal(AccountRights.Administrator, facts.Account);
        }

        using var wrong = TargetCredentials.Password("operator", new Secret("not-the-password"));
        fault = (await transport.ConnectAsync(SshTarget.Request(address, wrong), CancellationToken.None)).Fault();
        Assert.Equal((TransportFaultKind.CredentialsRejected, FaultEffect.NotSent), (fault.Kind, fault.Effect));
        Assert.DoesNotContain("not-the-password", fault.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Session_AnotherOneIsConnected_IsTold()
    {
        await using var target = await SshTarget.StartAsync();
        await using var second = await target.ConnectAsync();
        TargetClaim? claim;
        await using (var first = await target.ConnectAsync())
        {
            Assert.True((await first.GetCapability<IClaimCapability>()!.AcquireClaimAsync(new("first"), CancellationToken.None)).TryGetValue(out claim, out _));
            var held = (await second.GetCapability<IClaimCapability>()!.AcquireClaimAsync(new("second"), CancellationToken.None)).Fault();
            Assert.Equal(TransportFaultKind.ClaimHeld, held.Kind);
            Assert.Contains("who is connected now", held.Detail, StringComparison.Ordinal);
        }

        var left = (await second.GetCapability<IClaimCapability>()!.AcquireClaimAsync(new("second"), CancellationToken.None)).Fault();
        Assert.Contains("who is not connected now", left.Detail, StringComparison.Ordinal);
        Assert.True((await second.GetCapability<IClaimCapability>()!.AcquireClaimAsync(new("second", claim!.Generation), CancellationToken.None)).TryGetValue(out _, out var fault), fault?.ToString());
    }

    [Fact]
    public async Task Session_PartitionIsUnmounted_EveryStepSaysSo()
    {
        await using var target = await SshTarget.StartAsync();
        await using var session = await target.ConnectAsync();
        target.Root.SetMounts(null);
        var arming = session.GetCapability<IArmingCapability>()!;
        Assert.Equal(TransportFaultKind.NotFound, (await arming.ReadArmedStateAsync(false, CancellationToken.None)).Fault().Kind);
        Assert.Equal((TransportFaultKind.NotFound, FaultEffect.NotSent), (await arming.DisarmAsync("some", CancellationToken.None)).Fault() is var fault ? (fault.Kind, fault.Effect) : default);
        Assert.Equal(TransportFaultKind.NotFound, (await session.GetCapability<IDepositCapability>()!.DiscardDepositAsync("some", 1, CancellationToken.None)).Fault().Kind);
        Assert.Equal(TransportFaultKind.NotFound, (await session.GetCapability<IClaimCapability>()!.AcquireClaimAsync(new("me"), CancellationToken.None)).Fault().Kind);
        target.Root.SetMounts("rw", further: "40 36 8:33 / /boot/efi rw - vfat /dev/sdc1 rw");
        Assert.Equal(TransportFaultKind.NotFound, (await arming.ReadArmedStateAsync(false, CancellationToken.None)).Fault().Kind);
        target.Root.SetMounts();
        Assert.True((await arming.ReadArmedStateAsync(false, CancellationToken.None)).TryGetValue(out _, out var still), still?.ToString());
    }

    [Fact]
    public async Task Session_WithoutMultiplexing_DoesNotGoOnWithAnotherConnection()
    {
        await using var target = await SshTarget.StartAsync();
        await using var session = await target.ConnectAsync(target.Options with { Multiplex = false });
        var claims = session.GetCapability<IClaimCapability>()!;
        Assert.True((await claims.AcquireClaimAsync(new("me"), CancellationToken.None)).TryGetValue(out var claim, out _));
        await target.Server.KillConnectionsAsync();
        Assert.Equal(TransportFaultKind.Lost, (await claims.ReadClaimAsync(CancellationToken.None)).Fault().Kind);
        Assert.Equal(TransportFaultKind.Lost, (await claims.ReleaseClaimAsync(claim!, CancellationToken.None)).Fault().Kind);
        await using var other = await target.ConnectAsync();
        Assert.True((await other.GetCapability<IClaimCapability>()!.ReadClaimAsync(CancellationToken.None)).TryGetValue(out var state, out _));
        Assert.Equal(claim, state!.Current);
    }

    [Fact]
    public async Task Claim_TargetWithoutFlock_IsNotCalledHeld()
    {
        await using var target = await SshTarget.StartAsync();
        target.Server.WriteStandIn("flock", "echo 'sh: 1: flock: not found' >&2; exit 127");
        await using var session = await target.ConnectAsync();
        Assert.Equal(TransportFaultKind.Unsupported, (await session.GetCapability<IClaimCapability>()!.AcquireClaimAsync(new("me"), CancellationToken.None)).Fault().Kind);
        Assert.Equal(TransportFaultKind.Unsupported, (await session.GetCapability<IPowerCapability>()!.AbortRebootAsync(CancellationToken.None)).Fault().Kind);
    }

    [Fact]
    public async Task Session_AliasWithCapitals_IsTheConfigurations()
    {
        await using var target = await SshTarget.StartAsync();
        await File.AppendAllTextAsync(target.Server.ClientConfiguration, $"Host Web-1\n  HostName 127.0.0.1\n  Port {target.Server.Port}\n  HostKeyAlias [127.0.0.1]:{target.Server.Port}\n");
        await using var session = await target.ConnectAsync(address: "ssh://Web-1/boot/efi");
        Assert.True((await session.GetCapability<IFactsCapability>()!.ReadFactsAsync(FactKinds.Boot, CancellationToken.None)).TryGetValue(out var facts, out var fault), fault?.ToString());
        Assert.Equal(target.Root.BootId, facts.Boot.TryGet(out var boot) ? boot.Value : null, ignoreCase: true);
    }
}
