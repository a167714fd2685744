using RomFlash.Peers.Ssh;
using RomFlash.Sdk.Targets;
using RomFlash.Sdk.Testing.Conformance;
using RomFlash.Sdk.Transports.Ssh;

namespace RomFlash.Sdk.Tests.Transports.Ssh;

[Trait("Category", "Peer")]
public sealed class SshConformanceTests
{
    [Fact]
    public async Task RunAsync_OsIndications_IsConformant() => await RunAsync(new(), new());

    [Fact]
    [Trait("Category", "Long")]
    public async Task RunAsync_AnyCapsuleFileAndSysVInitThroughSudo_IsConformant() =>
        await RunAsync(new() { TakesAnyFile = true, SupportsCapsuleFiles = false, Shutdown = LinuxShutdown.SysVInit }, new() { Account = new("operator", SshSudo.MayRunShell) });

    private static async Task RunAsync(LinuxRootOptions root, SshServerOptions server)
    {
        await using var target = await SshTarget.StartAsync(root, server with { Further = "PasswordAuthentication yes" });
        var report = await TransportConformance.RunAsync(
            _ =>
            {
                target.Wipe();
                return new(new ConformanceSubject
                {
                    Transport = new SshTransport(target.Options with { AllowPasswords = true }),
                    Endpoint = TargetEndpoint.TryCreate(target.Address).GetValueOrThrow(),
                    UnknownEndpoint = TargetEndpoint.TryCreate("ssh://127.0.0.1:1/boot/efi").GetValueOrThrow(),
                    Credentials = () => TargetCredentials.CurrentUser,
                    WrongCredentials = () => TargetCredentials.Password("nobody", new Secret("not-a-password")),
                    TimeProvider = TimeProvider.System,
                    Image = Enumerable.Range(0, 300_000).Select(i => (byte)(i * 7)).ToArray(),
                    CutConnections = async () => await target.Server.KillConnectionsAsync(),
                });
            },
            CancellationToken.None);

        Assert.True(report.IsConformant, report.ToString());

        // What SSH does not have: a deposit that arms; and what other tests do with a proxy between.
        Assert.Equal(
            ["facts-hostile-text", "deposit-unsupported-verification", "deposit-arms", "disarm-unsupported", "cancelled-while-hanging", "cut-answer"],
            report.Checks.Where(c => c.Result == ConformanceResult.NotApplicable).Select(c => c.Rule));
    }
}
