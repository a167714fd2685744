using System.CommandLine;
using RomFlash.Cli.CommandLine;
using RomFlash.Cli.Hosting;
using RomFlash.Cli.Rendering;
using RomFlash.Sdk;
using RomFlash.Sdk.Journal;
using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Planning;

namespace RomFlash.Cli.Commands.Plan;

/// <summary><c>romflash plan</c>: decides for each target what would be done, and writes that down with a hash, to be approved and carried out.</summary>
internal sealed class PlanCommand : CliCommand
{
    private readonly TargetOptions _targets = new();
    private readonly PolicyOptions _policy = new();
    private readonly CatalogOptions _catalog = new();
    private readonly ImageOptions _images = new();
    private readonly Option<string> _out = new(PlanFiles.OutOption) { Description = "The file to write the plan to; one that is there already is not replaced.", HelpName = "FILE" };
    private readonly Option<bool> _force = new("--force") { Description = "Replaces the file of an older plan." };
    private readonly Option<string> _by = new("--by") { Description = "Who makes the plan; in the plan. Default: the account that runs this program.", HelpName = "NAME" };
    private readonly Option<string> _journal = SharedOptions.Journal();
    private readonly Option<string> _concurrency = SharedOptions.Concurrency();
    private readonly Option<bool> _json = SharedOptions.Json();

    public PlanCommand(Terminal terminal)
        : base(terminal, "plan")
    {
        _targets.AddTo(this);
        _policy.AddTo(this);
        foreach (var option in (Option[])[.. _images.AllWithBackups, .. _catalog.All, _out, _force, _by, _journal, _concurrency, _json])
        {
            Add(option);
        }

        Add(new PlanShowCommand(terminal));
        Add(new PlanDiffCommand(terminal));
    }

    public override string Synopsis =>
        $"romflash plan {TargetOptions.Synopsis} {ImageOptions.Synopsis} {ImageOptions.BackupSynopsis} {CatalogOptions.Synopsis} {PolicyOptions.Synopsis} [--out FILE [--force]] [--by NAME] [--journal FILE] [--concurrency N] [--json]; romflash plan show FILE [--json]; romflash plan diff OLD NEW [--json]";

    public override CommandHelp Help => new()
    {
        Groups =
        [
            .. _targets.Groups,
            new("What decides", [.. _images.AllWithBackups, .. _catalog.All]),
            new("What is allowed", _policy.Permissions),
            new("Restart", _policy.Restart),
        ],
        Examples =
        [
            new("romflash plan --targets rack.json --image rom.cap --catalog catalog.json --trust signer.pem --out plan.json", "decides, shows, writes"),
            new("romflash plan show plan.json", "shows a plan again, and its hash"),
            new("romflash plan diff yesterday.json plan.json", "tells what has changed since"),
            new("romflash flash --plan plan.json --plan-hash HASH --image rom.cap --catalog catalog.json --trust signer.pem", "carries it out"),
        ],
        ExitCodes = [ExitCode.Success, ExitCode.Access, ExitCode.Connection, ExitCode.Compatibility, ExitCode.Image, ExitCode.StagingOrArming, ExitCode.Failed, ExitCode.Several],
    };

    protected override async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        if (!Values.TryNumber("--concurrency", parsed.GetValue(_concurrency), 1, SharedOptions.MostAtOnce, RomFlashClient.DefaultConcurrency, out var concurrency, out var failure)
            || (parsed.GetValue(_out) is { } planned && !OutputFile.MayWrite(PlanFiles.OutOption, planned, parsed.GetValue(_force), out failure))
            || !_policy.Read(parsed, TimeProvider.System.GetUtcNow()).TryGetValue(out var policy, out failure)
            || !(await _targets.ReadAsync(parsed, Terminal, cancellationToken)).TryGetValue(out var targets, out failure)
            || !(await _images.ValidateAsync(parsed, cancellationToken)).TryGetValue(out var images, out failure)
            || !(await _images.ValidateBackupsAsync(parsed, cancellationToken)).TryGetValue(out var backups, out failure)
            || !(await _catalog.LoadAsync(parsed, Terminal, remember: true, cancellationToken)).TryGetValue(out var catalog, out failure)
            || !(await OpenJournalAsync(parsed.GetValue(_journal), cancellationToken)).TryGetValue(out var journal, out failure))
        {
            return Fail(failure);
        }

        await using (journal as IAsyncDisposable)
        {
            var request = new PlanRequest(targets.Targets, images, policy) { CreatedBy = parsed.GetValue(_by) ?? Environment.UserName, BackupImages = backups };
            var client = ClientFactory.Create(journal, targets, catalog);
            if (!(await client.PlanAsync(request, concurrency, cancellationToken)).TryGetValue(out var plan, out failure))
            {
                return Fail(failure);
            }

            if (parsed.GetValue(_out) is { } file && PlanFiles.Write(file, plan, parsed.GetValue(_force)) is { } unwritten)
            {
                return Fail(unwritten);
            }

            PlanFiles.Show(Terminal, plan, parsed.GetValue(_json));
            return ExitCode.Of(plan);
        }
    }

    // An operation that is open speaks against a target; a journal that is not there knows of none, and planning makes none.
    private static async Task<FlashResult<IFlashJournal>> OpenJournalAsync(string? path, CancellationToken cancellationToken) =>
        !JournalFile.Exists(path) ? new InMemoryFlashJournal()
        : (await JournalFile.OpenAsync(path, cancellationToken)).TryGetValue(out var journal, out var failure) ? journal
        : failure;
}
