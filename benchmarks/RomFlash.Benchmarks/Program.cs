using BenchmarkDotNet.Running;
using RomFlash.Benchmarks.Comparison;

// "compare GROUP…" measures the rows of benchmarks/compare.sh; anything else goes to BenchmarkDotNet.
if (args is ["compare", .. var groups])
{
    return await Comparer.RunAsync(groups);
}

// A service of its own process, so that its memory is not ours.
if (args is ["redfish-face"])
{
    return await RedfishFaceProcess.ServeAsync();
}

BenchmarkSwitcher.FromAssembly(typeof(Program).Assembly).Run(args);
return 0;
