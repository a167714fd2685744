using RomFlash.Sdk.Transports.Ssh.Connection;
using RomFlash.Sdk.Transports.SystemPartitions;

namespace RomFlash.Sdk.Transports.Ssh.Reading;

/// <summary>Scripts that read many small files of a target in one request. They say of each what it is, and print what <see cref="TargetReadings"/> reads.</summary>
/// <remarks>Files of one line are read by the shell itself: a process for each of some hundred attributes would take longer than everything else.</remarks>
internal static class ReadingScript
{
    /// <summary>The folder of what is told of a target on the target itself.</summary>
    public const string ToldFolder = "/etc/romflash";

    /// <summary>The last line: without it something is missing, and nobody could tell that from a file that is not there.</summary>
    public const string End = "end";

    private const int MaxOutput = 4 * 1024 * 1024;

    // R is the target's root. A line is a letter, a blank, the path below R, and a tab before anything else.
    //   r: the first line of each file        e: whether each is there        x: the first bytes of each file, $1 of them, as od has them
    //   t: the only line of a file, and who owns it and the folders above it: what is told there counts when root alone can have written it
    private const string Functions = """
        exec 2>/dev/null
        g() { if [ -e "$1" ] || [ -L "$1" ]; then printf '! %s\n' "${1#"$R"}"; fi; }
        r() {
          for f; do
            v=
            if [ -f "$f" ] && { IFS= read -r v || :; } <"$f"; then printf '= %s\t%s\n' "${f#"$R"}" "$v"; else v=; g "$f"; fi
          done
        }
        e() { for f; do if [ -e "$f" ]; then printf '+ %s\n' "${f#"$R"}"; fi; done; }
        x() {
          m=$1; shift
          for f; do
            if [ -f "$f" ]; then printf 'x %s\n' "${f#"$R"}"; od -An -v -tx1 -N "$m" "$f" || printf '! %s\n' "${f#"$R"}"; else g "$f"; fi
          done
        }
        t() {
          f=$1; shift; v=; w=
          if [ -f "$f" ] && { IFS= read -r v || :; IFS= read -r w || :; } <"$f" && [ -z "$w" ]; then
            set -- $(stat -c '%u %f' "$@" "$f")
            printf 't %s\t%s\t%s\n' "${f#"$R"}" "$*" "$v"
          fi
        }
        """;

    /// <summary>Runs scripts that use the functions above.</summary>
    /// <param name="scripts">The target.</param>
    /// <param name="parts">The scripts, one after the other.</param>
    /// <param name="cancellationToken">Cancelled by the caller.</param>
    /// <exception cref="PartitionFaultException">The target can't be asked, or the scripts did not come to their end.</exception>
    public static async ValueTask<TargetReadings> RunAsync(IRemoteScripts scripts, IEnumerable<string> parts, CancellationToken cancellationToken)
    {
        var script = $"R={ShellText.Quote(scripts.Root)}\n{Functions}\n{string.Join('\n', parts)}\nprintf '\\n{End}\\n'\n";
        var reply = await scripts.RunAsync(script, new() { IsPlain = true, MaxOutput = MaxOutput }, cancellationToken).ConfigureAwait(false);
        var readings = TargetReadings.Parse(reply.Text);
        return readings.IsWhole ? readings : throw PartitionFaultException.Violation($"a script that reads facts ended before its end, with status {reply.ExitStatus}");
    }
}
