using RomFlash.Sdk.Targets;
using RomFlash.Sdk.Transports;
using RomFlash.Sdk.Transports.Ssh.Connection;

namespace RomFlash.Sdk.Tests.Transports.Ssh.Connection;

/// <summary>Who gets the password, and who does not.</summary>
public sealed class SshAskPassTests
{
    // What ssh -G prints; then it is asked again to connect.
    private const string Tells = """
        for word; do
          if [ "$word" = -G ]; then printf 'user user\nhostname host\nproxyjump none\n'; exit 0; fi
        done

        """;

    // ssh asks for the target's password, then as a jump host's ssh would, then for a passphrase.
    private const string Asks = Tells + """
        folder=$(dirname "$0")
        for question in "user@host's password: " "user@jump's password: " "Enter passphrase for key '/k': " "user@host's password: x"; do
          "$SSH_ASKPASS" "$question" || echo refused
        done >"$folder/answers"
        printf '%s\n' "$SSH_ASKPASS_REQUIRE" "$@" >"$folder/arguments"
        dirname "$SSH_ASKPASS" >"$folder/place"

        """ + FakeSsh.Honest;

    [Theory]
    [InlineData("correct horse")]
    [InlineData("it's $(id) `id` \\ \"ü\"")]
    [InlineData("-n")]
    public async Task OpenAsync_Password_IsGivenToTheOneQuestionAndGoneAfterwards(string password)
    {
        using var ssh = new FakeSsh(Asks, tellsConfiguration: true);
        using var credentials = TargetCredentials.Password("user", new Secret(password));
        await using (await OpenAsync(ssh, "ssh://user@host", credentials))
        {
            Assert.Equal([password + "refused", "refused", "refused"], (await File.ReadAllTextAsync(ssh["answers"])).Split('\n', StringSplitOptions.RemoveEmptyEntries));
            var place = (await File.ReadAllTextAsync(ssh["place"])).Trim();
            Assert.True(System.IO.Directory.Exists(place));
            Assert.DoesNotContain(System.IO.Directory.GetFiles(place), f => !f.EndsWith("/answer", StringComparison.Ordinal) && File.ReadAllText(f).Contains(password, StringComparison.Ordinal));
        }

        var arguments = await File.ReadAllLinesAsync(ssh["arguments"]);
        Assert.Equal("force", arguments[0]);
        foreach (var option in new[] { "BatchMode=no", "PreferredAuthentications=password", "KbdInteractiveAuthentication=no", "NumberOfPasswordPrompts=1", "StrictHostKeyChecking=yes" })
        {
            Assert.Contains(option, arguments);
        }

        Assert.DoesNotContain(arguments, a => a.Contains(password, StringComparison.Ordinal) && password.Length > 2);
    }

    // The worst moment for this process to be killed: ssh has asked nobody yet.
    [Fact]
    public async Task OpenAsync_BeforeItIsAskedFor_ThePasswordIsInNoFile()
    {
        using var ssh = new FakeSsh(Tells + """
            folder=$(dirname "$0")
            for file in "$(dirname "$SSH_ASKPASS")"/*; do [ ! -f "$file" ] || cat "$file"; done >"$folder/files"
            ls -l "$(dirname "$SSH_ASKPASS")" >"$folder/list"
            "$SSH_ASKPASS" "user@host's password: " >"$folder/answers"

            """ + FakeSsh.Honest, tellsConfiguration: true);
        using var credentials = TargetCredentials.Password("user", new Secret("correct horse"));
        await using (await OpenAsync(ssh, "ssh://user@host", credentials))
        {
            Assert.Equal("correct horse", await File.ReadAllTextAsync(ssh["answers"]));
            Assert.DoesNotContain("correct horse", await File.ReadAllTextAsync(ssh["files"]), StringComparison.Ordinal);
            Assert.Matches("(?m)^prw-------.* answer$", await File.ReadAllTextAsync(ssh["list"]));
        }
    }

    [Fact]
    public async Task OpenAsync_AskedForTwice_IsGivenOnce()
    {
        using var ssh = new FakeSsh(Tells + """
            folder=$(dirname "$0")
            "$SSH_ASKPASS" "user@host's password: " >"$folder/answers"
            timeout 1 "$SSH_ASKPASS" "user@host's password: " >>"$folder/answers" || echo refused >>"$folder/answers"

            """ + FakeSsh.Honest, tellsConfiguration: true);
        using var credentials = TargetCredentials.Password("user", new Secret("secret"));
        await using (await OpenAsync(ssh, "ssh://user@host", credentials))
        {
            Assert.Equal("secretrefused\n", await File.ReadAllTextAsync(ssh["answers"]));
        }
    }

    [Theory]
    [InlineData(1023, true)]
    [InlineData(1024, false)]
    public async Task OpenAsync_LongPassword_IsGivenAsFarAsSshReadsIt(int length, bool isTaken)
    {
        using var ssh = new FakeSsh(Tells + "\"$SSH_ASKPASS\" \"user@host's password: \" >\"$(dirname \"$0\")/answers\"\n" + FakeSsh.Honest, tellsConfiguration: true);
        using var credentials = TargetCredentials.Password("user", new Secret(new string('x', length)));
        if ((await SshConnection.OpenAsync(ssh.Client(), Address("ssh://user@host"), credentials, CancellationToken.None)).TryGetValue(out var connection, out var fault))
        {
            await connection.DisposeAsync();
            Assert.Equal(length, (await File.ReadAllTextAsync(ssh["answers"])).Length);
        }

        Assert.Equal(isTaken ? null : TransportFaultKind.Unsupported, fault?.Kind);
    }

    [Fact]
    public async Task OpenAsync_LongNames_AreCutOffAsSshDoes()
    {
        var user = new string('u', 40);
        using var ssh = new FakeSsh(Tells + $"\"$SSH_ASKPASS\" \"{user[..30]}@host's password: \" >\"$(dirname \"$0\")/answers\"\n" + FakeSsh.Honest, tellsConfiguration: true);
        using var credentials = TargetCredentials.Password(user, new Secret("secret"));
        await using (await OpenAsync(ssh, $"ssh://{user}@HOST", credentials))
        {
            Assert.Equal("secret", await File.ReadAllTextAsync(ssh["answers"]));
        }
    }

    [Fact]
    public async Task OpenAsync_WithoutPassword_NobodyIsAsked()
    {
        using var ssh = new FakeSsh("printf '%s,%s' \"$SSH_ASKPASS_REQUIRE\" \"$*\" >\"$(dirname \"$0\")/arguments\"\n" + FakeSsh.Honest, tellsConfiguration: true);
        await using (await OpenAsync(ssh, "ssh://user@host", null))
        {
            var arguments = await File.ReadAllTextAsync(ssh["arguments"]);
            Assert.StartsWith("never,", arguments, StringComparison.Ordinal);
            Assert.Contains("BatchMode=yes", arguments, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("two\nlines")]
    [InlineData("half ?")]
    [InlineData("nul\0")]
    public async Task OpenAsync_PasswordThatSshCantTake_IsUnsupported(string password)
    {
        // An attribute can't hold half of a surrogate pair.
        using var ssh = new FakeSsh(Tells + FakeSsh.Honest, tellsConfiguration: true);
        using var credentials = TargetCredentials.Password("user", new Secret(password.Replace('?', '\ud800')));
        var opened = await SshConnection.OpenAsync(ssh.Client(), Address("ssh://user@host"), credentials, CancellationToken.None);
        Assert.False(opened.TryGetValue(out _, out var fault));
        Assert.Equal((TransportFaultKind.Unsupported, FaultEffect.NotSent), (fault.Kind, fault.Effect));
    }

    [Theory]
    [InlineData("hostname host\nproxyjump jump")]
    [InlineData("hostname host\nproxycommand nc %h %p")]
    [InlineData("")]
    public async Task OpenAsync_SomethingIsBetween_NoPasswordIsGiven(string configuration)
    {
        using var ssh = new FakeSsh($"printf '%s\\n' '{configuration}' | grep .; echo \"$SSH_ASKPASS\" >>\"$(dirname \"$0\")/asked\"", tellsConfiguration: true);
        using var credentials = TargetCredentials.Password("user", new Secret("secret"));
        Assert.False((await SshConnection.OpenAsync(ssh.Client(), Address("ssh://user@host"), credentials, CancellationToken.None)).TryGetValue(out _, out var fault));
        Assert.Equal((TransportFaultKind.Unsupported, FaultEffect.NotSent), (fault.Kind, fault.Effect));
        Assert.Equal("\n", await File.ReadAllTextAsync(ssh["asked"]));
    }

    [Theory]
    [InlineData("ssh://host", "user", true)]
    [InlineData("ssh://user@host", "user", true)]
    [InlineData("ssh://other@host", "user", false)]
    [InlineData("ssh://host", "DOMAIN\\user", false)]
    [InlineData("ssh://host", "-oProxyCommand=x", false)]
    public void As_User_IsTheOneOfTheAddress(string address, string user, bool isTaken) => Assert.Equal(isTaken ? user : null, Address(address).As(user)?.User);

    private static SshAddress Address(string text) => SshAddress.TryParse(new Uri(text)).TryGetValue(out var address, out _) ? address : throw new InvalidOperationException();

    private static async Task<SshConnection> OpenAsync(FakeSsh ssh, string address, PasswordCredentials? credentials) =>
        (await SshConnection.OpenAsync(ssh.Client(), Address(address), credentials, CancellationToken.None)).TryGetValue(out var connection, out var fault) ? connection : throw new InvalidOperationException(fault.ToString());
}
