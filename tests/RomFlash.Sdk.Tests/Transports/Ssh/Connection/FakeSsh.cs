using RomFlash.Sdk.Tests.Journal;
using RomFlash.Sdk.Transports.Ssh.Connection;

namespace RomFlash.Sdk.Tests.Transports.Ssh.Connection;

/// <summary>A program in the place of ssh: a script that gets the far side's command line as <c>$command</c>.</summary>
internal sealed class FakeSsh : IDisposable
{
    /// <summary>Runs the command here, as a target would.</summary>
    public const string Honest = "exec /bin/sh -c \"$command\"";

    /// <summary>Opens a channel as it should, takes the script, and knows the nonces.</summary>
    public const string OpensChannel = """
        nonce=$(printf %s "$command" | sed 's/.* \([0-9a-f]\{32\}\) ready.*/\1/')
        count=$(printf %s "$command" | sed 's/.*count=\([0-9]*\) .*/\1/')
        printf '\n%s ready\n' "$nonce"
        dd bs=1 count="$count" of=/dev/null 2>/dev/null

        """;

    /// <summary>The same, and a shell that takes a request.</summary>
    public const string OpensShell = OpensChannel + """
        read -r begin
        n=${begin##*=}
        while read -r line; do case $line in *'| rf_enc 3)"') break;; esac; done
        printf '%s 0 ready 4100ff\n' "$n"
        while read -r line; do case $line in rf*) break;; esac; done

        """;

    private readonly Scratch _scratch = new();

    /// <param name="script">What it does.</param>
    /// <param name="tellsConfiguration">Whether it does so, too, when it is asked for the configuration; otherwise there is none.</param>
    public FakeSsh(string script, bool tellsConfiguration = false)
    {
        var none = tellsConfiguration ? string.Empty : "case \" $* \" in *' -G '*) exit 1;; esac\n";
        File.WriteAllText(Program, $"#!/bin/sh\n{none}for command; do :; done\n{script}\n");
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(Program, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }
    }

    public string Program => _scratch["ssh"];

    public string this[string name] => _scratch[name];

    /// <summary>The processes that run the script still, or what it started with its folder's name.</summary>
    public IReadOnlyList<string> Processes =>
    [
        .. System.IO.Directory.EnumerateDirectories("/proc").Where(d => int.TryParse(Path.GetFileName(d), out var id) && id != Environment.ProcessId && CommandLine(d).Contains(_scratch.Root, StringComparison.Ordinal)),
    ];

    public OpenSshClient Client(Func<OpenSshOptions, OpenSshOptions>? change = null) =>
        new((change ?? (o => o))(new OpenSshOptions { Program = Program, Multiplex = false }), TimeProvider.System);

    public void Dispose() => _scratch.Dispose();

    private static string CommandLine(string folder)
    {
        try
        {
            return File.ReadAllText(Path.Combine(folder, "cmdline"));
        }
        catch (IOException)
        {
            return string.Empty;
        }
    }
}
