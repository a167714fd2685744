namespace RomFlash.Benchmarks.Comparison;

/// <summary>One line of a comparison: what we take or do, what the peer or the bound is, and their ratio.</summary>
/// <param name="Name">The row's name; stable.</param>
/// <param name="Ours">What was measured.</param>
/// <param name="Peer">What it is held against, or null where there is nothing like it.</param>
/// <param name="Unit">The unit of both.</param>
/// <param name="Bound">What the ratio has to keep, in words.</param>
internal sealed record Row(string Name, double Ours, double? Peer, string Unit, string Bound)
{
    public double? Ratio => Ours / Peer;
}
