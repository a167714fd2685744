using System.Buffers;
using System.Buffers.Text;
using System.Globalization;
using System.Text;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Transports.Ssh.Connection;
using RomFlash.Sdk.Transports.SystemPartitions;

namespace RomFlash.Sdk.Transports.Ssh;

/// <summary>A mounted file system of a target as the system partition.</summary>
/// <param name="scripts">What runs there.</param>
/// <param name="folder">The absolute path of the mount point; null when there is none.</param>
/// <param name="whyNone">Why there is none.</param>
/// <param name="guard">A script that ends in a failure when another volume is seen there than the one that was found; empty where nobody can tell.</param>
internal sealed class SshPartition(SshScripts scripts, string? folder, string whyNone, string guard = "") : IPartitionFiles
{
    public const int Chunk = 4 << 20;

    // The type bits of st_mode (POSIX, sys/stat.h, as Linux numbers them).
    private const int TypeMask = 0xF000;
    private const int PlainFile = 0x8000;
    private const int Directory = 0x4000;

    // A shell itself ends with 2 when it can't fork.
    private const int TooMany = 76;

    // An entry has a mode, a length and a name of 255 bytes at most.
    private const int MaxListBytes = 8 << 20;

    private static readonly SearchValues<char> s_digits = SearchValues.Create("0123456789abcdef");

    private static readonly ShellRequest Step = new() { IsPlain = true };
    private static readonly ShellRequest Listing = new() { IsPlain = true, MaxOutput = MaxListBytes };

    // How long a digest or a flush takes is for the caller's deadline to decide.
    private static readonly ShellRequest Long = new() { IsPlain = true, Timeout = TimeSpan.FromHours(1) };

    public int ChunkBytes => Chunk;

    public bool KnowsConnections => true;

    public string Show(string path) => folder is null ? path : PartitionLayout.Join(folder, path);

    public void ExpectWrites() => scripts.Warm();

    public async ValueTask<PartitionEntry> LookAsync(string path, CancellationToken cancellationToken)
    {
        var name = path[(path.LastIndexOf('/') + 1)..];

        // The shell knows a folder by itself; whatever else there is, or is wrong, is told by a process.
        var quoted = Quote(path);
        var reply = await scripts.RunAsync($"if [ -d {quoted} ] && [ ! -L {quoted} ]; then echo '4000 0'; else stat -c '%f %s' -- {quoted}; fi", Step, cancellationToken).ConfigureAwait(false);
        if (reply.ExitStatus == 0)
        {
            return Parse(reply.Text.AsSpan().TrimEnd('\n'), name);
        }

        var refused = RemoteErrors.From(reply, isChange: false);
        return refused.Kind is TransportFaultKind.NotFound ? new(name, PartitionEntryKind.None, 0) : throw refused;
    }

    public async ValueTask<bool> TrySeeFoldersAsync(IReadOnlyList<string> paths, CancellationToken cancellationToken)
    {
        var tests = string.Join(" && ", paths.Select(Quote).Select(q => $"[ -d {q} ] && [ ! -L {q} ]"));
        return (await scripts.RunAsync(tests, Step, cancellationToken).ConfigureAwait(false)).ExitStatus == 0;
    }

    public async ValueTask<IReadOnlyList<PartitionEntry>> ListAsync(string path, int maxEntries, CancellationToken cancellationToken)
    {
        // Every step begins with a list of the root: there it is seen whether the volume is still mounted. Three patterns have every name but . and .. between them; one that matches nothing stands for itself.
        // Where some hundreds can't be looked at together (one is gone) they are one by one: what is gone was not there, and anything else is said aloud. A slash ends a name as a NUL would.
        var quoted = Quote(path);
        var list = string.Create(CultureInfo.InvariantCulture, $$"""
            {{(path.Length == 0 ? guard : string.Empty)}}
            [ -d {{quoted}} ] || { stat -- {{quoted}} >/dev/null || exit 1; echo ': Not a directory'; exit 1; }
            [ -r {{quoted}} ] && [ -x {{quoted}} ] || { echo ': Permission denied'; exit 1; }
            cd -- {{quoted}} || exit 1
            n=0
            rf_list() {
              [ "$#" -eq 1 ] && [ ! -e "$1" ] && [ ! -L "$1" ] && return
              n=$((n + $#))
              [ "$n" -le {{maxEntries}} ] || exit {{TooMany}}
              i=0
              a=
              while [ "$i" -lt "$#" ]; do
                i=$((i + 1))
                a="$a \"\${$i}\""
                if [ $((i % 500)) -eq 0 ] || [ "$i" -eq "$#" ]; then
                  eval "o=\$(stat --printf '%f %s %n/' -- $a 2>/dev/null)" && printf %s "$o" || eval "rf_each $a"
                  a=
                fi
              done
            }
            rf_each() {
              for f; do
                o=$(stat --printf '%f %s %n/' -- "$f" 2>&1) && { printf %s "$o"; continue; }
                [ ! -e "$f" ] && [ ! -L "$f" ] || { printf '\n%s\n' "$o"; exit 3; }
                n=$((n - 1))
              done
            }
            rf_list *
            rf_list .[!.]*
            rf_list ..?*
            printf %s "$n"
            """);
        var reply = await scripts.RunAsync(list, Listing, cancellationToken).ConfigureAwait(false);
        if (reply.ExitStatus == TooMany)
        {
            throw PartitionFaultException.Violation($"{Show(path)} has more than {maxEntries} entries");
        }

        if (reply.ExitStatus != 0)
        {
            throw RemoteErrors.From(reply, isChange: false);
        }

        var entries = new List<PartitionEntry>();
        var rest = reply.Output.AsSpan();
        for (int end; (end = rest.IndexOf((byte)'/')) >= 0; rest = rest[(end + 1)..])
        {
            var entry = Encoding.UTF8.GetString(rest[..end]).AsSpan();
            var first = entry.IndexOf(' ');
            var second = first < 0 ? -1 : entry[(first + 1)..].IndexOf(' ') + first + 1;
            var name = second <= first ? default : entry[(second + 1)..];

            // Nobody but a liar gives a name that is no entry of a folder, or more than were asked for.
            if (name is "" or "." or ".." || entries.Count == maxEntries)
            {
                throw NoList();
            }

            entries.Add(Parse(entry[..second], name.ToString()));
        }

        // How many there were, as the shell counted them.
        return Utf8Parser.TryParse(rest, out int count, out var used) && used == rest.Length && count == entries.Count ? entries : throw NoList();

        PartitionFaultException NoList() => PartitionFaultException.Violation($"what the target says of {Show(path)} is no list");
    }

    // Each read opens it by its own, and says what is wrong with it.
    public ValueTask<IPartitionFile> OpenReadAsync(string path, CancellationToken cancellationToken) => new(new SshFile(scripts, PathOf(path)));

    // What an earlier client sent may still be on its way into the file: its lock is waited for. What the system's cache holds is written and dropped, where dd can, so that the medium is asked.
    public async ValueTask<ContentDigest?> TryDigestAsync(string path, CancellationToken cancellationToken)
    {
        var quoted = Quote(path);
        var reply = await scripts.RunAsync(
            $"{SshFile.NeedPlain(quoted)}exec 8<{quoted}\n{SshFile.Lock("-s")}\n{SshFile.Sync(quoted)}\n{SshFile.DropCache}\nsha256sum <&8",
            Long,
            cancellationToken).ConfigureAwait(false);
        if (reply.ExitStatus != 0)
        {
            throw RemoteErrors.From(reply, isChange: false);
        }

        // As coreutils and busybox print it for standard input; anything else is no digest.
        return reply.Text is { Length: 68 } text && text.EndsWith("  -\n", StringComparison.Ordinal) && text.AsSpan(0, 64).IndexOfAnyExcept(s_digits) < 0
            ? new ContentDigest(Convert.FromHexString(text.AsSpan(0, 64)))
            : throw PartitionFaultException.Violation("what the target says is no SHA-256");
    }

    public ValueTask CreateFolderAsync(string path, CancellationToken cancellationToken) => ChangeAsync($"mkdir -- {Quote(path)}", cancellationToken);

    // noclobber makes the shell open it with O_EXCL (POSIX, 2.7.2).
    public async ValueTask<IPartitionFile> CreateFileAsync(string path, CancellationToken cancellationToken)
    {
        var quoted = Quote(path);
        await ChangeAsync($"if [ -e {quoted} ] || [ -L {quoted} ]; then echo ': File exists' >&2; exit 1; fi\nset -C\n: >{quoted}", cancellationToken).ConfigureAwait(false);
        return new SshFile(scripts, PathOf(path));
    }

    public async ValueTask<IPartitionFile> OpenWriteAsync(string path, CancellationToken cancellationToken)
    {
        var quoted = Quote(path);
        await ChangeAsync($"{SshFile.NeedPlain(quoted)}exec 8>>{quoted}\n{SshFile.Lock("-x")}", cancellationToken).ConfigureAwait(false);
        return new SshFile(scripts, PathOf(path));
    }

    public ValueTask FlushFolderAsync(string path, CancellationToken cancellationToken) => ChangeAsync(SshFile.Sync(Quote(path)), cancellationToken, Long);

    public ValueTask RenameFileAsync(string from, string to, CancellationToken cancellationToken) => ChangeAsync($"mv -f -T -- {Quote(from)} {Quote(to)}", cancellationToken);

    public ValueTask RenameFolderAsync(string from, string to, CancellationToken cancellationToken)
    {
        var target = Quote(to);

        // Between two file systems mv copies, and that is no single step.
        var (source, parent) = (Quote(from), Quote(PartitionLayout.ParentOf(to)));
        return ChangeAsync(
            $$"""
            if [ -e {{target}} ] || [ -L {{target}} ]; then echo ': File exists' >&2; exit 1; fi
            a=$(stat -c %d -- {{source}}) && b=$(stat -c %d -- {{parent}}) || exit 1
            [ "$a" = "$b" ] || { echo ': Invalid cross-device link' >&2; exit 1; }
            mv -T -- {{source}} {{target}}
            """,
            cancellationToken);
    }

    public ValueTask DeleteFileAsync(string path, CancellationToken cancellationToken) => ChangeAsync($"rm -- {Quote(path)}", cancellationToken);

    public ValueTask DeleteFolderAsync(string path, CancellationToken cancellationToken) => ChangeAsync($"rmdir -- {Quote(path)}", cancellationToken);

    public ValueTask<IAsyncDisposable> LockAsync(string path, CancellationToken cancellationToken) => scripts.LockAsync(PathOf(path), cancellationToken);

    public ValueTask<IAsyncDisposable?> TryHoldAsync(string path, CancellationToken cancellationToken) => scripts.TryHoldAsync(PathOf(path), cancellationToken);

    private static PartitionEntry Parse(ReadOnlySpan<char> modeAndLength, string name)
    {
        var blank = modeAndLength.IndexOf(' ');
        if (blank < 0
            || !int.TryParse(modeAndLength[..blank], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var mode)
            || !long.TryParse(modeAndLength[(blank + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out var length))
        {
            throw PartitionFaultException.Violation("what the target says of a file is no mode and length");
        }

        // Devices, pipes and sockets are as little to be touched as links.
        return (mode & TypeMask) switch
        {
            PlainFile => new(name, PartitionEntryKind.File, length),
            Directory => new(name, PartitionEntryKind.Folder, 0),
            _ => new(name, PartitionEntryKind.Link, 0),
        };
    }

    private async ValueTask ChangeAsync(string script, CancellationToken cancellationToken, ShellRequest? request = null)
    {
        var reply = await scripts.RunAsync(script, request ?? Step, cancellationToken).ConfigureAwait(false);
        if (reply.ExitStatus != 0)
        {
            throw RemoteErrors.From(reply, isChange: true);
        }
    }

    private string Quote(string path) => ShellText.Quote(PathOf(path));

    private string PathOf(string path) =>
        folder is null ? throw new PartitionFaultException(TransportFaultKind.NotFound, whyNone) : path.Length == 0 ? folder : $"{folder}/{path}";
}
