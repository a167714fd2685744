using RomFlash.Sdk.Transports.Smb.Protocol.Security;

namespace RomFlash.Sdk.Transports.Smb.Protocol.Flow;

/// <summary>What protects the messages of a session: signatures always, and sealing where it was agreed upon.</summary>
/// <remarks>Any number of threads may protect; one at a time may check.</remarks>
internal sealed class SmbShield : IDisposable
{
    private readonly SmbSigner _signer;
    private readonly SmbSigner _verifier;
    private readonly SmbSealer? _sealer;
    private readonly Lock _signing = new();
    private readonly Lock _sealing = new();

    public SmbShield(SmbSessionKeys keys, SmbSigningAlgorithm signing, ulong sessionId, bool canSeal, bool sealsAll)
    {
        SessionId = sessionId;
        SealsAll = sealsAll;
        _signer = keys.CreateSigner(signing);
        _verifier = keys.CreateSigner(signing);
        _sealer = canSeal ? keys.CreateSealer(sessionId) : null;
    }

    public ulong SessionId { get; }

    /// <summary>Whether everything is sealed, and nothing else accepted.</summary>
    public bool SealsAll { get; }

    /// <summary>Whether anything can be sealed.</summary>
    public bool CanSeal => _sealer is not null;

    /// <summary>Signs or seals a frame whose headers are written.</summary>
    public void Protect(SmbFrame frame, bool isSealed)
    {
        if (isSealed)
        {
            lock (_sealing)
            {
                _sealer!.Seal(frame.WithTransformHeader);
            }

            return;
        }

        lock (_signing)
        {
            for (var i = 0; i < frame.Count; i++)
            {
                _signer.Sign(frame.MessageOf(i));
            }
        }
    }

    public bool TryOpen(Span<byte> sealedMessage) => _sealer is not null && _sealer.TryOpen(sealedMessage);

    public bool Verify(Span<byte> message) => _verifier.Verify(message);

    public void Dispose()
    {
        _signer.Dispose();
        _verifier.Dispose();
        _sealer?.Dispose();
    }
}
