using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using RomFlash.Peers.Firmware;
using RomFlash.Sdk.Compatibility;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Outcomes;

namespace RomFlash.Sdk.Tests.FirmwareLab;

/// <summary>A capsule that mkeficapsule has made, validated by the SDK.</summary>
internal sealed record LabImage(RomImage Image, byte[] Content, bool IsSystem, int Version)
{
    /// <summary>What brings a target back whose flash of it went wrong; null when the catalog names nothing.</summary>
    public LabImage? Backup { get; init; }
}

/// <summary>The lab's ROMs as the SDK knows them: how their versions are told, their images, and a catalog of them.</summary>
internal static class LabRoms
{
    public static async Task<LabImage> SystemAsync(FirmwareBuild firmware, int version, FirmwareSigner? signer = null, Guid? firmwareClass = null, int index = 1) =>
        await ImageAsync(await FirmwareBuild.CapsuleAsync(firmware.Rom(version), firmwareClass, index, signer), isSystem: true, version);

    public static async Task<LabImage> ArrayAsync(int version) => await ImageAsync(await FirmwareBuild.CapsuleAsync(FirmwareBuild.ArrayRom(version), FirmwareBuild.ArrayClass, index: 2), isSystem: false, version);

    public static async Task<LabImage> ImageAsync(byte[] content, bool isSystem, int version)
    {
        var validator = new RomImageValidator(RomImageFormats.All, new());
        var validated = await validator.ValidateAsync(new MemoryImageSource(isSystem ? "system.cap" : "array.cap", content), CancellationToken.None);
        return new(validated.GetValueOrThrow(), content, isSystem, version);
    }

    public static ICompatibilityCatalog Catalog(params LabImage[] images)
    {
        var roms = images.GroupBy(i => i.IsSystem).Select(g => (JsonNode)new JsonObject
        {
            ["component"] = g.Key ? "system-rom" : "array-controller",
            ["firmwareClass"] = (g.Key ? FirmwareBuild.SystemClass : FirmwareBuild.ArrayClass).ToString("D"),
            ["releases"] = new JsonArray([.. g.Select(Release)]),
        });
        var document = new JsonObject
        {
            ["romflashCatalog"] = 1,
            ["name"] = "lab",
            ["systems"] = new JsonArray(new JsonObject { ["manufacturer"] = "*", ["product"] = "*", ["roms"] = new JsonArray([.. roms]) }),
        };
        var bytes = Encoding.UTF8.GetBytes(document.ToJsonString());
        var read = CatalogDocument.TryParse(bytes, "lab").GetValueOrThrow();
        return JsonCompatibilityCatalog.TryCreate([new CatalogLayer(read, new CatalogProvenance("lab", new ContentDigest(SHA256.HashData(bytes))))], TimeProvider.System).GetValueOrThrow();
    }

    private static JsonNode Release(LabImage image)
    {
        var reported = new JsonObject { ["esrt"] = string.Create(CultureInfo.InvariantCulture, $"0x{VirtualLinux.Packed(image.Version):x8}") };
        if (image.IsSystem)
        {
            reported["smbios"] = VirtualLinux.Smbios(image.Version);
        }

        var release = new JsonObject
        {
            ["version"] = string.Create(CultureInfo.InvariantCulture, $"1.{image.Version}"),
            ["sha256"] = image.Image.Sha256.ToString(),
            ["size"] = image.Content.Length,
            ["reportedAs"] = reported,
        };
        if (image.Backup is { } backup)
        {
            release["recovery"] = new JsonObject { ["sha256"] = backup.Image.Sha256.ToString(), ["size"] = backup.Content.Length, ["name"] = "backup.cap" };
        }

        return release;
    }
}
