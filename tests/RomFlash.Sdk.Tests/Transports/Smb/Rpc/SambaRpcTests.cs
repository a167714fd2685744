using System.Globalization;
using System.Text;
using RomFlash.Peers.Samba;
using RomFlash.Sdk.Targets;
using RomFlash.Sdk.Transports;
using RomFlash.Sdk.Transports.Smb;
using RomFlash.Sdk.Transports.Smb.Rpc;
using Xunit.Abstractions;
using static RomFlash.Sdk.Tests.Transports.Smb.Rpc.RpcConnectionTests;

namespace RomFlash.Sdk.Tests.Transports.Smb.Rpc;

/// <summary>Samba's registry, services and shutdown through the SDK's own SMB client, beside what impacket and <c>net rpc</c> read from the same server.</summary>
[Trait("Category", "Peer")]
public sealed class SambaRpcTests(SambaRpcTests.Server server, ITestOutputHelper output) : IClassFixture<SambaRpcTests.Server>
{
    private const string Bios = @"HARDWARE\DESCRIPTION\System\BIOS";
    private const string Esrt = @"HARDWARE\UEFI\ESRT";
    private const string Odd = @"SOFTWARE\Odd";

    /// <summary>One server for all tests that only read.</summary>
    public sealed class Server : IAsyncLifetime
    {
        public static byte[] Long { get; } = [.. Enumerable.Range(0, 60 << 10).Select(i => (byte)(i * 31))];

        public SambaServer Samba { get; private set; } = null!;

        public async Task InitializeAsync()
        {
            var registry = new SambaRegistry().WithIdentity("Contoso", "Server \u00E9\u4E16\U0001F600", "SKU-1", "U32 v2.60").WithBootId(7)
                .WithBytes(@"HKLM\" + Odd, "Bytes", RegistryType.Bytes, [0, 1, 2, 3, 255])
                .WithBytes(@"HKLM\" + Odd, "Long", RegistryType.Bytes, Long)
                .WithBytes(@"HKLM\" + Odd, "Unended", RegistryType.Text, Encoding.Unicode.GetBytes("no terminator"))
                .WithBytes(@"HKLM\" + Odd, "Embedded", RegistryType.Text, Encoding.Unicode.GetBytes("a\0b\0"))
                .WithTexts(@"HKLM\" + Odd, "Texts", "one", "two", "three")
                .WithNumber(@"HKLM\" + Odd, "Number", 0xFEDCBA98);
            for (var i = 0; i < 300; i++)
            {
                registry.WithFirmware(new Guid(i, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11), 1, (uint)i);
            }

            Samba = await SambaServer.StartAsync(new() { Registry = registry });
        }

        public async Task DisposeAsync() => await Samba.DisposeAsync();
    }

    [Fact]
    public async Task Read_EveryValueOfAKey_IsWhatImpacketReads()
    {
        const string Script = """
            import sys
            from impacket.dcerpc.v5 import transport, rrp
            from impacket.dcerpc.v5.rpcrt import DCERPCException
            rpc = transport.SMBTransport('127.0.0.1', int(sys.argv[1]), r'\winreg', sys.argv[2], sys.argv[3])
            dce = rpc.get_dce_rpc()
            dce.connect()
            dce.bind(rrp.MSRPC_UUID_RRP)
            root = rrp.hOpenLocalMachine(dce)['phKey']
            for path in sys.argv[4:]:
                key = rrp.hBaseRegOpenKey(dce, root, path, samDesired=0x20019)['phkResult']
                request = rrp.BaseRegQueryInfoKey()
                request['hKey'] = key
                request['lpClassIn'] = '\0'
                info = dce.request(request)
                print(path, 'keys', info['lpcSubKeys'], 'values', info['lpcValues'], sep='\t')
                for index in range(info['lpcSubKeys']):
                    print(path, 'key', rrp.hBaseRegEnumKey(dce, key, index)['lpNameOut'][:-1], sep='\t')
                for index in range(info['lpcValues']):
                    request = rrp.BaseRegEnumValue()
                    request['hKey'] = key
                    request['dwIndex'] = index
                    request.fields['lpValueNameIn'].fields['MaximumLength'] = 1024
                    request.fields['lpValueNameIn'].fields['Data'].fields['Data'].fields['MaximumCount'] = 512
                    request['lpData'] = b' ' * 65000
                    request['lpcbData'] = 65000
                    request['lpcbLen'] = 65000
                    value = dce.request(request)
                    print(path, 'value', value['lpValueNameOut'][:-1], value['lpType'], b''.join(value['lpData'])[:value['lpcbLen']].hex().upper(), sep='\t')
            """;
        string[] paths = [Bios, Odd, Esrt, "SOFTWARE"];
        var (exitCode, theirs) = await Images.Signatures.PeerProgram.RunAsync(
            "/usr/bin/python3", ["-c", Script, server.Samba.Port.ToString(CultureInfo.InvariantCulture), SambaAccount.Administrator.Name, SambaAccount.Administrator.Password, .. paths]);
        Assert.True(exitCode == 0, theirs);

        var ours = new StringBuilder();
        await using var smb = await ConnectAsync();
        await using var registry = Value(await RegistryClient.OpenAsync(smb, default));
        foreach (var path in paths)
        {
            await using var key = Value(await registry.OpenKeyAsync(path, RegistryAccess.Read, default));
            var info = Value(await key.DescribeAsync(default));
            ours.Append(CultureInfo.InvariantCulture, $"{path}\tkeys\t{info.Keys}\tvalues\t{info.Values}\n");
            foreach (var name in Value(await key.ListKeysAsync(4096, default)))
            {
                ours.Append(CultureInfo.InvariantCulture, $"{path}\tkey\t{name}\n");
            }

            foreach (var (name, value) in Value(await key.ListValuesAsync(4096, default)))
            {
                ours.Append(CultureInfo.InvariantCulture, $"{path}\tvalue\t{name}\t{(int)value.Type}\t{Convert.ToHexString(value.Data.Span)}\n");
                var read = Value(await registry.ReadValueAsync(path, name, default));
                Assert.Equal((value.Type, Convert.ToHexString(value.Data.Span)), (read.Type, Convert.ToHexString(read.Data.Span)));
            }
        }

        Assert.Equal(theirs.Split('\n'), ours.ToString().Split('\n'));
        output.WriteLine($"[romflash] winreg beside impacket: {ours.ToString().Split('\n').Length - 1} lines the same");
    }

    [Fact]
    public async Task ReadValueAsync_WhatWasImported_IsTheSame()
    {
        await using var smb = await ConnectAsync();
        await using var registry = Value(await RegistryClient.OpenAsync(smb, default));

        Assert.Equal("Server \u00E9\u4E16\U0001F600", await TextAsync(Bios, "SystemProductName"));
        Assert.Equal("U32 v2.60", await TextAsync(Bios, "BIOSVersion"));
        Assert.Equal("no terminator", await TextAsync(Odd, "Unended"));
        Assert.Equal("a", await TextAsync(Odd, "Embedded"));
        Assert.Equal([0, 1, 2, 3, 255], (await ReadAsync(Odd, "Bytes")).Data.ToArray());
        Assert.Equal(Server.Long, (await ReadAsync(Odd, "Long")).Data.ToArray());
        Assert.True((await ReadAsync(Odd, "Texts")).TryGetTexts(out var texts));
        Assert.Equal(["one", "two", "three"], texts.ToArray());
        Assert.True((await ReadAsync(Odd, "Number")).TryGetNumber(out var number));
        Assert.Equal(0xFEDCBA98ul, number);

        async Task<RegistryValue> ReadAsync(string path, string name) => Value(await registry.ReadValueAsync(path, name, default));
        async Task<string> TextAsync(string path, string name) => (await ReadAsync(path, name)).TryGetText(out var text) ? text : "no text";
    }

    [Fact]
    public async Task ReadValueAsync_BesideNetRpc_IsTheSame()
    {
        await using var smb = await ConnectAsync();
        await using var registry = Value(await RegistryClient.OpenAsync(smb, default));

        var theirs = (await new NetRpc(server.Samba, SambaAccount.Administrator).GetValueAsync(@"HKLM\" + Bios, "BIOSVersion")).Required("getvalue").Output;

        Assert.True(Value(await registry.ReadValueAsync(Bios, "BIOSVersion", default)).TryGetText(out var ours));
        Assert.Contains($"\"{ours}\"", theirs, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ListKeysAsync_ThreeHundredKeys_AreAllThereAndBounded()
    {
        await using var smb = await ConnectAsync();
        await using var registry = Value(await RegistryClient.OpenAsync(smb, default));
        await using var key = Value(await registry.OpenKeyAsync(Esrt, RegistryAccess.Read, default));

        var names = Value(await key.ListKeysAsync(300, default));

        Assert.Equal(Enumerable.Range(0, 300).Select(i => new Guid(i, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11)).Order(), names.Select(Guid.Parse).Order());
        Assert.Equal(TransportFaultKind.ProtocolViolation, Fault(await key.ListKeysAsync(299, default)).Kind);

        // The pipe goes on after that.
        Assert.True(Value(await registry.ReadValueAsync(Esrt + "\\" + names[7], "Version", default)).TryGetNumber(out _));
    }

    [Fact]
    public async Task ReadValueAsync_NotThere_IsNotFound()
    {
        await using var smb = await ConnectAsync();
        await using var registry = Value(await RegistryClient.OpenAsync(smb, default));

        var key = Fault(await registry.ReadValueAsync(@"HARDWARE\NOTHING", "V", default));
        var value = Fault(await registry.ReadValueAsync(Bios, "Nothing", default));

        Assert.Equal((TransportFaultKind.NotFound, FaultEffect.NotSent, 2ul), (key.Kind, key.Effect, key.PeerCode!.Value.Number));
        Assert.Equal((TransportFaultKind.NotFound, FaultEffect.NotSent, 2ul), (value.Kind, value.Effect, value.PeerCode!.Value.Number));
    }

    [Fact]
    public async Task OpenKeyAsync_PathOfManyFragments_IsAnsweredAndThePipeGoesOn()
    {
        await using var smb = await ConnectAsync();
        await using var registry = Value(await RegistryClient.OpenAsync(smb, default));

        var fault = Fault(await registry.OpenKeyAsync(string.Join('\\', Enumerable.Repeat(new string('a', 200), 160)), RegistryAccess.Read, default));

        Assert.Equal((TransportFaultKind.NotFound, FaultEffect.NotSent), (fault.Kind, fault.Effect));
        Assert.True(Value(await registry.ReadValueAsync(Bios, "BIOSVersion", default)).TryGetText(out _));
    }

    [Fact]
    public async Task QueryServiceAsync_ServicesOfSamba_HaveTheirStates()
    {
        await using var smb = await ConnectAsync();
        var client = new ServiceControlClient(smb);

        Assert.Equal(ServiceState.Running, Value(await client.QueryServiceAsync("RemoteRegistry", default)));
        Assert.Equal(ServiceState.Stopped, Value(await client.QueryServiceAsync("WINS", default)));
        var none = Fault(await client.QueryServiceAsync("NoSuchService", default));
        Assert.Equal((TransportFaultKind.NotFound, 1060ul), (none.Kind, none.PeerCode!.Value.Number));
    }

    [Fact]
    public async Task ProbeAdministratorAsync_AdministratorAndAnother_TellsBothApart()
    {
        await using var administrator = await ConnectAsync();
        await using var other = await ConnectAsync(account: SambaAccount.Operator);

        Assert.True(Value(await new ServiceControlClient(administrator).ProbeAdministratorAsync(default)));
        Assert.False(Value(await new ServiceControlClient(other).ProbeAdministratorAsync(default)));

        // Which reading the registry does not.
        await using var registry = Value(await RegistryClient.OpenAsync(other, default));
        Assert.True(Value(await registry.ReadValueAsync(Bios, "BIOSVersion", default)).TryGetText(out _));
    }

    [Fact]
    public async Task QueryAsync_TheServersTime_IsNotFarFromThisMachines()
    {
        await using var smb = await ConnectAsync();

        var time = Value(await new RemoteTimeClient(smb).QueryAsync(default));

        Assert.InRange((time.Now - TimeProvider.System.GetUtcNow()).Duration(), TimeSpan.Zero, TimeSpan.FromMinutes(10));
    }

    [Fact]
    public async Task EveryClient_NoPipesAreServed_TheServiceDoesNotRun()
    {
        await using var samba = await SambaServer.StartAsync(new() { RegistryPipes = false });
        await using var smb = await ConnectAsync(samba);

        var registry = Fault(await RegistryClient.OpenAsync(smb, default));

        Assert.Equal((TransportFaultKind.ServiceNotRunning, FaultEffect.NotSent, "RemoteRegistry", 0xC0000034ul), (registry.Kind, registry.Effect, registry.Detail, registry.PeerCode!.Value.Number));
        Assert.Equal(TransportFaultKind.ServiceNotRunning, Fault(await new ServiceControlClient(smb).QueryServiceAsync("RemoteRegistry", default)).Kind);
        Assert.Equal(TransportFaultKind.ServiceNotRunning, Fault(await new ServiceControlClient(smb).ProbeAdministratorAsync(default)).Kind);
        Assert.Equal(TransportFaultKind.ServiceNotRunning, Fault(await new ShutdownClient(smb).InitiateAsync(TimeSpan.Zero, "m", true, true, 0, default)).Kind);
        Assert.Empty(samba.ShutdownRequests);
    }

    [Fact]
    public async Task InitiateAndAbort_ByAnAdministrator_ReachTheShutdownScript()
    {
        await using var samba = await SambaServer.StartAsync();
        await using var smb = await ConnectAsync(samba);
        var client = new ShutdownClient(smb);

        Value(await client.InitiateAsync(TimeSpan.FromSeconds(30), "new firmware", force: true, reboot: true, ShutdownReason.PlannedHardwareMaintenance, default));
        Value(await client.InitiateAsync(TimeSpan.FromSeconds(30), "off", force: false, reboot: false, ShutdownReason.PlannedHardwareMaintenance, default));
        Value(await client.AbortAsync(default));

        var requests = samba.ShutdownRequests;
        Assert.Equal([false, false, true], requests.Select(request => request.IsAbort));
        Assert.All(requests, request => Assert.Equal(0, request.User));
        Assert.Equal(["new_firmware", "-r", "-f"], requests[0].Arguments);
        Assert.Equal(["off"], requests[1].Arguments.Where(argument => argument.Length > 0));
    }

    [Fact]
    public async Task InitiateAsync_ByAnotherAccount_IsAccessDeniedAndNothingHappened()
    {
        await using var samba = await SambaServer.StartAsync();
        await using var smb = await ConnectAsync(samba, SambaAccount.Operator);

        var fault = Fault(await new ShutdownClient(smb).InitiateAsync(TimeSpan.FromSeconds(30), "not mine", true, true, 0, default));

        Assert.Equal((TransportFaultKind.AccessDenied, FaultEffect.NotSent), (fault.Kind, fault.Effect));
        Assert.DoesNotContain(samba.ShutdownRequests, request => request.User == 0);
        Assert.Equal(TransportFaultKind.AccessDenied, Fault(await new ShutdownClient(smb).AbortAsync(default)).Kind);
    }

    [Fact]
    public async Task ReadValueAsync_ServerKilledInBetween_IsAFaultAndDisposingEnds()
    {
        await using var samba = await SambaServer.StartAsync(new() { Registry = new SambaRegistry().WithBootId(1) });
        await using var smb = await ConnectAsync(samba);
        await using var registry = Value(await RegistryClient.OpenAsync(smb, default));
        await using var key = Value(await registry.OpenKeyAsync("SYSTEM", RegistryAccess.Read, default));

        await samba.KillConnectionsAsync();

        var fault = Fault(await key.ReadAsync("V", default));
        Assert.Equal((TransportFaultKind.Lost, FaultEffect.NotSent), (fault.Kind, fault.Effect));
        var shutdown = Fault(await new ShutdownClient(smb).InitiateAsync(TimeSpan.Zero, "m", true, true, 0, default));
        Assert.Equal((TransportFaultKind.Lost, FaultEffect.NotSent), (shutdown.Kind, shutdown.Effect));
    }

    [Fact]
    public async Task InitiateAsync_ServerFrozenAndTheCallCancelled_MayHaveApplied()
    {
        await using var samba = await SambaServer.StartAsync();
        await using var smb = await ConnectAsync(samba);
        var rpc = Value(await RpcConnection.OpenAsync(smb, RpcService.Shutdown, default));
        await using var registry = Value(await RegistryClient.OpenAsync(smb, default));
        await samba.FreezeAsync();
        using var source = new CancellationTokenSource();

        var asking = rpc.CallAsync<byte[]>(new(2, 100, IsChange: true), ShutdownClient.Initiate(30, "m", true, true, 0), Take, source.Token);
        var reading = registry.ReadValueAsync(Bios, "BIOSVersion", source.Token);
        Assert.False(asking.IsCompleted || reading.IsCompleted);
        await source.CancelAsync();
        var (asked, read) = (Fault(await asking), Fault(await reading));
        samba.Thaw();
        await rpc.DisposeAsync();

        Assert.Equal((TransportFaultKind.Cancelled, FaultEffect.MayHaveApplied), (asked.Kind, asked.Effect));
        Assert.Equal((TransportFaultKind.Cancelled, FaultEffect.NotSent), (read.Kind, read.Effect));

        // The connection goes on with a pipe of its own for who asks next.
        Value(await new ShutdownClient(smb).AbortAsync(default));

        static bool Take(ReadOnlySpan<byte> stub, out byte[] answer)
        {
            answer = stub.ToArray();
            return true;
        }
    }

    private async Task<ISmbConnection> ConnectAsync(SambaServer? samba = null, SambaAccount? account = null)
    {
        account ??= SambaAccount.Administrator;
        using var credentials = TargetCredentials.Password(account.Name, new Secret(account.Password));
        return Value(await new SmbConnector().ConnectAsync(new("127.0.0.1", (samba ?? server.Samba).Port, credentials, TimeProvider.System), default));
    }
}
