using System.Globalization;

namespace RomFlash.Peers.Ssh;

/// <summary>
/// An account that the system does not have and the private sshd has: the server runs in a mount namespace of its own, where /etc/passwd and /etc/group have one line more. A number of its own, no rights, a
/// home, <c>/bin/sh</c>; and a <c>sudo</c> that answers as the real one.
/// </summary>
/// <param name="Name">Its name, of letters and digits.</param>
/// <param name="Sudo">What <c>sudo -n</c> answers to it.</param>
public sealed record SshAccount(string Name, SshSudo Sudo)
{
    /// <summary>Its password; null when it can't log on by one. The server takes passwords when it has one.</summary>
    public string? Password { get; init; }

    private const int FirstNumber = 61_000;

    // Only what runs below the server has this view. What gains root's rights is in memory there, and so nowhere else.
    private const string Enter = """
        set -e
        folder=$1 setpriv=$2
        shift 2
        mount --bind "$folder/passwd" /etc/passwd
        mount --bind "$folder/group" /etc/group
        mount -t tmpfs -o mode=0755 tmpfs "$folder/private"
        cp "$setpriv" "$folder/private/setpriv"
        chmod 4755 "$folder/private/setpriv"
        for sudo in /usr/local/bin/sudo /usr/bin/sudo /bin/sudo; do
          if [ -e "$sudo" ]; then mount --bind /dev/null "$sudo"; fi
        done
        exec "$@"
        """;

    internal static string[] Within(SshServer server, string[] command) =>
    [
        PeerProgram.Find("unshare", "util-linux"), "--mount", "--propagation", "slave", "/bin/sh", "-c", Enter, "sh", server.Folder, PeerProgram.Find("setpriv", "util-linux"), .. command,
    ];

    internal async Task WriteAsync(SshServer server, CancellationToken cancellationToken)
    {
        var passwd = await File.ReadAllTextAsync("/etc/passwd", cancellationToken);
        var group = await File.ReadAllTextAsync("/etc/group", cancellationToken);
        var taken = (passwd + group).Split('\n').Select(l => l.Split(':')).Where(f => f.Length > 2).Select(f => f[2]).ToHashSet(StringComparer.Ordinal);
        var number = Enumerable.Range(FirstNumber, 1000).Select(n => n.ToString(CultureInfo.InvariantCulture)).First(n => !taken.Contains(n));
        var home = Directory.CreateDirectory(Path.Combine(server.Folder, "home")).FullName;
        Directory.CreateDirectory(Path.Combine(server.Folder, "private"));
        await File.WriteAllTextAsync(Path.Combine(server.Folder, "passwd"), $"{passwd.TrimEnd('\n')}\n{Name}:{await HashAsync(cancellationToken)}:{number}:{number}::{home}:/bin/sh\n", cancellationToken);
        await File.WriteAllTextAsync(Path.Combine(server.Folder, "group"), $"{group.TrimEnd('\n')}\n{Name}:*:{number}:\n", cancellationToken);
        (await PeerProgram.RunAsync(PeerProgram.Find("chown", "coreutils"), [$"{number}:{number}", home], cancellationToken: cancellationToken)).Required("chown");
        if (Sudo is not SshSudo.Missing)
        {
            server.WriteStandIn("sudo", Script(server));
        }
    }

    private async Task<string> HashAsync(CancellationToken cancellationToken) => Password is null
        ? "*"
        : (await PeerProgram.RunAsync(PeerProgram.Find("openssl", "openssl"), ["passwd", "-6", "-stdin"], Password + "\n", cancellationToken: cancellationToken)).Required("openssl passwd").Output.Trim();

    // As sudo(8) with -n: the rule names a program, compared by what it is and what it is called; the environment is a new one.
    private string Script(SshServer server) => $$"""
        ask=yes
        while [ $# -gt 0 ]; do
          case "$1" in
            -n|--non-interactive) ask=no; shift ;;
            --) shift; break ;;
            -*) printf 'sudo: invalid option %s\n' "$1" >&2; exit 1 ;;
            *) break ;;
          esac
        done
        [ $# -gt 0 ] || { echo 'usage: sudo [-n] command' >&2; exit 1; }
        no() { printf 'sudo: %s\n' "$1" >&2; exit 1; }
        {{(Sudo is SshSudo.NeedsTerminal ? "no 'sorry, you must have a tty to run sudo'" : string.Empty)}}
        PATH='{{server.SearchPath}}'
        program=$(command -v "$1") || no "$1: command not found"
        if [ "{{Sudo}}" != {{SshSudo.MayRunShell}} ] || [ "${program##*/}" != sh ] || [ "$(stat -L -c %d:%i "$program")" != "$(stat -L -c %d:%i /bin/sh)" ]; then
          [ $ask = no ] && no 'a password is required'
          no 'a terminal is required to read the password; either use the -S option to read from standard input or configure an askpass helper'
        fi
        shift
        exec env -i PATH="$PATH" HOME=/root LOGNAME=root USER=root SHELL=/bin/sh SUDO_USER={{Name}} SUDO_UID="$(id -u)" '{{server.Folder}}/private/setpriv' --reuid=0 --regid=0 --clear-groups "$program" "$@"
        """;
}

/// <summary>What <c>sudo -n</c> answers.</summary>
public enum SshSudo
{
    /// <summary>It is not installed.</summary>
    Missing = 0,

    /// <summary>No rule lets the account do anything without a password.</summary>
    NeedsPassword,

    /// <summary>The rules want a terminal (<c>requiretty</c>).</summary>
    NeedsTerminal,

    /// <summary>The rule <c>NAME ALL=(root) NOPASSWD: /bin/sh</c>: root's shell, and nothing else.</summary>
    MayRunShell,
}
