namespace RomFlash.Sdk.Tests.Images.Compression;

/// <summary>Data that has something for every part of an encoder: repeats near and far, runs, text, noise.</summary>
internal static class CompressibleData
{
    public static byte[] Create(int seed, int length)
    {
        var random = new Random(seed);
        var data = new byte[length];
        for (var at = 0; at < length;)
        {
            var piece = data.AsSpan(at, Math.Min(length - at, 1 + random.Next(1 << random.Next(1, 12))));
            switch (random.Next(5))
            {
                case 0:
                    random.NextBytes(piece);
                    break;
                case 1:
                    piece.Fill((byte)random.Next(256));
                    break;
                case 2:
                    for (var i = 0; i < piece.Length; i++)
                    {
                        piece[i] = (byte)"firmware volumes "[random.Next(random.Next(1, 18))];
                    }

                    break;
                default:
                    if (at > 0)
                    {
                        var distance = random.Next(Math.Min(at, 1 << random.Next(1, 20))) + 1;
                        for (var i = 0; i < piece.Length; i++)
                        {
                            data[at + i] = data[at + i - distance];
                        }
                    }

                    break;
            }

            at += piece.Length;
        }

        return data;
    }

    /// <summary>Bytes among which there are many opcodes of calls and jumps, and operands that look like addresses.</summary>
    public static byte[] Code(int seed, int length)
    {
        var random = new Random(seed);
        var code = new byte[length];
        for (var i = 0; i < length; i++)
        {
            code[i] = random.Next(8) switch { 0 => 0xE8, 1 => 0xE9, 2 or 3 => 0, 4 => 0xFF, 5 => (byte)random.Next(256), _ => (byte)random.Next(4) };
        }

        return code;
    }
}
