namespace RomFlash.Sdk.Transports.Redfish.Service;

/// <summary>
/// The comment in the User-Agent field of uploads. A task's payload holds the fields of the request that made it (DSP2046, Task, Payload), so that a later
/// client finds out which uploads are this SDK's.
/// </summary>
internal static class UploadComment
{
    private const string Deposit = "deposit=";
    private const string Rom = "rom=";

    public static string Of(string depositId, string? componentId) =>
        componentId is null ? Deposit + depositId : $"{Deposit}{depositId}; {Rom}{Uri.EscapeDataString(componentId)}";

    /// <summary>Finds the comment in the fields of a task's payload.</summary>
    public static bool TryFind(RedfishJson payload, out string depositId, out string? componentId)
    {
        (depositId, componentId) = (string.Empty, null);
        foreach (var field in payload.Texts("HttpHeaders", 64, 1024))
        {
            if (field.StartsWith("User-Agent:", StringComparison.OrdinalIgnoreCase) && field.IndexOf(Deposit, StringComparison.Ordinal) is var at and > 0)
            {
                var end = field.AsSpan(at).IndexOfAny(';', ')');
                depositId = field[(at + Deposit.Length)..(end < 0 ? field.Length : at + end)].Trim();
                if (field.IndexOf(Rom, at, StringComparison.Ordinal) is var rom and > 0)
                {
                    end = field.AsSpan(rom).IndexOfAny(';', ')');
                    componentId = Uri.UnescapeDataString(field[(rom + Rom.Length)..(end < 0 ? field.Length : rom + end)].Trim());
                }

                return depositId.Length is > 0 and <= 64 && depositId.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '-');
            }
        }

        return false;
    }
}
