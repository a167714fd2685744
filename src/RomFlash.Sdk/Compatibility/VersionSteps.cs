using System.Collections.Immutable;
using RomFlash.Sdk.Probing;

namespace RomFlash.Sdk.Compatibility;

/// <summary>How a release stands to what is installed.</summary>
internal enum VersionStep
{
    /// <summary>No source tells.</summary>
    Unknown,

    /// <summary>The release is older.</summary>
    Older,

    /// <summary>The release is what is installed.</summary>
    Same,

    /// <summary>The release is newer.</summary>
    Newer,

    /// <summary>The sources do not agree.</summary>
    Mixed,
}

/// <summary>Compares versions source by source.</summary>
internal static class VersionSteps
{
    /// <summary>How a release stands to versions that are reported, over all sources that both know; and that are among those of other versions, where these are given.</summary>
    public static VersionStep Compare(ImmutableArray<ReportedVersion> versions, RomRelease release, ImmutableArray<ReportedVersion> told = default)
    {
        var result = VersionStep.Unknown;
        foreach (var version in versions)
        {
            if (!IsTold(version.Source, told))
            {
                continue;
            }

            foreach (var next in release.ReportedAs)
            {
                if (next.Source != version.Source || !next.Version.TryCompareTo(version.Version, out var order))
                {
                    continue;
                }

                var one = order < 0 ? VersionStep.Older : order > 0 ? VersionStep.Newer : VersionStep.Same;
                result = result is VersionStep.Unknown || result == one ? one : VersionStep.Mixed;
            }
        }

        return result;
    }

    /// <summary>How one release stands to another.</summary>
    public static VersionStep Compare(RomRelease from, RomRelease to) =>
        from.Version.TryCompareTo(to.Version, out var order)
            ? order < 0 ? VersionStep.Newer : order > 0 ? VersionStep.Older : VersionStep.Same
            : Compare(from.ReportedAs, to);

    /// <summary>Whether versions are at or above a minimum; null when nothing can be compared. The sources as above.</summary>
    public static bool? IsMet(ImmutableArray<ReportedVersion> minimum, ImmutableArray<ReportedVersion> versions, ImmutableArray<ReportedVersion> told = default)
    {
        if (minimum.IsDefaultOrEmpty)
        {
            return true;
        }

        bool? result = null;
        foreach (var version in versions)
        {
            if (!IsTold(version.Source, told))
            {
                continue;
            }

            foreach (var required in minimum)
            {
                if (required.Source == version.Source && required.Version.TryCompareTo(version.Version, out var order))
                {
                    result = order <= 0 && result is not false;
                }
            }
        }

        return result;
    }

    private static bool IsTold(FactSource source, ImmutableArray<ReportedVersion> told)
    {
        if (told.IsDefault)
        {
            return true;
        }

        foreach (var version in told)
        {
            if (version.Source == source)
            {
                return true;
            }
        }

        return false;
    }
}
