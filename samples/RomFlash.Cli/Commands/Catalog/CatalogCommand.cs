using System.CommandLine;
using RomFlash.Cli.CommandLine;
using RomFlash.Cli.Rendering;

namespace RomFlash.Cli.Commands.Catalog;

/// <summary><c>romflash catalog</c>: what is done with catalogs themselves.</summary>
internal sealed class CatalogCommand : CliCommand
{
    public CatalogCommand(Terminal terminal)
        : base(terminal, "catalog")
    {
        // By itself it does nothing; the parser then asks for what to do.
        Action = null;
        Add(new CatalogCheckCommand(terminal));
        Add(new CatalogImportCommand(terminal));
        Add(new CatalogSignCommand(terminal));
        Add(new CatalogExplainCommand(terminal));
    }

    public override string Synopsis => "romflash catalog check|import|sign|explain [options]; romflash catalog COMMAND --help tells more";

    public override CommandHelp Help => new()
    {
        Examples =
        [
            new("romflash catalog import --from firmware.xml.gz --to catalog.json --name rack7 --serial 12", "makes a catalog of LVFS metadata"),
            new("romflash catalog sign catalog.json --certificate signer.pem --key signer.key", "vouches for it"),
            new("romflash catalog check catalog.json --trust signer.pem", "is it right, and who vouches for it?"),
            new("romflash catalog explain --target dir:/mnt/esp --catalog catalog.json --trust signer.pem --image rom.cap", "why may this ROM go there, or not?"),
        ],
    };

    protected override Task<int> RunAsync(ParseResult parsed, CancellationToken cancellationToken) => Task.FromResult(ExitCode.Syntax);
}
