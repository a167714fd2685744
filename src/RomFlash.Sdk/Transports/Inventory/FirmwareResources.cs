using System.Collections.Immutable;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Probing;

namespace RomFlash.Sdk.Transports.Inventory;

/// <summary>An entry of the EFI system resource table (UEFI 2.10, 23.4), as an operating system tells it; null where it does not.</summary>
internal sealed record FirmwareResource(Guid FirmwareClass, uint? Type)
{
    // UEFI 2.10, 23.4: FW_TYPE_SYSTEMFIRMWARE.
    private const uint SystemFirmware = 1;

    public bool IsSystem => Type == SystemFirmware;

    /// <summary>What somebody who knows the model wrote down of it: the table says "a device's", and not which.</summary>
    public string? ToldKind { get; init; }

    public uint? Version { get; init; }

    public uint? LowestSupportedVersion { get; init; }

    public uint? LastAttemptVersion { get; init; }

    public uint? LastAttemptStatus { get; init; }

    /// <summary>Whether it tells of an attempt. A table that was never told of one has zeros there.</summary>
    public bool HasAttempt => LastAttemptStatus is > 0 || (LastAttemptStatus is 0 && LastAttemptVersion is > 0);
}

/// <summary>The ROMs that SMBIOS and the EFI system resource table tell of, whichever operating system passes it on.</summary>
internal static class FirmwareResources
{
    /// <summary>How many entries of the table are looked at.</summary>
    public const int Max = 256;

    /// <summary>Makes ROMs of them, the system's first.</summary>
    /// <param name="biosVersion">The version that SMBIOS tells, or null.</param>
    /// <param name="resources">The table's entries.</param>
    /// <param name="notTold">Why something is unknown that an entry does not tell.</param>
    /// <param name="reports">What the firmware left of capsules, the newest first: it tells the last attempt where the table knows of none. Null when that was not read.</param>
    /// <returns>Null when neither tells of any.</returns>
    public static ImmutableArray<InstalledRom>? ToRoms(string? biosVersion, IReadOnlyCollection<FirmwareResource> resources, string notTold, IReadOnlyCollection<CapsuleReport>? reports = null)
    {
        var system = new InstalledRom { Id = "system", Kind = RomKind.SystemRom, Versions = RomVersion.TryParse(biosVersion, out var version) ? [new(FactSource.Smbios, version)] : [] };

        // Of two that say they are the system's firmware nobody can tell which SMBIOS speaks of.
        var isSystem = resources.Count(r => r.IsSystem) == 1;
        var roms = ImmutableArray.CreateBuilder<InstalledRom>();
        foreach (var resource in resources.OrderBy(r => r.FirmwareClass))
        {
            var report = resource.HasAttempt ? null : CapsuleReport.FindNewest(reports ?? [], resource.FirmwareClass, isOnly: resources.Count == 1);
            var rom = ToRom(resource, notTold, report, isNone: reports is not null && report is null && !resource.HasAttempt);
            if (resource.IsSystem && isSystem)
            {
                system = rom with { Id = system.Id, Kind = system.Kind, Versions = [.. system.Versions, .. rom.Versions] };
            }
            else
            {
                roms.Add(rom);
            }
        }

        if (system.Versions.IsEmpty && roms.Count == 0)
        {
            return null;
        }

        roms.Insert(0, system);
        return roms.ToImmutable();
    }

    private static InstalledRom ToRom(FirmwareResource resource, string notTold, CapsuleReport? report, bool isNone) => new()
    {
        Id = $"esrt-{resource.FirmwareClass:D}",
        Kind = resource.IsSystem ? RomKind.SystemRom : KindOf(resource.ToldKind),
        Name = $"firmware resource {resource.FirmwareClass:D}",
        FirmwareClass = resource.FirmwareClass,
        Versions = resource.Version is { } installed ? [new(FactSource.Esrt, RomVersion.FromPacked(installed))] : [],
        LowestSupportedVersion = resource.LowestSupportedVersion is { } least ? RomVersion.FromPacked(least) : Fact<RomVersion>.Unknown(notTold),
        LastAttempt = report is not null ? report.ToAttempt() : resource.LastAttemptStatus is { } status
            ? new LastAttempt(resource.LastAttemptVersion is { } last and > 0 ? RomVersion.FromPacked(last) : null, new PeerCode(PeerCode.UefiLastAttempt, status)) { Id = isNone ? LastAttempt.NoneAtAll : null }
            : Fact<LastAttempt>.Unknown(notTold),
    };

    private static RomKind KindOf(string? told) => told switch
    {
        "array-controller" => RomKind.ArrayController,
        "controller" => RomKind.Controller,
        _ => RomKind.Other,
    };
}
