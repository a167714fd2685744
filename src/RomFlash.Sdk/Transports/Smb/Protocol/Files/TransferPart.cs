using System.Runtime.InteropServices;
using RomFlash.Sdk.Transports.Smb.Protocol.Flow;

namespace RomFlash.Sdk.Transports.Smb.Protocol.Files;

/// <summary>One request of a call that is larger than one.</summary>
/// <param name="Reply">The answer that is waited for.</param>
/// <param name="Position">Where it begins in the caller's buffer.</param>
/// <param name="Length">How long it is.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct TransferPart(ValueTask<SmbReply> Reply, int Position, int Length);
