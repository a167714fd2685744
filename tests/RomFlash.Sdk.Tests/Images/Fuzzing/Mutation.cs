using System.Buffers.Binary;
using System.Globalization;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Tests.Images.Formats;

namespace RomFlash.Sdk.Tests.Images.Fuzzing;

/// <summary>What is done to an image.</summary>
internal enum MutationKind
{
    FlipBit,
    SetByte,
    SetWord,
    SetDoubleWord,
    SetQuadWord,
    Truncate,
    Remove,
    Repeat,
    Swap,
    Repair,
}

/// <summary>One step from a right image to a wrong one. Replayable: it depends on nothing but itself and the bytes.</summary>
internal readonly record struct Mutation(MutationKind Kind, int Place, int Other, ulong Value)
{
    private static readonly ulong[] Values =
    [
        0, 1, 2, 3, 4, 7, 8, 15, 16, 23, 24, 27, 28, 31, 32, 63, 64, 255, 256, 511, 512, 0x7FFF, 0x8000, 0xFFFF, 0x1_0000, 0xFF_FFFF, 0x100_0000,
        0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF, 0x1_0000_0000, 0x7FFF_FFFF_FFFF_FFFF, 0x8000_0000_0000_0000, ulong.MaxValue,
    ];

    /// <summary>Chooses a mutation, mostly of what parts begin with: there are the fields that others depend on.</summary>
    public static Mutation Choose(Random random, int length, IReadOnlyList<RomImagePart> parts)
    {
        var kind = (MutationKind)random.Next(0, 10);
        var place = random.Next(length);
        if (parts.Count > 0 && random.Next(4) != 0)
        {
            var part = parts[random.Next(parts.Count)];
            place = (int)Math.Clamp(part.Offset + random.Next((int)Math.Clamp(part.Length, 1, 80)), 0, length - 1);
        }

        var value = random.Next(3) switch { 0 => (ulong)random.NextInt64(), 1 => (ulong)random.Next(length + 64), _ => Values[random.Next(Values.Length)] };
        return new(kind, place, random.Next(length), value);
    }

    public byte[] Apply(byte[] bytes)
    {
        if (bytes.Length == 0)
        {
            return bytes;
        }

        var (place, other) = (Place % bytes.Length, Other % bytes.Length);
        var mutant = (byte[])bytes.Clone();
        var span = mutant.AsSpan(place);
        switch (Kind)
        {
            case MutationKind.FlipBit:
                span[0] ^= (byte)(1 << (int)(Value % 8));
                break;
            case MutationKind.SetByte:
                span[0] = (byte)Value;
                break;
            case MutationKind.SetWord when span.Length >= 2:
                BinaryPrimitives.WriteUInt16LittleEndian(span, (ushort)Value);
                break;
            case MutationKind.SetDoubleWord when span.Length >= 4:
                BinaryPrimitives.WriteUInt32LittleEndian(span, (uint)Value);
                break;
            case MutationKind.SetQuadWord when span.Length >= 8:
                BinaryPrimitives.WriteUInt64LittleEndian(span, Value);
                break;
            case MutationKind.Truncate:
                return mutant[..place];
            case MutationKind.Remove:
                return [.. mutant[..Math.Min(place, other)], .. mutant[Math.Max(place, other)..]];
            case MutationKind.Repeat:
                var piece = mutant.AsSpan(Math.Min(place, other), Math.Min(Math.Abs(place - other), 4096)).ToArray();
                return [.. mutant[..place], .. piece, .. mutant[place..]];
            case MutationKind.Swap:
                var count = Math.Min(Math.Min(mutant.Length - place, mutant.Length - other), 64);
                var here = mutant.AsSpan(place, count).ToArray();
                mutant.AsSpan(other, count).CopyTo(mutant.AsSpan(place));
                here.CopyTo(mutant.AsSpan(other));
                break;
            case MutationKind.Repair:
                Repair(mutant);
                break;
        }

        return mutant;
    }

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Kind}(place 0x{Place:X}, other 0x{Other:X}, value 0x{Value:X})");

    // The sums of all volumes and of the files in them, as far as they can be found, so that what lies behind a sum is reached.
    private static void Repair(byte[] bytes)
    {
        for (var at = 0; at + 72 <= bytes.Length; at += 8)
        {
            if (!bytes.AsSpan(at + 40, 4).SequenceEqual("_FVH"u8))
            {
                continue;
            }

            FirmwareVolumeBuilder.RepairVolume(bytes.AsSpan(at));
            for (var file = at + 72; file + 24 <= bytes.Length;)
            {
                FirmwareVolumeBuilder.RepairFile(bytes.AsSpan(file));
                var size = bytes[file + 20] | (bytes[file + 21] << 8) | (bytes[file + 22] << 16);
                if (size is < 24 or > 1 << 20)
                {
                    break;
                }

                file = (file + size + 7) & ~7;
            }
        }
    }
}
