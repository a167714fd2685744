using System.Security.Cryptography;

namespace RomFlash.Sdk.Transports.Smb.Protocol.Security;

/// <summary>Counts the nonces of one key. A nonce that came twice would give away what was sealed with it (MS-SMB2, 3.1.4.3; SP 800-38D, 8).</summary>
/// <remarks>Thread-safe.</remarks>
internal sealed class NonceCounter(ulong first)
{
    private ulong _next = first;

    /// <summary>Gives the next one.</summary>
    /// <exception cref="CryptographicException">There is none left; a session that gets there has to be set up anew.</exception>
    public ulong Next()
    {
        // The last value is never given: it is where the counter stays.
        ulong next;
        do
        {
            next = Volatile.Read(ref _next);
            if (next == ulong.MaxValue)
            {
                throw new CryptographicException("The session's nonces are used up.");
            }
        }
        while (Interlocked.CompareExchange(ref _next, next + 1, next) != next);

        return next;
    }
}
