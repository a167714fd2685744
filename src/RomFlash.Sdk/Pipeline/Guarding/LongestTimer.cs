namespace RomFlash.Sdk.Pipeline.Guarding;

/// <summary>How far one timer is asked to reach.</summary>
internal static class LongestTimer
{
    /// <summary>40 days; the framework's reach 49 (uint.MaxValue - 1 ms).</summary>
    public static readonly TimeSpan Reach = TimeSpan.FromDays(40);

    /// <summary>Shortens what is longer.</summary>
    /// <returns>The deadline, or <see cref="Reach"/>.</returns>
    public static TimeSpan Cut(TimeSpan deadline) => deadline < Reach ? deadline : Reach;
}
