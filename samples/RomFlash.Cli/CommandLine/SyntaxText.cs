using System.CommandLine;
using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace RomFlash.Cli.CommandLine;

/// <summary>
/// Says what is wrong with a command line, where, and what the correct form is. An argument may be a password, or an address with one: none is repeated,
/// except the names of our own commands and options, and what is all but one of them.
/// </summary>
internal static partial class SyntaxText
{
    private const int MostMarked = 12;

    public static string Describe(ParseResult parsed, string[] args, string form)
    {
        var names = Names(parsed).ToHashSet(StringComparer.Ordinal);
        var unknown = Unknown(parsed, args);
        var problems = new List<string>();
        if (FindPassword(args, names) is >= 0 and var password)
        {
            problems.Add($"Argument {Number(password)}: no password is given on the command line, where other users and the shell's history see it; use --user NAME with --password-file FILE, --password-env NAME or --ask-password, and change the password that was given.");
            unknown = [password];
        }
        else if (FindAddressWithPassword(parsed, args) is >= 0 and var address)
        {
            problems.Add($"Argument {Number(address)}: it holds a user name or a password, which other users and the shell's history see (not repeated here); use --user NAME with --password-file FILE, --password-env NAME or --ask-password, and change the password that was given.");
            unknown = [address];
        }
        else
        {
            problems.AddRange(unknown.Select(i => Unrecognized(args[i], i, names)));
        }

        // What the parser says of known names is fine; what quotes anything else was said above, or is not to be said.
        problems.AddRange(parsed.Errors.Select(e => e.Message).Distinct().Where(m => Quoted().Matches(m).All(q => names.Contains(q.Groups[1].Value))));
        if (problems.Count == 0)
        {
            problems.Add("An argument can't be used (not repeated: it may hold credentials).");
        }

        return $"{string.Join(" ", problems)}{Marked(args, unknown, names)} Correct form: {form}";
    }

    /// <summary>
    /// Whether an argument looks like a password option that no command has, which an option that takes several values would take for one of them, or
    /// is an address with a password: given where a file belongs, it would be repeated as the name of a file that is not there.
    /// </summary>
    public static bool HasPassword(ParseResult parsed, string[] args) =>
        FindPassword(args, Names(parsed).ToHashSet(StringComparer.Ordinal)) >= 0 || FindAddressWithPassword(parsed, args) >= 0;

    // What a target's address holds is refused, and not repeated, where addresses are read: it is an invalid parameter.
    private static int FindAddressWithPassword(ParseResult parsed, string[] args)
    {
        var targets = parsed.CommandResult.Command.Options.FirstOrDefault(o => o.Name == "--target") is { } option && parsed.GetResult(option) is { } given
            ? given.Tokens.Select(t => t.Value).ToArray()
            : [];
        return Array.FindIndex(args, a => AddressWithPassword().IsMatch(a) && !targets.Any(t => a.EndsWith(t, StringComparison.Ordinal)));
    }

    private static int FindPassword(string[] args, HashSet<string> names) => Array.FindIndex(args, a => a.StartsWith('-') && PasswordOption().IsMatch(a) && !names.Contains(NameOf(a)));

    private static List<int> Unknown(ParseResult parsed, string[] args)
    {
        var found = new List<int>();
        foreach (var token in parsed.UnmatchedTokens)
        {
            // An option with '=' is split by the parser.
            var index = Array.FindIndex(args, a => string.Equals(a, token, StringComparison.Ordinal) || a.StartsWith(token + "=", StringComparison.Ordinal));
            if (index >= 0 && !found.Contains(index))
            {
                found.Add(index);
            }
        }

        return found;
    }

    private static string Unrecognized(string argument, int index, HashSet<string> names)
    {
        var near = names.Where(n => Distance(n, NameOf(argument)) <= (n.Length > 4 ? 2 : 1)).OrderBy(n => Distance(n, NameOf(argument))).ThenBy(n => n, StringComparer.Ordinal).FirstOrDefault();
        return near is not null && !argument.Contains('@', StringComparison.Ordinal) ? $"Argument {Number(index)} is not known; did you mean {near}?"
            : argument.StartsWith('-') ? $"Argument {Number(index)} is no option of this command."
            : $"Argument {Number(index)} is not expected here.";
    }

    // Such as: romflash probe >...< --target ...
    private static string Marked(string[] args, List<int> unknown, HashSet<string> names)
    {
        if (unknown.Count == 0 || args.Length > MostMarked)
        {
            return string.Empty;
        }

        var line = new StringBuilder("romflash");
        for (var i = 0; i < args.Length; i++)
        {
            line.Append(' ').Append(unknown.Contains(i) ? ">" : string.Empty).Append(names.Contains(NameOf(args[i])) ? NameOf(args[i]) : "...").Append(unknown.Contains(i) ? "<" : string.Empty);
        }

        return $" Here: {line}.";
    }

    private static IEnumerable<string> Names(ParseResult parsed)
    {
        var command = parsed.CommandResult.Command;
        return parsed.RootCommandResult.Command.Subcommands.Concat(command.Subcommands).Where(c => !c.Hidden).Select(c => c.Name)
            .Concat(command.Options.Where(o => !o.Hidden).Select(o => o.Name))
            .Append(command.Name);
    }

    private static string NameOf(string argument) => argument.StartsWith('-') && argument.IndexOf('=', StringComparison.Ordinal) is > 0 and var end ? argument[..end] : argument;

    private static string Number(int index) => (index + 1).ToString(CultureInfo.InvariantCulture);

    /// <summary>How many characters have to be changed, added or taken away.</summary>
    private static int Distance(string a, string b)
    {
        if (Math.Abs(a.Length - b.Length) > 2)
        {
            return int.MaxValue;
        }

        var row = Enumerable.Range(0, b.Length + 1).ToArray();
        for (var i = 1; i <= a.Length; i++)
        {
            var diagonal = row[0];
            row[0] = i;
            for (var j = 1; j <= b.Length; j++)
            {
                (diagonal, row[j]) = (row[j], Math.Min(Math.Min(row[j], row[j - 1]) + 1, diagonal + (a[i - 1] == b[j - 1] ? 0 : 1)));
            }
        }

        return row[b.Length];
    }

    [GeneratedRegex("^(--?|/)(p|pw|pwd|pass|passw|passwd|password|passphrase|secret|token|credentials?)([=:].*|[-_].*)?$", RegexOptions.IgnoreCase | RegexOptions.Singleline | RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 1000)]
    private static partial Regex PasswordOption();

    // SCHEME:[//]USER:PASSWORD@HOST, as an argument or behind OPTION=. A password may hold slashes; a path of this machine does not begin like that.
    [GeneratedRegex(@"^(-[^=]*=)?[a-z][a-z0-9+.-]*:(//)?[^/@:][^@:]*:[^@]+@|^(-[^=]*=)?[a-z][a-z0-9+.-]*://[^/@]+@", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 1000)]
    private static partial Regex AddressWithPassword();

    // What is quoted may hold quotes itself: then a piece of it is no known name, and the message is not repeated.
    [GeneratedRegex("'([^' ]*)'", RegexOptions.Singleline | RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Quoted();
}
