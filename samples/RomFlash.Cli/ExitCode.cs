using RomFlash.Sdk.Confirmation;
using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Planning;

namespace RomFlash.Cli;

/// <summary>The exit codes, and which of them an end means. The table for users is docs/exit-codes.md.</summary>
internal static class ExitCode
{
    public const int Success = 0;
    public const int Syntax = 2;
    public const int InvalidParameter = 3;
    public const int Access = 4;
    public const int Connection = 5;
    public const int Compatibility = 6;
    public const int Image = 7;
    public const int StagingOrArming = 8;
    public const int Failed = 9;
    public const int Several = 10;
    public const int Cancelled = 130;

    private static readonly FlashFailureCases<int> Groups = new()
    {
        Request = static f => f is CommandLineSyntax ? Syntax : InvalidParameter,
        Access = static _ => Access,
        Connection = static _ => Connection,
        Compatibility = static _ => Compatibility,
        Image = static _ => Image,
        Staging = static _ => StagingOrArming,
        Arming = static _ => StagingOrArming,
        Flashing = static _ => Failed,
        Operation = static f => f is OperationCancelled ? Cancelled : Failed,
        Other = static _ => Failed,
    };

    /// <summary>What a code means, in a line of a command's help.</summary>
    public static string Meaning(int code) => code switch
    {
        Success => "everything that was asked for holds",
        Syntax => "the command line can't be parsed; the correct form is shown",
        InvalidParameter => "a parameter, or a file that it names, can't be used",
        Access => "access: account, rights, credentials",
        Connection => "connection",
        Compatibility => "not supported, not compatible, not ready, or the catalog can't be used",
        Image => "image",
        StagingOrArming => "staging or arming",
        Failed => "failed, recovery needed, another version than promised, or nobody can tell",
        Several => "several targets, and several of these kinds",
        Cancelled => "cancelled",
        _ => throw new ArgumentOutOfRangeException(nameof(code), code, null),
    };

    /// <summary>The code for one failure. A machine that is not known to be as it was outweighs what went wrong.</summary>
    public static int Of(FlashFailure failure) => failure switch
    {
        OperationCancelled => Cancelled,
        { TargetState: TargetState.Indeterminate or TargetState.Flashing or TargetState.RomChanged or TargetState.RecoveryRequired } => Failed,
        _ => failure.Match(Groups),
    };

    /// <summary>The code for an end that is no failure. A flash that waits for its boot is a success only where nobody asked for more.</summary>
    public static int Of(FlashOutcomeKind outcome, bool isPendingEnough) => outcome switch
    {
        FlashOutcomeKind.Upgraded or FlashOutcomeKind.AlreadyCurrent or FlashOutcomeKind.WouldUpgrade => Success,
        FlashOutcomeKind.Pending when isPendingEnough => Success,
        _ => Failed,
    };

    /// <summary>The code for a plan: why its targets are refused. A plan holds codes and no failures any more.</summary>
    public static int Of(FlashPlan plan) => Combine(plan.Targets.Where(t => t.Standing == PlannedStanding.Refused).Select(t => OfCode(t.Blockers.FirstOrDefault()?.Code)));

    /// <summary>The code of a run over several targets: the one kind of failure, or <see cref="Several"/>. A cancellation outweighs all.</summary>
    public static int Combine(IEnumerable<int> codes)
    {
        var kinds = codes.Where(c => c != Success).Distinct().ToArray();
        return kinds switch
        {
            [] => Success,
            [var only] => only,
            _ => kinds.Contains(Cancelled) ? Cancelled : Several,
        };
    }

    // The first digit is the group: docs/failures.
    private static int OfCode(string? code) => code switch
    {
        ['R', 'F', '1', ..] => InvalidParameter,
        ['R', 'F', '2', ..] => Connection,
        ['R', 'F', '3', ..] => Access,
        ['R', 'F', '4', ..] => Compatibility,
        ['R', 'F', '5', ..] => Image,
        ['R', 'F', '6' or '7', ..] => StagingOrArming,
        _ => Failed,
    };
}
