using System.Text.Json.Nodes;
using RomFlash.Sdk.Testing.Simulation;

namespace RomFlash.Cli.Tests;

/// <summary>The files that <c>romflash flash</c> is given for one upgrade of one machine.</summary>
internal static class UpgradeFiles
{
    /// <summary>Writes a ROM as a bundle, because a simulated one is no format of the product's, and the catalog that has it.</summary>
    /// <param name="folder">Where; the bundle is a folder below it.</param>
    /// <param name="manufacturer">The machine's.</param>
    /// <param name="product">The machine's.</param>
    /// <param name="rom">The ROM.</param>
    /// <param name="reportedAs">How the machine tells its version.</param>
    public static async Task WriteAsync(string folder, string manufacturer, string product, SimulatedRom rom, JsonObject reportedAs)
    {
        var bundle = Directory.CreateDirectory(Bundle(folder)).FullName;
        await File.WriteAllBytesAsync(Path.Combine(bundle, "new.rom"), rom.Content.ToArray());
        await File.WriteAllTextAsync(
            Path.Combine(bundle, "bundle.romflash"),
            $"romflash-bundle 1\nkind system-rom\nfirmware-class {rom.FirmwareClass:D}\nversion {rom.Version.Text}\nrom {rom.Sha256} {rom.Content.Length} new.rom\n");
        await WriteCatalogAsync(folder, manufacturer, product, rom.FirmwareClass, new()
        {
            ["version"] = rom.Version.Text,
            ["sha256"] = rom.Sha256.ToString(),
            ["size"] = rom.Content.Length,
            ["reportedAs"] = reportedAs,
        });
    }

    /// <summary>Writes a catalog of one release of one machine's system ROM.</summary>
    public static Task WriteCatalogAsync(string folder, string manufacturer, string product, Guid firmwareClass, JsonObject release) => File.WriteAllTextAsync(
        Catalog(folder),
        new JsonObject
        {
            ["romflashCatalog"] = 1,
            ["name"] = "test",
            ["systems"] = new JsonArray(new JsonObject
            {
                ["manufacturer"] = manufacturer,
                ["product"] = product,
                ["roms"] = new JsonArray(new JsonObject
                {
                    ["component"] = "system-rom",
                    ["firmwareClass"] = firmwareClass.ToString("D"),
                    ["releases"] = new JsonArray(release),
                }),
            }),
        }.ToJsonString());

    public static string Bundle(string folder) => Path.Combine(folder, "bundle");

    public static string Catalog(string folder) => Path.Combine(folder, "catalog.json");
}
