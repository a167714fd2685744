using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using RomFlash.Sdk.Compatibility;
using RomFlash.Sdk.Compatibility.Trust;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Pipeline;
using RomFlash.Sdk.Probing;
using RomFlash.Sdk.Targets;

namespace RomFlash.Sdk.Tests.Compatibility;

public sealed class JsonCompatibilityCatalogTests
{
    private const string Array1 = "103c:3239";
    private const string Array2 = "103c:3355";

    private static readonly CatalogTrust Careless = new() { AllowUnsigned = true, History = new InMemoryCatalogHistory(), TimeProvider = TimeProvider.System };

    [Fact]
    public async Task Evaluate_NewerRelease_IsApprovedAndBecomesAKey()
    {
        var (verdict, key) = await Ask(Catalog(Rom("system-rom", Release(3))), [Image(3)], [System(2)]);

        var component = Assert.Single(verdict.Components);
        Assert.True(verdict.IsTargetSupported);
        Assert.Equal(RomDecision.Approved, component.Decision);
        Assert.NotEmpty(component.Reasons);
        Assert.Equal("3.0", Assert.Single(key.GetValueOrThrow().Components).Version.Text);
    }

    [Fact]
    public async Task Evaluate_SeveralImages_HighestVersionIsChosenAndTheOthersAreNotNeeded()
    {
        var (verdict, key) = await Ask(Catalog(Rom("system-rom", Release(3), Release(5), Release(4))), [Image(3), Image(5), Image(4)], [System(2)]);

        Assert.Equal("5.0", Assert.Single(key.GetValueOrThrow().Components).Version.Text);
        Assert.Equal(2, verdict.UnneededImages.Length);
    }

    [Fact]
    public async Task Evaluate_SameVersion_IsCurrentUnlessReflashIsAskedFor()
    {
        var catalog = Catalog(Rom("system-rom", Release(2)));

        var (verdict, _) = await Ask(catalog, [Image(2)], [System(2)]);
        Assert.Equal(RomDecision.AlreadyCurrent, verdict.Components[0].Decision);
        Assert.Empty(Objections([Image(2)], [System(2)], verdict, FlashPolicy.Default));

        var (again, key) = await Ask(catalog, [Image(2)], [System(2)], new() { Reflash = true });
        Assert.Equal(RomDecision.Approved, again.Components[0].Decision);
        Assert.True(key.TryGetValue(out _, out _));
    }

    [Fact]
    public async Task Evaluate_OlderRelease_IsADowngradeUnlessAskedFor()
    {
        var catalog = Catalog(Rom("system-rom", Release(1)));

        var (verdict, key) = await Ask(catalog, [Image(1)], [System(2)]);
        Assert.Equal(RomDecision.Downgrade, verdict.Components[0].Decision);
        Assert.Equal("RF4003", Failure(key).Code);

        var (allowed, allowedKey) = await Ask(catalog, [Image(1)], [System(2)], new() { AllowDowngrade = true });
        Assert.Equal(RomDecision.Approved, allowed.Components[0].Decision);
        Assert.True(allowedKey.TryGetValue(out _, out _));
    }

    [Fact]
    public async Task Evaluate_VersionUnknown_IsRefusedUnlessReflashIsAskedFor()
    {
        var catalog = Catalog(Rom("system-rom", Release(3)));
        var rom = System(2) with { Versions = [] };

        var (verdict, key) = await Ask(catalog, [Image(3)], [rom]);
        Assert.Equal(RomDecision.UnknownVersion, verdict.Components[0].Decision);
        Assert.Equal("RF4006", Failure(key).Code);

        Assert.True((await Ask(catalog, [Image(3)], [rom], new() { Reflash = true })).Key.TryGetValue(out _, out _));
    }

    [Fact]
    public async Task Evaluate_VersionOfAnotherStyle_IsNotComparable()
    {
        var rom = System(2) with { Versions = [new(FactSource.Smbios, RomVersion.Parse("01/22/2018"))] };

        var (verdict, key) = await Ask(Catalog(Rom("system-rom", Release(3))), [Image(3)], [rom]);

        Assert.Equal(RomDecision.UnknownVersion, verdict.Components[0].Decision);
        Assert.Equal("RF4007", Failure(key).Code);
    }

    [Fact]
    public async Task Evaluate_SourcesDisagree_IsNotApproved()
    {
        var rom = System(2) with { Versions = [Smbios(2), new(FactSource.Esrt, RomVersion.FromPacked(9))] };

        var (verdict, key) = await Ask(Catalog(Rom("system-rom", Release(3))), [Image(3)], [rom]);

        Assert.Equal(RomDecision.UnknownVersion, verdict.Components[0].Decision);
        Assert.False(key.TryGetValue(out _, out _));
    }

    [Fact]
    public async Task Evaluate_MinimumNotMet_PathTakesTheFewestBoots()
    {
        // One by one it would be 2, 3, 5, 6; 5 takes any version from 3 on, and 3 follows 1 directly.
        var catalog = Catalog(Rom("system-rom", Release(6, 5), Release(5, 3), Release(2), Release(4, 2), Release(3, 1)));

        var (verdict, key) = await Ask(catalog, [Image(6), Image(5), Image(4), Image(3), Image(2)], [System(1)]);

        Assert.Equal(["3.0", "5.0", "6.0"], verdict.Components[0].Path.Select(r => r.Version.Text).ToArray());
        var approved = key.GetValueOrThrow();
        Assert.Equal(2, approved.Components[0].ReleasesToFollow);
        Assert.True(approved.HasMoreToCome);
    }

    [Fact]
    public async Task Evaluate_StoneNotAtHand_IsNamedAsIntermediateVersion()
    {
        var (verdict, key) = await Ask(Catalog(Rom("system-rom", Release(6, 5), Release(5))), [Image(6)], [System(1)]);

        Assert.Equal(["5.0", "6.0"], verdict.Components[0].Path.Select(r => r.Version.Text).ToArray());
        Assert.Equal("RF4005", Failure(key).Code);
        Assert.Contains("5.0", Failure(key).Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Evaluate_TwoStonesWouldDo_TheOneAtHandIsTaken()
    {
        var (verdict, key) = await Ask(Catalog(Rom("system-rom", Release(6, 3), Release(5), Release(4), Release(3))), [Image(6), Image(4)], [System(1)]);

        Assert.Equal(["4.0", "6.0"], verdict.Components[0].Path.Select(r => r.Version.Text).ToArray());
        Assert.True(key.TryGetValue(out _, out _));
    }

    [Fact]
    public async Task Evaluate_AfterTheStoneWasFlashed_TheGoalIsApprovedWithTheSameImages()
    {
        var (verdict, key) = await Ask(Catalog(Rom("system-rom", Release(6, 5), Release(5))), [Image(6), Image(5)], [System(5)]);

        Assert.Equal("6.0", Assert.Single(key.GetValueOrThrow().Components).Version.Text);
        Assert.Equal(Digest(5), Assert.Single(verdict.UnneededImages));
    }

    [Fact]
    public async Task Evaluate_NoWayToTheMinimum_IsRefusedAsIntermediateVersionRequired()
    {
        // The stones require each other.
        var (verdict, key) = await Ask(Catalog(Rom("system-rom", Release(6, 5), Release(5, 4), Release(4, 3))), [Image(6)], [System(1)]);

        Assert.Equal("RF4005", Failure(key).Code);
        Assert.Contains("no release of the catalog leads there", verdict.Components[0].Reasons[0], StringComparison.Ordinal);
    }

    [Fact]
    public async Task Evaluate_ThousandsOfReleasesThatLeadNowhere_AnswersAllTheSame()
    {
        var catalog = Catalog(Rom("system-rom", [Release(9000, 8999), .. Enumerable.Range(2, 5000).Select(i => Release(i, i - 1))]));

        Assert.Equal("RF4005", Failure((await Ask(catalog, [Image(9000)], [System(1)])).Key).Code);
    }

    [Fact]
    public async Task Evaluate_UnknownImage_IsListed()
    {
        var (verdict, key) = await Ask(Catalog(Rom("system-rom", Release(3))), [Image(77)], [System(2)]);

        Assert.Equal(Digest(77), Assert.Single(verdict.UnknownImages));
        Assert.Equal("RF4014", Failure(key).Code);
    }

    [Fact]
    public async Task Evaluate_UnsupportedSystem_IsRefused()
    {
        foreach (var identity in new[] { Identity("Other"), Identity(null) })
        {
            var (verdict, key) = await Ask(Catalog(Rom("system-rom", Release(3))), [Image(3)], [System(2)], identity: identity);

            Assert.False(verdict.IsTargetSupported);
            Assert.NotEmpty(verdict.Reasons);
            Assert.Equal("RF4001", Failure(key).Code);
        }
    }

    [Theory]
    [InlineData("ProLiant DL360 Gen10", "ProLiant DL360 Gen10", true)]
    [InlineData("proliant dl360 gen10", "ProLiant DL360 Gen10", true)]
    [InlineData("ProLiant*Gen10*", "ProLiant DL360 Gen10 Plus", true)]
    [InlineData("*", "anything", true)]
    [InlineData("*", null, false)]
    [InlineData("ProLiant*Gen9", "ProLiant DL360 Gen10", false)]
    [InlineData("*a*a*a*a*a*a*a*a*a*b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", false)]
    public async Task Evaluate_ProductPattern_MatchesAsWritten(string pattern, string? product, bool isSupported)
    {
        var (verdict, _) = await Ask(Catalog(Rom("system-rom", Release(3)), pattern), [Image(3)], [System(2)], identity: Identity(product));

        Assert.Equal(isSupported, verdict.IsTargetSupported);
    }

    [Fact]
    public async Task Evaluate_SkuGiven_MustBeToldByTheTarget()
    {
        var catalog = Catalog(Rom("system-rom", Release(3)), "DL360", sku: "8675*");

        Assert.True((await Ask(catalog, [Image(3)], [System(2)], identity: Identity() with { Sku = "867500-B21" })).Verdict.IsTargetSupported);
        Assert.False((await Ask(catalog, [Image(3)], [System(2)], identity: Identity() with { Sku = null })).Verdict.IsTargetSupported);
        Assert.False((await Ask(catalog, [Image(3)], [System(2)], identity: Identity() with { Sku = "1" })).Verdict.IsTargetSupported);
    }

    [Fact]
    public async Task Evaluate_ImageForAnotherController_IsRomNotForTarget()
    {
        var catalog = Catalog(ArrayRom(Array1, Release(3)) + "," + ArrayRom(Array2, Release(4)));

        var (verdict, key) = await Ask(catalog, [Image(4)], [Array("array-0", 0x3239)]);

        Assert.Equal(RomDecision.NotSupported, verdict.Components[0].Decision);
        Assert.Equal("RF4002", Failure(key).Code);
    }

    [Fact]
    public async Task Evaluate_ImageForAComponentThatTheTargetLacks_IsRomNotForTarget()
    {
        var catalog = Catalog(Rom("system-rom", Release(3)) + "," + ArrayRom(Array2, Release(4)));

        var (verdict, key) = await Ask(catalog, [Image(3), Image(4)], [System(2)]);

        Assert.Equal("RF4002", Failure(key).Code);
        Assert.Contains(verdict.Reasons, r => r.Contains("does not have", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Evaluate_TwoControllersAndAnImageForOne_OnlyThatOneIsUpgraded()
    {
        var (verdict, key) = await Ask(Catalog(ArrayRom(Array1, Release(3))), [Image(3)], [Array("array-0", 0x3239), Array("array-1", 0x3355)]);

        Assert.Equal([RomDecision.Approved, RomDecision.NotApplicable], verdict.Components.Select(c => c.Decision).ToArray());
        Assert.Equal("array-0", Assert.Single(key.GetValueOrThrow().Components).ComponentId);
    }

    [Theory]
    [InlineData("\"firmwareClass\":\"0f2c63b1-8a3f-4f0b-9d3e-5a1f7c1d2e3f\",", true)]
    [InlineData("\"firmwareClass\":\"1f2c63b1-8a3f-4f0b-9d3e-5a1f7c1d2e3f\",", false)]
    [InlineData("\"id\":\"system\",", true)]
    [InlineData("\"id\":\"System\",", false)]
    [InlineData("\"pci\":\"103c:3239\",", false)]
    public async Task Evaluate_Selector_HasToFitTheInstalledRom(string selector, bool fits)
    {
        var rom = System(2) with { FirmwareClass = Guid.Parse("0f2c63b1-8a3f-4f0b-9d3e-5a1f7c1d2e3f") };

        var (_, key) = await Ask(Catalog($"{{\"component\":\"system-rom\",{selector}\"releases\":[{Release(3)}]}}"), [Image(3)], [rom]);

        Assert.Equal(fits, key.TryGetValue(out _, out var failure));
        Assert.Equal(fits ? null : "RF4002", failure?.Code);
    }

    [Fact]
    public async Task Evaluate_SameImageForTwoSystems_IsListedOnceAndServesBoth()
    {
        var text = $$"""{"romflashCatalog":1,"systems":[{{SystemEntry("A", Rom("system-rom", Release(3)))}},{{SystemEntry("B", Rom("system-rom", Release(3)))}}]}""";
        var catalog = Parse(text).GetValueOrThrow();

        Assert.Equal(1, catalog.ReleaseCount);
        Assert.True((await Ask(text, [Image(3)], [System(2)], identity: Identity("A"))).Key.TryGetValue(out _, out _));
        Assert.True((await Ask(text, [Image(3)], [System(2)], identity: Identity("B"))).Key.TryGetValue(out _, out _));
    }

    [Fact]
    public async Task Evaluate_CatalogLengthDiffersFromTheImage_IsRefusedByTheRules() =>
        Assert.Equal("RF4011", Failure((await Ask(Catalog(Rom("system-rom", Release(3).Replace("\"size\":100", "\"size\":99", StringComparison.Ordinal))), [Image(3)], [System(2)])).Key).Code);

    [Fact]
    public async Task Evaluate_CancelledToken_Throws() => await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
        await Parse(Catalog(Rom("system-rom", Release(3)))).GetValueOrThrow().EvaluateAsync(new(Report([System(2)], Identity()), [], FlashPolicy.Default), new CancellationToken(true)));

    [Theory]
    [InlineData("", "line 1, column 1")]
    [InlineData("[]", "must be an object")]
    [InlineData("{\"romflashCatalog\":1,\"systems\":[]} x", "line 1, column 36")]
    [InlineData("{\"romflashCatalog\":2,\"systems\":[]}", "romflashCatalog must be 1")]
    [InlineData("{\"systems\":[]}", "lacks the field 'romflashCatalog'")]
    [InlineData("{\"romflashCatalog\":1}", "lacks the field 'systems'")]
    [InlineData("{\"romflashCatalog\":1,\"systems\":{}}", "must be a list")]
    [InlineData("{\"romflashCatalog\":1,\"systems\":[1]}", "must be an object")]
    [InlineData("{\"romflashCatalog\":1,\"systems\":[],\n  \"extra\":{\"a\":[1]}}", "line 2, column 3: the field 'extra' is not known")]
    [InlineData("{\"romflashCatalog\":1,\"systems\":[],\"systems\":[]}", "there twice")]
    [InlineData("{\"romflashCatalog\":1,\"systems\":[],\"name\":\"\\ud800\"}", "valid text")]
    [InlineData("{\"romflashCatalog\":1,\"systems\":[],\"name\":3}", "must be a text")]
    [InlineData("{\"romflashCatalog\":1,\"systems\":[[[[[[[[[[[[[[[[[[[[", "line 1")]
    [InlineData("{\"romflashCatalog\":1,/* c */\"systems\":[]}", "line 1")]
    public void TryParse_BrokenStructure_IsToldWithItsPlace(string text, string problem)
    {
        Assert.False(Parse(text).TryGetValue(out _, out var failure));
        Assert.Equal("RF4010", failure!.Code);
        Assert.Contains(problem, failure.Detail, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("\"sha256\":\"", "\"sha256\":\"zz", "64 hexadecimal digits")]
    [InlineData("\"sha256\"", "\"sha255\"", "lacks the field 'sha256'")]
    [InlineData("\"size\":100", "\"size\":0", "a whole number of bytes from 1 to")]
    [InlineData("\"size\":100", "\"size\":1.5", "a whole number of bytes from 1 to")]
    [InlineData("\"size\":100", "\"size\":[100]", "a whole number of bytes from 1 to")]
    [InlineData("\"size\":100,", "", "lacks the field 'size'")]
    [InlineData("\"version\":\"3.0\"", "\"version\":\"\\u0007\"", "no version")]
    [InlineData("\"version\":\"3.0\"", "\"version\":\"\"", "must be a valid text")]
    [InlineData("\"version\":\"3.0\",", "", "lacks the field 'version'")]
    [InlineData("\"reportedAs\":{\"smbios\":\"3.0\",\"esrt\":\"0x00000003\"}", "\"reportedAs\":{}", "names no source")]
    [InlineData("\"reportedAs\":{\"smbios\":\"3.0\",\"esrt\":\"0x00000003\"}", "\"x\":1", "lacks the field 'reportedAs'")]
    [InlineData("\"esrt\":\"0x00000003\"", "\"esrt\":\"3.0\"", "ESRT version is a number")]
    [InlineData("\"esrt\":\"0x00000003\"", "\"ESRT\":\"3.0\"", "lower-case letters")]
    [InlineData("\"esrt\":\"0x00000003\"", "\"smbios\":\"3.0\"", "there twice")]
    [InlineData("\"notes\":\"n\"", "\"requiredMinimum\":{\"smbios\":\"4.0\"}", "above what it reports itself")]
    [InlineData("\"notes\":\"n\"", "\"requiredMinimum\":{}", "names no source")]
    [InlineData("\"system-rom\"", "\"floppy\"", "component must be")]
    [InlineData("\"component\":\"system-rom\"", "\"component\":\"system-rom\",\"pci\":\"103c\"", "pci must be")]
    [InlineData("\"component\":\"system-rom\"", "\"component\":\"system-rom\",\"pci\":\"103c:323g\"", "pci must be")]
    [InlineData("\"component\":\"system-rom\"", "\"component\":\"system-rom\",\"firmwareClass\":\"x\"", "firmwareClass must be")]
    [InlineData("\"component\":\"system-rom\",", "", "lacks the field 'component'")]
    [InlineData("\"manufacturer\":\"HPE\",", "", "lacks the field 'manufacturer'")]
    public void TryParse_BrokenEntry_IsTold(string from, string to, string problem)
    {
        var good = Catalog(Rom("system-rom", Release(3)));
        Assert.True(Parse(good).TryGetValue(out _, out _));
        Assert.Contains(from, good, StringComparison.Ordinal);

        Assert.False(Parse(good.Replace(from, to, StringComparison.Ordinal)).TryGetValue(out _, out var failure));
        Assert.Equal("RF4010", failure!.Code);
        Assert.Contains(problem, failure.Detail, StringComparison.Ordinal);
        Assert.Contains("line 1, column ", failure.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public void TryParse_ReleasesThatContradictEachOther_IsTold()
    {
        foreach (var (catalog, problem) in new[]
        {
            (Catalog(Rom("system-rom", Release(3), Release(3))), "there twice for one ROM"),
            (Catalog(Rom("system-rom", Release(3)) + "," + Rom("other", Release(3).Replace("\"size\":100", "\"size\":101", StringComparison.Ordinal))), "contradict"),
            (Catalog(Rom("system-rom", Release(3), Release(4).Replace("\"smbios\":\"4.0\"", "\"smbios\":\"2.0\"", StringComparison.Ordinal))), "smbios reports"),
            (Catalog(Rom("system-rom", Release(3), Release(4).Replace("\"version\":\"4.0\"", "\"version\":\"3.0\"", StringComparison.Ordinal))), "reports"),
        })
        {
            Assert.False(Parse(catalog).TryGetValue(out _, out var failure));
            Assert.Equal("RF4010", failure!.Code);
            Assert.Contains(problem, failure.Detail, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void TryParse_ManyProblems_AreAllToldUpToALimit()
    {
        Assert.False(Parse(Catalog(Rom("system-rom", Release(3).Replace("\"size\":100", "\"size\":-1", StringComparison.Ordinal), Release(4).Replace("\"sha256\"", "\"sha\"", StringComparison.Ordinal)))).TryGetValue(out _, out var two));
        Assert.Contains("size must be", two!.Detail, StringComparison.Ordinal);
        Assert.Contains("'sha' is not known", two.Detail, StringComparison.Ordinal);

        Assert.False(Parse($"{{\"romflashCatalog\":1,\"systems\":[{string.Join(',', Enumerable.Repeat("7", 100_000))}]}}").TryGetValue(out _, out var many));
        Assert.EndsWith("and more", many!.Detail, StringComparison.Ordinal);
        Assert.InRange(many.Detail.Length, 1000, 20_000);
    }

    [Fact]
    public void TryParse_PlaceBehindOtherLinesAndWideCharacters_CountsCharacters()
    {
        Assert.False(Parse("{\n\"romflashCatalog\":1,\n\"name\":\"äöü\",\"systems\":7}").TryGetValue(out _, out var failure));

        Assert.Contains("line 3, column 24: systems must be a list", failure!.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public void TryParse_InvalidUtf8_IsUnusable()
    {
        byte[] bytes = [.. "{\"romflashCatalog\":1,\"systems\":[],\"name\":\""u8, 0xFF, 0xFE, .. "\"}"u8];

        Assert.False(CatalogDocument.TryParse(bytes, "c").TryGetValue(out _, out var failure));
        Assert.Equal("RF4010", failure!.Code);
    }

    [Fact]
    public void TryParse_ByteOrderMark_IsAccepted() =>
        Assert.True(CatalogDocument.TryParse([0xEF, 0xBB, 0xBF, .. "{\"romflashCatalog\":1,\"name\":\"N\",\"systems\":[]}"u8], "c").TryGetValue(out var catalog, out _) && catalog.Name == "N");

    [Fact]
    public void TryParse_SeededMutants_NeverThrow()
    {
        const int Seed = 4711;
        var random = new Random(Seed);
        var original = Encoding.UTF8.GetBytes(Catalog(Rom("system-rom", Release(3, 2), Release(4)), "DL*", "8*"));
        for (var i = 0; i < 5000; i++)
        {
            var mutant = original.AsSpan(0, random.Next(5) == 0 ? random.Next(original.Length) : original.Length).ToArray();
            for (var n = random.Next(1, 4); n > 0 && mutant.Length > 0; n--)
            {
                mutant[random.Next(mutant.Length)] = random.Next(2) == 0 ? (byte)random.Next(256) : "{}[]\",:0\\e"u8[random.Next(10)];
            }

            var thrown = Record.Exception(() => CatalogDocument.TryParse(mutant, "c").TryGetValue(out _, out _));
            Assert.True(thrown is null, $"seed {Seed}, mutant {i}: {thrown}");
        }
    }

    [Fact]
    public async Task Load_File_IsRead()
    {
        var path = Path.GetTempFileName();
        try
        {
            await File.WriteAllTextAsync(path, Catalog(Rom("system-rom", Release(3))));
            Assert.Equal(1, (await JsonCompatibilityCatalog.LoadAsync(path, Careless, CancellationToken.None)).GetValueOrThrow().ReleaseCount);

            using (var file = File.OpenWrite(path))
            {
                file.SetLength(JsonCompatibilityCatalog.MaxLength + 1L);
            }

            Assert.False((await JsonCompatibilityCatalog.LoadAsync(path, Careless, CancellationToken.None)).TryGetValue(out _, out var failure));
            Assert.Equal("RF4010", failure!.Code);
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("/nowhere/catalog.json")]
    [InlineData("/dev/zero")]
    [InlineData("/")]
    public async Task Load_NoRegularFile_IsUnusable(string path)
    {
        Assert.False((await JsonCompatibilityCatalog.LoadAsync(path, Careless, CancellationToken.None)).TryGetValue(out _, out var failure));
        Assert.Equal("RF4010", failure!.Code);
    }

    private static FlashResult<JsonCompatibilityCatalog> Parse(string text) =>
        CatalogDocument.TryParse(Encoding.UTF8.GetBytes(text), "catalog.json").TryGetValue(out var document, out var failure)
            ? JsonCompatibilityCatalog.TryCreate([new(document, new(document.Name, default))], null)
            : failure;

    private static string Catalog(string roms, string product = "DL360", string? sku = null) => $$"""{"romflashCatalog":1,"name":"test","systems":[{{SystemEntry(product, roms, sku)}}]}""";

    private static string SystemEntry(string product, string roms, string? sku = null) =>
        $$"""{"manufacturer":"HPE","product":"{{product}}",{{(sku is null ? string.Empty : $"\"sku\":\"{sku}\",")}}"roms":[{{roms}}]}""";

    private static string Rom(string component, params string[] releases) => $$"""{"component":"{{component}}","releases":[{{string.Join(',', releases)}}]}""";

    private static string ArrayRom(string pci, params string[] releases) => $$"""{"component":"array-controller","pci":"{{pci}}","releases":[{{string.Join(',', releases)}}]}""";

    private static string Release(int version, int? minimum = null) =>
        string.Create(CultureInfo.InvariantCulture, $$"""{"version":"{{version}}.0","sha256":"{{Digest(version)}}","size":100,"reportedAs":{"smbios":"{{version}}.0","esrt":"0x{{version:X8}}"},{{(minimum is null ? string.Empty : $"\"requiredMinimum\":{{\"smbios\":\"{minimum}.0\"}},")}}"notes":"n"}""");

    private static ContentDigest Digest(int version)
    {
        var bytes = new byte[32];
        bytes[31] = 1;
        BitConverter.TryWriteBytes(bytes, version);
        return new(bytes);
    }

    private static RomImage Image(int version) =>
        RomImage.TryCreate(new MemoryImageSource($"v{version}.cap", new byte[100]), new() { Format = "test", Signature = ImageSignatureStatus.Trusted, Length = 100, Sha256 = Digest(version) }).GetValueOrThrow();

    private static ReportedVersion Smbios(int version) => new(FactSource.Smbios, RomVersion.Parse($"{version}.0"));

    private static InstalledRom System(int version) => new() { Id = "system", Kind = RomKind.SystemRom, Versions = [Smbios(version)] };

    private static InstalledRom Array(string id, ushort device) => new() { Id = id, Kind = RomKind.ArrayController, Pci = new(0x103c, device, 0x103c, 0x21c2), Versions = [Smbios(1)] };

    private static TargetIdentity Identity(string? product = "DL360") => new() { SerialNumber = "S1", Manufacturer = "HPE", Product = product };

    private static TargetReport Report(ImmutableArray<InstalledRom> roms, TargetIdentity identity) =>
        TargetReport.TryCreate(FlashTarget.Parse("dir:/target"), new() { Facts = new() { Identity = identity, Roms = roms } }).GetValueOrThrow();

    private static ImmutableArray<FlashFailure> Objections(ImmutableArray<RomImage> images, ImmutableArray<InstalledRom> roms, CompatibilityVerdict verdict, FlashPolicy policy) =>
        ApprovedUpgrade.FindObjections(Report(roms, Identity()), images, verdict, policy);

    private static async Task<(CompatibilityVerdict Verdict, FlashResult<ApprovedUpgrade> Key)> Ask(string catalog, ImmutableArray<RomImage> images, ImmutableArray<InstalledRom> roms, FlashPolicy? policy = null, TargetIdentity? identity = null)
    {
        var report = Report(roms, identity ?? Identity());
        var verdict = (await Parse(catalog).GetValueOrThrow().EvaluateAsync(new(report, images, policy ?? FlashPolicy.Default), CancellationToken.None)).GetValueOrThrow();
        return (verdict, ApprovedUpgrade.TryCreate(report, images, verdict, policy ?? FlashPolicy.Default, 4));
    }

    private static FlashFailure Failure(FlashResult<ApprovedUpgrade> key)
    {
        Assert.False(key.TryGetValue(out _, out var failure));
        return failure!;
    }
}
