using System.Text;
using RomFlash.Sdk.Testing.Simulation;

namespace Embedding;

/// <summary>The catalog, as it would lie in a file: which release goes where, and what it reports once it runs. See docs/catalog.md.</summary>
internal static class Catalog
{
    public static byte[] Of(SimulatedRom rom) => Encoding.UTF8.GetBytes($$"""
        {
          "romflashCatalog": 1,
          "name": "sample",
          "systems": [
            {
              "manufacturer": "Maker",
              "product": "Server 380",
              "roms": [
                {
                  "component": "system-rom",
                  "firmwareClass": "{{rom.FirmwareClass}}",
                  "releases": [
                    {
                      "version": "{{rom.Version}}",
                      "sha256": "{{rom.Sha256}}",
                      "size": {{rom.Content.Length}},
                      "reportedAs": { "smbios": "{{rom.Version}}", "esrt": "0x{{rom.PackedVersion:x8}}" }
                    }
                  ]
                }
              ]
            }
          ]
        }
        """);
}
