using System.Security.Cryptography;

namespace RomFlash.Sdk.Transports.Smb.Protocol.Security;

/// <summary>Signs messages, or verifies signatures (MS-SMB2, 3.1.4.1 and 3.1.5.1).</summary>
/// <remarks>
/// Not thread-safe: an instance is for one direction, so that signing and verifying may run on different threads. A message is one SMB2 message from its header on, with its padding; of
/// a compound each is signed by itself. Nothing is allocated for a message.
/// </remarks>
internal abstract class SmbSigner : IDisposable
{
    /// <summary>Where the signature lies in the header (MS-SMB2, 2.2.1.2).</summary>
    protected const int SignatureOffset = 48;

    /// <summary>How long it is.</summary>
    protected const int SignatureBytes = 16;

    /// <summary>How long the header is.</summary>
    protected const int HeaderBytes = 64;

    /// <summary>Writes the signature into the header, whatever is there now.</summary>
    /// <param name="message">The message.</param>
    public void Sign(Span<byte> message)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(message.Length, HeaderBytes);
        var field = message.Slice(SignatureOffset, SignatureBytes);
        field.Clear();
        Span<byte> signature = stackalloc byte[SignatureBytes];
        Compute(message, signature);
        signature.CopyTo(field);
    }

    /// <summary>Compares the signature, in a time that does not depend on where it differs.</summary>
    /// <param name="message">The message, which is afterwards what it was.</param>
    /// <returns>Whether the signature is right; false for what is shorter than a header.</returns>
    public bool Verify(Span<byte> message)
    {
        if (message.Length < HeaderBytes)
        {
            return false;
        }

        var field = message.Slice(SignatureOffset, SignatureBytes);
        Span<byte> found = stackalloc byte[SignatureBytes];
        Span<byte> right = stackalloc byte[SignatureBytes];
        field.CopyTo(found);
        field.Clear();
        try
        {
            Compute(message, right);
        }
        finally
        {
            found.CopyTo(field);
        }

        return CryptographicOperations.FixedTimeEquals(found, right);
    }

    /// <summary>Wipes the key.</summary>
    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Computes the signature of a message whose signature field is zero.</summary>
    protected abstract void Compute(ReadOnlySpan<byte> message, Span<byte> signature);

    /// <summary>Wipes the key.</summary>
    protected abstract void Dispose(bool disposing);
}
