using BenchmarkDotNet.Running;
using RomFlash.Benchmarks.Comparison;

// "compare GROUP…" measures the rows of benchmarks/compare.sh; anything else goes to BenchmarkDotNet.
if (args is ["compare", .. var groups])
{
    return await Comparer.RunAsync(groups);
}

BenchmarkSwitcher.FromAssembly(typeof(Program).Assembly).Run(args);
return 0;
