using RomFlash.Sdk.Probing;
using RomFlash.Sdk.Transports.Ssh.Reading;

namespace RomFlash.Sdk.Transports.Ssh.Facts;

/// <summary>Whether scripts run as root: a session runs them by sudo when it may, so that this says what they can do, and not who logged on.</summary>
internal static class AccountFacts
{
    public const string Script = "u=$(id -u); case $u in ''|*[!0-9]*) ;; *) printf 'i %s\\n' \"$u\";; esac";

    public static Fact<AccountRights> Read(TargetReadings readings) =>
        readings.Lines('i') is [{ Length: > 0 and <= 20 } id] && id.All(char.IsAsciiDigit)
            ? id == "0" ? AccountRights.Administrator : AccountRights.NotAdministrator
            : Fact<AccountRights>.Unknown("id(1) does not tell whose the session is");
}
