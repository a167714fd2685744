using System.Collections.Immutable;
using System.CommandLine;
using System.Globalization;
using RomFlash.Cli.CommandLine;
using RomFlash.Cli.Hosting;
using RomFlash.Cli.Rendering;
using RomFlash.Cli.Rendering.Live;
using RomFlash.Sdk;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Journal;
using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Pipeline;
using RomFlash.Sdk.Planning;
using RomFlash.Sdk.Recovery;
using RomFlash.Sdk.Targets;

namespace RomFlash.Cli.Commands;

/// <summary><c>romflash flash</c>: upgrades targets.</summary>
internal sealed class FlashCommand : CliCommand
{
    private readonly ImageOptions _images = new();
    private readonly CatalogOptions _catalog = new();
    private readonly Option<string> _plan = new("--plan")
    {
        Description = "A plan to carry out, as it is or not at all: it says which targets, and what is allowed. --targets then only declares credentials.",
        HelpName = "FILE",
    };

    private readonly Option<string> _planHash = new("--plan-hash") { Description = "The hash of the plan that was approved; another plan is refused.", HelpName = "HASH" };
    private readonly TargetOptions _targets = new();
    private readonly PolicyOptions _policy = new();
    private readonly Option<string> _journal = SharedOptions.Journal();
    private readonly Option<bool> _dryRun = new("--dry-run") { Description = "Does everything but write." };
    private readonly Option<bool> _yes = new("--yes") { Description = "Asks nothing. Without it, somebody at a terminal is asked once; where nobody can be asked, nothing is asked." };
    private readonly Option<bool> _json = SharedOptions.Json();
    private readonly Option<string> _concurrency = SharedOptions.Concurrency();

    public FlashCommand(Terminal terminal)
        : base(terminal, "flash")
    {
        foreach (var option in (Option[])[.. _images.AllWithBackups, .. _catalog.All])
        {
            Add(option);
        }

        _targets.AddTo(this, instead: _plan);
        _policy.AddTo(this);
        foreach (var option in (Option[])[_plan, _planHash, _dryRun, _yes, _concurrency, _journal, _json])
        {
            Add(option);
        }

        Validators.Add(r =>
        {
            if (r.GetResult(_plan) is null)
            {
                if (r.GetResult(_planHash) is not null)
                {
                    r.AddError("Option '--plan-hash' needs '--plan'.");
                }

                return;
            }

            foreach (var option in _policy.Permissions.AddRange(_policy.Restart).Where(o => r.GetResult(o) is { Implicit: false }))
            {
                r.AddError($"Option '{option.Name}' can't be given with '--plan', which says what is allowed.");
            }
        });
    }

    public override string Synopsis =>
        $"romflash flash {ImageOptions.Synopsis} {ImageOptions.BackupSynopsis} {CatalogOptions.Synopsis} {TargetOptions.Synopsis} [--dry-run] [--yes] [--concurrency N] {PolicyOptions.Synopsis} [--journal FILE] [--json]; romflash flash --plan FILE [--plan-hash HASH] {ImageOptions.Synopsis} {ImageOptions.BackupSynopsis} {CatalogOptions.Synopsis} [--targets FILE] {SshOptions.Synopsis} [--dry-run] [--yes] [--concurrency N] [--journal FILE] [--json]";

    public override CommandHelp Help => new()
    {
        Groups =
        [
            new("What", _images.AllWithBackups),
            new("What decides", [.. _catalog.All]),
            new("A plan", [_plan, _planHash]),
            .. _targets.Groups,
            new("What is allowed, and when", [_dryRun, _yes, .. _policy.Permissions]),
            new("Restart", _policy.Restart),
        ],
        Examples =
        [
            new("romflash flash --image rom.cap --catalog catalog.json --trust signer.pem --target dir:/mnt/esp --dry-run", "would it work? writes nothing"),
            new("romflash flash --image rom.cap --catalog catalog.json --trust signer.pem --targets rack.json --group rack7 --window 01:00Z/04:00Z", "a group, in the next night"),
            new("romflash flash --image rom.cap --catalog catalog.json --trust signer.pem --target dir:/mnt/esp --no-reboot --yes", "arms, and leaves the restart to an operator"),
            new("romflash flash --plan plan.json --plan-hash HASH --image rom.cap --catalog catalog.json --trust signer.pem", "carries out what was approved"),
        ],
        ExitCodes = [ExitCode.Success, ExitCode.Access, ExitCode.Connection, ExitCode.Compatibility, ExitCode.Image, ExitCode.StagingOrArming, ExitCode.Failed, ExitCode.Several],
    };

    protected override async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        if (!Values.TryNumber("--concurrency", parsed.GetValue(_concurrency), 1, SharedOptions.MostAtOnce, RomFlashClient.DefaultConcurrency, out var concurrency, out var failure)
            || !(await ReadWorkAsync(parsed, cancellationToken)).TryGetValue(out var work, out failure))
        {
            return Fail(failure);
        }

        var isDryRun = parsed.GetValue(_dryRun);
        var isJson = parsed.GetValue(_json);
        var writer = new ResultWriter(Terminal, isJson);
        if (!(await _images.ValidateAsync(parsed, cancellationToken)).TryGetValue(out var images, out failure)
            || !(await _images.ValidateBackupsAsync(parsed, cancellationToken)).TryGetValue(out var backups, out failure)
            || !work.ToRequests(images, backups, isDryRun).TryGetValue(out var requests, out failure)
            || !(await _catalog.LoadAsync(parsed, Terminal, remember: !isDryRun, cancellationToken)).TryGetValue(out var catalog, out failure))
        {
            return RefuseAll(work.Selected.Targets, failure, writer);
        }

        if (!isDryRun && !parsed.GetValue(_yes) && !await IsAgreedAsync(work.Selected.Targets, cancellationToken))
        {
            Terminal.Error.WriteLine("romflash: not agreed to; no target was contacted");
            return ExitCode.Cancelled;
        }

        if (isDryRun && !JournalFile.Exists(parsed.GetValue(_journal)))
        {
            // A dry run leaves nothing behind, not even an empty journal.
            return await FlashAsync(ClientFactory.Create(new InMemoryFlashJournal(), work.Selected, catalog), requests, concurrency, writer, isJson, cancellationToken);
        }

        if (!(await JournalFile.OpenAsync(parsed.GetValue(_journal), cancellationToken)).TryGetValue(out var journal, out failure))
        {
            return RefuseAll(work.Selected.Targets, failure, writer);
        }

        await using (journal)
        {
            foreach (var note in journal.Notes)
            {
                Terminal.Error.WriteLine($"romflash: journal: {UntrustedText.ForTerminal(note)}");
            }

            return await FlashAsync(ClientFactory.Create(journal, work.Selected, catalog), requests, concurrency, writer, isJson, cancellationToken);
        }
    }

    /// <summary>What is to be done, by a plan or by options; no image is needed to say so.</summary>
    private async Task<FlashResult<Work>> ReadWorkAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        FlashFailure? failure;
        if (parsed.GetValue(_plan) is not { } path)
        {
            return _policy.Read(parsed, TimeProvider.System.GetUtcNow()).TryGetValue(out var policy, out failure)
                && (await _targets.ReadAsync(parsed, Terminal, cancellationToken)).TryGetValue(out var selected, out failure)
                ? new Work(selected, images => selected.Targets.Select(t => new FlashRequest(t, images, policy)).ToImmutableArray())
                : failure;
        }

        if (!(await FlashPlan.LoadAsync(path, cancellationToken)).TryGetValue(out var plan, out failure))
        {
            return failure;
        }

        if (parsed.GetValue(_planHash) is { } approved && !(ContentDigest.TryParse(approved, out var hash) && hash == plan.Hash))
        {
            return new PlanUnusable { Detail = $"the plan has the hash {plan.Hash}, and another one was approved ('{approved}')" };
        }

        ImmutableArray<FlashTarget> targets = [.. plan.Targets.Select(t => t.ToFlashTarget())];
        return (await _targets.ReadFor(targets, parsed, Terminal, cancellationToken)).TryGetValue(out var planned, out failure)
            ? new Work(planned, images => plan.ToRequests(images))
            : failure;
    }

    private async Task<int> FlashAsync(
        RomFlashClient client,
        ImmutableArray<FlashRequest> requests,
        int concurrency,
        ResultWriter writer,
        bool isJson,
        CancellationToken cancellationToken)
    {
        var codes = new List<int>(requests.Length);
        var remaining = requests.ToDictionary(r => r.Target, r => r);
        using var view = RunView.Start(Terminal, isJson, "romflash flash", requests.Length, TimeProvider.System);
        var phases = new FlashPhases(view, requests.Length);
        Terminal.Stopping.Set(() => (phases.OnStop(), phases.OnAbandon()));
        SayWhenTheWindowOpens(requests);
        var left = new List<TargetResult>();
        try
        {
            await foreach (var report in client.FlashManyAsync(requests, concurrency, phases, cancellationToken))
            {
                remaining.Remove(report.Target, out var request);
                phases.Ended(report.Target.Id);
                var result = TargetResult.Of(report);
                result = request is { BackupImages.IsEmpty: false } && FindUnused(report) is { } unused ? result with { Notes = [.. result.Notes, unused] } : result;
                view.Ended(result);
                writer.Write(result, report.Result.TryGetValue(out _, out var failure) ? null : failure);
                codes.Add(failure is null ? ExitCode.Of(report.Outcome, IsPendingEnough(report, request?.Policy)) : ExitCode.Of(failure));
                left.Add(result);
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // Those in work have ended and were written above; nothing was written to these.
            foreach (var target in remaining.Keys)
            {
                var cancelled = new OperationCancelled { TargetId = target.Id, Detail = "cancelled before anything was written to the target" };
                var result = TargetResult.Of(target.Id, cancelled);
                writer.Write(result, cancelled);
                left.Add(result);
            }

            codes.Add(ExitCode.Cancelled);
        }

        view.Dispose();
        writer.Finish();
        if (cancellationToken.IsCancellationRequested)
        {
            SayWhatIsLeft(left);
        }

        return ExitCode.Combine(codes);
    }

    private void SayWhenTheWindowOpens(ImmutableArray<FlashRequest> requests)
    {
        var now = TimeProvider.System.GetUtcNow();
        foreach (var opens in requests.Where(r => !r.Policy.DryRun && r.Policy.Window.UntilOpen(now) > TimeSpan.Zero).Select(r => r.Policy.Window.Opens).Distinct().Order())
        {
            Terminal.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"romflash: the window opens at {opens:yyyy-MM-dd'T'HH:mm:ss'Z'}; targets are prepared now, and armed then"));
        }
    }

    private void SayWhatIsLeft(IEnumerable<TargetResult> results)
    {
        foreach (var group in results.GroupBy(r => r.TargetState, StringComparer.Ordinal).OrderBy(g => g.Key, StringComparer.Ordinal))
        {
            var advice = group.Key switch
            {
                nameof(TargetState.Untouched) => "nothing to do",
                nameof(TargetState.Prepared) => "inert; the next run, or romflash cancel, removes what lies there",
                nameof(TargetState.Armed) => "the next boot flashes: romflash cancel disarms, romflash confirm finds out after the boot",
                nameof(TargetState.PreviousRomIntact) => "runs its previous ROM",
                nameof(TargetState.RomChanged) => "runs the ROM that its result names",
                nameof(TargetState.RecoveryRequired) => "romflash recover says what to do",
                _ => "do not switch it off; romflash confirm finds out, romflash recover says what to do",
            };
            Terminal.Error.WriteLine($"romflash: left {group.Key}: {string.Join(", ", group.Select(r => ResultText.Plain(r.Target)))}: {advice}");
        }
    }

    // Given in vain, and nobody else says so: which image is the right one depends on the target.
    private static string? FindUnused(FlashReport report) =>
        !report.Recovery.IsEmpty && report.Recovery.All(p => p.Copy is BackupCopy.NoImageKnown or BackupCopy.NotGiven)
            ? "no backup image that was given is the one that the catalog names: nothing lies beside the upgrade"
            : null;

    // Waiting for the boot is what was asked for, or all that can be had.
    private static bool IsPendingEnough(FlashReport report, FlashPolicy? policy) =>
        policy is { Reboot: RebootMode.LeaveToOperator } || report.Probe is { Evidence.CanReboot: false };

    private int RefuseAll(ImmutableArray<FlashTarget> targets, FlashFailure failure, ResultWriter writer)
    {
        // Without the journal nobody knows what an earlier run did to them, or another one is doing.
        var state = failure is JournalUnavailable or JournalCorrupt ? TargetState.Indeterminate : TargetState.Untouched;
        foreach (var target in targets)
        {
            writer.Write(TargetResult.Of(target.Id, failure with { TargetState = state }), null);
        }

        writer.Finish();
        FailureText.Write(Terminal, failure);
        return ExitCode.Of(failure);
    }

    private async Task<bool> IsAgreedAsync(ImmutableArray<FlashTarget> targets, CancellationToken cancellationToken)
    {
        if (!Terminal.CanAsk)
        {
            return true;
        }

        Terminal.Error.Write($"Flash {targets.Length} target(s), {UntrustedText.ForTerminal(targets[0].Id)}{(targets.Length > 1 ? " and so on" : string.Empty)}? [y/N] ");
        var answer = await Task.Run(Console.In.ReadLine, CancellationToken.None).WaitAsync(cancellationToken);
        return answer?.Trim() is "y" or "Y" or "yes";
    }

    /// <summary>What is to be done, and with which targets.</summary>
    private sealed record Work(SelectedTargets Selected, Func<ImmutableArray<RomImage>, FlashResult<ImmutableArray<FlashRequest>>> Bind)
    {
        public FlashResult<ImmutableArray<FlashRequest>> ToRequests(ImmutableArray<RomImage> images, ImmutableArray<RomImage> backups, bool isDryRun) =>
            Bind(images).TryGetValue(out var requests, out var failure)
                ? requests.Select(r => r with { BackupImages = backups, Policy = r.Policy with { DryRun = isDryRun } }).ToImmutableArray()
                : failure;
    }
}
