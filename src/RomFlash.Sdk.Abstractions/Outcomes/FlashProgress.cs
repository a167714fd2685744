namespace RomFlash.Sdk.Outcomes;

/// <summary>A sign of life: which step, and how far a transfer is.</summary>
/// <param name="TargetId">The target's id.</param>
/// <param name="Stage">The step.</param>
/// <param name="BytesDone">Bytes done in this step.</param>
/// <param name="BytesTotal">Bytes of this step; 0 where bytes have no meaning.</param>
public readonly record struct FlashProgress(string TargetId, FlashStage Stage, long BytesDone = 0, long BytesTotal = 0);
