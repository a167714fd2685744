using System.Globalization;
using System.Text;
using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Probing;

namespace RomFlash.Sdk.Transports.Inventory;

/// <summary>A result and the number of the variable that holds it (UEFI 2.10, 8.5.6). Numbers rise with time, from CapsuleMax back to 0.</summary>
internal sealed record CapsuleReport(ushort Number, CapsuleResult Result)
{
    /// <summary>The variable that names the newest result.</summary>
    public const string Last = Prefix + "Last";

    /// <summary>The variable that names the result behind which numbers begin anew.</summary>
    public const string Max = Prefix + "Max";

    /// <summary>Whose the variables are: EFI_CAPSULE_REPORT_GUID, as efivarfs writes it.</summary>
    public const string Vendor = "39b68c46-f7fb-441b-b6ec-16b0f69821f3";

    /// <summary>What the names of all results begin with.</summary>
    public const string Prefix = "Capsule";

    private const int Digits = 4;

    /// <summary>The name of a result's variable: four hexadecimal digits, upper-case.</summary>
    public static string NameOf(ushort number) => string.Create(CultureInfo.InvariantCulture, $"{Prefix}{number:X4}");

    /// <summary>Reads the value of <see cref="Last"/> or <see cref="Max"/>: a result's name. The standard has no zero behind it, and firmware may.</summary>
    /// <returns>Null when it is no such name.</returns>
    public static ushort? TryParseName(ReadOnlySpan<byte> value)
    {
        const int Bytes = (7 + Digits) * sizeof(char);
        if (value.Length != Bytes && !(value.Length == Bytes + sizeof(char) && value[Bytes..].IndexOfAnyExcept((byte)0) < 0))
        {
            return null;
        }

        var name = Encoding.Unicode.GetString(value[..Bytes]);
        return ushort.TryParse(name.AsSpan(Prefix.Length), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var number) && NameOf(number) == name ? number : null;
    }

    /// <summary>The numbers of results, the newest first, whether or not they are there.</summary>
    /// <param name="last">The newest.</param>
    /// <param name="max">Behind which they begin anew; null when nobody says.</param>
    public static IEnumerable<ushort> NewestFirst(ushort last, ushort? max)
    {
        for (int number = last; number >= 0; number--)
        {
            yield return (ushort)number;
        }

        for (int number = max ?? 0; number > last; number--)
        {
            yield return (ushort)number;
        }
    }

    /// <summary>Finds the newest result that is known to be of an entry of the system resource table.</summary>
    /// <param name="reports">Results, the newest first.</param>
    /// <param name="firmwareClass">The entry's class.</param>
    /// <param name="isOnly">Whether the table has no other entry: a result that does not say of which image it is can be of no other.</param>
    public static CapsuleReport? FindNewest(IEnumerable<CapsuleReport> reports, Guid firmwareClass, bool isOnly) =>
        reports.FirstOrDefault(r => r.Result.Image is { } image ? image.ImageType == firmwareClass : isOnly && r.Result.CapsuleGuid == CapsuleResult.FirmwareManagement);

    /// <summary>The attempt that it tells of. Two that ended in the same way are told apart by the variable and the time.</summary>
    public LastAttempt ToAttempt() => new(null, EfiStatus.ToPeerCode(Result.Status))
    {
        Id = Result.Processed is { } time ? string.Create(CultureInfo.InvariantCulture, $"{NameOf(Number)} {time:yyyy-MM-ddTHH:mm:ss.fffffff}") : NameOf(Number),
    };
}
