using System.Globalization;

namespace RomFlash.Benchmarks.Comparison;

/// <summary>This process's resident memory, by proc(5), in MiB.</summary>
internal static class ProcessMemory
{
    /// <summary>What is resident now; the peak counts from here.</summary>
    public static double Begin()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        GC.Collect();
        File.WriteAllText("/proc/self/clear_refs", "5");
        return Status("VmRSS");
    }

    /// <summary>The most that was resident since <see cref="Begin"/>.</summary>
    public static double Peak() => Status("VmHWM");

    private static double Status(string name) =>
        double.Parse(File.ReadLines("/proc/self/status").First(l => l.StartsWith(name + ":", StringComparison.Ordinal)).Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) / 1024;
}
