using RomFlash.Sdk.Testing;
using RomFlash.Sdk.Testing.Simulation;

namespace RomFlash.Sdk.Simulation.Tests;

/// <summary>A client's view of the clock: the timers of a dead client do nothing.</summary>
internal sealed class MortalTime(SimulatedClock clock, ClientLife life) : TimeProvider
{
    public override TimeZoneInfo LocalTimeZone => TimeZoneInfo.Utc;

    public override long TimestampFrequency => clock.TimestampFrequency;

    public override DateTimeOffset GetUtcNow() => clock.GetUtcNow();

    public override long GetTimestamp() => clock.GetTimestamp();

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
        clock.CreateTimer(
            s =>
            {
                if (life.IsAlive)
                {
                    callback(s);
                }
            },
            state,
            dueTime,
            period);
}
