using System.Runtime.InteropServices;
using RomFlash.Sdk.Transports.Smb.Protocol.Wire;

namespace RomFlash.Sdk.Transports.Smb.Protocol;

/// <summary>How large one request may be, in bytes.</summary>
/// <param name="Read">The data of a READ.</param>
/// <param name="Write">The data of a WRITE.</param>
/// <param name="Transact">The input or output of everything else, and what pipes are read and written by.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct SmbLimits(int Read, int Write, int Transact)
{
    /// <summary>What a credit stands for (MS-SMB2, 3.2.4.1.5).</summary>
    public const int CreditBytes = 64 << 10;

    /// <summary>More in one request makes nothing faster, and answers rarer. With its headers it fits into a buffer of 512 KiB, which is how the pool has them.</summary>
    public const int MaxTransferBytes = 508 << 10;

    /// <summary>What a call has in flight at most.</summary>
    public const int MaxInFlightBytes = 8 << 20;

    /// <summary>How many requests a call has in flight at most.</summary>
    public const int MaxParts = 32;

    /// <summary>How many credits an amount takes.</summary>
    public static int ChargeOf(int bytes) => Math.Max(1, (bytes + CreditBytes - 1) / CreditBytes);

    public static SmbLimits Of(NegotiateAnswer answer)
    {
        // Without large requests one is worth a credit.
        var max = (uint)((answer.Capabilities & SmbCapabilities.LargeMtu) != 0 ? MaxTransferBytes : CreditBytes);
        return new((int)Math.Min(answer.MaxRead, max), (int)Math.Min(answer.MaxWrite, max), (int)Math.Min(answer.MaxTransact, CreditBytes));
    }
}
