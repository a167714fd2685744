using System.Collections.Immutable;
using System.CommandLine;
using System.Globalization;
using RomFlash.Cli.CommandLine;
using RomFlash.Cli.Hosting;
using RomFlash.Cli.Rendering;
using RomFlash.Cli.Rendering.Live;
using RomFlash.Sdk;
using RomFlash.Sdk.Compatibility;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Journal;
using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Pipeline;
using RomFlash.Sdk.Targets;

namespace RomFlash.Cli.Commands;

/// <summary><c>romflash flash</c>: upgrades targets.</summary>
internal sealed class FlashCommand : CliCommand
{
    private readonly Option<string[]> _images = SharedOptions.Images();
    private readonly CatalogOptions _catalog = new();
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
        Add(_images);
        _targets.AddTo(this);
        _policy.AddTo(this);
        foreach (var option in (Option[])[.. _catalog.All, _dryRun, _yes, _concurrency, _journal, _json])
        {
            Add(option);
        }
    }

    public override string Synopsis =>
        $"romflash flash --image FILE [--image FILE] {CatalogOptions.Synopsis} {TargetOptions.Synopsis} [--dry-run] [--yes] [--concurrency N] {PolicyOptions.Synopsis} [--journal FILE] [--json]";

    public override CommandHelp Help => new()
    {
        Groups =
        [
            new("What", [_images]),
            new("What decides", [.. _catalog.All]),
            new("Targets", _targets.All),
            new("What is allowed, and when", [_dryRun, _yes, .. _policy.Permissions]),
            new("Restart", _policy.Restart),
        ],
        Examples =
        [
            new("romflash flash --image rom.cap --catalog catalog.json --trust signer.pem --target dir:/mnt/esp --dry-run", "would it work? writes nothing"),
            new("romflash flash --image rom.cap --catalog catalog.json --trust signer.pem --targets rack.json --group rack7 --window 01:00Z/04:00Z", "a group, in the next night"),
            new("romflash flash --image rom.cap --catalog catalog.json --allow-unsigned-catalog --target dir:/mnt/esp --no-reboot --yes", "arms, and leaves the restart to an operator"),
        ],
        ExitCodes = [ExitCode.Success, ExitCode.Access, ExitCode.Connection, ExitCode.Compatibility, ExitCode.Image, ExitCode.StagingOrArming, ExitCode.Failed, ExitCode.Several],
    };

    protected override async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        var now = TimeProvider.System.GetUtcNow();
        if (!Values.TryNumber("--concurrency", parsed.GetValue(_concurrency), 1, SharedOptions.MostAtOnce, RomFlashClient.DefaultConcurrency, out var concurrency, out var failure)
            || !_policy.Read(parsed, now).TryGetValue(out var policy, out failure)
            || !(await _targets.ReadAsync(parsed, Terminal, cancellationToken)).TryGetValue(out var selected, out failure))
        {
            return Fail(failure);
        }

        policy = policy with { DryRun = parsed.GetValue(_dryRun) };
        var targets = selected.Targets;
        var isJson = parsed.GetValue(_json);
        var writer = new ResultWriter(Terminal, isJson);
        if (!(await ValidateAsync(parsed.GetRequiredValue(_images), cancellationToken)).TryGetValue(out var images, out failure)
            || !(await _catalog.LoadAsync(parsed, Terminal, remember: !policy.DryRun, cancellationToken)).TryGetValue(out var catalog, out failure))
        {
            return RefuseAll(targets, failure, writer);
        }

        if (!policy.DryRun && !parsed.GetValue(_yes) && !await IsAgreedAsync(targets, cancellationToken))
        {
            Terminal.Error.WriteLine("romflash: not agreed to; no target was contacted");
            return ExitCode.Cancelled;
        }

        if (policy.DryRun && !JournalFile.Exists(parsed.GetValue(_journal)))
        {
            // A dry run leaves nothing behind, not even an empty journal.
            return await FlashAsync(ClientFactory.Create(new InMemoryFlashJournal(), selected.Credentials, catalog), targets, images, policy, concurrency, writer, isJson, cancellationToken);
        }

        if (!(await JournalFile.OpenAsync(parsed.GetValue(_journal), cancellationToken)).TryGetValue(out var journal, out failure))
        {
            return RefuseAll(targets, failure, writer);
        }

        await using (journal)
        {
            foreach (var note in journal.Notes)
            {
                Terminal.Error.WriteLine($"romflash: journal: {UntrustedText.ForTerminal(note)}");
            }

            return await FlashAsync(ClientFactory.Create(journal, selected.Credentials, catalog), targets, images, policy, concurrency, writer, isJson, cancellationToken);
        }
    }

    private static async Task<FlashResult<ImmutableArray<RomImage>>> ValidateAsync(string[] files, CancellationToken cancellationToken)
    {
        var images = ImmutableArray.CreateBuilder<RomImage>(files.Length);
        foreach (var file in files)
        {
            if (!(await ClientFactory.Validator.ValidateAsync(new FileImageSource(file), cancellationToken)).TryGetValue(out var image, out var failure))
            {
                return failure;
            }

            images.Add(image);
        }

        return images.MoveToImmutable();
    }

    private async Task<int> FlashAsync(
        RomFlashClient client,
        ImmutableArray<FlashTarget> targets,
        ImmutableArray<RomImage> images,
        FlashPolicy policy,
        int concurrency,
        ResultWriter writer,
        bool isJson,
        CancellationToken cancellationToken)
    {
        var codes = new List<int>(targets.Length);
        var remaining = targets.ToList();
        using var view = RunView.Start(Terminal, isJson, "romflash flash", targets.Length, TimeProvider.System);
        var phases = new FlashPhases(view, targets.Length);
        Terminal.Stopping.Set(() => (phases.OnStop(), phases.OnAbandon()));
        SayWhenTheWindowOpens(policy);
        var left = new List<TargetResult>();
        try
        {
            await foreach (var report in client.FlashManyAsync(targets.Select(t => new FlashRequest(t, images, policy)).ToArray(), concurrency, phases, cancellationToken))
            {
                remaining.Remove(report.Target);
                phases.Ended(report.Target.Id);
                var result = TargetResult.Of(report);
                view.Ended(result);
                writer.Write(result, report.Result.TryGetValue(out _, out var failure) ? null : failure);
                codes.Add(failure is null ? ExitCode.Of(report.Outcome, IsPendingEnough(report, policy)) : ExitCode.Of(failure));
                left.Add(result);
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // Those in work have ended and were written above; nothing was written to these.
            foreach (var target in remaining)
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

    private void SayWhenTheWindowOpens(FlashPolicy policy)
    {
        if (!policy.DryRun && policy.Window.UntilOpen(TimeProvider.System.GetUtcNow()) > TimeSpan.Zero)
        {
            Terminal.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"romflash: the window opens at {policy.Window.Opens:yyyy-MM-dd'T'HH:mm:ss'Z'}; targets are prepared now, and armed then"));
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

    // Waiting for the boot is what was asked for, or all that can be had.
    private static bool IsPendingEnough(FlashReport report, FlashPolicy policy) =>
        policy.Reboot == RebootMode.LeaveToOperator || report.Probe is { Evidence.CanReboot: false };

    private int RefuseAll(ImmutableArray<FlashTarget> targets, FlashFailure failure, ResultWriter writer)
    {
        foreach (var target in targets)
        {
            writer.Write(TargetResult.Of(target.Id, failure with { TargetState = TargetState.Untouched }), null);
        }

        writer.Finish();
        return Fail(failure);
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
}
