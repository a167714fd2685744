using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using RomFlash.Sdk.Outcomes;

namespace RomFlash.Sdk.Transports.Ssh.Connection;

/// <summary>
/// Makes a fault of how ssh ended. Total: what is not known becomes <see cref="TransportFaultKind.Unmapped"/>. The text is ssh's own mixed with whatever the far side printed, so it decides what a
/// fault is called and never what its effect is.
/// </summary>
internal static partial class SshFaults
{
    private const int MaxDetail = 2000;

    // In the order in which they are asked: what says more comes first. Messages of OpenSSH 7.6 to 10 in the C locale; errno texts of glibc, musl, the BSDs and Windows.
    private static readonly (string Text, TransportFaultKind Kind)[] Messages =
    [
        ("REMOTE HOST IDENTIFICATION HAS CHANGED", TransportFaultKind.PeerNotTrusted),
        ("Host key verification failed", TransportFaultKind.PeerNotTrusted),
        ("host key is known for", TransportFaultKind.PeerNotTrusted),
        ("REVOKED HOST KEY", TransportFaultKind.PeerNotTrusted),
        ("Could not resolve hostname", TransportFaultKind.NameNotResolved),
        ("Control socket connect", TransportFaultKind.Lost),
        ("Connection refused", TransportFaultKind.Refused),
        ("No route to host", TransportFaultKind.Unreachable),
        ("Network is unreachable", TransportFaultKind.Unreachable),
        ("Network unreachable", TransportFaultKind.Unreachable),
        ("Network is down", TransportFaultKind.Unreachable),
        ("Host is down", TransportFaultKind.Unreachable),
        ("Host is unreachable", TransportFaultKind.Unreachable),
        ("Connection timed out", TransportFaultKind.TimedOut),
        ("Operation timed out", TransportFaultKind.TimedOut),
        ("password has expired", TransportFaultKind.PasswordExpired),
        ("Password change required", TransportFaultKind.PasswordExpired),
        ("account has expired", TransportFaultKind.AccountDisabled),
        ("account is currently not available", TransportFaultKind.AccountDisabled),
        ("Account locked due to", TransportFaultKind.AccountLocked),
        ("System is booting up", TransportFaultKind.Busy),
        ("Exceeded MaxStartups", TransportFaultKind.Busy),
        ("Session open refused by peer", TransportFaultKind.Busy),
        ("Not allowed at this time", TransportFaultKind.Busy),
        ("Too many authentication failures", TransportFaultKind.CredentialsRejected),
        ("Permission denied (", TransportFaultKind.CredentialsRejected),
        ("no matching host key type found", TransportFaultKind.Unsupported),
        ("no matching key exchange method found", TransportFaultKind.Unsupported),
        ("no matching cipher found", TransportFaultKind.Unsupported),
        ("no matching MAC found", TransportFaultKind.Unsupported),
        ("no matching compression method found", TransportFaultKind.Unsupported),
        ("administratively prohibited", TransportFaultKind.Unsupported),
        ("Bad configuration option", TransportFaultKind.Unsupported),
        ("bad configuration options", TransportFaultKind.Unsupported),
        ("Bad owner or permissions on", TransportFaultKind.Unsupported),
        ("Can't open user config file", TransportFaultKind.Unsupported),
        ("unknown option --", TransportFaultKind.Unsupported),
        ("Unsupported option", TransportFaultKind.Unsupported),
        ("command-line line 0", TransportFaultKind.Unsupported),
        ("Cannot execute command-line and remote command", TransportFaultKind.Unsupported),
        ("Protocol major versions differ", TransportFaultKind.ProtocolViolation),
        ("banner line contains invalid characters", TransportFaultKind.ProtocolViolation),
        ("Bad remote protocol version identification", TransportFaultKind.ProtocolViolation),
        ("Bad packet length", TransportFaultKind.ProtocolViolation),
        ("message authentication code incorrect", TransportFaultKind.ProtocolViolation),
        ("Corrupted MAC on input", TransportFaultKind.ProtocolViolation),
        ("incorrect signature", TransportFaultKind.ProtocolViolation),
        ("Timeout, server ", TransportFaultKind.Lost),
        ("Connection reset by", TransportFaultKind.Lost),
        ("Connection closed by", TransportFaultKind.Lost),
        ("closed by remote host", TransportFaultKind.Lost),
        ("Broken pipe", TransportFaultKind.Lost),
        ("Received disconnect from", TransportFaultKind.Lost),
        ("Disconnected from", TransportFaultKind.Lost),
        ("read from master failed", TransportFaultKind.Lost),
        ("client_loop: send disconnect", TransportFaultKind.Lost),
        ("Software caused connection abort", TransportFaultKind.Lost),
    ];

    /// <summary>What a text of ssh stands for.</summary>
    public static TransportFaultKind KindOf(string errors)
    {
        foreach (var (text, kind) in Messages)
        {
            if (errors.Contains(text, StringComparison.Ordinal))
            {
                return kind;
            }
        }

        return TransportFaultKind.Unmapped;
    }

    /// <summary>A fault from a process that ended, or was ended.</summary>
    /// <param name="exitCode">Null when it was still running.</param>
    /// <param name="errors">What it printed as errors.</param>
    /// <param name="effect">What the caller knows by its own.</param>
    public static TransportFault Of(int? exitCode, string errors, FaultEffect effect)
    {
        var code = exitCode is { } number ? new PeerCode(PeerCode.ExitCode, unchecked((uint)number)) : (PeerCode?)null;
        return new(KindOf(errors), effect, Detail(errors)) { PeerCode = code };
    }

    /// <summary>What people need of it: no frames of at-signs, no empty lines, and not without bounds.</summary>
    public static string Detail(string errors)
    {
        var detail = new StringBuilder();
        foreach (var line in errors.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            var text = line.Trim('@').Trim();
            if (text.Length > 0 && !text.StartsWith("Warning: Permanently added", StringComparison.Ordinal))
            {
                detail.Append(detail.Length > 0 ? "; " : string.Empty).Append(text);
            }
        }

        // The end says why.
        return detail.Length > MaxDetail ? string.Concat("…", detail.ToString().AsSpan(detail.Length - MaxDetail + 1)) : detail.ToString();
    }

    /// <summary>The first fingerprint in a text of ssh.</summary>
    public static SshFingerprint? FingerprintIn(string errors) =>
        Fingerprints().Match(errors) is { Success: true } match && SshFingerprint.TryParse(match.Value, out var fingerprint) ? fingerprint : null;

    /// <summary>Where ssh says that another key of this host stands.</summary>
    public static (string File, int Line)? OffendingIn(string errors) =>
        Offending().Match(errors) is { Success: true } match && int.TryParse(match.Groups["line"].ValueSpan, NumberStyles.None, CultureInfo.InvariantCulture, out var line) ? (match.Groups["file"].Value, line) : null;

    [GeneratedRegex(@"^Offending (?:[A-Z0-9-]+ )?key in (?<file>[^\r\n]{1,1024}):(?<line>[0-9]{1,9})\r?$", RegexOptions.Multiline)]
    private static partial Regex Offending();

    [GeneratedRegex("SHA256:[A-Za-z0-9+/]{43}")]
    private static partial Regex Fingerprints();
}
