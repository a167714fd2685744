namespace RomFlash.Sdk.Outcomes;

/// <summary>Whether the same request may succeed when it is made again.</summary>
public enum RetryClass
{
    /// <summary>Never with this request.</summary>
    Never = 0,

    /// <summary>After a person (or a program) has corrected what the remedy names.</summary>
    AfterCorrection,

    /// <summary>Later, without a correction.</summary>
    Later,

    /// <summary>At once.</summary>
    AtOnce,
}
