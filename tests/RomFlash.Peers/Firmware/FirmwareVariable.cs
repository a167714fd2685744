using System.Buffers.Binary;
using System.Text;

namespace RomFlash.Peers.Firmware;

/// <summary>A variable of the firmware.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Vendor">Whose it is.</param>
/// <param name="Attributes">Its attributes.</param>
/// <param name="Value">Its value.</param>
public sealed record FirmwareVariable(string Name, Guid Vendor, uint Attributes, byte[] Value)
{
    /// <summary>Whose the variables of UEFI itself are (UEFI 2.10, 3.3).</summary>
    public static readonly Guid Global = new("8be4df61-93ca-11d2-aa0d-00e098032b8c");

    /// <summary>Whose the results of capsules are (UEFI 2.10, 8.5.6).</summary>
    public static readonly Guid CapsuleReport = new("39b68c46-f7fb-441b-b6ec-16b0f69821f3");

    /// <summary>Stored, and seen by boot services and at run time.</summary>
    public const uint Stored = 7;

    /// <summary>The name of its file in efivarfs.</summary>
    public string FileName => $"{Name}-{Vendor:D}";
}

/// <summary>The file on the system partition in which U-Boot keeps the variables that are stored (U-Boot, include/efi_variable.h).</summary>
public static class FirmwareVariableFile
{
    /// <summary>Its name in the partition's root.</summary>
    public const string Name = "ubootefi.var";

    private const ulong Magic = 0x0161_5669_6645_6255;
    private const int HeaderLength = 24;
    private const int EntryLength = 32;

    /// <summary>Writes one.</summary>
    /// <param name="variables">What is in it.</param>
    /// <returns>Its content.</returns>
    public static byte[] Write(IEnumerable<FirmwareVariable> variables)
    {
        ArgumentNullException.ThrowIfNull(variables);
        var body = new List<byte>();
        foreach (var variable in variables)
        {
            var name = Encoding.Unicode.GetBytes(variable.Name + "\0");
            var entry = new byte[(EntryLength + name.Length + variable.Value.Length + 7) / 8 * 8];
            BinaryPrimitives.WriteInt32LittleEndian(entry, variable.Value.Length);
            BinaryPrimitives.WriteUInt32LittleEndian(entry.AsSpan(4), variable.Attributes);
            variable.Vendor.TryWriteBytes(entry.AsSpan(16));
            name.CopyTo(entry, EntryLength);
            variable.Value.CopyTo(entry, EntryLength + name.Length);
            body.AddRange(entry);
        }

        var file = new byte[HeaderLength + body.Count];
        body.CopyTo(file, HeaderLength);
        BinaryPrimitives.WriteUInt64LittleEndian(file.AsSpan(8), Magic);
        BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(16), file.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(file.AsSpan(20), Crc32(file.AsSpan(HeaderLength)));
        return file;
    }

    /// <summary>Reads one.</summary>
    /// <param name="file">Its content.</param>
    /// <returns>What is in it.</returns>
    /// <exception cref="InvalidDataException">It is not one.</exception>
    public static IReadOnlyList<FirmwareVariable> Read(byte[] file)
    {
        ArgumentNullException.ThrowIfNull(file);
        if (file.Length < HeaderLength || BinaryPrimitives.ReadUInt64LittleEndian(file.AsSpan(8)) != Magic || BinaryPrimitives.ReadInt32LittleEndian(file.AsSpan(16)) is var length && (length < HeaderLength || length > file.Length)
            || Crc32(file.AsSpan(HeaderLength, length - HeaderLength)) != BinaryPrimitives.ReadUInt32LittleEndian(file.AsSpan(20)))
        {
            throw new InvalidDataException("the firmware's variables are broken");
        }

        var variables = new List<FirmwareVariable>();
        for (var at = HeaderLength; at + EntryLength <= length;)
        {
            var size = BinaryPrimitives.ReadInt32LittleEndian(file.AsSpan(at));
            var name = at + EntryLength;
            var end = name;
            while (BinaryPrimitives.ReadUInt16LittleEndian(file.AsSpan(end)) != 0)
            {
                end += 2;
            }

            var value = end + 2;
            variables.Add(new(Encoding.Unicode.GetString(file, name, end - name), new Guid(file.AsSpan(at + 16, 16)), BinaryPrimitives.ReadUInt32LittleEndian(file.AsSpan(at + 4)), file[value..(value + size)]));
            at = HeaderLength + ((value + size - HeaderLength + 7) / 8 * 8);
        }

        return variables;
    }

    // That of IEEE 802.3, bit by bit: a file has some hundred bytes.
    private static uint Crc32(ReadOnlySpan<byte> bytes)
    {
        var crc = ~0u;
        foreach (var b in bytes)
        {
            crc ^= b;
            for (var bit = 0; bit < 8; bit++)
            {
                crc = (crc >> 1) ^ ((crc & 1) * 0xEDB88320u);
            }
        }

        return ~crc;
    }
}
