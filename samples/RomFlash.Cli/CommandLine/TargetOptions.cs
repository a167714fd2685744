using System.Collections.Immutable;
using System.CommandLine;
using RomFlash.Cli.Hosting;
using RomFlash.Cli.Rendering;
using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Targets;
using RomFlash.Sdk.Transports.Ssh;

namespace RomFlash.Cli.CommandLine;

/// <summary>The targets that a command works on, and who it is towards them.</summary>
/// <param name="Targets">The targets, those of the file first.</param>
/// <param name="Credentials">Who it is.</param>
/// <param name="Ssh">How those over SSH are reached.</param>
/// <param name="File">The targets file, or null.</param>
internal sealed record SelectedTargets(ImmutableArray<FlashTarget> Targets, ITargetCredentialSource Credentials, SshTransportOptions Ssh, string? File);

/// <summary>The options that name targets, by address or by a targets file, and say where the credentials come from and how targets are reached.</summary>
internal sealed class TargetOptions
{
    private readonly Option<string[]> _addresses = new("--target")
    {
        Description = "Targets, as addresses such as dir:/mnt/esp. One that holds a password is refused, and so is a user name, but in ssh: addresses.",
        HelpName = "URI",
        Arity = ArgumentArity.OneOrMore,
        AllowMultipleArgumentsPerToken = true,
    };

    private readonly Option<string> _file = new("--targets")
    {
        Description = "A file that lists targets (docs/targets-file.md).",
        HelpName = "FILE",
    };

    private readonly Option<string[]> _groups = new("--group")
    {
        Description = "Only these groups of the targets file, and the groups that they include.",
        HelpName = "NAME",
        Arity = ArgumentArity.OneOrMore,
        AllowMultipleArgumentsPerToken = true,
    };

    private readonly Option<string> _user = new("--user")
    {
        Description = "The account, for every endpoint that refers to no credentials of its own. Default: the account that runs this program.",
        HelpName = "NAME",
    };

    private readonly Option<string> _passwordFile = new("--password-file")
    {
        Description = "A file that holds the password, and that nobody else can read (chmod 600).",
        HelpName = "FILE",
    };

    private readonly Option<string> _passwordVariable = new("--password-env")
    {
        Description = "The environment variable that holds the password.",
        HelpName = "NAME",
    };

    private readonly Option<bool> _ask = new("--ask-password") { Description = "Asks for the password at the terminal." };

    private readonly SshOptions _ssh = new();

    /// <summary>Those that say which, and who, in the order of the help.</summary>
    private ImmutableArray<Option> Which => [_addresses, _file, _groups, _user, _passwordFile, _passwordVariable, _ask];

    /// <summary>All of them, in the order of the help.</summary>
    public ImmutableArray<OptionGroup> Groups => [new("Targets", Which), new("Targets over SSH (docs/linux-targets.md)", _ssh.All)];

    /// <summary>What the correct form says about them.</summary>
    public const string Synopsis = "(--target URI [URI...] | --targets FILE [--group NAME...]) [--user NAME (--password-file FILE | --password-env NAME | --ask-password)] " + SshOptions.Synopsis;

    /// <summary>Adds them to a command.</summary>
    /// <param name="command">The command.</param>
    /// <param name="instead">An option that names targets in another way, or null; with it, the targets file only declares credentials.</param>
    public void AddTo(Command command, Option? instead = null)
    {
        Values.WithoutOptions(_addresses);
        Values.WithoutOptions(_groups);
        foreach (var option in Which.AddRange(_ssh.All))
        {
            command.Add(option);
        }

        command.Validators.Add(r =>
        {
            if (instead is not null && r.GetResult(instead) is not null)
            {
                foreach (var option in ((Option[])[_addresses, _groups]).Where(o => r.GetResult(o) is not null))
                {
                    r.AddError($"Option '{option.Name}' can't be given with '{instead.Name}', which names the targets.");
                }
            }
            else if (r.GetResult(_addresses) is null && r.GetResult(_file) is null)
            {
                r.AddError($"Option '--target' or '--targets'{(instead is null ? string.Empty : $" or '{instead.Name}'")} is required.");
            }

            if (r.GetResult(_groups) is not null && r.GetResult(_file) is null)
            {
                r.AddError("Option '--group' needs '--targets'.");
            }

            var sources = ((Option[])[_passwordFile, _passwordVariable, _ask]).Count(o => r.GetResult(o) is { Implicit: false });
            if (sources > 1)
            {
                r.AddError("Only one of '--password-file', '--password-env' and '--ask-password' can be given.");
            }

            if (sources == 1 != r.GetResult(_user) is not null)
            {
                r.AddError("Option '--user' and one of '--password-file', '--password-env' and '--ask-password' go together.");
            }
        });
    }

    /// <summary>Reads the targets file and the addresses, and gets the secrets that they need. No target is contacted.</summary>
    /// <returns>The targets, those of the file first; or what is wrong.</returns>
    public Task<FlashResult<SelectedTargets>> ReadAsync(ParseResult parsed, Terminal terminal, CancellationToken cancellationToken) =>
        ReadAsync(
            parsed,
            terminal,
            file =>
            {
                ImmutableArray<FlashTarget> listed = [];
                return (file is null || file.Select(parsed.GetValue(_groups) ?? []).TryGetValue(out listed, out var failure))
                    && Values.Targets(parsed.GetValue(_addresses) ?? []).TryGetValue(out var named, out failure)
                    ? listed.AddRange(named)
                    : failure;
            },
            cancellationToken);

    /// <summary>Gets the secrets that targets need that were named in another way; the targets file declares them, and its targets don't matter.</summary>
    /// <returns>The same targets; or what is wrong.</returns>
    public Task<FlashResult<SelectedTargets>> ReadFor(ImmutableArray<FlashTarget> targets, ParseResult parsed, Terminal terminal, CancellationToken cancellationToken) =>
        ReadAsync(parsed, terminal, _ => targets, cancellationToken);

    private async Task<FlashResult<SelectedTargets>> ReadAsync(
        ParseResult parsed,
        Terminal terminal,
        Func<TargetsFile?, FlashResult<ImmutableArray<FlashTarget>>> select,
        CancellationToken cancellationToken)
    {
        if (!_ssh.Read(parsed).TryGetValue(out var ssh, out var failure))
        {
            return failure;
        }

        TargetsFile? file = null;
        var path = parsed.GetValue(_file);
        if (path is not null && !(await TargetsFile.LoadAsync(path, ClientFactory.Schemes, cancellationToken)).TryGetValue(out file, out failure))
        {
            return failure;
        }

        if (!select(file).TryGetValue(out var targets, out failure))
        {
            return failure;
        }

        var secrets = new Secrets(terminal);
        if (file is not null && !(await secrets.DeclareAsync(file.Credentials, targets, Path.GetDirectoryName(Path.GetFullPath(path!))!, cancellationToken)).TryGetValue(out _, out failure))
        {
            return failure;
        }

        if (parsed.GetValue(_user) is { } user && !(await secrets.DeclareDefaultAsync(Declare(parsed, user), cancellationToken)).TryGetValue(out _, out failure))
        {
            return failure;
        }

        return new SelectedTargets(targets, secrets, ssh, path);
    }

    private CredentialDeclaration Declare(ParseResult parsed, string user) =>
        parsed.GetValue(_passwordFile) is { } path ? new(CredentialOrigin.File, user, path)
        : parsed.GetValue(_passwordVariable) is { } variable ? new(CredentialOrigin.Environment, user, variable)
        : new(CredentialOrigin.Prompt, user, string.Empty);
}
