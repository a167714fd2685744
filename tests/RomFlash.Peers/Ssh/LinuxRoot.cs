using System.Buffers.Binary;
using System.Globalization;
using System.Text;

namespace RomFlash.Peers.Ssh;

/// <summary>
/// A folder that looks like the root of a Linux machine as far as firmware goes: sysfs, procfs, efivarfs and udev's records as kernels 5 and 6 show them, a system partition, a <c>shutdown</c> that is only
/// recorded. It plays what firmware and Linux do at a boot. Lies in the folder of an <see cref="SshServer"/>, and is gone with it.
/// </summary>
public sealed class LinuxRoot
{
    /// <summary>The bit of OsIndications that makes firmware look for capsule files (UEFI 2.10, 8.5.4).</summary>
    public const ulong CapsuleFileBit = 4;

    /// <summary>Whose the variables of UEFI itself are.</summary>
    public const string GlobalVariables = "8be4df61-93ca-11d2-aa0d-00e098032b8c";

    /// <summary>Whose the variables are in which firmware leaves what became of capsules (UEFI 2.10, 8.5.6).</summary>
    public const string CapsuleVariables = "39b68c46-f7fb-441b-b6ec-16b0f69821f3";

    private const string Dmi = "sys/class/dmi/id/";
    private const string Esrt = "sys/firmware/efi/esrt/";
    private const string Efivars = "sys/firmware/efi/efivars/";
    private const string Scheduled = "run/systemd/shutdown/scheduled";

    // The attributes of a variable: non-volatile, boot services, runtime.
    private const uint Stored = 7;
    private const uint Told = 6;

    private readonly LinuxRootOptions _options;
    private readonly string _state;
    private int _calls;

    private LinuxRoot(SshServer server, LinuxRootOptions options, string path, string state)
    {
        _options = options;
        _state = state;
        Path = path;
        ShutdownProgram = server.WriteStandIn("shutdown", ShutdownScript());
    }

    /// <summary>The folder: what stands for <c>/</c>.</summary>
    public string Path { get; }

    /// <summary>The system partition.</summary>
    public string SystemPartition => Combine("boot/efi");

    /// <summary>The folder for deposits on it, whether or not it is there.</summary>
    public string RomFlashFolder => System.IO.Path.Combine(SystemPartition, "EFI", "RomFlash");

    /// <summary>Where firmware looks for capsules, whether or not it is there.</summary>
    public string CapsuleFolder => System.IO.Path.Combine(SystemPartition, "EFI", "UpdateCapsule");

    /// <summary>The files where firmware looks for capsules, in the order in which it takes them.</summary>
    public IReadOnlyList<string> CapsuleFiles => Directory.Exists(CapsuleFolder) ? [.. Directory.GetFiles(CapsuleFolder).Order(StringComparer.Ordinal)] : [];

    /// <summary>The value of OsIndications; null without the variable.</summary>
    public ulong? OsIndications => ReadVariable("OsIndications") is { Length: 8 } value ? BinaryPrimitives.ReadUInt64LittleEndian(value) : null;

    /// <summary>Whether the next boot would flash.</summary>
    public bool IsArmed => CapsuleFiles is not [] && (_options.TakesAnyFile || (OsIndications & CapsuleFileBit) is > 0);

    /// <summary>Which boot of the machine this is.</summary>
    public string BootId => File.ReadAllText(Combine("proc/sys/kernel/random/boot_id")).Trim();

    /// <summary>DMI's bios_version.</summary>
    public string BiosVersion => File.ReadAllText(Combine(Dmi + "bios_version")).TrimEnd('\n');

    /// <summary>The program that stands for <c>shutdown</c>; also found by that name by who logs on.</summary>
    public string ShutdownProgram { get; }

    /// <summary>The calls of <c>shutdown</c> since the beginning, those that were refused included.</summary>
    public IReadOnlyList<LinuxShutdownRequest> ShutdownRequests
    {
        get
        {
            var requests = new List<LinuxShutdownRequest>();
            var words = File.Exists(Calls) ? File.ReadAllText(Calls).Split('\0') : [];
            for (var at = 0; at + 3 < words.Length;)
            {
                var count = int.Parse(words[at + 2], CultureInfo.InvariantCulture);
                var request = new LinuxShutdownRequest(int.Parse(words[at], CultureInfo.InvariantCulture), words[(at + 3)..(at + 3 + count)], words[at + 1] == "refused", WasCancelled: false);
                if (request is { IsCancel: true, WasRefused: false } && requests.FindLastIndex(r => r is { IsCancel: false, WasRefused: false }) is >= 0 and var last)
                {
                    requests[last] = requests[last] with { WasCancelled = true };
                }

                requests.Add(request);
                at += 3 + count;
            }

            return requests;
        }
    }

    /// <summary>The restart that is coming: asked for since the last boot, and not taken back; null when none is.</summary>
    public LinuxShutdownRequest? PendingShutdown => ShutdownRequests.Skip(_calls).LastOrDefault(r => r is { IsCancel: false, WasRefused: false, WasCancelled: false });

    private string Calls => System.IO.Path.Combine(_state, "calls");

    /// <summary>Builds one. One server has one: its <c>shutdown</c> is found by name.</summary>
    /// <param name="server">In whose folder; it may run already.</param>
    /// <param name="options">What machine it is; as by default when null.</param>
    /// <param name="cancellationToken">Ends the mounting.</param>
    /// <returns>The root.</returns>
    /// <exception cref="PeerUnavailableException">A partition of its own was asked for, and can't be mounted here.</exception>
    public static async Task<LinuxRoot> CreateAsync(SshServer server, LinuxRootOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(server);
        var path = Directory.CreateDirectory(System.IO.Path.Combine(server.Folder, "root")).FullName;
        var state = Directory.CreateDirectory(System.IO.Path.Combine(server.Folder, "machine")).FullName;
        File.SetUnixFileMode(state, (UnixFileMode)Convert.ToInt32("777", 8));
        var root = new LinuxRoot(server, options ?? new(), path, state);
        Directory.CreateDirectory(root.SystemPartition);
        if (root._options.PartitionSize is { } size)
        {
            await server.MountAsync(root.SystemPartition, size, cancellationToken);
        }

        root.WriteMachine();
        return root;
    }

    /// <summary>A path below it.</summary>
    /// <param name="relative">From the root on, without the first slash.</param>
    /// <returns>The full path.</returns>
    public string Combine(string relative) => System.IO.Path.Combine(Path, relative);

    /// <summary>Writes a file below it, whatever it is to say.</summary>
    /// <param name="relative">From the root on, without the first slash.</param>
    /// <param name="text">Its content.</param>
    /// <param name="mode">Its mode; as sysfs has it for what everybody may read.</param>
    public void Write(string relative, string text, UnixFileMode mode = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead)
    {
        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(Combine(relative))!);
        File.WriteAllText(Combine(relative), text);
        File.SetUnixFileMode(Combine(relative), mode);
    }

    /// <summary>Takes a file or a folder away.</summary>
    /// <param name="relative">From the root on, without the first slash.</param>
    public void Remove(string relative)
    {
        if (Directory.Exists(Combine(relative)))
        {
            Directory.Delete(Combine(relative), recursive: true);
        }
        else
        {
            File.Delete(Combine(relative));
        }
    }

    /// <summary>An entry of the EFI System Resource Table: a further one, or another state of the one of the same class.</summary>
    /// <param name="firmware">The entry.</param>
    public void SetFirmware(LinuxFirmware firmware)
    {
        ArgumentNullException.ThrowIfNull(firmware);
        var entry = FindFirmware(firmware.FirmwareClass) ?? string.Create(CultureInfo.InvariantCulture, $"{Esrt}entries/entry{Firmwares().Count()}");
        foreach (var (name, value) in new (string, string)[]
        {
            ("fw_class", firmware.FirmwareClass.ToString("D")),
            ("fw_type", Number(firmware.Type)),
            ("fw_version", Number(firmware.Version)),
            ("lowest_supported_fw_version", Number(firmware.LowestSupported)),
            ("capsule_flags", "0x0"),
            ("last_attempt_version", Number(firmware.LastAttemptVersion)),
            ("last_attempt_status", Number(firmware.LastAttemptStatus)),
        })
        {
            WriteSecret($"{entry}/{name}", value + "\n");
        }

        Write(Esrt + "fw_resource_count", string.Create(CultureInfo.InvariantCulture, $"{Firmwares().Count()}\n"));
        Write(Esrt + "fw_resource_count_max", "64\n");
        Write(Esrt + "fw_resource_version", "1\n");
    }

    /// <summary>The entry of a class, as it is now; null when there is none.</summary>
    /// <param name="firmwareClass">The class; the system's when null.</param>
    /// <returns>The entry.</returns>
    public LinuxFirmware? GetFirmware(Guid? firmwareClass = null)
    {
        if ((firmwareClass ?? _options.SystemFirmware?.FirmwareClass) is not { } wanted || FindFirmware(wanted) is not { } entry)
        {
            return null;
        }

        return new(wanted, Value("fw_type"), Value("fw_version"), Value("lowest_supported_fw_version"), Value("last_attempt_version"), Value("last_attempt_status"));

        uint Value(string name) => uint.Parse(File.ReadAllText(Combine($"{entry}/{name}")).Trim(), CultureInfo.InvariantCulture);
    }

    /// <summary>Says, as an administrator does, that the firmware of a class is an array controller's.</summary>
    /// <param name="firmwareClass">The class.</param>
    /// <param name="kind">What to say.</param>
    public void NameFirmware(Guid firmwareClass, string kind = "array-controller") => Write($"etc/romflash/firmware/{firmwareClass:D}", kind + "\n");

    /// <summary>A PCI device.</summary>
    /// <param name="address">Such as <c>0000:03:00.0</c>.</param>
    /// <param name="vendor">Vendor and device, then those of the subsystem.</param>
    /// <param name="device">The device.</param>
    /// <param name="subsystemVendor">The subsystem's vendor.</param>
    /// <param name="subsystemDevice">The subsystem's device.</param>
    /// <param name="deviceClass">Base class, class, interface: 0x010400 for RAID, 0x010700 for SAS, 0x020000 for Ethernet.</param>
    /// <param name="driver">The driver that has it; none when null.</param>
    /// <returns>The path of its folder in sys/devices.</returns>
    public string AddPciDevice(string address, ushort vendor, ushort device, ushort subsystemVendor, ushort subsystemDevice, uint deviceClass, string? driver = null)
    {
        ArgumentNullException.ThrowIfNull(address);
        var folder = $"sys/devices/pci0000:00/0000:00:01.{address[^1]}/{address}";
        Write(folder + "/vendor", Hex(vendor, 4));
        Write(folder + "/device", Hex(device, 4));
        Write(folder + "/subsystem_vendor", Hex(subsystemVendor, 4));
        Write(folder + "/subsystem_device", Hex(subsystemDevice, 4));
        Write(folder + "/class", Hex(deviceClass, 6));
        Write(folder + "/revision", Hex(1, 2));
        Link($"sys/bus/pci/devices/{address}", folder);
        if (driver is not null)
        {
            Directory.CreateDirectory(Combine($"sys/bus/pci/drivers/{driver}"));
            Link(folder + "/driver", $"sys/bus/pci/drivers/{driver}");
        }

        return folder;

        static string Hex(uint value, int digits) => $"0x{value.ToString("x" + digits.ToString(CultureInfo.InvariantCulture), CultureInfo.InvariantCulture)}\n";
    }

    /// <summary>An array controller: a PCI device, and the SCSI host that its driver makes of it.</summary>
    /// <param name="version">Its firmware's version, as the driver tells it; null when it does not.</param>
    /// <param name="host">The host's number.</param>
    /// <param name="address">Its PCI address.</param>
    /// <param name="driver">Its driver.</param>
    /// <param name="attribute">The host's attribute that tells the version; drivers have names of their own for it: hpsa <c>firmware_revision</c>, smartpqi <c>firmware_version</c>, mpt3sas <c>version_fw</c>.</param>
    public void AddArrayController(string? version, int host = 0, string address = "0000:03:00.0", string driver = "hpsa", string attribute = "firmware_revision")
    {
        var device = AddPciDevice(address, 0x103c, 0x3239, 0x103c, 0x21cb, 0x010400, driver);
        var name = string.Create(CultureInfo.InvariantCulture, $"host{host}");
        var scsi = $"{device}/{name}/scsi_host/{name}";
        Write(scsi + "/proc_name", driver + "\n");
        Write(scsi + "/unique_id", string.Create(CultureInfo.InvariantCulture, $"{host}\n"));
        if (version is not null)
        {
            SetControllerVersion(version, host, address, attribute);
        }

        Link(scsi + "/device", $"{device}/{name}");
        Link($"sys/class/scsi_host/{name}", scsi);
    }

    /// <summary>Sets the version that an array controller tells, as after a flash of it.</summary>
    /// <param name="version">The version.</param>
    /// <param name="host">The host's number.</param>
    /// <param name="address">Its PCI address.</param>
    /// <param name="attribute">The host's attribute.</param>
    public void SetControllerVersion(string version, int host = 0, string address = "0000:03:00.0", string attribute = "firmware_revision")
    {
        ArgumentNullException.ThrowIfNull(address);
        var name = string.Create(CultureInfo.InvariantCulture, $"host{host}");
        Write($"sys/devices/pci0000:00/0000:00:01.{address[^1]}/{address}/{name}/scsi_host/{name}/{attribute}", version + "\n");
    }

    /// <summary>A power supply or a battery.</summary>
    /// <param name="name">Such as <c>ADP1</c> or <c>BAT0</c>.</param>
    /// <param name="type"><c>Mains</c>, <c>Battery</c>, ….</param>
    /// <param name="attributes">Further attributes, such as online, status, capacity.</param>
    public void AddPowerSupply(string name, string type, params (string Name, string Value)[] attributes)
    {
        ArgumentNullException.ThrowIfNull(attributes);
        foreach (var (attribute, value) in attributes.Prepend(("type", type)))
        {
            Write($"sys/devices/power/{name}/{attribute}", value + "\n");
        }

        Link($"sys/class/power_supply/{name}", $"sys/devices/power/{name}");
    }

    /// <summary>The mount table that <c>proc/self/mountinfo</c> tells.</summary>
    /// <param name="partitionOptions">The options of the system partition: <c>ro</c> or <c>rw</c> first; null when it is not mounted.</param>
    /// <param name="efivarsOptions">The same of efivarfs.</param>
    /// <param name="further">Further lines, such as of a second system partition.</param>
    public void SetMounts(string? partitionOptions = "rw,relatime", string? efivarsOptions = "rw,nosuid,nodev,noexec,relatime", params string[] further)
    {
        var lines = new List<string>
        {
            "21 1 259:2 / / rw,relatime shared:1 - ext4 /dev/nvme0n1p2 rw,errors=remount-ro",
            "22 21 0:20 / /sys rw,nosuid,nodev,noexec,relatime shared:2 - sysfs sysfs rw",
            "23 21 0:21 / /proc rw,nosuid,nodev,noexec,relatime shared:3 - proc proc rw",
            "24 21 0:22 / /run rw,nosuid,nodev,noexec,relatime shared:4 - tmpfs tmpfs rw,size=1626708k,mode=755",
        };
        if (efivarsOptions is not null)
        {
            lines.Add($"28 22 0:27 / /sys/firmware/efi/efivars {efivarsOptions} shared:8 - efivarfs efivarfs {efivarsOptions.Split(',')[0]}");
        }

        if (partitionOptions is not null)
        {
            lines.Add($"36 21 259:1 / /boot/efi {partitionOptions} shared:20 - {_options.FileSystem} /dev/nvme0n1p1 {partitionOptions.Split(',')[0]},fmask=0077,dmask=0077,codepage=437,iocharset=ascii,shortname=mixed,utf8,errors=remount-ro");
        }

        Write("proc/self/mountinfo", string.Concat(lines.Concat(further ?? []).Select(l => l + "\n")));
    }

    /// <summary>What udev has recorded of a partition.</summary>
    /// <param name="device">Its number, as <c>MAJOR:MINOR</c>.</param>
    /// <param name="id">The partition's GUID.</param>
    /// <param name="type">The partition's type; that of a system partition when null.</param>
    public void SetPartition(string device, Guid id, Guid? type = null) => Write(
        $"run/udev/data/b{device}",
        $"""
        S:disk/by-partuuid/{id:D}
        I:1000000
        E:ID_FS_TYPE={_options.FileSystem}
        E:ID_PART_ENTRY_SCHEME=gpt
        E:ID_PART_ENTRY_UUID={id:D}
        E:ID_PART_ENTRY_TYPE={(type ?? new("c12a7328-f81f-11d2-ba4b-00a0c93ec93b")):D}
        E:ID_PART_ENTRY_NUMBER=1
        G:systemd

        """);

    /// <summary>Sets a variable of the firmware.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="value">Its value without the attributes; null takes it away.</param>
    /// <param name="attributes">Its attributes: 7 for one that is stored, 6 for one that the firmware tells.</param>
    /// <param name="vendor">Whose it is.</param>
    public void SetVariable(string name, byte[]? value, uint attributes = Stored, string vendor = GlobalVariables)
    {
        var file = Combine(VariableFile(name, vendor));
        if (value is null)
        {
            File.Delete(file);
            return;
        }

        var bytes = new byte[4 + value.Length];
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, attributes);
        value.CopyTo(bytes, 4);
        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(file)!);
        File.WriteAllBytes(file, bytes);
    }

    /// <summary>The value of a variable, without its attributes; null without the variable.</summary>
    /// <param name="name">Its name; it is one of <see cref="GlobalVariables"/>.</param>
    /// <returns>The value.</returns>
    public byte[]? ReadVariable(string name) => File.Exists(Combine(VariableFile(name))) && File.ReadAllBytes(Combine(VariableFile(name))) is { Length: > 4 } bytes ? bytes[4..] : null;

    /// <summary>Leaves what became of a capsule, as firmware does: in a variable of its own, which CapsuleLast names.</summary>
    /// <param name="status">An EFI_STATUS.</param>
    /// <param name="firmwareClass">Whose firmware the capsule's image was; null where the firmware does not say.</param>
    /// <param name="processed">When; the firmware has no clock when null.</param>
    public void AddCapsuleResult(ulong status, Guid? firmwareClass = null, DateTime? processed = null)
    {
        var number = Directory.GetFiles(Combine(Efivars), $"Capsule????-{CapsuleVariables}").Count(f => !f.Contains("CapsuleLast", StringComparison.Ordinal));
        var result = new byte[48];
        new Guid("6dcbd5ed-e82d-4c44-bda1-7194199ad92a").TryWriteBytes(result.AsSpan(8));
        if (processed is { } time)
        {
            BinaryPrimitives.WriteUInt16LittleEndian(result.AsSpan(24), (ushort)time.Year);
            byte[] rest = [(byte)time.Month, (byte)time.Day, (byte)time.Hour, (byte)time.Minute, (byte)time.Second];
            rest.CopyTo(result, 26);
        }

        BinaryPrimitives.WriteUInt64LittleEndian(result.AsSpan(40), status);
        if (firmwareClass is { } type)
        {
            result = [.. result, 1, 0, 0, 1, .. type.ToByteArray(), .. Encoding.Unicode.GetBytes("firmware.cap\0\0")];
        }

        BinaryPrimitives.WriteInt32LittleEndian(result, result.Length);
        var name = string.Create(CultureInfo.InvariantCulture, $"Capsule{number:X4}");
        SetVariable(name, result, vendor: CapsuleVariables);
        SetVariable("CapsuleLast", Encoding.Unicode.GetBytes(name), vendor: CapsuleVariables);
        SetVariable("CapsuleMax", Encoding.Unicode.GetBytes("CapsuleFFFF"), Told, CapsuleVariables);
    }

    /// <summary>An option of the firmware's boot manager that starts from a partition of a disk.</summary>
    /// <param name="number">Its number.</param>
    /// <param name="partition">The partition's GUID.</param>
    /// <param name="description">What the boot menu shows.</param>
    public void SetBootOption(ushort number, Guid partition, string description = "linux")
    {
        var drive = new List<byte> { 4, 1, 42, 0, 1, 0, 0, 0 };
        drive.AddRange(Number64(2048));
        drive.AddRange(Number64(1048576));
        drive.AddRange(partition.ToByteArray());
        drive.AddRange([2, 2]);
        var loader = Encoding.Unicode.GetBytes("\\EFI\\linux\\shimx64.efi\0");
        byte[] path = [.. drive, 4, 4, (byte)(4 + loader.Length), 0, .. loader, 0x7F, 0xFF, 4, 0];
        SetVariable(string.Create(CultureInfo.InvariantCulture, $"Boot{number:X4}"), [1, 0, 0, 0, (byte)path.Length, 0, .. Encoding.Unicode.GetBytes(description + "\0"), .. path]);

        static byte[] Number64(ulong value)
        {
            var bytes = new byte[8];
            BinaryPrimitives.WriteUInt64LittleEndian(bytes, value);
            return bytes;
        }
    }

    /// <summary>Lists of boot options: what is tried first is first.</summary>
    /// <param name="numbers">Their numbers.</param>
    public void SetBootOrder(params ushort[] numbers)
    {
        ArgumentNullException.ThrowIfNull(numbers);
        SetVariable("BootOrder", [.. numbers.SelectMany(n => new[] { (byte)n, (byte)(n >> 8) })]);
        SetVariable("BootCurrent", numbers is [var first, ..] ? [(byte)first, (byte)(first >> 8)] : null, Told);
    }

    /// <summary>Makes <c>shutdown</c> fail from now on.</summary>
    /// <param name="text">What it says; null lets it work again.</param>
    public void RefuseShutdown(string? text)
    {
        var file = System.IO.Path.Combine(_state, "refuses");
        File.Delete(file);
        if (text is not null)
        {
            File.WriteAllText(file, text + "\n");
        }
    }

    /// <summary>Does what firmware does at a boot, and then Linux: takes the capsules when it is armed, flashes, and clears the bit; another boot, no scheduled restart. Connections are the caller's to end.</summary>
    /// <param name="flashes">What the capsules make of the machine; without a capsule, nothing is made of it.</param>
    /// <returns>The capsules that were taken.</returns>
    public IReadOnlyList<LinuxCapsule> PlayBoot(params LinuxFlash[] flashes)
    {
        ArgumentNullException.ThrowIfNull(flashes);
        var capsules = IsArmed ? CapsuleFiles : [];
        var taken = capsules.Select(f => new LinuxCapsule(System.IO.Path.GetFileName(f), File.ReadAllBytes(f))).ToList();
        foreach (var capsule in capsules)
        {
            File.Delete(capsule);
        }

        foreach (var flash in taken is [] ? [] : flashes)
        {
            Flash(flash);
        }

        if (OsIndications is { } bits && (bits & CapsuleFileBit) != 0)
        {
            SetOsIndications(bits & ~CapsuleFileBit);
        }

        PlayRestart();
        return taken;
    }

    /// <summary>Does what Linux does at a boot, whatever firmware has done before: another boot, no scheduled restart.</summary>
    public void PlayRestart()
    {
        EndShutdown();
        _calls = ShutdownRequests.Count;
        Write("proc/sys/kernel/random/boot_id", Guid.NewGuid().ToString("D") + "\n");
    }

    private static string Number(uint value) => value.ToString(CultureInfo.InvariantCulture);

    private static string VariableFile(string name, string vendor = GlobalVariables) => $"{Efivars}{name}-{vendor}";

    private void Flash(LinuxFlash flash)
    {
        if (GetFirmware(flash.FirmwareClass) is { } before)
        {
            SetFirmware(before with { Version = flash.Status == 0 ? flash.Version : before.Version, LastAttemptVersion = flash.Version, LastAttemptStatus = flash.Status });
        }

        if (flash is { Status: 0, BiosVersion: { } version })
        {
            Write(Dmi + "bios_version", version + "\n");
        }
    }

    private void SetOsIndications(ulong value)
    {
        var bytes = new byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, value);
        SetVariable("OsIndications", bytes);
    }

    private void WriteMachine()
    {
        foreach (var (name, value) in new[]
        {
            ("sys_vendor", _options.Manufacturer), ("product_name", _options.Product), ("product_sku", _options.Sku), ("product_family", "Server"), ("product_version", ""),
            ("board_vendor", _options.Manufacturer), ("board_name", _options.Product + " Board"), ("bios_vendor", _options.Manufacturer), ("bios_version", _options.BiosVersion),
            ("bios_date", "03/12/2021"), ("bios_release", "2.50"), ("chassis_type", "23"), ("chassis_vendor", _options.Manufacturer),
        })
        {
            Write(Dmi + name, value + "\n");
        }

        WriteSecret(Dmi + "product_serial", _options.SerialNumber + "\n");
        WriteSecret(Dmi + "product_uuid", _options.Uuid.ToString("D") + "\n");
        Directory.CreateDirectory(Combine("sys/bus/pci/devices"));
        Directory.CreateDirectory(Combine("sys/class/power_supply"));
        Directory.CreateDirectory(Combine("sys/block/nvme0n1"));
        Write("proc/sys/kernel/random/boot_id", Guid.NewGuid().ToString("D") + "\n");
        Directory.CreateDirectory(System.IO.Path.Combine(SystemPartition, "EFI", "linux"));
        if (_options.TakesAnyFile)
        {
            Write("etc/romflash/arming", "capsule-file-only\n");
        }

        if (!_options.HasEfi)
        {
            SetMounts(efivarsOptions: null);
            return;
        }

        SetMounts();
        SetPartition("259:1", _options.PartitionId);
        Write("sys/firmware/efi/fw_platform_size", "64\n");
        SetVariable("OsIndicationsSupported", [(byte)(_options.SupportsCapsuleFiles ? CapsuleFileBit | 1 : 1), 0, 0, 0, 0, 0, 0, 0], Told);
        SetVariable("SecureBoot", [(byte)(_options.SecureBoot ? 1 : 0)], Told);
        SetVariable("SetupMode", [0], Told);
        SetBootOption(0, _options.PartitionId);
        SetBootOrder(0);
        if (_options.OsIndications is { } indications)
        {
            SetOsIndications(indications);
        }

        if (_options.SystemFirmware is { } firmware)
        {
            SetFirmware(firmware);
        }
    }

    private void WriteSecret(string relative, string text) => Write(relative, text, UnixFileMode.UserRead);

    // As in sysfs: relative, so that whatever folder stands for the root is left out of account.
    private void Link(string relative, string target)
    {
        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(Combine(relative))!);
        File.CreateSymbolicLink(Combine(relative), System.IO.Path.GetRelativePath(System.IO.Path.GetDirectoryName(Combine(relative))!, Combine(target)));
    }

    private IEnumerable<string> Firmwares() => Directory.Exists(Combine(Esrt + "entries")) ? Directory.GetDirectories(Combine(Esrt + "entries")).Select(d => System.IO.Path.GetRelativePath(Path, d)) : [];

    private string? FindFirmware(Guid firmwareClass) => Firmwares().FirstOrDefault(e => File.ReadAllText(Combine(e + "/fw_class")).Trim() == firmwareClass.ToString("D"));

    // A process that waits for its time sees that its file is gone.
    private void EndShutdown()
    {
        File.Delete(System.IO.Path.Combine(_state, "pending"));
        if (File.Exists(Combine(Scheduled)))
        {
            File.Delete(Combine(Scheduled));
        }
    }

    // Each call in one piece: who asked, what became of it, how many arguments, the arguments, each with a zero byte behind it.
    private string ShutdownScript() => $$"""
        state='{{_state}}' scheduled='{{Combine(Scheduled)}}'
        user=$(id -u)
        if [ "$user" != 0 ]; then
          printf '%s\0' "$user" refused "$#" "$@" >>"$state/calls"
          echo 'shutdown: need to be root' >&2
          exit 1
        fi
        if [ -e "$state/refuses" ]; then
          printf '%s\0' "$user" refused "$#" "$@" >>"$state/calls"
          cat "$state/refuses" >&2
          exit 1
        fi
        case "$1" in -r|-c) ;; *) echo "shutdown: only -r and -c are played here" >&2; exit 2 ;; esac
        # Whoever sees the call may play the boot: what the boot ends has to be there by then.
        rm -f "$state/pending" "$scheduled"
        [ "$1" = -c ] || printf '%s\n' "$$" >"$state/pending"
        printf '%s\0' "$user" taken "$#" "$@" >>"$state/calls"
        [ "$1" = -c ] && exit 0
        [ "$2" = now ] && exit 0
        if [ {{_options.Shutdown}} = Systemd ]; then
          mkdir -p "${scheduled%/*}"
          printf 'USEC=%s000000\nWARN_WALL=1\nMODE=reboot\n' "$(( $(date +%s) + 60 * ${2#+} ))" >"$scheduled"
          exit 0
        fi
        while [ "$(cat "$state/pending" 2>/dev/null)" = "$$" ]; do sleep 0.05; done
        """;
}
