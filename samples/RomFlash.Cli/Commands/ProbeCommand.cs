using System.CommandLine;
using RomFlash.Cli.CommandLine;
using RomFlash.Cli.Hosting;
using RomFlash.Cli.Rendering;
using RomFlash.Sdk.Journal;

namespace RomFlash.Cli.Commands;

/// <summary><c>romflash probe</c>: says what targets are and what they can do. Writes nothing.</summary>
internal sealed class ProbeCommand : CliCommand
{
    private const int AtOnce = 32;

    private readonly Option<string[]> _targets = SharedOptions.Targets();

    public ProbeCommand(Terminal terminal)
        : base(terminal, "probe")
    {
        Add(_targets);
    }

    public override string Synopsis => "romflash probe --target URI [URI...]";

    protected override async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        if (!Values.Targets(parsed.GetRequiredValue(_targets)).TryGetValue(out var targets, out var failure))
        {
            return Fail(failure);
        }

        var client = ClientFactory.Create(new InMemoryFlashJournal());
        var codes = new List<int>(targets.Length);
        foreach (var some in targets.Chunk(AtOnce))
        {
            foreach (var probed in await Task.WhenAll(some.Select(t => client.ProbeAsync(t, null, cancellationToken))))
            {
                codes.Add(probed.Match(Show, Fail));
            }
        }

        return ExitCode.Combine(codes);
    }

    private int Show(Sdk.Probing.TargetReport report)
    {
        foreach (var line in ProbeText.Lines(report))
        {
            Terminal.Out.WriteLine(line);
        }

        return ExitCode.Success;
    }
}
