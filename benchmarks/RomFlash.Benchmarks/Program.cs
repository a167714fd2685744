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

// Half a round trip more each way, without taking threads or memory from what is measured.
if (args is ["delay-proxy", var delayed, var milliseconds])
{
    return await DelayProxyProcess.ServeAsync(delayed, milliseconds);
}

// Its memory is the figure.
if (args is ["staging", .. var where])
{
    return await StagingProcess.RunAsync(where);
}

BenchmarkSwitcher.FromAssembly(typeof(Program).Assembly).Run(args);
return 0;
