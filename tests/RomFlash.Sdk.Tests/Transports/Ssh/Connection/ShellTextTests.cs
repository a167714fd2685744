using RomFlash.Peers;
using RomFlash.Sdk.Transports.Ssh.Connection;

namespace RomFlash.Sdk.Tests.Transports.Ssh.Connection;

public sealed class ShellTextTests
{
    [Theory]
    [InlineData("", "''")]
    [InlineData("a", "'a'")]
    [InlineData("a'b", "'a'\\''b'")]
    [InlineData("$(id) `id` \\ \" \n !", "'$(id) `id` \\ \" \n !'")]
    public void Quote_Value_IsOneWord(string value, string word) => Assert.Equal(word, ShellText.Quote(value));

    [Fact]
    public void Quote_WhatNoWordCanHold_IsRefused()
    {
        foreach (var value in new[] { "a\0b", "a\ud800", "\udc00b", "\udc00\ud800" })
        {
            Assert.Throws<ArgumentException>(() => ShellText.Quote(value));
        }
    }

    [Fact]
    [Trait("Category", "Peer")]
    public async Task Quote_RandomTexts_ComeBackFromShell()
    {
        var seed = Random.Shared.Next();
        var random = new Random(seed);
        string[] pieces = ["'", "\"", "$", "`", "\\", "\n", "\r", "\t", " ", "$(id)", "${HOME}", "!", "*", "?", "~", "#", ";", "&", "|", "<", ">", "(", ")", "-", "=", "%s", "\u0001", "\u007f", "ä", "日本", "\U0001F600", "a", "Z", "0"];
        var values = Enumerable.Range(0, 500).Select(_ => string.Concat(Enumerable.Range(0, random.Next(40)).Select(_ => pieces[random.Next(pieces.Length)]))).ToList();

        // Each value stands between zeros, which none can hold; and once more below a further level of quotes.
        var script = string.Concat(values.Select(v => $"printf '%s\\000' {ShellText.Quote(v)}\n/bin/sh -c {ShellText.Quote($"printf '%s\\000' {ShellText.Quote(v)}")}\n"));
        var result = await PeerProgram.RunAsync("/bin/sh", [], script);
        Assert.True(result.ExitCode == 0, $"seed {seed}: {result.Errors}");
        var back = result.Output.Split('\0');
        Assert.Equal((2 * values.Count) + 1, back.Length);
        for (var i = 0; i < values.Count; i++)
        {
            Assert.True(values[i] == back[2 * i] && values[i] == back[(2 * i) + 1], $"seed {seed}, value {i}: {values[i]}");
        }
    }
}
