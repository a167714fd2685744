using RomFlash.Peers.Ssh;
using RomFlash.Sdk.Targets;
using RomFlash.Sdk.Testing.Conformance;
using RomFlash.Sdk.Transports.Ssh;

namespace RomFlash.Sdk.Tests.Transports.Ssh;

[Trait("Category", "Peer")]
public sealed class SshConformanceTests
{
    public static TheoryData<string, bool, LinuxRootOptions, SshServerOptions> Variants() => new()
    {
        { "OsIndications", true, new(), new() },
        { "any capsule file, sysvinit", true, new() { TakesAnyFile = true, SupportsCapsuleFiles = false, Shutdown = LinuxShutdown.SysVInit }, new() },
        { "sudo", true, new(), new() { Account = new("operator", SshSudo.MayRunShell) } },
        { "a connection for each channel", false, new(), new() },
    };

    [Theory]
    [MemberData(nameof(Variants))]
    public async Task RunAsync_OpenSsh_IsConformant(string variant, bool multiplex, LinuxRootOptions root, SshServerOptions server)
    {
        Assert.NotEmpty(variant);
        await using var target = await SshTarget.StartAsync(root, server);
        var report = await TransportConformance.RunAsync(
            _ =>
            {
                target.Wipe();
                return new(new ConformanceSubject
                {
                    Transport = new SshTransport(target.Options with { Multiplex = multiplex }),
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
