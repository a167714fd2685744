using System.Collections.Frozen;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Pipeline;
using RomFlash.Sdk.Pipeline.Guarding;
using RomFlash.Sdk.Planning;
using RomFlash.Sdk.Probing;
using RomFlash.Sdk.Targets;

namespace RomFlash.Sdk;

/// <summary>The front door: upgrades one target or many, confirms, cancels.</summary>
/// <remarks>Thread-safe. One flash at a time for a target: a second request is answered with <see cref="FlashInProgress"/>.</remarks>
public sealed class RomFlashClient
{
    /// <summary>How many targets <see cref="FlashManyAsync"/> works on at once unless told otherwise.</summary>
    public const int DefaultConcurrency = 32;

    private readonly ClientServices _services;

    /// <summary>Creates a client.</summary>
    /// <param name="options">What it is built from.</param>
    /// <exception cref="ArgumentException">Two transports serve one scheme, or something is null.</exception>
    public RomFlashClient(RomFlashClientOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        var transports = new Dictionary<string, Transports.ITransport>(StringComparer.OrdinalIgnoreCase);
        foreach (var transport in options.Transports)
        {
            if (transport is null || !transports.TryAdd(transport.Scheme, transport))
            {
                throw new ArgumentException($"A transport is null, or two serve the scheme '{transport?.Scheme}'.", nameof(options));
            }
        }

        _services = new ClientServices
        {
            Transports = transports.ToFrozenDictionary(StringComparer.OrdinalIgnoreCase),
            Credentials = options.Credentials ?? throw new ArgumentException("Credentials is null.", nameof(options)),
            Probe = options.Probe ?? throw new ArgumentException("Probe is null.", nameof(options)),
            Catalog = options.Catalog ?? throw new ArgumentException("Catalog is null.", nameof(options)),
            Stager = options.Stager ?? throw new ArgumentException("Stager is null.", nameof(options)),
            Scheduler = options.Scheduler ?? throw new ArgumentException("Scheduler is null.", nameof(options)),
            Confirmer = options.Confirmer ?? throw new ArgumentException("Confirmer is null.", nameof(options)),
            Journal = options.Journal ?? throw new ArgumentException("Journal is null.", nameof(options)),
            Gates = [.. options.Gates],
            Time = CallerClock.OrSystem(options.TimeProvider),
            Logger = (options.LoggerFactory ?? NullLoggerFactory.Instance).CreateLogger("RomFlash.Sdk"),
        };
    }

    /// <summary>Reads what a target is and what it can do. Writes nothing.</summary>
    /// <param name="target">The target.</param>
    /// <param name="policy">Its deadlines are used; null for the default.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    /// <returns>The report, or why the target could not be read.</returns>
    public async Task<FlashResult<TargetReport>> ProbeAsync(FlashTarget target, FlashPolicy? policy, CancellationToken cancellationToken)
    {
        var run = Start(target, policy, null);
        await using (run.ConfigureAwait(false))
        {
            return await run.ProbeOnlyAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Finds everything that speaks against an upgrade, all at once. Writes nothing.</summary>
    /// <param name="request">What would be upgraded.</param>
    /// <param name="cancellationToken">Stops the check.</param>
    /// <returns>What was found.</returns>
    public async Task<PreflightReport> PreflightAsync(FlashRequest request, CancellationToken cancellationToken)
    {
        var run = Start(request, null);
        await using (run.ConfigureAwait(false))
        {
            return await run.PreflightAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Makes a plan: preflights all targets, some at once. Writes nothing.</summary>
    /// <param name="request">What would be upgraded.</param>
    /// <param name="concurrency">How many targets at once, at least 1.</param>
    /// <param name="cancellationToken">Stops the check.</param>
    /// <returns>The plan, in which targets that can't be upgraded are refused with the reasons; see <see cref="FlashPlan.TryCreate"/> for when there is none.</returns>
    public async Task<FlashResult<FlashPlan>> PlanAsync(PlanRequest request, int concurrency, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentOutOfRangeException.ThrowIfLessThan(concurrency, 1);
        var targets = request.Targets.IsDefault ? [] : request.Targets;
        var found = new PreflightReport[targets.Length];
        var options = new ParallelOptions { MaxDegreeOfParallelism = concurrency, CancellationToken = cancellationToken };
        await Parallel.ForAsync(0, targets.Length, options, async (i, stop) =>
            found[i] = await PreflightAsync(new FlashRequest(targets[i], request.Images, request.Policy with { Window = request.WindowOf(targets[i]) }) { BackupImages = request.BackupImages }, stop).ConfigureAwait(false)).ConfigureAwait(false);
        return FlashPlan.TryCreate(request, ImmutableCollectionsMarshal.AsImmutableArray(found), _services.Time.GetUtcNow());
    }

    /// <summary>Upgrades one target. What an interrupted run left is settled first; a flash in progress is adopted, never repeated.</summary>
    /// <param name="request">What to upgrade.</param>
    /// <param name="progress">Told about progress, or null.</param>
    /// <param name="cancellationToken">
    /// Before arming it stops and cleans up; after arming it disarms; once the target boots into the flash it is refused, and the report says so.
    /// </param>
    /// <returns>What became of it; failures are in it, not thrown.</returns>
    /// <exception cref="OperationCanceledException">Cancelled before the first remote write.</exception>
    public async Task<FlashReport> FlashAsync(FlashRequest request, IProgress<FlashProgress>? progress, CancellationToken cancellationToken)
    {
        var run = Start(request, progress);
        await using (run.ConfigureAwait(false))
        {
            return await run.RunAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Upgrades many targets, some at once. One target's failure never touches another. Reports come as targets end, in any order.</summary>
    /// <param name="requests">
    /// What to upgrade; read as workers become free. In a collection, a second request with the same target id is refused with
    /// <see cref="DuplicateTarget"/>; in a stream it is refused while the first one is in work, and is a request like any other afterwards.
    /// </param>
    /// <param name="concurrency">How many at once, at least 1.</param>
    /// <param name="progress">Told about progress from several threads at once, or null.</param>
    /// <param name="cancellationToken">Targets that have not begun are left alone; those in work end as <see cref="FlashAsync"/> says, and their reports still come.</param>
    /// <returns>One report for each target that was begun.</returns>
    /// <exception cref="OperationCanceledException">Cancelled; thrown after the last report.</exception>
    /// <exception cref="ArgumentException">A request was null; thrown after the last report.</exception>
    public async IAsyncEnumerable<FlashReport> FlashManyAsync(
        IEnumerable<FlashRequest> requests,
        int concurrency,
        IProgress<FlashProgress>? progress,
        [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(requests);
        ArgumentOutOfRangeException.ThrowIfLessThan(concurrency, 1);

        // When the consumer walks away, the work in progress is cancelled and waited for: nothing outlives its owner.
        using var abandoned = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var reports = Channel.CreateBounded<FlashReport>(new BoundedChannelOptions(concurrency) { SingleReader = true });
        using var source = requests.GetEnumerator();

        // A stream of requests is not remembered, so that memory stays flat; a collection is in memory anyway.
        var seen = requests is IReadOnlyCollection<FlashRequest> ? new HashSet<string>(StringComparer.Ordinal) : null;
        var gate = new Lock();
        var misuse = false;
        var working = Task.WhenAll(Enumerable.Range(0, concurrency).Select(_ => Task.Run(WorkAsync, CancellationToken.None)));
        var closing = working.ContinueWith(t => reports.Writer.TryComplete(t.Exception?.GetBaseException()), CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        try
        {
            await foreach (var report in reports.Reader.ReadAllAsync(CancellationToken.None).ConfigureAwait(false))
            {
                yield return report;
            }

            cancellationToken.ThrowIfCancellationRequested();
            if (misuse)
            {
                throw new ArgumentException("A request is null, or has no target.", nameof(requests));
            }
        }
        finally
        {
            await abandoned.CancelAsync().ConfigureAwait(false);
            while (reports.Reader.TryRead(out _))
            {
            }

            // Reports that nobody reads any more must not keep a worker from ending.
            while (!closing.IsCompleted && await reports.Reader.WaitToReadAsync(CancellationToken.None).ConfigureAwait(false))
            {
                reports.Reader.TryRead(out _);
            }

            await closing.ConfigureAwait(false);
        }

        async Task WorkAsync()
        {
            while (!abandoned.IsCancellationRequested)
            {
                FlashRequest request;
                bool isDuplicate;
                lock (gate)
                {
                    if (!source.MoveNext())
                    {
                        return;
                    }

                    request = source.Current;
                    if (request?.Target is null)
                    {
                        // Misuse, but not of the other targets: thrown when they have ended.
                        misuse = true;
                        continue;
                    }

                    isDuplicate = seen is not null && !seen.Add(request.Target.Id);
                }

                FlashReport report;
                try
                {
                    report = isDuplicate ? Refused(request, new DuplicateTarget { TargetId = request.Target.Id, Detail = request.Target.Id })
                        : FindMisuse(request) is { } wrong ? Refused(request, new InvalidParameter { TargetId = request.Target.Id, Parameter = "request", Detail = wrong })
                        : await FlashAsync(request, progress, abandoned.Token).ConfigureAwait(false);
                }
                catch (OperationCanceledException) when (abandoned.IsCancellationRequested)
                {
                    // Nothing was written to this target.
                    return;
                }

                await reports.Writer.WriteAsync(report, CancellationToken.None).ConfigureAwait(false);
            }
        }
    }

    /// <summary>Looks what came of a flash that waits for its boot, by evidence.</summary>
    /// <param name="target">The target.</param>
    /// <param name="wait">How long to wait for the boot; zero for a single look.</param>
    /// <param name="policy">Its deadlines are used; null for the default.</param>
    /// <param name="cancellationToken">Stops the waiting; the operation stays open.</param>
    /// <returns>What became of it; <see cref="InvalidParameter"/> when nothing waits.</returns>
    public async Task<FlashReport> ConfirmAsync(FlashTarget target, TimeSpan wait, FlashPolicy? policy, CancellationToken cancellationToken)
    {
        var run = Start(target, policy, null);
        await using (run.ConfigureAwait(false))
        {
            return await run.ConfirmAsync(wait, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Takes back what an earlier run prepared or armed. Refused once the target boots into the flash.</summary>
    /// <param name="target">The target.</param>
    /// <param name="policy">Its deadlines are used; null for the default.</param>
    /// <param name="cancellationToken">Stops the attempt.</param>
    /// <returns>In what state the target is now; <see cref="CancellationRefused"/> or <see cref="DisarmNotPossible"/> where it stays armed.</returns>
    public async Task<FlashResult<CancellationReport>> CancelAsync(FlashTarget target, FlashPolicy? policy, CancellationToken cancellationToken)
    {
        var run = Start(target, policy, null);
        await using (run.ConfigureAwait(false))
        {
            return await run.CancelAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Concludes an open operation without evidence, because a person knows what became of it (a swapped board, a scrapped server).</summary>
    /// <param name="target">The target.</param>
    /// <param name="who">Who decides; in the journal.</param>
    /// <param name="why">Why; in the journal.</param>
    /// <param name="cancellationToken">Stops before the record is written.</param>
    /// <returns>Whether something was armed by that operation. The target is not contacted.</returns>
    public async Task<FlashResult<CancellationReport>> ForgetAsync(FlashTarget target, string who, string why, CancellationToken cancellationToken)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(who);
        ArgumentException.ThrowIfNullOrWhiteSpace(why);
        var run = Start(target, null, null);
        await using (run.ConfigureAwait(false))
        {
            return await run.ForgetAsync(who, why, cancellationToken).ConfigureAwait(false);
        }
    }

    private static FlashReport Refused(FlashRequest request, FlashFailure failure) => new() { Target = request.Target, Result = failure };

    private static string? FindMisuse(FlashRequest request) =>
        request.Images.IsDefaultOrEmpty || request.Images.Contains(null!)
        ? "a request has at least one image, and none is null"
        : !request.BackupImages.IsDefault && request.BackupImages.Contains(null!) ? "no backup image is null"
        : FindMisuse(request.Policy);

    // A deadline of zero would end everything before it begins.
    private static string? FindMisuse(FlashPolicy? policy)
    {
        if (policy is not { Deadlines: { } limits, Window: not null, RebootMessage: not null })
        {
            return "a policy, its deadlines, its window and its message are not null";
        }

        TimeSpan[] positive = [limits.Connect, limits.Operation, limits.Return, limits.PollInterval, limits.CleanUp, limits.Gate, limits.Stage];
        TimeSpan[] notNegative = [limits.RetryDelay, limits.Settle, policy.RebootDelay];
        return positive.Any(d => d <= TimeSpan.Zero) || notNegative.Any(d => d < TimeSpan.Zero) || positive.Concat(notNegative).Any(d => d > LongestTimer.Reach) || limits.SlowestBytesPerSecond < 1 || limits.ReadRetries < 0
            ? $"a deadline is negative, zero where it can't be, or longer than {LongestTimer.Reach.Days} days"
            : null;
    }

    private UpgradeRun Start(FlashTarget target, FlashPolicy? policy, IProgress<FlashProgress>? progress)
    {
        ArgumentNullException.ThrowIfNull(target);
        if (policy is not null && FindMisuse(policy) is { } wrong)
        {
            throw new ArgumentException(wrong, nameof(policy));
        }

        return new UpgradeRun(_services, new FlashRequest(target, [], policy ?? FlashPolicy.Default), progress);
    }

    private UpgradeRun Start(FlashRequest request, IProgress<FlashProgress>? progress)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(request.Target);
        if (FindMisuse(request) is { } wrong)
        {
            throw new ArgumentException(wrong, nameof(request));
        }

        return new UpgradeRun(_services, request, progress);
    }
}
