using System.Collections.Immutable;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Probing;

namespace RomFlash.Sdk.Transports.Inventory;

/// <summary>Which devices on a PCI bus are array controllers, and what is made of one.</summary>
internal static class ArrayControllers
{
    /// <summary>How many are listed.</summary>
    public const int Max = 64;

    /// <summary>The base class and the subclass, four hexadecimal digits (PCI code and ID assignment, 1.14): mass storage 01; 04 is RAID, 07 serial attached SCSI.</summary>
    public static ImmutableArray<string> Classes { get; } = ["0104", "0107"];

    public static InstalledRom ToRom(string id, string name, PciId pci) => new() { Id = id, Kind = RomKind.ArrayController, Name = name, Pci = pci };
}
