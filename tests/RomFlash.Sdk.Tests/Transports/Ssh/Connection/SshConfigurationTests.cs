using RomFlash.Peers.Ssh;
using RomFlash.Sdk.Tests.Journal;
using RomFlash.Sdk.Transports.Ssh.Connection;

namespace RomFlash.Sdk.Tests.Transports.Ssh.Connection;

public sealed class SshConfigurationTests
{
    private const string Chacha = "chacha20-poly1305@openssh.com";
    private const string Gcm128 = "aes128-gcm@openssh.com";
    private const string Gcm256 = "aes256-gcm@openssh.com";

    private static bool HasAes => System.Runtime.Intrinsics.X86.Aes.IsSupported || System.Runtime.Intrinsics.Arm.Aes.IsSupported;

    [Theory]
    [InlineData($"{Chacha},aes256-ctr,{Gcm256},{Gcm128}", $"{Gcm256},{Gcm128},{Chacha},aes256-ctr")]
    [InlineData($"{Chacha},{Gcm128}", $"{Gcm128},{Chacha}")]
    [InlineData($"{Gcm128},{Chacha}", null)]
    [InlineData(Gcm256, null)]
    [InlineData($"aes256-ctr,{Gcm128},{Chacha}", null)]
    [InlineData($"{Chacha},aes128-ctr", null)]
    [InlineData("", null)]
    public void Ciphers_AnyList_AreTheSameAndGcmFirst(string permitted, string? expected) =>
        Assert.Equal(HasAes ? expected : null, new SshConfiguration(["port 22", "ciphers " + permitted]).Ciphers);

    [Fact]
    public void Value_OfNothing_IsNull()
    {
        var configuration = new SshConfiguration(["hostname h", "proxyjump none", "proxycommand", "hostnamex y"]);
        Assert.Equal("h", configuration.Value("hostname"));
        Assert.Null(configuration.Value("proxyjump"));
        Assert.Null(configuration.Value("proxycommand"));
        Assert.Null(configuration.Value("host"));
        Assert.Null(new SshConfiguration([]).Ciphers);
    }

    [Theory]
    [Trait("Category", "Peer")]
    [InlineData(null, Gcm128)]
    [InlineData($"{Chacha},{Gcm256}", Gcm256)]
    [InlineData(Chacha, Chacha)]
    public async Task OpenAsync_OpenSsh_TakesTheFirstThatIsPermitted(string? permitted, string expected)
    {
        await using var server = await SshServer.StartAsync(new SshServerOptions { Further = "LogLevel DEBUG1" });
        using var scratch = new Scratch();
        var file = scratch["config"];
        await File.WriteAllTextAsync(file, $"{(permitted is null ? string.Empty : $"Ciphers {permitted}\n")}{await File.ReadAllTextAsync(server.ClientConfiguration)}");
        var client = new OpenSshClient(new() { ConfigurationFile = file }, TimeProvider.System);
        Assert.True(SshAddress.TryParse(new Uri($"ssh://127.0.0.1:{server.Port}")).TryGetValue(out var address, out _));
        var opened = await SshConnection.OpenAsync(client, address, CancellationToken.None);
        Assert.True(opened.TryGetValue(out var connection, out var fault), fault?.ToString());
        await connection.DisposeAsync();
        Assert.Contains($"kex: client->server cipher: {(HasAes ? expected : permitted?.Split(',')[0] ?? Chacha)} ", server.Log, StringComparison.Ordinal);
    }
}
