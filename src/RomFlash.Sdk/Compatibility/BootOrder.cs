using System.Collections.Immutable;
using RomFlash.Sdk.Probing;

namespace RomFlash.Sdk.Compatibility;

/// <summary>Counts the boots that approved paths take where one boot can't take all components.</summary>
internal static class BootOrder
{
    /// <summary>
    /// As the pipeline does it: each boot takes the first components, in flashing order, that still have a release to come. A boot never takes a system ROM
    /// before a controller that has to be flashed first, although longer paths first could take fewer boots.
    /// </summary>
    public static int Count(ImmutableArray<InstalledRom> roms, ReadOnlySpan<ComponentVerdict> components, int most)
    {
        var left = new List<(InstalledRom Rom, int Length)>();
        for (var i = 0; i < roms.Length; i++)
        {
            if (components[i].Decision == RomDecision.Approved)
            {
                left.Add((roms[i], components[i].Path.Length));
            }
        }

        left.Sort(static (a, b) => a.Rom.Kind != b.Rom.Kind ? a.Rom.Kind.CompareTo(b.Rom.Kind) : string.CompareOrdinal(a.Rom.Id, b.Rom.Id));
        var boots = 0;
        for (; left.Count > 0; boots++)
        {
            for (var i = 0; i < Math.Min(most, left.Count); i++)
            {
                left[i] = left[i] with { Length = left[i].Length - 1 };
            }

            left.RemoveAll(static c => c.Length == 0);
        }

        return boots;
    }
}
