using System.CommandLine;
using RomFlash.Cli.CommandLine;
using RomFlash.Cli.Hosting;
using RomFlash.Cli.Rendering;
using RomFlash.Sdk.Images;

namespace RomFlash.Cli.Commands;

/// <summary><c>romflash validate</c>: says what files are and whether they are whole. Contacts nobody.</summary>
internal sealed class ValidateCommand : CliCommand
{
    private readonly Option<string[]> _images = SharedOptions.Images();
    private readonly Option<bool> _json = SharedOptions.Json();

    public ValidateCommand(Terminal terminal)
        : base(terminal, "validate")
    {
        Add(_images);
        Add(_json);
    }

    public override string Synopsis => "romflash validate --image FILE [--image FILE] [--json]";

    public override CommandHelp Help => new()
    {
        Examples =
        [
            new("romflash validate --image rom.cap", "what is in this file?"),
            new("romflash validate --image a.cap --image b.cap --json", "two files, one JSON object for each"),
        ],
        ExitCodes = [ExitCode.Success, ExitCode.Image],
    };

    protected override async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        var isJson = parsed.GetValue(_json);
        var codes = new List<int>();
        foreach (var file in parsed.GetRequiredValue(_images))
        {
            var validated = await ClientFactory.Validator.ValidateAsync(new FileImageSource(file), cancellationToken);
            var isValid = validated.TryGetValue(out var image, out var failure);
            codes.Add(isValid ? ExitCode.Success : ExitCode.Of(failure!));
            if (isJson)
            {
                Terminal.Out.WriteLine(RomFlashJson.Line(isValid ? ImageResult.Of(image!) : ImageResult.Of(file, failure!)));
            }
            else if (isValid)
            {
                Terminal.Out.WriteLine(string.Join(Environment.NewLine, ImageText.Lines(image!)));
            }

            if (failure is not null)
            {
                FailureText.Write(Terminal, failure);
            }
        }

        return ExitCode.Combine(codes);
    }
}
