using System.Diagnostics;
using System.Text;
using RomFlash.Sdk.Tests.Journal;
using RomFlash.Sdk.Transports;
using RomFlash.Sdk.Transports.Inventory;
using RomFlash.Sdk.Transports.Ssh;
using RomFlash.Sdk.Transports.Ssh.Connection;
using RomFlash.Sdk.Transports.SystemPartitions;

namespace RomFlash.Sdk.Tests.Transports.Ssh;

/// <summary>Runs scripts by this machine's own shell, bounded as a session bounds them, with a folder for the target's root.</summary>
internal sealed class LocalScripts(string root) : IRemoteScripts
{
    public string Root => root;

    /// <summary>What was run, and what it left.</summary>
    public List<(string Script, ShellReply Reply)> Ran { get; } = [];

    /// <summary>Comes before each script: a function there stands in for a program.</summary>
    public string Before { get; set; } = string.Empty;

    public async ValueTask<ShellReply> RunAsync(string script, ShellRequest request, CancellationToken cancellationToken)
    {
        if (ShellText.Encoding.GetByteCount(script) > RemoteShell.MaxScript)
        {
            throw new ArgumentException("the script is too long", nameof(script));
        }

        var start = new ProcessStartInfo("/bin/sh", ["-c", Before + script]) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = "/" };
        start.Environment["LC_ALL"] = "C";
        using var process = Process.Start(start)!;
        process.StandardInput.Close();
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        deadline.CancelAfter(request.Timeout);
        try
        {
            var output = ReadAsync(process.StandardOutput.BaseStream, request.MaxOutput + 1, deadline.Token);
            var errors = ReadAsync(process.StandardError.BaseStream, request.MaxErrors, deadline.Token);
            await process.WaitForExitAsync(deadline.Token);
            var reply = new ShellReply(process.ExitCode, await output, await errors);
            Ran.Add((script, reply));
            return reply.Output.Length <= request.MaxOutput ? reply
                : throw new PartitionFaultException(new TransportFault(TransportFaultKind.ProtocolViolation, FaultEffect.MayHaveApplied, $"the answer has more than {request.MaxOutput} bytes"));
        }
        catch (OperationCanceledException)
        {
            throw new PartitionFaultException(new TransportFault(cancellationToken.IsCancellationRequested ? TransportFaultKind.Cancelled : TransportFaultKind.TimedOut, FaultEffect.MayHaveApplied));
        }
        finally
        {
            if (!process.HasExited)
            {
                process.Kill(entireProcessTree: true);
            }
        }
    }

    private static async Task<byte[]> ReadAsync(Stream stream, int max, CancellationToken cancellationToken)
    {
        using var kept = new MemoryStream();
        var buffer = new byte[64 * 1024];
        while (await stream.ReadAsync(buffer, cancellationToken) is > 0 and var read)
        {
            kept.Write(buffer, 0, (int)Math.Min(read, max - kept.Length));
        }

        return kept.ToArray();
    }
}

/// <summary>A folder that looks like the root of a Linux target, as far as somebody puts things there.</summary>
internal sealed class StagedTarget : IDisposable
{
    private readonly Scratch _scratch = new();

    public StagedTarget()
    {
        System.IO.Directory.CreateDirectory(Root);
        Scripts = new(Root);
    }

    // What has a meaning in a shell, and what would end a word, is in every path.
    public string Root => _scratch["a target's $(root) [*]"];

    public LocalScripts Scripts { get; }

    public string PathOf(string path) => Root + path;

    public StagedTarget Put(string path, string text) => Put(path, Encoding.UTF8.GetBytes(text));

    public StagedTarget Put(string path, byte[] bytes)
    {
        System.IO.Directory.CreateDirectory(Path.GetDirectoryName(PathOf(path))!);
        File.WriteAllBytes(PathOf(path), bytes);
        return this;
    }

    public StagedTarget Folder(string path)
    {
        System.IO.Directory.CreateDirectory(PathOf(path));
        return this;
    }

    public StagedTarget Link(string path, string to)
    {
        System.IO.Directory.CreateDirectory(Path.GetDirectoryName(PathOf(path))!);
        File.CreateSymbolicLink(PathOf(path), to);
        return this;
    }

    public StagedTarget Remove(string path)
    {
        File.Delete(PathOf(path));
        return this;
    }

    /// <summary>Puts an EFI variable there, as efivarfs shows it.</summary>
    public StagedTarget Variable(string name, uint attributes, params byte[] value) =>
        Put($"/sys/firmware/efi/efivars/{name}-8be4df61-93ca-11d2-aa0d-00e098032b8c", [.. BitConverter.GetBytes(attributes), .. value]);

    /// <summary>Puts a variable there in which firmware leaves what became of capsules.</summary>
    public StagedTarget CapsuleVariable(string name, params byte[] value) => Put($"/sys/firmware/efi/efivars/{name}-{CapsuleReport.Vendor}", [7, 0, 0, 0, .. value]);

    public byte[] VariableBytes(string name) => File.ReadAllBytes(PathOf($"/sys/firmware/efi/efivars/{name}-8be4df61-93ca-11d2-aa0d-00e098032b8c"));

    /// <summary>Puts a boot entry there that boots from a GPT partition.</summary>
    public StagedTarget BootEntry(ushort number, Guid? partition, bool isActive = true) => Variable($"Boot{number:X4}", 7, LoadOptions.Of(partition, isActive));

    /// <summary>Has it mounted; its device's numbers name its udev record.</summary>
    public StagedTarget Mount(string point, string fileSystem = "vfat", string device = "8:1", string options = "rw,relatime", string folder = "/", string super = "rw,errors=remount-ro")
    {
        Folder(point);
        var path = PathOf("/proc/self/mountinfo");
        System.IO.Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        var id = 30 + (File.Exists(path) ? File.ReadAllLines(path).Length : 0);
        File.AppendAllText(path, $"{id} 1 {device} {folder} {point.Replace(" ", "\\040", StringComparison.Ordinal)} {options} shared:7 - {fileSystem} /dev/x {super}\n");
        return this;
    }

    public StagedTarget Partition(string device, Guid uuid, string type = "c12a7328-f81f-11d2-ba4b-00a0c93ec93b", string scheme = "gpt") => Put(
        $"/run/udev/data/b{device}",
        $"S:disk/by-uuid/1234-ABCD\nE:ID_FS_TYPE=vfat\nE:ID_PART_ENTRY_SCHEME={scheme}\nE:ID_PART_ENTRY_UUID={uuid}\nE:ID_PART_ENTRY_TYPE={type}\nE:ID_PART_ENTRY_NUMBER=1\nG:systemd\n");

    public void Dispose() => _scratch.Dispose();
}

/// <summary>Values of Boot#### variables.</summary>
internal static class LoadOptions
{
    public static byte[] Of(Guid? partition, bool isActive = true, string description = "Linux")
    {
        byte[] file = [4, 4, 10, 0, .. Encoding.Unicode.GetBytes("\\a\0")];
        byte[] path = [2, 1, 12, 0, 0xD0, 0x41, 3, 0x0A, 0, 0, 0, 0, .. partition is { } id ? HardDrive(id) : [], .. file, 0x7F, 0xFF, 4, 0];
        return [.. BitConverter.GetBytes(isActive ? 1u : 0u), .. BitConverter.GetBytes((ushort)path.Length), .. Encoding.Unicode.GetBytes(description + "\0"), .. path, 1, 2, 3];
    }

    public static byte[] HardDrive(Guid id, byte format = 2, byte signature = 2) =>
        [4, 1, 42, 0, 1, 0, 0, 0, .. BitConverter.GetBytes(2048L), .. BitConverter.GetBytes(1048576L), .. id.ToByteArray(), format, signature];
}
