using System.CommandLine;
using RomFlash.Cli.CommandLine;
using RomFlash.Cli.Rendering;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Outcomes;

namespace RomFlash.Cli.Commands;

/// <summary><c>romflash validate</c>: says what files are and whether they are whole. Contacts nobody.</summary>
internal sealed class ValidateCommand : CliCommand
{
    private static readonly RomInspection Everything = new();

    private readonly ImageOptions _images = new();
    private readonly Option<bool> _tree = new("--tree") { Description = "Shows every part of each file with offset, length and checks, also of a file that is wrong." };
    private readonly Option<bool> _json = SharedOptions.Json();

    public ValidateCommand(Terminal terminal)
        : base(terminal, "validate")
    {
        foreach (var option in (Option[])[.. _images.All, _tree, _json])
        {
            Add(option);
        }
    }

    public override string Synopsis => $"romflash validate {ImageOptions.Synopsis} [--tree] [--json]";

    public override CommandHelp Help => new()
    {
        Examples =
        [
            new("romflash validate --image rom.cap", "what is in this file?"),
            new("romflash validate --image rom.fd --tree", "every volume, file and section, with its checksums"),
            new("romflash validate --image rom.cap --image-trust maker.pem", "and is it by its maker?"),
            new("romflash validate --image a.cap --image b.cap --json", "two files, one JSON object for each"),
        ],
        ExitCodes = [ExitCode.Success, ExitCode.Image],
    };

    protected override async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        if (!(await _images.ReadValidatorAsync(parsed, cancellationToken)).TryGetValue(out var validator, out var failure))
        {
            return Fail(failure);
        }

        var isTree = parsed.GetValue(_tree);
        var isJson = parsed.GetValue(_json);
        var codes = new List<int>();
        foreach (var source in _images.Sources(parsed))
        {
            if ((await validator.InspectAsync(source, Everything, cancellationToken)).TryGetValue(out var report, out failure) && !report.IsValid)
            {
                failure = report.Problems[0];
            }

            codes.Add(failure is null ? ExitCode.Success : ExitCode.Of(failure));
            if (isJson)
            {
                Terminal.Out.WriteLine(RomFlashJson.Line(report is null ? ImageResult.Of(source.Path, failure!) : ImageResult.Of(report, isTree)));
            }
            else if (report is not null)
            {
                Terminal.Out.WriteLine(string.Join(Environment.NewLine, ImageText.Lines(report, isTree)));
            }

            if (failure is not null)
            {
                FailureText.Write(Terminal, failure);
            }
        }

        return ExitCode.Combine(codes);
    }
}
