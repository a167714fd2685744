using System.Buffers.Binary;
using System.Text;

namespace RomFlash.Sdk.Transports.Inventory;

/// <summary>What firmware wrote down of a capsule that it processed (UEFI 2.10, 8.5.6, EFI_CAPSULE_RESULT_VARIABLE_HEADER). Untrusted.</summary>
/// <param name="CapsuleGuid">What kind of capsule it was.</param>
/// <param name="Processed">When it was done with it, as the firmware's own clock had it; null when that is no time.</param>
/// <param name="Status">An EFI_STATUS.</param>
internal sealed record CapsuleResult(Guid CapsuleGuid, DateTime? Processed, ulong Status)
{
    /// <summary>The longest value of a Capsule#### that is read: two names of a file system's greatest length, and some.</summary>
    public const int MaxBytes = 4096;

    /// <summary>The kind of capsule that holds images for whatever device takes them: EFI_FIRMWARE_MANAGEMENT_CAPSULE_ID_GUID (UEFI 2.10, 23.3).</summary>
    public static readonly Guid FirmwareManagement = new("6dcbd5ed-e82d-4c44-bda1-7194199ad92a");

    private const int HeaderBytes = 48;

    /// <summary>Which image of the capsule the result is of; null where the firmware does not say.</summary>
    public CapsuleResultImage? Image { get; init; }

    /// <summary>Reads the value of a Capsule#### variable.</summary>
    /// <returns>Null when it is none.</returns>
    public static CapsuleResult? TryParse(ReadOnlySpan<byte> value)
    {
        if (value.Length is < HeaderBytes or > MaxBytes)
        {
            return null;
        }

        // What is behind the bytes that it calls its own is nobody's.
        var total = BinaryPrimitives.ReadUInt32LittleEndian(value);
        if (total < HeaderBytes || total > value.Length)
        {
            return null;
        }

        var result = new CapsuleResult(new Guid(value.Slice(8, 16)), ReadTime(value.Slice(24, 16)), BinaryPrimitives.ReadUInt64LittleEndian(value[40..]));
        var rest = value[HeaderBytes..(int)total];
        if (rest.IsEmpty || result.CapsuleGuid != FirmwareManagement)
        {
            return result;
        }

        return CapsuleResultImage.TryParse(rest) is { } image ? result with { Image = image } : null;
    }

    // UEFI 2.10, 8.3: EFI_TIME. Its zone is left out of account: a clock that firmware reads may have any.
    private static DateTime? ReadTime(ReadOnlySpan<byte> time)
    {
        int year = BinaryPrimitives.ReadUInt16LittleEndian(time);
        var (month, day, hour, minute, second) = (time[2], time[3], time[4], time[5], time[6]);
        var nanosecond = BinaryPrimitives.ReadUInt32LittleEndian(time[8..]);
        return year is >= 1900 and <= 9999 && month is >= 1 and <= 12 && day >= 1 && day <= DateTime.DaysInMonth(year, month) && hour < 24 && minute < 60 && second < 60 && nanosecond < 1_000_000_000
            ? new DateTime(year, month, day, hour, minute, second, DateTimeKind.Unspecified).AddTicks(nanosecond / TimeSpan.NanosecondsPerTick)
            : null;
    }
}

/// <summary>Of which image of a capsule a result is (UEFI 2.10, 8.5.6, EFI_CAPSULE_RESULT_VARIABLE_FMP). Untrusted.</summary>
/// <param name="PayloadIndex">Which of the capsule's payloads it was.</param>
/// <param name="ImageIndex">Which image of the device it was for.</param>
/// <param name="ImageType">Whose firmware it is: the class that the system resource table has it under.</param>
/// <param name="FileName">The capsule's file; empty when it was none.</param>
/// <param name="Target">The device path of who took it; may be empty.</param>
internal sealed record CapsuleResultImage(byte PayloadIndex, byte ImageIndex, Guid ImageType, string FileName, string Target)
{
    private const int FixedBytes = 20;

    // Another version may have other fields.
    private const ushort KnownVersion = 1;

    /// <summary>Reads what is behind the header.</summary>
    /// <returns>Null when it is none.</returns>
    public static CapsuleResultImage? TryParse(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length < FixedBytes || BinaryPrimitives.ReadUInt16LittleEndian(bytes) != KnownVersion)
        {
            return null;
        }

        var names = bytes[FixedBytes..];
        return TakeText(ref names) is { } file && TakeText(ref names) is { } target ? new(bytes[2], bytes[3], new Guid(bytes.Slice(4, 16)), file, target) : null;
    }

    private static string? TakeText(ref ReadOnlySpan<byte> bytes)
    {
        for (var length = 0; length + 1 < bytes.Length; length += 2)
        {
            if ((bytes[length] | bytes[length + 1]) == 0)
            {
                var text = Encoding.Unicode.GetString(bytes[..length]);
                bytes = bytes[(length + 2)..];
                return text;
            }
        }

        return null;
    }
}
