using System.Collections.Immutable;
using System.Globalization;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Probing;
using RomFlash.Sdk.Targets;
using RomFlash.Sdk.Tests.Transports.Inventory;
using RomFlash.Sdk.Transports;
using RomFlash.Sdk.Transports.Directory;
using RomFlash.Sdk.Transports.Inventory;
using RomFlash.Sdk.Transports.Ssh.Facts;
using RomFlash.Sdk.Transports.Ssh.Firmware;
using RomFlash.Sdk.Transports.Ssh.Reading;
using RomFlash.Sdk.Transports.SystemPartitions;

namespace RomFlash.Sdk.Tests.Transports.Ssh.Facts;

/// <summary>What is made of a Linux target's files: of a folder that looks like its root, through this machine's own shell. Nothing that they did not say.</summary>
[Trait("Category", "Peer")]
public sealed class SshFactsTests : IDisposable
{
    private const string Dmi = "/sys/class/dmi/id";
    private const string Esrt = "/sys/firmware/efi/esrt/entries";
    private const string Power = "/sys/class/power_supply";
    private const string SystemClass = "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0";
    private const string DeviceClass = "1f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0";

    private static readonly Fact<SshVolume> NoVolume = Fact<SshVolume>.Unknown("nothing is mounted");

    private readonly StagedTarget _target = new();

    public void Dispose() => _target.Dispose();

    [Fact]
    public async Task ReadAsync_EmptyTarget_EverythingIsUnknownAndNothingIsGood()
    {
        var facts = await ReadAsync(FactKinds.All);
        Assert.Equal(FactKinds.Account | FactKinds.Services | FactKinds.Readiness, facts.Known);
        Assert.Equal("nothing is mounted", facts.SystemPartition.WhyUnknown);
        Assert.Contains("no DMI table", facts.Identity.WhyUnknown, StringComparison.Ordinal);
        Assert.Contains("no DMI table", facts.Hardware.WhyUnknown, StringComparison.Ordinal);
        Assert.Contains("neither", facts.Roms.WhyUnknown, StringComparison.Ordinal);
        Assert.Contains("boot_id", facts.Boot.WhyUnknown, StringComparison.Ordinal);
        Assert.True(facts.Readiness.TryGet(out var readiness));
        foreach (var fact in new[] { readiness.PendingReboot, readiness.ExternalPower, readiness.BatterySufficient, readiness.DiskEncryptionSealed, readiness.Healthy, readiness.InRecovery, readiness.SecureBoot })
        {
            Assert.False(fact.IsKnown);
            Assert.NotEqual("not read", fact.WhyUnknown);
        }
    }

    [Fact]
    public async Task ReadAsync_EverythingAsked_IsOneRequest()
    {
        StageMachine();
        _target.Mount("/", "ext4", "253:1").Mount("/boot/efi").Folder("/boot/efi/efi");
        var volume = await new VolumeFacts(_target.Scripts).FindAsync(null, default);
        _target.Scripts.Ran.Clear();
        var layout = new PartitionLayout(new TrackedPartition(new FolderPartition(_target.PathOf("/boot/efi"), new FolderOperations())), default);
        var facts = await new SshFacts(_target.Scripts).ReadAsync(layout, volume, FactKinds.All, default);
        Assert.Equal(FactKinds.All, facts.Known);
        Assert.True(facts.SystemPartition.TryGet(out var partition));
        Assert.Equal((Fact<bool>)true, partition.HasEfiDirectory);
        Assert.Single(_target.Scripts.Ran);
    }

    [Fact]
    public async Task ReadAsync_ThisMachine_TellsItsBootAndWhereItsRootIs()
    {
        var scripts = new LocalScripts(string.Empty);
        var facts = await new SshFacts(scripts).ReadAsync(null, await new VolumeFacts(scripts).FindAsync("/proc", default), FactKinds.All, default);
        Assert.Equal((await File.ReadAllTextAsync("/proc/sys/kernel/random/boot_id")).Trim(), Value(facts.Boot).Value);
        Assert.Equal(Environment.IsPrivilegedProcess ? AccountRights.Administrator : AccountRights.NotAdministrator, Value(facts.Account));
        var partition = Value(facts.SystemPartition);
        Assert.Equal(("/proc", "proc"), (partition.Location, partition.FileSystem.ToString()));
    }

    [Theory]
    [InlineData(FactKinds.Identity)]
    [InlineData(FactKinds.Hardware)]
    [InlineData(FactKinds.Roms)]
    [InlineData(FactKinds.Account)]
    [InlineData(FactKinds.Readiness)]
    [InlineData(FactKinds.Boot)]
    [InlineData(FactKinds.Services)]
    [InlineData(FactKinds.None)]
    public async Task ReadAsync_OneKind_ReadsNoMore(FactKinds kind)
    {
        StageMachine();
        Assert.Equal(kind, (await ReadAsync(kind)).Known);
        Assert.True(kind is not (FactKinds.None or FactKinds.Services) || _target.Scripts.Ran.Count == 0);
    }

    [Fact]
    public async Task ReadAsync_ScriptThatDoesNotComeToItsEnd_IsAFault()
    {
        StageMachine();
        _target.Scripts.Before = "od() { kill -KILL $$; }\n";
        _target.Variable("SecureBoot", 6, 1);
        var fault = await Assert.ThrowsAsync<PartitionFaultException>(async () => await ReadAsync(FactKinds.All));
        Assert.Equal(TransportFaultKind.ProtocolViolation, fault.Kind);
    }

    [Fact]
    public async Task Identity_IsWhatDmiTells()
    {
        StageMachine();
        Assert.Equal(
            new TargetIdentity { SmbiosUuid = new("00112233-4455-6677-8899-aabbccddeeff"), SerialNumber = "CZ1234", Manufacturer = "HPE", Product = "ProLiant \"x\" $(id)", Sku = "868703-B21" },
            Value((await ReadAsync(FactKinds.Identity)).Identity));
        Assert.Equal(
            new HardwareDescription
            {
                Family = "ProLiant", BaseboardManufacturer = "HPE", BaseboardProduct = "Board", EnclosureType = 23, BiosVendor = "HPE", BiosVersion = "U30 v2.50 (03/12/2021)", BiosMajorRelease = 2, BiosMinorRelease = 50,
            },
            Value((await ReadAsync(FactKinds.Hardware)).Hardware) with { HardwareIds = default } is var h ? h with { HardwareIds = new HardwareDescription().HardwareIds } : null);
    }

    [Theory]
    [InlineData("00000000-0000-0000-0000-000000000000")]
    [InlineData("FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF")]
    [InlineData("not a uuid")]
    [InlineData("")]
    public async Task Identity_UuidThatIsNone_IsLeftOut(string uuid)
    {
        StageMachine();
        _target.Put(Dmi + "/product_uuid", uuid + "\n");
        Assert.Null(Value((await ReadAsync(FactKinds.Identity)).Identity).SmbiosUuid);
    }

    [Theory]
    [InlineData("To be filled by O.E.M.")]
    [InlineData("default STRING")]
    [InlineData("0000000000")]
    [InlineData("xxxx")]
    [InlineData("   ")]
    [InlineData("0123456789")]
    public async Task Identity_SerialNumberThatNobodyWrote_IsNone(string serial)
    {
        StageMachine();
        _target.Put(Dmi + "/product_serial", serial + "\n");
        Assert.Null(Value((await ReadAsync(FactKinds.Identity)).Identity).SerialNumber);
    }

    [Fact]
    public async Task Identity_HostileDmi_IsNone()
    {
        var bytes = new byte[3000];
        new Random(9).NextBytes(bytes);
        _target.Folder(Dmi + "/product_uuid").Put(Dmi + "/sys_vendor", new byte[5000]).Put(Dmi + "/product_name", new string('x', 5000)).Put(Dmi + "/product_sku", "\n\nx\n").Put(Dmi + "/product_serial", [.. bytes.Where(b => b != (byte)'\n')])
            .Put(Dmi + "/chassis_type", "256\n").Put(Dmi + "/bios_release", "1.2.3\n").Put(Dmi + "/bios_version", "\u001b]0;x\a\n");
        var facts = await ReadAsync(FactKinds.Identity | FactKinds.Hardware | FactKinds.Roms);
        Assert.Contains("DMI does not tell", facts.Identity.WhyUnknown, StringComparison.Ordinal);
        var hardware = Value(facts.Hardware);
        Assert.Null(hardware.EnclosureType);
        Assert.Null(hardware.BiosMajorRelease);
        Assert.False(facts.Roms.IsKnown);
    }

    [Fact]
    public async Task Roms_TableAndControllers_AreListedWithTheirVersions()
    {
        StageMachine();
        Entry(0, DeviceClass, 2, 0x0006_8800, 1, 0, 0);
        Entry(1, SystemClass, 1, 0x0002_3200, 0x0002_0000, 0x0002_3200, 6);
        _target.Put("/etc/romflash/firmware/" + DeviceClass, "array-controller\n");
        Device("0000:08:00.0", "0x010400", "0x9005", "0x028f", "0x103c", "0x0655");
        Device("0000:09:00.0", "0x010700", "0x1000", "0x0097", "0x0000", "0x0000");
        Device("10000:0a:00.0", "0x010400", "0x17d3", "0x1214", "0x17d3", "0x1214");
        Device("0000:0b:00.0", "0x020000", "0x8086", "0x1533", "0x8086", "0x0001");
        Device("0000:0c:00.0", "0x010802", "0x8086", "0x0953", "0x8086", "0x3702");
        Host(0, "pci0000:00/0000:00:03.0/0000:08:00.0", "firmware_version", "4.11");
        Host(1, "pci0000:00/0000:00:04.0/0000:09:00.0", "version_fw", "16.00.01.00");
        Host(2, "pci0000:00/0000:0c:00.0", "firmware_revision", "9.99");
        var roms = Value((await ReadAsync(FactKinds.Roms)).Roms);
        Assert.Equal(["system", "esrt-" + DeviceClass, "pci-0000:08:00.0", "pci-0000:09:00.0", "pci-10000:0a:00.0"], roms.Select(r => r.Id));
        Assert.Equal(["smbios: U30 v2.50 (03/12/2021)", "esrt: 0x00023200"], roms[0].Versions.Select(v => v.ToString()));
        Assert.Equal(new Guid(SystemClass), roms[0].FirmwareClass);
        Assert.Equal("0x00020000", roms[0].LowestSupportedVersion.ToString());
        Assert.Equal(new LastAttempt(RomVersion.FromPacked(0x0002_3200), new PeerCode(PeerCode.UefiLastAttempt, 6)), Value(roms[0].LastAttempt));
        Assert.Equal(Environment.IsPrivilegedProcess ? RomKind.ArrayController : RomKind.Other, roms[1].Kind);
        Assert.Null(Value(roms[1].LastAttempt).Version);
        Assert.Equal((new PciId(0x9005, 0x028F, 0x103C, 0x0655), "device: 4.11"), (roms[2].Pci!.Value, roms[2].Versions.Single().ToString()));
        Assert.Equal((new PciId(0x1000, 0x0097), "device: 16.00.01.00"), (roms[3].Pci!.Value, roms[3].Versions.Single().ToString()));
        Assert.Empty(roms[4].Versions);
        Assert.All(roms.Skip(2), r => Assert.Equal(RomKind.ArrayController, r.Kind));
    }

    [Fact]
    public async Task LastAttempt_TableKnowsOfNone_IsTheNewestResultOfTheClass()
    {
        StageMachine();
        Entry(0, SystemClass, 1, 5, 4, 0, 0);
        Entry(1, DeviceClass, 2, 5, 4, 0, 0);
        Results(
            CapsuleBytes.OfImage(CapsuleBytes.SecurityViolation, new(SystemClass)),
            CapsuleBytes.OfImage(CapsuleBytes.Aborted, new(SystemClass), new DateTime(2024, 2, 29, 23, 59, 58)),
            CapsuleBytes.OfImage(0, Guid.NewGuid()),
            CapsuleBytes.OfImage(0, new(DeviceClass)));
        var roms = Value((await ReadAsync(FactKinds.Roms)).Roms);
        Assert.Equal(new LastAttempt(null, new(PeerCode.UefiStatus, CapsuleBytes.Aborted, "EFI_ABORTED")) { Id = "Capsule0001 2024-02-29T23:59:58.0000000" }, Value(roms[0].LastAttempt));
        Assert.Equal(new LastAttempt(null, new(PeerCode.UefiStatus, 0, "EFI_SUCCESS")) { Id = "Capsule0003" }, Value(roms[1].LastAttempt));
    }

    [Theory]
    [InlineData(0x0002_3200u, 6u)]
    [InlineData(0u, 6u)]
    [InlineData(0x0002_3200u, 0u)]
    public async Task LastAttempt_TableKnowsOfOne_IsTheTables(uint version, uint status)
    {
        StageMachine();
        Entry(0, SystemClass, 1, 5, 4, version, status);
        Results(CapsuleBytes.OfImage(CapsuleBytes.Aborted, new(SystemClass)), CapsuleBytes.Header(CapsuleBytes.Aborted));
        Assert.Equal(new LastAttempt(version == 0 ? null : RomVersion.FromPacked(version), new(PeerCode.UefiLastAttempt, status)), Value(Value((await ReadAsync(FactKinds.Roms)).Roms)[0].LastAttempt));
    }

    [Fact]
    public async Task LastAttempt_ResultWithoutAnImage_IsOfTheOnlyEntryOrOfNobody()
    {
        StageMachine();
        Entry(0, SystemClass, 1, 5, 4, 0, 0);
        Results(CapsuleBytes.OfImage(0, Guid.NewGuid()), CapsuleBytes.Header(CapsuleBytes.SecurityViolation), CapsuleBytes.Header(0, Guid.NewGuid()));
        Assert.Equal(new PeerCode(PeerCode.UefiStatus, CapsuleBytes.SecurityViolation, "EFI_SECURITY_VIOLATION"), Value(Value((await ReadAsync(FactKinds.Roms)).Roms)[0].LastAttempt).Status);
        Entry(1, DeviceClass, 2, 5, 4, 0, 0);
        Assert.All(Value((await ReadAsync(FactKinds.Roms)).Roms), r => Assert.Equal(new LastAttempt(null, new(PeerCode.UefiLastAttempt, 0)) { Id = LastAttempt.NoneAtAll }, Value(r.LastAttempt)));
    }

    [Fact]
    public async Task LastAttempt_TableWithoutTheFields_IsTheResultsWhereThereIsOne()
    {
        StageMachine();
        Entry(0, SystemClass, 1, 5, 4, 0, 0);
        _target.Remove(Esrt + "/entry0/last_attempt_version").Remove(Esrt + "/entry0/last_attempt_status");
        Assert.False(Value((await ReadAsync(FactKinds.Roms)).Roms)[0].LastAttempt.IsKnown);
        Results(CapsuleBytes.Header(CapsuleBytes.Aborted));
        Assert.Equal(CapsuleBytes.Aborted, Value(Value((await ReadAsync(FactKinds.Roms)).Roms)[0].LastAttempt).Status.Number);
    }

    [Theory]
    [InlineData(null, null, 3)]
    [InlineData("Capsule0001", null, 1)]
    [InlineData("Capsule0001\0", null, 1)]
    [InlineData("Capsule0001", "Capsule0003", 1)]
    [InlineData("Capsule0004", null, -1)]
    [InlineData("Capsule000a", null, -1)]
    [InlineData("Capsule1", null, -1)]
    [InlineData("CapsuleLast", null, -1)]
    [InlineData("", null, -1)]
    [InlineData("Capsule0003\0\0", null, -1)]
    public async Task LastAttempt_Newest_IsWhatTheFirmwareNames(string? last, string? max, int expected)
    {
        StageMachine();
        Entry(0, SystemClass, 1, 5, 4, 0, 0);
        Results([.. Enumerable.Range(0, 4).Select(i => CapsuleBytes.Header(CapsuleBytes.Error | (uint)(i + 1)))]);
        if (last is not null)
        {
            _target.CapsuleVariable(CapsuleReport.Last, CapsuleBytes.Name(last));
        }

        if (max is not null)
        {
            _target.CapsuleVariable(CapsuleReport.Max, CapsuleBytes.Name(max));
        }

        var status = Value(Value((await ReadAsync(FactKinds.Roms)).Roms)[0].LastAttempt).Status;
        Assert.Equal(expected < 0 ? new PeerCode(PeerCode.UefiLastAttempt, 0) : EfiStatus.ToPeerCode(CapsuleBytes.Error | (uint)(expected + 1)), status);
    }

    [Theory]
    [InlineData("Capsule0003", 2)]
    [InlineData("Capsule0001", -1)]
    [InlineData("nonsense", -1)]
    [InlineData(null, -1)]
    public async Task LastAttempt_NumbersHaveBegunAnew_GoesOnAtTheGreatest(string? max, int expected)
    {
        StageMachine();
        Entry(0, SystemClass, 1, 5, 4, 0, 0);
        Results([.. Enumerable.Range(0, 4).Select(i => CapsuleBytes.OfImage(CapsuleBytes.Error | (uint)(i + 1), i == 2 ? new(SystemClass) : Guid.NewGuid()))]);
        _target.CapsuleVariable(CapsuleReport.Last, CapsuleBytes.Name("Capsule0001"));
        if (max is not null)
        {
            _target.CapsuleVariable(CapsuleReport.Max, CapsuleBytes.Name(max));
        }

        Assert.Equal(expected < 0 ? 0 : CapsuleBytes.Error | (uint)(expected + 1), Value(Value((await ReadAsync(FactKinds.Roms)).Roms)[0].LastAttempt).Status.Number);
    }

    [Fact]
    public async Task LastAttempt_OlderThanTheNewestThatAreRead_IsNotLookedFor()
    {
        StageMachine();
        Entry(0, SystemClass, 1, 5, 4, 0, 0);
        var others = Enumerable.Repeat(0, CapsuleVariables.MaxResults - 1).Select(_ => CapsuleBytes.OfImage(0, Guid.NewGuid()));
        Results([CapsuleBytes.OfImage(CapsuleBytes.Aborted, new(SystemClass)), .. others]);
        Assert.Equal(CapsuleBytes.Aborted, Value(Value((await ReadAsync(FactKinds.Roms)).Roms)[0].LastAttempt).Status.Number);
        Results([CapsuleBytes.OfImage(CapsuleBytes.Aborted, new(SystemClass)), .. others, CapsuleBytes.OfImage(0, Guid.NewGuid())]);
        Assert.Equal(0u, Value(Value((await ReadAsync(FactKinds.Roms)).Roms)[0].LastAttempt).Status.Number);
        Assert.Equal(CapsuleVariables.MaxResults + 1, _target.Scripts.Ran[^1].Reply.Text.Split('\n').Count(l => l.StartsWith("x ", StringComparison.Ordinal) && l.Contains("/Capsule", StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task LastAttempt_BehindOneThatIsGone_IsNotTold(bool isFolder)
    {
        StageMachine();
        Entry(0, SystemClass, 1, 5, 4, 0, 0);
        Results(CapsuleBytes.Header(CapsuleBytes.Aborted), CapsuleBytes.Header(CapsuleBytes.Aborted));
        var path = EfiVariables.PathOf("Capsule0001", CapsuleReport.Vendor);
        _target.Remove(path);
        if (isFolder)
        {
            _target.Folder(path);
        }

        Assert.Equal(new PeerCode(PeerCode.UefiLastAttempt, 0), Value(Value((await ReadAsync(FactKinds.Roms)).Roms)[0].LastAttempt).Status);
    }

    [Fact]
    public async Task LastAttempt_HostileVariables_LeaveTheFactsReadable()
    {
        StageMachine();
        Entry(0, SystemClass, 1, 5, 4, 0, 0);
        var garbage = new byte[300];
        new Random(11).NextBytes(garbage);
        Results(
            [CapsuleBytes.OfImage(CapsuleBytes.Aborted, new(SystemClass)), [1], garbage, .. Enumerable.Repeat(new byte[200_000], CapsuleVariables.MaxResults - 5), CapsuleBytes.OfImage(0, new(SystemClass))[..^1], [.. CapsuleBytes.Header(0), .. new byte[CapsuleResult.MaxBytes]]]);
        var facts = await ReadAsync(FactKinds.All);
        Assert.Equal("esrt: 0x00000005", Value(facts.Roms)[0].Versions[1].ToString());
        Assert.Equal("Capsule0000", Value(Value(facts.Roms)[0].LastAttempt).Id);

        _target.CapsuleVariable(CapsuleReport.Last, new byte[5_000_000]).CapsuleVariable(CapsuleReport.Max, garbage);
        Assert.Equal(new PeerCode(PeerCode.UefiLastAttempt, 0), Value(Value((await ReadAsync(FactKinds.Roms)).Roms)[0].LastAttempt).Status);
    }

    [Fact]
    public async Task Roms_NoTable_AreWhatSmbiosTells()
    {
        StageMachine();
        var rom = Assert.Single(Value((await ReadAsync(FactKinds.Roms)).Roms));
        Assert.Equal(("system", "U30 v2.50 (03/12/2021)"), (rom.Id, rom.DisplayVersion));
        Assert.False(rom.LowestSupportedVersion.IsKnown);
    }

    [Fact]
    public async Task Roms_TwoSystemFirmwares_AreNotSmbioss()
    {
        StageMachine();
        Entry(0, DeviceClass, 1, 5, 0, 0, 0);
        Entry(1, SystemClass, 1, 6, 0, 0, 0);
        var roms = Value((await ReadAsync(FactKinds.Roms)).Roms);
        Assert.Equal(["system", "esrt-" + SystemClass, "esrt-" + DeviceClass], roms.Select(r => r.Id));
        Assert.Null(roms[0].FirmwareClass);
    }

    [Theory]
    [InlineData("fw_class")]
    [InlineData("lowest_supported_fw_version")]
    [InlineData("last_attempt_status")]
    public async Task Roms_TableThatCantBeRead_AreUnknown(string name)
    {
        StageMachine();
        Entry(0, SystemClass, 1, 5, 4, 0, 0);
        _target.Remove($"{Esrt}/entry0/{name}").Folder($"{Esrt}/entry0/{name}");
        Assert.Contains("can't be read", (await ReadAsync(FactKinds.Roms)).Roms.WhyUnknown, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Roms_FileInPlaceOfTheTable_AreUnknown()
    {
        StageMachine();
        _target.Put(Esrt, "x");
        Assert.Contains("can't be read", (await ReadAsync(FactKinds.Roms)).Roms.WhyUnknown, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("fw_class", "nonsense")]
    [InlineData("fw_class", "")]
    [InlineData("fw_class", DeviceClass)]
    [InlineData("lowest_supported_fw_version", "")]
    [InlineData("lowest_supported_fw_version", "-1")]
    [InlineData("lowest_supported_fw_version", "4294967296")]
    [InlineData("lowest_supported_fw_version", "0x10")]
    public async Task Roms_TableThatIsNotUnderstood_AreUnknown(string name, string text)
    {
        StageMachine();
        Entry(0, SystemClass, 1, 5, 4, 0, 0);
        Entry(1, DeviceClass, 2, 5, 4, 0, 0);
        _target.Put($"{Esrt}/entry0/{name}", text + "\n");
        Assert.Contains("can't be understood", (await ReadAsync(FactKinds.Roms)).Roms.WhyUnknown, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Roms_NumbersThatAreNone_AreUnknownThemselves()
    {
        StageMachine();
        Entry(0, SystemClass, 1, 5, 4, 0, 0);
        _target.Put(Esrt + "/entry0/fw_version", new string('9', 50)).Put(Esrt + "/entry0/last_attempt_status", "no\n");
        var rom = Value((await ReadAsync(FactKinds.Roms)).Roms).Single();
        Assert.Equal(["smbios"], rom.Versions.Select(v => v.Source.Name));
        Assert.False(rom.LastAttempt.IsKnown);
        Assert.True(rom.LowestSupportedVersion.IsKnown);
    }

    [Fact]
    public async Task Roms_MoreEntriesThanAreRead_AreUnknown()
    {
        StageMachine();
        for (var i = 0; i < 257; i++)
        {
            Entry(i, $"00000000-0000-0000-0000-{i:d12}", 2, 5, 4, 0, 0);
        }

        Assert.Contains("more than 256", (await ReadAsync(FactKinds.Roms)).Roms.WhyUnknown, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("controller\n", 0, RomKind.Controller)]
    [InlineData("array-controller", 0, RomKind.ArrayController)]
    [InlineData("array-controller\nmore\n", 0, RomKind.Other)]
    [InlineData("anything\n", 0, RomKind.Other)]
    [InlineData("controller\n", 1, RomKind.Other)]
    [InlineData("controller\n", 2, RomKind.Other)]
    [InlineData("controller\n", 3, RomKind.Other)]
    [InlineData("controller\n", 4, RomKind.Other)]
    public async Task Roms_ToldKind_CountsWhenRootAloneCanHaveWrittenIt(string text, int spoiled, RomKind kind)
    {
        StageMachine();
        Entry(0, DeviceClass, 2, 5, 4, 0, 0);
        var path = "/etc/romflash/firmware/" + DeviceClass;
        _target.Put(path, text);
        Spoil(path, spoiled);
        Assert.Equal(Environment.IsPrivilegedProcess ? kind : RomKind.Other, Value((await ReadAsync(FactKinds.Roms)).Roms).Single(r => r.Id == "esrt-" + DeviceClass).Kind);
    }

    [Theory]
    [InlineData("capsule-file-only\n", 0, true)]
    [InlineData("capsule-file-only", 0, true)]
    [InlineData("Capsule-file-only\n", 0, false)]
    [InlineData(" capsule-file-only\n", 0, false)]
    [InlineData("capsule-file-only\nelse\n", 0, false)]
    [InlineData("", 0, false)]
    [InlineData(null, 0, false)]
    [InlineData("capsule-file-only\n", 1, false)]
    [InlineData("capsule-file-only\n", 2, false)]
    [InlineData("capsule-file-only\n", 3, false)]
    [InlineData("capsule-file-only\n", 4, false)]
    public async Task Arming_CountsWhenRootAloneCanHaveWrittenIt(string? text, int spoiled, bool counts)
    {
        if (text is not null)
        {
            _target.Put("/etc/romflash/arming", text);
            Spoil("/etc/romflash/arming", spoiled);
        }

        Assert.Equal(counts && Environment.IsPrivilegedProcess, (await ArmingFacts.ReadAsync(_target.Scripts, default)).TakesCapsuleFiles);
    }

    [Fact]
    public async Task Controllers_WhatIsNoDevice_IsLeftOut()
    {
        StageMachine();
        Device("0000:08:00.0", "0x010400", "9005", "0x028f", "0x103c", "0x0655");
        Device("0000:09:00.0", "0x010400", "0x1000", "0x97", "0x103c", "0x0655");
        Device("not an address", "0x010400", "0x1000", "0x0097", "0x103c", "0x0655");
        Device("0000:0A:00.0", "0x010400", "0x1000", "0x0097", "0x103c", "zz");
        Host(0, "pci0000:00/0000:0a:00.0", "firmware_revision", "6.88");
        Host(1, "pci0000:00/0000:0a:00.0", "firmware_revision", "7.00");
        var roms = Value((await ReadAsync(FactKinds.Roms)).Roms);
        Assert.Equal(["system", "pci-0000:0a:00.0"], roms.Select(r => r.Id));
        Assert.Equal(new PciId(0x1000, 0x0097), roms[1].Pci);

        // Two hosts of it say two things.
        Assert.Empty(roms[1].Versions);
    }

    [Fact]
    public async Task Controllers_Many_AreBounded()
    {
        StageMachine();
        for (var i = 0; i < 70; i++)
        {
            Device($"0000:{i:x2}:00.0", "0x010400", "0x9005", "0x028f", "0x103c", "0x0655");
        }

        Assert.Equal(1 + 64, Value((await ReadAsync(FactKinds.Roms)).Roms).Length);
    }

    [Theory]
    [InlineData("False", "/etc/kernel/postinst.d/update-notifier")]
    [InlineData("False", "/etc/kernel/postinst.d/unattended-upgrades")]
    [InlineData("True", "/run/reboot-required", "/etc/kernel/postinst.d/update-notifier")]
    [InlineData("True", "/run/reboot-required")]
    [InlineData("True", "/run/systemd/shutdown/scheduled")]
    [InlineData("unknown")]
    [InlineData("unknown", "/etc/debian_version")]
    public async Task PendingReboot_IsKnownWhereSomethingWritesIt(string expected, params string[] files)
    {
        foreach (var file in files)
        {
            _target.Put(file, "x");
        }

        Assert.Equal(expected, Show((await ReadinessAsync()).PendingReboot));
    }

    [Theory]
    [InlineData("unknown", "True")]
    [InlineData("True", "True", "AC:type=Mains,online=1")]
    [InlineData("False", "True", "AC:type=Mains,online=0")]
    [InlineData("True", "True", "AC:type=Mains,online=0", "C1:type=USB,online=1")]
    [InlineData("True", "True", "AC:type=Mains,online=0", "C1:type=USB_C,online=2")]
    [InlineData("unknown", "True", "AC:type=Mains,online=x")]
    [InlineData("unknown", "True", "AC:type=Mains,online=0", "C1:type=USB,online=")]
    [InlineData("False", "True", "BAT0:type=Battery,capacity=25,status=Discharging")]
    [InlineData("False", "False", "BAT0:type=Battery,capacity=24,status=Discharging")]
    [InlineData("unknown", "True", "BAT0:type=Battery,capacity=100,status=Full")]
    [InlineData("unknown", "True", "BAT0:type=Battery,capacity=3,status=Full", "BAT1:type=Battery,capacity=90,status=Full")]
    [InlineData("unknown", "unknown", "BAT0:type=Battery,capacity=3", "BAT1:type=Battery")]
    [InlineData("unknown", "unknown", "BAT0:type=Battery,capacity=101")]
    [InlineData("unknown", "True", "BAT0:type=Battery,present=0,capacity=0")]
    [InlineData("unknown", "True", "mouse:type=Battery,scope=Device,capacity=1,status=Discharging")]
    [InlineData("unknown", "unknown", "odd:online=1")]
    public async Task Power_IsWhatTheSuppliesTell(string external, string battery, params string[] supplies)
    {
        _target.Folder(Power);
        foreach (var supply in supplies)
        {
            foreach (var attribute in supply[(supply.IndexOf(':', StringComparison.Ordinal) + 1)..].Split(','))
            {
                _target.Put($"{Power}/{supply.Split(':')[0]}/{attribute.Split('=')[0]}", attribute.Split('=')[1] + "\n");
            }
        }

        var readiness = await ReadinessAsync();
        Assert.Equal((external, battery), (Show(readiness.ExternalPower), Show(readiness.BatterySufficient)));
    }

    [Theory]
    [InlineData("False", null)]
    [InlineData("False", null, "LVM-abc")]
    [InlineData("unknown", null, "LVM-abc", "CRYPT-LUKS2-abc")]
    [InlineData("unknown", "data UUID=x none luks\n# data UUID=x none tpm2-device=auto\n", "CRYPT-LUKS2-abc")]
    [InlineData("True", "data UUID=x none luks\nroot UUID=y - tpm2-device=auto,discard", "CRYPT-LUKS2-abc")]
    [InlineData("False", "root UUID=y - tpm2-device=auto\n", "LVM-abc")]
    public async Task DiskEncryption_IsWhatTheVolumesTell(string expected, string? cryptTab, params string[] volumes)
    {
        _target.Folder("/sys/block/sda");
        for (var i = 0; i < volumes.Length; i++)
        {
            _target.Put(string.Create(CultureInfo.InvariantCulture, $"/sys/block/dm-{i}/dm/uuid"), volumes[i] + "\n");
        }

        if (cryptTab is not null)
        {
            _target.Put("/etc/crypttab", cryptTab);
        }

        Assert.Equal(expected, Show((await ReadinessAsync()).DiskEncryptionSealed));
    }

    [Fact]
    public async Task DiskEncryption_VolumeThatDoesNotTell_IsUnknown()
    {
        _target.Folder("/sys/block/dm-0/dm/uuid");
        Assert.Equal("unknown", Show((await ReadinessAsync()).DiskEncryptionSealed));
    }

    [Theory]
    [InlineData("True", 1)]
    [InlineData("False", 0)]
    [InlineData("unknown", 2)]
    [InlineData("unknown")]
    [InlineData("unknown", 1, 0)]
    public async Task SecureBoot_IsWhatTheVariableSays(string expected, params int[] value)
    {
        _target.Variable("SecureBoot", 6, [.. value.Select(v => (byte)v)]);
        Assert.Equal(expected, Show((await ReadinessAsync()).SecureBoot));
    }

    [Fact]
    public async Task SecureBoot_NoVariable_SaysWhy()
    {
        Assert.Contains("not started by UEFI", (await ReadinessAsync()).SecureBoot.WhyUnknown, StringComparison.Ordinal);
        _target.Folder("/sys/firmware/efi");
        Assert.Contains("shows no variable", (await ReadinessAsync()).SecureBoot.WhyUnknown, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("0", AccountRights.Administrator)]
    [InlineData("1000", AccountRights.NotAdministrator)]
    [InlineData("00", AccountRights.NotAdministrator)]
    [InlineData("root", null)]
    [InlineData("", null)]
    [InlineData("0\n0", null)]
    [InlineData("-1", null)]
    public async Task Account_IsWhatIdSays(string id, AccountRights? rights)
    {
        _target.Scripts.Before = $"id() {{ printf '%s\\n' '{id}'; }}\n";
        var account = (await ReadAsync(FactKinds.Account)).Account;
        Assert.Equal(rights, account.TryGet(out var value) ? value : null);
    }

    [Theory]
    [InlineData("9E50C137-d199-45ea-ac17-107696e230bc\n", "9e50c137-d199-45ea-ac17-107696e230bc")]
    [InlineData("9e50c137d19945eaac17107696e230bc\n", null)]
    [InlineData("00000000-0000-0000-0000-000000000000\n", null)]
    [InlineData("\n9e50c137-d199-45ea-ac17-107696e230bc\n", null)]
    [InlineData("", null)]
    public async Task Boot_IsAUuid(string text, string? id)
    {
        _target.Put("/proc/sys/kernel/random/boot_id", text);
        Assert.Equal(id, (await ReadAsync(FactKinds.Boot)).Boot.TryGet(out var boot) ? boot.Value : null);
    }

    [Fact]
    public async Task ReadAsync_HugeFile_IsAFaultAndNeverAPartOfIt()
    {
        _target.Put(Dmi + "/sys_vendor", new string('x', 4_500_000));
        var fault = await Assert.ThrowsAsync<PartitionFaultException>(async () => await ReadAsync(FactKinds.Identity));
        Assert.Contains(fault.Kind, new[] { TransportFaultKind.ProtocolViolation, TransportFaultKind.TimedOut });
    }

    [Fact]
    public async Task ReadAsync_PipesInPlaceOfFiles_AreNotWaitedFor()
    {
        _target.Folder(Dmi).Folder("/etc/romflash");
        var names = string.Join(' ', new[] { Dmi + "/sys_vendor", "/etc/romflash/arming", "/etc/crypttab" }.Select(p => RomFlash.Sdk.Transports.Ssh.Connection.ShellText.Quote(_target.PathOf(p))));
        _target.Scripts.Before = $"mkfifo {names} 2>/dev/null\n";
        Assert.False((await ReadAsync(FactKinds.All)).Identity.IsKnown);
        Assert.False((await ArmingFacts.ReadAsync(_target.Scripts, default)).TakesCapsuleFiles);
    }

    [Fact]
    public void Readings_AnyOutput_AreReadTotally()
    {
        var seed = Environment.TickCount;
        var random = new Random(seed);
        const string Whole = "= /a/b\tvalue\n! /a/c\n+ /a\nx /v\n 07 00 00 00 ff\n zz 1\nt /t\t0 41ed 0 81a4\tline\nm 36 35 8:1 / /x rw - vfat y rw\ni 0\nd /\t/x\ns 1 2 3\nh /p\t1\nend\n";
        for (var i = 0; i < 20_000; i++)
        {
            var text = Whole.ToCharArray();
            for (var changes = random.Next(0, 8); changes > 0; changes--)
            {
                text[random.Next(text.Length)] = "\n\t =!+xtm0f\0"[random.Next(12)];
            }

            var thrown = Record.Exception(() =>
            {
                var readings = TargetReadings.Parse(new string(text));
                _ = (readings.Text("/a/b"), readings.Number("/a/b"), readings.Bytes("/v"), readings.Told("/t"), readings.Below("/a").Count());
                _ = (DmiFacts.ReadIdentity(readings), RomFacts.Read(readings), ReadinessFacts.Read(readings), AccountFacts.Read(readings), BootFacts.Read(readings));
                _ = VolumeFacts.Read(readings, new("/x", "8:1", "vfat", false, default, default));
            });
            Assert.True(thrown is null, $"seed {seed}, mutant {i}: {thrown}");
        }
    }

    private static T Value<T>(Fact<T> fact)
        where T : notnull => fact.TryGet(out var value) ? value : throw new InvalidOperationException(fact.WhyUnknown);

    private static string Show(Fact<bool> fact) => fact.TryGet(out var value) ? value.ToString() : "unknown";

    private async Task<TargetFacts> ReadAsync(FactKinds kinds) => await new SshFacts(_target.Scripts).ReadAsync(null, NoVolume, kinds, default);

    private async Task<TargetReadiness> ReadinessAsync() => Value((await ReadAsync(FactKinds.Readiness)).Readiness);

    private void StageMachine()
    {
        foreach (var (name, text) in new[]
        {
            ("sys_vendor", "HPE"), ("product_name", "ProLiant \"x\" $(id)"), ("product_sku", " 868703-B21      "), ("product_uuid", "00112233-4455-6677-8899-aabbccddeeff"), ("product_serial", "CZ1234"),
            ("product_family", "ProLiant"), ("board_vendor", "HPE"), ("board_name", "Board"), ("chassis_type", "23"), ("bios_vendor", "HPE"), ("bios_version", "U30 v2.50 (03/12/2021)"), ("bios_release", "2.50"),
        })
        {
            _target.Put($"{Dmi}/{name}", text + "\n");
        }

        _target.Put("/proc/sys/kernel/random/boot_id", "9e50c137-d199-45ea-ac17-107696e230bc\n");
    }

    private void Entry(int number, string firmwareClass, uint type, uint version, uint lowest, uint attempted, uint status)
    {
        foreach (var (name, text) in new (string, object)[]
        {
            ("fw_class", firmwareClass), ("fw_type", type), ("fw_version", version), ("lowest_supported_fw_version", lowest), ("last_attempt_version", attempted), ("last_attempt_status", status), ("capsule_flags", "0x8000"),
        })
        {
            _target.Put(string.Create(CultureInfo.InvariantCulture, $"{Esrt}/entry{number}/{name}"), string.Create(CultureInfo.InvariantCulture, $"{text}\n"));
        }
    }

    // The first is the oldest.
    private void Results(params byte[][] values)
    {
        for (var i = 0; i < values.Length; i++)
        {
            _target.CapsuleVariable(CapsuleReport.NameOf((ushort)i), values[i]);
        }

        _target.CapsuleVariable(CapsuleReport.Last, CapsuleBytes.Name(CapsuleReport.NameOf((ushort)(values.Length - 1))));
    }

    // As the kernel has it: the bus and the class have links to where the devices are.
    private void Device(string address, string type, string vendor, string device, string subsystemVendor, string subsystem)
    {
        var folder = "/sys/devices/" + address;
        _target.Put(folder + "/class", type + "\n").Put(folder + "/vendor", vendor + "\n").Put(folder + "/device", device + "\n")
            .Put(folder + "/subsystem_vendor", subsystemVendor + "\n").Put(folder + "/subsystem_device", subsystem + "\n").Link("/sys/bus/pci/devices/" + address, "../../../devices/" + address);
    }

    private void Host(int number, string device, string attribute, string text)
    {
        var folder = string.Create(CultureInfo.InvariantCulture, $"/sys/devices/{device}/host{number}/scsi_host/host{number}");
        _target.Put($"{folder}/{attribute}", text + "\n").Link(string.Create(CultureInfo.InvariantCulture, $"/sys/class/scsi_host/host{number}"), "../.." + folder["/sys".Length..]);
    }

    // In each of these somebody else than root could have written it.
    private void Spoil(string path, int how)
    {
        var file = _target.PathOf(path);
        if (OperatingSystem.IsWindows())
        {
            throw new PlatformNotSupportedException();
        }

        switch (how)
        {
            case 1:
                File.SetUnixFileMode(file, File.GetUnixFileMode(file) | UnixFileMode.OtherWrite);
                break;
            case 2:
                File.SetUnixFileMode(file, File.GetUnixFileMode(file) | UnixFileMode.GroupWrite);
                break;
            case 3:
                File.SetUnixFileMode(Path.GetDirectoryName(file)!, File.GetUnixFileMode(Path.GetDirectoryName(file)!) | UnixFileMode.OtherWrite);
                break;
            case 4:
                File.Move(file, file + ".real");
                File.CreateSymbolicLink(file, file + ".real");
                break;
        }
    }
}
