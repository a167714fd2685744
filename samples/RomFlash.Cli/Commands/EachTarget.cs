using RomFlash.Cli.CommandLine;
using RomFlash.Cli.Rendering;
using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Targets;

namespace RomFlash.Cli.Commands;

/// <summary>Does the same with many targets, some at once, and writes what came of each as it ends.</summary>
internal static class EachTarget
{
    /// <summary>Works on all of them. What is cancelled has a result too.</summary>
    /// <param name="targets">The targets; one that is there twice is refused the second time.</param>
    /// <param name="concurrency">How many at once.</param>
    /// <param name="writer">Where the results go.</param>
    /// <param name="work">What to do; called from several threads at once.</param>
    /// <param name="whenCancelled">What a cancellation means for a target.</param>
    /// <param name="cancellationToken">Stops.</param>
    /// <returns>The exit code.</returns>
    public static async Task<int> RunAsync(
        SelectedTargets targets,
        int concurrency,
        ResultWriter writer,
        Func<FlashTarget, CancellationToken, Task<TargetEnd>> work,
        OperationCancelled whenCancelled,
        CancellationToken cancellationToken)
    {
        var gate = new Lock();
        var codes = new List<int>(targets.Targets.Length);
        var seen = new HashSet<string>(StringComparer.Ordinal);
        var options = new ParallelOptions { MaxDegreeOfParallelism = concurrency, CancellationToken = CancellationToken.None };
        await Parallel.ForEachAsync(targets.Targets.Select(t => (Target: t, IsFirst: seen.Add(t.Id))), options, async (item, _) =>
        {
            var end = item.IsFirst ? await WorkAsync(item.Target) : TargetEnd.Of(item.Target.Id, new DuplicateTarget { TargetId = item.Target.Id, Detail = item.Target.Id });
            lock (gate)
            {
                writer.Write(end.Result, end.Failure, end.Lines);
                codes.Add(end.Code);
            }
        });
        writer.Finish();
        return ExitCode.Combine(codes);

        async Task<TargetEnd> WorkAsync(FlashTarget target)
        {
            try
            {
                cancellationToken.ThrowIfCancellationRequested();
                return await work(target, cancellationToken);
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                return TargetEnd.Of(target.Id, whenCancelled with { TargetId = target.Id });
            }
        }
    }
}
