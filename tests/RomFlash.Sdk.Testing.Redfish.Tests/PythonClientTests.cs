using System.Text.Json.Nodes;
using RomFlash.Sdk.Transports;

namespace RomFlash.Sdk.Testing.Redfish.Tests;

/// <summary>Two clients that know nothing of this project: python3-sushy, and the DMTF's redfishtool.</summary>
[Trait("Category", "Peer")]
public sealed class PythonClientTests
{
    private const string Python = "/usr/bin/python3";
    private const string RedfishTool = "/usr/bin/redfishtool";

    [Theory]
    [MemberData(nameof(FaceUnderTest.Vendors), MemberType = typeof(FaceUnderTest))]
    public async Task Sushy_WithASession_ReadsAndRestarts(RedfishVendor vendor)
    {
        await using var under = await FaceUnderTest.StartAsync(FaceUnderTest.Options(vendor));
        const string Script = """
            import json, sys
            import sushy
            from sushy import auth
            root = sushy.Sushy(sys.argv[1], verify=sys.argv[4], auth=auth.SessionAuth(sys.argv[2], sys.argv[3]))
            system = root.get_system_collection().get_members()[0]
            manager = root.get_manager_collection().get_members()[0]
            chassis = root.get_chassis_collection().get_members()[0]
            update = root.get_update_service()
            inventory = update.firmware_inventory.get_members()
            tasks = root.get_task_service()
            system.reset_system(sushy.RESET_FORCE_RESTART)
            print(json.dumps({
                'uuid': system.uuid, 'serial': system.serial_number, 'bios': system.bios_version, 'power': str(system.power_state),
                'manager': manager.identity, 'chassis': chassis.identity, 'size': update.max_image_size_bytes if hasattr(update, 'max_image_size_bytes') else None,
                'versions': {i.identity: i.version for i in inventory}, 'updateable': [i.updateable for i in inventory],
                'storage': [s.identity for s in system.storage.get_members()],
                'tasks': len(tasks.tasks.get_members()),
                'sessions': len(root.get_session_service().sessions.get_members()),
            }))
            root._auth.close()
            """;
        var (exitCode, output) = await RunPythonAsync(under, Script);

        Assert.True(exitCode == 0, output);
        var told = JsonNode.Parse(output[output.IndexOf('{', StringComparison.Ordinal)..])!;
        Assert.Equal(under.Target.Identity.SmbiosUuid.ToString(), (string)told["uuid"]!);
        Assert.Equal("SIM-server-1", (string)told["serial"]!);
        Assert.Equal("1.0.0", (string)told["bios"]!);
        Assert.Contains("on", (string)told["power"]!, StringComparison.OrdinalIgnoreCase);
        Assert.Equal("1.0.0", (string)told["versions"]!["system"]!);
        Assert.Equal("6.30", (string)told["versions"]!["array-0"]!);
        Assert.Equal("array-0", (string)told["storage"]![0]!);
        Assert.Equal(0, (int)told["tasks"]!);
        Assert.Equal(1, (int)told["sessions"]!);
        Assert.Equal(1, under.Target.BootCount);
    }

    [Fact]
    public async Task Sushy_PollsAMonitor_UntilTheTargetHasRestarted()
    {
        await using var under = await FaceUnderTest.StartAsync();
        using var pushed = await under.PushAsync(FaceUnderTest.NewSystemRom.Content, "OnReset");
        const string Script = """
            import sys
            import sushy
            from sushy import auth, taskmonitor
            root = sushy.Sushy(sys.argv[1], verify=sys.argv[4], auth=auth.BasicAuth(sys.argv[2], sys.argv[3]))
            monitor = taskmonitor.TaskMonitor(root._conn, sys.argv[5])
            print(monitor.is_processing, monitor.task.task_state.value if monitor.task else None)
            """;
        var waiting = await RunPythonAsync(under, Script, pushed.Headers.Location!.ToString());
        under.Restart();
        var done = await RunPythonAsync(under, Script, pushed.Headers.Location!.ToString());

        Assert.Equal("True Pending", waiting.Output.Trim().Split('\n')[^1]);
        Assert.Equal("False None", done.Output.Trim().Split('\n')[^1]);
    }

    [Theory]
    [InlineData("Systems", "ComputerSystemCollection")]
    [InlineData("Chassis", "ChassisCollection")]
    [InlineData("Managers", "ManagerCollection")]
    [InlineData("SessionService", "SessionService")]
    [InlineData("AccountService", "AccountService")]
    [InlineData("root", "ServiceRoot")]
    [InlineData("hello", "")]
    public async Task RedfishTool_Subcommand_IsContent(string subcommand, string type)
    {
        await using var under = await FaceUnderTest.StartAsync();

        var (exitCode, output) = await RunToolAsync(under, [subcommand]);

        Assert.True(exitCode == 0, output);
        Assert.Contains(type, output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Systems", "-1", "get")]
    [InlineData("Systems", "-1", "-P", "BiosVersion", "get")]
    [InlineData("Systems", "list")]
    [InlineData("Chassis", "-1", "get")]
    [InlineData("Managers", "-1", "get")]
    [InlineData("SessionService", "-1", "get")]
    [InlineData("SessionService", "Sessions")]
    [InlineData("AccountService", "Accounts")]
    [InlineData("AccountService", "Roles")]
    [InlineData("raw", "GET", "/redfish/v1/UpdateService/FirmwareInventory")]
    public async Task RedfishTool_Operation_IsContent(params string[] arguments)
    {
        await using var under = await FaceUnderTest.StartAsync();

        var (exitCode, output) = await RunToolAsync(under, arguments);

        Assert.True(exitCode == 0, output);
        Assert.DoesNotContain("Error", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task RedfishTool_Reset_RestartsTheTarget()
    {
        await using var under = await FaceUnderTest.StartAsync();

        var (exitCode, output) = await RunToolAsync(under, ["Systems", "-1", "reset", "ForceRestart"]);

        Assert.True(exitCode == 0, output);
        Assert.Equal(1, under.Target.BootCount);
    }

    [Fact]
    public async Task RedfishTool_WrongPassword_IsRefused()
    {
        await using var under = await FaceUnderTest.StartAsync();

        var (exitCode, output) = await PeerProgram.RunAsync(RedfishTool, ["-r", under.Face.Address.Authority, "-S", "Always", "-A", "Basic", "-u", FaceUnderTest.User, "-p", "wrong", "Systems"]);

        Assert.True(exitCode != 0, output);
        Assert.Contains("401", output, StringComparison.Ordinal);
    }

    // The client is told which certificate to trust, and checks it.
    private static async Task<(int ExitCode, string Output)> RunPythonAsync(FaceUnderTest under, string script, params string[] arguments)
    {
        var folder = Directory.CreateTempSubdirectory("romflash-sushy");
        try
        {
            var trusted = Path.Combine(folder.FullName, "face.pem");
            var file = Path.Combine(folder.FullName, "script.py");
            await File.WriteAllTextAsync(trusted, under.Face.CertificatePem);
            await File.WriteAllTextAsync(file, script);
            return await PeerProgram.RunAsync(
                Python,
                ["-W", "ignore", file, under.Face.Address.ToString(), FaceUnderTest.User, FaceUnderTest.Password, trusted, .. arguments],
                new() { ["REQUESTS_CA_BUNDLE"] = trusted });
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static Task<(int ExitCode, string Output)> RunToolAsync(FaceUnderTest under, string[] arguments) =>
        PeerProgram.RunAsync(
            RedfishTool,
            ["-r", under.Face.Address.Authority, "-S", "Always", "-A", arguments[0] == "AccountService" ? "Basic" : "Session", "-u", FaceUnderTest.User, "-p", FaceUnderTest.Password, .. arguments]);
}
