using System.Globalization;

namespace RomFlash.Sdk.Outcomes;

/// <summary>A code that a peer answered with, kept as a value: the dialect says how to read the number.</summary>
/// <param name="Dialect">Who defines the number, such as <see cref="NtStatus"/>. A third party's transport adds a dialect of its own.</param>
/// <param name="Number">The number as the peer gave it.</param>
/// <param name="Symbol">The peer's own name for it, where its dialect names instead of numbering (Redfish message ids); untrusted text.</param>
public readonly record struct PeerCode(string Dialect, ulong Number, string? Symbol = null)
{
    /// <summary>NTSTATUS values (MS-ERREF 2.3).</summary>
    public const string NtStatus = "ntstatus";

    /// <summary>Win32 error codes (MS-ERREF 2.2).</summary>
    public const string Win32 = "win32";

    /// <summary>UEFI last-attempt status (UEFI 2.10, 23.4, EFI_SYSTEM_RESOURCE_ENTRY.LastAttemptStatus).</summary>
    public const string UefiLastAttempt = "uefi-last-attempt";

    /// <summary>UEFI EFI_STATUS (UEFI 2.10, appendix D).</summary>
    public const string UefiStatus = "uefi-status";

    /// <summary>Message ids of a Redfish registry; the symbol holds the id.</summary>
    public const string Redfish = "redfish";

    /// <summary>The exit code of a program.</summary>
    public const string ExitCode = "exit-code";

    /// <summary>The operating system's errno or HResult on the client.</summary>
    public const string HResult = "hresult";

    /// <summary>The dialect, the number in hexadecimal, and the symbol where there is one.</summary>
    /// <returns>One line without control characters.</returns>
    public override string ToString()
    {
        var number = string.Create(CultureInfo.InvariantCulture, $"{UntrustedText.ForLog(Dialect)}:0x{Number:X}");
        return Symbol is null ? number : $"{number} ({UntrustedText.ForLog(Symbol)})";
    }
}
