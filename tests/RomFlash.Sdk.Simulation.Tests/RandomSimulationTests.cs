using System.Globalization;
using RomFlash.Sdk.Testing.Simulation;
using Xunit.Abstractions;

namespace RomFlash.Sdk.Simulation.Tests;

/// <summary>
/// Random personas with one to four mishaps. A failing seed is printed, and replays alone with <c>ROMFLASH_SEED</c>; the number of
/// schedules is <c>ROMFLASH_SCHEDULES</c>.
/// </summary>
public sealed class RandomSimulationTests(ITestOutputHelper output)
{
    private const int Schedules = 10_000;
    private const int LongSchedules = 200_000;

    [Fact]
    public void FullUpgrade_RandomMishaps_InvariantsHold()
    {
        if (Number("ROMFLASH_SEED") is { } replayed)
        {
            var schedule = Create(replayed);
            output.WriteLine($"seed {replayed}: {schedule}");
            Assert.Empty(Smallest(schedule).Run());
            return;
        }

        var isLong = Environment.GetEnvironmentVariable("ROMFLASH_LONG") == "1";
        var count = (int)(Number("ROMFLASH_SCHEDULES") ?? (ulong)(isLong ? LongSchedules : Schedules));
        var first = isLong ? (ulong)Random.Shared.NextInt64() : 1UL;
        Console.WriteLine($"[romflash] random simulation: {count} schedules from seed {first}");
        var failures = new List<string>();
        Parallel.For(0, count, new ParallelOptions { MaxDegreeOfParallelism = Environment.ProcessorCount }, i =>
        {
            var seed = unchecked(first + (ulong)i);
            var schedule = Create(seed);
            if (schedule.Run().Count > 0)
            {
                var smallest = Smallest(schedule);
                lock (failures)
                {
                    failures.Add($"ROMFLASH_SEED={seed}: {schedule}\n  smallest: {smallest} => {string.Join("; ", smallest.Run())}\n  runs: {string.Join(" | ", smallest.World!.Runs)}");
                }
            }
        });

        output.WriteLine($"{count} random schedules from seed {first}, {failures.Count} failed");
        Assert.True(failures.Count == 0, $"{failures.Count} of {count} schedules failed, the first:\n{string.Join("\n", failures.Take(5))}");
    }

    // Takes mishaps away as long as the rest still fails.
    private static Schedule Smallest(Schedule schedule)
    {
        for (var i = 0; i < schedule.Mishaps.Length && schedule.Mishaps.Length > 1;)
        {
            var smaller = new Schedule(schedule.Persona, [.. schedule.Mishaps.Where((_, k) => k != i)]);
            if (smaller.Run().Count > 0)
            {
                schedule = smaller;
                i = 0;
            }
            else
            {
                i++;
            }
        }

        return schedule;
    }

    private static Schedule Create(ulong seed)
    {
        var random = new Random(unchecked((int)(seed ^ (seed >> 32))));
        var persona = SimulatedPersona.All[random.Next(SimulatedPersona.All.Length)];
        var mishaps = new Mishap[1 + random.Next(4)];
        for (var i = 0; i < mishaps.Length; i++)
        {
            mishaps[i] = random.Next(10) switch
            {
                < 6 => new Mishap(1 + random.Next(110), Fault: Schedule.Faults[random.Next(Schedule.Faults.Length)]),
                < 8 => new Mishap(1 + random.Next(18), Journal: (JournalFault)random.Next(Enum.GetValues<JournalFault>().Length)),
                _ => new Mishap(1 + random.Next(80), Incident: RandomIncident(random, persona)),
            };
        }

        return new Schedule(persona, mishaps);
    }

    private static Incident RandomIncident(Random random, SimulatedPersona persona)
    {
        var incident = (Incident)random.Next(Enum.GetValues<Incident>().Length);

        // Without a claim nothing on the target keeps a second client away; the report says so (HadClaim).
        return !persona.HasClaim && incident is Incident.Compete or Incident.TakeOver ? Incident.Cancel : incident;
    }

    private static ulong? Number(string variable) =>
        ulong.TryParse(Environment.GetEnvironmentVariable(variable), NumberStyles.None, CultureInfo.InvariantCulture, out var value) ? value : null;
}
