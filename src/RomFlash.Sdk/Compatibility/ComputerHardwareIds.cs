using System.Collections.Immutable;
using System.Globalization;
using System.Security.Cryptography;
using RomFlash.Sdk.Probing;
using RomFlash.Sdk.Targets;

namespace RomFlash.Sdk.Compatibility;

/// <summary>
/// Computes the computer hardware ids of a machine (CHIDs, <c>HardwareID-0</c> to <c>HardwareID-14</c>) from its SMBIOS values, as Windows makes them at
/// every boot and fwupd makes them for the <c>requires/hardware</c> of LVFS metadata.
/// </summary>
/// <remarks>
/// <para>
/// Sources: Microsoft, "Computer hardware ID (CHID)" (Windows drivers, install), for the fifteen combinations and for leaving out what is not wholly
/// known; fwupd, <c>docs/hwids.md</c> and <c>fu-hwids</c> from version 1.8.10, for what Microsoft leaves open. An id is the UUID of version 5 (RFC 9562,
/// 5.5) in the namespace 70ffd812-4c7f-4c7d-0000-000000000000 over the UTF-16LE text of the values, with <c>&amp;</c> between them. Texts lose the white
/// space at both ends and the zeros at their start; the release of the BIOS is two lower-case hexadecimal digits for each half, and the type of the
/// enclosure is hexadecimal without leading zeros.
/// </para>
/// <para>Deterministic and thread-safe. Fifteen SHA-1 digests at most: some microseconds, so ask once for each probe and not for each catalog entry.</para>
/// </remarks>
public static class ComputerHardwareIds
{
    // As the bytes lie in the hash: the namespace in network order.
    private static readonly Guid Namespace = new("70ffd812-4c7f-4c7d-0000-000000000000");

    private static readonly char[] WhiteSpace = [' ', '\t', '\n', '\v', '\f', '\r'];

    private enum Field
    {
        Manufacturer = 0,
        Family,
        Product,
        Sku,
        BiosVendor,
        BiosVersion,
        BiosMajor,
        BiosMinor,
        Enclosure,
        BoardManufacturer,
        BoardProduct,
    }

    // HardwareID-0 to HardwareID-14, in this order.
    private static readonly Field[][] Recipes =
    [
        [Field.Manufacturer, Field.Family, Field.Product, Field.Sku, Field.BiosVendor, Field.BiosVersion, Field.BiosMajor, Field.BiosMinor],
        [Field.Manufacturer, Field.Family, Field.Product, Field.BiosVendor, Field.BiosVersion, Field.BiosMajor, Field.BiosMinor],
        [Field.Manufacturer, Field.Product, Field.BiosVendor, Field.BiosVersion, Field.BiosMajor, Field.BiosMinor],
        [Field.Manufacturer, Field.Family, Field.Product, Field.Sku, Field.BoardManufacturer, Field.BoardProduct],
        [Field.Manufacturer, Field.Family, Field.Product, Field.Sku],
        [Field.Manufacturer, Field.Family, Field.Product],
        [Field.Manufacturer, Field.Sku, Field.BoardManufacturer, Field.BoardProduct],
        [Field.Manufacturer, Field.Sku],
        [Field.Manufacturer, Field.Product, Field.BoardManufacturer, Field.BoardProduct],
        [Field.Manufacturer, Field.Product],
        [Field.Manufacturer, Field.Family, Field.BoardManufacturer, Field.BoardProduct],
        [Field.Manufacturer, Field.Family],
        [Field.Manufacturer, Field.Enclosure],
        [Field.Manufacturer, Field.BoardManufacturer, Field.BoardProduct],
        [Field.Manufacturer],
    ];

    /// <summary>Computes the ids of a machine.</summary>
    /// <param name="identity">The manufacturer, the product and the SKU.</param>
    /// <param name="hardware">The other SMBIOS values. The ids that the target itself tells (<see cref="HardwareDescription.HardwareIds"/>) are not looked at.</param>
    /// <returns>The ids in the order <c>HardwareID-0</c> to <c>HardwareID-14</c>, the most specific first. Ids with a value that is unknown or empty are left out, so there may be none.</returns>
    public static ImmutableArray<Guid> Compute(TargetIdentity identity, HardwareDescription hardware)
    {
        ArgumentNullException.ThrowIfNull(identity);
        ArgumentNullException.ThrowIfNull(hardware);
        ReadOnlySpan<string?> values =
        [
            Text(identity.Manufacturer),
            Text(hardware.Family),
            Text(identity.Product),
            Text(identity.Sku),
            Text(hardware.BiosVendor),
            Text(hardware.BiosVersion),
            hardware.BiosMajorRelease?.ToString("x2", CultureInfo.InvariantCulture),
            hardware.BiosMinorRelease?.ToString("x2", CultureInfo.InvariantCulture),
            hardware.EnclosureType is { } type ? Text(type.ToString("x", CultureInfo.InvariantCulture)) : null,
            Text(hardware.BaseboardManufacturer),
            Text(hardware.BaseboardProduct),
        ];
        Span<Guid> ids = stackalloc Guid[Recipes.Length];
        var count = 0;
        var buffer = new Pooled<byte>(1024);
        try
        {
            foreach (var recipe in Recipes)
            {
                if (Join(recipe, values, ref buffer))
                {
                    ids[count++] = Hash(buffer.Items);
                }
            }
        }
        finally
        {
            buffer.Dispose();
        }

        return [.. ids[..count]];
    }

    // The tools cut these off before they hash: a Dell board "0839Y6" goes in as "839Y6".
    private static string? Text(string? value) => value?.Trim(WhiteSpace).TrimStart('0') is { Length: > 0 } text ? text : null;

    // What is hashed: the namespace, and the values in UTF-16LE.
    private static bool Join(Field[] recipe, scoped ReadOnlySpan<string?> values, ref Pooled<byte> content)
    {
        content.Clear();
        Span<byte> start = stackalloc byte[16];
        Namespace.TryWriteBytes(start, bigEndian: true, out _);
        foreach (var part in start)
        {
            content.Add(part);
        }

        foreach (var field in recipe)
        {
            if (values[(int)field] is not { } value)
            {
                return false;
            }

            if (content.Count > start.Length)
            {
                Add('&', ref content);
            }

            foreach (var c in value)
            {
                Add(c, ref content);
            }
        }

        return true;

        static void Add(char c, ref Pooled<byte> content)
        {
            content.Add((byte)c);
            content.Add((byte)(c >> 8));
        }
    }

    private static Guid Hash(ReadOnlySpan<byte> content)
    {
        Span<byte> digest = stackalloc byte[SHA1.HashSizeInBytes];
#pragma warning disable CA5350 // A name, not a protection: RFC 9562 defines version 5 by SHA-1, and no other algorithm gives these ids.
        SHA1.HashData(content, digest);
#pragma warning restore CA5350
        digest[6] = (byte)((digest[6] & 0x0F) | 0x50);
        digest[8] = (byte)((digest[8] & 0x3F) | 0x80);
        return new Guid(digest[..16], bigEndian: true);
    }
}
