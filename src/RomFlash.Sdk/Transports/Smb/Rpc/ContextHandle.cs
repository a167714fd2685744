namespace RomFlash.Sdk.Transports.Smb.Rpc;

/// <summary>A context handle: 20 bytes that mean something to the peer alone (C706, 6.1.6). The peer gives it up when the pipe is closed.</summary>
/// <param name="Attributes">Reserved.</param>
/// <param name="Id">What names the context.</param>
internal readonly record struct ContextHandle(uint Attributes, Guid Id)
{
    /// <summary>True for the handle that stands for none.</summary>
    public bool IsNull => Attributes == 0 && Id == Guid.Empty;
}
