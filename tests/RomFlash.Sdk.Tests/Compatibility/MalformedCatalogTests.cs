using System.Text.RegularExpressions;
using static RomFlash.Sdk.Tests.Compatibility.CatalogText;

namespace RomFlash.Sdk.Tests.Compatibility;

/// <summary>Whatever is wrong with a catalog is told: all of it, each at its place, and nothing else.</summary>
public sealed partial class MalformedCatalogTests
{
    private const string Uuids = "must be a list of UUIDs such as 30373237-3132-4d32-3230-343230304c36, none of them all zeros or all ones";
    private const string Guids = "must be a list of GUIDs such as 6de5d951-d755-576b-bd09-c5cf66b27234";
    private const string Size = "must be a whole number of bytes from 1 to 4294967295";
    private const string Hex = "must be 64 hexadecimal digits, not all of them zero";
    private const string Pci = "must be two or four ids of four hexadecimal digits, such as 103c:3239 or 103c:3239:103c:21c2";
    private const string Reboot = "must be restart or power-cycle";
    private const string Time = "must be a time in UTC such as 2027-01-31T00:00:00Z";
    private const string NoVersion = "is no version: 1 to 256 characters without control characters";

    private static readonly string Zeros = new('0', 64);

    // Which line of the full catalog, whose field it is (and where that begins) when it may not be left out, and what it may not be.
    private static readonly (int Line, string? Owner, (string Value, string Problem)[] Bad)[] Fields =
    [
        (2, "1:1 the catalog", [.. Wrong("\"1\" 2 0 1.5 null [1] true", "must be 1, the only version of the format")]),
        (3, "1:1 the catalog has a serial and lacks the field 'name', under which serials are counted", Text(256)),
        (4, null, [.. Wrong("\"1\" -1 1.5 true [] 9223372036854775808", "must be a whole number of 0 or more")]),
        (5, null, [.. NoText, .. Wrong("\"2027-06-30\" \"2027-06-30T00:00:00\" \"2027-06-30T00:00:00+01:00\" \"2027-13-30T00:00:00Z\"", Time)]),
        (8, "7:5 a system lacks the field 'manufacturer': manufacturer and product go together", Text(256)),
        (9, "7:5 a system lacks the field 'product': manufacturer and product go together", Text(256)),
        (10, null, Text(256)),
        (11, null, [.. NoList, ("[]", "must not be empty"), ("[§\"x\"]", Uuids), ("[§7]", "must be a text"), ("[§\"00000000-0000-0000-0000-000000000000\", §\"ffffffff-ffff-ffff-ffff-ffffffffffff\"]", Uuids)]),
        (12, null, [.. NoList, ("[]", "must not be empty"), ("[§\"30373237\"]", Uuids)]),
        (13, null, [.. NoList, ("[]", "must not be empty"), ("[§\"{6de5d951-d755-576b-bd09-c5cf66b27234}\"]", Guids), ("[§null]", "must be a text")]),
        (16, "15:9 a ROM", [.. NoText, .. Wrong("\"bios\" \"System-ROM\"", "must be system-rom, array-controller, controller or other")]),
        (17, null, [.. NoText, .. Wrong("\"0f2c63b1\" \"00000000-0000-0000-0000-000000000000\"", "must be a GUID such as 6dcbd5ed-e82d-4c44-bda1-7194199ad92a")]),
        (18, null, [.. NoText, .. Wrong("\"103c\" \"103c:3239:103c\" \"103c:323g\" \"103c:+239\" \"103c:03239\" \"1:2:3:4:5\"", Pci)]),
        (19, null, Text(256)),
        (22, "21:13 a release", [.. Text(256), .. Wrong("\"\\u0007\"", NoVersion)]),
        (23, "21:13 a release", [.. NoText, .. Wrong($"\"5feceb\" \"{Zeros}\" \"{new string('x', 64)}\"", Hex)]),
        (24, "21:13 a release", [.. Wrong("\"100\" 0 -1 1.5 4294967296 1e400 {} null", Size)]),
        (25, "21:13 a release", Versions("reportedAs")),
        (26, null, Versions("requiredMinimum")),
        (27, null, Versions("lowestSupported")),
        (28, null, [.. NoText, .. Wrong("\"never\" \"Restart\"", Reboot)]),
        (30, "29:27 recovery", [.. NoText, .. Wrong("\"5feceb\"", Hex)]),
        (31, "29:27 recovery", [.. Wrong("\"100\" 0 4294967296", Size)]),
        (32, null, Text(256)),
        (34, null, Text(4096)),
        (43, "42:5 a withdrawn release", [.. NoText, .. Wrong("\"5feceb\"", Hex)]),
        (44, "42:5 a withdrawn release", Text(4096)),
    ];

    private static (string, string)[] NoText => [.. Wrong("7 null true {} [\"x\"]", "must be a text")];

    private static (string, string)[] NoList => [.. Wrong("7 null \"x\" {\"a\":1}", "must be a list")];

    [Fact]
    public void TryParse_FullCatalog_HasNoProblem() => Assert.Empty(Problems(Full));

    [Fact]
    public void TryParse_OneFieldWrong_IsToldAtItsPlaceAndNothingElseIs()
    {
        var count = 0;
        foreach (var (number, _, bad) in Fields)
        {
            var (indent, field, _, comma) = Line(number);
            foreach (var (value, problem) in bad)
            {
                var marked = value.Contains('§', StringComparison.Ordinal) ? value : "§" + value;
                var message = problem.StartsWith("must", StringComparison.Ordinal) || problem.StartsWith("is no", StringComparison.Ordinal) || problem.StartsWith("names no", StringComparison.Ordinal) ? $"{field} {problem}" : problem;
                AssertProblems(Replace(number, $"{indent}\"{field}\": {marked}{comma}"), [.. Enumerable.Repeat(message, marked.Count(c => c == '§'))]);
                count++;
            }
        }

        Assert.InRange(count, 100, 1000);
    }

    [Fact]
    public void TryParse_OneFieldLeftOut_IsToldWhereItIsNeeded()
    {
        foreach (var (number, owner, _) in Fields)
        {
            var (_, field, _, comma) = Line(number);
            var lines = Full.Split('\n');
            lines[number - 1] = string.Empty;
            lines[number - 2] = comma.Length == 0 ? lines[number - 2].TrimEnd(',') : lines[number - 2];
            Assert.Equal(Lacking(owner, field), Problems(string.Join('\n', lines)));
        }
    }

    [Fact]
    public void TryParse_OneFieldMisspelt_IsToldAsUnknownAndAsLacking()
    {
        foreach (var (number, owner, _) in Fields)
        {
            var (indent, field, value, comma) = Line(number);
            Assert.Equal(
                [.. Lacking(owner, field), At(number, indent.Length + 1, $"the field '{field}s' is not known here")],
                Problems(Replace(number, $"{indent}\"{field}s\": {value}{comma}")));
        }
    }

    [Fact]
    public void TryParse_OneFieldTwice_IsTold()
    {
        foreach (var (number, _, _) in Fields)
        {
            var (indent, field, value, comma) = Line(number);
            Assert.Equal(
                [At(number + 1, indent.Length + 1, $"the field '{field}' is there twice")],
                Problems(Replace(number, $"{indent}\"{field}\": {value},\n{indent}\"{field}\": {value}{comma}")));
        }
    }

    [Theory]
    [InlineData("systems", 6, "line 1, column 1: the catalog lacks the field 'systems'")]
    [InlineData("roms", 14, "line 7, column 5: a system lacks the field 'roms'")]
    [InlineData("releases", 20, "line 15, column 9: a ROM lacks the field 'releases'")]
    [InlineData("recovery", 29, null)]
    [InlineData("withdrawn", 41, null)]
    public void TryParse_OneListOrObjectMisspelt_IsToldAndSkipped(string field, int line, string? lacking)
    {
        var problems = Problems(Full.Replace($"\"{field}\":", $"\"my-{field}\":", StringComparison.Ordinal));

        Assert.Equal(lacking is null ? 1 : 2, problems.Length);
        Assert.Contains(problems, p => p.StartsWith($"line {line}, ", StringComparison.Ordinal) && p.EndsWith($"the field 'my-{field}' is not known here", StringComparison.Ordinal));
        Assert.True(lacking is null || problems.Contains(lacking));
    }

    [Theory]
    [InlineData("")]
    [InlineData("[]", "the catalog must be an object")]
    [InlineData("§7", "the catalog must be an object")]
    [InlineData("{\"romflashCatalog\":1,\"systems\":§{}}", "systems must be a list")]
    [InlineData("{\"romflashCatalog\":1,\"systems\":[§1,§\"x\",§[],§null]}", "a system must be an object")]
    [InlineData("{\"romflashCatalog\":1,\"systems\":[],\"withdrawn\":[§1]}", "a withdrawn release must be an object")]
    [InlineData("§{\"romflashCatalog\":1}", "the catalog lacks the field 'systems'")]
    [InlineData("{\"romflashCatalog\":1,\"systems\":[§{\"roms\":[]}]}", "a system lacks what tells it from others: manufacturer and product, smbiosUuids, or hardwareIds")]
    [InlineData("{\"romflashCatalog\":1,\"systems\":[§{\"sku\":\"8\",\"roms\":[]}]}", "a system lacks what tells it from others: manufacturer and product, smbiosUuids, or hardwareIds")]
    [InlineData("{\"romflashCatalog\":1,\"systems\":[{\"smbiosUuids\":[\"30373237-3132-4d32-3230-343230304c36\"],\"roms\":[§7]}]}", "a ROM must be an object")]
    [InlineData("{\n\"romflashCatalog\":1,\n\"name\":\"äöü€😀\",\"systems\":§7}", "systems must be a list")]
    [InlineData("{\"romflashCatalog\":1,\r\n\t\"systems\":\t§true}", "systems must be a list")]
    public void TryParse_BrokenStructure_IsTold(string marked, string? problem = null)
    {
        if (problem is null)
        {
            Assert.Single(Problems(marked));
            return;
        }

        var text = marked.Contains('§', StringComparison.Ordinal) ? marked : "§" + marked;
        AssertProblems(text, [.. Enumerable.Repeat(problem, text.Count(c => c == '§'))]);
    }

    [Fact]
    public void TryParse_ReleasesThatCanNotBeTrue_AreTold()
    {
        // A digest twice for one ROM, as the same and as another.
        AssertProblems(Catalog(Machine("A", Rom(Release(3), "§" + Release(3)))), $"the digest {Digest(3)} is there twice for one ROM");
        AssertProblems(
            Catalog(Machine("A", Rom(Release(3), "§§" + Release(3).Replace("\"size\":100", "\"size\":101", StringComparison.Ordinal)))),
            $"the digest {Digest(3)} is there twice for one ROM",
            $"the digest {Digest(3)} is described in two ways that contradict each other");

        // The same image on two systems, told in different ways.
        foreach (var other in new[]
        {
            Release(3).Replace("\"size\":100", "\"size\":101", StringComparison.Ordinal),
            Release(3, name: "3.1"),
            Release(3, reportedAs: "\"smbios\":\"3.1\""),
            Release(3, reportedAs: "\"smbios\":\"3.0\",\"device\":\"3.0\""),
            Release(3, "\"requiredMinimum\":{\"smbios\":\"1.0\"}"),
            Release(3, "\"reboot\":\"power-cycle\""),
        })
        {
            AssertProblems(Catalog(Machine("A", Rom(Release(3))), Machine("B", Rom("§" + other))), $"the digest {Digest(3)} is described in two ways that contradict each other");
        }

        // What one leaves open, the other may tell; but not in two ways.
        var lowest = "\"lowestSupported\":{\"smbios\":\"1.0\"}";
        Assert.Empty(Problems(Catalog(Machine("A", Rom(Release(3, "\"notes\":\"x\""))), Machine("B", Rom(Release(3, lowest))))));
        AssertProblems(
            Catalog(Machine("A", Rom(Release(3, lowest))), Machine("B", Rom("§" + Release(3, "\"lowestSupported\":{\"smbios\":\"2.0\"}")))),
            $"the digest {Digest(3)} is described in two ways that contradict each other");

        AssertProblems(Catalog(Machine("A", Rom("§" + Release(3, "\"requiredMinimum\":{\"smbios\":\"4.0\"}")))), "release '3.0' requires '4.0', which is above what it reports itself");
        AssertProblems(Catalog(Machine("A", Rom("§" + Release(3, "\"lowestSupported\":{\"smbios\":\"3.1\"}")))), "release '3.0' supports nothing below '3.1', which is above what it reports itself");
        AssertProblems(
            Catalog(Machine("A", Rom(Release(3), "§" + Release(4, reportedAs: "\"smbios\":\"2.0\"")))),
            "smbios reports '2.0' for version '4.0', and '3.0' for version '3.0'");
        AssertProblems(
            Catalog(Machine("A", Rom(Release(3), "§" + Release(4, name: "3.0")))),
            "smbios reports '4.0' for version '3.0', and '3.0' for version '3.0'");
    }

    [Fact]
    public void TryParse_SystemsAndRomsTwice_AreTold()
    {
        AssertProblems(Catalog(Machine("A", Rom(Release(3))), "§" + Machine("a", Rom(Release(4)))), "this system is there twice");
        AssertProblems(Catalog(Machine("A", Rom(Release(3)), "§" + Rom(Release(4)))), "this ROM is there twice in one system");
        Assert.Empty(Problems(Catalog(Machine("A", Rom(Release(3)), Rom(Release(4)).Replace("\"releases\"", "\"id\":\"x\",\"releases\"", StringComparison.Ordinal)))));

        const string one = "30373237-3132-4d32-3230-343230304c36";
        const string two = "30373237-3132-4d32-3230-343230304c37";
        AssertProblems(
            Catalog($$"""{"smbiosUuids":["{{one}}","{{two}}"],"roms":[]}""", $$"""§{"smbiosUuids":["{{two}}","{{one}}"],"roms":[]}"""),
            "this system is there twice");
        AssertProblems(
            Catalog($$"""{"smbiosUuids":["{{one}}",§"{{one.ToUpperInvariant()}}"],"roms":[]}"""),
            $"smbiosUuids names {one} twice");
        AssertProblems(
            Catalog($$"""§{"smbiosUuids":["{{one}}"],"exceptSmbiosUuids":["{{one}}"],"roms":[]}"""),
            $"{one} is in smbiosUuids and in exceptSmbiosUuids");
    }

    [Fact]
    public void TryParse_WithdrawnAndRecovery_DoNotContradictTheRest()
    {
        var catalog = Catalog(Machine("A", Rom(Release(3))));
        AssertProblems(Withdrawing(catalog, "§" + Withdrawn(3)), $"the digest {Digest(3)} is withdrawn, and released in the same catalog");
        AssertProblems(Withdrawing(catalog, Withdrawn(9), "§" + Withdrawn(9, "worse")), $"the digest {Digest(9)} is withdrawn twice");

        static string Recovery(int digest, int size) => $"\"recovery\":§{{\"sha256\":\"{Digest(digest)}\",\"size\":{size}}}";
        AssertProblems(Catalog(Machine("A", Rom(Release(3, Recovery(3, 99))))), $"the recovery image {Digest(3)} has 99 bytes here and 100 elsewhere");
        AssertProblems(
            Catalog(Machine("A", Rom(Release(3, Recovery(8, 99).Replace("§", string.Empty, StringComparison.Ordinal)), Release(4, Recovery(8, 98))))),
            $"the recovery image {Digest(8)} has 98 bytes here and 99 elsewhere");
        AssertProblems(
            Withdrawing(Catalog(Machine("A", Rom(Release(3, Recovery(8, 99).Replace("§", string.Empty, StringComparison.Ordinal))))), "§" + Withdrawn(8)),
            $"the digest {Digest(8)} is withdrawn, and a recovery image in the same catalog");
    }

    [Fact]
    public void TryParse_StonesThatRequireEachOther_AreAllNamed()
    {
        static string Stone(int version, string source, string? requires) => Release(
            version,
            requires is null ? null : $"\"requiredMinimum\":{{{requires}}}",
            $"\"{source}\":\"{version}.0\"");

        // Two that report by one source and require by the other's.
        AssertProblems(
            Catalog(Machine("A", Rom("§" + Stone(2, "smbios", "\"device\":\"3.0\""), Stone(3, "device", "\"smbios\":\"2.0\"")))),
            "the releases '2.0', '3.0' require each other, so that none of them can ever be reached");

        // Three in a ring; a fourth that only hangs on it is no part of it.
        AssertProblems(
            Catalog(Machine("A", Rom(Stone(5, "x", "\"a\":\"2.0\""), "§" + Stone(2, "a", "\"c\":\"4.0\""), Stone(3, "b", "\"a\":\"2.0\""), Stone(4, "c", "\"b\":\"3.0\"")))),
            "the releases '2.0', '3.0', '4.0' require each other, so that none of them can ever be reached");

        // Two rings are two problems.
        AssertProblems(
            Catalog(Machine("A", Rom("§" + Stone(2, "a", "\"b\":\"3.0\""), Stone(3, "b", "\"a\":\"2.0\""), "§" + Stone(4, "c", "\"d\":\"5.0\""), Stone(5, "d", "\"c\":\"4.0\"")))),
            "the releases '2.0', '3.0' require each other, so that none of them can ever be reached",
            "the releases '4.0', '5.0' require each other, so that none of them can ever be reached");

        // Not cycles: a stone from outside; a chain; versions that the catalog does not describe; one source alone, which has an order.
        Assert.Empty(Problems(Catalog(Machine("A", Rom(Stone(2, "smbios", "\"device\":\"3.0\""), Stone(3, "device", "\"smbios\":\"2.0\""), Stone(4, "device", null))))));
        Assert.Empty(Problems(Catalog(Machine("A", Rom(Stone(2, "a", "\"b\":\"3.0\""), Stone(3, "b", "\"c\":\"4.0\""), Stone(4, "c", "\"d\":\"5.0\""))))));
        Assert.Empty(Problems(Catalog(Machine("A", Rom(Stone(2, "a", "\"b\":\"9.0\""), Stone(3, "b", "\"a\":\"2.0\""))))));
        Assert.Empty(Problems(Catalog(Machine("A", Rom(Stone(3, "a", "\"a\":\"1.0\""), Stone(4, "a", "\"a\":\"3.0\""), Stone(5, "a", "\"a\":\"4.0\""))))));
    }

    [Fact]
    public void TryParse_ThousandsOfStonesToCompare_EndsAndSaysSo()
    {
        var stones = Enumerable.Range(2, 3000).Select(i => Release(i, $"\"requiredMinimum\":{{\"b\":\"{i}.0\"}}", $"\"a\":\"{i}.0\"")).ToArray();

        AssertProblems(
            Catalog(Machine("A", Rom(["§" + stones[0], .. stones[1..]]))),
            "3000 of this ROM's releases require what they do not report themselves; that is too many to rule out that they require each other");
    }

    [Fact]
    public void TryParse_SeveralMistakesInOneCatalog_AreToldTogetherInTheirOrder() => AssertProblems(
        """
        §{
          "romflashCatalog": §2,
          §"nmae": "typo",
          "serial": §-4,
          "systems": [
            §{
              "product": "A",
              "roms": [
                {
                  "component": §"bios",
                  "releases": [
                    §{ "version": "1.0", "sha256": §"12", "size": §0, "size": 5 },
                    §{ "version": "2.0", "sha256": "SHA", "size": 5, "reportedAs": { "smbios": "2.0" }, "requiredMinimum": { "smbios": "3.0" } }
                  ]
                }
              ]
            },
            §[],
            { "smbiosUuids": §[], "roms": §{} }
          ]
        }
        """.Replace("SHA", Digest(2).ToString(), StringComparison.Ordinal).Replace("\"size\": §0, \"size\"", "\"size\": §0, §\"size\"", StringComparison.Ordinal),
        "the catalog has a serial and lacks the field 'name', under which serials are counted",
        "romflashCatalog must be 1, the only version of the format",
        "the field 'nmae' is not known here",
        "serial must be a whole number of 0 or more",
        "a system lacks the field 'manufacturer': manufacturer and product go together",
        "component must be system-rom, array-controller, controller or other",
        "a release lacks the field 'reportedAs'",
        "sha256 must be 64 hexadecimal digits, not all of them zero",
        "size must be a whole number of bytes from 1 to 4294967295",
        "the field 'size' is there twice",
        "release '2.0' requires '3.0', which is above what it reports itself",
        "a system must be an object",
        "smbiosUuids must not be empty",
        "roms must be a list");

    [Fact]
    public void TryParse_MoreProblemsThanAreListed_SaysThatThereAreMore()
    {
        var problems = Problems($"{{\"romflashCatalog\":1,\"systems\":[{string.Join(',', Enumerable.Repeat("7", 100_000))}]}}");

        Assert.Equal(101, problems.Length);
        Assert.EndsWith(": and more", problems[^1], StringComparison.Ordinal);
        Assert.All(problems[..^1], p => Assert.EndsWith("a system must be an object", p, StringComparison.Ordinal));
    }

    [Fact]
    public void TryParse_ProblemsAndThenNoJson_AreBothTold()
    {
        var problems = Problems("{\"romflashCatalog\":7,\n\"systems\":[}");

        Assert.Equal(2, problems.Length);
        Assert.Equal("line 1, column 20: romflashCatalog must be 1, the only version of the format", problems[0]);
        Assert.StartsWith("line 2, column 12: ", problems[1], StringComparison.Ordinal);
    }

    [Fact]
    public void TryParse_VeryLongName_IsQuotedInPart()
    {
        var problem = Assert.Single(Problems($"{{\"romflashCatalog\":1,\"systems\":[],\"{new string('x', 100_000)}\":1}}"));

        Assert.EndsWith($": the field '{new string('x', 64)}…' is not known here", problem, StringComparison.Ordinal);
    }

    private static (string, string)[] Text(int most) =>
        [.. NoText, .. Wrong($"\"\" \"\\t\" \"\\ud800\" \"{new string('x', most + 1)}\"", $"must be a valid text of 1 to {most} characters")];

    private static (string, string)[] Versions(string field) =>
    [
        .. Wrong("7 null \"x\" []", "must be an object"),
        ("{}", "names no source"),
        ("{\"smbios\":§7}", $"{field}.smbios must be a text"),
        ("{\"smbios\":§\"\\u0007\"}", $"{field}.smbios {NoVersion}"),
        ("{\"esrt\":§\"1.0\"}", $"{field}: an ESRT version is a number such as \"0x00020005\""),
        ("{\"SMBIOS\":§\"1.0\"}", $"{field} names the source 'SMBIOS'; a source is 1 to 32 lower-case letters, digits and hyphens"),
        ("{\"smbios\":\"3.0\",§\"smbios\":\"3.0\"}", "the field 'smbios' is there twice"),
    ];

    private static IEnumerable<(string, string)> Wrong(string values, string problem) => values.Split(' ').Select(v => (v, problem));

    private static string[] Lacking(string? owner, string field)
    {
        if (owner is null)
        {
            return [];
        }

        var (place, what) = (owner.Split(' ', 2)[0].Split(':'), owner.Split(' ', 2)[1]);
        return [$"line {place[0]}, column {place[1]}: {(what.Contains("lacks", StringComparison.Ordinal) ? what : $"{what} lacks the field '{field}'")}"];
    }

    private static string At(int line, int column, string what) => $"line {line}, column {column}: {what}";

    private static (string Indent, string Field, string Value, string Comma) Line(int number)
    {
        var match = FieldLine().Match(Full.Split('\n')[number - 1]);
        Assert.True(match.Success);
        return (match.Groups[1].Value, match.Groups[2].Value, match.Groups[3].Value, match.Groups[4].Value);
    }

    private static string Replace(int number, string line)
    {
        var lines = Full.Split('\n');
        lines[number - 1] = line;
        return string.Join('\n', lines);
    }

    [GeneratedRegex("^( *)\"([a-zA-Z0-9]+)\": (.*?)(,?)$")]
    private static partial Regex FieldLine();
}
