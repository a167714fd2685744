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

    // BSD's sysexits, EX_OSERR.
    private const int NotBegun = 71;

    private static readonly ShellRequest Step = new() { IsPlain = true };

    // What was sent over a connection that froze is carried out when it thaws. The lock is taken first and by itself: whoever takes a request back waits until the shell that may still get it has ended.
    private string LockFolder => scripts.Root + "/run";

    public async ValueTask ScheduleAsync(RebootRequest request, CancellationToken cancellationToken)
    {
        var when = request.Delay <= TimeSpan.Zero ? "now" : string.Create(CultureInfo.InvariantCulture, $"+{Math.Ceiling(request.Delay.TotalMinutes)}");
        var run = ShellText.Quote(LockFolder);

        // systemd's returns at once, and another process waits; that of sysvinit waits itself, so that it has to live on without this session. What has ended by then has said whether it took the request.
        var script = string.Create(CultureInfo.InvariantCulture, $$"""
            t=$(mktemp) || exit {{NotBegun}}
            nohup {{ShellText.Quote(program)}} -r {{when}} {{ShellText.Quote(Clean(request.Message))}} </dev/null >"$t" 2>&1 9>&- &
            p=$!
            most=20
            [ ! -d {{run}}/systemd/system ] || most=100
            i=0
            while kill -0 "$p" 2>/dev/null && [ "$i" -lt "$most" ]; do
              [ ! -e {{run}}/systemd/shutdown/scheduled ] || [ "$i" -lt 5 ] || break
              i=$((i + 1))
              sleep 0.1 2>/dev/null || sleep 1
            done
            if kill -0 "$p" 2>/dev/null; then
              s=0
              [ "$most" -eq 20 ] || [ -e {{run}}/systemd/shutdown/scheduled ] || { echo 'shutdown does not come to its end' >&2; s=1; }
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
            static reply => reply.ExitStatus switch
            {
                0 => null,

                // nohup(1): not executable, or not found.
                NotBegun or 126 or 127 => RemoteErrors.Of(reply.ExitStatus, reply.ErrorText, isChange: false),

                // The text is that of a whole program, which may have done it all the same: some go down at once when they can't wait.
                _ => RemoteErrors.Of(reply.ExitStatus, reply.ErrorText, isChange: true) with { Effect = FaultEffect.MayHaveApplied },
            },
            cancellationToken).ConfigureAwait(false);
    }

    public ValueTask AbortAsync(CancellationToken cancellationToken) => RunLockedAsync(
        $"{ShellText.Quote(program)} -c",

        // sysvinit's says so when none is pending, and calls that a failure.
        static reply => reply.ExitStatus == 0 || reply.ErrorText.Contains("Cannot find pid of running shutdown", StringComparison.OrdinalIgnoreCase)
            ? null
            : RemoteErrors.Of(reply.ExitStatus, reply.ErrorText, isChange: true),
        cancellationToken);

    private async ValueTask RunLockedAsync(string script, Func<ShellReply, TransportFault?> judge, CancellationToken cancellationToken)
    {
        IAsyncDisposable held;
        try
        {
            held = await scripts.LockAsync(LockFolder, cancellationToken, isFolder: true).ConfigureAwait(false);
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
