using System.Text.Json;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Transports.Redfish.Http;
using RomFlash.Sdk.Transports.Redfish.Service;

namespace RomFlash.Sdk.Transports.Redfish.Roads;

/// <summary>
/// Supermicro's: uploads wait for StartUpdate, targets are the vendor's own (Redfish Reference Guide, "Firmware update"), a licence decides whether uploads are
/// taken at all, and a task may be named in a message alone.
/// </summary>
internal sealed class SupermicroRoad(RedfishUpdateService updates)
    : MultipartRoad(updates, updates.StartUpdatePath is not null && (updates.MultipartTimes.IsEmpty || updates.MultipartTimes.Contains(ApplyTime.OnStartUpdateRequest)) ? ApplyTime.OnStartUpdateRequest : Best(updates.MultipartTimes, updates))
{
    public override string Name => "Supermicro, " + base.Name;

    public override int MaxComponents => 1;

    public override bool CanDisarm => false;

    public override async ValueTask<TransportFault?> ObjectAsync(RedfishConnection connection, CancellationToken cancellationToken)
    {
        // Asked without an image, the place for uploads says whether the licence is there. Whatever else it answers, in whatever form, is about the missing image; no answer at all
        // is a fault.
        var asked = await connection.GetAsync(Updates.MultipartPath!, cancellationToken).ConfigureAwait(false);
        return asked.TryGetValue(out _, out var fault) ? null
            : fault.PeerCode is not { Dialect: Outcomes.PeerCode.Redfish, Symbol: var symbol } ? fault.Kind is TransportFaultKind.ProtocolViolation ? null : fault
            : symbol?.EndsWith(".OemLicenseNotPassed", StringComparison.Ordinal) == true ? fault with { Kind = TransportFaultKind.Unsupported, Effect = FaultEffect.NotSent }
            : null;
    }

    public override string? TaskOf(RedfishReply reply, RedfishConnection connection)
    {
        if (base.TaskOf(reply, connection) is { } task)
        {
            return task;
        }

        foreach (var message in reply.Messages)
        {
            foreach (var argument in message.Args)
            {
                if (argument.StartsWith("/redfish/", StringComparison.Ordinal) && connection.TryGetPath(argument) is { } path)
                {
                    return path;
                }
            }
        }

        return null;
    }

    protected override string FileNameOf(DepositFile file) => "firmware.bin";

    protected override string? TargetOf(RedfishInventoryItem item) => item.Kind switch
    {
        RomKind.SystemRom => "/redfish/v1/Systems/1/Bios",
        RomKind.Controller => "/redfish/v1/Managers/1",
        _ => item.Path,
    };

    protected override void WriteParameters(Utf8JsonWriter json, RedfishInventoryItem item)
    {
        base.WriteParameters(json, item);
        if (item.Kind != RomKind.SystemRom)
        {
            return;
        }

        // Settings and the machine's identity stay as they are.
        json.WriteStartObject("Oem");
        json.WriteStartObject("Supermicro");
        json.WriteStartObject("BIOS");
        json.WriteBoolean("PreserveME", true);
        json.WriteBoolean("PreserveNVRAM", true);
        json.WriteBoolean("PreserveSMBIOS", true);
        json.WriteEndObject();
        json.WriteEndObject();
        json.WriteEndObject();
    }
}
