using System.Security.Cryptography;
using RomFlash.Sdk.Probing;
using RomFlash.Sdk.Testing.Redfish.Vendors;
using RomFlash.Sdk.Transports;

namespace RomFlash.Sdk.Testing.Redfish.Service;

/// <summary>Turns what clients push and start into deposits and arming on the target, and what the target did into the ends of tasks.</summary>
/// <remarks>Thread-safe: one change at a time.</remarks>
internal sealed class UpdateDesk(FarSide far, RedfishFaceOptions options, VendorBehaviour vendor, CancellationToken stopping) : IDisposable
{
    private const int BlockLength = 1 << 16;

    private readonly SemaphoreSlim _gate = new(1, 1);
    private readonly List<UpdateTask> _tasks = [];
    private readonly string _prefix = $"redfish-{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(4))}";
    private readonly bool _purges = options.PurgesFinishedTasks ?? vendor.PurgesFinishedTasks;
    private int _lastNumber;
    private int _lastSet;
    private string _seenBoot = far.Target.Boot.Value;

    /// <summary>When the target last restarted, or the face started.</summary>
    public DateTimeOffset LastReset { get; private set; } = far.Clock.GetUtcNow();

    /// <summary>All tasks, those that were purged included, in the order of their numbers.</summary>
    public UpdateTask[] Tasks
    {
        get
        {
            lock (_tasks)
            {
                return [.. _tasks];
            }
        }
    }

    /// <summary>Brings the tasks to where the target is now.</summary>
    public Task SettleAsync(CancellationToken cancellationToken) => LockedAsync(
        async token =>
        {
            var boot = far.Target.Boot.Value;
            var isAway = far.Target.IsAway;
            var now = far.Clock.GetUtcNow();
            if (boot != _seenBoot)
            {
                _seenBoot = boot;
                var history = far.Target.History;
                LastReset = history.LastOrDefault(e => e.Kind == Simulation.SimulatedEventKind.Booted)?.At ?? now;
            }

            TargetFacts? facts = null;
            foreach (var task in Tasks)
            {
                if (task.ArmedInBoot is { } armedIn && armedIn != boot)
                {
                    if (isAway)
                    {
                        if (task.Phase is UpdatePhase.Armed or UpdatePhase.Applying)
                        {
                            task.Flash();
                        }

                        continue;
                    }

                    Finish(task, facts ??= await far.ReadFactsAsync(token).ConfigureAwait(false), now);
                }
                else if (task.Phase == UpdatePhase.Applying && now - task.ArmedAt >= options.ApplyDuration)
                {
                    task.Apply(now);
                }

                task.IsPurged |= _purges && (task.Phase is UpdatePhase.Applied or UpdatePhase.Completed);
            }

            return true;
        },
        cancellationToken);

    /// <summary>Takes an image: deposits it, and arms it unless it waits for StartUpdate.</summary>
    /// <returns>The task; or the fault of a target that could not take it, with nothing left of it.</returns>
    public Task<TransportResult<UpdateTask>> TakeAsync(SpooledImage image, string component, RedfishApplyTime applyTime, TaskPayload payload, CancellationToken cancellationToken) => LockedAsync<TransportResult<UpdateTask>>(
        async token =>
        {
            var task = NewTask(component, applyTime, payload, image);
            var deposited = await DepositAsync($"{_prefix}-{task.Number}", [task], token).ConfigureAwait(false);
            if (!deposited.TryGetValue(out _, out var fault) && fault.Kind != TransportFaultKind.Rejected)
            {
                image.Dispose();
                return fault;
            }

            Add(task);
            if (!deposited.TryGetValue(out _, out fault))
            {
                End(task, "Update.1.2.VerificationFailed", $"Verification of image '{task.Id}' at '{component}' failed: {fault.Detail}.");
            }
            else if (applyTime != RedfishApplyTime.OnStartUpdateRequest)
            {
                await ArmAsync([task], token).ConfigureAwait(false);
                if (applyTime == RedfishApplyTime.Immediate && options.RestartsByItself && task.IsInFlight)
                {
                    await RestartLockedAsync(options.AppliesWhileRunning ? options.ApplyDuration : TimeSpan.Zero, force: true, token).ConfigureAwait(false);
                }
            }

            else if (vendor.StartMakesATask)
            {
                task.Verify(far.Clock.GetUtcNow());
            }

            return task;
        },
        cancellationToken);

    /// <summary>Starts everything that is staged.</summary>
    /// <returns>What was started; empty when nothing was staged.</returns>
    public Task<UpdateTask[]> StartAsync(CancellationToken cancellationToken) => LockedAsync(
        async token =>
        {
            UpdateTask[] staged = [.. Tasks.Where(t => t.IsStaged).Select(t => vendor.StartMakesATask ? TakeOver(t) : t)];
            if (staged.Length > 0)
            {
                await ArmAsync(staged, token).ConfigureAwait(false);
            }

            return staged;
        },
        cancellationToken);

    /// <summary>Takes an update back: what has not begun leaves nothing behind, and what is finished is forgotten.</summary>
    /// <returns>Null when that was done.</returns>
    public Task<TransportFault?> CancelAsync(UpdateTask task, CancellationToken cancellationToken) => LockedAsync(
        async token =>
        {
            if (task.Phase is UpdatePhase.Completed or UpdatePhase.Failed or UpdatePhase.Cancelled || (task.Phase == UpdatePhase.Verified && !task.IsStaged))
            {
                task.IsPurged = true;
                return null;
            }

            if ((!task.IsStaged && task.Phase != UpdatePhase.Armed) || far.Target.IsAway)
            {
                return new TransportFault(TransportFaultKind.Busy, FaultEffect.NotSent, "the update has begun");
            }

            if (task.IsStaged)
            {
                if (await DiscardAsync(task, token).ConfigureAwait(false) is { } fault)
                {
                    return fault;
                }
            }
            else
            {
                UpdateTask[] others = [.. Tasks.Where(t => t != task && t.Phase == UpdatePhase.Armed)];
                var disarmed = await far.RunAsync<IArmingCapability, Done>((arming, t) => arming.DisarmAsync(task.DepositId!, t), token).ConfigureAwait(false);
                if (!disarmed.TryGetValue(out _, out var fault))
                {
                    return fault;
                }

                task.DepositId = null;
                if (others.Length > 0)
                {
                    await ArmSetAsync(others, token).ConfigureAwait(false);
                }
            }

            task.Cancel(far.Clock.GetUtcNow());
            Release(task);
            return null;
        },
        cancellationToken);

    /// <summary>Restarts the target.</summary>
    /// <returns>Null when it was accepted.</returns>
    public Task<TransportFault?> RestartAsync(bool force, CancellationToken cancellationToken) =>
        LockedAsync(token => RestartLockedAsync(TimeSpan.Zero, force, token), cancellationToken);

    public void Dispose()
    {
        foreach (var task in Tasks)
        {
            Release(task);
        }

        _gate.Dispose();
    }

    private UpdateTask NewTask(string component, RedfishApplyTime applyTime, TaskPayload payload, SpooledImage image, string? fileName = null)
    {
        var number = ++_lastNumber;
        return new(number, vendor.TaskId(number), component, applyTime, payload, far.Clock.GetUtcNow()) { Image = image, FileName = fileName ?? $"update-{number}.rom" };
    }

    private void Add(UpdateTask task)
    {
        lock (_tasks)
        {
            _tasks.Add(task);
        }
    }

    private UpdateTask TakeOver(UpdateTask verified)
    {
        var task = NewTask(verified.Component, verified.ApplyTime, verified.Payload, verified.Image!, verified.FileName);
        (task.DepositId, verified.DepositId, verified.Image) = (verified.DepositId, null, null);
        Add(task);
        return task;
    }

    private static void Release(UpdateTask task)
    {
        task.Image?.Dispose();
        task.Image = null;
    }

    private async Task<T> LockedAsync<T>(Func<CancellationToken, Task<T>> work, CancellationToken cancellationToken)
    {
        await _gate.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            // A change that began is carried through, whether or not the client still listens.
            return await work(stopping).ConfigureAwait(false);
        }
        finally
        {
            _gate.Release();
        }
    }

    private async Task<TransportFault?> RestartLockedAsync(TimeSpan delay, bool force, CancellationToken cancellationToken)
    {
        var asked = await far.RunAsync<IPowerCapability, Done>(
            (power, token) => power.ScheduleRebootAsync(new(delay, "restart asked of the controller", force), token), cancellationToken).ConfigureAwait(false);
        return asked.TryGetValue(out _, out var fault) ? null : fault;
    }

    private void Finish(UpdateTask task, TargetFacts facts, DateTimeOffset now)
    {
        var installed = facts.Roms.TryGet(out var roms) ? roms.FirstOrDefault(r => r.Id == task.Component) : null;
        var status = installed is not null && installed.LastAttempt.TryGet(out var attempt) ? attempt.Status.Number : 0;

        // The flasher picks the ROM by firmware class, so the image may be in another one than the client named.
        var isThere = far.Target.Options.Roms.Any(r => far.Target.RomOf(r.Id)?.Sha256 == task.Image?.Sha256);
        if (status == 0 && isThere)
        {
            task.Complete(now);
        }
        else
        {
            task.Fail(now, "Update.1.2.ApplyFailed", $"Installation of image '{task.Id}' to '{task.Component}' failed with status {status}.");
        }

        Release(task);
    }

    private void End(UpdateTask task, string messageId, string text)
    {
        task.Fail(far.Clock.GetUtcNow(), messageId, text);
        Release(task);
    }

    private async ValueTask ArmAsync(UpdateTask[] wanted, CancellationToken cancellationToken)
    {
        List<UpdateTask> set = [.. Tasks.Where(t => t.IsInFlight)];
        var before = set.Count;
        foreach (var task in wanted)
        {
            var why = set.Exists(t => t.Component == task.Component) ? "an update of it is pending"
                : set.Count >= Math.Max(1, far.Target.Persona.MaxComponents) ? "no more components can be updated at once"
                : null;
            if (why is null)
            {
                set.Add(task);
                continue;
            }

            await DiscardAsync(task, cancellationToken).ConfigureAwait(false);
            End(task, "Update.1.2.ApplyFailed", $"Installation of image '{task.Id}' to '{task.Component}' failed: {why}.");
        }

        if (set.Count == before)
        {
            return;
        }

        if (set.Count == 1)
        {
            await ArmDepositAsync(set, cancellationToken).ConfigureAwait(false);
            return;
        }

        // The target arms one deposit: what is armed already and what comes with it become one.
        if (before > 0)
        {
            var disarmed = await far.RunAsync<IArmingCapability, Done>((arming, token) => arming.DisarmAsync(set[0].DepositId!, token), cancellationToken).ConfigureAwait(false);
            if (!disarmed.TryGetValue(out _, out var fault))
            {
                foreach (var task in set.Skip(before))
                {
                    await DiscardAsync(task, cancellationToken).ConfigureAwait(false);
                    End(task, "Update.1.2.ApplyFailed", $"Installation of image '{task.Id}' to '{task.Component}' failed: {fault.Detail}.");
                }

                return;
            }
        }

        foreach (var task in set.Skip(before))
        {
            await DiscardAsync(task, cancellationToken).ConfigureAwait(false);
        }

        await ArmSetAsync(set, cancellationToken).ConfigureAwait(false);
    }

    private async ValueTask ArmSetAsync(IReadOnlyList<UpdateTask> set, CancellationToken cancellationToken)
    {
        var deposited = await DepositAsync($"{_prefix}-set-{++_lastSet}", set, cancellationToken).ConfigureAwait(false);
        if (deposited.TryGetValue(out _, out var fault))
        {
            await ArmDepositAsync(set, cancellationToken).ConfigureAwait(false);
            return;
        }

        FailAll(set, fault);
    }

    // All tasks of the set are in one deposit.
    private async ValueTask ArmDepositAsync(IReadOnlyList<UpdateTask> set, CancellationToken cancellationToken)
    {
        var generation = await far.GenerationAsync(cancellationToken).ConfigureAwait(false);
        var armed = generation.TryGetValue(out var number, out var fault)
            ? await far.RunAsync<IArmingCapability, Done>(
                (arming, token) => arming.ArmAsync(new(ManifestOf(set[0].DepositId!, number, set), far.Target.Persona.Method), token), cancellationToken).ConfigureAwait(false)
            : fault;
        if (!armed.TryGetValue(out _, out fault))
        {
            await DiscardAsync(set[0], cancellationToken).ConfigureAwait(false);
            FailAll(set, fault);
            return;
        }

        var now = far.Clock.GetUtcNow();
        foreach (var task in set)
        {
            if (!task.IsInFlight)
            {
                task.Arm(_seenBoot, now, options.AppliesWhileRunning);
            }
        }
    }

    private void FailAll(IReadOnlyList<UpdateTask> set, TransportFault fault)
    {
        foreach (var task in set)
        {
            End(task, "Update.1.2.ApplyFailed", $"Installation of image '{task.Id}' to '{task.Component}' failed: {fault.Detail}.");
        }
    }

    private async ValueTask<TransportResult<Done>> DepositAsync(string id, IReadOnlyList<UpdateTask> set, CancellationToken cancellationToken)
    {
        var generation = await far.GenerationAsync(cancellationToken).ConfigureAwait(false);
        if (!generation.TryGetValue(out var number, out var fault))
        {
            return fault;
        }

        var manifest = ManifestOf(id, number, set);
        var done = await far.RunAsync<IDepositCapability, Done>((deposits, token) => FillAsync(deposits, manifest, set, token), cancellationToken).ConfigureAwait(false);
        if (!done.TryGetValue(out _, out fault))
        {
            await far.RunAsync<IDepositCapability, Done>((deposits, token) => deposits.DiscardDepositAsync(id, number, token), cancellationToken).ConfigureAwait(false);
            return fault;
        }

        foreach (var task in set)
        {
            task.DepositId = id;
        }

        return done;
    }

    private static async ValueTask<TransportResult<Done>> FillAsync(IDepositCapability deposits, DepositManifest manifest, IReadOnlyList<UpdateTask> set, CancellationToken cancellationToken)
    {
        var opened = await deposits.OpenDepositAsync(manifest, cancellationToken).ConfigureAwait(false);
        if (opened.IsDefault)
        {
            return default;
        }

        if (!opened.TryGetValue(out var deposit, out var fault))
        {
            return fault;
        }

        await using (deposit.ConfigureAwait(false))
        {
            var buffer = new byte[Math.Min(BlockLength, Math.Max(1, deposits.Traits.MaxWriteBytes))];
            for (var i = 0; i < set.Count; i++)
            {
                var image = set[i].Image!;
                for (var offset = 0L; offset < image.Length;)
                {
                    var count = await image.ReadAsync(offset, buffer, cancellationToken).ConfigureAwait(false);
                    var written = await deposit.WriteAsync(i, offset, buffer.AsMemory(0, count), cancellationToken).ConfigureAwait(false);
                    if (written.IsDefault || !written.TryGetValue(out _, out _))
                    {
                        return written;
                    }

                    offset += count;
                }
            }

            return await deposit.CommitAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    private async ValueTask<TransportFault?> DiscardAsync(UpdateTask task, CancellationToken cancellationToken)
    {
        if (task.DepositId is not { } id)
        {
            return null;
        }

        var generation = await far.GenerationAsync(cancellationToken).ConfigureAwait(false);
        if (!generation.TryGetValue(out var number, out var fault))
        {
            return fault;
        }

        var discarded = await far.RunAsync<IDepositCapability, Done>((deposits, token) => deposits.DiscardDepositAsync(id, number, token), cancellationToken).ConfigureAwait(false);
        if (!discarded.TryGetValue(out _, out fault))
        {
            return fault;
        }

        task.DepositId = null;
        return null;
    }

    private static DepositManifest ManifestOf(string id, long generation, IReadOnlyList<UpdateTask> set) =>
        new(id, generation, [.. set.Select(t => new DepositFile(t.FileName, t.Image!.Length, t.Image.Sha256, t.Component))]);
}
