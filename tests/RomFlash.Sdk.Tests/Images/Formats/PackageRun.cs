using System.Security.Cryptography;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Outcomes;

namespace RomFlash.Sdk.Tests.Images.Formats;

/// <summary>Validates packages as a client does, payloads included.</summary>
internal static class PackageRun
{
    public static RomImageValidator Validator() => new(RomImageFormats.All, new RomImageValidatorOptions());

    public static async Task<RomImage> Validate(byte[] package) => (await Validator().ValidateAsync(new MemoryImageSource("package", package), CancellationToken.None)).GetValueOrThrow();

    public static async Task<FlashFailure> Fails(byte[] package) => Failure(await Validator().ValidateAllAsync(new MemoryImageSource("package", package), CancellationToken.None));

    public static FlashFailure Failure<T>(FlashResult<T> result)
        where T : notnull
    {
        Assert.False(result.TryGetValue(out var value, out var failure), $"it is valid: {value}");
        Assert.Equal(FlashStage.Validate, failure!.Stage);
        return failure;
    }

    public static async Task<byte[]> ReadAll(IRomImageSource source)
    {
        await using var stream = (await source.OpenReadAsync(CancellationToken.None)).GetValueOrThrow();
        using var all = new MemoryStream();
        await stream.CopyToAsync(all);
        return all.ToArray();
    }

    /// <summary>Flips each bit in turn: the payload is what it was, or there is a typed failure.</summary>
    public static async Task AssertNoBitGivesAnotherPayload(byte[] package, ContentDigest payload)
    {
        for (var bit = 0; bit < 8 * package.Length; bit++)
        {
            package[bit / 8] ^= (byte)(1 << (bit % 8));
            var result = await Validator().ValidateAllAsync(new MemoryImageSource("p", package), CancellationToken.None);
            Assert.True(result.TryGetValue(out var images, out var failure) ? images is [var only] && only.Sha256 == payload : failure is ImageFailure, $"bit {bit}: {failure}");
            package[bit / 8] ^= (byte)(1 << (bit % 8));
        }
    }

    /// <summary>Bytes that no format recognises, and that can't be compressed.</summary>
    public static byte[] Bytes(int count, int seed = 1)
    {
        var bytes = new byte[count];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }

    public static ContentDigest Digest(byte[] bytes) => new(SHA256.HashData(bytes));
}
