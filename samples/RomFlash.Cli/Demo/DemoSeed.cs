namespace RomFlash.Cli.Demo;

/// <summary>
/// Numbers that follow from a seed, the same on every machine and in every release: SplitMix64 (Steele, Lea and Flood, 2014). Nothing here is a
/// secret, and the runtime promises no sequence for its own generator.
/// </summary>
internal sealed class DemoSeed(long seed)
{
    private ulong _state = unchecked((ulong)seed);

    /// <summary>A number of at least 0 and less than <paramref name="bound"/>.</summary>
    public int Below(int bound) => (int)(Next() % (uint)bound);

    /// <summary>A duration between two others, in tenths of a second.</summary>
    public TimeSpan Between(TimeSpan least, TimeSpan most) =>
        least + TimeSpan.FromMilliseconds(100L * Below(1 + (int)((most - least).TotalMilliseconds / 100)));

    public T Pick<T>(IReadOnlyList<T> from) => from[Below(from.Count)];

    private ulong Next()
    {
        unchecked
        {
            var z = _state += 0x9E3779B97F4A7C15;
            z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
            z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
            return z ^ (z >> 31);
        }
    }
}
