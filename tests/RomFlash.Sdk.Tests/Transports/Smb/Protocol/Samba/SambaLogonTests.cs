using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using RomFlash.Peers.Samba;
using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Targets;
using RomFlash.Sdk.Transports;
using RomFlash.Sdk.Transports.Smb;
using static RomFlash.Sdk.Tests.Transports.Smb.Protocol.Samba.SambaClient;

namespace RomFlash.Sdk.Tests.Transports.Smb.Protocol.Samba;

/// <summary>Who is let in, who is not, and how long it takes to find out.</summary>
[Trait("Category", "Peer")]
public sealed class SambaLogonTests
{
    [Fact]
    public async Task Connect_AccountsThatMayNot_SayWhy()
    {
        await using var server = await SambaServer.StartAsync(new()
        {
            Accounts = [SambaAccount.Administrator, SambaAccount.Operator, SambaAccount.Disabled, SambaAccount.Expired, SambaAccount.MustChangePassword],
        });

        await AssertAsync(SambaAccount.Administrator, "Wr0ng-pass", TransportFaultKind.CredentialsRejected, 0xC000006D);
        await AssertAsync(new("nobody9", "N0body-pass", SambaAccountState.Plain), null, TransportFaultKind.CredentialsRejected, 0xC000006D);
        await AssertAsync(SambaAccount.Disabled, null, TransportFaultKind.AccountDisabled, 0xC0000072);
        await AssertAsync(SambaAccount.Expired, null, TransportFaultKind.AccountDisabled, 0xC0000193);
        await AssertAsync(SambaAccount.MustChangePassword, null, TransportFaultKind.PasswordExpired, 0xC0000224);

        async Task AssertAsync(SambaAccount account, string? password, TransportFaultKind kind, uint status)
        {
            var fault = Fault(await TryConnectAsync(server.Port, account, password: password));
            Assert.Equal((kind, FaultEffect.NotSent, new PeerCode(PeerCode.NtStatus, status)), (fault.Kind, fault.Effect, fault.PeerCode));
            Assert.DoesNotContain(password ?? account.Password, fault.ToString(), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Connect_ServerThatMakesGuests_IsRejected()
    {
        await using var server = await SambaServer.StartAsync(new() { MapsToGuest = true });

        var fault = Fault(await TryConnectAsync(server.Port, new("nobody9", "x", SambaAccountState.Plain)));

        Assert.Equal(TransportFaultKind.CredentialsRejected, fault.Kind);
        Assert.Contains("guest", fault.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Connect_NoAdministrator_IsKeptOutOfTheShares()
    {
        await using var server = await SambaServer.StartAsync();
        await using var connection = await ConnectAsync(server.Port, SambaAccount.Operator);

        var fault = Fault(await connection.QueryVolumeAsync(Share, default));

        Assert.Equal((TransportFaultKind.AccessDenied, FaultEffect.NotSent), (fault.Kind, fault.Effect));
    }

    [Fact]
    public async Task Connect_ServerWithoutEncryption_IsNotTrusted()
    {
        await using var server = await SambaServer.StartAsync(new() { EncryptOff = true });

        Assert.Equal(TransportFaultKind.PeerNotTrusted, Fault(await TryConnectAsync(server.Port)).Kind);
    }

    [Fact]
    public async Task Connect_FrozenServer_TimesOut()
    {
        await using var server = await SambaServer.StartAsync();
        await server.FreezeAsync();
        var watch = Stopwatch.StartNew();

        var fault = Fault(await TryConnectAsync(server.Port, options: new() { ConnectTimeout = TimeSpan.FromMilliseconds(500) }));

        Assert.Equal((TransportFaultKind.TimedOut, FaultEffect.NotSent), (fault.Kind, fault.Effect));
        Assert.InRange(watch.Elapsed, TimeSpan.FromMilliseconds(400), TimeSpan.FromSeconds(10));
    }

    [Fact]
    public async Task Connect_NobodyListens_IsRefused()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));

        Assert.Equal(TransportFaultKind.Refused, Fault(await TryConnectAsync(((IPEndPoint)socket.LocalEndPoint!).Port)).Kind);
    }

    [Fact]
    public async Task Connect_NameThatDoesNotExist_IsNotResolved()
    {
        using var credentials = TargetCredentials.Password("admin", new Secret("x"));

        var fault = Fault(await new SmbConnector().ConnectAsync(new("name.invalid", 445, credentials, TimeProvider.System), default));

        Assert.Contains(fault.Kind, new[] { TransportFaultKind.NameNotResolved, TransportFaultKind.TimedOut });
        Assert.Equal(FaultEffect.NotSent, fault.Effect);
    }

    // Where the queue of a listener is full, the system drops what asks for a connection: nothing ever answers.
    [Fact]
    public async Task Connect_AddressThatSwallowsEverything_TimesOut()
    {
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen(0);
        using var waiting = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await waiting.ConnectAsync(listener.LocalEndPoint!);
        var port = ((IPEndPoint)listener.LocalEndPoint!).Port;
        var watch = Stopwatch.StartNew();

        var fault = Fault(await TryConnectAsync(port, options: new() { ConnectTimeout = TimeSpan.FromMilliseconds(300) }));

        Assert.Equal((TransportFaultKind.TimedOut, FaultEffect.NotSent), (fault.Kind, fault.Effect));
        Assert.InRange(watch.Elapsed, TimeSpan.FromMilliseconds(200), TimeSpan.FromSeconds(10));
        using var cancellation = new CancellationTokenSource();
        var connecting = TryConnectAsync(port, cancellationToken: cancellation.Token);
        await cancellation.CancelAsync();
        Assert.Equal(TransportFaultKind.Cancelled, Fault(await connecting).Kind);
    }
}
