using RomFlash.Sdk.Outcomes;

namespace RomFlash.Sdk.Images;

/// <summary>An image in a regular file. Directories, devices, pipes and sockets are refused: opening a pipe would wait for a writer, and a device has no end.</summary>
/// <remarks>Thread-safe: streams are independent of each other. What kind of file it is can be told on Linux and Windows; elsewhere only directories are told apart.</remarks>
public sealed class FileImageSource : IRomImageNeighbours
{
    /// <summary>Names a file; nothing is opened yet.</summary>
    /// <param name="path">The path; not empty.</param>
    public FileImageSource(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        Path = path;
    }

    /// <summary>The path as it was given. Untrusted text.</summary>
    public string Path { get; }

    /// <inheritdoc/>
    public string Name => Path;

    /// <inheritdoc/>
    public string FileName => System.IO.Path.GetFileName(Path);

    /// <inheritdoc/>
    public async ValueTask<FlashResult<Stream>?> TryOpenNeighbourAsync(string name, CancellationToken cancellationToken)
    {
        if (string.IsNullOrEmpty(name) || name is "." or ".." || name.AsSpan().ContainsAny("/\\:\0"))
        {
            return null;
        }

        var path = System.IO.Path.Combine(System.IO.Path.GetDirectoryName(Path) ?? string.Empty, name);
        if (!File.Exists(path))
        {
            return null;
        }

        return await new FileImageSource(path).OpenReadAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public async ValueTask<FlashResult<Stream>> OpenReadAsync(CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();

        // Opening can block (a network share that is gone), so it happens on the pool and can be abandoned.
        var opening = Task.Run(Open, CancellationToken.None);
        try
        {
            return await opening.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            _ = opening.ContinueWith(
                static task =>
                {
                    if (task.Result.TryGetValue(out var stream, out _))
                    {
                        stream.Dispose();
                    }
                },
                CancellationToken.None,
                TaskContinuationOptions.OnlyOnRanToCompletion,
                TaskScheduler.Default);
            throw;
        }
    }

    /// <summary>The path.</summary>
    /// <returns><see cref="Path"/>; untrusted text.</returns>
    public override string ToString() => Path;

    private FlashResult<Stream> Open()
    {
        try
        {
            if (FileKind.WhyNotRegular(Path) is { } why)
            {
                return Unreadable(why, null);
            }

            // No buffer of its own: who reads it brings one.
            return FlashResult<Stream>.From(new FileStream(Path, new FileStreamOptions
            {
                Mode = FileMode.Open,
                Access = FileAccess.Read,
                Share = FileShare.Read,
                Options = FileOptions.Asynchronous | FileOptions.SequentialScan,
                BufferSize = 0,
            }));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            return Unreadable(
                e switch
                {
                    FileNotFoundException or DirectoryNotFoundException => "there is no such file",
                    UnauthorizedAccessException => "access is denied",
                    _ => e.Message,
                },
                e);
        }
    }

    private ImageUnreadable Unreadable(string why, Exception? exception) => new()
    {
        Stage = FlashStage.Validate,
        Detail = $"{Path}: {why}",
        PeerCode = exception is null ? null : new PeerCode(PeerCode.HResult, unchecked((uint)exception.HResult)),
    };
}
