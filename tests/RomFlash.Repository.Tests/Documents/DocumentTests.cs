using System.Text.RegularExpressions;
using RomFlash.Repository.Tests.Snippets;
using RomFlash.Sdk.Confirmation;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Journal;
using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Targets;
using RomFlash.Sdk.Testing.Simulation;

namespace RomFlash.Repository.Tests.Documents;

/// <summary>What is written agrees with what is compiled, and names nothing that only one machine has.</summary>
public sealed partial class DocumentTests
{
    private static readonly string[] Documents = [.. RepositoryFiles.All().Where(f => f.EndsWith(".md", StringComparison.Ordinal))];

    [Fact]
    public void Fences_OfCSharp_AreCompiledSnippets()
    {
        var snippets = Snippets();
        var used = new HashSet<string>(StringComparer.Ordinal);
        foreach (var document in Documents)
        {
            foreach (Match fence in Fence().Matches(Read(document)))
            {
                var label = fence.Groups["label"].Value.Trim();
                if (!label.StartsWith("csharp", StringComparison.Ordinal) && label is not ("cs" or "c#"))
                {
                    continue;
                }

                var name = SnippetLabel().Match(label).Groups["name"].Value;
                Assert.True(snippets.ContainsKey(name), $"{document}: a fence '{label}' names no snippet");
                Assert.True(snippets[name] == fence.Groups["code"].Value.TrimEnd(), $"{document}: the fence '{name}' differs from the snippet, which is\n{snippets[name]}");
                used.Add(name);
            }
        }

        Assert.Equal(snippets.Keys.Order(StringComparer.Ordinal), used.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Links_ToLocalFiles_Resolve()
    {
        var broken = new List<string>();
        var found = 0;
        foreach (var document in Documents)
        {
            foreach (Match link in Link().Matches(Fence().Replace(Read(document), string.Empty)))
            {
                var target = link.Groups["target"].Value;
                if (target.Contains("://", StringComparison.Ordinal) || target.StartsWith("mailto:", StringComparison.Ordinal))
                {
                    continue;
                }

                found++;
                var parts = target.Split('#');
                var file = parts[0].Length == 0 ? document : Path.Combine(Path.GetDirectoryName(document)!, Uri.UnescapeDataString(parts[0]));
                var path = Path.GetFullPath(Path.Combine(RepositoryFiles.Root, file));
                if (!File.Exists(path) && !Directory.Exists(path))
                {
                    broken.Add($"{document}: {target}");
                }
                else if (parts.Length > 1 && File.Exists(path) && !Headings(File.ReadAllText(path)).Contains(parts[1]))
                {
                    broken.Add($"{document}: {target} (no such heading)");
                }
            }
        }

        Assert.True(found > 50, $"only {found} links were found");
        Assert.Empty(broken);
    }

    [Fact]
    public void Files_NameNoMachineAndNoRegistry()
    {
        // Built from parts, so that this file does not find itself.
        string[] forbidden = [$"/{"work"}/", $"/{"root"}/", $"api.{"nuget"}.org", .. ConfiguredHosts()];
        var found = new List<string>();
        foreach (var file in RepositoryFiles.All())
        {
            var text = File.ReadAllText(Path.Combine(RepositoryFiles.Root, file), System.Text.Encoding.Latin1);
            found.AddRange(forbidden.Where(f => text.Contains(f, StringComparison.OrdinalIgnoreCase)).Select(f => $"{file}: {f}"));
        }

        Assert.Empty(found);
    }

    [Fact]
    public void Readme_Documented_LinksEveryDocumentedFailure()
    {
        var readme = Read("README.md");
        Assert.All(FailureDescriptor.All.Where(d => d.DocumentedAs is not null), d =>
            Assert.Contains($"(docs/failures/{d.Code}.md)", readme, StringComparison.Ordinal));
    }

    [Fact]
    public void Changelog_ListsTheRangesOfFailuresThatExist()
    {
        var changelog = Read("CHANGELOG.md");
        Assert.Contains("**Failure modes added**", changelog, StringComparison.Ordinal);
        foreach (var group in FailureDescriptor.All.GroupBy(d => d.Code[..3]))
        {
            Assert.Contains($"{group.First().Code} to {group.Last().Code}", changelog, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Snippets_Run()
    {
        var policy = EmbedExample.Prepare(out var target);
        Assert.Equal("dir", target.Endpoints[0].Scheme);
        Assert.True(policy.DryRun);
        Assert.Equal("AlreadyCurrent", EmbedExample.Describe(new AlreadyCurrent()));
        Assert.Equal("RF2002, the target is Untouched, try again: AfterCorrection. Correct the name, or the name service.", EmbedExample.Describe(new NameNotResolved()));
        Assert.StartsWith("call somebody: ", EmbedExample.Describe(new FailureDuringFlash()), StringComparison.Ordinal);
        Assert.Equal("server team", FailureGroups.Queue(new RemoteRegistryStopped()));
        Assert.Equal("on call", FailureGroups.Queue(new TargetDidNotReturn()));
    }

    [Fact]
    public async Task Snippet_Embed_UpgradesAFolder()
    {
        using var folder = new TemporaryFolder();
        var firmwareClass = new Guid("ffeeddcc-bbaa-9988-7766-554433221100");
        var rom = SimulatedRom.Create(firmwareClass, RomKind.SystemRom, "2.0", 0x0002_0000, payloadLength: 5000);
        var file = Path.Combine(folder.Path, "new.rom");
        await File.WriteAllBytesAsync(file, rom.Content.ToArray());
        Directory.CreateDirectory(Path.Combine(folder.Path, "esp", "EFI"));
        folder.Write("esp.facts.json", $$"""
            {
              "identity": { "serialNumber": "CZ1234" },
              "boot": "1",
              "roms": [{ "id": "system", "kind": "system-rom", "firmwareClass": "{{firmwareClass}}", "versions": { "smbios": "1.0", "esrt": "0x00010000" } }],
              "systemPartition": { "fileSystem": "vfat", "totalBytes": 33470464, "freeBytes": 30000000 },
              "account": "administrator",
              "readiness": { "pendingReboot": false, "externalPower": true, "batterySufficient": true, "diskEncryptionSealed": false, "healthy": true, "inRecovery": false },
              "arming": ["capsule-file-only"]
            }
            """);
        var report = await EmbedExample.UpgradeAsync(
            file,
            FlashTarget.Parse($"dir:{folder.Path}/esp"),
            new RomImageValidator([new SimulatedRomFormat()], new RomImageValidatorOptions()),
            SimulatedCatalog.Of(rom),
            new InMemoryFlashJournal());
        Assert.True(report.Outcome == FlashOutcomeKind.Pending, report.Result.ToString());
        var armed = Assert.Single(Directory.GetFiles(Path.Combine(folder.Path, "esp", "EFI", "UpdateCapsule")));
        Assert.Equal(rom.Content.ToArray(), await File.ReadAllBytesAsync(armed));
    }

    [Fact]
    public void Snippet_Embed_TakesTenLinesAtMost() => Assert.InRange(Snippets()["embed"].Split('\n').Length, 1, 10);

    private static Dictionary<string, string> Snippets()
    {
        var snippets = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var file in Directory.EnumerateFiles(Path.Combine(RepositoryFiles.Root, "tests", "RomFlash.Repository.Tests", "Snippets"), "*.cs"))
        {
            foreach (Match snippet in SnippetInFile().Matches(File.ReadAllText(file)))
            {
                var lines = snippet.Groups["code"].Value.TrimEnd().Split('\n');
                var indent = lines.Where(l => l.Length > 0).Min(l => l.Length - l.TrimStart().Length);
                snippets.Add(snippet.Groups["name"].Value, string.Join('\n', lines.Select(l => l.Length == 0 ? l : l[indent..])));
            }
        }

        return snippets;
    }

    private static IEnumerable<string> ConfiguredHosts()
    {
        var result = RepositoryFiles.DotNet(RepositoryFiles.Root, "nuget", "list", "source", "--format", "short");
        Assert.True(result.ExitCode == 0, result.Text + result.Errors);
        return result.Text.Split((char[])[' ', '\n'], StringSplitOptions.RemoveEmptyEntries)
            .Select(w => Uri.TryCreate(w, UriKind.Absolute, out var source) && !source.IsFile ? source.Host : string.Empty)
            .Where(h => h.Length > 0 && h is not ("localhost" or "127.0.0.1"));
    }

    private static IEnumerable<string> Headings(string text) =>
        text.Split('\n').Where(l => l.StartsWith('#')).Select(l => new string([.. l.TrimStart('#').Trim().ToLowerInvariant().Where(c => char.IsLetterOrDigit(c) || c is ' ' or '-' or '_')]).Replace(' ', '-'));

    private static string Read(string file) => File.ReadAllText(Path.Combine(RepositoryFiles.Root, file));

    [GeneratedRegex("^```(?<label>[^\n`]*)\n(?<code>.*?)^```$", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Fence();

    [GeneratedRegex("^csharp snippet=(?<name>[a-z-]+)$")]
    private static partial Regex SnippetLabel();

    [GeneratedRegex(@"^ *// snippet: (?<name>[a-z-]+)\n(?<code>.*?)^ *// end snippet$", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex SnippetInFile();

    [GeneratedRegex(@"\]\((?<target>[^)\s]+)\)")]
    private static partial Regex Link();
}
