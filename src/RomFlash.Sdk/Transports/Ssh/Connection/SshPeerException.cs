namespace RomFlash.Sdk.Transports.Ssh.Connection;

/// <summary>The far side answered with what it can't answer with, or its answer ended; caught at the channel's border.</summary>
internal sealed class SshPeerException(TransportFaultKind kind, string message) : Exception(message)
{
    public TransportFaultKind Kind => kind;

    public static SshPeerException Violation(string message) => new(TransportFaultKind.ProtocolViolation, message);

    public static SshPeerException Ended() => new(TransportFaultKind.Lost, "the far side ended");
}
