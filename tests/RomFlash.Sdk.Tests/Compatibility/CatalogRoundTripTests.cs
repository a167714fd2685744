using System.Collections;
using System.Collections.Immutable;
using System.Globalization;
using System.Reflection;
using System.Text;
using RomFlash.Sdk.Compatibility;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Probing;

namespace RomFlash.Sdk.Tests.Compatibility;

/// <summary>What is written is read back as the same.</summary>
public sealed class CatalogRoundTripTests
{
    private const int Catalogs = 300;
    private const int Seed = 20_261_124;

    [Fact]
    public void ToJson_SeededCatalogs_AreReadBackAsTheSame()
    {
        for (var seed = Seed; seed < Seed + Catalogs; seed++)
        {
            var document = Generate(new Random(seed));
            if (WhyDifferent(document) is null)
            {
                continue;
            }

            document = Shrink(document);
            Assert.Fail($"seed {seed}: {WhyDifferent(document)}\n{Encoding.UTF8.GetString(document.ToJson().Span)}");
        }
    }

    [Fact]
    public void ToJson_FullCatalog_IsReadBackAsTheSameAndWrittenAsTheSame()
    {
        var document = CatalogText.Parse(CatalogText.Full);

        Assert.Null(WhyDifferent(document));
        Assert.Equal(document.ToJson().ToArray(), document.ToJson().ToArray());
        Assert.DoesNotContain((byte)'\r', document.ToJson().ToArray());
        Assert.Equal(CatalogText.Full.Count(c => c == ':'), Encoding.UTF8.GetString(document.ToJson().Span).Count(c => c == ':'));
    }

    [Fact]
    public void TryParse_FullCatalog_HoldsEveryField()
    {
        var document = CatalogText.Parse(CatalogText.Full);
        var system = Assert.Single(document.Systems);
        var rom = Assert.Single(system.Roms);
        var release = Assert.Single(rom.Releases);

        Assert.Equal(("rack 7", 12L, new DateTimeOffset(2027, 6, 30, 0, 0, 0, TimeSpan.Zero)), (document.Name, document.Serial, document.Expires));
        Assert.Equal(("HPE", "DL360*", "8675*"), (system.Manufacturer, system.Product, system.Sku));
        Assert.Equal(Guid.Parse("30373237-3132-4d32-3230-343230304c36"), Assert.Single(system.SmbiosUuids));
        Assert.Equal(Guid.Parse("30373237-3132-4d32-3230-343230304c37"), Assert.Single(system.ExceptSmbiosUuids));
        Assert.Equal(Guid.Parse("6de5d951-d755-576b-bd09-c5cf66b27234"), Assert.Single(system.HardwareIds));
        Assert.Equal((RomKind.SystemRom, Guid.Parse("0f2c63b1-8a3f-4f0b-9d3e-5a1f7c1d2e3f"), new PciId(0x103c, 0x3239, 0x103c, 0x21c2), "system"), (rom.Component, rom.FirmwareClass, rom.Pci, rom.Id));
        Assert.Equal(("3.0", CatalogText.Digest(3), 100L, RebootNeed.PowerCycle, "n"), (release.Version.Text, release.Sha256, release.Length, release.Reboot, release.Notes));
        Assert.Equal(["smbios: 3.0", "esrt: 0x00000003"], release.ReportedAs.Select(r => r.ToString()));
        Assert.Equal(["smbios: 2.0"], release.RequiredMinimum.Select(r => r.ToString()));
        Assert.Equal(["smbios: 1.0"], release.LowestSupported.Select(r => r.ToString()));
        Assert.Equal(new RecoveryImage(CatalogText.Digest(103), 200, "r.bin"), release.Recovery);
        Assert.Equal(new WithdrawnRelease(CatalogText.Digest(200), "bad"), Assert.Single(document.Withdrawn));
    }

    [Fact]
    public void TryParse_CatalogWithoutName_TakesTheGivenOneSoThatItCanBeWrittenAgain()
    {
        foreach (var (given, name) in new[] { ("catalog.json", "catalog.json"), ("  ", "catalog"), (new string('\ud800', 1), "\ufffd"), (new string('x', 1000), new string('x', 128)) })
        {
            var document = CatalogDocument.TryParse("{\"romflashCatalog\":1,\"systems\":[]}"u8, given).GetValueOrThrow();

            Assert.Equal(name, document.Name);
            Assert.Null(WhyDifferent(document));
        }
    }

    private static string? WhyDifferent(CatalogDocument document)
    {
        if (!CatalogDocument.TryParse(document.ToJson().Span, "read back").TryGetValue(out var read, out var failure))
        {
            return failure.Detail;
        }

        var (was, now) = (Dump(document), Dump(read));
        var at = was.AsSpan().CommonPrefixLength(now);
        return was == now ? null : $"written …{was[Math.Max(0, at - 80)..Math.Min(was.Length, at + 40)]}, read …{now[Math.Max(0, at - 80)..Math.Min(now.Length, at + 40)]}";
    }

    // Leaves out one part after the other as long as it still fails.
    private static CatalogDocument Shrink(CatalogDocument document)
    {
        for (var isSmaller = true; isSmaller;)
        {
            isSmaller = false;
            foreach (var smaller in Smaller(document))
            {
                if (WhyDifferent(smaller) is not null)
                {
                    (document, isSmaller) = (smaller, true);
                    break;
                }
            }
        }

        return document;
    }

    private static IEnumerable<CatalogDocument> Smaller(CatalogDocument document)
    {
        foreach (var withdrawn in document.Withdrawn)
        {
            yield return document with { Withdrawn = document.Withdrawn.Remove(withdrawn) };
        }

        foreach (var system in document.Systems)
        {
            yield return document with { Systems = document.Systems.Remove(system) };
            foreach (var rom in system.Roms)
            {
                yield return document with { Systems = document.Systems.Replace(system, system with { Roms = system.Roms.Remove(rom) }) };
                foreach (var release in rom.Releases)
                {
                    yield return document with { Systems = document.Systems.Replace(system, system with { Roms = system.Roms.Replace(rom, rom with { Releases = rom.Releases.Remove(release) }) }) };
                }
            }
        }
    }

    // Everything that a value holds, by its properties: not by what the product compares or writes.
    private static string Dump(object? value) => value switch
    {
        null => "null",
        string text => $"\"{text}\"",
        RomVersion version => $"{version.Kind} {version.Text}",
        DateTimeOffset time => time.ToString("O", CultureInfo.InvariantCulture),
        FactSource source => source.Name,
        ContentDigest or PciId or Guid or Enum or long or int or bool => value.ToString()!,
        IEnumerable items => $"[{string.Join(", ", items.Cast<object?>().Select(Dump))}]",
        _ => $"{{{string.Join(", ", value.GetType().GetProperties(BindingFlags.Public | BindingFlags.Instance).Select(p => $"{p.Name}: {Dump(p.GetValue(value))}"))}}}",
    };

    private static CatalogDocument Generate(Random random)
    {
        var next = 1;
        return new()
        {
            Name = Text(random),
            Serial = Maybe(random) ? random.NextInt64(long.MaxValue) : null,
            Expires = Maybe(random) ? new DateTimeOffset(random.NextInt64(DateTimeOffset.MaxValue.Ticks), TimeSpan.Zero) : null,
            Systems = [.. Some(random, 4).Select(i => RandomSystem(random, i, ref next))],
            Withdrawn = [.. Some(random, 3).Select(i => new WithdrawnRelease(CatalogText.Digest(1_000_000 + i), Text(random)))],
        };
    }

    private static CatalogSystem RandomSystem(Random random, int number, ref int next)
    {
        var kind = random.Next(3);
        var roms = ImmutableArray.CreateBuilder<CatalogRom>();
        foreach (var i in Some(random, 3))
        {
            roms.Add(new()
            {
                Component = (RomKind)random.Next(4),
                FirmwareClass = Maybe(random) ? RandomGuid(random) : null,
                Pci = random.Next(3) switch
                {
                    0 => null,
                    1 => new PciId((ushort)random.Next(65536), (ushort)random.Next(65536)),
                    _ => new PciId((ushort)random.Next(65536), (ushort)random.Next(65536), (ushort)random.Next(65536), 0),
                },
                Id = $"rom {i}",
                Releases = Releases(random, ref next),
            });
        }

        return new()
        {
            Manufacturer = kind == 0 ? Text(random) : null,
            Product = kind == 0 ? $"{number} {Text(random)}*" : null,
            Sku = Maybe(random) ? Text(random) : null,
            SmbiosUuids = kind == 1 ? Guids(random) : [],
            ExceptSmbiosUuids = Maybe(random) ? Guids(random) : [],
            HardwareIds = kind == 2 || Maybe(random) ? Guids(random) : [],
            Roms = roms.DrainToImmutable(),
        };
    }

    // Of a style that has an order, or of none; what a release requires is below what it reports.
    private static ImmutableArray<RomRelease> Releases(Random random, ref int next)
    {
        var releases = ImmutableArray.CreateBuilder<RomRelease>();
        foreach (var i in Some(random, 5))
        {
            var number = next++;
            var low = new ReportedVersion(FactSource.Esrt, RomVersion.FromPacked((uint)number));
            releases.Add(new()
            {
                Version = RomVersion.Parse(Maybe(random) ? $"{i + 1}.{i}" : $"release {number} {Text(random)}"),
                Sha256 = CatalogText.Digest(number),
                Length = random.NextInt64(1, CatalogDocument.MaxImageLength + 1),
                ReportedAs = [new(FactSource.Esrt, RomVersion.FromPacked((uint)(number + 10_000))), new(new FactSource($"plug-in-{random.Next(3)}"), RomVersion.Parse($"build {Text(random)}"))],
                RequiredMinimum = Maybe(random) ? [low] : [],
                LowestSupported = Maybe(random) ? [low, new(FactSource.Device, RomVersion.Parse("1.0"))] : [],
                Reboot = (RebootNeed)random.Next(2),
                Recovery = Maybe(random) ? new(CatalogText.Digest(2_000_000 + number), random.NextInt64(1, 1000), Maybe(random) ? Text(random) : string.Empty) : null,
                Notes = Maybe(random) ? Text(random) : string.Empty,
            });
        }

        return releases.DrainToImmutable();
    }

    private static ImmutableArray<Guid> Guids(Random random) => [.. Enumerable.Range(0, random.Next(1, 4)).Select(_ => RandomGuid(random))];

    private static Guid RandomGuid(Random random)
    {
        Span<byte> bytes = stackalloc byte[16];
        random.NextBytes(bytes);
        bytes[0] = 1;
        return new(bytes);
    }

    // Text that JSON, HTML, terminals and UTF-8 take differently.
    private static string Text(Random random)
    {
        string[] parts = ["a", "\"", "\\", "/", "<b>", "&", "'", "\u00e4", "\u20ac", "\ud83d\ude00", "\u202e", "[red]", " ", "0", "*", "\u2028"];
        return $"x{string.Concat(Enumerable.Range(0, random.Next(12)).Select(_ => parts[random.Next(parts.Length)]))}y";
    }

    private static bool Maybe(Random random) => random.Next(2) == 0;

    private static IEnumerable<int> Some(Random random, int most) => Enumerable.Range(0, random.Next(most + 1));
}
