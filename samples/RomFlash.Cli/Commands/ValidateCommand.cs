using System.CommandLine;
using RomFlash.Cli.CommandLine;
using RomFlash.Cli.Hosting;
using RomFlash.Cli.Rendering;
using RomFlash.Sdk.Images;

namespace RomFlash.Cli.Commands;

/// <summary><c>romflash validate</c>: says what a file is and whether it is whole. Contacts nobody.</summary>
internal sealed class ValidateCommand : CliCommand
{
    private readonly Option<string> _image = SharedOptions.Image();

    public ValidateCommand(Terminal terminal)
        : base(terminal, "validate")
    {
        Add(_image);
    }

    public override string Synopsis => "romflash validate --image FILE";

    protected override async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        var validated = await ClientFactory.Validator.ValidateAsync(new FileImageSource(parsed.GetRequiredValue(_image)), cancellationToken);
        if (!validated.TryGetValue(out var image, out var failure))
        {
            return Fail(failure);
        }

        foreach (var line in ImageText.Lines(image))
        {
            Terminal.Out.WriteLine(line);
        }

        return ExitCode.Success;
    }
}
