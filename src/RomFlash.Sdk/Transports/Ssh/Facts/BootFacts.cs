using RomFlash.Sdk.Probing;
using RomFlash.Sdk.Targets;
using RomFlash.Sdk.Transports.Ssh.Reading;

namespace RomFlash.Sdk.Transports.Ssh.Facts;

/// <summary>Which boot this is: Linux makes a UUID for each (random(4)).</summary>
internal static class BootFacts
{
    public const string Script = $"r \"$R\"{BootId}";

    private const string BootId = "/proc/sys/kernel/random/boot_id";

    public static Fact<BootIdentity> Read(TargetReadings readings) =>
        Guid.TryParseExact(readings.Text(BootId), "D", out var id) && id != Guid.Empty ? new BootIdentity(id.ToString("D")) : Fact<BootIdentity>.Unknown($"{BootId} can't be read, or is no UUID");
}
