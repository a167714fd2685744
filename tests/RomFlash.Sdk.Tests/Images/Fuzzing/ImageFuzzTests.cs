using System.Diagnostics;
using System.Globalization;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Tests.Images.Formats;
using Xunit.Abstractions;

namespace RomFlash.Sdk.Tests.Images.Fuzzing;

/// <summary>
/// Mutants of right images, all of which have to end in a report or a typed failure, in bounded time and memory. A failure is made small and printed with
/// its seed; ROMFLASH_SEED replays it, ROMFLASH_LONG goes on for a hundred times as many.
/// </summary>
public sealed class ImageFuzzTests(ITestOutputHelper output)
{
    private const int InAll = 300_000;
    private const long MostAllocated = 48 << 20;

    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(10);

    public static IEnumerable<(string Name, byte[] Bytes)> Samples =>
    [
        ("volumes", SampleImages.Volumes()),
        ("capsule", SampleImages.Capsule()),
        ("dependent", SampleImages.Dependent()),
        ("option-rom", SampleImages.OptionRom()),
        ("intel-flash", SampleImages.IntelFlash()),
        ("legacy", SampleImages.LegacyRom()),
        ("fwpkg", PackageBuilder.Fwpkg()),
        ("fwpkg stored", PackageBuilder.Fwpkg(level: System.IO.Compression.CompressionLevel.NoCompression)),
        ("fwpkg, sizes behind", SampleImages.Fwpkg()),
        ("cab", PackageBuilder.Cab(compressed: true)),
        ("cab of two folders", SampleImages.Cabinet()),
    ];

    [Fact]
    public void Samples_AsTheyAre_AreValid()
    {
        foreach (var (name, bytes) in Samples)
        {
            var run = FormatRun.Of(bytes, RomImageFormats.All);
            Assert.True(run is { IsRecognized: true, Failure: null }, $"{name}: {run.Failure}");
            FormatRun.AssertIsTree(run.Root);
        }
    }

    [Fact]
    [Trait("Category", "Slow")]
    public void Read_AnyMutant_EndsInAReportOrATypedFailure()
    {
        var first = int.TryParse(Environment.GetEnvironmentVariable("ROMFLASH_SEED"), NumberStyles.Integer, CultureInfo.InvariantCulture, out var given) ? given : 20261126;
        var count = Environment.GetEnvironmentVariable("ROMFLASH_LONG") == "1" ? 100 * InAll : InAll;
        var samples = Samples.Select(s => (s.Name, s.Bytes, Parts: FormatRun.Of(s.Bytes, RomImageFormats.All).Parts.Where(p => p.IsInFile).ToList())).ToList();
        var found = new HashSet<string>(StringComparer.Ordinal);
        var accepted = 0;
        Parallel.For(0, count, new ParallelOptions { MaxDegreeOfParallelism = Environment.ProcessorCount }, i =>
        {
            // Each mutant from a seed of its own: whichever thread it is on, it is the same one.
            var random = new Random(first + i);
            var (name, bytes, parts) = samples[random.Next(samples.Count)];
            var mutations = Enumerable.Range(0, random.Next(1, 6)).Select(_ => Mutation.Choose(random, bytes.Length, parts)).ToList();
            if (WhyBad(bytes, mutations, out var run) is not null)
            {
                var smallest = Minimize(bytes, mutations);
                Assert.Fail($"seed {first + i} (ROMFLASH_SEED), {name}: {string.Join(", ", smallest)}: {WhyBad(bytes, smallest, out _)}");
            }

            lock (found)
            {
                found.UnionWith(run!.Problems.Select(p => p.Code));
                accepted += run is { IsRecognized: true, Failure: null } ? 1 : 0;
            }
        });

        output.WriteLine($"[romflash] images: {count} mutants from seed {first}, {accepted} valid, codes {string.Join(' ', found.Order(StringComparer.Ordinal))}");
        Assert.InRange(accepted, 1, count - 1);
        Assert.Superset(new HashSet<string> { "RF5005", "RF5006", "RF5007" }, found);
    }

    [Fact]
    public void Minimize_OneBadMutationAmongMany_LeavesThatOne()
    {
        // What the fuzzer says of a failure has to be right, too: here the failure is that a byte has a value.
        var bytes = new byte[64];
        var mutations = Enumerable.Range(0, 20).Select(i => new Mutation(MutationKind.SetByte, i, 0, i == 13 ? 99ul : 1ul)).ToList();

        var smallest = Minimize(mutations, m => m.Aggregate(bytes, (b, next) => next.Apply(b)).Contains((byte)99));

        Assert.Equal(13, Assert.Single(smallest).Place);
    }

    [Fact]
    [Trait("Category", "Peer")]
    public void Read_MutantsOfRealImages_EndInAReportOrATypedFailure()
    {
        const int Seed = 4711;
        var random = new Random(Seed);
        foreach (var (file, count) in ((string, int)[])[("/usr/share/OVMF/OVMF_VARS.fd", 300), ("/usr/lib/ipxe/qemu/efi-e1000.rom", 300), ("/usr/lib/ipxe/qemu/pxe-virtio.rom", 300), ("/usr/share/OVMF/OVMF_CODE.fd", 40)])
        {
            var bytes = File.ReadAllBytes(file);
            var parts = FormatRun.Of(bytes, RomImageFormats.All).Parts.Where(p => p.IsInFile).ToList();
            for (var i = 0; i < count; i++)
            {
                var mutations = Enumerable.Range(0, random.Next(1, 4)).Select(_ => Mutation.Choose(random, bytes.Length, parts)).ToList();
                Assert.True(WhyBad(bytes, mutations, out _) is null, $"seed {Seed}, {file}, mutant {i}: {string.Join(", ", mutations)}: {WhyBad(bytes, mutations, out _)}");
            }
        }
    }

    private static string? WhyBad(byte[] bytes, IEnumerable<Mutation> mutations, out FormatRun? run)
    {
        var mutant = mutations.Aggregate(bytes, (b, next) => next.Apply(b));
        run = null;
        var (start, before) = (Stopwatch.GetTimestamp(), GC.GetAllocatedBytesForCurrentThread());
        try
        {
            run = FormatRun.Of(mutant, RomImageFormats.All);
        }
#pragma warning disable CA1031 // Whatever is thrown is what is looked for.
        catch (Exception e)
#pragma warning restore CA1031
        {
            return e.ToString();
        }

        var allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        return Stopwatch.GetElapsedTime(start) > Longest ? $"it took {Stopwatch.GetElapsedTime(start)}"
            : allocated > MostAllocated ? string.Create(CultureInfo.InvariantCulture, $"it allocated {allocated} bytes")
            : run.Problems.Any(p => p.Stage != FlashStage.Validate) ? "a problem is of another stage"
            : null;
    }

    private static List<Mutation> Minimize(byte[] bytes, List<Mutation> mutations) => Minimize(mutations, m => WhyBad(bytes, m, out _) is not null);

    // Leaves out one mutation after the other, as long as it stays bad.
    private static List<Mutation> Minimize(List<Mutation> mutations, Func<IReadOnlyList<Mutation>, bool> isBad)
    {
        for (var i = mutations.Count - 1; i >= 0; i--)
        {
            List<Mutation> fewer = [.. mutations[..i], .. mutations[(i + 1)..]];
            if (isBad(fewer))
            {
                mutations = fewer;
            }
        }

        return mutations;
    }
}
