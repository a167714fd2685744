using System.Collections.Immutable;
using RomFlash.Sdk.Compatibility;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Pipeline;
using RomFlash.Sdk.Probing;
using RomFlash.Sdk.Testing;
using static RomFlash.Sdk.Tests.Compatibility.CatalogQuestions;
using static RomFlash.Sdk.Tests.Compatibility.CatalogText;

namespace RomFlash.Sdk.Tests.Compatibility;

/// <summary>Several catalogs that answer as one.</summary>
public sealed class CatalogLayerTests
{
    [Fact]
    public void TryCreate_TwoLayers_SupportWhatEitherSupports()
    {
        var catalog = Layers(Catalog(Machine("A", Rom(Release(3)))), Catalog(Machine("B", Rom(Release(4)))), Catalog(Machine("A", Rom(Release(5)))));

        Assert.Equal("3.0", Only(catalog, Ask("A", 1, 3)).Path[0].Version.Text);
        Assert.Equal("4.0", Only(catalog, Ask("B", 1, 4)).Path[0].Version.Text);
        Assert.Equal("5.0", Only(catalog, Ask("A", 1, 3, 5)).Path[0].Version.Text);
        Assert.Equal(["layer 0", "layer 1", "layer 2"], Verdict(catalog, Ask("A", 1, 3)).Catalogs.Select(c => c.Name));
        Assert.Equal("layer 0", catalog.Name);
        Assert.Equal(3, catalog.ReleaseCount);
    }

    [Fact]
    public void TryCreate_StonesInAnotherLayer_AreFound()
    {
        var catalog = Layers(
            Catalog(Machine("A", Rom(Release(4, "\"requiredMinimum\":{\"smbios\":\"3.0\"}")))),
            Catalog(Machine("A", Rom(Release(3)))));

        Assert.Equal(["3.0", "4.0"], Only(catalog, Ask("A", 1, 3, 4)).Path.Select(r => r.Version.Text));
    }

    [Fact]
    public void TryCreate_LayersThatContradictEachOther_AreRefusedAndBothNamed()
    {
        var failure = Failure(JsonCompatibilityCatalog.TryCreate(
            [Layer(Catalog(Machine("A", Rom(Release(3)))), "ours"), Layer(Catalog(Machine("B", Rom(Release(3, name: "3.1")))), "theirs")],
            null));

        Assert.Equal("RF4010", failure.Code);
        Assert.Equal($"the digest {Digest(3)} is described in two ways, by 'ours' as '3.0' and by 'theirs' as '3.1'", failure.Detail);
    }

    [Fact]
    public void TryCreate_WhatOneLayerLeavesOpen_AnotherTells()
    {
        var catalog = Layers(
            Catalog(Machine("A", Rom(Release(3, "\"notes\":\"first\"")))),
            Catalog(Machine("B", Rom(Release(3, $"\"notes\":\"second\",\"lowestSupported\":{{\"smbios\":\"2.0\"}},\"recovery\":{{\"sha256\":\"{Digest(9)}\",\"size\":7}}")))));

        var release = Only(catalog, Ask("A", 1, 3)).Path[0];

        Assert.Equal("first", release.Notes);
        Assert.Equal("smbios: 2.0", release.LowestSupported[0].ToString());
        Assert.Equal(Digest(9), release.Recovery!.Sha256);
    }

    [Fact]
    public void Evaluate_WithdrawnInAnyLayer_IsNotSupportedAndSaysWhy()
    {
        foreach (var withdrawnFirst in new[] { true, false })
        {
            var layers = new[] { Catalog(Machine("A", Rom(Release(3)))), Withdrawing(Catalog(), Withdrawn(3, "loses the boot order")) };
            var catalog = Layers(withdrawnFirst ? [layers[1], layers[0]] : layers);
            foreach (var policy in new[] { FlashPolicy.Default, new() { Reflash = true, AllowDowngrade = true } })
            {
                var query = Ask("A", 1, 3) with { Policy = policy };
                var component = Only(catalog, query);

                Assert.Equal(RomDecision.NotSupported, component.Decision);
                Assert.Contains("loses the boot order", Assert.Single(component.Reasons), StringComparison.Ordinal);
                Assert.Equal("RF4002", Objection(catalog, query)?.Code);
            }
        }
    }

    [Fact]
    public void Evaluate_WithdrawnAndInstalled_IsCurrentButNotFlashedAgain()
    {
        var catalog = Layers(Catalog(Machine("A", Rom(Release(3)))), Withdrawing(Catalog(), Withdrawn(3)));

        Assert.Equal(RomDecision.AlreadyCurrent, Only(catalog, Ask("A", 3, 3)).Decision);
        Assert.Contains("was withdrawn: bad", Only(catalog, Ask("A", 3, 3)).Reasons[0], StringComparison.Ordinal);
        Assert.Null(Objection(catalog, Ask("A", 3, 3)));
        Assert.Equal(RomDecision.NotSupported, Only(catalog, Ask("A", 3, 3) with { Policy = new() { Reflash = true } }).Decision);
    }

    [Fact]
    public void Evaluate_WithdrawnBesideAGoodOne_TheGoodOneIsTaken()
    {
        var catalog = Layers(Catalog(Machine("A", Rom(Release(3), Release(4)))), Withdrawing(Catalog(), Withdrawn(4)));
        var query = Ask("A", 1, 3, 4);

        Assert.Equal("3.0", Assert.Single(Only(catalog, query).Path).Version.Text);
        Assert.Equal(Digest(4), Assert.Single(Verdict(catalog, query).UnneededImages));
        Assert.Contains(Verdict(catalog, query).Reasons, r => r.Contains("v4.cap was withdrawn: bad", StringComparison.Ordinal));
        Assert.Null(Objection(catalog, query));
    }

    [Fact]
    public void Evaluate_WithdrawnStone_IsNoStone()
    {
        string[] stones = [Release(2), Release(3), Release(4, "\"requiredMinimum\":{\"smbios\":\"2.0\"}")];
        var catalog = Layers(Catalog(Machine("A", Rom(stones))), Withdrawing(Catalog(), Withdrawn(3)));
        Assert.Equal(["2.0", "4.0"], Only(catalog, Ask("A", 1, 2, 3, 4)).Path.Select(r => r.Version.Text));

        var none = Layers(Catalog(Machine("A", Rom(stones))), Withdrawing(Catalog(), Withdrawn(3), Withdrawn(2)));
        Assert.Equal("RF4005", Objection(none, Ask("A", 1, 2, 3, 4))?.Code);
    }

    [Fact]
    public void Evaluate_WithdrawnAndNowhereReleased_IsUnknownAndSaysWhy()
    {
        var catalog = Layers(Withdrawing(Catalog(Machine("A", Rom(Release(3)))), Withdrawn(9, "bad blocks")));
        var verdict = Verdict(catalog, Ask("A", 1, 9));
        var objection = Objection(catalog, Ask("A", 1, 9));

        Assert.Equal(Digest(9), Assert.Single(verdict.UnknownImages));
        Assert.Equal(new WithdrawnRelease(Digest(9), "bad blocks (says layer 0)"), Assert.Single(verdict.WithdrawnImages));
        Assert.Equal("RF4014", objection?.Code);
        Assert.EndsWith(" was withdrawn: bad blocks (says layer 0)", objection?.Detail, StringComparison.Ordinal);
        Assert.Contains("v9.cap was withdrawn: bad blocks (says layer 0)", verdict.Reasons);
    }

    [Fact]
    public void Evaluate_RecoveryImageWithdrawn_IsNotNamed()
    {
        var catalog = Layers(
            Catalog(Machine("A", Rom(Release(3, $"\"recovery\":{{\"sha256\":\"{Digest(9)}\",\"size\":7}}")))),
            Withdrawing(Catalog(), Withdrawn(9)));

        Assert.Null(Only(catalog, Ask("A", 1, 3)).Path[0].Recovery);
    }

    [Fact]
    public void Evaluate_ExpiryPassesWhileInUse_IsExpiredUnlessAccepted()
    {
        var clock = new SimulatedClock();
        var expires = clock.GetUtcNow().AddHours(1);
        var layer = Layer(Catalog(Machine("A", Rom(Release(3)))), "mayfly");
        var catalog = JsonCompatibilityCatalog.TryCreate(
            [Layer(Catalog(Machine("B")), "evergreen"), layer with { Provenance = layer.Provenance with { Expires = expires } }],
            clock).GetValueOrThrow();
        var accepting = JsonCompatibilityCatalog.TryCreate(
            [layer with { Provenance = layer.Provenance with { Expires = expires, Accepted = [CatalogWeakness.Unsigned, CatalogWeakness.Expired] } }],
            clock).GetValueOrThrow();

        clock.Advance(TimeSpan.FromMinutes(59));
        Assert.Equal(RomDecision.Approved, Only(catalog, Ask("A", 1, 3)).Decision);

        clock.Advance(TimeSpan.FromMinutes(1));
        var failure = Failure(Evaluate(catalog, Ask("A", 1, 3)));
        Assert.Equal("RF4016", failure.Code);
        Assert.Contains("'mayfly' expired at", failure.Detail, StringComparison.Ordinal);
        Assert.Equal(RomDecision.Approved, Only(accepting, Ask("A", 1, 3)).Decision);
    }

    [Fact]
    public void FindRelease_WithdrawnByAnotherLayer_StillTellsItsRecoveryImage()
    {
        var catalog = Layers(
            Catalog(Machine("A", Rom(Release(3, $"\"recovery\":{{\"sha256\":\"{Digest(9)}\",\"size\":7}}")))),
            Withdrawing(Catalog(), Withdrawn(3)));

        Assert.Equal(Digest(9), catalog.FindRelease(Digest(3))?.Recovery?.Sha256);
        Assert.Null(catalog.FindRelease(Digest(4)));
    }

    [Fact]
    public void TryCreate_DocumentMadeInMemory_IsHeldToTheRulesOfAFile()
    {
        var good = Parse(Catalog(Machine("A", Rom(Release(3)))));
        var system = good.Systems[0];
        var release = system.Roms[0].Releases[0];
        CatalogDocument With(CatalogSystem changed) => good with { Systems = [changed] };
        CatalogDocument WithRelease(RomRelease changed) => With(system with { Roms = [system.Roms[0] with { Releases = [changed] }] });
        foreach (var (document, problem) in new[]
        {
            (With(system with { Product = null }), "lacks the field 'product'"),
            (With(system with { SmbiosUuids = [Guid.Empty] }), "none of them all zeros"),
            (With(system with { Roms = [system.Roms[0], system.Roms[0]] }), "there twice in one system"),
            (With(system with { Roms = [system.Roms[0] with { Component = (RomKind)9 }] }), "is no kind of ROM"),
            (WithRelease(release with { Sha256 = default }), "64 hexadecimal digits"),
            (WithRelease(release with { ReportedAs = default }), "reportedAs names no source"),
            (WithRelease(release with { Length = -1 }), "size must be"),
            (WithRelease(release with { RequiredMinimum = [new(FactSource.Smbios, RomVersion.Parse("9.0"))] }), "above what it reports itself"),
            (good with { Name = " " }, "name must be a valid text"),
            (good with { Serial = -1 }, "serial must be"),
            (good with { Withdrawn = [new(release.Sha256, "x")] }, "released in the same catalog"),
        })
        {
            var failure = Failure(JsonCompatibilityCatalog.TryCreate([new(document, new("c", Digest(1)))], null));
            Assert.Equal("RF4010", failure.Code);
            Assert.Contains(problem, failure.Detail, StringComparison.Ordinal);
        }

        Assert.True(JsonCompatibilityCatalog.TryCreate([new(good with { Withdrawn = default, Systems = [system with { HardwareIds = default }] }, new("c", Digest(1)))], null).TryGetValue(out _, out _));
    }

    [Fact]
    public void TryCreate_NoLayer_IsMisuse()
    {
        Assert.Throws<ArgumentException>(() => JsonCompatibilityCatalog.TryCreate([], null));
        Assert.Throws<ArgumentException>(() => JsonCompatibilityCatalog.TryCreate(default, null));
        Assert.Throws<ArgumentException>(() => JsonCompatibilityCatalog.TryCreate([null!], null));
    }
}
