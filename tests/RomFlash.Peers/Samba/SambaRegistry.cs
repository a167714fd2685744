using System.Globalization;
using System.Text;

namespace RomFlash.Peers.Samba;

/// <summary>Keys and values in the form that <c>net registry import</c> reads. Adding a value twice keeps the later one.</summary>
/// <remarks>Samba keeps no volatile keys, so HKLM\HARDWARE is like any other.</remarks>
public sealed class SambaRegistry
{
    private const string Bios = @"HKLM\HARDWARE\DESCRIPTION\System\BIOS";
    private const string Esrt = @"HKLM\HARDWARE\UEFI\ESRT";
    private const string HardwareConfig = @"HKLM\SYSTEM\HardwareConfig";
    private const string Prefetch = @"HKLM\SYSTEM\CurrentControlSet\Control\Session Manager\Memory Management\PrefetchParameters";
    private const string Pci = @"HKLM\SYSTEM\CurrentControlSet\Enum\PCI";

    private readonly Dictionary<string, Dictionary<string, string>> _keys = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>The identity that a Windows target shows.</summary>
    /// <param name="manufacturer">SystemManufacturer.</param>
    /// <param name="product">SystemProductName.</param>
    /// <param name="sku">SystemSKU; left out when null.</param>
    /// <param name="biosVersion">BIOSVersion.</param>
    /// <param name="biosReleaseDate">BIOSReleaseDate.</param>
    /// <param name="biosVendor">BIOSVendor.</param>
    /// <returns>Itself.</returns>
    public SambaRegistry WithIdentity(string manufacturer, string product, string? sku = null, string biosVersion = "1.0", string biosReleaseDate = "01/02/2024", string biosVendor = "Contoso")
    {
        WithText(Bios, "SystemManufacturer", manufacturer);
        WithText(Bios, "SystemProductName", product);
        WithText(Bios, "BIOSVersion", biosVersion);
        WithText(Bios, "BIOSReleaseDate", biosReleaseDate);
        WithText(Bios, "BIOSVendor", biosVendor);
        return sku is null ? this : WithText(Bios, "SystemSKU", sku);
    }

    /// <summary>The SMBIOS UUID, as Windows keeps it.</summary>
    /// <param name="value">The UUID.</param>
    /// <returns>Itself.</returns>
    public SambaRegistry WithHardwareId(Guid value) => WithText(HardwareConfig, "LastConfig", value.ToString("B"));

    /// <summary>How often the target was started.</summary>
    /// <param name="value">The count.</param>
    /// <returns>Itself.</returns>
    public SambaRegistry WithBootId(uint value) => WithNumber(Prefetch, "BootId", value);

    /// <summary>An entry of the EFI System Resource Table.</summary>
    /// <param name="firmwareClass">The firmware's class.</param>
    /// <param name="type">1 for system firmware, 2 for a device's.</param>
    /// <param name="version">The version that runs.</param>
    /// <param name="lowestSupported">The least version that may be installed.</param>
    /// <param name="lastAttemptVersion">The version of the last attempt.</param>
    /// <param name="lastAttemptStatus">How the last attempt ended; 0 for well.</param>
    /// <returns>Itself.</returns>
    public SambaRegistry WithFirmware(Guid firmwareClass, uint type, uint version, uint lowestSupported = 0, uint lastAttemptVersion = 0, uint lastAttemptStatus = 0)
    {
        var key = $@"{Esrt}\{firmwareClass:B}";
        WithNumber(key, "Type", type);
        WithNumber(key, "Version", version);
        WithNumber(key, "LowestSupportedVersion", lowestSupported);
        WithNumber(key, "LastAttemptVersion", lastAttemptVersion);
        return WithNumber(key, "LastAttemptStatus", lastAttemptStatus);
    }

    /// <summary>A device on the PCI bus.</summary>
    /// <param name="device">Such as <c>VEN_103C&amp;DEV_3239&amp;SUBSYS_21CB103C&amp;REV_01</c>.</param>
    /// <param name="instance">Such as <c>4&amp;1a2b&amp;0&amp;00E0</c>.</param>
    /// <param name="description">DeviceDesc.</param>
    /// <param name="service">The driver's name; left out when null.</param>
    /// <param name="hardwareIds">HardwareID; <c>PCI\</c> and the device when empty.</param>
    /// <returns>Itself.</returns>
    public SambaRegistry WithPciDevice(string device, string instance, string description, string? service = null, params string[] hardwareIds)
    {
        var key = $@"{Pci}\{device}\{instance}";
        WithTexts(key, "HardwareID", hardwareIds is [] ? [$@"PCI\{device}"] : hardwareIds);
        WithText(key, "DeviceDesc", description);
        return service is null ? this : WithText(key, "Service", service);
    }

    /// <summary>A key, whether or not it has values.</summary>
    /// <param name="key">The path, from <c>HKLM\</c> on.</param>
    /// <returns>Itself.</returns>
    public SambaRegistry WithKey(string key)
    {
        Key(key);
        return this;
    }

    /// <summary>A REG_SZ.</summary>
    /// <param name="key">The key's path, from <c>HKLM\</c> on.</param>
    /// <param name="name">The value's name.</param>
    /// <param name="value">The text.</param>
    /// <returns>Itself.</returns>
    public SambaRegistry WithText(string key, string name, string value) => WithBytes(key, name, RegistryType.Text, Encoding.Unicode.GetBytes(value + "\0"));

    /// <summary>A REG_MULTI_SZ.</summary>
    /// <param name="key">The key's path, from <c>HKLM\</c> on.</param>
    /// <param name="name">The value's name.</param>
    /// <param name="values">The texts.</param>
    /// <returns>Itself.</returns>
    public SambaRegistry WithTexts(string key, string name, params string[] values) =>
        WithBytes(key, name, RegistryType.Texts, Encoding.Unicode.GetBytes(string.Concat(values.Select(v => v + "\0")) + "\0"));

    /// <summary>A REG_DWORD.</summary>
    /// <param name="key">The key's path, from <c>HKLM\</c> on.</param>
    /// <param name="name">The value's name.</param>
    /// <param name="value">The number.</param>
    /// <returns>Itself.</returns>
    public SambaRegistry WithNumber(string key, string name, uint value) => With(key, name, string.Create(CultureInfo.InvariantCulture, $"dword:{value:x8}"));

    /// <summary>A value of any type and content, however wrong.</summary>
    /// <param name="key">The key's path, from <c>HKLM\</c> on.</param>
    /// <param name="name">The value's name.</param>
    /// <param name="type">Its type (MS-RRP, 3.1.1.5).</param>
    /// <param name="value">Its content.</param>
    /// <returns>Itself.</returns>
    public SambaRegistry WithBytes(string key, string name, RegistryType type, ReadOnlySpan<byte> value)
    {
        var bytes = string.Join(',', value.ToArray().Select(b => b.ToString("x2", CultureInfo.InvariantCulture)));
        return With(key, name, string.Create(CultureInfo.InvariantCulture, $"hex({(int)type:x}):{bytes}"));
    }

    /// <summary>The file's text.</summary>
    /// <returns>The text, lines ended as Windows does.</returns>
    public override string ToString()
    {
        var text = new StringBuilder("Windows Registry Editor Version 5.00\r\n");
        foreach (var (key, values) in _keys)
        {
            text.Append(CultureInfo.InvariantCulture, $"\r\n[{key}]\r\n");
            foreach (var (name, value) in values)
            {
                text.Append(CultureInfo.InvariantCulture, $"\"{name.Replace(@"\", @"\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal)}\"={value}\r\n");
            }
        }

        // The last value counts only when an empty line follows.
        return text.Append("\r\n").ToString();
    }

    private SambaRegistry With(string key, string name, string value)
    {
        Key(key)[name] = value;
        return this;
    }

    private Dictionary<string, string> Key(string path)
    {
        const string hive = @"HKLM\";
        var full = path.StartsWith(hive, StringComparison.OrdinalIgnoreCase) ? @"HKEY_LOCAL_MACHINE\" + path[hive.Length..] : path;
        if (!_keys.TryGetValue(full, out var values))
        {
            _keys[full] = values = new(StringComparer.OrdinalIgnoreCase);
        }

        return values;
    }
}

/// <summary>Types of values (MS-RRP, 3.1.1.5).</summary>
public enum RegistryType
{
    /// <summary>REG_NONE.</summary>
    None = 0,

    /// <summary>REG_SZ.</summary>
    Text = 1,

    /// <summary>REG_EXPAND_SZ.</summary>
    ExpandableText = 2,

    /// <summary>REG_BINARY.</summary>
    Bytes = 3,

    /// <summary>REG_DWORD.</summary>
    Number = 4,

    /// <summary>REG_MULTI_SZ.</summary>
    Texts = 7,

    /// <summary>REG_QWORD.</summary>
    LargeNumber = 11,
}
