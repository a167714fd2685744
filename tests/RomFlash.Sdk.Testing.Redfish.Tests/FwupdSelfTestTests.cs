using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;
using System.Text;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Testing.Simulation;
using RomFlash.Sdk.Transports;

namespace RomFlash.Sdk.Testing.Redfish.Tests;

/// <summary>What uses the one port that fwupd's test program knows.</summary>
[CollectionDefinition(nameof(Port4661), DisableParallelization = true)]
public sealed class Port4661;

/// <summary>
/// fwupd's own test of its Redfish client against faces. It talks to one port, expects a controller of another vendor for each account
/// that it signs in as, and machines whose identities, versions and images (<c>hello</c>) are written into it: each account gets a
/// face and a target of its own here, and a relay before them looks at the account.
/// </summary>
[Collection(nameof(Port4661))]
[Trait("Category", "Peer")]
public sealed class FwupdSelfTestTests
{
    private const string Program = "/usr/libexec/installed-tests/fwupd/redfish-self-test";
    private const string Data = "/usr/share/installed-tests/fwupd";
    private const string Password = "password2";

    [Fact]
    public async Task SelfTest_AgainstAFaceOfEachVendor_PassesEveryCase()
    {
        await using var generic = await MachineAsync("username2", RedfishVendor.Generic, o => o with { LocationNamesTask = true });
        await using var supermicro = await MachineAsync("smc_username", RedfishVendor.Supermicro);
        await using var unlicensed = await MachineAsync("unlicensed_username", RedfishVendor.Supermicro, o => o with { IsLicensed = false });
        await using var hpe = await MachineAsync("hpe_username", RedfishVendor.Hpe);
        await using var dell = await MachineAsync("dell_username", RedfishVendor.Dell, o => o with { DellSystemId = 0x0C60 });
        var scratch = Directory.CreateTempSubdirectory("romflash-fwupd");
        try
        {
            int exitCode;
            string output;
            await using (AccountRelay.Start(4661, [generic, supermicro, unlicensed, hpe, dell]))
            {
                (exitCode, output) = await PeerProgram.RunAsync(Program, [], new()
                {
                    ["G_TEST_SRCDIR"] = Data,
                    ["G_TEST_BUILDDIR"] = Data,
                    ["FWUPD_LOCALSTATEDIR"] = scratch.FullName,
                });
            }

            var results = output.Split('\n').Where(l => l.StartsWith("ok ", StringComparison.Ordinal) || l.StartsWith("not ok ", StringComparison.Ordinal)).ToArray();
            Assert.True(exitCode == 0 && results.Length == 13, output);
            Assert.All(results, r => Assert.StartsWith("ok ", r, StringComparison.Ordinal));

            // Cases that need a network card or an IPMI device skip themselves; those that need a face do not.
            foreach (var needed in (string[])
                ["unlicensed_plugin{devices}", "smc_plugin{devices}", "smc_plugin{update}", "hpe_plugin{update}", "plugin{devices}", "dell_plugin{devices}", "plugin{update}"])
            {
                Assert.Contains(results, r => r.EndsWith($" /redfish/{needed}", StringComparison.Ordinal));
            }

            // What the program did arrived at the machines.
            Assert.Equal(ArmedPhase.Armed, generic.Target.ArmedPhase);
            Assert.Equal(ArmedPhase.Armed, supermicro.Target.ArmedPhase);
            Assert.Equal(ArmedPhase.Armed, hpe.Target.ArmedPhase);
            Assert.Equal(ArmedPhase.None, unlicensed.Target.ArmedPhase);
        }
        finally
        {
            scratch.Delete(recursive: true);
        }
    }

    // A machine as the program expects one: it takes any content, because the program pushes no image.
    private static async Task<Machine> MachineAsync(string user, RedfishVendor vendor, Func<RedfishFaceOptions, RedfishFaceOptions>? change = null)
    {
        var rack = new SimulatedRack(new SimulatedClock());
        var target = rack.Add(new()
        {
            Name = user.Replace('_', '-'),
            Persona = RedfishFace.ControllerPersona with { Verification = [VerificationMethod.None] },
            Roms =
            [
                new("BMC", SimulatedRom.Create(Guid.NewGuid(), RomKind.Controller, "11A-1.02", 1)),
                new("BIOS", SimulatedRom.Create(new("fee82a67-6ce2-4625-9f44-237ad2402c28"), RomKind.SystemRom, "P79 v1.45", 1)),
            ],
        });
        var isSupermicro = vendor == RedfishVendor.Supermicro;
        var options = new RedfishFaceOptions
        {
            Vendor = vendor,
            PlainHttp = true,
            Accounts = [new(user, Password)],
            Inventory = ImmutableDictionary<string, RedfishInventoryItem>.Empty
                .Add("BMC", new()
                {
                    Name = "Lenovo BMC Firmware",
                    Manufacturer = isSupermicro ? "SMCI" : "Lenovo",
                    SoftwareId = "UEFI-AFE1-6",
                    LowestSupportedVersion = "11A-0.12",
                    ReleaseDate = "2019-03-15T00:00:00",
                    DeviceClass = new("aa148d2e-6e09-453e-bc6f-63baa5f5ccc4"),
                    Targets = [new("00000000-0000-0000-0000-000000000229"), new("00000000-0000-0000-0000-000001413436")],
                })
                .Add("BIOS", new()
                {
                    Name = "Contoso BIOS Firmware",
                    Manufacturer = isSupermicro ? "SMCI" : "Contoso",

                    // Dell's are numbers, and fwupd relies on it.
                    SoftwareId = vendor == RedfishVendor.Dell ? "159" : null,
                    LowestSupportedVersion = "P79 v1.10",
                    ReleaseDate = "2019-03-15T00:00:00Z",
                    SerialNumber = "12345",
                    Pci = new(0x14E4, 0x165F, 0x17AA, 0x4042),
                    PciDeviceClass = "NetworkController",
                }),
        };
        return new(user, target, await RedfishFace.StartAsync(rack, target, change is null ? options : change(options), CancellationToken.None));
    }

    private sealed record Machine(string User, SimulatedTarget Target, RedfishFace Face) : IAsyncDisposable
    {
        public ValueTask DisposeAsync() => Face.DisposeAsync();
    }

    /// <summary>Hands each connection, byte for byte, to the face of the account in its first request.</summary>
    private sealed class AccountRelay : IAsyncDisposable
    {
        private readonly TcpListener _listener;
        private readonly CancellationTokenSource _stop = new();
        private readonly Task _accepting;

        private AccountRelay(TcpListener listener, Machine[] machines)
        {
            _listener = listener;
            _accepting = AcceptAsync(machines);
        }

        public static AccountRelay Start(int port, Machine[] machines)
        {
            var listener = new TcpListener(IPAddress.Loopback, port);
            listener.Start();
            return new(listener, machines);
        }

        public async ValueTask DisposeAsync()
        {
            await _stop.CancelAsync();
            _listener.Stop();
            await _accepting;
            _stop.Dispose();
        }

        private async Task AcceptAsync(Machine[] machines)
        {
            var open = new List<Task>();
            try
            {
                while (true)
                {
                    open.Add(RelayAsync(await _listener.AcceptTcpClientAsync(_stop.Token), machines));
                }
            }
            catch (OperationCanceledException)
            {
                await Task.WhenAll(open);
            }
        }

        private async Task RelayAsync(TcpClient client, Machine[] machines)
        {
            using var near = client;
            try
            {
                var head = new byte[1 << 14];
                var length = 0;
                string text;
                do
                {
                    var count = await near.GetStream().ReadAsync(head.AsMemory(length), _stop.Token);
                    length += count;
                    text = Encoding.Latin1.GetString(head, 0, length);
                    if (count == 0)
                    {
                        return;
                    }
                }
                while (!text.Contains("\r\n\r\n", StringComparison.Ordinal));

                var machine = machines.Single(m => text.Contains($"Basic {Convert.ToBase64String(Encoding.UTF8.GetBytes($"{m.User}:{Password}"))}\r\n", StringComparison.Ordinal));
                using var far = new TcpClient();
                await far.ConnectAsync(IPAddress.Loopback, machine.Face.Address.Port, _stop.Token);
                await far.GetStream().WriteAsync(head.AsMemory(0, length), _stop.Token);
                await Task.WhenAny(near.GetStream().CopyToAsync(far.GetStream(), _stop.Token), far.GetStream().CopyToAsync(near.GetStream(), _stop.Token));
            }
            catch (Exception e) when (e is IOException or OperationCanceledException or SocketException)
            {
                // Either end went away.
            }
        }
    }
}
