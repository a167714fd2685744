using System.ComponentModel;
using System.Diagnostics;
using RomFlash.Sdk.Compatibility.Import;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Outcomes;

namespace RomFlash.Cli.Hosting;

/// <summary>Reads LVFS metadata from a file; xz through the program of that name, because the platform has no decoder.</summary>
internal static class LvfsMetadataFile
{
    private static readonly byte[] XzMagic = [0xFD, 0x37, 0x7A, 0x58, 0x5A, 0x00];

    public static async Task<FlashResult<LvfsImportResult>> ImportAsync(string path, LvfsImportOptions options, CancellationToken cancellationToken)
    {
        if (!(await new FileImageSource(path).OpenReadAsync(cancellationToken)).TryGetValue(out var stream, out var failure))
        {
            return new CatalogUnusable { Stage = FlashStage.Check, Detail = failure.Detail, PeerCode = failure.PeerCode };
        }

        await using (stream)
        {
            FlashResult<LvfsImportResult> result;
            try
            {
                var first = new byte[XzMagic.Length];
                var isXz = await stream.ReadAtLeastAsync(first, first.Length, throwOnEndOfStream: false, cancellationToken) == first.Length && first.AsSpan().SequenceEqual(XzMagic);
                stream.Position = 0;
                result = isXz ? await ImportXzAsync(stream, options, cancellationToken) : await LvfsImport.ReadAsync(stream, options, cancellationToken);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                result = new CatalogUnusable { Stage = FlashStage.Check, Detail = e.Message };
            }

            return result.TryGetValue(out _, out var why) ? result : why with { Detail = $"{path}: {why.Detail}" };
        }
    }

    private static async Task<FlashResult<LvfsImportResult>> ImportXzAsync(Stream compressed, LvfsImportOptions options, CancellationToken cancellationToken)
    {
        Process process;
        try
        {
            // The memory limit is the decoder's; the length of what comes out is bounded by the import.
            process = Process.Start(new ProcessStartInfo("xz", ["--decompress", "--stdout", "--format=xz", "--memlimit-decompress=256MiB"])
            {
                RedirectStandardInput = true,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            })!;
        }
        catch (Exception e) when (e is Win32Exception or FileNotFoundException)
        {
            return new CatalogUnusable { Stage = FlashStage.Check, Detail = "it is compressed with xz, and there is no program xz; install it (Debian: xz-utils), or take firmware.xml.gz" };
        }

        using (process)
        {
            var feeding = FeedAsync(compressed, process.StandardInput.BaseStream, cancellationToken);
            var complaints = DrainAsync(process.StandardError);
            var isEnded = false;
            try
            {
                var result = await LvfsImport.ReadAsync(process.StandardOutput.BaseStream, options, cancellationToken);
                if (!result.TryGetValue(out _, out _))
                {
                    return result;
                }

                await process.WaitForExitAsync(cancellationToken);
                isEnded = true;
                return process.ExitCode == 0 ? result : new CatalogUnusable { Stage = FlashStage.Check, Detail = "xz says that it is damaged" };
            }
            finally
            {
                if (!isEnded)
                {
                    // This process and no other: what it was giving is not wanted any more.
                    process.Kill();
                }

                await feeding;
                await complaints;
            }
        }
    }

    private static async Task FeedAsync(Stream from, Stream to, CancellationToken cancellationToken)
    {
        try
        {
            await using (to)
            {
                await from.CopyToAsync(to, cancellationToken);
            }
        }
        catch (Exception e) when (e is IOException or OperationCanceledException)
        {
            // The decoder has ended, or nobody waits for it; what it gave tells.
        }
    }

    private static async Task DrainAsync(StreamReader from)
    {
        var buffer = new char[1024];
        while (await from.ReadAsync(buffer) > 0)
        {
        }
    }
}
