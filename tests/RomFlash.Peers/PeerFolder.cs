using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace RomFlash.Peers;

/// <summary>
/// The folder of one private server, and its janitor: a shell that waits for the end of its standard input, and then kills whatever was started with the folder's name,
/// unmounts and deletes the folder. The pipe ends when this process does, however it ends; so nothing is left behind by a test run that is killed.
/// </summary>
/// <remarks>
/// Not PR_SET_PDEATHSIG: the kernel sends that at the end of the *thread* that started the process, and threads of a pool come and go; nor would a server's own children have it.
/// </remarks>
internal sealed class PeerFolder : IAsyncDisposable
{
    /// <summary>The environment variable that marks a process as one of this folder's: servers hand it on, even when they write a title over their command line.</summary>
    public const string Mark = "ROMFLASH_PEER_FOLDER";

    // The folder's name comes in by standard input, so that neither the shell nor its grep are found themselves; after it, what is about to be mounted, and that is unmounted in the opposite order.
    private const string Janitor = """
        trap '' INT TERM HUP
        read -r folder || exit 0
        set --
        while read -r mounted; do set -- "$mounted" "$@"; done
        tries=0
        while [ $tries -lt 500 ]; do
          found=$(printf '%s\n' "$folder/" | grep -laF -f - /proc/[0-9]*/cmdline /proc/[0-9]*/environ 2>/dev/null)
          [ -n "$found" ] || break
          for file in $found; do
            process=${file#/proc/}
            kill -KILL "${process%/*}" 2>/dev/null
          done
          tries=$((tries + 1))
          sleep 0.01
        done
        for mounted; do
          umount -l "$mounted" 2>/dev/null
        done
        rm -rf "$folder"
        """;

    private readonly Process _janitor;
    private int _mounts;
    private bool _isDisposed;

    private PeerFolder(string path, Process janitor)
    {
        Path = path;
        _janitor = janitor;
    }

    public string Path { get; }

    public static PeerFolder Create(string? parent, string prefix)
    {
        var path = parent is null
            ? Directory.CreateTempSubdirectory(prefix).FullName
            : Directory.CreateDirectory(System.IO.Path.Combine(parent, prefix + Guid.NewGuid().ToString("N", CultureInfo.InvariantCulture)[..10])).FullName;

        // A session of its own: what ends the tests' process group does not end the janitor.
        var janitor = Process.Start(new ProcessStartInfo(PeerProgram.Find("setsid", "util-linux"), ["/bin/sh", "-c", Janitor]) { RedirectStandardInput = true, WorkingDirectory = "/" })!;
        janitor.StandardInput.NewLine = "\n";
        janitor.StandardInput.WriteLine(path);
        janitor.StandardInput.Flush();

        // Accounts that are not root pass through it.
        File.SetUnixFileMode(path, (UnixFileMode)Convert.ToInt32("755", 8));
        return new(path, janitor);
    }

    public string Combine(string name) => System.IO.Path.Combine(Path, name);

    public string CreateFolder(string name) => Directory.CreateDirectory(Combine(name)).FullName;

    /// <summary>Mounts a file system in memory, which is full when it is full.</summary>
    /// <param name="size">Its size in bytes.</param>
    /// <param name="place">A folder below this one to mount it on; one of its own when null.</param>
    /// <param name="cancellationToken">Ends the waiting.</param>
    public async Task<string> MountAsync(long size, string? place, CancellationToken cancellationToken)
    {
        var folder = place ?? CreateFolder(string.Create(CultureInfo.InvariantCulture, $"mount-{++_mounts}"));
        await MountAsync(folder, ["-t", "tmpfs", "-o", string.Create(CultureInfo.InvariantCulture, $"size={size},mode=0755"), "tmpfs", folder], cancellationToken);
        return folder;
    }

    /// <summary>Makes the folder a mount of its own whose later mounts are seen by processes that have a view of their own of what is mounted, as its slaves.</summary>
    public async Task ShareMountsAsync(CancellationToken cancellationToken)
    {
        await MountAsync(Path, ["--bind", Path, Path], cancellationToken);
        await MountAsync(null, ["--make-shared", Path], cancellationToken);
    }

    /// <summary>The processes that were started with this folder's name, by command line or environment. Ended ones that nobody has waited for are not among them.</summary>
    public IReadOnlyList<int> Processes()
    {
        var needle = Encoding.UTF8.GetBytes(Path + "/");
        return [.. ProcessTable.Others().Where(id => ProcessTable.Has(id, "cmdline", needle) || ProcessTable.Has(id, "environ", needle))];
    }

    /// <summary>Kills all of them and waits until they are gone.</summary>
    public async Task KillAsync()
    {
        for (var tries = 0; tries < 500; tries++)
        {
            var processes = Processes();
            if (processes is [])
            {
                return;
            }

            foreach (var process in processes)
            {
                Signals.Send(process, Signal.Kill);
            }

            await Task.Delay(5);
        }

        throw new InvalidOperationException($"processes of {Path} can't be ended: {string.Join(", ", Processes())}");
    }

    public async ValueTask DisposeAsync()
    {
        if (_isDisposed)
        {
            return;
        }

        _isDisposed = true;
        _janitor.StandardInput.Close();
        await _janitor.WaitForExitAsync();
        _janitor.Dispose();
        if (Directory.Exists(Path) || Processes() is not [])
        {
            throw new InvalidOperationException($"{Path} could not be cleaned: {string.Join(", ", Processes())}");
        }
    }

    private async Task MountAsync(string? place, string[] arguments, CancellationToken cancellationToken)
    {
        if (place is not null)
        {
            await _janitor.StandardInput.WriteLineAsync(place.AsMemory(), cancellationToken);
            await _janitor.StandardInput.FlushAsync(cancellationToken);
        }

        var mounted = await PeerProgram.RunAsync(PeerProgram.Find("mount", "mount"), arguments, cancellationToken: cancellationToken);
        if (mounted.ExitCode != 0)
        {
            throw new PeerUnavailableException($"a small file system can't be mounted here: {mounted.Text.Trim()}");
        }
    }
}
