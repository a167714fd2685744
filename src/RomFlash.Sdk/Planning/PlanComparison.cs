using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;

namespace RomFlash.Sdk.Planning;

/// <summary>
/// Compares what two plans say, value by value. It works on their written form, so that nothing that is written, and hashed, can be forgotten here.
/// </summary>
internal static class PlanComparison
{
    // What tells one element of a list from another, where it has such a thing. The order of lists is compared on its own.
    private static readonly string[] Keys = ["id", "name", "blocker", "address", "source", "sha256"];

    public static ImmutableArray<PlanDifference> Compare(JsonElement was, JsonElement now, string where)
    {
        var before = Flatten(was, where);
        var after = Flatten(now, where);
        return
        [
            .. before.Where(b => !after.TryGetValue(b.Key, out var a) || a != b.Value).Select(b => new PlanDifference(b.Key, b.Value, after.GetValueOrDefault(b.Key))),
            .. after.Where(a => !before.ContainsKey(a.Key)).Select(a => new PlanDifference(a.Key, null, a.Value)),
        ];
    }

    private static Dictionary<string, string> Flatten(JsonElement element, string where)
    {
        // In the order of the document: that is how a person reads the differences.
        var values = new Dictionary<string, string>(StringComparer.Ordinal);
        Flatten(element, where, values);
        return values;
    }

    private static void Flatten(JsonElement element, string where, Dictionary<string, string> values)
    {
        switch (element.ValueKind)
        {
            case JsonValueKind.Object:
                foreach (var property in element.EnumerateObject())
                {
                    Flatten(property.Value, Join(where, property.Name), values);
                }

                break;
            case JsonValueKind.Array:
                FlattenList(element, where, values);
                break;
            case JsonValueKind.Null:
                break;
            default:
                Add(where, element.ToString(), values);
                break;
        }
    }

    private static void FlattenList(JsonElement list, string where, Dictionary<string, string> values)
    {
        var names = list.EnumerateArray().Select(KeyOf).ToArray();
        var isKeyed = names.Length > 0 && names.All(n => n is not null) && names.Distinct(StringComparer.Ordinal).Count() == names.Length;
        var index = 0;
        foreach (var item in list.EnumerateArray())
        {
            var name = isKeyed ? names[index]! : (index + 1).ToString(CultureInfo.InvariantCulture);
            Flatten(item, Join(where, name), values);
            index++;
        }

        if (isKeyed && names.Length > 1)
        {
            Add(Join(where, "(order)"), string.Join(", ", names), values);
        }
    }

    // Ids come from targets and may hold slashes, so that two places may have one name: none of them may hide the other.
    private static void Add(string where, string value, Dictionary<string, string> values)
    {
        while (!values.TryAdd(where, value))
        {
            where += "'";
        }
    }

    private static string? KeyOf(JsonElement item)
    {
        if (item.ValueKind != JsonValueKind.Object)
        {
            return null;
        }

        foreach (var key in Keys)
        {
            if (item.TryGetProperty(key, out var value) && value.ValueKind == JsonValueKind.String)
            {
                return value.GetString();
            }
        }

        return null;
    }

    private static string Join(string where, string name) => where.Length == 0 ? name : $"{where}/{name}";
}
