namespace RomFlash.Peers.Samba;

/// <summary>A file with a name and a password for Samba's tools, which nobody else can read: command lines are for everybody.</summary>
internal sealed class SambaLoginFile : IDisposable
{
    public SambaLoginFile(SambaAccount account)
    {
        Path = System.IO.Path.GetTempFileName();
        File.SetUnixFileMode(Path, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        File.WriteAllText(Path, $"username = {account.Name}\npassword = {account.Password}\n");
    }

    public string Path { get; }

    public void Dispose() => File.Delete(Path);
}
