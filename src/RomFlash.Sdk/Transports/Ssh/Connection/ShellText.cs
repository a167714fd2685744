using System.Text;

namespace RomFlash.Sdk.Transports.Ssh.Connection;

/// <summary>The one way by which a value gets into a command of the far side.</summary>
internal static class ShellText
{
    /// <summary>How text is sent: an unpaired surrogate is refused, not replaced.</summary>
    public static UTF8Encoding Encoding { get; } = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>The value as one word of a POSIX shell, whatever it holds. Between single quotes nothing has a meaning but the single quote (POSIX, 2.2.2).</summary>
    /// <exception cref="ArgumentException">It holds a NUL or half of a surrogate pair: no word can.</exception>
    public static string Quote(string value)
    {
        ArgumentNullException.ThrowIfNull(value);
        if (value.Contains('\0', StringComparison.Ordinal) || !IsWellFormed(value))
        {
            throw new ArgumentException("a word of a shell holds no NUL and no half of a surrogate pair", nameof(value));
        }

        return "'" + value.Replace("'", "'\\''", StringComparison.Ordinal) + "'";
    }

    private static bool IsWellFormed(string value)
    {
        for (var rest = value.AsSpan(); !rest.IsEmpty;)
        {
            if (Rune.DecodeFromUtf16(rest, out _, out var length) is not System.Buffers.OperationStatus.Done)
            {
                return false;
            }

            rest = rest[length..];
        }

        return true;
    }
}
