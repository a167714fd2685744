namespace RomFlash.Sdk.Files;

/// <summary>Finds what a path leads to, as the operating system does: a link is relative to the folder that it really lies in.</summary>
internal static class RealPath
{
    // As many as Linux follows (path_resolution(7)).
    private const int MaxLinks = 40;

    /// <summary>Follows every link in a path.</summary>
    /// <param name="path">A full path; what it leads to need not exist.</param>
    /// <returns>A path without links.</returns>
    /// <exception cref="IOException">The links lead nowhere.</exception>
    public static string Of(string path)
    {
        var left = MaxLinks;
        return Follow(path, ref left);
    }

    private static string Follow(string path, ref int left)
    {
        var real = Path.GetPathRoot(path)!;
        foreach (var name in path[real.Length..].Split(Path.DirectorySeparatorChar, Path.AltDirectorySeparatorChar))
        {
            if (name is "" or ".")
            {
                continue;
            }

            if (name == "..")
            {
                real = Path.GetDirectoryName(real) ?? real;
                continue;
            }

            var next = Path.Combine(real, name);
            if (new FileInfo(next).LinkTarget is not { } target)
            {
                real = next;
                continue;
            }

            if (--left < 0)
            {
                throw new IOException($"'{path}' has too many links");
            }

            real = Follow(Path.Combine(real, target), ref left);
        }

        return real;
    }
}
