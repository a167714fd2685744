using System.Collections.Immutable;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Outcomes;

namespace RomFlash.Cli.Hosting;

/// <summary>The images that a command line names.</summary>
internal static class ImageFiles
{
    /// <summary>Validates all of them, or gives the first failure.</summary>
    public static async Task<FlashResult<ImmutableArray<RomImage>>> ValidateAsync(string[] files, CancellationToken cancellationToken)
    {
        var images = ImmutableArray.CreateBuilder<RomImage>(files.Length);
        foreach (var file in files)
        {
            if (!(await ClientFactory.Validator.ValidateAsync(new FileImageSource(file), cancellationToken)).TryGetValue(out var image, out var failure))
            {
                return failure;
            }

            images.Add(image);
        }

        return images.MoveToImmutable();
    }
}
