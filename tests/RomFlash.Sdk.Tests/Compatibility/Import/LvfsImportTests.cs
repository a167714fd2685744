using System.IO.Compression;
using System.Text;
using RomFlash.Sdk.Compatibility;
using RomFlash.Sdk.Compatibility.Import;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Probing;

namespace RomFlash.Sdk.Tests.Compatibility.Import;

/// <summary>What becomes of LVFS metadata: what is carried over, what is left out with its reason, and what hostile content comes to.</summary>
public sealed class LvfsImportTests
{
    private const string Class = "9f1a6c0e-41f5-4e35-9d0b-2a6a3e1c7b11";
    private const string Hardware = "3faec92a-3ae3-5744-be88-495e90a7d541";
    private const string Digest = "5feceb66ffc86f38d952786c6d696c79c2dbc239dd4e91b46729d73a27fb57e9";
    private const string OtherDigest = "6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b";

    private static readonly LvfsImportOptions Options = new() { Name = "imported", Serial = 3 };

    [Fact]
    public async Task Read_WholeComponent_IsCarriedOver()
    {
        var result = Good(await Read(Component(
            requires: $"""<id compare="ge" version="1.2.4">org.freedesktop.fwupd</id><firmware compare="ge" version="1.2.0.0"/><firmware compare="eq" version="DMI:Maker">vendor-id</firmware><hardware>{Hardware}|8dc9b7c5-f5d5-5850-9ab3-bd6f0549d814</hardware>""",
            releases: Release("1.2.3.4") + Release("1.2.3.5", OtherDigest, size: "8388608"))));

        Assert.Empty(result.Omissions);
        Assert.Equal((1, 2), (result.Components, result.Releases));
        Assert.Equal(("imported", 3L), (result.Document.Name, result.Document.Serial));
        var system = Assert.Single(result.Document.Systems);
        Assert.Equal([new Guid(Hardware), new Guid("8dc9b7c5-f5d5-5850-9ab3-bd6f0549d814")], system.HardwareIds.Order());
        Assert.Null(system.Manufacturer);
        var rom = Assert.Single(system.Roms);
        Assert.Equal((RomKind.SystemRom, new Guid(Class)), (rom.Component, rom.FirmwareClass));
        Assert.Equal(["1.2.3.4", "1.2.3.5"], rom.Releases.Select(r => r.Version.Text));
        Assert.Equal((Digest, 16777216L), (rom.Releases[0].Sha256.ToString(), rom.Releases[0].Length));
        Assert.Equal("0x01020304", rom.Releases[0].ReportedBy(FactSource.Esrt)?.Text);
        Assert.Equal("0x01020000", Assert.Single(rom.Releases[0].RequiredMinimum).Version.Text);
    }

    [Fact]
    public async Task Read_Result_IsACatalogThatCanBeUsed()
    {
        var result = Good(await Read(Component()));

        Assert.True(CatalogDocument.TryParse(result.Document.ToJson().Span, "c").TryGetValue(out var document, out _));
        Assert.True(JsonCompatibilityCatalog.TryCreate([new(document!, new("c", default))], null).TryGetValue(out var catalog, out _) && catalog.ReleaseCount == 1);
    }

    [Fact]
    public async Task Read_Gzip_IsToldByItsFirstBytes()
    {
        Assert.Equal(1, Good(await Read(Gzip(Encoding.UTF8.GetBytes(Metadata(Component()))))).Releases);
        Assert.Equal(1, Good(await LvfsImport.ReadAsync(new Trickle(Gzip(Encoding.UTF8.GetBytes(Metadata(Component())))), Options, CancellationToken.None)).Releases);
    }

    [Theory]
    [InlineData("its update protocol is org.usb.dfu", """<value key="LVFS::UpdateProtocol">org.uefi.capsule</value>""", """<value key="LVFS::UpdateProtocol">org.usb.dfu</value>""")]
    [InlineData("does not name its update protocol", """<value key="LVFS::UpdateProtocol">org.uefi.capsule</value>""", "")]
    [InlineData("does not name its version format", """<value key="LVFS::VersionFormat">quad</value>""", "")]
    [InlineData("several version formats", """<value key="LVFS::VersionFormat">quad</value>""", """<value key="LVFS::VersionFormat">quad</value><value key="LVFS::VersionFormat">pair</value>""")]
    [InlineData("do not tell the kind", "<category>X-System</category>", "<category>X-Gadget</category>")]
    [InlineData("do not tell the kind", "<category>X-System</category>", "<category>X-System</category><category>X-Controller</category>")]
    [InlineData("no flashed firmware", """<firmware type="flashed">9f1a6c0e-41f5-4e35-9d0b-2a6a3e1c7b11</firmware>""", "")]
    [InlineData("is no firmware GUID", """<firmware type="flashed">9f1a6c0e-41f5-4e35-9d0b-2a6a3e1c7b11</firmware>""", """<firmware type="flashed">main</firmware>""")]
    [InlineData("on a branch", "<id>", "<branch>community</branch><id>")]
    [InlineData("its id is missing", "<id>com.maker.board.firmware</id>", "")]
    [InlineData("restricted to no hardware", "<hardware>3faec92a-3ae3-5744-be88-495e90a7d541</hardware>", "")]
    [InlineData("is no list of hardware ids", "<hardware>3faec92a-3ae3-5744-be88-495e90a7d541</hardware>", "<hardware>3faec92a-3ae3-5744-be88-495e90a7d541|x</hardware>")]
    [InlineData("several hardware requirements", "<requires>", "<requires><hardware>8dc9b7c5-f5d5-5850-9ab3-bd6f0549d814</hardware>")]
    [InlineData("<not_hardware>", "<requires>", "<requires><not_hardware>8dc9b7c5-f5d5-5850-9ab3-bd6f0549d814</not_hardware>")]
    [InlineData("<client>", "<requires>", "<requires><client>detach-action</client>")]
    [InlineData("bootloader", "<requires>", """<requires><firmware compare="ge" version="0.3.0">bootloader</firmware>""")]
    [InlineData("eq 1.2.3.4", "<requires>", """<requires><firmware compare="eq" version="1.2.3.4"/>""")]
    [InlineData("<firmware>", "<requires>", """<requires><firmware compare="ge" version="1.0.0.0" depth="1"/>""")]
    [InlineData("it needs at least version '1.2'", "<requires>", """<requires><firmware compare="ge" version="1.2"/>""")]
    [InlineData("it is for the vendor", "<requires>", """<requires><firmware compare="eq" version="XXX:NEVER_GOING_TO_MATCH">vendor-id</firmware>""")]
    [InlineData("hold other elements", "<requires>", """<requires><firmware compare="ge" version="1.0.0.0"><x/></firmware>""")]
    [InlineData("hold other elements", "<hardware>3faec92a-3ae3-5744-be88-495e90a7d541</hardware>", "<hardware>3faec92a-3ae3-5744-be88-495e90a7d541<x/></hardware>")]
    [InlineData("has no release", "<releases>", "<releases/><others>")]
    public async Task Read_ComponentThatCannotBeHeld_IsListedWithItsReason(string reason, string from, string to)
    {
        var component = Component().Replace(from, to, StringComparison.Ordinal);
        component = to.EndsWith("<others>", StringComparison.Ordinal) ? component.Replace("</releases>", "</others>", StringComparison.Ordinal) : component;

        var result = Good(await Read(component));

        Assert.Contains(reason, Assert.Single(result.Omissions).Reason, StringComparison.Ordinal);
        Assert.Equal(0, result.Releases);
        Assert.Empty(result.Document.Systems);
    }

    [Theory]
    [InlineData("no SHA-256 of its content", "target=\"content\"", "target=\"container\"")]
    [InlineData("no SHA-256 of its content", "type=\"sha256\"", "type=\"sha1\"")]
    [InlineData("its SHA-256 is none", Digest, "5f")]
    [InlineData("its SHA-256 is none", Digest, "0000000000000000000000000000000000000000000000000000000000000000")]
    [InlineData("several contents", "<checksum", "<checksum type=\"sha256\" target=\"content\">6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b</checksum><checksum")]
    [InlineData("its installed size is missing", "type=\"installed\"", "type=\"download\"")]
    [InlineData("its size '0' is none", "16777216", "0")]
    [InlineData("its size '-1' is none", "16777216", "-1")]
    [InlineData("its size '99999999999' is none", "16777216", "99999999999")]
    [InlineData("none of the format 'quad'", "version=\"1.2.3.4\"", "version=\"1.2.3\"")]
    [InlineData("its version is none", "version=\"1.2.3.4\"", "")]
    [InlineData("of the type 'development'", "<release ", "<release type=\"development\" ")]
    [InlineData("above its own", "<requires>", """<requires><firmware compare="ge" version="1.2.3.5"/>""")]
    public async Task Read_ReleaseThatCannotBeHeld_IsListedWithItsReasonAndItsVersion(string reason, string from, string to)
    {
        var result = Good(await Read(Component().Replace(from, to, StringComparison.Ordinal)));

        var omission = Assert.Single(result.Omissions);
        Assert.Contains(reason, omission.Reason, StringComparison.Ordinal);
        Assert.Equal("com.maker.board.firmware", omission.Component);
        Assert.Equal(0, result.Releases);
    }

    [Theory]
    [InlineData("quad", "1.2.3.255", 0x010203FFu)]
    [InlineData("triplet", "1.2.65535", 0x0102FFFFu)]
    [InlineData("pair", "1.2", 0x00010002u)]
    [InlineData("number", "66051", 66051u)]
    [InlineData("plain", "66051", 66051u)]
    [InlineData("hex", "0x00010203", 0x00010203u)]
    [InlineData("triplet", "0x30002", 0x30002u)]
    [InlineData("dell-bios", "1.2.3", null)]
    [InlineData("dell-bios-msb", "1.2.3", null)]
    [InlineData("dell-bios", "0x00010203", 0x00010203u)]
    [InlineData("bcd", "12.34.56.78", 0x12345678u)]
    [InlineData("intel-me", "11.8.50.3425", 0x08320D61u)]
    [InlineData("intel-me2", "1.2.3.4", 0x12030004u)]
    [InlineData("surface-legacy", "1.2.3", 0x00400803u)]
    [InlineData("surface", "1.2.3", 0x01000203u)]
    [InlineData("quad", "1.2.3.256", null)]
    [InlineData("quad", "1.2.3.-1", null)]
    [InlineData("quad", "1.2.3.4.5", null)]
    [InlineData("quad", "1.2.3. 4", null)]
    [InlineData("triplet", "20150915", null)]
    [InlineData("bcd", "1.2.3.100", null)]
    [InlineData("intel-me", "10.0.0.0", null)]
    [InlineData("intel-me", "19.0.0.0", null)]
    [InlineData("number", "4294967296", null)]
    [InlineData("hex", "10", null)]
    [InlineData("hex", "0x1ffffffff", null)]
    [InlineData("semver", "1.2.3", null)]
    public async Task Read_VersionFormat_BecomesTheNumberOfTheEsrtOrNothing(string format, string version, uint? expected)
    {
        var result = Good(await Read(Component(format, releases: Release(version))));

        Assert.Equal(expected is null ? 0 : 1, result.Releases);
        if (expected is { } number)
        {
            Assert.Equal(RomVersion.FromPacked(number), result.Document.Systems[0].Roms[0].Releases[0].ReportedBy(FactSource.Esrt));
        }
    }

    [Fact]
    public async Task Read_NamedSystem_TakesFirmwareWithoutHardware()
    {
        var options = Options with { Unrestricted = new CatalogSystem { Manufacturer = "Maker", Product = "Board*" } };

        var result = Good(await LvfsImport.ReadAsync(new MemoryStream(Encoding.UTF8.GetBytes(Metadata(Component(requires: "")))), options, CancellationToken.None));

        var system = Assert.Single(result.Document.Systems);
        Assert.Equal(("Maker", "Board*"), (system.Manufacturer, system.Product));
        Assert.Empty(system.HardwareIds);
    }

    [Fact]
    public async Task Read_SameImageDescribedInTwoWays_KeepsTheFirstAndListsTheOther()
    {
        var result = Good(await Read(Component() + Component(id: "com.maker.other.firmware", requires: "<hardware>8dc9b7c5-f5d5-5850-9ab3-bd6f0549d814</hardware>", releases: Release("9.9.9.9"))));

        Assert.Equal(1, result.Releases);
        var omission = Assert.Single(result.Omissions);
        Assert.Equal(("com.maker.other.firmware", "9.9.9.9"), (omission.Component, omission.Release));
    }

    [Fact]
    public async Task Read_TwoImagesWithOneVersion_KeepsTheFirstAndListsTheOther()
    {
        var result = Good(await Read(Component(releases: Release("1.2.3.4") + Release("1.2.3.4", OtherDigest))));

        Assert.Equal(1, result.Releases);
        Assert.Contains("same version", Assert.Single(result.Omissions).Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Read_ComponentsForTheSameSystems_BecomeOneSystem()
    {
        var result = Good(await Read(Component() + Component(id: "com.maker.me.firmware", firmware: "11111111-2222-3333-4444-555555555555", releases: Release("2.0.0.0", OtherDigest))));

        Assert.Empty(result.Omissions);
        Assert.Equal(2, Assert.Single(result.Document.Systems).Roms.Length);
    }

    [Fact]
    public async Task Read_OtherComponents_AreNotCounted()
    {
        var result = Good(await Read(Component().Replace("type=\"firmware\"", "type=\"desktop-application\"", StringComparison.Ordinal)));

        Assert.Equal((0, 0), (result.Components, result.Releases));
    }

    [Theory]
    [InlineData("")]
    [InlineData("no xml")]
    [InlineData("<html/>")]
    [InlineData("<components><component></components>")]
    [InlineData("<components/><components/>")]
    [InlineData("<!DOCTYPE x [<!ENTITY a 'b'>]><components>&a;</components>")]
    [InlineData("<!DOCTYPE x SYSTEM 'file:///etc/hostname'><components/>")]
    public async Task Read_NoMetadata_IsUnusable(string text) => Bad(await Read(Encoding.UTF8.GetBytes(text)));

    [Fact]
    public async Task Read_EveryTruncation_IsUnusable()
    {
        var xml = Encoding.UTF8.GetBytes(Metadata(Component()));
        var gzip = Gzip(xml);
        for (var length = 0; length < xml.Length - 1; length++)
        {
            Bad(await Read(xml[..length]));
        }

        for (var length = 0; length < gzip.Length - 16; length++)
        {
            Bad(await Read(gzip[..length]));
        }
    }

    [Fact]
    public async Task Read_SeededMutants_NeverThrow()
    {
        const int Seed = 2711;
        var random = new Random(Seed);
        var original = Encoding.UTF8.GetBytes(Metadata(Component()));
        var (good, bad) = (0, 0);
        for (var i = 0; i < 2000; i++)
        {
            var mutant = original.ToArray();
            for (var n = random.Next(1, 4); n > 0; n--)
            {
                mutant[random.Next(mutant.Length)] = random.Next(2) == 0 ? (byte)random.Next(256) : "<>&\"'/ =!"u8[random.Next(9)];
            }

            _ = (await Read(mutant)).TryGetValue(out _, out _) ? good++ : bad++;
        }

        Assert.True(good > 0 && bad > 0, $"seed {Seed}: {good} good, {bad} bad");
    }

    [Fact]
    public async Task Read_DeepNesting_IsRefusedEarly()
    {
        var source = new Endless("<components>"u8.ToArray(), "<a>"u8.ToArray());

        Assert.Contains("nested", Bad(await LvfsImport.ReadAsync(source, Options, CancellationToken.None)).Detail, StringComparison.Ordinal);
        Assert.InRange(source.Given, 1, 1 << 20);
    }

    [Fact]
    public async Task Read_EndlessReleases_AreRefusedEarly()
    {
        var source = new Endless("<components><component type=\"firmware\"><releases>"u8.ToArray(), "<release/>"u8.ToArray());

        Assert.Contains("more than 4096 entries", Bad(await LvfsImport.ReadAsync(source, Options, CancellationToken.None)).Detail, StringComparison.Ordinal);
        Assert.InRange(source.Given, 1, 1 << 20);
    }

    [Fact]
    public async Task Read_LongVersionFormat_IsNotQuotedInFullForEachRelease()
    {
        var result = Good(await Read(Component(new string('f', 4000), releases: string.Concat(Enumerable.Repeat(Release("1"), 100)))));

        Assert.Equal(100, result.Omissions.Length);
        Assert.All(result.Omissions, o => Assert.InRange(o.Reason.Length, 400, 501));
    }

    [Fact]
    public async Task Read_LongNameAroundManyElements_IsNotRepeatedForEach()
    {
        var name = new string('n', 100_000);
        var content = Encoding.UTF8.GetBytes(Metadata($"<component type=\"firmware\"><{name}>{string.Concat(Enumerable.Repeat("<a/>", 2000))}</{name}></component>"));

        var allocated = GC.GetAllocatedBytesForCurrentThread();
        await Read(content);
        allocated = GC.GetAllocatedBytesForCurrentThread() - allocated;

        // Once for each element it would be 400 million bytes and more.
        Assert.InRange(allocated, 0, 50_000_000);
    }

    [Fact]
    public async Task Read_GzipBomb_IsRefusedEarly()
    {
        using var bomb = new MemoryStream();
        using (var gzip = new GZipStream(bomb, CompressionLevel.SmallestSize, leaveOpen: true))
        {
            gzip.Write("<components>"u8);
            var spaces = new byte[1 << 20];
            Array.Fill(spaces, (byte)' ');
            for (var i = 0; i < 64; i++)
            {
                gzip.Write(spaces);
            }

            gzip.Write("</components>"u8);
        }

        Assert.Contains("compressed more than", Bad(await Read(bomb.ToArray())).Detail, StringComparison.Ordinal);
    }

    [Fact]
    [Trait("Category", "Slow")]
    public async Task Read_EndlessData_EndsAtTheBound()
    {
        var source = new Endless("<components>"u8.ToArray(), Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat("<component><summary>x</summary></component>\n", 1000))));

        Bad(await LvfsImport.ReadAsync(source, Options, CancellationToken.None));
        Assert.InRange(source.Given, LvfsImport.MaxLength, LvfsImport.MaxLength + (1 << 20));
    }

    [Fact]
    public async Task Read_HugeText_IsRefused()
    {
        var component = Component().Replace(Digest, new string('5', 100_000), StringComparison.Ordinal);

        Assert.Contains("more than 4096 characters", Bad(await Read(Encoding.UTF8.GetBytes(Metadata(component)))).Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Read_XzOrZstd_SaysWhatToDo()
    {
        Assert.Contains("decompress it first", Bad(await Read([0xFD, 0x37, 0x7A, 0x58, 0x5A, 0x00, 1])).Detail, StringComparison.Ordinal);
        Assert.Contains("decompress it first", Bad(await Read([0x28, 0xB5, 0x2F, 0xFD, 1, 2, 3])).Detail, StringComparison.Ordinal);
    }

    internal static string Component(
        string format = "quad",
        string id = "com.maker.board.firmware",
        string firmware = Class,
        string requires = $"<hardware>{Hardware}</hardware>",
        string? releases = null) => $"""
          <component type="firmware">
            <id>{id}</id>
            <name>Board</name>
            <provides><firmware type="flashed">{firmware}</firmware></provides>
            <categories><category>X-System</category></categories>
            <requires>{requires}</requires>
            <custom><value key="LVFS::VersionFormat">{format}</value><value key="LVFS::UpdateProtocol">org.uefi.capsule</value></custom>
            <releases>{releases ?? Release("1.2.3.4")}</releases>
          </component>
        """;

    internal static string Release(string version, string sha256 = Digest, string size = "16777216") => $"""
              <release version="{version}" timestamp="1600000000" urgency="high">
                <location>https://example.com/board.cab</location>
                <checksum type="sha256" filename="board.bin" target="content">{sha256}</checksum>
                <size type="installed">{size}</size>
                <description><p>Fixes <em>things</em>.</p></description>
              </release>
        """;

    internal static string Metadata(string components) => $"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<components origin=\"lvfs\" version=\"0.9\">\n{components}\n</components>\n";

    private static ValueTask<FlashResult<LvfsImportResult>> Read(string components) => Read(Encoding.UTF8.GetBytes(Metadata(components)));

    private static ValueTask<FlashResult<LvfsImportResult>> Read(byte[] content) => LvfsImport.ReadAsync(new MemoryStream(content), Options, CancellationToken.None);

    private static LvfsImportResult Good(FlashResult<LvfsImportResult> result)
    {
        Assert.True(result.TryGetValue(out var import, out var failure), failure?.ToString());
        return import!;
    }

    private static CatalogUnusable Bad(FlashResult<LvfsImportResult> result)
    {
        Assert.False(result.TryGetValue(out _, out var failure), "it was accepted");
        return Assert.IsType<CatalogUnusable>(failure);
    }

    private static byte[] Gzip(byte[] content)
    {
        using var stream = new MemoryStream();
        using (var gzip = new GZipStream(stream, CompressionLevel.Optimal, leaveOpen: true))
        {
            gzip.Write(content);
        }

        return stream.ToArray();
    }

    /// <summary>Gives a byte at a time.</summary>
    private sealed class Trickle(byte[] content) : MemoryStream(content)
    {
        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => base.ReadAsync(buffer[..Math.Min(1, buffer.Length)], cancellationToken);

        public override int Read(Span<byte> buffer) => base.Read(buffer[..Math.Min(1, buffer.Length)]);
    }

    /// <summary>Begins somehow and goes on for ever.</summary>
    private sealed class Endless(byte[] begin, byte[] more) : MemoryStream
    {
        private int _at;

        public long Given { get; private set; }

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => new(Read(buffer.Span));

        public override int Read(Span<byte> buffer)
        {
            for (var i = 0; i < buffer.Length; i++, _at++)
            {
                buffer[i] = _at < begin.Length ? begin[_at] : more[(_at - begin.Length) % more.Length];
            }

            Given += buffer.Length;
            return buffer.Length;
        }
    }
}
