using System.Collections.Immutable;
using System.Text;
using Microsoft.Win32.SafeHandles;
using RomFlash.Sdk.Targets;
using RomFlash.Sdk.Tests.Transports.Smb.Rpc;
using RomFlash.Sdk.Transports;
using RomFlash.Sdk.Transports.Smb;

namespace RomFlash.Sdk.Tests.Transports.Smb;

/// <summary>Another implementation of the seam: a folder in place of the share, with share modes, and played services behind the pipes. No byte of SMB is in it.</summary>
internal sealed class OtherSmbLibrary(string root) : ISmbConnector
{
    private readonly Lock _lock = new();
    private readonly List<OpenNode> _open = [];
    private readonly List<Connection> _connections = [];

    public string FileSystem { get; set; } = "FAT32";

    public bool IsGuest { get; set; }

    public ValueTask<TransportResult<ISmbConnection>> ConnectAsync(SmbConnectRequest request, CancellationToken cancellationToken)
    {
        if (cancellationToken.IsCancellationRequested)
        {
            return new(new TransportFault(TransportFaultKind.Cancelled, FaultEffect.NotSent));
        }

        if (request.Host != "server1")
        {
            return new(new TransportFault(TransportFaultKind.NameNotResolved, FaultEffect.NotSent, "nobody is called like that"));
        }

        if (request.Credentials is not PasswordCredentials { UserName: "admin" } password || !password.UsePassword(0, static (_, p) => p is "right"))
        {
            return new(new TransportFault(TransportFaultKind.CredentialsRejected, FaultEffect.NotSent));
        }

        var connection = new Connection(this);
        lock (_lock)
        {
            _connections.Add(connection);
        }

        return new(TransportResult<ISmbConnection>.From(connection));
    }

    /// <summary>Breaks all connections: their handles are given back, as a server does.</summary>
    public void Cut()
    {
        lock (_lock)
        {
            _connections.ForEach(c => c.IsCut = true);
            _connections.Clear();
            _open.ToList().ForEach(Forget);
        }
    }

    private static TransportFault No(TransportFaultKind kind, string why = "") => new(kind, FaultEffect.NotSent, why);

    private void Forget(OpenNode node)
    {
        _open.Remove(node);
        node.Handle?.Dispose();
    }

    private sealed class Connection(OtherSmbLibrary library) : ISmbConnection
    {
        private readonly FakeSmb _pipes = new FakeSmb().Serve("winreg", Registry).Serve("svcctl", () => new FakeServiceControl()).Serve("InitShutdown", Shutdown);

        public bool IsCut { get; set; }

        public SmbSecurity Security => new("3.1.1", "AES-128-GMAC", "AES-128-GCM", library.IsGuest);

        public ValueTask<TransportResult<ISmbFile>> OpenFileAsync(string share, string path, SmbOpen how, CancellationToken cancellationToken)
        {
            lock (library._lock)
            {
                if (Refuse(cancellationToken) is { } refusal)
                {
                    return new(refusal);
                }

                var at = Path.Combine(library.Root, path.Replace('\\', '/'));
                var isThere = Path.Exists(at);
                if (how.Disposition is not SmbDisposition.OpenOrCreate && isThere == how.Disposition is SmbDisposition.Create)
                {
                    return new(No(isThere ? TransportFaultKind.AlreadyExists : TransportFaultKind.NotFound, path));
                }

                if (library._open.Any(o => o.Path == at && !Agree(o.How, how)))
                {
                    return new(No(TransportFaultKind.Busy, "another opener does not share it"));
                }

                var isFolder = isThere ? System.IO.Directory.Exists(at) : how.Kind is SmbNodeKind.Directory;
                if (how.Kind is not SmbNodeKind.Any && isFolder != how.Kind is SmbNodeKind.Directory)
                {
                    return new(No(TransportFaultKind.NotFound, path));
                }

                if (!isThere && isFolder)
                {
                    System.IO.Directory.CreateDirectory(at);
                }

                var handle = isFolder ? null : File.OpenHandle(at, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete);
                var node = new OpenNode(library, this, at, how, handle, !isThere);
                library._open.Add(node);
                return new(TransportResult<ISmbFile>.From(node));
            }
        }

        public ValueTask<TransportResult<SmbEntry>> LookAsync(string share, string path, CancellationToken cancellationToken)
        {
            var at = Path.Combine(library.Root, path.Replace('\\', '/'));
            return new(Refuse(cancellationToken) is { } refusal ? refusal : Path.Exists(at) ? Describe(at) : No(TransportFaultKind.NotFound, path));
        }

        public ValueTask<TransportResult<ISmbPipe>> OpenPipeAsync(string name, CancellationToken cancellationToken) =>
            Refuse(cancellationToken) is { } refusal ? new(refusal) : _pipes.OpenPipeAsync(name, cancellationToken);

        public ValueTask<TransportResult<SmbVolume>> QueryVolumeAsync(string share, CancellationToken cancellationToken) =>
            new(Refuse(cancellationToken) is { } refusal ? refusal : new SmbVolume(33_470_464, 30_000_000, library.FileSystem, IsReadOnly: false));

        public TransportFault? Refuse(CancellationToken cancellationToken) =>
            cancellationToken.IsCancellationRequested ? No(TransportFaultKind.Cancelled) : IsCut ? No(TransportFaultKind.Lost) : null;

        public ValueTask DisposeAsync()
        {
            lock (library._lock)
            {
                IsCut = true;
                library._open.Where(o => o.Owner == this).ToList().ForEach(library.Forget);
            }

            return ValueTask.CompletedTask;
        }

        private static bool Agree(SmbOpen first, SmbOpen second) => Allows(first.Sharing, second.Access) && Allows(second.Sharing, first.Access);

        private static bool Allows(SmbSharing sharing, SmbAccess access) =>
            (!access.HasFlag(SmbAccess.Read) || sharing.HasFlag(SmbSharing.Read))
            && (!access.HasFlag(SmbAccess.Write) || sharing.HasFlag(SmbSharing.Write))
            && (!access.HasFlag(SmbAccess.Delete) || sharing.HasFlag(SmbSharing.Delete));

        private static FakeRegistry Registry() => new FakeRegistry()
            .AddText(@"HARDWARE\DESCRIPTION\System\BIOS", "SystemManufacturer", "HPE")
            .AddText(@"HARDWARE\DESCRIPTION\System\BIOS", "SystemProductName", OtherSmbLibraryTests.HostileProduct)
            .AddText(@"HARDWARE\DESCRIPTION\System\BIOS", "BIOSVersion", "1.0")
            .AddText(@"SYSTEM\HardwareConfig", "LastConfig", "{00112233-4455-6677-8899-aabbccddeeff}")
            .AddText(@"SOFTWARE\RomFlash.Sdk", "Arming", "capsule-file-only")
            .Add(@"SYSTEM\CurrentControlSet\Control\Session Manager\Memory Management\PrefetchParameters", "BootId", 4, [7, 0, 0, 0]);

        private static FakeRpcServer Shutdown()
        {
            var server = new FakeRpcServer(new Guid("894de0c0-0d55-11d3-a322-00c04fa321a1"), 1, 0);
            server.Operations[1] = _ => new WireBuilder().U32(0);
            server.Operations[2] = _ => new WireBuilder().U32(0);
            return server;
        }
    }

    private static SmbEntry Describe(string at) =>
        System.IO.Directory.Exists(at) ? new(Path.GetFileName(at), 0, true, new DirectoryInfo(at).LinkTarget is not null) : new(Path.GetFileName(at), new FileInfo(at).Length, false, new FileInfo(at).LinkTarget is not null);

    private sealed class OpenNode(OtherSmbLibrary library, Connection owner, string path, SmbOpen how, SafeFileHandle? handle, bool isNew) : ISmbFile
    {
        private bool _isDeleted;

        public string Path { get; private set; } = path;

        public SmbOpen How => how;

        public Connection Owner => owner;

        public SafeFileHandle? Handle => handle;

        public SmbEntry Entry { get; } = Describe(path);

        public bool IsNew => isNew;

        public ValueTask<TransportResult<int>> ReadAsync(long offset, Memory<byte> buffer, CancellationToken cancellationToken) =>
            new(owner.Refuse(cancellationToken) is { } refusal ? refusal : RandomAccess.Read(handle!, buffer.Span, offset));

        public ValueTask<TransportResult<Done>> WriteAsync(long offset, ReadOnlyMemory<byte> data, CancellationToken cancellationToken)
        {
            if (owner.Refuse(cancellationToken) is { } refusal)
            {
                return new(refusal);
            }

            RandomAccess.Write(handle!, data.Span, offset);
            return new(default(Done));
        }

        public ValueTask<TransportResult<Done>> FlushAsync(CancellationToken cancellationToken) => new(owner.Refuse(cancellationToken) is { } refusal ? refusal : default(Done));

        public ValueTask<TransportResult<Done>> RenameAsync(string path, bool replace, CancellationToken cancellationToken)
        {
            if (owner.Refuse(cancellationToken) is { } refusal)
            {
                return new(refusal);
            }

            var to = System.IO.Path.Combine(library.Root, path.Replace('\\', '/'));
            if (System.IO.Path.Exists(to) && (!replace || System.IO.Directory.Exists(to)))
            {
                return new(No(TransportFaultKind.AlreadyExists, path));
            }

            if (handle is null)
            {
                System.IO.Directory.Move(Path, to);
            }
            else
            {
                File.Move(Path, to, overwrite: true);
            }

            Path = to;
            return new(default(Done));
        }

        public ValueTask<TransportResult<Done>> DeleteAsync(CancellationToken cancellationToken)
        {
            if (owner.Refuse(cancellationToken) is { } refusal)
            {
                return new(refusal);
            }

            if (handle is null && System.IO.Directory.EnumerateFileSystemEntries(Path).Any())
            {
                return new(No(TransportFaultKind.Busy, "it is not empty"));
            }

            _isDeleted = true;
            return new(default(Done));
        }

        public ValueTask<TransportResult<ImmutableArray<SmbEntry>>> ListAsync(int maxEntries, CancellationToken cancellationToken) =>
            new(owner.Refuse(cancellationToken) is { } refusal ? refusal : System.IO.Directory.EnumerateFileSystemEntries(Path).Select(Describe).ToImmutableArray());

        public ValueTask<TransportResult<Done>> CloseAsync(CancellationToken cancellationToken)
        {
            lock (library._lock)
            {
                if (library._open.Contains(this))
                {
                    library.Forget(this);
                    if (_isDeleted && handle is null)
                    {
                        System.IO.Directory.Delete(Path);
                    }
                    else if (_isDeleted)
                    {
                        File.Delete(Path);
                    }
                }
            }

            return new(default(Done));
        }

        public async ValueTask DisposeAsync() => await CloseAsync(CancellationToken.None);
    }

    private string Root => root;
}
