using System.CommandLine;
using System.Globalization;
using RomFlash.Cli.CommandLine;
using RomFlash.Cli.Hosting;
using RomFlash.Cli.Rendering;
using RomFlash.Sdk.Compatibility;
using RomFlash.Sdk.Compatibility.Import;
using RomFlash.Sdk.Outcomes;

namespace RomFlash.Cli.Commands.Catalog;

/// <summary><c>romflash catalog import</c>: makes a catalog of LVFS metadata, and lists what could not be carried over.</summary>
internal sealed class CatalogImportCommand : CliCommand
{
    private readonly Option<string> _from = new("--from") { Description = "The LVFS metadata: firmware.xml, plain, gzip, or xz where the program xz is installed.", HelpName = "FILE", Required = true };
    private readonly Option<string> _to = new("--to") { Description = "The catalog to write; one that is there already is not replaced.", HelpName = "FILE", Required = true };
    private readonly Option<string> _name = new("--name") { Description = "The catalog's name. Default: lvfs.", HelpName = "NAME" };
    private readonly Option<string> _serial = new("--serial") { Description = "The catalog's serial; it has to grow with every edition.", HelpName = "N" };
    private readonly Option<string> _expires = new("--expires") { Description = "Until when the catalog is vouched for, such as 2027-01-31T00:00:00Z.", HelpName = "TIME" };
    private readonly Option<string> _manufacturer = new("--manufacturer") { Description = "Firmware that LVFS restricts to no hardware is for systems of this manufacturer (a pattern). Without it, such firmware is left out. Needs --product.", HelpName = "PATTERN" };
    private readonly Option<string> _product = new("--product") { Description = "The product of these systems (a pattern).", HelpName = "PATTERN" };
    private readonly Option<bool> _force = new("--force") { Description = "Replaces the catalog that is there." };
    private readonly Option<bool> _json = SharedOptions.Json();

    public CatalogImportCommand(Terminal terminal)
        : base(terminal, "import", "Makes a catalog of LVFS metadata, and lists what could not be carried over. Nothing is guessed. Contacts nobody.")
    {
        foreach (var option in (Option[])[_from, _to, _name, _serial, _expires, _manufacturer, _product, _force, _json])
        {
            Add(option);
        }

        Validators.Add(r =>
        {
            if ((r.GetResult(_manufacturer) is null) != (r.GetResult(_product) is null))
            {
                r.AddError("Option '--manufacturer' needs '--product', and the other way round.");
            }
        });
    }

    public override string Synopsis => "romflash catalog import --from FILE --to FILE [--name NAME] [--serial N] [--expires TIME] [--manufacturer PATTERN --product PATTERN] [--force] [--json]";

    public override CommandHelp Help => new()
    {
        Examples =
        [
            new("romflash catalog import --from firmware.xml.gz --to lvfs.json --serial 12 --expires 2027-01-31T00:00:00Z", "firmware that LVFS restricts to hardware ids"),
            new("romflash catalog import --from firmware.xml.xz --to rack7.json --manufacturer Maker --product 'Server 380*'", "and all the other firmware, for these systems"),
        ],
        ExitCodes = [ExitCode.Success, ExitCode.Compatibility],
    };

    protected override async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        var to = parsed.GetRequiredValue(_to);
        var force = parsed.GetValue(_force);
        if (!ReadOptions(parsed).TryGetValue(out var options, out var failure)
            || !OutputFile.MayWrite("--to", to, force, out failure)
            || !(await LvfsMetadataFile.ImportAsync(parsed.GetRequiredValue(_from), options, cancellationToken)).TryGetValue(out var import, out failure)
            || !OutputFile.TryWrite("--to", to, import.Document.ToJson(), force, out failure))
        {
            return Fail(failure);
        }

        var result = CatalogImportResult.Of(parsed.GetRequiredValue(_from), to, import);
        if (parsed.GetValue(_json))
        {
            Terminal.Out.WriteLine(RomFlashJson.Line(result));
        }
        else
        {
            Terminal.Out.WriteLine(string.Join(Environment.NewLine, CatalogText.Lines(result)));
        }

        return ExitCode.Success;
    }

    private FlashResult<LvfsImportOptions> ReadOptions(ParseResult parsed)
    {
        long? serial = null;
        if (parsed.GetValue(_serial) is { } number)
        {
            if (!long.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out var value))
            {
                return new InvalidParameter { Parameter = "--serial", Detail = "--serial is a whole number from 0" };
            }

            serial = value;
        }

        DateTimeOffset? expires = null;
        if (parsed.GetValue(_expires) is { } time)
        {
            if (!DateTimeOffset.TryParseExact(time, "yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out var value))
            {
                return new InvalidParameter { Parameter = "--expires", Detail = "--expires is a time such as 2027-01-31T00:00:00Z" };
            }

            expires = value;
        }

        return new LvfsImportOptions
        {
            Name = parsed.GetValue(_name) ?? "lvfs",
            Serial = serial,
            Expires = expires,
            Unrestricted = parsed.GetValue(_manufacturer) is { } manufacturer ? new CatalogSystem { Manufacturer = manufacturer, Product = parsed.GetValue(_product) } : null,
        };
    }
}
