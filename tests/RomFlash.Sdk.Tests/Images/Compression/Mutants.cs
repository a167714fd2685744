namespace RomFlash.Sdk.Tests.Images.Compression;

/// <summary>Streams that are wrong in a few places. A mutant depends on its seed and the stream only.</summary>
internal static class Mutants
{
    public const int Seed = 20261126;

    /// <summary>How many, a hundred times as many with ROMFLASH_LONG.</summary>
    public static int Count(int usual) => Environment.GetEnvironmentVariable("ROMFLASH_LONG") == "1" ? 100 * usual : usual;

    /// <summary>Makes one; the first bytes stay.</summary>
    public static byte[] Create(int seed, ReadOnlySpan<byte> stream, int kept)
    {
        var random = new Random(seed);
        var mutant = stream.ToArray();
        for (var times = random.Next(1, 4); times > 0; times--)
        {
            var place = random.Next(kept, mutant.Length);
            switch (random.Next(5))
            {
                case 0:
                    mutant[place] = (byte)random.Next(256);
                    break;
                case 1:
                    random.NextBytes(mutant.AsSpan(place, Math.Min(mutant.Length - place, random.Next(1, 9))));
                    break;
                case 2 when mutant.Length > kept + 8:
                    mutant = [.. mutant[..place], .. mutant[Math.Min(mutant.Length, place + random.Next(1, 5))..]];
                    if (mutant.Length == kept)
                    {
                        return mutant;
                    }

                    break;
                default:
                    mutant[place] ^= (byte)(1 << random.Next(8));
                    break;
            }
        }

        return mutant;
    }
}
