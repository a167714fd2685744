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
    private readonly Option<string[]> _images = SharedOptions.Images();
    private readonly Option<string> _out = new("--out") { Description = "The file to write the plan to; one that is there already is not replaced.", HelpName = "FILE" };
    private readonly Option<bool> _force = new("--force") { Description = "Replaces the file of an older plan." };
    private readonly Option<string> _by = new("--by") { Description = "Who makes the plan; in the plan. Default: the account that runs this program.", HelpName = "NAME" };
    private readonly Option<string> _journal = SharedOptions.Journal();
    private readonly Option<string> _concurrency = SharedOptions.Concurrency();
    private readonly Option<bool> _json = SharedOptions.Json();

    public PlanCommand(Terminal terminal)
        : base(terminal, "plan", "Decides for each target what would be done, and writes it down, to be approved by its hash and carried out as it is.")
    {
        _targets.AddTo(this);
        Add(_images);
        _catalog.AddTo(this);
        _policy.AddTo(this);
        foreach (var option in (Option[])[_out, _force, _by, _journal, _concurrency, _json])
        {
            Add(option);
        }

        Add(new PlanShowCommand(terminal));
        Add(new PlanDiffCommand(terminal));
    }

    public override string Synopsis =>
        $"romflash plan {TargetOptions.Synopsis} --image FILE [--image FILE] {CatalogOptions.Synopsis} {PolicyOptions.Synopsis} [--out FILE [--force]] [--by NAME] [--journal FILE] [--concurrency N] [--json]; romflash plan show FILE [--json]; romflash plan diff OLD NEW [--json]";

    protected override async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        if (!Values.TryConcurrency(parsed.GetValue(_concurrency), out var concurrency, out var failure)
            || !_policy.Read(parsed, TimeProvider.System.GetUtcNow()).TryGetValue(out var policy, out failure)
            || !(await _targets.ReadAsync(parsed, Terminal, cancellationToken)).TryGetValue(out var targets, out failure)
            || !(await ImageFiles.ValidateAsync(parsed.GetRequiredValue(_images), cancellationToken)).TryGetValue(out var images, out failure)
            || !(await _catalog.LoadAsync(parsed, Terminal, cancellationToken)).TryGetValue(out var catalog, out failure)
            || !(await JournalFile.OpenForReadingAsync(parsed.GetValue(_journal), cancellationToken)).TryGetValue(out var journal, out failure))
        {
            return Fail(failure);
        }

        await using (journal as IAsyncDisposable)
        {
            var request = new PlanRequest(targets.Targets, images, policy) { CreatedBy = parsed.GetValue(_by) ?? Environment.UserName };
            var client = ClientFactory.Create(journal, targets.Credentials, catalog);
            if (!(await client.PlanAsync(request, concurrency, cancellationToken)).TryGetValue(out var plan, out failure))
            {
                return Fail(failure);
            }

            if (parsed.GetValue(_out) is { } path && PlanFiles.Write(path, plan, parsed.GetValue(_force)) is { } unwritten)
            {
                return Fail(unwritten);
            }

            PlanFiles.Show(Terminal, plan, parsed.GetValue(_json));
            return ExitCode.Of(plan);
        }
    }
}
