using RomFlash.Sdk.Outcomes;

namespace RomFlash.Sdk.Tests.Transports;

/// <summary>Fills a volume up as soon as something is being staged on it.</summary>
internal sealed class DiskFiller(string file) : IProgress<FlashProgress>
{
    public void Report(FlashProgress value)
    {
        if (value.Stage is FlashStage.Stage && value.BytesDone > 0 && !File.Exists(file))
        {
            using var filler = File.Create(file);
            var zeros = new byte[1 << 16];
            try
            {
                while (true)
                {
                    filler.Write(zeros);
                    filler.Flush(flushToDisk: false);
                }
            }
            catch (IOException)
            {
                // Full.
            }
        }
    }

    public void Remove() => File.Delete(file);
}
