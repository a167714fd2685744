using System.Globalization;
using RomFlash.Sdk.Transports.Ssh.Connection;
using RomFlash.Sdk.Transports.SystemPartitions;

namespace RomFlash.Sdk.Transports.Ssh;

/// <summary>Asks shutdown(8) for a restart, and takes that back. It counts in whole minutes: a delay is rounded up.</summary>
internal sealed class SshPower(SshScripts scripts, string program)
{
    /// <summary>The longest delay: what shutdown programs are known to take.</summary>
    public static readonly TimeSpan MaxDelay = TimeSpan.FromDays(30);

    private const int MaxMessage = 500;

    // Printed right before the program is started.
    private const string Begun = "begun\n";

    private static readonly ShellRequest Step = new() { IsPlain = true };

    // What was sent over a connection that froze is carried out when it thaws. The lock is taken first and by itself: whoever takes a request back waits until the shell that may still get it has ended.
    private string LockFile => Run + "/romflash.lock";

    private string Run => scripts.Root + "/run";

    /// <summary>A delay as shutdown counts it.</summary>
    public static TimeSpan DelayOf(TimeSpan asked) => asked <= TimeSpan.Zero ? TimeSpan.Zero : asked > MaxDelay ? asked : TimeSpan.FromMinutes(Math.Ceiling(asked.TotalMinutes));

    public async ValueTask ScheduleAsync(RebootRequest request, CancellationToken cancellationToken)
    {
        var when = DelayOf(request.Delay) is { Ticks: > 0 } delay ? string.Create(CultureInfo.InvariantCulture, $"+{delay.TotalMinutes}") : "now";
        var run = ShellText.Quote(Run);

        // systemd's returns at once, and another process waits; that of sysvinit waits itself, so that it has to live on without this session, and outside of the process group that the lock's timeout ends.
        // What has ended by then has said whether it took the request. What systemd has written counts when it is something else than before: somebody may have asked for something already.
        var script = string.Create(CultureInfo.InvariantCulture, $$"""
            t=$(mktemp) || exit 1
            f={{run}}/systemd/shutdown/scheduled
            b=$(cat "$f" 2>/dev/null)
            rf_scheduled() { [ -e "$f" ] && [ "$(cat "$f" 2>/dev/null)" != "$b" ]; }
            alone=
            ! command -v setsid >/dev/null || alone=setsid
            printf '{{Begun.TrimEnd()}}\n'
            $alone nohup {{ShellText.Quote(program)}} -r {{when}} {{ShellText.Quote(Clean(request.Message))}} </dev/null >"$t" 2>&1 9>&- &
            p=$!
            most=20
            [ ! -d {{run}}/systemd/system ] || most=100
            i=0
            while kill -0 "$p" 2>/dev/null && [ "$i" -lt "$most" ]; do
              ! rf_scheduled || [ "$i" -lt 5 ] || break
              i=$((i + 1))
              sleep 0.1 2>/dev/null || { sleep 1; i=$((i + 9)); }
            done
            if kill -0 "$p" 2>/dev/null; then
              s=0
              [ "$most" -eq 20 ] || rf_scheduled || { echo 'shutdown does not come to its end' >&2; s=1; }
            else
              wait "$p"
              s=$?
              cat -- "$t" >&2
            fi
            rm -f -- "$t"
            exit "$s"
            """);
        await RunLockedAsync(
            script,
            reply =>
            {
                if (reply.ExitStatus == 0)
                {
                    return null;
                }

                // A program, or one that it calls, may say anything and have done it all the same: some go down at once when they can't wait.
                var hasBegun = reply.ErrorText.StartsWith(Begun, StringComparison.Ordinal);
                var said = hasBegun ? reply.ErrorText[Begun.Length..] : reply.ErrorText;
                return RemoteErrors.Of(reply.ExitStatus, said, isChange: false) with { Effect = hasBegun && !IsNotFound(reply.ExitStatus, said) ? FaultEffect.MayHaveApplied : FaultEffect.NotSent };
            },
            cancellationToken).ConfigureAwait(false);
    }

    public ValueTask AbortAsync(CancellationToken cancellationToken) => RunLockedAsync(
        $"{ShellText.Quote(program)} -c",
        JudgeAbort,
        cancellationToken);

    private static TransportFault? JudgeAbort(ShellReply reply)
    {
        // sysvinit's says so when none is pending, and calls that a failure.
        if (reply.ExitStatus == 0 || reply.ErrorText.Contains("Cannot find pid of running shutdown", StringComparison.OrdinalIgnoreCase))
        {
            return null;
        }

        // Nobody has said that it is too late: a shell that can't begin a process is busy, too. A machine that is going down already takes this back without doing so, and can still be disarmed.
        var fault = RemoteErrors.Of(reply.ExitStatus, reply.ErrorText, isChange: true) with { Effect = FaultEffect.MayHaveApplied };
        return fault.Kind is TransportFaultKind.Busy ? fault with { Kind = TransportFaultKind.Unmapped } : fault;
    }

    // nohup(1): not executable, or not found; its own words, of this very program.
    private bool IsNotFound(int status, string said) =>
        status is 126 or 127 && said.StartsWith("nohup: ", StringComparison.Ordinal) && said.AsSpan().TrimEnd('\n') is var line && line.IndexOf('\n') < 0 && line.Contains(program, StringComparison.Ordinal);

    private async ValueTask RunLockedAsync(string script, Func<ShellReply, TransportFault?> judge, CancellationToken cancellationToken)
    {
        IAsyncDisposable held;
        try
        {
            held = await scripts.LockAsync(LockFile, cancellationToken, isPrivate: true).ConfigureAwait(false);
        }
        catch (PartitionFaultException e) when (e.Kind is TransportFaultKind.Busy)
        {
            // Not that it is too late: nobody can tell what the other one asks for.
            throw new PartitionFaultException(e.Fault with { Kind = TransportFaultKind.TimedOut, Detail = "another connection, perhaps one that was cut off, still asks for a restart or takes one back" });
        }

        await using (held.ConfigureAwait(false))
        {
            if (judge(await scripts.RunAsync(script, Step, cancellationToken).ConfigureAwait(false)) is { } fault)
            {
                throw new PartitionFaultException(fault);
            }
        }
    }

    // It is written to terminals. A message that begins with a hyphen would be an option.
    private static string Clean(string message)
    {
        var clean = string.Concat(message.Select(c => char.IsControl(c) || char.IsSurrogate(c) ? ' ' : c)).Trim().TrimStart('-');
        return clean.Length > MaxMessage ? clean[..MaxMessage] : clean;
    }
}
