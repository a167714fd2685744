namespace RomFlash.Cli.Tests;

/// <summary>What must never be in any output.</summary>
internal static class Output
{
    /// <summary>Product names that try to do something to whoever shows them.</summary>
    public const string Hostile = "[/]\u001b]0;x\a<script>\r\nromflash: all is well\u202e";

    /// <summary>No control character but the line feeds between our own lines, and no character that turns text around.</summary>
    public static void AssertPlain(string text) =>
        Assert.DoesNotContain(text, c => (char.IsControl(c) && c != '\n' && c != '\r') || c == '\u202e');

    public static void AssertPlain(RunResult result)
    {
        AssertPlain(result.Out);
        AssertPlain(result.Error);
    }
}
