using RomFlash.Sdk.Probing;
using RomFlash.Sdk.Transports;
using RomFlash.Sdk.Transports.Ssh;
using RomFlash.Sdk.Transports.Ssh.Facts;
using RomFlash.Sdk.Transports.Ssh.Firmware;
using RomFlash.Sdk.Transports.SystemPartitions;

namespace RomFlash.Sdk.Tests.Transports.Ssh.Facts;

/// <summary>Which mounted volume is taken for the system partition, and what is told of it, in a folder that looks like a target's root.</summary>
[Trait("Category", "Peer")]
public sealed class VolumeFactsTests : IDisposable
{
    private const string Other = "bc13c2ff-59e6-4262-a352-b275fd6f7172";

    private static readonly Guid One = new("11111111-2222-3333-4444-555555555501");
    private static readonly Guid Two = new("11111111-2222-3333-4444-555555555502");

    private readonly StagedTarget _target = new();

    public VolumeFactsTests() => _target.Mount("/", "ext4", "253:1").Mount("/proc", "proc", "0:21");

    private VolumeFacts Volumes => new(_target.Scripts);

    public void Dispose() => _target.Dispose();

    [Fact]
    public async Task FindAsync_OneSystemPartition_IsTaken()
    {
        _target.Mount("/boot/efi", device: "8:1").Partition("8:1", One).Mount("/media/stick", device: "8:17").Partition("8:17", Two, "ebd0a0a2-b9e5-4433-87c0-68b6b72699c7");
        var volume = Found(await Volumes.FindAsync(null, default));
        Assert.Matches("^[0-9]+:[0-9]+$", volume.FolderId);
        Assert.Equal(new SshVolume("/boot/efi", "8:1", "vfat", false, new Guid("c12a7328-f81f-11d2-ba4b-00a0c93ec93b"), One) { FolderId = volume.FolderId }, volume);
        Assert.Equal(2, _target.Scripts.Ran.Count);
    }

    [Fact]
    public async Task FindAsync_SystemPartitionAtAnyPlace_IsTaken_AndOnlyOnce()
    {
        _target.Mount("/mnt/sys part", device: "8:1").Partition("8:1", One);
        Assert.Equal("/mnt/sys part", Found(await Volumes.FindAsync(null, default)).MountPoint);
        _target.Mount("/efi", device: "8:1");
        Assert.Equal("/efi", Found(await Volumes.FindAsync(null, default)).MountPoint);
    }

    [Theory]
    [InlineData("/boot/efi", true)]
    [InlineData("/efi", true)]
    [InlineData("/boot", true)]
    [InlineData("/media/stick", false)]
    public async Task FindAsync_UdevDoesNotTell_ThePlaceDecides(string point, bool isTaken)
    {
        _target.Mount(point, "msdos");
        var found = await Volumes.FindAsync(null, default);
        Assert.Equal(isTaken, found.IsKnown);
        if (isTaken)
        {
            Assert.False(Found(found).PartitionType.IsKnown);
            Assert.False(Found(found).PartitionUuid.IsKnown);
        }
        else
        {
            Assert.Contains(point, found.WhyUnknown, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task FindAsync_OtherTypeAtTheUsualPlace_IsNotTaken()
    {
        _target.Mount("/boot", device: "8:2").Partition("8:2", Two, Other);
        Assert.Contains("/boot", (await Volumes.FindAsync(null, default)).WhyUnknown, StringComparison.Ordinal);
        _target.Mount("/efi", device: "8:1").Partition("8:1", One);
        Assert.Equal("/efi", Found(await Volumes.FindAsync(null, default)).MountPoint);
    }

    [Fact]
    public async Task FindAsync_NoFatOrAPartOfOne_FindsNone()
    {
        Assert.Contains("no FAT volume is mounted", (await Volumes.FindAsync(null, default)).WhyUnknown, StringComparison.Ordinal);
        _target.Mount("/boot/efi", folder: "/EFI");
        Assert.Contains("no FAT volume is mounted", (await Volumes.FindAsync(null, default)).WhyUnknown, StringComparison.Ordinal);
        _target.Mount("/efi", "autofs", "0:40");
        Assert.Contains("no FAT volume is mounted", (await Volumes.FindAsync(null, default)).WhyUnknown, StringComparison.Ordinal);
    }

    [Fact]
    public async Task FindAsync_Several_TheFirmwareDecides()
    {
        _target.Mount("/boot/efi", device: "8:1").Partition("8:1", One).Mount("/boot/efi2", device: "8:17").Partition("8:17", Two);
        var found = await Volumes.FindAsync(null, default);
        Assert.Contains("/boot/efi, /boot/efi2", found.WhyUnknown, StringComparison.Ordinal);
        Assert.Contains("no EFI variables", found.WhyUnknown, StringComparison.Ordinal);

        _target.BootEntry(1, Two).BootEntry(2, One).Variable("BootOrder", 7, 1, 0, 2, 0);
        Assert.Equal("/boot/efi2", Found(await Volumes.FindAsync(null, default)).MountPoint);
        _target.Variable("BootNext", 7, 2, 0);
        Assert.Equal("/boot/efi", Found(await Volumes.FindAsync(null, default)).MountPoint);
        _target.BootEntry(2, Guid.NewGuid());
        Assert.Contains("none of them", (await Volumes.FindAsync(null, default)).WhyUnknown, StringComparison.Ordinal);
    }

    [Fact]
    public async Task FindAsync_Path_IsTakenWhenItIsAMountPoint_WhateverItHolds()
    {
        _target.Mount("/boot", "ext4", "8:2", "ro,relatime");
        var volume = Found(await Volumes.FindAsync("/boot", default));
        Assert.Equal(("/boot", "ext4", true), (volume.MountPoint, volume.FileSystem.ToString(), volume.IsReadOnly));
        volume = Found(await Volumes.FindAsync("/", default));
        Assert.Equal(("/", "ext4", false), (volume.MountPoint, volume.FileSystem.ToString(), volume.IsReadOnly));
    }

    [Fact]
    public async Task FindAsync_PathThatIsNoMountPoint_HasNoFileSystem()
    {
        _target.Folder("/tmp/x").Mount("/boot/efi").Folder("/boot/efi/EFI");
        foreach (var (path, around) in new[] { ("/tmp/x", "ext4 at /"), ("/boot/efi/EFI", "vfat at /boot/efi") })
        {
            var volume = Found(await Volumes.FindAsync(path, default));
            Assert.Equal(path, volume.MountPoint);
            Assert.Contains("not a mount point", volume.FileSystem.WhyUnknown, StringComparison.Ordinal);
            Assert.Contains(around, volume.FileSystem.WhyUnknown, StringComparison.Ordinal);
            Assert.True((await Volumes.ReadAsync(volume, default)).TryGet(out var partition));
            Assert.False(partition.IsFat);
        }
    }

    [Fact]
    public async Task FindAsync_PathWithLinks_IsWhatTheyLeadTo()
    {
        _target.Mount("/boot/efi").Link("/efi", "boot/efi").Link("/away", "/etc").Link("/nowhere", "/not/there");
        Assert.Equal("/boot/efi", Found(await Volumes.FindAsync("/efi", default)).MountPoint);

        // Out of the target's root.
        Assert.Contains("no folder that can be used", (await Volumes.FindAsync("/away", default)).WhyUnknown, StringComparison.Ordinal);
        Assert.Contains("no folder", (await Volumes.FindAsync("/nowhere", default)).WhyUnknown, StringComparison.Ordinal);
    }

    [Fact]
    public async Task FindAsync_PathThatIsNoFolder_FindsNone()
    {
        _target.Put("/file", "x");
        foreach (var path in new[] { "/file", "/not/there", "/a\nb", "relative", "/'; exit 7; '" })
        {
            Assert.Contains("no folder", (await Volumes.FindAsync(path, default)).WhyUnknown, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task FindAsync_NoMountInfo_FindsNone()
    {
        _target.Remove("/proc/self/mountinfo").Folder("/boot/efi");
        foreach (var path in new[] { null, "/boot/efi" })
        {
            Assert.Contains("mountinfo", (await Volumes.FindAsync(path, default)).WhyUnknown, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task FindAsync_HostileFiles_TellNothing()
    {
        var bytes = new byte[100_000];
        new Random(3).NextBytes(bytes);
        _target.Mount("/boot/efi").Put("/run/udev/data/b8:1", [.. bytes, .. "\nE:ID_PART_ENTRY_SCHEME=gpt\nE:ID_PART_ENTRY_TYPE=$(reboot)\nE:ID_PART_ENTRY_UUID=\n"u8]);
        var volume = Found(await Volumes.FindAsync(null, default));
        Assert.False(volume.PartitionType.IsKnown);
        Assert.False(volume.PartitionUuid.IsKnown);
        File.WriteAllBytes(_target.PathOf("/proc/self/mountinfo"), bytes);
        Assert.False((await Volumes.FindAsync(null, default)).IsKnown);
        File.WriteAllBytes(_target.PathOf("/proc/self/mountinfo"), new byte[8_000_000]);
        Assert.IsType<PartitionFaultException>(await Record.ExceptionAsync(async () => await Volumes.FindAsync("/boot/efi", default)));
    }

    [Fact]
    public async Task FindAsync_PartitionOfAnOldTable_HasNoTypeOfAGpt()
    {
        _target.Mount("/boot/efi").Partition("8:1", One, "0xef", "dos");
        var volume = Found(await Volumes.FindAsync(null, default));
        Assert.Contains("no partition of a GPT", volume.PartitionType.WhyUnknown, StringComparison.Ordinal);
        Assert.False(volume.PartitionUuid.IsKnown);
    }

    [Fact]
    public async Task ReadAsync_Volume_TellsWhatItIsNow()
    {
        _target.Mount("/boot/efi").Partition("8:1", One).BootEntry(1, One).Variable("BootOrder", 7, 1, 0);
        _target.Scripts.Before = "stat() { if [ \"$1\" = -f ]; then echo '4096 8192 1000'; else command stat \"$@\"; fi; }\n";
        var volume = Found(await Volumes.FindAsync(null, default));
        Assert.Equal(
            new SystemPartition { Location = "/boot/efi", FileSystem = "vfat", TotalBytes = 4096L * 8192, FreeBytes = 4096L * 1000, IsReadOnly = false, IsBootVolume = true },
            (await Volumes.ReadAsync(volume, default)).TryGet(out var partition) ? partition : null);

        _target.BootEntry(1, Two);
        Assert.Equal((Fact<bool>)false, await IsBootVolumeAsync(volume));
        _target.Remove(EfiVariables.PathOf("BootOrder"));
        Assert.False((await IsBootVolumeAsync(volume)).IsKnown);
        _target.BootEntry(1, One).Variable("BootOrder", 7, 1, 0).Remove("/run/udev/data/b8:1");
        Assert.False((await IsBootVolumeAsync(volume)).IsKnown);

        // A FAT volume that finds itself damaged turns read-only.
        File.WriteAllText(_target.PathOf("/proc/self/mountinfo"), File.ReadAllText(_target.PathOf("/proc/self/mountinfo")).Replace(" rw,errors=remount-ro", " ro,errors=remount-ro", StringComparison.Ordinal));
        Assert.True((await Volumes.ReadAsync(volume, default)).TryGet(out partition));
        Assert.Equal((Fact<bool>)true, partition.IsReadOnly);
    }

    [Fact]
    public async Task ReadAsync_RealStat_TellsSizes()
    {
        _target.Mount("/boot/efi");
        Assert.True((await Volumes.ReadAsync(Found(await Volumes.FindAsync(null, default)), default)).TryGet(out var partition));
        Assert.True(partition.TotalBytes.TryGet(out var total) && partition.FreeBytes.TryGet(out var free) && free > 0 && total >= free);
    }

    [Theory]
    [InlineData("")]
    [InlineData("4096 1")]
    [InlineData("4096 -1 1")]
    [InlineData("4096 x 1")]
    [InlineData("4096 9223372036854775807 1")]
    [InlineData("4096 1 99999999999999999999")]
    [InlineData("4096 1 1 1")]
    public async Task ReadAsync_SizesThatAreNone_AreUnknown(string sizes)
    {
        _target.Mount("/boot/efi");
        _target.Scripts.Before = $"stat() {{ echo '{sizes}'; }}\n";
        Assert.True((await Volumes.ReadAsync(Found(await Volumes.FindAsync(null, default)), default)).TryGet(out var partition));
        Assert.False(partition.TotalBytes.IsKnown);
        Assert.False(partition.FreeBytes.IsKnown);
    }

    [Fact]
    public async Task ReadAsync_VolumeThatIsGoneOrAnother_IsUnknown()
    {
        _target.Mount("/boot/efi");
        var volume = Found(await Volumes.FindAsync(null, default));
        _target.Mount("/boot/efi", device: "8:33");
        Assert.Contains("another volume", (await Volumes.ReadAsync(volume, default)).WhyUnknown, StringComparison.Ordinal);
        _target.Remove("/proc/self/mountinfo").Mount("/", "ext4", "253:1");
        Assert.Contains("another volume", (await Volumes.ReadAsync(volume, default)).WhyUnknown, StringComparison.Ordinal);
        System.IO.Directory.Delete(_target.PathOf("/boot/efi"));
        Assert.Contains("no folder", (await Volumes.ReadAsync(volume, default)).WhyUnknown, StringComparison.Ordinal);
    }

    // A mount over the folder, or over one above it, shows another folder; so does one of a part of the volume, whose device is the same.
    [Fact]
    public async Task Guard_AnotherFolderIsSeenThere_Fails()
    {
        _target.Mount("/boot/efi", device: "8:1");
        var guard = VolumeFacts.Guard(_target.Scripts.Root, Found(await Volumes.FindAsync(null, default)));
        Assert.Equal(0, (await _target.Scripts.RunAsync(guard, new(), default)).ExitStatus);

        foreach (var covered in new[] { "/boot/efi", "/boot" })
        {
            System.IO.Directory.Move(_target.PathOf(covered), _target.PathOf("/away"));
            System.IO.Directory.CreateDirectory(_target.PathOf("/boot/efi"));
            var reply = await _target.Scripts.RunAsync(guard, new(), default);
            Assert.Equal(TransportFaultKind.NotFound, RemoteErrors.Of(reply.ExitStatus, reply.ErrorText, isChange: false).Kind);
            System.IO.Directory.Delete(_target.PathOf(covered), recursive: true);
            System.IO.Directory.Move(_target.PathOf("/away"), _target.PathOf(covered));
            Assert.Equal(0, (await _target.Scripts.RunAsync(guard, new(), default)).ExitStatus);
        }

        _target.Mount("/boot/efi", device: "8:33");
        Assert.NotEqual(0, (await _target.Scripts.RunAsync(guard, new(), default)).ExitStatus);
    }

    [Theory]
    [InlineData("exit 1")]
    [InlineData("echo")]
    [InlineData("echo :1")]
    [InlineData("echo 1:2:3")]
    [InlineData("echo 1:x")]
    [InlineData("echo 11111111111111111111111:1111111111111111111111")]
    public async Task FindAsync_FolderThatStatDoesNotTell_IsGuardedByTheTableAlone(string stat)
    {
        _target.Mount("/boot/efi", device: "8:1");
        _target.Scripts.Before = $"stat() {{ {stat}; }}\n";
        var volume = Found(await Volumes.FindAsync(null, default));
        Assert.Null(volume.FolderId);
        Assert.Equal(0, (await _target.Scripts.RunAsync(VolumeFacts.Guard(_target.Scripts.Root, volume), new(), default)).ExitStatus);
    }

    private static SshVolume Found(Fact<SshVolume> found) => found.TryGet(out var volume) ? volume : throw new InvalidOperationException(found.WhyUnknown);

    private async Task<Fact<bool>> IsBootVolumeAsync(SshVolume volume) => (await Volumes.ReadAsync(volume, default)).TryGet(out var partition) ? partition.IsBootVolume : throw new InvalidOperationException();
}
