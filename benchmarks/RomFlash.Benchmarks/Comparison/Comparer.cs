using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;

namespace RomFlash.Benchmarks.Comparison;

/// <summary>Measures groups of rows, prints them, and keeps them as Markdown.</summary>
internal static class Comparer
{
    private static readonly Dictionary<string, Func<IAsyncEnumerable<Row>>> Groups = new(StringComparer.Ordinal)
    {
        ["cli"] = CliRows.MeasureAsync,
        ["pipeline"] = PipelineRows.MeasureAsync,
        ["catalog"] = CatalogRows.MeasureAsync,
        ["images"] = ImagesAsync,
        ["redfish"] = RedfishRows.MeasureAsync,
        ["smb"] = SmbRows.MeasureAsync,
        ["ssh"] = SshRows.MeasureAsync,
    };

    public static async Task<int> RunAsync(string[] groups)
    {
        foreach (var group in groups is [] ? [.. Groups.Keys] : groups)
        {
            if (!Groups.TryGetValue(group, out var measure))
            {
                await Console.Error.WriteLineAsync($"there is no group '{group}'; there are: {string.Join(", ", Groups.Keys)}");
                return 2;
            }

            var rows = new List<Row>();
            await foreach (var row in measure())
            {
                rows.Add(row);
                Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{row.Name,-42} {Number(row.Ours)} {Number(row.Peer)} {Ratio(row)}"));
            }

            if (Environment.GetEnvironmentVariable("ROMFLASH_RESULTS") is { Length: > 0 } folder)
            {
                await File.WriteAllTextAsync(Path.Combine(folder, group + ".md"), Markdown(group, rows));
            }
        }

        return 0;
    }

    private static async IAsyncEnumerable<Row> ImagesAsync()
    {
        await foreach (var row in ImageChecksumRows.MeasureAsync())
        {
            yield return row;
        }

        await foreach (var row in ImageStructureRows.MeasureAsync())
        {
            yield return row;
        }
    }

    private static string Markdown(string group, List<Row> rows)
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"# {group}\n\nMeasured by `benchmarks/compare.sh {group}` on {Environment.ProcessorCount} cores of {Processor()}, .NET {Environment.Version}, {RuntimeInformation.OSArchitecture}.\n\n");
        text.Append("| row | unit | ours | peer or floor | ratio | to keep |\n| --- | --- | ---: | ---: | ---: | --- |\n");
        foreach (var row in rows)
        {
            text.Append(CultureInfo.InvariantCulture, $"| `{row.Name}` | {row.Unit} | {Number(row.Ours)} | {Number(row.Peer)} | {Ratio(row)} | {row.Bound} |\n");
        }

        return text.ToString();
    }

    private static string Number(double? value) => value?.ToString(value >= 1000 ? "0" : "0.##", CultureInfo.InvariantCulture) ?? "-";

    private static string Ratio(Row row) => row.Ratio?.ToString("0.000", CultureInfo.InvariantCulture) ?? "-";

    private static string Processor()
    {
        const string file = "/proc/cpuinfo";
        var line = File.Exists(file) ? File.ReadLines(file).FirstOrDefault(l => l.StartsWith("model name", StringComparison.Ordinal)) : null;
        return line is null ? "an unnamed processor" : line[(line.IndexOf(':', StringComparison.Ordinal) + 1)..].Trim();
    }
}
