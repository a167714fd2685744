using System.CommandLine;
using RomFlash.Cli.CommandLine;
using RomFlash.Cli.Rendering;

namespace RomFlash.Cli.Commands;

/// <summary><c>romflash completion</c>: prints what makes a shell complete. The scripts ask <c>romflash completion words</c>, which only knows names.</summary>
internal sealed class CompletionCommand : CliCommand
{
    public const string CommandName = "completion";

    // What a script asks: the begun word behind '=', so that it is never empty, then the words before it.
    private const string Words = "words";

    private static readonly Dictionary<string, string> Scripts = new(StringComparer.Ordinal)
    {
        ["bash"] =
            """
            _romflash() {
                local IFS=$'\n'
                COMPREPLY=($("$1" completion words "=$2" "${COMP_WORDS[@]:1:COMP_CWORD-1}" 2>/dev/null))
            }
            complete -o default -F _romflash romflash
            """,
        ["zsh"] =
            """
            #compdef romflash
            _romflash() {
                local -a found
                found=("${(@f)$("${words[1]}" completion words "=${words[CURRENT]}" "${(@)words[2,CURRENT-1]}" 2>/dev/null)}")
                if [[ -n "${found[1]}" ]]; then compadd -a found; else _files; fi
            }
            compdef _romflash romflash
            """,
        ["fish"] =
            """
            complete -c romflash -a '(romflash completion words "="(commandline -ct) (commandline -opc)[2..-1] 2>/dev/null)'
            """,
        ["powershell"] =
            """
            Register-ArgumentCompleter -Native -CommandName romflash -ScriptBlock {
                param($wordToComplete, $commandAst, $cursorPosition)
                $before = @($commandAst.CommandElements | Select-Object -Skip 1 | Where-Object { $_.Extent.EndOffset -lt $cursorPosition } | ForEach-Object { $_.ToString() })
                & romflash completion words "=$wordToComplete" @before 2>$null | ForEach-Object { [System.Management.Automation.CompletionResult]::new($_) }
            }
            """,
    };

    private readonly Argument<string> _shell = new("shell") { HelpName = "SHELL", Description = "bash, zsh, fish or powershell." };

    public CompletionCommand(Terminal terminal)
        : base(terminal, CommandName)
    {
        _shell.AcceptOnlyFromAmong([.. Scripts.Keys]);
        Add(_shell);
    }

    public static IReadOnlyCollection<string> Shells => Scripts.Keys;

    public override string Synopsis => "romflash completion bash|zsh|fish|powershell";

    public override CommandHelp Help => new()
    {
        Examples =
        [
            new("source <(romflash completion bash)", "in ~/.bashrc"),
            new("romflash completion fish > ~/.config/fish/completions/romflash.fish", "once, for fish"),
        ],
        ExitCodes = [ExitCode.Success],
    };

    /// <summary>Answers a script. Done before anything is parsed: a command line that is being typed is no command line yet.</summary>
    /// <returns>False when no script asks.</returns>
    public static bool TryAnswer(string[] args, TextWriter to)
    {
        if (args is not [CommandName, Words, ['=', .. var current], .. var before])
        {
            return false;
        }

        foreach (var word in CompletionWords.Find(before, current))
        {
            to.WriteLine(word);
        }

        return true;
    }

    protected override Task<int> RunAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        Terminal.Out.WriteLine(Scripts[parsed.GetRequiredValue(_shell)]);
        return Task.FromResult(ExitCode.Success);
    }
}
