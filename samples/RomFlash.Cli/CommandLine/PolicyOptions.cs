using System.Collections.Immutable;
using System.CommandLine;
using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Pipeline;
using RomFlash.Sdk.Transports;

namespace RomFlash.Cli.CommandLine;

/// <summary>The options that say what is allowed, when, and how targets restart.</summary>
internal sealed class PolicyOptions
{
    private const int LongestMessage = 512;

    private static readonly (string Name, VerificationMethod Method)[] Methods =
    [
        ("accepted-by-device", VerificationMethod.AcceptedByDevice),
        ("digest-on-target", VerificationMethod.DigestOnTarget),
        ("read-back", VerificationMethod.ReadBack),
    ];

    private readonly Option<string> _window = new("--window") { Description = "When targets may be armed and restarted: FROM/TO, such as 2026-11-24T01:00Z/2026-11-24T04:00Z, or 01:00Z/04:00Z for the next such window. Default: always.", HelpName = "FROM/TO" };
    private readonly Option<bool> _reflash = new("--reflash") { Description = "Flashes also where the version is installed already, or the installed version is unknown." };
    private readonly Option<bool> _allowDowngrade = new("--allow-downgrade") { Description = "Allows a ROM that is older than the installed one." };
    private readonly Option<bool> _allowImmediate = new("--allow-immediate") { Description = "Allows targets that flash as soon as they are told, without a restart that could be put off." };
    private readonly Option<string> _verifyAtLeast = new("--verify-at-least") { Description = "The weakest verification of the staged copy that is accepted: read-back, digest-on-target or accepted-by-device. Default: what is usual for the transport, mostly the strongest that it has.", HelpName = "METHOD" };
    private readonly Option<string[]> _waive = new("--waive") { Description = "Sets a blocker aside by its name, where that is allowed; give it again for each. Needs --who and --why.", HelpName = "NAME", Arity = ArgumentArity.OneOrMore };
    private readonly Option<string> _who = new("--who") { Description = "Who decided to waive; kept in the journal.", HelpName = "NAME" };
    private readonly Option<string> _why = new("--why") { Description = "Why; kept in the journal.", HelpName = "TEXT" };
    private readonly Option<bool> _noReboot = new("--no-reboot") { Description = "Leaves the restart to an operator: the targets end armed, as Pending, and romflash confirm finds out later." };
    private readonly Option<string> _rebootDelay = new("--reboot-delay") { Description = "How long a target waits before it restarts. Default 15s.", HelpName = "DURATION" };
    private readonly Option<string> _rebootMessage = new("--reboot-message") { Description = "Shown to the users of the target before it restarts.", HelpName = "TEXT" };
    private readonly Option<bool> _forceReboot = new("--force-reboot") { Description = "Ends programs that object to the restart." };

    /// <summary>What is allowed and when, in the order of the help.</summary>
    public ImmutableArray<Option> Permissions => [_window, _reflash, _allowDowngrade, _allowImmediate, _verifyAtLeast, _waive, _who, _why];

    /// <summary>How targets restart, in the order of the help.</summary>
    public ImmutableArray<Option> Restart => [_noReboot, _rebootDelay, _rebootMessage, _forceReboot];

    /// <summary>What the correct form says about them.</summary>
    public const string Synopsis =
        "[--window FROM/TO] [--reflash] [--allow-downgrade] [--allow-immediate] [--verify-at-least METHOD] [--waive NAME --who NAME --why TEXT] [--no-reboot | [--reboot-delay DURATION] [--reboot-message TEXT] [--force-reboot]]";

    public void AddTo(Command command)
    {
        foreach (var option in Permissions.AddRange(Restart))
        {
            command.Add(option);
        }

        command.Validators.Add(r =>
        {
            if (r.GetResult(_waive) is not null && (r.GetResult(_who) is null || r.GetResult(_why) is null))
            {
                r.AddError("Option '--waive' needs '--who' and '--why'.");
            }

            if (r.GetResult(_noReboot) is { Implicit: false } && ((Option[])[_rebootDelay, _rebootMessage, _forceReboot]).Any(o => r.GetResult(o) is { Implicit: false }))
            {
                r.AddError("With '--no-reboot' there is no '--reboot-delay', '--reboot-message' or '--force-reboot'.");
            }
        });
    }

    /// <summary>Reads them.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="now">For a window by times of the day.</param>
    /// <returns>The policy, which is no dry run; or the first value that can't be used.</returns>
    public FlashResult<FlashPolicy> Read(ParseResult parsed, DateTimeOffset now)
    {
        var names = parsed.GetValue(_waive) ?? [];
        var (who, why) = (parsed.GetValue(_who), parsed.GetValue(_why));
        if (names.Length > 0 && (string.IsNullOrWhiteSpace(who) || string.IsNullOrWhiteSpace(why)))
        {
            return new InvalidParameter { Parameter = "--who", Detail = "--who and --why say who decided and why; they can't be empty" };
        }

        if (!FlashWindowText.Read(parsed.GetValue(_window), now).TryGetValue(out var window, out var failure)
            || !TryMethod(parsed.GetValue(_verifyAtLeast), out var method, out failure)
            || !Values.TryDuration("--reboot-delay", parsed.GetValue(_rebootDelay), out var delay, out failure))
        {
            return failure;
        }

        if (parsed.GetValue(_rebootMessage) is { } message && (message.Length > LongestMessage || message.Any(char.IsControl)))
        {
            return new InvalidParameter { Parameter = "--reboot-message", Detail = $"--reboot-message is a text of at most {LongestMessage} characters without control characters" };
        }

        return FlashPolicy.Default with
        {
            Window = window,
            Reflash = parsed.GetValue(_reflash),
            AllowDowngrade = parsed.GetValue(_allowDowngrade),
            AllowImmediateFlash = parsed.GetValue(_allowImmediate),
            MinimumVerification = method,
            Waivers = [.. names.Distinct(StringComparer.Ordinal).Select(n => new BlockerWaiver(n, who!, why!))],
            Reboot = parsed.GetValue(_noReboot) ? RebootMode.LeaveToOperator : RebootMode.Request,
            RebootDelay = parsed.GetResult(_rebootDelay) is null ? FlashPolicy.Default.RebootDelay : delay,
            RebootMessage = parsed.GetValue(_rebootMessage) ?? FlashPolicy.Default.RebootMessage,
            ForceReboot = parsed.GetValue(_forceReboot),
        };
    }

    private static bool TryMethod(string? text, out VerificationMethod? method, [System.Diagnostics.CodeAnalysis.NotNullWhen(false)] out FlashFailure? failure)
    {
        failure = null;
        method = null;
        if (text is null)
        {
            return true;
        }

        foreach (var (name, value) in Methods)
        {
            if (string.Equals(name, text, StringComparison.Ordinal))
            {
                method = value;
                return true;
            }
        }

        failure = new InvalidParameter { Parameter = "--verify-at-least", Detail = $"--verify-at-least is one of {string.Join(", ", Methods.Select(m => m.Name))}" };
        return false;
    }
}
