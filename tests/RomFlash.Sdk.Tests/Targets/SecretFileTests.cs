using System.Runtime.Versioning;
using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Targets;

namespace RomFlash.Sdk.Tests.Targets;

[SupportedOSPlatform("linux")]
public sealed class SecretFileTests : IDisposable
{
    private const UnixFileMode Mine = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private readonly string _folder = Directory.CreateTempSubdirectory("romflash-secret-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("correct horse\n", "correct horse")]
    [InlineData("correct horse\r\n", "correct horse")]
    [InlineData("correct horse", "correct horse")]
    [InlineData(" größe ", " größe ")]
    [InlineData("\uFEFFx\n", "x")]
    public async Task ReadAsync_OneLine_IsTheSecretWithoutItsLineEnd(string content, string secret)
    {
        using var read = (await SecretFile.ReadAsync(Write(content, Mine), default)).GetValueOrThrow();

        Assert.Equal(secret, read.Use(0, static (_, characters) => characters.ToString()));
    }

    [Theory]
    [InlineData("")]
    [InlineData("\n")]
    [InlineData("a\nb\n")]
    [InlineData("a\0b")]
    public async Task ReadAsync_NotOneLine_IsRefused(string content) =>
        Assert.IsType<CredentialsUnavailable>(await FailureAsync(Write(content, Mine)));

    [Theory]
    [InlineData(UnixFileMode.GroupRead)]
    [InlineData(UnixFileMode.GroupWrite)]
    [InlineData(UnixFileMode.GroupExecute)]
    [InlineData(UnixFileMode.OtherRead)]
    [InlineData(UnixFileMode.OtherWrite)]
    [InlineData(UnixFileMode.OtherExecute)]
    public async Task ReadAsync_AnyRightOfOthers_IsRefused(UnixFileMode right) =>
        Assert.IsType<SecretUnprotected>(await FailureAsync(Write("s3cret", Mine | right)));

    [Fact]
    public async Task ReadAsync_LinkToAnUnprotectedFile_IsRefused()
    {
        var link = Path.Combine(_folder, "link");
        File.CreateSymbolicLink(link, Write("s3cret", Mine | UnixFileMode.OtherRead));

        Assert.IsType<SecretUnprotected>(await FailureAsync(link));
    }

    [Fact]
    public async Task ReadAsync_TooLarge_IsRefused() =>
        Assert.IsType<CredentialsUnavailable>(await FailureAsync(Write(new string('x', SecretFile.MaxLength + 1), Mine)));

    [Theory]
    [InlineData("/dev/null")]
    [InlineData("/no/such/file")]
    [InlineData("/")]
    public async Task ReadAsync_NoRegularFile_IsRefusedWithoutItsPath(string path)
    {
        var failure = await FailureAsync(path);

        Assert.IsType<CredentialsUnavailable>(failure);
        Assert.DoesNotContain("/", failure.Detail, StringComparison.Ordinal);
    }

    private static async Task<FlashFailure> FailureAsync(string path)
    {
        Assert.False((await SecretFile.ReadAsync(path, default)).TryGetValue(out _, out var failure));
        return failure;
    }

    private string Write(string content, UnixFileMode mode)
    {
        var path = Path.Combine(_folder, "secret");
        File.WriteAllText(path, content);
        File.SetUnixFileMode(path, mode);
        return path;
    }
}
