namespace RomFlash.Sdk.Transports.Ssh.Connection;

/// <summary>A folder of a session that only this user can enter (0700), for the control socket and the pinned host key.</summary>
internal sealed class SshPrivateFolder : IDisposable
{
    // sun_path has 104 bytes on the BSDs and 108 on Linux; ssh binds its socket under the name with a dot and 16 characters behind it.
    private const int MaxSocketPath = 104 - 17 - 1;

    private readonly string _path;

    private SshPrivateFolder(string path) => _path = path;

    public string ControlSocket => Combine("m");

    public string this[string name] => Combine(name);

    public static TransportResult<SshPrivateFolder> Create()
    {
        try
        {
            // Made with mode 0700. A path that is long, or has characters with a meaning in ssh's options, is not used on Unix.
            var folder = new SshPrivateFolder(System.IO.Directory.CreateTempSubdirectory("rf-").FullName);
            if (OperatingSystem.IsWindows() || (folder.ControlSocket.Length <= MaxSocketPath && folder._path.All(static c => char.IsAsciiLetterOrDigit(c) || c is '/' or '.' or '_' or '-' or '+')))
            {
                return folder;
            }

            folder.Dispose();
            var path = "/tmp/rf-" + Convert.ToHexStringLower(System.Security.Cryptography.RandomNumberGenerator.GetBytes(8));
            System.IO.Directory.CreateDirectory(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            return new SshPrivateFolder(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return new TransportFault(TransportFaultKind.TransportBroken, FaultEffect.NotSent, "no private folder for ssh can be made: " + e.Message);
        }
    }

    public void Dispose()
    {
        try
        {
            System.IO.Directory.Delete(_path, recursive: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // A public key, a dead socket, and a pipe that nobody holds.
        }
    }

    private string Combine(string name) => Path.Combine(_path, name);
}
