using System.Collections.Immutable;
using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Targets;
using RomFlash.Sdk.Transports;

namespace RomFlash.Sdk.Probing;

/// <summary>Which endpoint told a fact, or serves a capability.</summary>
/// <param name="What">The fact or the capability, such as <c>Roms</c>.</param>
/// <param name="Endpoint">The endpoint's address.</param>
public sealed record FactOrigin(string What, string Endpoint)
{
    /// <summary>In <see cref="What"/>: the endpoint told an identity, and it is the one that the others told.</summary>
    public const string Identified = "Identified";
}

/// <summary>What a probe found; anybody can construct it. <see cref="TargetReport.TryCreate"/> turns it into a key.</summary>
public sealed record ProbeEvidence
{
    /// <summary>The facts.</summary>
    public required TargetFacts Facts { get; init; }

    /// <summary>What is armed, and which ways to arm there are; unknown where no endpoint can arm.</summary>
    public Fact<ArmedState> Armed { get; init; }

    /// <summary>Who holds the claim; unknown where the target has no claims.</summary>
    public Fact<ClaimState> Claim { get; init; }

    /// <summary>What the deposit capability can do; unknown where no endpoint takes deposits.</summary>
    public Fact<DepositTraits> Deposit { get; init; }

    /// <summary>Whether an endpoint can restart the target.</summary>
    public bool CanReboot { get; init; }

    /// <summary>How long the target waits before it restarts when the policy's delay is asked for: some count in whole minutes. Null, and whatever is shorter than the policy's own delay, stands for that one; more than 40 days count as 40.</summary>
    public TimeSpan? RebootDelay { get; init; }

    /// <summary>Which endpoint served what.</summary>
    public ImmutableArray<FactOrigin> Origins { get; init; } = [];

    /// <summary>When it was read, in UTC.</summary>
    public DateTimeOffset ReadAt { get; init; }
}

/// <summary>A target as a probe found it: the key to a catalog's approval.</summary>
/// <remarks>Immutable and thread-safe.</remarks>
public sealed class TargetReport
{
    private TargetReport(FlashTarget target, ProbeEvidence evidence, ImmutableArray<InstalledRom> roms)
    {
        Target = target;
        Evidence = evidence;
        Roms = roms;
    }

    /// <summary>The target.</summary>
    public FlashTarget Target { get; }

    /// <summary>What the probe found.</summary>
    public ProbeEvidence Evidence { get; }

    /// <summary>The facts.</summary>
    public TargetFacts Facts => Evidence.Facts;

    /// <summary>The installed ROMs; empty when they are not known.</summary>
    public ImmutableArray<InstalledRom> Roms { get; }

    /// <summary>Checks the evidence and makes the report.</summary>
    /// <param name="target">The target.</param>
    /// <param name="evidence">What the probe found.</param>
    /// <returns>The report, or <see cref="ProtocolViolation"/> when the facts contradict themselves.</returns>
    public static FlashResult<TargetReport> TryCreate(FlashTarget target, ProbeEvidence evidence)
    {
        ArgumentNullException.ThrowIfNull(target);
        ArgumentNullException.ThrowIfNull(evidence);
        ImmutableArray<InstalledRom> roms = evidence.Facts.Roms.TryGet(out var known) && !known.IsDefault ? known : [];
        if (FindContradiction(evidence.Facts, roms) is { } contradiction)
        {
            return new ProtocolViolation { Stage = FlashStage.Probe, TargetId = target.Id, Detail = contradiction };
        }

        return new TargetReport(target, evidence, roms);
    }

    /// <summary>Finds an installed ROM.</summary>
    /// <param name="id">Its id.</param>
    /// <returns>The ROM, or null.</returns>
    public InstalledRom? FindRom(string id) => Roms.FirstOrDefault(r => string.Equals(r.Id, id, StringComparison.Ordinal));

    private static string? FindContradiction(TargetFacts facts, ImmutableArray<InstalledRom> roms)
    {
        if (roms.Any(r => r is null || string.IsNullOrWhiteSpace(r.Id)))
        {
            return "an installed ROM has no id";
        }

        if (roms.Select(r => r.Id).Distinct(StringComparer.Ordinal).Count() != roms.Length)
        {
            return "two installed ROMs have the same id";
        }

        if (facts.SystemPartition.TryGet(out var partition))
        {
            if ((partition.TotalBytes.TryGet(out var total) && total < 0) || (partition.FreeBytes.TryGet(out var free) && free < 0))
            {
                return "the system partition has a negative size";
            }

            if (partition.TotalBytes.TryGet(out total) && partition.FreeBytes.TryGet(out free) && free > total)
            {
                return "the system partition has more free space than space";
            }
        }

        return null;
    }
}
