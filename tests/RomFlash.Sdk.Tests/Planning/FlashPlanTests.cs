using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using RomFlash.Sdk.Compatibility;
using RomFlash.Sdk.Confirmation;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Journal;
using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Pipeline;
using RomFlash.Sdk.Planning;
using RomFlash.Sdk.Probing;
using RomFlash.Sdk.Scheduling;
using RomFlash.Sdk.Targets;
using RomFlash.Sdk.Testing.Simulation;
using RomFlash.Sdk.Tests.Pipeline;

namespace RomFlash.Sdk.Tests.Planning;

public sealed class FlashPlanTests
{
    [Fact]
    public void Plan_HoldsWhatWillBeDone()
    {
        var bench = new Bench();
        bench.Add("server-2", o => o with { Roms = [new SimulatedRomSlot(Bench.System, Bench.NewSystem), new SimulatedRomSlot(Bench.Array, Bench.NewArray)] });
        bench.Add("server-3", o => o with { Readiness = o.Readiness with { ExternalPower = false } });
        bench.Policy = bench.Policy with { Waivers = [new("external-power", "ann", "bench supply")] };

        var plan = Plan(bench, "server-1", "server-2", "server-3");

        Assert.Equal([PlannedStanding.Ready, PlannedStanding.Current, PlannedStanding.Ready], plan.Targets.Select(t => t.Standing));
        Assert.Equal(["sim://server-1", "sim://server-2", "sim://server-3"], plan.Targets.Select(t => t.Id));
        var first = plan.Targets[0];
        Assert.Equal([Bench.System, Bench.Array], first.Roms.Select(r => r.Id));
        Assert.Equal([Bench.NewSystem.Sha256, Bench.NewArray.Sha256], first.Roms.SelectMany(r => r.Path).Select(p => p.Sha256));
        Assert.True(first.Identity!.IsIdentifying);
        Assert.Empty(first.Waived);
        Assert.Equal(("external-power", "ann", "bench supply"), Assert.Single(plan.Targets[2].Waived) is var w ? (w.Blocker, w.Who, w.Why) : default);
        Assert.Equal([Bench.NewSystem.Sha256, Bench.NewArray.Sha256], plan.Images.Select(i => i.Sha256));
        Assert.False(Assert.Single(plan.Catalogs).Sha256.IsEmpty);
        Assert.Empty(Bench.Done(bench.Target));
    }

    [Fact]
    public void Plan_RefusedTarget_SaysWhy()
    {
        var bench = new Bench(change: o => o with { Readiness = o.Readiness with { ExternalPower = false } });

        var target = Assert.Single(Plan(bench, "server-1").Targets);

        Assert.Equal(PlannedStanding.Refused, target.Standing);
        Assert.Equal(("external-power", "RF4012"), Assert.Single(target.Blockers) is var b ? (b.Name, b.Code) : default);
    }

    [Fact]
    public void Plan_WrittenAndRead_IsTheSame()
    {
        var bench = new Bench();
        var plan = Plan(bench, "server-1");

        var again = FlashPlan.TryParse(plan.ToJson(), "plan").GetValueOrThrow();

        Assert.Equal(plan.Hash, again.Hash);
        Assert.Equal(plan.ToJson(), again.ToJson());
        Assert.Empty(again.CompareWith(plan));
    }

    [Fact]
    public void Plan_ImageOfAPackage_SaysWhichPackage()
    {
        var bench = new Bench();
        var before = Plan(bench, "server-1");
        var system = bench.Images[0];
        var package = new RomImageWrapper("hpe-fwpkg", "firmware.bin", 7000, new ContentDigest(System.Security.Cryptography.SHA256.HashData("package"u8)));
        bench.Images = [RomImage.TryCreate(system.Source, system.Evidence with { Wrapper = package }).GetValueOrThrow(), bench.Images[1]];

        var plan = Plan(bench, "server-1");
        var again = FlashPlan.TryParse(plan.ToJson(), "plan").GetValueOrThrow();

        Assert.Equal([package, null], again.Images.Select(i => i.Package));
        Assert.Equal(plan.Hash, again.Hash);
        Assert.NotEqual(before.Hash, plan.Hash);
        Assert.Contains(plan.CompareWith(before).Select(d => d.ToString()), d => d.EndsWith("/package/name: is 'firmware.bin', was not there", StringComparison.Ordinal));

        // What is flashed is the image, whichever package it comes from.
        Bench.IsUpgraded(Execute(bench, plan, [system, bench.Images[1]]));
    }

    // Plans that were made before packages were known hold no word of them, and have the hash that they had.
    [Fact]
    public void Plan_NoPackage_IsWrittenAsBefore() =>
        Assert.DoesNotContain("package", Encoding.UTF8.GetString(Plan(new Bench(), "server-1").ToJson()), StringComparison.Ordinal);

    [Fact]
    public void TryParse_PackageDamaged_IsRefused()
    {
        var bench = new Bench();
        bench.Images = [.. bench.Images.Select(i => RomImage.TryCreate(i.Source, i.Evidence with { Wrapper = new("lvfs-cab", "a", 1, i.Sha256) }).GetValueOrThrow())];
        var count = 0;
        foreach (var (bytes, place) in Damaged(Plan(bench, "server-1").ToJson()).Where(d => d.Place.Contains("package", StringComparison.Ordinal)))
        {
            Assert.True(FlashPlan.TryParse(bytes, "plan").TryGetValue(out _, out var failure) is false && failure is PlanUnusable, place);
            count++;
        }

        Assert.True(count >= 2 * 5 * 4, count.ToString(CultureInfo.InvariantCulture));
    }

    [Fact]
    public void Plan_MadeTwice_DiffersInItsTimeAlone()
    {
        var bench = new Bench();
        var one = Plan(bench, "server-1");
        bench.Clock.Advance(TimeSpan.FromHours(1));

        var two = Plan(bench, "server-1");

        Assert.NotEqual(one.Hash, two.Hash);
        Assert.Empty(two.CompareWith(one));
    }

    [Fact]
    public void CompareWith_NamesEachPlace()
    {
        var bench = new Bench();
        bench.Add("server-2");
        var one = Plan(bench, "server-1", "server-2");
        bench.Policy = bench.Policy with { RebootDelay = TimeSpan.FromSeconds(90) };
        bench.Images = [Bench.NewSystem.Image];

        var differences = Plan(bench, "server-2", "server-1").CompareWith(one).Select(d => d.ToString()).ToList();

        Assert.Contains("policy/rebootDelaySeconds: was '15', is '90'", differences);
        Assert.Contains("targets/(order): was 'sim://server-1, sim://server-2', is 'sim://server-2, sim://server-1'", differences);
        Assert.Contains("targets/sim://server-1/roms/array-0/decision: was 'Approved', is 'NotApplicable'", differences);
        Assert.Contains(differences, d => d.StartsWith("images/", StringComparison.Ordinal) && d.EndsWith($"/sha256: was '{Bench.NewArray.Sha256}', is not there", StringComparison.Ordinal));
        Assert.DoesNotContain(differences, d => d.Contains("roms/system", StringComparison.Ordinal));
    }

    [Fact]
    public void Execute_NothingHasChanged_FlashesAndNamesThePlan()
    {
        var bench = new Bench();
        var plan = Plan(bench, "server-1");

        var report = Execute(bench, plan);

        Bench.IsUpgraded(report);
        Assert.Equal(plan.Hash, report.PlanHash);
        Assert.Contains($"plan {plan.Hash}", bench.Disk.Records[0].Detail, StringComparison.Ordinal);
    }

    [Fact]
    public void Execute_SeveralBoots_FlashesTheWholePath()
    {
        var minimum = ImmutableArray.Create(new ReportedVersion(FactSource.Esrt, RomVersion.FromPacked(0x0002_4500)));
        var bench = new Bench(SimulatedPersona.OneComponentPerBoot)
        {
            Catalog = SimulatedCatalog.Of(Bench.MiddleSystem, Bench.NewArray).With(Bench.NewSystem, minimum),
            Images = [Bench.MiddleSystem.Image, Bench.NewSystem.Image, Bench.NewArray.Image],
        };

        var report = Execute(bench, Plan(bench, "server-1"));

        Bench.IsUpgraded(report);
        Assert.True(bench.IsAllNew);
        Assert.Equal(3, Bench.Flashed(bench.Target).Count());
    }

    [Fact]
    public void Execute_Twice_TheSecondTimeEverythingIsCurrent()
    {
        var bench = new Bench();
        var plan = Plan(bench, "server-1");
        Bench.IsUpgraded(Execute(bench, plan));

        Assert.Equal(FlashOutcomeKind.AlreadyCurrent, Execute(bench, plan).Outcome);
    }

    [Fact]
    public void Execute_InstalledVersionChanged_IsRefusedWithTheDifference()
    {
        var bench = new Bench();
        var plan = Plan(bench, "server-1");
        var other = new Bench(change: o => o with { Roms = [new SimulatedRomSlot(Bench.System, Bench.MiddleSystem), new SimulatedRomSlot(Bench.Array, Bench.OldArray)] });

        var failure = Bench.Fails<PlanOutdated>(Execute(other, plan));

        Assert.Contains(failure.Differences, d => d.EndsWith("/roms/system/installed/smbios/version: was 'U30 v2.40 (01/12/2020)', is 'U30 v2.45 (06/12/2020)'", StringComparison.Ordinal));
        Assert.Equal(TargetState.Untouched, failure.TargetState);
        Assert.Empty(Bench.Done(other.Target));
        Assert.Empty(other.Disk.Records);
    }

    [Fact]
    public void Execute_AnotherMachine_IsRefused()
    {
        var bench = new Bench();
        var plan = Plan(bench, "server-1");
        var other = new Bench(change: o => o with { Identity = new TargetIdentity { SerialNumber = "another" } });

        var failure = Bench.Fails<PlanOutdated>(Execute(other, plan));

        Assert.Contains(failure.Differences, d => d.Contains("/identity/serialNumber: was ", StringComparison.Ordinal));
        Assert.Empty(Bench.Done(other.Target));
    }

    [Fact]
    public void Execute_CatalogChanged_IsRefused()
    {
        var bench = new Bench();
        var plan = Plan(bench, "server-1");
        bench.Catalog = SimulatedCatalog.Of(Bench.NewSystem, Bench.NewArray, Bench.MiddleSystem);

        var failure = Bench.Fails<PlanOutdated>(Execute(bench, plan));

        Assert.StartsWith("catalogs/simulated/sha256: was ", Assert.Single(failure.Differences), StringComparison.Ordinal);
        Assert.Empty(Bench.Done(bench.Target));
    }

    [Fact]
    public void Execute_AnotherImage_IsRefusedBeforeAnythingIsContacted()
    {
        var bench = new Bench();
        var plan = Plan(bench, "server-1");

        var failure = Assert.IsType<PlanOutdated>(Bench.FailureOf(plan.ToRequests([Bench.NewSystem.Image, Bench.MiddleSystem.Image])));

        Assert.Equal(2, failure.Differences.Length);
        Assert.Contains(failure.Differences, d => d.Contains(Bench.NewArray.Sha256.ToString(), StringComparison.Ordinal) && d.EndsWith("is not there", StringComparison.Ordinal));
        Assert.Contains(failure.Differences, d => d.Contains(Bench.MiddleSystem.Sha256.ToString(), StringComparison.Ordinal) && d.EndsWith("was not there", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("policy")]
    [InlineData("window")]
    [InlineData("target")]
    [InlineData("waiver")]
    public void Execute_RequestWasChangedAfterwards_IsRefused(string what)
    {
        var bench = new Bench();
        var second = bench.Add("server-2");
        var plan = Plan(bench, "server-1", "server-2");
        var request = plan.ToRequests(bench.Images).GetValueOrThrow()[0];
        var now = bench.Clock.GetUtcNow();
        request = what switch
        {
            "policy" => request with { Policy = request.Policy with { ForceReboot = true } },
            "window" => request with { Policy = request.Policy with { Window = FlashWindow.Between(now, now.AddHours(1)) } },
            "target" => request with { Target = FlashTarget.Parse("sim://server-2") },
            _ => request with { Policy = request.Policy with { Waivers = [new("health", "bob", "why not")] } },
        };

        Bench.Fails<PlanOutdated>(bench.Clock.Drive(() => bench.Client().FlashAsync(request, null, CancellationToken.None)));

        Assert.Empty(Bench.Done(bench.Target));
        Assert.Empty(Bench.Done(second));
    }

    [Fact]
    public void Execute_SomethingHasToBeWaivedNow_IsRefusedAlthoughThePolicyWaivesIt()
    {
        var waiver = new BlockerWaiver("external-power", "ann", "bench supply");
        var bench = new Bench { Policy = FlashPolicy.Default with { Waivers = [waiver] } };
        var plan = Plan(bench, "server-1");
        bench.Target.Reconfigure(o => o with { Readiness = o.Readiness with { ExternalPower = false } });

        var failure = Bench.Fails<PlanOutdated>(Execute(bench, plan));

        Assert.Contains(failure.Differences, d => d.Contains("/waived/external-power/who", StringComparison.Ordinal));
    }

    [Fact]
    public void Execute_TargetWasRefusedAndIsGoodNow_IsNotFlashed()
    {
        var bench = new Bench(change: o => o with { Readiness = o.Readiness with { ExternalPower = false } });
        var plan = Plan(bench, "server-1");
        bench.Target.Reconfigure(o => o with { Readiness = o.Readiness with { ExternalPower = true } });

        var failure = Bench.Fails<PlanOutdated>(Execute(bench, plan));

        Assert.Contains(failure.Differences, d => d.EndsWith("/standing: was 'Refused', is 'Ready'", StringComparison.Ordinal));
        Assert.Empty(Bench.Done(bench.Target));
    }

    [Fact]
    public void Execute_TargetIsStillRefused_FailsForTheSameReason()
    {
        var bench = new Bench(change: o => o with { Readiness = o.Readiness with { ExternalPower = false } });

        Bench.Fails<TargetNotReady>(Execute(bench, Plan(bench, "server-1")));
    }

    [Fact]
    public void Execute_SpaceAndBootHaveChanged_IsNoDifference()
    {
        var bench = new Bench();
        var plan = Plan(bench, "server-1");
        bench.Target.Reconfigure(o => o with { SystemPartition = o.SystemPartition with { FreeBytes = o.SystemPartition.FreeBytes.TryGet(out var free) ? free - 4096 : 0 } });

        Bench.IsUpgraded(Execute(bench, plan));
    }

    [Fact]
    public void Execute_WhatIsArmedIsNotInThePlan_IsLeftAlone()
    {
        var bench = new Bench { Images = [Bench.MiddleSystem.Image], Catalog = SimulatedCatalog.Of(Bench.MiddleSystem) };
        bench.FlashAndCrashAfter(FlashJournalRecordKind.Armed);
        var before = bench.Target.History.Length;
        var other = new Bench();
        var plan = Plan(other, "server-1");

        var failure = Bench.Fails<PlanOutdated>(Execute(bench, plan, other.Images));

        Assert.Equal(TargetState.Indeterminate, failure.TargetState);
        Assert.Contains(Bench.MiddleSystem.Sha256.ToString(), failure.Detail, StringComparison.Ordinal);
        Assert.Empty(Bench.Done(bench.Target, before));
    }

    [Fact]
    public void Execute_InterruptedAfterArming_GoesOnWithThePlan()
    {
        var bench = new Bench();
        var plan = Plan(bench, "server-1");
        bench.Disk.OnAppend = static r => r.Kind == FlashJournalRecordKind.Armed ? BenchFault.CrashAfter : null;
        var life = new ClientLife();
        var request = plan.ToRequests(bench.Images).GetValueOrThrow()[0];
        _ = bench.Clock.DriveUntil(() => bench.Client(life).FlashAsync(request, null, CancellationToken.None), () => !life.IsAlive);
        bench.Disk.OnAppend = null;

        Bench.IsUpgraded(Execute(bench, plan));
        Assert.True(bench.IsAllNew);
    }

    [Fact]
    public void TryCreate_TwoNamesOfOneMachine_IsRefused()
    {
        var machine = new TargetIdentity { SerialNumber = "the same", Manufacturer = "Maker" };
        var bench = new Bench(change: o => o with { Identity = machine });
        bench.Add("server-2", o => o with { Identity = machine });

        Assert.IsType<DuplicateTarget>(Bench.FailureOf(TryPlan(bench, "server-1", "server-2")));
    }

    [Fact]
    public void TryCreate_CatalogWithoutADigest_IsRefused()
    {
        var bench = new Bench();
        bench.Catalog = new Anonymous(bench.Catalog);

        Assert.IsType<CatalogUnusable>(Bench.FailureOf(TryPlan(bench, "server-1")));
    }

    [Fact]
    public void TryCreate_WindowOfOneTarget_IsThatTargets()
    {
        var bench = new Bench();
        bench.Add("server-2");
        var now = bench.Clock.GetUtcNow();
        var window = FlashWindow.Between(now, now.AddHours(2));
        var request = Request(bench, "server-1", "server-2") with { Windows = ImmutableDictionary<string, FlashWindow>.Empty.Add("sim://server-2", window) };

        var plan = bench.Clock.Drive(() => bench.Client().PlanAsync(request, 2, CancellationToken.None)).GetValueOrThrow();

        Assert.Null(plan.Targets[0].Window);
        Assert.Equal(new PlannedWindow(now, now.AddHours(2)), plan.Targets[1].Window);
        Assert.Equal(window, plan.ToRequests(bench.Images).GetValueOrThrow()[1].Policy.Window);
        Assert.IsType<InvalidParameter>(Bench.FailureOf(bench.Clock.Drive(() => bench.Client().PlanAsync(request with { Windows = request.Windows.Add("nobody", window) }, 2, CancellationToken.None))));
    }

    [Theory]
    [InlineData("U30 v2.50 (03/12/2021)", "U30 v2.51 (03/12/2021)")]
    [InlineData("Approved", "NotApplicable")]
    [InlineData("\"forceReboot\": false", "\"forceReboot\": true")]
    [InlineData("sim://server-1", "sim://server-2")]
    [InlineData("\"allowDowngrade\": false", "\"allowDowngrade\": true")]
    public void TryParse_EditedByHand_IsRefused(string what, string by)
    {
        var text = Encoding.UTF8.GetString(Plan(new Bench(), "server-1").ToJson());
        Assert.Contains(what, text, StringComparison.Ordinal);

        var failure = Assert.IsType<PlanUnusable>(Bench.FailureOf(FlashPlan.TryParse(Encoding.UTF8.GetBytes(text.Replace(what, by, StringComparison.Ordinal)), "plan.json")));

        Assert.Contains("edited", failure.Detail, StringComparison.Ordinal);
    }

    // Each value of a plan's file in turn removed, emptied, or of another type, and the hash left as it was.
    [Fact]
    public void TryParse_AnyValueDamaged_IsRefusedOrSaysTheSame()
    {
        var count = 0;
        var good = Plan(new Bench(), "server-1").ToJson();
        foreach (var (bytes, place) in Damaged(good))
        {
            if (FlashPlan.TryParse(bytes, "plan").TryGetValue(out var plan, out var failure))
            {
                // A value that is missing, and is the one that it would be anyway.
                Assert.True(plan.ToJson().AsSpan().SequenceEqual(good) && place.EndsWith("remove", StringComparison.Ordinal), place);
                continue;
            }

            Assert.True(failure is PlanUnusable, place);
            count++;
        }

        Assert.True(count > 300, count.ToString(CultureInfo.InvariantCulture));
    }

    // As above, by somebody who knows how the hash is made.
    [Fact]
    public void TryParse_AnyValueDamagedAndTheHashMadeAnew_IsRefusedOrHarmless()
    {
        var bench = new Bench();
        foreach (var (bytes, place) in Damaged(Plan(bench, "server-1").ToJson()))
        {
            PlanFile? file;
            try
            {
                file = JsonSerializer.Deserialize(bytes, PlanJson.Default.PlanFile);
                file = file! with { Hash = new ContentDigest(System.Security.Cryptography.SHA256.HashData(JsonSerializer.SerializeToUtf8Bytes(file.Plan, PlanJson.Default.PlanBody))) };
            }
            catch (Exception e) when (e is JsonException or NullReferenceException or InvalidOperationException)
            {
                continue;
            }

            if (FlashPlan.TryParse(JsonSerializer.SerializeToUtf8Bytes(file, PlanJson.Default.PlanFile), "plan").TryGetValue(out var plan, out var failure))
            {
                // What it says is what is compared, whoever wrote it.
                _ = plan.ToRequests(bench.Images);
                _ = plan.CompareWith(plan);
            }
            else
            {
                Assert.True(failure is PlanUnusable, place);
            }
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("{\"romflashPlan\":1}")]
    [InlineData("{\"romflashPlan\":1,\"hash\":\"00\",\"plan\":null}")]
    [InlineData("\u0000")]
    public void TryParse_NoPlan_IsRefused(string text) =>
        Assert.IsType<PlanUnusable>(Bench.FailureOf(FlashPlan.TryParse(Encoding.UTF8.GetBytes(text), "plan")));

    [Fact]
    public void TryParse_DeeplyNested_IsRefused() =>
        Assert.IsType<PlanUnusable>(Bench.FailureOf(FlashPlan.TryParse(Encoding.UTF8.GetBytes(new string('[', 1_000_000)), "plan")));

    [Fact]
    public async Task LoadAsync_NoFile_IsRefused() =>
        Assert.IsType<PlanUnusable>(Bench.FailureOf(await FlashPlan.LoadAsync("/no/such/plan", CancellationToken.None)));

    private static PlanRequest Request(Bench bench, params string[] names) =>
        new([.. names.Select(n => FlashTarget.Parse($"sim://{n}"))], bench.Images, bench.Policy) { CreatedBy = "ann" };

    private static FlashResult<FlashPlan> TryPlan(Bench bench, params string[] names) =>
        bench.Clock.Drive(() => bench.Client().PlanAsync(Request(bench, names), 1, CancellationToken.None));

    private static FlashPlan Plan(Bench bench, params string[] names) => TryPlan(bench, names).GetValueOrThrow();

    private static FlashReport Execute(Bench bench, FlashPlan plan, ImmutableArray<RomImage> images = default) =>
        bench.Clock.Drive(() => bench.Client().FlashAsync(plan.ToRequests(images.IsDefault ? bench.Images : images).GetValueOrThrow()[0], null, CancellationToken.None));

    private static IEnumerable<(byte[] Bytes, string Place)> Damaged(byte[] good)
    {
        var places = Places(JsonNode.Parse(good)!).Select(n => n.GetPath()).Where(p => p is not "$" and not "$.plan.createdBy" and not "$.plan.createdAt").ToList();
        foreach (var place in places)
        {
            foreach (var damage in (string[])["remove", "null", "number", "text", "list", "object"])
            {
                var root = JsonNode.Parse(good)!;
                var node = Places(root).First(n => n.GetPath() == place);
                JsonNode? value = damage switch { "number" => 7, "text" => "x", "list" => new JsonArray(), "object" => new JsonObject(), _ => null };
                if (node.Parent is JsonObject parent)
                {
                    var name = node.GetPropertyName();
                    parent.Remove(name);
                    if (damage != "remove")
                    {
                        parent[name] = value;
                    }
                }
                else if (node.Parent is JsonArray list)
                {
                    var index = node.GetElementIndex();
                    list.RemoveAt(index);
                    if (damage != "remove")
                    {
                        list.Insert(index, value);
                    }
                }

                var bytes = Encoding.UTF8.GetBytes(root.ToJsonString());
                if (!JsonNode.DeepEquals(root, JsonNode.Parse(good)))
                {
                    yield return (bytes, $"{place}: {damage}");
                }
            }
        }
    }

    private static IEnumerable<JsonNode> Places(JsonNode node)
    {
        yield return node;
        IEnumerable<JsonNode?> children = node switch { JsonObject o => o.Select(p => p.Value), JsonArray a => a, _ => [] };
        foreach (var child in children.OfType<JsonNode>().SelectMany(Places))
        {
            yield return child;
        }
    }

    private sealed class Anonymous(ICompatibilityCatalog inner) : ICompatibilityCatalog
    {
        public async ValueTask<FlashResult<CompatibilityVerdict>> EvaluateAsync(CompatibilityQuery query, CancellationToken cancellationToken) =>
            (await inner.EvaluateAsync(query, cancellationToken)).GetValueOrThrow() with { Catalogs = [new CatalogProvenance("nameless", default)] };
    }
}
