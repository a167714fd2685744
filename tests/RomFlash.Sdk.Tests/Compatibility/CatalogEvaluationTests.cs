using System.Text.Json;
using RomFlash.Sdk.Compatibility;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Pipeline;
using RomFlash.Sdk.Probing;
using RomFlash.Sdk.Targets;
using static RomFlash.Sdk.Tests.Compatibility.CatalogQuestions;
using static RomFlash.Sdk.Tests.Compatibility.CatalogText;

namespace RomFlash.Sdk.Tests.Compatibility;

/// <summary>Which systems an entry is about, and what is decided for each ROM.</summary>
public sealed class CatalogEvaluationTests
{
    private const string One = "30373237-3132-4d32-3230-343230304c36";
    private const string Two = "30373237-3132-4d32-3230-343230304c37";

    [Theory]
    [InlineData(One, true)]
    [InlineData(Two, false)]
    [InlineData(null, false)]
    [InlineData("ffffffff-ffff-ffff-ffff-ffffffffffff", false)]
    public void Evaluate_SystemByUuid_IsThatMachineAlone(string? uuid, bool isSupported) =>
        Assert.Equal(isSupported, IsSupported($$"""{"smbiosUuids":["{{One}}"],"roms":[{{Rom(Release(3))}}]}""", Identity("A") with { SmbiosUuid = Parse(uuid) }));

    [Theory]
    [InlineData(One, false)]
    [InlineData(Two, true)]
    [InlineData(null, false)]
    [InlineData("00000000-0000-0000-0000-000000000000", false)]
    [InlineData("ffffffff-ffff-ffff-ffff-ffffffffffff", false)]
    public void Evaluate_ExceptionByUuid_HoldsAlsoForWhoDoesNotTell(string? uuid, bool isSupported) =>
        Assert.Equal(isSupported, IsSupported($$"""{"manufacturer":"HPE","product":"A","exceptSmbiosUuids":["{{One}}"],"roms":[{{Rom(Release(3))}}]}""", Identity("A") with { SmbiosUuid = Parse(uuid) }));

    [Theory]
    [InlineData(1, 1)]
    [InlineData(2, null)]
    [InlineData(3, null)]
    [InlineData(4, null)]
    public void Evaluate_ApprovedRom_NamesTheReleaseThatRunsWhereItIsOne(int installed, int? expected)
    {
        // 2 is not listed, 3 is reported by two releases, 4 was withdrawn by a stronger layer.
        var catalog = Layers(
            Withdrawing(Catalog(), Withdrawn(4)),
            Catalog(Machine("A", Rom(Release(1), Release(3), Release(3, digest: 33, name: "3.0b"), Release(4), Release(9)))));
        var verdict = Only(catalog, Ask("A", installed, 9));

        Assert.Equal(RomDecision.Approved, verdict.Decision);
        Assert.Equal(expected is { } one ? Digest(one) : null, verdict.Installed?.Sha256);
    }

    [Fact]
    public void Evaluate_RomThatIsNotApproved_NamesNoInstalledRelease() =>
        Assert.Null(Only(Layers(Catalog(Machine("A", Rom(Release(1), Release(9))))), Ask("A", 9, 9)).Installed);

    [Fact]
    public void Evaluate_SeveralSelectors_AllHaveToHold()
    {
        var entry = $$"""{"manufacturer":"HPE","product":"A","sku":"8*","smbiosUuids":["{{One}}"],"roms":[{{Rom(Release(3))}}]}""";
        var identity = Identity("A") with { Sku = "8675", SmbiosUuid = Guid.Parse(One) };

        Assert.True(IsSupported(entry, identity));
        Assert.False(IsSupported(entry, identity with { Sku = "9" }));
        Assert.False(IsSupported(entry, identity with { Product = "B" }));
        Assert.False(IsSupported(entry, identity with { Manufacturer = null }));
        Assert.False(IsSupported(entry, identity with { SmbiosUuid = Guid.Parse(Two) }));
    }

    [Fact]
    public void Evaluate_HardwareIdThatTheTargetTells_IsEnough()
    {
        var id = Guid.Parse("11112222-3333-4444-5555-666677778888");
        var entry = $$"""{"hardwareIds":["{{id}}","{{Two}}"],"roms":[{{Rom(Release(3))}}]}""";

        Assert.True(IsSupported(entry, Identity(null), new() { HardwareIds = [id] }));
        Assert.True(IsSupported(entry, Identity(null), new() { HardwareIds = [Guid.Parse(Two), id] }));
        Assert.False(IsSupported(entry, Identity(null), new() { HardwareIds = [Guid.Parse(One)] }));
        Assert.False(IsSupported(entry, Identity(null), new() { HardwareIds = default }));
        Assert.False(IsSupported(entry, Identity(null)));
    }

    [Fact]
    public void Evaluate_HardwareIdThatFollowsFromSmbios_IsComputed()
    {
        var hardware = new HardwareDescription { BaseboardManufacturer = "HPE", BaseboardProduct = "Board 7" };
        var ids = ComputerHardwareIds.Compute(Identity("A"), hardware);
        Assert.NotEmpty(ids);
        foreach (var id in ids)
        {
            Assert.True(IsSupported($$"""{"hardwareIds":["{{id}}"],"roms":[{{Rom(Release(3))}}]}""", Identity("A"), hardware));
        }

        var withBoard = ids.Except(ComputerHardwareIds.Compute(Identity("A"), new())).First();
        Assert.False(IsSupported($$"""{"hardwareIds":["{{withBoard}}"],"roms":[{{Rom(Release(3))}}]}""", Identity("A"), hardware with { BaseboardProduct = "Board 8" }));
        Assert.False(IsSupported($$"""{"hardwareIds":["{{withBoard}}"],"roms":[{{Rom(Release(3))}}]}""", Identity("A")));
    }

    [Theory]
    [InlineData("*", "*")]
    [InlineData("HP*", "*")]
    [InlineData("*", "ProLiant DL*")]
    [InlineData("*", "*Gen10")]
    [InlineData("hpe", "*DL360*")]
    [InlineData("*e", "*l*0*")]
    [InlineData("HPE", "PROLIANT DL360 GEN10")]
    public void Evaluate_PatternOfAnyShape_IsFound(string manufacturer, string product)
    {
        // Beside others of every shape that do not fit.
        string[] others = ["Pro*", "*9", "*X*", "ProLiant DL361*", "ProLiant DL360 Gen9"];
        var catalog = Catalog([.. others.Select(o => Machine(o)), $$"""{"manufacturer":"{{manufacturer}}","product":"{{product}}","roms":[{{Rom(Release(3))}}]}"""]);

        Assert.Equal(RomDecision.Approved, Verdict(catalog, Ask("ProLiant DL360 Gen10", 1, 3)).Components[0].Decision);
    }

    [Fact]
    public void Evaluate_DowngradeBelowWhatTheInstalledReleaseAccepts_IsRefusedEvenIfAskedFor()
    {
        var catalog = Layers(Catalog(Machine("A", Rom(Release(1), Release(2), Release(3), Release(4, "\"lowestSupported\":{\"smbios\":\"2.0\"}")))));
        foreach (var policy in new FlashPolicy[] { new(), new() { AllowDowngrade = true }, new() { AllowDowngrade = true, Reflash = true } })
        {
            var below = Ask("A", 4, 1) with { Policy = policy };
            Assert.Equal(RomDecision.BelowLowestSupported, Only(catalog, below).Decision);
            Assert.Equal("'1.0' is below the lowest version that the installed release accepts (smbios: 2.0)", Assert.Single(Only(catalog, below).Reasons));
            Assert.Equal("RF4004", Objection(catalog, below)?.Code);
            Assert.Equal(policy.AllowDowngrade ? RomDecision.Approved : RomDecision.Downgrade, Only(catalog, Ask("A", 4, 2) with { Policy = policy }).Decision);
        }

        // Another release is installed: what 4.0 accepts does not matter.
        Assert.Equal(RomDecision.Approved, Only(catalog, Ask("A", 3, 1) with { Policy = new() { AllowDowngrade = true } }).Decision);
    }

    [Fact]
    public void Evaluate_LowestSupportedInAnotherEntryOrLayer_CountsAllTheSame()
    {
        var catalog = Layers(
            Catalog(Machine("A", Rom(Release(1)))),
            Catalog(Machine("*", Rom(Release(4, "\"lowestSupported\":{\"smbios\":\"2.0\"}")))));

        Assert.Equal(RomDecision.BelowLowestSupported, Only(catalog, Ask("A", 4, 1) with { Policy = new() { AllowDowngrade = true } }).Decision);
    }

    [Fact]
    public void Evaluate_ShorterWayLacksAnImage_TheWayAtHandIsTaken()
    {
        // Over 5.0 it would be two boots, but its image is not at hand; over 2.0 and 4.0 it is three.
        var catalog = Layers(Catalog(Machine("A", Rom(
            Release(6, "\"requiredMinimum\":{\"smbios\":\"4.0\"}"),
            Release(5),
            Release(4, "\"requiredMinimum\":{\"smbios\":\"2.0\"}"),
            Release(2)))));

        Assert.Equal(["5.0", "6.0"], Only(catalog, Ask("A", 1, 2, 4, 5, 6)).Path.Select(r => r.Version.Text));
        Assert.Equal(["2.0", "4.0", "6.0"], Only(catalog, Ask("A", 1, 2, 4, 6)).Path.Select(r => r.Version.Text));
        Assert.Equal(["5.0", "6.0"], Only(catalog, Ask("A", 1, 4, 6)).Path.Select(r => r.Version.Text));
        Assert.Equal("RF4005", Objection(catalog, Ask("A", 1, 4, 6))?.Code);
    }

    [Theory]
    [InlineData(1, 5)]
    [InlineData(2, 4)]
    [InlineData(3, 3)]
    [InlineData(4, 3)]
    public void Evaluate_SeveralPaths_CountsTheBootsThatTheyTake(int mostComponents, int boots)
    {
        // "a" and "b" take one boot each, "c" takes three, and is last in flashing order.
        static string Of(string id, params string[] releases) => Rom(releases).Replace("\"releases\"", $"\"id\":\"{id}\",\"releases\"", StringComparison.Ordinal);
        var catalog = Layers(Catalog(Machine(
            "A",
            Of("a", Release(10)),
            Of("b", Release(11)),
            Of("c", Release(2), Release(3, "\"requiredMinimum\":{\"smbios\":\"2.0\"}"), Release(4, "\"requiredMinimum\":{\"smbios\":\"3.0\"}")))));

        var verdict = Verdict(catalog, Ask(Identity("A"), [Installed(1, "c"), Installed(1, "b"), Installed(1, "a")], [10, 11, 2, 3, 4], mostComponents));

        Assert.Equal([3, 1, 1], verdict.Components.Select(c => c.Path.Length));
        Assert.Equal(boots, verdict.Boots);
    }

    [Fact]
    public void Evaluate_NothingToDo_TakesNoBoot()
    {
        Assert.Equal(0, Verdict(Catalog(Machine("A", Rom(Release(3)))), Ask("A", 3, 3)).Boots);
        Assert.Equal(0, Verdict(Catalog(Machine("A", Rom(Release(3)))), Ask("B", 1, 3)).Boots);
    }

    [Theory]
    [InlineData("ProLiant DL360 Gen9", "ProLiant DL360 Gen10*")]
    [InlineData("DL360 Gen10", "ProLiant DL360 Gen10*")]
    [InlineData("ProLiant DL38O Gen10", "ProLiant DL380 Gen10*")]
    [InlineData("proliant ml350", "ProLiant ML350 Gen10*")]
    public void Evaluate_SystemNotSupported_NamesTheNearest(string product, string nearest)
    {
        var catalog = Catalog([.. new[] { "Synergy 480 Gen10", "ProLiant DL360 Gen10*", "ProLiant DL380 Gen10*", "ProLiant ML350 Gen10*", "Apollo 4200" }.Select(p => Machine(p, Rom(Release(3))))]);

        var verdict = Verdict(catalog, Ask(product, 1, 3));

        Assert.False(verdict.IsTargetSupported);
        Assert.Equal($"HPE {nearest}", verdict.Nearest[0]);
        Assert.InRange(verdict.Nearest.Length, 1, 3);
    }

    [Fact]
    public void Evaluate_NothingIsNear_NamesNothing()
    {
        var catalog = Catalog(Machine("ProLiant DL360 Gen10", Rom(Release(3))));

        Assert.Empty(Verdict(catalog, Ask("Z", 1, 3)).Nearest);
        Assert.Empty(Verdict(catalog, Ask(Identity(null), [Installed(1)], [3])).Nearest);
        Assert.Empty(Verdict(catalog, Ask("ProLiant DL360 Gen10", 1, 3)).Nearest);
    }

    [Fact]
    public void Evaluate_ControllerNotSupported_NamesTheNearestEntries()
    {
        static string Array(string pci, int release) => $$"""{"component":"array-controller","pci":"{{pci}}","releases":[{{Release(release)}}]}""";
        var catalog = Catalog(Machine("A", Rom(Release(3)), Array("103c:3355", 4), Array("9005:028f:103c:0600", 5)), Machine("B", Array("9005:028f:103c:1100", 6)));
        var installed = new InstalledRom { Id = "array-0", Kind = RomKind.ArrayController, Pci = new(0x9005, 0x028f, 0x103c, 0x1101), Versions = [new(FactSource.Device, RomVersion.Parse("1.0"))] };

        var verdict = Verdict(catalog, Ask(Identity("A"), [Installed(1), installed], [3, 4]));

        Assert.Equal([RomDecision.Approved, RomDecision.NotSupported], verdict.Components.Select(c => c.Decision));
        Assert.Empty(verdict.Components[0].Nearest);
        Assert.Equal("ArrayController of HPE A 9005:028f:103c:0600", verdict.Components[1].Nearest[0]);
        Assert.Equal(3, verdict.Components[1].Nearest.Length);
    }

    [Fact]
    public void Evaluate_HostileTextInCatalogAndTarget_StaysData()
    {
        const string hostile = "\u001b]0;owned\u0007[red]<b>\u202e{0}%s";
        var json = JsonEncodedText.Encode(hostile).ToString();
        var catalog = Catalog(Machine("A " + json, Rom(Release(3, $"\"notes\":\"{json}\""))));

        var verdict = Verdict(catalog, Ask("A " + hostile + " 2", 1, 3));

        Assert.Equal($"HPE A {hostile}", Assert.Single(verdict.Nearest));
        Assert.Contains(hostile, Assert.Single(verdict.Reasons), StringComparison.Ordinal);
        Assert.Equal(hostile, Verdict(catalog, Ask("A " + hostile, 1, 3)).Components[0].Path[0].Notes);
    }

    [Fact]
    public void Evaluate_VeryLongVersions_AreNotCut()
    {
        var text = new string('9', 250);
        var catalog = Catalog(Machine("A", Rom(Release(3, reportedAs: $"\"device\":\"{text}\"", name: text))));

        var reason = Assert.Single(Verdict(catalog, Ask("A", 1, 3)).Components[0].Reasons);

        Assert.Equal($"the installed version (smbios: 1.0) can't be compared with what '{text}' reports (device: {text})", reason);
    }

    [Fact]
    public void Evaluate_ManyAtOnce_EachGetsItsOwnAnswer()
    {
        // What a question works with is lent by the pool: nobody may see another one's.
        var catalog = Layers(Catalog([.. Enumerable.Range(1, 50).Select(i => Machine($"P{i}", Rom(Release(i * 10), Release((i * 10) + 1, $"\"requiredMinimum\":{{\"smbios\":\"{i * 10}.0\"}}"))))]));

        Parallel.For(0, 5000, n =>
        {
            var i = (n % 50) + 1;
            var path = Only(catalog, Ask($"P{i}", 1, i * 10, (i * 10) + 1)).Path;
            Assert.Equal([$"{i * 10}.0", $"{(i * 10) + 1}.0"], path.Select(r => r.Version.Text));
        });
    }

    [Fact]
    public void Evaluate_StoneIsBelowWhatTheInstalledReleaseAccepts_IsNoWay()
    {
        // By SMBIOS, which the target tells, 2.0 is newer than 1.0; by the ESRT it is older than what the firmware of 1.0 accepts.
        string[] others = [Release(2, reportedAs: "\"smbios\":\"2.0\",\"esrt\":\"0x5\"", name: "an opaque name"), Release(3, "\"requiredMinimum\":{\"smbios\":\"2.0\"}", reportedAs: "\"smbios\":\"3.0\",\"esrt\":\"0x20\"", name: "another")];
        var strict = Layers(Catalog(Machine("A", Rom([Release(1, "\"lowestSupported\":{\"esrt\":\"0x10\"}", reportedAs: "\"smbios\":\"1.0\",\"esrt\":\"0x10\""), .. others]))));
        var lenient = Layers(Catalog(Machine("A", Rom([Release(1, reportedAs: "\"smbios\":\"1.0\",\"esrt\":\"0x10\""), .. others]))));

        Assert.Equal(2, Only(lenient, Ask("A", 1, 2, 3)).Path.Length);
        Assert.Equal("RF4005", Objection(strict, Ask("A", 1, 2, 3))?.Code);
        Assert.Equal(RomDecision.BelowLowestSupported, Only(strict, Ask("A", 1, 2)).Decision);
    }

    // Each of them may be a stone, and each says what runs does not accept: not each is asked about each.
    [Fact]
    public void Evaluate_VeryManyStonesWithALowestVersion_EndsSoon()
    {
        const int Count = 30_000;
        var catalog = Layers(Catalog(Machine("A", Rom([Release(1), .. Enumerable.Range(2, Count).Select(i => Release(i, "\"lowestSupported\":{\"smbios\":\"1.0\"}")), Release(Count + 9, "\"requiredMinimum\":{\"smbios\":\"2.0\"}")]))));
        var start = System.Diagnostics.Stopwatch.GetTimestamp();

        Assert.Equal(2, Only(catalog, Ask("A", 1, Count + 9)).Path.Length);
        Assert.InRange(System.Diagnostics.Stopwatch.GetElapsedTime(start), TimeSpan.Zero, TimeSpan.FromSeconds(5));
    }

    [Fact]
    public void Evaluate_StoneAcceptsNothingThatFollows_IsNoWay()
    {
        static string Stone(string? more) => Release(2, more, name: "an opaque name");
        string[] others = [Release(1, reportedAs: "\"smbios\":\"1.0\",\"esrt\":\"0x10\""), Release(3, "\"requiredMinimum\":{\"smbios\":\"2.0\"}", reportedAs: "\"smbios\":\"3.0\",\"esrt\":\"0x12\"", name: "another")];

        Assert.Equal(2, Only(Layers(Catalog(Machine("A", Rom([Stone(null), .. others])))), Ask("A", 1, 2, 3)).Path.Length);
        Assert.Equal("RF4005", Objection(Layers(Catalog(Machine("A", Rom([Stone("\"lowestSupported\":{\"esrt\":\"0x14\"}"), .. others])))), Ask("A", 1, 2, 3))?.Code);
    }

    [Fact]
    public void Evaluate_StoneLeadsOnOnlyByASourceThatTheTargetDoesNotTell_IsNoWay()
    {
        // After 2.0 has run, the target tells its SMBIOS version alone: nobody could say then that 3.0 may follow.
        var catalog = Layers(Catalog(Machine("A", Rom(
            Release(2, reportedAs: "\"smbios\":\"2.0\",\"esrt\":\"0x2\""),
            Release(3, "\"requiredMinimum\":{\"esrt\":\"0x2\"}"),
            Release(4, "\"requiredMinimum\":{\"smbios\":\"3.0\"}")))));

        Assert.Equal("RF4005", Objection(catalog, Ask("A", 1, 2, 3, 4))?.Code);
        Assert.DoesNotContain(Only(catalog, Ask("A", 1, 2, 3, 4)).Path, r => r.Sha256 == Digest(2));

        var telling = Installed(1) with { Versions = [.. Installed(1).Versions, new(FactSource.Esrt, RomVersion.FromPacked(1))] };
        Assert.Equal(["2.0", "3.0", "4.0"], Only(catalog, Ask(Identity("A"), [telling], [2, 3, 4])).Path.Select(r => r.Version.Text));
    }

    [Fact]
    public void Evaluate_NewerByOneSourceAndBelowTheLowestByAnother_IsRefused()
    {
        // Each layer is right in itself; together the one releases what the other's firmware does not accept.
        var catalog = Layers(
            Catalog(Machine("A", Rom(Release(2, "\"lowestSupported\":{\"esrt\":\"0x2\"}", "\"smbios\":\"2.0\",\"esrt\":\"0x2\"")))),
            Catalog(Machine("A*", Rom(Release(3, reportedAs: "\"smbios\":\"3.0\",\"esrt\":\"0x1\"")))));

        Assert.Equal("RF4004", Objection(catalog, Ask("A", 2, 3))?.Code);
        Assert.Null(Objection(catalog, Ask("A", 1, 3)));
    }

    [Fact]
    public void Evaluate_ManyRomsAndImages_AreAllDecided()
    {
        var roms = Enumerable.Range(0, 100).ToArray();
        var catalog = Catalog(Machine("A", [.. roms.Select(i => Rom(Release(1000 + i)).Replace("\"releases\"", $"\"id\":\"r{i}\",\"releases\"", StringComparison.Ordinal))]));

        var verdict = Verdict(catalog, Ask(Identity("A"), [.. roms.Select(i => Installed(1, $"r{i}"))], [.. roms.Select(i => 1000 + i), 1]));

        Assert.All(verdict.Components, c => Assert.Equal(RomDecision.Approved, c.Decision));
        Assert.Equal(roms.Select(i => $"{1000 + i}.0"), verdict.Components.Select(c => c.Path[0].Version.Text));
        Assert.Equal(Digest(1), Assert.Single(verdict.UnknownImages));
        Assert.Equal(25, verdict.Boots);
    }

    private static Guid? Parse(string? uuid) => uuid is null ? null : Guid.Parse(uuid);

    private static bool IsSupported(string system, TargetIdentity identity, HardwareDescription? hardware = null)
    {
        var verdict = Verdict(Catalog(system), Ask(identity, [Installed(1)], [3], hardware: hardware));
        Assert.Equal(verdict.IsTargetSupported ? RomDecision.Approved : RomDecision.NotApplicable, verdict.Components[0].Decision);
        return verdict.IsTargetSupported;
    }
}
