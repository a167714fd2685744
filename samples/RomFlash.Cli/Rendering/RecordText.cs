using System.Globalization;
using System.Text;
using RomFlash.Sdk.Journal;

namespace RomFlash.Cli.Rendering;

/// <summary>A record of the journal in one line.</summary>
internal static class RecordText
{
    public static string Line(FlashJournalRecord record)
    {
        var line = new StringBuilder();
        line.Append(CultureInfo.InvariantCulture, $"{record.Time.UtcDateTime:yyyy-MM-dd'T'HH:mm:ss'Z'} {ResultText.Plain(record.OperationId)} {ResultText.Plain(record.TargetId)} {record.Kind}");
        if (record.Outcome is { } outcome)
        {
            line.Append(' ').Append(outcome);
        }

        if (record.FailureCode is { } code)
        {
            line.Append(' ').Append(ResultText.Plain(code));
        }

        if (record.TargetState is { } state)
        {
            line.Append(", state ").Append(state);
        }

        if (record.Detail.Length > 0)
        {
            line.Append(": ").Append(ResultText.Plain(record.Detail));
        }

        foreach (var waiver in record.Waivers)
        {
            line.Append("; waived ").Append(ResultText.Plain($"{waiver.Blocker} by {waiver.Who}: {waiver.Why}"));
        }

        return line.ToString();
    }
}
