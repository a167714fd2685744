namespace RomFlash.Sdk;

/// <summary>The clock that a caller gave.</summary>
internal static class CallerClock
{
    /// <summary>The caller's clock, or the system's.</summary>
    public static TimeProvider OrSystem(TimeProvider? given) =>
#pragma warning disable RS0030 // The one place where the system's clock comes in, when the caller gives none.
        given ?? TimeProvider.System;
#pragma warning restore RS0030
}
