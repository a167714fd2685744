using RomFlash.Sdk.Transports.Ssh.Facts;

namespace RomFlash.Sdk.Tests.Transports.Ssh.Facts;

public sealed class MountTableTests
{
    private const string Root = "22 1 253:0 / / rw,relatime shared:1 - ext4 /dev/vda2 rw";

    [Theory]
    [InlineData("36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue", "98:0", "/mnt1", "/mnt2", false, "ext3")]
    [InlineData("36 35 8:1 / /boot/efi rw - vfat /dev/sda1 ro", "8:1", "/", "/boot/efi", true, "vfat")]
    [InlineData("36 35 8:1 / /boot/efi ro,nosuid shared:1 master:2 propagate_from:3 unbindable - vfat /dev/sda1 rw", "8:1", "/", "/boot/efi", true, "vfat")]
    [InlineData("36 35 0:1 / /with\\040blank\\011tab\\134n\\012 rw,prot=ro - tmpfs none", "0:1", "/", "/with blank\ttab\\n\n", false, "tmpfs")]
    [InlineData("36 35 0:1 / /ümläut rw - fuse.x x rw", "0:1", "/", "/ümläut", false, "fuse.x")]
    public void TryParse_Line_IsWhatProcSays(string line, string device, string folder, string point, bool isReadOnly, string fileSystem) =>
        Assert.Equal(new Mount(36, 35, device, folder, point, isReadOnly, fileSystem), MountTable.TryParse(line));

    [Theory]
    [InlineData("")]
    [InlineData("36")]
    [InlineData("36 35 8:1 / /x rw")]
    [InlineData("36 35 8:1 / /x rw -")]
    [InlineData("36 35 8:1 / /x rw - ")]
    [InlineData("36 35 8:1 / x rw - vfat y rw")]
    [InlineData("x 35 8:1 / /x rw - vfat y rw")]
    [InlineData("36 35 8 / /x rw - vfat y rw")]
    [InlineData("36 35 8:1:2 / /x rw - vfat y rw")]
    [InlineData("36 35 ../1:2 / /x rw - vfat y rw")]
    [InlineData("36 35 8:1 / /x\\04 rw - vfat y rw")]
    [InlineData("36 35 8:1 / /x\\ rw - vfat y rw")]
    [InlineData("36 35 8:1 / /x\\000y rw - vfat y rw")]
    [InlineData("36 35 8:1 / /x\\400y rw - vfat y rw")]
    [InlineData("36 35 8:1 / /x\\089y rw - vfat y rw")]
    [InlineData("36 35 8:1 / /x\uFFFD rw - vfat y rw")]
    public void TryParse_WhatIsNoLine_IsNone(string line) => Assert.Null(MountTable.TryParse(line));

    [Fact]
    public void At_SeveralAtOnePlace_IsTheLast()
    {
        var table = new MountTable([Root, "30 22 0:40 / /efi rw - autofs systemd-1 rw", "31 30 8:1 / /efi rw - vfat /dev/sda1 rw"]);
        Assert.Equal("vfat", table.At("/efi")?.FileSystem);
        Assert.Equal(2, table.Reachable.Count());
    }

    [Fact]
    public void At_MountUnderACoveredFolder_IsNotReached()
    {
        // /boot/efi was mounted first, and then another volume over /boot.
        var table = new MountTable([Root, "30 22 8:2 / /boot rw - ext4 x rw", "31 30 8:1 / /boot/efi rw - vfat y rw", "32 30 8:3 / /boot rw - xfs z rw"]);
        Assert.Null(table.At("/boot/efi"));
        Assert.Equal("xfs", table.Around("/boot/efi")?.FileSystem);
        Assert.DoesNotContain(table.Reachable, m => m.Point == "/boot/efi");

        // And again on top of it.
        table = new MountTable([Root, "30 22 8:2 / /boot rw - ext4 x rw", "31 30 8:1 / /boot/efi rw - vfat y rw", "32 30 8:3 / /boot rw - xfs z rw", "33 32 8:1 / /boot/efi rw - vfat y rw"]);
        Assert.Equal(33, table.At("/boot/efi")?.Id);
    }

    [Fact]
    public void Around_Path_IsTheNextMountAboveIt()
    {
        var table = new MountTable([Root, "30 22 8:2 / /boot rw - ext4 x rw"]);
        Assert.Equal("/boot", table.Around("/boot/efi/EFI")?.Point);
        Assert.Equal("/", table.Around("/bootx")?.Point);
        Assert.Equal("/", table.Around("/")?.Point);
        Assert.Null(new MountTable([]).Around("/boot"));
    }

    [Fact]
    public void Table_MountsThatAreEachOthersParents_ComesToAnEnd()
    {
        var table = new MountTable(["1 2 8:1 / /a rw - vfat x rw", "2 1 8:1 / /a rw - vfat x rw", "3 4 8:1 / /a/b rw - vfat x rw", "4 3 8:1 / /a/b rw - vfat x rw", "5 5 8:1 / / rw - vfat x rw"]);
        Assert.Equal(3, table.Reachable.Count() + new[] { "/a", "/a/b", "/" }.Count(p => table.At(p) is null));
    }

    [Fact]
    public void Table_AnyText_NeverThrows()
    {
        var seed = Environment.TickCount;
        var random = new Random(seed);
        const string Alphabet = "0123456789:/ -\\,roabc\t\0\uFFFDä";
        string[] lines = [Root, "30 22 8:2 / /boot rw shared:1 - ext4 x rw", "31 30 8:1 / /boot/efi rw - vfat y rw", "32 30 8:3 / /boot\\040x rw - xfs z rw"];
        for (var i = 0; i < 20_000; i++)
        {
            var mutants = lines.Select(l =>
            {
                var text = l.ToCharArray();
                for (var changes = random.Next(0, 4); changes > 0; changes--)
                {
                    text[random.Next(text.Length)] = Alphabet[random.Next(Alphabet.Length)];
                }

                return new string(text, 0, random.Next(8) == 0 ? random.Next(text.Length) : text.Length);
            }).ToArray();
            var thrown = Record.Exception(() =>
            {
                var table = new MountTable(mutants);
                Assert.All(table.Reachable, m => Assert.Same(m, table.At(m.Point)));
                _ = table.Around("/boot/efi/EFI");
            });
            Assert.True(thrown is null, $"seed {seed}, mutant {i}: {thrown}");
        }
    }
}
