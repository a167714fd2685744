using System.Collections.Immutable;
using System.CommandLine;
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
    private const int MostAtOnce = 1024;

    private readonly Option<string[]> _images = SharedOptions.Images();
    private readonly CatalogOptions _catalog = new();
    private readonly Option<string[]> _targets = SharedOptions.Targets();
    private readonly Option<string> _journal = SharedOptions.Journal();
    private readonly Option<bool> _dryRun = new("--dry-run") { Description = "Does everything but write." };
    private readonly Option<bool> _reflash = new("--reflash") { Description = "Flashes also where the version is installed already, or the installed version is unknown." };
    private readonly Option<bool> _allowDowngrade = new("--allow-downgrade") { Description = "Allows a ROM that is older than the installed one." };
    private readonly Option<string[]> _waive = new("--waive") { Description = "Sets a blocker aside by its name, where that is allowed; give it again for each. Needs --who and --why.", HelpName = "NAME", Arity = ArgumentArity.OneOrMore };
    private readonly Option<string> _who = new("--who") { Description = "Who decided to waive; kept in the journal.", HelpName = "NAME" };
    private readonly Option<string> _why = new("--why") { Description = "Why; kept in the journal.", HelpName = "TEXT" };
    private readonly Option<bool> _yes = new("--yes") { Description = "Asks nothing. Without it, somebody at a terminal is asked once; where nobody can be asked, nothing is asked." };
    private readonly Option<bool> _json = SharedOptions.Json();
    private readonly Option<string> _concurrency = new("--concurrency") { Description = $"How many targets at once. Default {RomFlashClient.DefaultConcurrency}.", HelpName = "N" };
    private readonly Option<bool> _noReboot = new("--no-reboot") { Description = "Leaves the restart to an operator: the targets end armed, as Pending, and romflash confirm finds out later." };

    public FlashCommand(Terminal terminal)
        : base(terminal, "flash")
    {
        foreach (var option in (Option[])[_images, .. _catalog.All, _targets, _journal, _dryRun, _reflash, _allowDowngrade, _waive, _who, _why, _yes, _json, _concurrency, _noReboot])
        {
            Add(option);
        }

        Validators.Add(r =>
        {
            if (r.GetResult(_waive) is not null && (r.GetResult(_who) is null || r.GetResult(_why) is null))
            {
                r.AddError("Option '--waive' needs '--who' and '--why'.");
            }
        });
    }

    public override string Synopsis =>
        $"romflash flash --image FILE [--image FILE] {CatalogOptions.Synopsis} --target URI [URI...] [--journal FILE] [--dry-run] [--reflash] [--allow-downgrade] [--waive NAME --who NAME --why TEXT] [--yes] [--json] [--concurrency N] [--no-reboot]";

    protected override async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        if (!Values.Targets(parsed.GetRequiredValue(_targets)).TryGetValue(out var targets, out var failure)
            || !Values.TryNumber("--concurrency", parsed.GetValue(_concurrency), 1, MostAtOnce, RomFlashClient.DefaultConcurrency, out var concurrency, out failure)
            || !ReadPolicy(parsed).TryGetValue(out var policy, out failure))
        {
            return Fail(failure);
        }

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
            return await FlashAsync(new InMemoryFlashJournal(), catalog, targets, images, policy, concurrency, writer, isJson, cancellationToken);
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

            return await FlashAsync(journal, catalog, targets, images, policy, concurrency, writer, isJson, cancellationToken);
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
        IFlashJournal journal,
        JsonCompatibilityCatalog catalog,
        ImmutableArray<FlashTarget> targets,
        ImmutableArray<RomImage> images,
        FlashPolicy policy,
        int concurrency,
        ResultWriter writer,
        bool isJson,
        CancellationToken cancellationToken)
    {
        var client = ClientFactory.Create(journal, catalog);
        var codes = new List<int>(targets.Length);
        var remaining = targets.ToList();
        using var view = RunView.Start(Terminal, isJson, "romflash flash", targets.Length, TimeProvider.System);
        try
        {
            await foreach (var report in client.FlashManyAsync(targets.Select(t => new FlashRequest(t, images, policy)).ToArray(), concurrency, view, cancellationToken))
            {
                remaining.Remove(report.Target);
                var result = TargetResult.Of(report);
                view.Ended(result);
                writer.Write(result, report.Result.TryGetValue(out _, out var failure) ? null : failure);
                codes.Add(failure is null ? ExitCode.Of(report.Outcome, IsPendingEnough(report, policy)) : ExitCode.Of(failure));
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // Those in work have ended and were written above; nothing was written to these.
            foreach (var target in remaining)
            {
                var cancelled = new OperationCancelled { TargetId = target.Id, Detail = "cancelled before anything was written to the target" };
                writer.Write(TargetResult.Of(target.Id, cancelled), cancelled);
            }

            codes.Add(ExitCode.Cancelled);
        }

        view.Dispose();
        writer.Finish();
        return ExitCode.Combine(codes);
    }

    // Waiting for the boot is what was asked for, or all that can be had.
    private static bool IsPendingEnough(FlashReport report, FlashPolicy policy) =>
        policy.Reboot == RebootMode.LeaveToOperator || report.Probe is { Evidence.CanReboot: false };

    private FlashResult<FlashPolicy> ReadPolicy(ParseResult parsed)
    {
        var names = parsed.GetValue(_waive) ?? [];
        var (who, why) = (parsed.GetValue(_who), parsed.GetValue(_why));
        if (names.Length > 0 && (string.IsNullOrWhiteSpace(who) || string.IsNullOrWhiteSpace(why)))
        {
            return new InvalidParameter { Parameter = "--who", Detail = "--who and --why say who decided and why; they can't be empty" };
        }

        return FlashPolicy.Default with
        {
            DryRun = parsed.GetValue(_dryRun),
            Reflash = parsed.GetValue(_reflash),
            AllowDowngrade = parsed.GetValue(_allowDowngrade),
            Reboot = parsed.GetValue(_noReboot) ? RebootMode.LeaveToOperator : RebootMode.Request,
            Waivers = [.. names.Distinct(StringComparer.Ordinal).Select(n => new BlockerWaiver(n, who!, why!))],
        };
    }

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
