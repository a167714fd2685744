using System.CommandLine;
using System.CommandLine.Parsing;
using System.Text.RegularExpressions;
using RomFlash.Sdk.Outcomes;

namespace RomFlash.Cli.CommandLine;

/// <summary>
/// Refuses, before a command runs, values that may be <c>USER:PASSWORD@HOST</c>, and says which option instead of repeating them. An option is held to
/// have no use for an '@' unless it is known to be a file, an address or a text: so one that is added later repeats nothing either.
/// </summary>
internal static partial class AtSigns
{
    private const string Why = "(not repeated: it may hold credentials)";

    // The account of a domain, the mail address of who decided. Patterns and names are written by people too.
    private static readonly string[] Texts = ["--user", "--who", "--why", "--by", "--reboot-message", "--name", "--manufacturer", "--product", "--group"];

    // Those who read addresses and ids refuse what has credentials, and do not repeat it.
    private static readonly string[] Addresses = ["--target"];

    /// <summary>Looks at all values that were given.</summary>
    /// <returns>What is wrong with the first that can't be used, or null.</returns>
    public static FlashFailure? Find(ParseResult parsed)
    {
        for (SymbolResult? result = parsed.CommandResult; result is not null; result = result.Parent)
        {
            foreach (var child in result is CommandResult command ? command.Children : [])
            {
                var (name, isFile) = child switch
                {
                    OptionResult o => (o.Option.Name, o.Option.HelpName is "FILE" or "CERT"),
                    ArgumentResult a => (a.Argument.Name, a.Argument.Name is "FILE" or "OLD" or "NEW"),
                    _ => (string.Empty, false),
                };
                if (name.Length > 0 && child.Tokens.Select(t => Refuse(name, isFile, t.Value)).FirstOrDefault(why => why is not null) is { } why)
                {
                    return new InvalidParameter { Parameter = name, Detail = $"{name}: {why} {Why}" };
                }
            }
        }

        return null;
    }

    private static string? Refuse(string name, bool isFile, string value) =>
        !value.Contains('@', StringComparison.Ordinal) || Addresses.Contains(name) ? null
        : isFile ? (IsNameOfAFile(value) ? null : "a file that is not there can't have '@' in its name")
        : !Texts.Contains(name) ? "its value has no '@'"
        : UserAndPassword().IsMatch(value) ? "it looks like USER:PASSWORD@HOST"
        : null;

    // What is on the disk under that name is no slip of the pen. Folders may be called after accounts of a domain, and files that are yet to be written lie there.
    private static bool IsNameOfAFile(string value) =>
        Path.Exists(value) || (!Path.GetFileName(value).Contains('@', StringComparison.Ordinal) && Directory.Exists(Path.GetDirectoryName(value)));

    [GeneratedRegex(@"[^\s:@]*:[^\s@]*@", RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 1000)]
    private static partial Regex UserAndPassword();
}
