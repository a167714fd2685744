namespace RomFlash.Sdk.Transports.Smb.Rpc;

/// <summary>An operation and its bounds.</summary>
/// <param name="Operation">Its number.</param>
/// <param name="MaxAnswer">The longest answer that is taken, in bytes.</param>
/// <param name="IsChange">Whether it changes something, so that a missing answer leaves open whether it did.</param>
internal readonly record struct RpcCall(ushort Operation, int MaxAnswer, bool IsChange = false)
{
    /// <summary>Enough for answers without anything of variable length.</summary>
    public const int SmallAnswer = 4096;
}
