using System.CommandLine;
using RomFlash.Cli.CommandLine;
using RomFlash.Cli.Rendering;
using RomFlash.Sdk.Compatibility;
using RomFlash.Sdk.Compatibility.Trust;

namespace RomFlash.Cli.Commands.Catalog;

/// <summary><c>romflash catalog check</c>: says whether catalogs are right, what they hold and who vouches for them. Contacts nobody and remembers nothing.</summary>
internal sealed class CatalogCheckCommand : CliCommand
{
    private readonly Argument<string[]> _files = new("FILE") { Description = "The catalogs.", Arity = ArgumentArity.OneOrMore };
    private readonly CatalogOptions _trust = new();
    private readonly Option<bool> _json = SharedOptions.Json();

    public CatalogCheckCommand(Terminal terminal)
        : base(terminal, "check", "Says what is wrong with catalogs, all of it at once, what they hold, and who vouches for them. Contacts nobody.")
    {
        Add(_files);
        foreach (var option in (Option[])[.. _trust.Trust, _json])
        {
            Add(option);
        }
    }

    public override string Synopsis => $"romflash catalog check FILE [FILE...] {CatalogOptions.TrustSynopsis} [--json]";

    public override CommandHelp Help => new()
    {
        Groups = [new("Who vouches for it", [.. _trust.Trust])],
        Examples =
        [
            new("romflash catalog check catalog.json --trust signer.pem", "would it be used?"),
            new("romflash catalog check draft.json --allow-unsigned-catalog", "what is wrong with a catalog that is not signed yet?"),
        ],
        ExitCodes = [ExitCode.Success, ExitCode.Compatibility],
    };

    protected override async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        if (!(await _trust.ReadTrustAsync(parsed, remember: false, cancellationToken)).TryGetValue(out var trust, out var failure))
        {
            return Fail(failure);
        }

        var codes = new List<int>();
        foreach (var file in parsed.GetRequiredValue(_files))
        {
            // A layer can be right by itself and still make no catalog that decides.
            var checkedResult = (await CatalogFile.LoadAsync(file, trust, cancellationToken)).TryGetValue(out var layer, out failure)
                && JsonCompatibilityCatalog.TryCreate([layer], TimeProvider.System).TryGetValue(out _, out failure)
                    ? CatalogCheckResult.Of(file, layer)
                    : CatalogCheckResult.Of(file, failure!);
            codes.Add(failure is null ? ExitCode.Success : ExitCode.Of(failure));
            if (parsed.GetValue(_json))
            {
                Terminal.Out.WriteLine(RomFlashJson.Line(checkedResult));
            }
            else if (failure is null)
            {
                Terminal.Out.WriteLine(string.Join(Environment.NewLine, CatalogText.Lines(checkedResult)));
            }

            if (failure is not null)
            {
                FailureText.Write(Terminal, failure);
            }
        }

        return ExitCode.Combine(codes);
    }
}
