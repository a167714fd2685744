using RomFlash.Sdk.Outcomes;

namespace RomFlash.Sdk.Images;

/// <summary>A source that knows what lies beside it: a detached signature, the files of a bundle.</summary>
public interface IRomImageNeighbours : IRomImageSource
{
    /// <summary>The image's own plain file name: what lies beside it is named after it.</summary>
    string FileName { get; }

    /// <summary>Opens what lies beside the image under a name. The caller disposes of the stream.</summary>
    /// <param name="name">A plain file name: no path, no drive, no <c>..</c>; anything else is not there.</param>
    /// <param name="cancellationToken">Stops the opening.</param>
    /// <returns>A readable stream that seeks, the failure to open it, or null when nothing of that name is there.</returns>
    ValueTask<FlashResult<Stream>?> TryOpenNeighbourAsync(string name, CancellationToken cancellationToken);
}
