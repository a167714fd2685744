using System.Collections.Immutable;
using RomFlash.Sdk.Probing;

namespace RomFlash.Sdk.Compatibility;

/// <summary>Versions as a reason shows them, written without a text in between.</summary>
internal readonly struct VersionList(ImmutableArray<ReportedVersion> versions) : ISpanFormattable
{
    public bool TryFormat(Span<char> destination, out int charsWritten, ReadOnlySpan<char> format, IFormatProvider? provider)
    {
        charsWritten = 0;
        if (versions.IsDefaultOrEmpty)
        {
            return SpanText.Write("unknown", destination, ref charsWritten);
        }

        for (var i = 0; i < versions.Length; i++)
        {
            if ((i > 0 && !SpanText.Write(", ", destination, ref charsWritten))
                || !SpanText.Write(versions[i].Source.Name, destination, ref charsWritten)
                || !SpanText.Write(": ", destination, ref charsWritten)
                || !SpanText.Write(versions[i].Version.Text, destination, ref charsWritten))
            {
                return false;
            }
        }

        return true;
    }

    public string ToString(string? format, IFormatProvider? formatProvider) => ToString();

    public override string ToString() => versions.IsDefaultOrEmpty ? "unknown" : string.Join(", ", versions);
}

/// <summary>A path of releases as a reason shows it.</summary>
internal readonly struct PathList(ImmutableArray<RomRelease> path) : ISpanFormattable
{
    public bool TryFormat(Span<char> destination, out int charsWritten, ReadOnlySpan<char> format, IFormatProvider? provider)
    {
        charsWritten = 0;
        for (var i = 0; i < path.Length; i++)
        {
            if (!SpanText.Write(i == 0 ? "'" : ", then '", destination, ref charsWritten)
                || !SpanText.Write(path[i].Version.Text, destination, ref charsWritten)
                || !SpanText.Write("'", destination, ref charsWritten))
            {
                return false;
            }
        }

        return true;
    }

    public string ToString(string? format, IFormatProvider? formatProvider) => ToString();

    public override string ToString() => string.Join(", then ", path.Select(r => $"'{r.Version}'"));
}

file static class SpanText
{
    public static bool Write(string text, Span<char> destination, ref int written)
    {
        if (!text.TryCopyTo(destination[written..]))
        {
            return false;
        }

        written += text.Length;
        return true;
    }
}
