using System.Globalization;
using System.Text;

namespace RomFlash.Peers.Samba;

/// <summary>Writes the files that a private smbd reads.</summary>
internal sealed class SambaConfiguration(SambaOptions options, PeerFolder folder, string shareFolder, int port)
{
    // Accounts of the base system, so that none has to be made; the administrator is root.
    private static readonly string[] UnixAccounts = ["daemon", "bin", "games", "man", "lp", "mail", "news", "uucp"];

    public string Path => folder.Combine("smb.conf");

    public string ShutdownRecord => folder.Combine("shutdowns");

    public IEnumerable<(string Unix, SambaAccount Account)> Accounts()
    {
        var unix = 0;
        foreach (var account in options.Accounts)
        {
            yield return (account.State == SambaAccountState.Administrator ? "root" : UnixAccounts[unix++], account);
        }
    }

    public void Write()
    {
        File.WriteAllText(Path, Global() + Shares());
        File.WriteAllLines(folder.Combine("users.map"), Accounts().Select(a => $"{a.Unix} = {a.Account.Name}"));
        WriteScript("shutdown.sh", "shutdown");
        WriteScript("abort.sh", "abort");
    }

    private string Global()
    {
        var text = new StringBuilder("[global]\n");
        Line("server role", "standalone server");
        Line("netbios name", "TARGET1");
        Line("workgroup", "WORKGROUP");
        Line("interfaces", "127.0.0.1/8");
        Line("bind interfaces only", "yes");
        Line("smb ports", port.ToString(CultureInfo.InvariantCulture));
        Line("disable netbios", "yes");
        foreach (var (name, place) in new[]
        {
            ("private dir", "private"), ("lock directory", "lock"), ("state directory", "state"), ("cache directory", "cache"), ("pid directory", "pid"), ("ncalrpc dir", "ncalrpc"),
            ("usershare path", "usershare"), ("binddns dir", "dns"),
        })
        {
            Line(name, folder.CreateFolder(place));
        }

        Line("log file", folder.Combine("log"));
        Line("log level", options.LogLevel.ToString(CultureInfo.InvariantCulture));
        Line("load printers", "no");
        Line("printing", "bsd");
        Line("printcap name", "/dev/null");
        Line("disable spoolss", "yes");
        Line("name resolve order", "host");
        Line("multicast dns register", "no");
        Line("username map", folder.Combine("users.map"));
        Line("admin users", "root");
        Line("map to guest", options.MapsToGuest ? "Bad User" : "Never");
        Line("shutdown script", folder.Combine("shutdown.sh") + " %z %r %f");
        Line("abort shutdown script", folder.Combine("abort.sh"));
        Line("server min protocol", options.MinProtocol);
        Line("server max protocol", options.MaxProtocol);
        Line("server signing", options.SigningMandatory ? "mandatory" : null);
        Line("server smb encrypt", options.EncryptRequired ? "required" : options.EncryptOff ? "off" : null);
        Line("server smb3 encryption algorithms", options.Ciphers is { } ciphers ? string.Join(", ", ciphers) : null);
        Line("server smb3 signing algorithms", options.SigningAlgorithms is { } algorithms ? string.Join(", ", algorithms) : null);
        Line("smb2 max credits", options.MaxCredits?.ToString(CultureInfo.InvariantCulture));
        Line("smb2 max read", options.MaxRead?.ToString(CultureInfo.InvariantCulture));
        Line("smb2 max write", options.MaxWrite?.ToString(CultureInfo.InvariantCulture));
        Line("smb2 max trans", options.MaxTransaction?.ToString(CultureInfo.InvariantCulture));
        Line("rpc start on demand helpers", options.RegistryPipes ? null : "no");
        return Append(text, options.ExtraSettings).ToString();

        void Line(string name, string? value)
        {
            if (value is not null)
            {
                text.Append(CultureInfo.InvariantCulture, $"  {name} = {value}\n");
            }
        }
    }

    private string Shares()
    {
        var text = new StringBuilder();
        Share(SambaServer.ShareName, shareFolder, options.ReadOnlyShare, administratorsOnly: !options.MapsToGuest, [$"fstype = {options.FileSystem}"]);
        if (options.AdminShare != SambaAdminShare.None)
        {
            Share("ADMIN$", folder.CreateFolder("admin"), isReadOnly: false, options.AdminShare == SambaAdminShare.AdministratorsOnly, []);
        }

        foreach (var share in options.ExtraShares)
        {
            Share(share.Name, share.Folder ?? folder.CreateFolder("share-" + share.Name), share.ReadOnly, share.AdministratorsOnly, share.ExtraSettings);
        }

        return text.ToString();

        void Share(string name, string path, bool isReadOnly, bool administratorsOnly, IReadOnlyList<string> more)
        {
            text.Append(CultureInfo.InvariantCulture, $"[{name}]\n  path = {path}\n  read only = {(isReadOnly ? "yes" : "no")}\n");
            if (administratorsOnly)
            {
                text.Append("  valid users = root\n");
            }

            if (options.MapsToGuest)
            {
                text.Append("  guest ok = yes\n");
            }

            Append(text, more);
        }
    }

    private static StringBuilder Append(StringBuilder text, IEnumerable<string> lines)
    {
        foreach (var line in lines)
        {
            text.Append("  ").Append(line).Append('\n');
        }

        return text;
    }

    // Samba runs it as whoever asked, so that the script is what refuses. One line for each request: the user's number, what was asked for, and the arguments.
    private void WriteScript(string name, string what)
    {
        var record = ShutdownRecord;
        File.WriteAllText(record, string.Empty);
        File.SetUnixFileMode(record, (UnixFileMode)Convert.ToInt32("666", 8));
        var script = folder.Combine(name);
        File.WriteAllText(script, $$"""
            #!/bin/sh
            user=$(id -u)
            { printf '%s\t%s' "$user" {{what}}; for argument; do printf '\t%s' "$argument"; done; printf '\n'; } >>'{{record}}'
            [ "$user" = 0 ]

            """);
        File.SetUnixFileMode(script, (UnixFileMode)Convert.ToInt32("755", 8));
    }
}
