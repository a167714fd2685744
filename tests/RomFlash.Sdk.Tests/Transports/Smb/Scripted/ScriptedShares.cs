using System.Buffers.Binary;
using System.Text;

namespace RomFlash.Sdk.Tests.Transports.Smb.Scripted;

/// <summary>A disk share <c>ESP$</c> on a tree in memory, and <c>IPC$</c> with pipes that answer as the script says.</summary>
internal sealed class ScriptedShares(SmbScript script)
{
    private const uint DiskTree = 5;
    private const uint PipeTree = 6;

    private readonly Dictionary<ulong, Handle> _handles = [];
    private ulong _lastFile = 0x100;
    private ulong _related;

    public byte[] Answer(byte[] request)
    {
        lock (script.Tree.Gate)
        {
            var (status, body, treeId) = Answer(request, BinaryPrimitives.ReadUInt16LittleEndian(request.AsSpan(12)));
            var isError = status >= 0xC000_0000 || body.Length == 0;
            var answer = SmbMessages.Answer(request, status, isError ? SmbMessages.ErrorBody() : body);
            if (treeId != 0)
            {
                BinaryPrimitives.WriteUInt32LittleEndian(answer.AsSpan(36), treeId);
            }

            return answer;
        }
    }

    private static ushort U16(byte[] request, int offset) => BinaryPrimitives.ReadUInt16LittleEndian(request.AsSpan(64 + offset));

    private static uint U32(byte[] request, int offset) => BinaryPrimitives.ReadUInt32LittleEndian(request.AsSpan(64 + offset));

    private static string Text(byte[] request, int offset, int length) => Encoding.Unicode.GetString(request, offset, length);

    private (uint Status, byte[] Body, uint TreeId) Answer(byte[] request, ushort command)
    {
        var isPipe = BinaryPrimitives.ReadUInt32LittleEndian(request.AsSpan(36)) == PipeTree;
        return command switch
        {
            2 or 4 or 13 => (SmbMessages.Success, SmbMessages.Empty(), 0),
            3 => Connect(request),
            5 => (Create(request, isPipe, out var created), created, 0),
            6 => (Close(request), SmbMessages.Close(), 0),
            7 => (Find(request, 8) is null ? SmbMessages.FileClosed : SmbMessages.Success, SmbMessages.Empty(), 0),
            8 => (Read(request, out var read), read, 0),
            9 => (Write(request, out var written), written, 0),
            11 => (Control(request, out var controlled), controlled, 0),
            14 => (List(request, out var listed), listed, 0),
            16 => (Query(request, out var queried), queried, 0),
            17 => (Set(request), [2, 0], 0),
            _ => (SmbMessages.NotSupported, [], 0),
        };
    }

    private static (uint Status, byte[] Body, uint TreeId) Connect(byte[] request)
    {
        var path = Text(request, U16(request, 4), U16(request, 6));
        var share = path[(path.LastIndexOf('\\') + 1)..];
        return share.ToUpperInvariant() switch
        {
            "IPC$" => (SmbMessages.Success, SmbMessages.TreeConnect(isPipe: true), PipeTree),
            "ESP$" => (SmbMessages.Success, SmbMessages.TreeConnect(isPipe: false), DiskTree),
            _ => (SmbMessages.BadNetworkName, [], 0),
        };
    }

    private Handle? Find(byte[] request, int offset)
    {
        var file = BinaryPrimitives.ReadUInt64LittleEndian(request.AsSpan(64 + offset));
        return _handles.GetValueOrDefault(file == ulong.MaxValue ? _related : file);
    }

    // 2.2.13: the disposition and the options, as far as they matter.
    private uint Create(byte[] request, bool isPipe, out byte[] body)
    {
        body = [];
        var path = Text(request, U16(request, 44), U16(request, 46));
        var (disposition, options) = (U32(request, 36), U32(request, 40));
        if (isPipe)
        {
            if (path is not ("echo" or "winreg" or "srvsvc"))
            {
                return SmbMessages.ObjectNameNotFound;
            }

            body = SmbMessages.Create(Add(new(path, IsPipe: true)), 1, null);
            return SmbMessages.Success;
        }

        var node = script.Tree[path];
        if (node is null && !script.Tree.HasParent(path))
        {
            return SmbMessages.PathNotFound;
        }

        if (node is null && disposition is 1 or 4)
        {
            return SmbMessages.ObjectNameNotFound;
        }

        if (node is not null && disposition == 2)
        {
            return SmbMessages.ObjectNameCollision;
        }

        if (node is { IsDirectory: true } && (options & 0x40) != 0)
        {
            return SmbMessages.FileIsDirectory;
        }

        if (node is { IsDirectory: false } && (options & 1) != 0)
        {
            return SmbMessages.NotADirectory;
        }

        var action = node is null ? 2u : disposition is 0 or 4 or 5 ? 3u : 1u;
        node ??= script.Tree[path] = new() { IsDirectory = (options & 1) != 0 };
        node.Content = action == 3 ? [] : node.Content;
        body = SmbMessages.Create(Add(new(path, IsPipe: false) { DeletesOnClose = (options & 0x1000) != 0 }), action, node);
        return SmbMessages.Success;

        ulong Add(Handle handle)
        {
            _handles[_related = ++_lastFile] = handle;
            return _related;
        }
    }

    private uint Close(byte[] request)
    {
        if (Find(request, 8) is not { } handle)
        {
            return SmbMessages.FileClosed;
        }

        if (handle.DeletesOnClose)
        {
            script.Tree[handle.Path] = null;
        }

        _handles.Remove(_handles.First(h => h.Value == handle).Key);
        return SmbMessages.Success;
    }

    private uint Read(byte[] request, out byte[] body)
    {
        body = [];
        var (length, offset) = ((int)U32(request, 4), BinaryPrimitives.ReadInt64LittleEndian(request.AsSpan(64 + 8)));
        if (Find(request, 16) is not { } handle)
        {
            return SmbMessages.FileClosed;
        }

        if (handle.IsPipe)
        {
            return FromPipe(handle, length, out var piece) is var status && piece.Length > 0 ? Give(status, SmbMessages.Read(piece), out body) : SmbMessages.EndOfFile;
        }

        if (script.Tree[handle.Path] is not { IsDirectory: false } node)
        {
            return SmbMessages.InvalidParameter;
        }

        if (offset >= node.Content.Length)
        {
            return SmbMessages.EndOfFile;
        }

        body = SmbMessages.Read(node.Content.AsSpan((int)offset, Math.Min(length, node.Content.Length - (int)offset)));
        return SmbMessages.Success;
    }

    private static uint Give(uint status, byte[] answer, out byte[] body)
    {
        body = answer;
        return status;
    }

    private uint Write(byte[] request, out byte[] body)
    {
        var data = request.AsSpan(U16(request, 2), (int)U32(request, 4));
        var offset = (int)BinaryPrimitives.ReadInt64LittleEndian(request.AsSpan(64 + 8));
        body = SmbMessages.Write(data.Length);
        if (Find(request, 16) is not { } handle)
        {
            return SmbMessages.FileClosed;
        }

        if (handle.IsPipe)
        {
            handle.Waiting = script.OnPipe(data.ToArray());
            return SmbMessages.Success;
        }

        if (script.Tree[handle.Path] is not { IsDirectory: false } node)
        {
            return SmbMessages.InvalidParameter;
        }

        if (node.Content.Length < offset + data.Length)
        {
            var longer = node.Content;
            Array.Resize(ref longer, offset + data.Length);
            node.Content = longer;
        }

        data.CopyTo(node.Content.AsSpan(offset));
        return SmbMessages.Success;
    }

    private uint Control(byte[] request, out byte[] body)
    {
        body = [];
        var input = request.AsSpan((int)U32(request, 24), (int)U32(request, 28)).ToArray();
        switch (U32(request, 4))
        {
            case 0x0014_0204:
                body = SmbMessages.Ioctl(request, SmbMessages.ValidateNegotiate(script));
                return SmbMessages.Success;
            case 0x0011_C017 when Find(request, 8) is { IsPipe: true } handle:
                handle.Waiting = script.OnPipe(input);
                var status = FromPipe(handle, (int)U32(request, 44), out var piece);
                body = SmbMessages.Ioctl(request, piece);
                return status;
            default:
                return SmbMessages.NotSupported;
        }
    }

    // A message that is longer than what is asked for goes on with the next read (MS-SMB2, 3.3.5.12 and 3.3.5.15.10).
    private static uint FromPipe(Handle handle, int length, out byte[] piece)
    {
        piece = handle.Waiting[..Math.Min(length, handle.Waiting.Length)];
        handle.Waiting = handle.Waiting[piece.Length..];
        return handle.Waiting.Length > 0 ? SmbMessages.BufferOverflow : SmbMessages.Success;
    }

    private uint List(byte[] request, out byte[] body)
    {
        body = [];
        if (Find(request, 8) is not { } handle || script.Tree[handle.Path] is not { IsDirectory: true } node)
        {
            return SmbMessages.InvalidParameter;
        }

        var isIdBoth = request[64 + 2] == 37;
        if (!isIdBoth && request[64 + 2] != 1)
        {
            return SmbMessages.NotSupported;
        }

        handle.Listed = (request[64 + 3] & 1) != 0 ? 0 : handle.Listed;
        List<(string Name, MemoryTree.Node Node)> entries = [(".", node), ("..", node), .. script.Tree.Children(handle.Path)];
        if (Text(request, U16(request, 24), U16(request, 26)) is var pattern and not "*")
        {
            // A name and nothing else: smbclient removes whatever it is given.
            entries.RemoveAll(e => !e.Name.Equals(pattern, StringComparison.OrdinalIgnoreCase));
        }

        var (room, count) = ((int)U32(request, 28), 0);
        foreach (var (name, _) in entries.Skip(handle.Listed))
        {
            room -= ((isIdBoth ? 104 : 64) + (2 * name.Length) + 7) & ~7;
            if (room < 0)
            {
                break;
            }

            count++;
        }

        if (count == 0)
        {
            return SmbMessages.NoMoreFiles;
        }

        body = SmbMessages.Output(SmbMessages.Listing(entries[handle.Listed..(handle.Listed + count)], isIdBoth));
        handle.Listed += count;
        return SmbMessages.Success;
    }

    // MS-FSCC, 2.4 and 2.5: what the client asks for, and what smbclient does.
    private uint Query(byte[] request, out byte[] body)
    {
        body = [];
        if (Find(request, 24) is not { } handle)
        {
            return SmbMessages.FileClosed;
        }

        var node = script.Tree[handle.Path];
        var output = new byte[104];
        switch ((request[64 + 2], request[64 + 3]))
        {
            case (2, 5):
                BinaryPrimitives.WriteUInt32LittleEndian(output.AsSpan(4), 255);
                BinaryPrimitives.WriteUInt32LittleEndian(output.AsSpan(8), 10);
                Encoding.Unicode.GetBytes("FAT32").CopyTo(output, 12);
                output = output[..22];
                break;
            case (2, 3) or (2, 7):
                BinaryPrimitives.WriteInt64LittleEndian(output, 1 << 16);
                BinaryPrimitives.WriteInt64LittleEndian(output.AsSpan(8), 1 << 15);
                BinaryPrimitives.WriteInt64LittleEndian(output.AsSpan(16), 1 << 15);
                var at = request[64 + 3] == 3 ? 16 : 24;
                BinaryPrimitives.WriteUInt32LittleEndian(output.AsSpan(at), 8);
                BinaryPrimitives.WriteUInt32LittleEndian(output.AsSpan(at + 4), 512);
                output = output[..(at + 8)];
                break;
            case (1, 18):
                BinaryPrimitives.WriteUInt32LittleEndian(output.AsSpan(32), SmbMessages.Attributes(node));
                BinaryPrimitives.WriteInt64LittleEndian(output.AsSpan(40), node?.Content.Length ?? 0);
                BinaryPrimitives.WriteInt64LittleEndian(output.AsSpan(48), node?.Content.Length ?? 0);
                output[60] = (byte)(node is { IsDirectory: true } ? 1 : 0);
                break;
            default:
                return SmbMessages.NotSupported;
        }

        body = SmbMessages.Output(output);
        return SmbMessages.Success;
    }

    private uint Set(byte[] request)
    {
        var (at, length) = (U16(request, 8), (int)U32(request, 4));
        if (Find(request, 16) is not { } handle || script.Tree[handle.Path] is not { } node)
        {
            return SmbMessages.FileClosed;
        }

        switch ((request[64 + 2], request[64 + 3]))
        {
            case (1, 4):
                return SmbMessages.Success;
            case (1, 10):
                var path = Text(request, at + 20, BinaryPrimitives.ReadInt32LittleEndian(request.AsSpan(at + 16))).TrimStart('\\');
                if (script.Tree[path] is { } other && !ReferenceEquals(other, node) && (other.IsDirectory || request[at] == 0))
                {
                    return SmbMessages.ObjectNameCollision;
                }

                script.Tree[handle.Path] = null;
                script.Tree[path] = node;
                handle.Path = path;
                return SmbMessages.Success;
            case (1, 13):
                if (request[at] != 0 && node.IsDirectory && script.Tree.Children(handle.Path).Count > 0)
                {
                    return SmbMessages.DirectoryNotEmpty;
                }

                handle.DeletesOnClose = request[at] != 0;
                return SmbMessages.Success;
            case (1, 20) when length >= 8:
                var content = node.Content;
                Array.Resize(ref content, (int)BinaryPrimitives.ReadInt64LittleEndian(request.AsSpan(at)));
                node.Content = content;
                return SmbMessages.Success;
            default:
                return SmbMessages.NotSupported;
        }
    }

    private sealed record Handle(string Path, bool IsPipe)
    {
        public string Path { get; set; } = Path;

        public bool DeletesOnClose { get; set; }

        public byte[] Waiting { get; set; } = [];

        public int Listed { get; set; }

        public bool Equals(Handle? other) => ReferenceEquals(this, other);

        public override int GetHashCode() => System.Runtime.CompilerServices.RuntimeHelpers.GetHashCode(this);
    }
}
