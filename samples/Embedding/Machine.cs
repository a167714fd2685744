using System.Text.Json;
using System.Text.Json.Nodes;
using RomFlash.Sdk.Testing.Simulation;

namespace Embedding;

/// <summary>The machine that the folder belongs to: somebody has to play it, because a folder can't boot. See docs/directory-targets.md.</summary>
internal sealed class Machine
{
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    private readonly string _facts;
    private readonly JsonObject _state;
    private int _boots;

    public Machine(string folder, SimulatedRom rom)
    {
        Folder = folder;
        _facts = folder + ".facts.json";
        Directory.CreateDirectory(Path.Combine(folder, "EFI"));
        _state = new JsonObject
        {
            ["identity"] = new JsonObject { ["serialNumber"] = "CZ1234", ["manufacturer"] = "Maker", ["product"] = "Server 380" },
            ["boot"] = "boot-0",
            ["roms"] = new JsonArray(new JsonObject
            {
                ["id"] = "system",
                ["kind"] = "system-rom",
                ["firmwareClass"] = rom.FirmwareClass.ToString(),
                ["versions"] = VersionsOf(rom),
            }),
            ["systemPartition"] = new JsonObject { ["fileSystem"] = "vfat", ["totalBytes"] = 33_470_464, ["freeBytes"] = 30_000_000, ["isBootVolume"] = true },
            ["account"] = "administrator",
            ["readiness"] = new JsonObject
            {
                ["pendingReboot"] = false,
                ["externalPower"] = true,
                ["batterySufficient"] = true,
                ["diskEncryptionSealed"] = false,
                ["healthy"] = true,
                ["inRecovery"] = false,
            },
            ["arming"] = new JsonArray("capsule-file-only"),
        };
        Save();
    }

    public string Folder { get; }

    /// <summary>Boots: the firmware takes what lies in EFI/UpdateCapsule, and removes it.</summary>
    public void Boot()
    {
        var capsules = Path.Combine(Folder, "EFI", "UpdateCapsule");
        string[] files = Directory.Exists(capsules) ? Directory.GetFiles(capsules) : [];
        foreach (var file in files.Order(StringComparer.Ordinal))
        {
            if (SimulatedRom.TryRead(File.ReadAllBytes(file), out var rom, out _))
            {
                _state["roms"]![0]!["versions"] = VersionsOf(rom);
            }

            File.Delete(file);
        }

        _state["boot"] = $"boot-{++_boots}";
        Save();
    }

    private static JsonObject VersionsOf(SimulatedRom rom) => new() { ["smbios"] = rom.Version.ToString(), ["esrt"] = $"0x{rom.PackedVersion:x8}" };

    private void Save() => File.WriteAllText(_facts, _state.ToJsonString(Indented));
}
