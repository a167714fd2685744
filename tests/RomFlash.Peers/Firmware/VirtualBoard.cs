using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace RomFlash.Peers.Firmware;

/// <summary>
/// A machine that QEMU plays, with real firmware in its flash: U-Boot takes the capsules on its disk and writes them to that flash. Between the boots its system partition is a folder, which a boot turns into a disk
/// and back. One boot at a time. Never by KVM; whatever runs is ended with the board, however its owner ends.
/// </summary>
public sealed class VirtualBoard : IAsyncDisposable
{
    /// <summary>Where the second ROM begins in the flash, in bytes.</summary>
    public const int ArrayOffset = 2 << 20;

    // QEMU's two flash chips, and a disk whose partition is as large as the boot option of a staged machine says: sectors of 512 bytes.
    private const long FlashBytes = 64 << 20;
    private const long FirstSector = 2048;
    private const long Sectors = 1_048_576;

    // What is printed before boot options are tried, and after capsules were looked for.
    private const string LooksFurther = "no kernel available";

    private const int MaxBoots = 4;
    private const int StatusOffset = 40;

    private static readonly TimeSpan BootTimeout = TimeSpan.FromMinutes(5);

    // A firmware that lives says something after half a second of QEMU's processor time, and one that is dead runs in circles. Not by the clock: on a machine that has other things to do, that goes on while QEMU stands.
    private static readonly TimeSpan QuietProcessorTime = TimeSpan.FromSeconds(8);
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(200);

    private readonly PeerFolder _folder;

    private VirtualBoard(PeerFolder folder, FirmwareBuild firmware)
    {
        _folder = folder;
        Firmware = firmware;
        Variables = [.. FirstVariables()];
    }

    /// <summary>What runs on it.</summary>
    public FirmwareBuild Firmware { get; }

    /// <summary>The GUID of its system partition.</summary>
    public static Guid PartitionId { get; } = new("5a0b7f4c-9c1e-4b7d-8f53-0d1e2c3b4a59");

    /// <summary>The variables that are stored, as they are between boots.</summary>
    public IReadOnlyList<FirmwareVariable> Variables { get; set; }

    /// <summary>A folder of its own that is gone with it.</summary>
    public string Folder => _folder.Path;

    /// <summary>The processes that run for it.</summary>
    public IReadOnlyList<int> Processes => _folder.Processes();

    private string Flash => _folder.Combine("flash0");

    private string Disk => _folder.Combine("disk");

    private string DeviceTree => _folder.Combine("tree");

    /// <summary>Makes one, with version 1 of each ROM in its flash.</summary>
    /// <param name="firmware">What runs on it.</param>
    /// <param name="trusts">Whose capsules it takes, where it asks for signatures.</param>
    /// <returns>The board, switched off.</returns>
    public static async Task<VirtualBoard> CreateAsync(FirmwareBuild firmware, FirmwareSigner? trusts = null)
    {
        ArgumentNullException.ThrowIfNull(firmware);
        var board = new VirtualBoard(PeerFolder.Create(null, "romflash-board-"), firmware);
        try
        {
            foreach (var name in new[] { "flash0", "flash1" })
            {
                using var flash = File.Create(board._folder.Combine(name));
                flash.SetLength(FlashBytes);
            }

            await board.WriteFlashAsync(0, firmware.Rom(1));
            await board.WriteFlashAsync(ArrayOffset, FirmwareBuild.ArrayRom(1));
            if (trusts is not null)
            {
                await board.TrustAsync(trusts);
            }

            return board;
        }
        catch
        {
            await board.DisposeAsync();
            throw;
        }
    }

    /// <summary>Reads its flash, as a programmer's clip does.</summary>
    /// <param name="offset">From where, in bytes.</param>
    /// <param name="length">How many bytes.</param>
    /// <returns>What is there.</returns>
    public async Task<byte[]> ReadFlashAsync(long offset, int length)
    {
        var bytes = new byte[length];
        using var flash = File.OpenHandle(Flash, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        for (var done = 0; done < length;)
        {
            var read = await RandomAccess.ReadAsync(flash, bytes.AsMemory(done), offset + done);
            done += read > 0 ? read : throw new EndOfStreamException();
        }

        return bytes;
    }

    /// <summary>Writes its flash, as a programmer's clip does.</summary>
    /// <param name="offset">From where, in bytes.</param>
    /// <param name="content">What.</param>
    /// <returns>A task that ends when it is written.</returns>
    public async Task WriteFlashAsync(long offset, byte[] content)
    {
        using var flash = File.OpenHandle(Flash, FileMode.Open, FileAccess.Write, FileShare.ReadWrite);
        await RandomAccess.WriteAsync(flash, content, offset);
    }

    /// <summary>Which ROM of its own lies in its flash: a version, or 0 for something else.</summary>
    /// <param name="offset">From where; 0 or <see cref="ArrayOffset"/>.</param>
    /// <returns>The version, byte for byte.</returns>
    public async Task<int> FlashedVersionAsync(long offset = 0)
    {
        var there = await ReadFlashAsync(offset, (offset == 0 ? Firmware.Rom(1) : FirmwareBuild.ArrayRom(1)).Length);
        return Enumerable.Range(1, 9).FirstOrDefault(v => there.AsSpan().SequenceEqual(offset == 0 ? Firmware.Rom(v) : FirmwareBuild.ArrayRom(v)));
    }

    /// <summary>Switches it on with a folder as its system partition, and waits until firmware has done what it does before an operating system starts; whatever it has made of the partition is in the folder then.</summary>
    /// <param name="tree">The folder; null for an empty disk.</param>
    /// <param name="cut">Asked again and again while it runs: true cuts the power.</param>
    /// <returns>What was seen.</returns>
    public async Task<BoardBoot> BootAsync(string? tree, Func<bool>? cut = null)
    {
        await MakeDiskAsync(tree);
        var (console, end) = await RunAsync(cut);
        if (tree is not null)
        {
            try
            {
                await ReadDiskAsync(tree);
            }
            catch (Exception e) when (end is BoardEnd.PowerCut && e is InvalidOperationException or IOException or InvalidDataException)
            {
                // Cut in the middle of a write to the disk: the folder stays as it was, and the firmware begins with its first variables, as with a store that it can't read.
                Variables = [.. FirstVariables()];
            }
        }

        return new(console, end, FirmwareBuild.VersionIn(console));
    }

    /// <summary>What a machine that is switched on does until it has come to rest: where firmware restarts it, or the power was cut and is back, it boots again.</summary>
    /// <param name="tree">As for <see cref="BootAsync"/>.</param>
    /// <param name="cut">The same, for the first boot.</param>
    /// <returns>The boots.</returns>
    public async Task<IReadOnlyList<BoardBoot>> BootThroughAsync(string? tree, Func<bool>? cut = null)
    {
        var boots = new List<BoardBoot> { await BootAsync(tree, cut) };
        while (boots[^1].End is BoardEnd.Restarted or BoardEnd.PowerCut && boots.Count < MaxBoots)
        {
            boots.Add(await BootAsync(tree));
        }

        return boots;
    }

    /// <summary>What the firmware says of the last capsule that it took (CapsuleStatus of UEFI 2.10, 8.5.6); null when it says nothing.</summary>
    public ulong? LastResult => Results.LastOrDefault() is { } last ? BitConverter.ToUInt64(last.Value, StatusOffset) : null;

    /// <summary>The variables in which it says so, in their order.</summary>
    public IEnumerable<FirmwareVariable> Results => Variables.Where(v => v.Vendor == FirmwareVariable.CapsuleReport && v.Name.Length == "Capsule####".Length && v.Value.Length >= StatusOffset + 8).OrderBy(v => v.Name, StringComparer.Ordinal);

    /// <summary>A place of the flash, read at any time and cheaply: for a power cut at a moment of a write.</summary>
    /// <param name="offset">In bytes.</param>
    /// <returns>What gives the byte there.</returns>
    public FlashProbe Probe(long offset) => new(Flash, offset);

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _folder.DisposeAsync();

    // A boot option by the partition's own name (UEFI 2.10, 3.1.3 and 10.3.5.1).
    private static IEnumerable<FirmwareVariable> FirstVariables()
    {
        byte[] path = [4, 1, 42, 0, 1, 0, 0, 0, .. BitConverter.GetBytes(FirstSector), .. BitConverter.GetBytes(Sectors), .. PartitionId.ToByteArray(), 2, 2, 0x7F, 0xFF, 4, 0];
        yield return new("Boot0000", FirmwareVariable.Global, FirmwareVariable.Stored, [1, 0, 0, 0, (byte)path.Length, 0, .. Encoding.Unicode.GetBytes("disk\0"), .. path]);
        yield return new("BootOrder", FirmwareVariable.Global, FirmwareVariable.Stored, [0, 0]);
    }

    private static Task<PeerResult> ToolAsync(string name, string package, IEnumerable<string> arguments, string? input = null) => PeerProgram.RunAsync(PeerProgram.Find(name, package), arguments, input);

    // Firmware takes the key from the machine's device tree (U-Boot, lib/efi_loader/efi_capsule.c).
    private async Task TrustAsync(FirmwareSigner signer)
    {
        (await ToolAsync("qemu-system-aarch64", "qemu-system-arm", ["-accel", "tcg", "-M", "virt,dumpdtb=" + DeviceTree, "-cpu", "cortex-a57", "-m", "512", "-nographic", "-nodefaults"])).Required("qemu-system-aarch64");
        (await ToolAsync("fdtput", "device-tree-compiler", ["-c", DeviceTree, "/signature"])).Required("fdtput");
        (await ToolAsync("fdtput", "device-tree-compiler", ["-t", "bx", DeviceTree, "/signature", "capsule-key", .. signer.SignatureList().Select(b => b.ToString("x2", CultureInfo.InvariantCulture))])).Required("fdtput");
    }

    private async Task MakeDiskAsync(string? tree)
    {
        File.Delete(Disk);
        using (var disk = File.Create(Disk))
        {
            disk.SetLength((FirstSector + Sectors + 2048) * 512);
        }

        var table = string.Create(CultureInfo.InvariantCulture, $"label: gpt\nstart={FirstSector}, size={Sectors}, type=uefi, uuid={PartitionId:D}\n");
        (await ToolAsync("sfdisk", "fdisk", ["-q", Disk], table)).Required("sfdisk");
        (await ToolAsync("mkfs.vfat", "dosfstools", ["-F", "32", "-s", "8", "--offset", FirstSector.ToString(CultureInfo.InvariantCulture), Disk, (Sectors / 2).ToString(CultureInfo.InvariantCulture)])).Required("mkfs.vfat");
        if (tree is not null && Directory.EnumerateFileSystemEntries(tree).ToArray() is { Length: > 0 } entries)
        {
            (await MtoolAsync("mcopy", ["-s", "-p", "-Q", .. entries, "::"])).Required("mcopy");
        }

        var store = _folder.Combine(FirmwareVariableFile.Name);
        await File.WriteAllBytesAsync(store, FirmwareVariableFile.Write(Variables));
        (await MtoolAsync("mcopy", ["-o", store, "::" + FirmwareVariableFile.Name])).Required("mcopy");
    }

    // The firmware's own file is no part of the folder: it is the store.
    private async Task ReadDiskAsync(string tree)
    {
        var after = _folder.Combine("after");
        if (Directory.Exists(after))
        {
            Directory.Delete(after, recursive: true);
        }

        Directory.CreateDirectory(after);
        (await MtoolAsync("mcopy", ["-s", "-p", "-Q", "-n", "::*", after])).Required("mcopy");
        var store = Path.Combine(after, FirmwareVariableFile.Name);
        Variables = FirmwareVariableFile.Read(await File.ReadAllBytesAsync(store));
        File.Delete(store);
        foreach (var entry in new DirectoryInfo(tree).EnumerateFileSystemInfos())
        {
            if (entry is DirectoryInfo folder)
            {
                folder.Delete(recursive: true);
            }
            else
            {
                entry.Delete();
            }
        }

        Move(after, tree);
        Directory.Delete(after, recursive: true);

        static void Move(string from, string to)
        {
            foreach (var folder in Directory.GetDirectories(from))
            {
                Move(folder, Directory.CreateDirectory(Path.Combine(to, Path.GetFileName(folder))).FullName);
            }

            foreach (var file in Directory.GetFiles(from))
            {
                File.Copy(file, Path.Combine(to, Path.GetFileName(file)));
            }
        }
    }

    private async Task<PeerResult> MtoolAsync(string name, IEnumerable<string> arguments) =>
        await ToolAsync(name, "mtools", ["-i", string.Create(CultureInfo.InvariantCulture, $"{Disk}@@{FirstSector * 512}"), .. arguments]);

    private async Task<(string Console, BoardEnd End)> RunAsync(Func<bool>? cut)
    {
        string[] arguments =
        [
            "-accel", "tcg", "-M", "virt", "-cpu", "cortex-a57", "-m", "512", "-nographic", "-nodefaults", "-no-reboot", "-serial", "stdio",
            "-drive", $"if=pflash,format=raw,index=0,file={Flash}",
            "-drive", $"if=pflash,format=raw,index=1,file={_folder.Combine("flash1")}",
            "-drive", $"if=none,id=disk,format=raw,file={Disk}", "-device", "virtio-blk-device,drive=disk",
            .. File.Exists(DeviceTree) ? ["-dtb", DeviceTree] : Array.Empty<string>(),
        ];
        var start = new ProcessStartInfo(PeerProgram.Find("qemu-system-aarch64", "qemu-system-arm"), arguments) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        using var process = Process.Start(start)!;
        using var deadline = new CancellationTokenSource(BootTimeout);
        Task<bool>? cutting = null;
        var console = new StringBuilder();
        var end = BoardEnd.TimedOut;
        try
        {
            var errors = process.StandardError.ReadToEndAsync(deadline.Token);
            cutting = cut is null ? Task.FromResult(false) : Task.Factory.StartNew(() => CutAsync(process, cut, deadline.Token), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
            var buffer = new char[4096];
            for (int read; (read = await HeardAsync(process, process.StandardOutput.ReadAsync(buffer, deadline.Token).AsTask(), deadline.Token)) > 0;)
            {
                console.Append(buffer, 0, read);
                if (console.ToString().Contains(LooksFurther, StringComparison.Ordinal))
                {
                    end = BoardEnd.WentOn;
                    break;
                }
            }

            if (end is BoardEnd.TimedOut)
            {
                await process.WaitForExitAsync(deadline.Token);
                end = await cutting ? BoardEnd.PowerCut : process.ExitCode == 0 ? BoardEnd.Restarted : throw new InvalidOperationException($"QEMU ended with {process.ExitCode}: {await errors}");
            }
        }
        catch (Exception e) when (e is OperationCanceledException or TimeoutException)
        {
            // It does not come to anything: that is an answer as well.
        }
        finally
        {
            if (!process.HasExited)
            {
                process.Kill();
                await process.WaitForExitAsync(CancellationToken.None);
            }

            await deadline.CancelAsync();
            await (cutting ?? Task.FromResult(false));
        }

        return (console.ToString(), end);
    }

    // What it says next, unless it has run for too long without a word.
    private static async Task<int> HeardAsync(Process process, Task<int> reading, CancellationToken cancellationToken)
    {
        var before = ProcessorTime(process);
        while (await Task.WhenAny(reading, Task.Delay(Look, cancellationToken)) != reading)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (ProcessorTime(process) - before > QuietProcessorTime)
            {
                throw new TimeoutException();
            }
        }

        return await reading;
    }

    // Null for one that has ended: then its output ends as well.
    private static TimeSpan? ProcessorTime(Process process)
    {
        try
        {
            process.Refresh();
            return process.HasExited ? null : process.TotalProcessorTime;
        }
        catch (Exception e) when (e is InvalidOperationException or Win32Exception)
        {
            return null;
        }
    }

    // A thread of its own that looks a thousand times a second: a sector is empty for thirty milliseconds. Without a pause it would take from QEMU the time in which that is to write.
    private static bool CutAsync(Process process, Func<bool> cut, CancellationToken cancellationToken)
    {
        while (!process.HasExited && !cancellationToken.IsCancellationRequested)
        {
            if (cut())
            {
                process.Kill();
                return true;
            }

            Thread.Sleep(1);
        }

        return false;
    }
}

/// <summary>One byte of a flash, while the machine writes it.</summary>
public sealed class FlashProbe : IDisposable
{
    private readonly Microsoft.Win32.SafeHandles.SafeFileHandle _flash;
    private readonly long _offset;
    private readonly byte[] _byte = new byte[1];

    internal FlashProbe(string flash, long offset)
    {
        _flash = File.OpenHandle(flash, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        _offset = offset;
    }

    /// <summary>What is there now.</summary>
    public byte Value => RandomAccess.Read(_flash, _byte, _offset) == 1 ? _byte[0] : throw new EndOfStreamException();

    /// <inheritdoc/>
    public void Dispose() => _flash.Dispose();
}

/// <summary>How a boot ended.</summary>
public enum BoardEnd
{
    /// <summary>It went on to start an operating system.</summary>
    WentOn,

    /// <summary>It restarted by itself, as after a flash.</summary>
    Restarted,

    /// <summary>Its power was cut.</summary>
    PowerCut,

    /// <summary>Nothing came of it: it is dead.</summary>
    TimedOut,
}

/// <summary>A boot.</summary>
/// <param name="Console">What was printed.</param>
/// <param name="End">How it ended.</param>
/// <param name="Version">The version that its firmware told; null when it told none.</param>
public sealed record BoardBoot(string Console, BoardEnd End, int? Version);
