using RomFlash.Sdk.Images;
using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Probing;
using RomFlash.Sdk.Transports;

namespace RomFlash.Sdk.Tests.Transports.Directory;

public sealed class DirectoryFactsTests
{
    private const string Full = """
        {
          "identity": { "smbiosUuid": "00112233-4455-6677-8899-aabbccddeeff", "serialNumber": "S1", "manufacturer": "Maker", "product": "Pro", "sku": "K" },
          "boot": "boot-7",
          "roms": [
            {
              "id": "system", "kind": "system-rom", "name": "System", "firmwareClass": "ffeeddcc-bbaa-9988-7766-554433221100",
              "versions": { "smbios": "U30 v2.50 (03/12/2021)", "esrt": "0x00020032" },
              "lowestSupportedVersion": "0x00010000", "lastAttempt": { "version": "0x00020032", "status": 1 }
            },
            { "id": "array-0", "kind": "array-controller", "pci": "103c:3239:103c:21c2" },
            { "id": "nic", "kind": "other", "pci": "8086:1533" },
            { "id": "bmc", "kind": "controller" }
          ],
          "systemPartition": { "fileSystem": "vfat", "totalBytes": 33470464, "freeBytes": 30000000, "isBootVolume": true, "isReadOnly": false },
          "account": "administrator",
          "readiness": { "pendingReboot": false, "externalPower": true, "batterySufficient": true, "diskEncryptionSealed": false, "healthy": true, "inRecovery": false },
          "hardware": {
            "family": "F", "baseboardManufacturer": "BM", "baseboardProduct": "BP", "enclosureType": 23, "biosVendor": "BV", "biosVersion": "U30", "biosMajorRelease": 2, "biosMinorRelease": 50,
            "hardwareIds": ["6de5d951-d755-576b-bd09-c5cf66b27234"]
          },
          "arming": ["capsule-file-only"]
        }
        """;

    [Fact]
    public async Task ReadFactsAsync_FullFile_TellsEverything()
    {
        var facts = await Read(Full);
        Assert.Equal(FactKinds.All, facts.Known);
        Assert.True(facts.Identity.TryGet(out var identity));
        Assert.Equal((Guid.Parse("00112233-4455-6677-8899-aabbccddeeff"), "S1", "Maker", "Pro", "K"), (identity.SmbiosUuid, identity.SerialNumber, identity.Manufacturer, identity.Product, identity.Sku));
        Assert.True(facts.Boot.TryGet(out var boot));
        Assert.Equal("boot-7", boot.Value);
        Assert.True(facts.Roms.TryGet(out var roms));
        Assert.Equal([RomKind.SystemRom, RomKind.ArrayController, RomKind.Other, RomKind.Controller], roms.Select(r => r.Kind));
        Assert.Equal(["smbios: U30 v2.50 (03/12/2021)", "esrt: 0x00020032"], roms[0].Versions.Select(v => v.ToString()));
        Assert.Equal(Guid.Parse("ffeeddcc-bbaa-9988-7766-554433221100"), roms[0].FirmwareClass);
        Assert.Equal(RomVersion.FromPacked(0x10000), roms[0].LowestSupportedVersion);
        Assert.True(roms[0].LastAttempt.TryGet(out var attempt));
        Assert.Equal(new PeerCode(PeerCode.UefiLastAttempt, 1), attempt.Status);
        Assert.Equal(new PciId(0x103c, 0x3239, 0x103c, 0x21c2), roms[1].Pci);
        Assert.Equal(new PciId(0x8086, 0x1533), roms[2].Pci);
        Assert.Empty(roms[3].Versions);
        Assert.True(facts.SystemPartition.TryGet(out var partition));
        Assert.True(partition.IsFat);
        Assert.Equal((33470464L, 30000000L, true, true, false), (partition.TotalBytes, partition.FreeBytes, partition.HasEfiDirectory, partition.IsBootVolume, partition.IsReadOnly));
        Assert.True(facts.Account.TryGet(out var account));
        Assert.Equal(AccountRights.Administrator, account);
        Assert.True(facts.Readiness.TryGet(out var readiness));
        Assert.Equal(
            new TargetReadiness { PendingReboot = false, ExternalPower = true, BatterySufficient = true, DiskEncryptionSealed = false, Healthy = true, InRecovery = false },
            readiness);
        Assert.True(facts.Hardware.TryGet(out var hardware));
        Assert.Equal(
            ("F", "BM", "BP", (byte?)23, "BV", "U30", (byte?)2, (byte?)50),
            (hardware.Family, hardware.BaseboardManufacturer, hardware.BaseboardProduct, hardware.EnclosureType, hardware.BiosVendor, hardware.BiosVersion, hardware.BiosMajorRelease, hardware.BiosMinorRelease));
        Assert.Equal(Guid.Parse("6de5d951-d755-576b-bd09-c5cf66b27234"), Assert.Single(hardware.HardwareIds));
        Assert.True(facts.Services.TryGet(out var services));
        Assert.Empty(services);
    }

    [Fact]
    public async Task ReadFactsAsync_ExampleOfTheDocumentation_IsRead()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder!.FullName, "RomFlash.Sdk.sln")))
        {
            folder = folder.Parent;
        }

        var page = await File.ReadAllTextAsync(Path.Combine(folder.FullName, "docs", "directory-targets.md"));
        var example = page.Split("```json")[1].Split("```")[0];
        Assert.Equal(FactKinds.All, (await Read(example)).Known);
    }

    [Fact]
    public async Task ReadFactsAsync_OneKind_TellsNoMore()
    {
        using var esp = new EspFixture(Full);
        await using var session = await esp.Connect();
        foreach (var kind in Enum.GetValues<FactKinds>())
        {
            Assert.Equal(kind, (await session.ReadFactsAsync(kind, default)).Ok().Known);
        }
    }

    [Theory]
    [InlineData(null)]
    [InlineData("{}")]
    public async Task ReadFactsAsync_NothingTold_IsUnknownAndNeverGood(string? content)
    {
        var facts = await Read(content);
        Assert.False(facts.Identity.IsKnown);
        Assert.False(facts.Roms.IsKnown);
        Assert.False(facts.Boot.IsKnown);
        Assert.False(facts.Readiness.IsKnown);
        Assert.Equal(Environment.IsPrivilegedProcess, facts.Account.IsKnown);
        Assert.True(facts.SystemPartition.TryGet(out var partition));
        Assert.Equal((Fact<bool>)true, partition.HasEfiDirectory);

        // The folder is no mount point: its volume is somebody else's.
        Assert.False(partition.TotalBytes.IsKnown);
        Assert.False(partition.FreeBytes.IsKnown);
        Assert.False(partition.FileSystem.IsKnown);
        Assert.False(partition.IsBootVolume.IsKnown);
    }

    [Fact]
    public async Task ReadFactsAsync_VolumeCounts_TellsWhatTheVolumeTells()
    {
        var facts = await Read("""{ "systemPartition": { "fromVolume": true, "totalBytes": 9000000000000000 } }""");
        Assert.True(facts.SystemPartition.TryGet(out var partition));
        Assert.Equal(9000000000000000L, partition.TotalBytes);
        Assert.True(partition.FreeBytes.TryGet(out var free) && free > 0);
        Assert.True(partition.FileSystem.IsKnown);
    }

    [Theory]
    [InlineData(31_999_999)]
    [InlineData(32_000_000)]
    [InlineData(0)]
    [InlineData(long.MaxValue)]
    public async Task ReadFactsAsync_PartitionSize_IsGivenToTheByte(long size)
    {
        var facts = await Read($$"""{ "systemPartition": { "totalBytes": {{size}} } }""");
        Assert.True(facts.SystemPartition.TryGet(out var partition));
        Assert.Equal(size, partition.TotalBytes);
    }

    [Theory]
    [InlineData("[/]")]
    [InlineData("\\u001b]0;x\\u0007")]
    [InlineData("<script>")]
    [InlineData("a\\r\\nb")]
    public async Task ReadFactsAsync_HostileNames_PassAsData(string escaped)
    {
        var facts = await Read($$"""{ "identity": { "product": "{{escaped}}" } }""");
        Assert.True(facts.Identity.TryGet(out var identity));
        Assert.Equal(System.Text.RegularExpressions.Regex.Unescape(escaped), identity.Product);
    }

    [Theory]
    [InlineData("", "line 1, column 1")]
    [InlineData("{", "line 1")]
    [InlineData("[]", "line 1, column 1")]
    [InlineData("{\n  \"boot\": \"a\",\n  \"bot\": 1 }", "line 3, column 3")]
    [InlineData("{\"boot\":\"a\",\"boot\":\"b\"}", "column 13")]
    [InlineData("{\"boot\":1}", "column 9")]
    [InlineData("{\"boot\":null}", "column 9")]
    [InlineData("{\"boot\":\"\\ud800\"}", "column 9")]
    [InlineData("{\"boot\":\"a\"} x", "column 14")]
    [InlineData("{\"identity\":{\"smbiosUuid\":\"x\"}}", "UUID")]
    [InlineData("{\"identity\":{\"x\":\"x\"}}", "not known")]
    [InlineData("{\"roms\":[{\"id\":\"a\"}]}", "kind")]
    [InlineData("{\"roms\":[{\"kind\":\"other\"}]}", "id")]
    [InlineData("{\"roms\":[1]}", "object")]
    [InlineData("{\"roms\":[{\"id\":\"a\",\"kind\":\"other\"},{\"id\":\"a\",\"kind\":\"other\"}]}", "same id")]
    [InlineData("{\"roms\":[{\"id\":\"a\",\"kind\":\"bios\"}]}", "system-rom")]
    [InlineData("{\"roms\":[{\"id\":\"a\",\"kind\":\"other\",\"pci\":\"1:2\"}]}", "PCI")]
    [InlineData("{\"roms\":[{\"id\":\"a\",\"kind\":\"other\",\"pci\":\"103c\"}]}", "PCI")]
    [InlineData("{\"roms\":[{\"id\":\"a\",\"kind\":\"other\",\"versions\":{\"smbios\":\"\\u0000\"}}]}", "version")]
    [InlineData("{\"roms\":[{\"id\":\"a\",\"kind\":\"other\",\"lastAttempt\":{}}]}", "status")]
    [InlineData("{\"systemPartition\":{\"totalBytes\":-1}}", "0 or more")]
    [InlineData("{\"systemPartition\":{\"totalBytes\":1.5}}", "0 or more")]
    [InlineData("{\"account\":\"root\"}", "administrator")]
    [InlineData("{\"arming\":[\"capsule-on-disk\"]}", "capsule-file-only")]
    [InlineData("{\"readiness\":{\"healthy\":\"yes\"}}", "true or false")]
    [InlineData("{\"hardware\":{\"biosMajorRelease\":256}}", "0 to 255")]
    [InlineData("{\"hardware\":{\"enclosureType\":-1}}", "0 or more")]
    [InlineData("{\"hardware\":{\"hardwareIds\":[\"x\"]}}", "GUID")]
    [InlineData("{\"hardware\":{\"hardwareId\":[]}}", "not known")]
    [InlineData("{\"identity\":[[[[[[[[[[[[", "object")]
    public async Task ReadFactsAsync_MalformedFile_SaysWhere(string content, string where)
    {
        using var esp = new EspFixture(content);
        await using var session = await esp.Connect();
        var fault = (await session.ReadFactsAsync(FactKinds.All, default)).Fault();
        Assert.Equal((TransportFaultKind.ProtocolViolation, FaultEffect.NotSent), (fault.Kind, fault.Effect));
        Assert.Contains(where, fault.Detail, StringComparison.Ordinal);
        Assert.Contains("esp.facts.json, line ", fault.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ReadFactsAsync_HugeFileOrADirectory_IsRefused()
    {
        using var esp = new EspFixture(new string(' ', (1 << 20) + 1));
        await using var session = await esp.Connect();
        Assert.Equal(TransportFaultKind.ProtocolViolation, (await session.ReadFactsAsync(FactKinds.All, default)).Fault().Kind);
        File.Delete(esp.FactsFile);
        System.IO.Directory.CreateDirectory(esp.FactsFile);
        Assert.Equal(TransportFaultKind.ProtocolViolation, (await session.ReadFactsAsync(FactKinds.All, default)).Fault().Kind);
    }

    [Fact]
    public async Task ReadFactsAsync_RandomBytes_AreRefused()
    {
        using var esp = new EspFixture();
        await using var session = await esp.Connect();
        var random = new Random(3);
        for (var i = 0; i < 200; i++)
        {
            var bytes = new byte[random.Next(1, 400)];
            random.NextBytes(bytes);
            await File.WriteAllBytesAsync(esp.FactsFile, bytes);
            Assert.Equal(TransportFaultKind.ProtocolViolation, (await session.ReadFactsAsync(FactKinds.All, default)).Fault().Kind);
        }
    }

    private static async Task<TargetFacts> Read(string? content)
    {
        using var esp = new EspFixture(content);
        await using var session = await esp.Connect();
        return (await session.ReadFactsAsync(FactKinds.All, default)).Ok();
    }
}
