using RomFlash.Sdk.Confirmation;
using RomFlash.Sdk.Testing.Simulation;
using RomFlash.Sdk.Transports;
using Xunit.Abstractions;

namespace RomFlash.Sdk.Simulation.Tests;

/// <summary>Every remote operation of a full upgrade, every fault, every persona.</summary>
public sealed class EnumeratedSimulationTests(ITestOutputHelper output)
{
    public static TheoryData<string> WithBackups => [.. SimulatedPersona.All.Where(p => p is { UsesSystemPartition: true, HasClaim: true, ReturnsAsAnotherMachine: false, LosesShareAfterBoot: false, Effect: DepositEffect.Inert }).Select(p => p.Name)];

    public static TheoryData<string> Personas => [.. SimulatedPersona.All.Select(p => p.Name)];

    [Theory]
    [MemberData(nameof(Personas))]
    public void FullUpgrade_NothingGoesWrong_EndsAsItShould(string name)
    {
        var schedule = new Schedule(Find(name));
        Assert.Empty(schedule.Run());
        output.WriteLine($"{name}: {schedule.World!.Target.OperationCount} operations, {schedule.World.Disk.Appends} journal records, {string.Join(", ", schedule.World.Runs)}");
        if (!schedule.Persona.ReturnsAsAnotherMachine)
        {
            Assert.Equal(FlashOutcomeKind.Upgraded, schedule.World.Runs[^1].Kind);
        }
    }

    [Theory]
    [MemberData(nameof(Personas))]
    public void FullUpgrade_AnyFaultAtAnyOperation_InvariantsHold(string name)
    {
        var persona = Find(name);
        var (operations, records) = Measure(persona);
        var schedules = new List<Schedule>();
        foreach (var fault in Schedule.Faults)
        {
            schedules.AddRange(Enumerable.Range(1, operations).Select(n => new Schedule(persona, new Mishap(n, Fault: fault))));
        }

        foreach (var fault in Enum.GetValues<JournalFault>())
        {
            schedules.AddRange(Enumerable.Range(1, records).Select(n => new Schedule(persona, new Mishap(n, Journal: fault))));
        }

        Check(name, schedules);
    }

    [Theory]
    [MemberData(nameof(Personas))]
    public void FullUpgrade_AnyIncidentAtAnyOperation_InvariantsHold(string name)
    {
        var persona = Find(name);
        var (operations, _) = Measure(persona);
        Check(name, Enum.GetValues<Incident>()
            .Where(i => persona.HasClaim || i is not (Incident.Compete or Incident.TakeOver))
            .SelectMany(i => Enumerable.Range(1, operations).Select(n => new Schedule(persona, new Mishap(n, Incident: i)))));
    }

    [Theory]
    [MemberData(nameof(Personas))]
    public void FullUpgrade_CrashAndThenAnyFault_InvariantsHold(string name)
    {
        // The restarted client meets a fault of its own, at every operation of its way back.
        var persona = Find(name);
        var (operations, _) = Measure(persona);
        var schedules = new List<Schedule>();
        for (var crash = 1; crash <= operations; crash += 3)
        {
            for (var next = crash + 1; next <= crash + 12; next += 2)
            {
                schedules.Add(new Schedule(persona, new Mishap(crash, Fault: SimulatedFault.CrashAfter), new Mishap(next, Fault: SimulatedFault.DisconnectAfter)));
                schedules.Add(new Schedule(persona, new Mishap(crash, Fault: SimulatedFault.CrashAfter), new Mishap(next, Fault: SimulatedFault.CrashBefore)));
            }
        }

        Check(name, schedules);
    }

    // What lies beside the upgrade is never armed (invariant 1), and is named or gone like everything else (2).
    [Theory]
    [MemberData(nameof(WithBackups))]
    public void UpgradeWithBackups_AnyMishapAtAnyOperation_InvariantsHold(string name)
    {
        var persona = Find(name);
        var clean = new Schedule(persona) { HasBackups = true };
        Assert.Empty(clean.Run());
        Assert.Equal(FlashOutcomeKind.Upgraded, clean.World!.Runs[^1].Kind);
        Assert.Contains(clean.World.Target.History, e => e.Kind == SimulatedEventKind.Deposited && e.Digest == World.OldSystem.Sha256);

        var operations = clean.World.Target.OperationCount;
        var mishaps = Schedule.Faults.SelectMany(f => Enumerable.Range(1, operations).Select(n => new Mishap(n, Fault: f)))
            .Concat(Enum.GetValues<Incident>().SelectMany(i => Enumerable.Range(1, operations).Select(n => new Mishap(n, Incident: i))))
            .Concat(Enum.GetValues<JournalFault>().SelectMany(j => Enumerable.Range(1, clean.World.Disk.Appends).Select(n => new Mishap(n, Journal: j))));
        Check(name, mishaps.Select(m => new Schedule(persona, m) { HasBackups = true }));
    }

    // A run that is bound to a plan ends as it does without one, or is refused before anything is written; and the machine is the planned one.
    [Theory]
    [MemberData(nameof(Personas))]
    public void PlannedUpgrade_AnyIncidentOrCrash_InvariantsHold(string name)
    {
        var persona = Find(name);
        var clean = new Schedule(persona) { IsPlanned = true };
        Assert.Empty(clean.Run());
        if (!persona.ReturnsAsAnotherMachine)
        {
            Assert.Equal(FlashOutcomeKind.Upgraded, clean.World!.Runs[^1].Kind);
        }

        var (operations, _) = Measure(persona);
        var mishaps = Enum.GetValues<Incident>()
            .Where(i => persona.HasClaim || i is not (Incident.Compete or Incident.TakeOver))
            .SelectMany(i => Enumerable.Range(1, operations).Select(n => new Mishap(n, Incident: i)))
            .Concat(new[] { SimulatedFault.CrashBefore, SimulatedFault.CrashAfter, SimulatedFault.DisconnectAfter, SimulatedFault.Nonsense }.SelectMany(f => Enumerable.Range(1, operations).Select(n => new Mishap(n, Fault: f))));
        Check(name, mishaps.Select(m => new Schedule(persona, m) { IsPlanned = true }));
    }

    internal static (int Operations, int Records) Measure(SimulatedPersona persona)
    {
        var clean = new Schedule(persona);
        Assert.Empty(clean.Run());
        return (clean.World!.Target.OperationCount, clean.World.Disk.Appends);
    }

    internal static SimulatedPersona Find(string name) => SimulatedPersona.All.Single(p => p.Name == name);

    private void Check(string name, IEnumerable<Schedule> schedules, [System.Runtime.CompilerServices.CallerMemberName] string what = "")
    {
        var count = 0;
        var bad = new List<string>();
        foreach (var schedule in schedules)
        {
            count++;
            foreach (var violation in schedule.Run())
            {
                bad.Add($"{schedule} => {violation}\n    runs: {string.Join(" | ", schedule.World!.Runs)}");
            }
        }

        output.WriteLine($"{name}: {count} schedules, {bad.Count} violations");
        Console.WriteLine($"[romflash] {what}, {name}: {count} schedules, {bad.Count} violations");
        Assert.True(bad.Count == 0, $"{bad.Count} violations in {count} schedules, the first:\n{string.Join("\n", bad.Take(4).Concat(bad.Where((_, i) => i % Math.Max(1, bad.Count / 8) == 0)))}");
        Assert.True(count > 50);
    }
}
