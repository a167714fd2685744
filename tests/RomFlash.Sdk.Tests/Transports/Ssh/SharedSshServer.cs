using RomFlash.Peers.Ssh;

namespace RomFlash.Sdk.Tests.Transports.Ssh;

/// <summary>One private sshd for the tests of a class.</summary>
public sealed class SharedSshServer : IAsyncLifetime
{
    public SshServer Server { get; private set; } = null!;

    public async Task InitializeAsync() => Server = await SshServer.StartAsync();

    public async Task DisposeAsync() => await Server.DisposeAsync();
}
