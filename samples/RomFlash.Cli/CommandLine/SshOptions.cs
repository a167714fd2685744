using System.Collections.Immutable;
using System.CommandLine;
using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Targets;
using RomFlash.Sdk.Transports.Ssh;

namespace RomFlash.Cli.CommandLine;

/// <summary>The options that say how targets with <c>ssh:</c> addresses are reached. The same for every command that reaches targets.</summary>
internal sealed class SshOptions
{
    /// <summary>What the correct form says about them.</summary>
    public const string Synopsis = "[--ssh-config FILE] [--ssh-root FOLDER] [--ssh-shutdown PROGRAM] [--ssh-password]";

    private const string Scheme = "ssh";
    private const string ConfigurationName = "--ssh-config";
    private const string RootName = "--ssh-root";
    private const string ShutdownName = "--ssh-shutdown";
    private const string PasswordName = "--ssh-password";

    private static readonly SshTransportOptions Defaults = new();

    private readonly Option<string> _configuration = new(ConfigurationName) { Description = "The only configuration that ssh reads (ssh_config(5)). Default: the user's and the system's own.", HelpName = "FILE" };
    private readonly Option<string> _root = new(RootName) { Description = "A folder of the targets that stands for their root, such as a chroot's: firmware, system partition and all are looked for under it. Default: the root itself.", HelpName = "FOLDER" };
    private readonly Option<string> _shutdown = new(ShutdownName) { Description = $"What restarts the targets, with the options of shutdown(8): a name, or a path there. Default: {Defaults.ShutdownProgram}.", HelpName = "PROGRAM" };
    private readonly Option<bool> _password = new(PasswordName) { Description = "Gives ssh the password of the credentials. Without it, keys alone log on, and a password is refused." };

    /// <summary>All of them, in the order of the help.</summary>
    public ImmutableArray<Option> All => [_configuration, _root, _shutdown, _password];

    /// <summary>Reads them.</summary>
    /// <returns>How targets are reached; or the first value that can't be used.</returns>
    public FlashResult<SshTransportOptions> Read(ParseResult parsed)
    {
        var (configuration, root, shutdown) = (parsed.GetValue(_configuration), parsed.GetValue(_root), parsed.GetValue(_shutdown));
        if (configuration is not null && !File.Exists(configuration))
        {
            return new InvalidParameter { Parameter = ConfigurationName, Detail = $"{ConfigurationName} names a file that is there, and '{configuration}' is none" };
        }

        if (root is not null && !IsFolder(root))
        {
            return new InvalidParameter { Parameter = RootName, Detail = $"{RootName} is an absolute path on the targets, without . and .. and control characters, not '{root}'" };
        }

        if (shutdown is not null && !IsProgram(shutdown))
        {
            return new InvalidParameter { Parameter = ShutdownName, Detail = $"{ShutdownName} is the name of a program or the path of one, without arguments and control characters, not '{shutdown}'" };
        }

        return new SshTransportOptions
        {
            // ssh takes 'none' for no file at all.
            ConfigurationFile = configuration is null ? null : Path.GetFullPath(configuration),
            FactRoot = root ?? Defaults.FactRoot,
            ShutdownProgram = shutdown ?? Defaults.ShutdownProgram,
            AllowPasswords = parsed.GetValue(_password),
        };
    }

    /// <summary>What a command line has to say so that a target is reached in the same way; nothing where it is not reached over SSH.</summary>
    public static IEnumerable<string> Words(SshTransportOptions options, FlashTarget target)
    {
        if (!target.Endpoints.Any(e => e.Scheme == Scheme))
        {
            yield break;
        }

        if (options.ConfigurationFile is { } configuration)
        {
            yield return ConfigurationName;
            yield return configuration;
        }

        if (options.FactRoot != Defaults.FactRoot)
        {
            yield return RootName;
            yield return options.FactRoot;
        }

        if (options.ShutdownProgram != Defaults.ShutdownProgram)
        {
            yield return ShutdownName;
            yield return options.ShutdownProgram;
        }

        if (options.AllowPasswords)
        {
            yield return PasswordName;
        }
    }

    private static bool IsFolder(string value) => value is ['/', ..] && !value.Any(char.IsControl) && !value.Split('/').Any(p => p is "." or "..");

    // It is run as it stands: what looks like a program with its options would be the name of a program that is not there.
    private static bool IsProgram(string value) => value is not ['-', ..] && !value.Any(c => char.IsControl(c) || char.IsWhiteSpace(c));
}
