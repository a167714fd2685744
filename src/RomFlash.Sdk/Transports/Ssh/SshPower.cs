using System.Globalization;
using RomFlash.Sdk.Transports.Ssh.Connection;
using RomFlash.Sdk.Transports.SystemPartitions;

namespace RomFlash.Sdk.Transports.Ssh;

/// <summary>Asks shutdown(8) for a restart, and takes that back. It counts in whole minutes: a delay is rounded up.</summary>
internal sealed class SshPower(IRemoteScripts scripts, string program)
{
    /// <summary>The longest delay: what shutdown programs are known to take.</summary>
    public static readonly TimeSpan MaxDelay = TimeSpan.FromDays(30);

    private const int MaxMessage = 500;

    private static readonly ShellRequest Step = new() { IsPlain = true };

    public async ValueTask ScheduleAsync(RebootRequest request, CancellationToken cancellationToken)
    {
        var when = request.Delay <= TimeSpan.Zero ? "now" : string.Create(CultureInfo.InvariantCulture, $"+{Math.Ceiling(request.Delay.TotalMinutes)}");

        // systemd's returns at once, and another process waits; that of sysvinit waits itself, so that it has to live on without this session. What has ended by then has said whether it took the request.
        var script = $$"""
            t=$(mktemp) || exit 1
            nohup {{ShellText.Quote(program)}} -r {{when}} {{ShellText.Quote(Clean(request.Message))}} </dev/null >"$t" 2>&1 &
            p=$!
            i=0
            while kill -0 "$p" 2>/dev/null && [ "$i" -lt 20 ]; do
              i=$((i + 1))
              sleep 0.1 2>/dev/null || sleep 1
            done
            if kill -0 "$p" 2>/dev/null; then
              s=0
            else
              wait "$p"
              s=$?
              cat -- "$t" >&2
            fi
            rm -f -- "$t"
            exit "$s"
            """;
        var reply = await scripts.RunAsync(script, Step, cancellationToken).ConfigureAwait(false);
        if (reply.ExitStatus != 0)
        {
            throw RemoteErrors.From(reply, isChange: true);
        }
    }

    public async ValueTask AbortAsync(CancellationToken cancellationToken)
    {
        var reply = await scripts.RunAsync($"{ShellText.Quote(program)} -c", Step, cancellationToken).ConfigureAwait(false);

        // sysvinit's says so when none is pending, and calls that a failure.
        if (reply.ExitStatus != 0 && !reply.ErrorText.Contains("Cannot find pid of running shutdown", StringComparison.OrdinalIgnoreCase))
        {
            throw RemoteErrors.From(reply, isChange: true);
        }
    }

    // It is written to terminals. A message that begins with a hyphen would be an option.
    private static string Clean(string message)
    {
        var clean = string.Concat(message.Select(c => char.IsControl(c) || char.IsSurrogate(c) ? ' ' : c)).Trim().TrimStart('-');
        return clean.Length > MaxMessage ? clean[..MaxMessage] : clean;
    }
}
