namespace RomFlash.Sdk.Transports.Smb.Rpc;

/// <summary>Has a peer shut down or restart, and takes that back (MS-RSP): by its own interface, or by the registry's (MS-RSP, 3.1) where that is not there.</summary>
/// <remarks>Thread-safe: each request has a pipe of its own. What was sent and got no answer is <see cref="FaultEffect.MayHaveApplied"/>.</remarks>
internal sealed class ShutdownClient(ISmbConnection connection)
{
    // MS-RSP, 3.2.4 and 3.1.4.
    private const ushort AbortOperation = 1;
    private const ushort InitiateOperation = 2;
    private const ushort RegistryAbortOperation = 25;
    private const ushort RegistryInitiateOperation = 30;

    /// <summary>The longest message in characters, which is what Windows' own shutdown command takes. What is longer is cut.</summary>
    public const int MaxMessage = 512;

    /// <summary>The longest delay: MAX_SHUTDOWN_TIMEOUT, ten years (Windows SDK, winreg.h).</summary>
    public static TimeSpan MaxDelay { get; } = TimeSpan.FromSeconds(10 * 365 * 24 * 60 * 60);

    /// <summary>A delay in the peer's seconds.</summary>
    public static long SecondsOf(TimeSpan delay) => (delay.Ticks / TimeSpan.TicksPerSecond) + (delay.Ticks % TimeSpan.TicksPerSecond > 0 ? 1 : 0);

    /// <summary>Asks for a shutdown.</summary>
    /// <param name="delay">How long the peer waits, 0 to <see cref="MaxDelay"/>; rounded up to whole seconds. Without delay it can't be taken back.</param>
    /// <param name="message">Shown to users of the peer; cut at <see cref="MaxMessage"/>.</param>
    /// <param name="force">Whether programs that object are ended.</param>
    /// <param name="reboot">Whether it restarts.</param>
    /// <param name="reason">Why; see <see cref="ShutdownReason"/>.</param>
    /// <param name="cancellationToken">Cancelled by the caller or at the deadline.</param>
    /// <returns>Done when the peer accepted; <see cref="TransportFaultKind.Busy"/> when one is pending or under way, <see cref="TransportFaultKind.AccessDenied"/>, ….</returns>
    public async ValueTask<TransportResult<Done>> InitiateAsync(TimeSpan delay, string message, bool force, bool reboot, uint reason, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(delay, TimeSpan.Zero);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(delay, MaxDelay);
        var seconds = (uint)SecondsOf(delay);
        var answered = await CallAsync(InitiateOperation, RegistryInitiateOperation, Initiate(seconds, message, force, reboot, reason), cancellationToken).ConfigureAwait(false);
        return !answered.TryGetValue(out var code, out var fault) ? fault
            : RpcFault.FromWin32(code, isChange: true, "a shutdown") is { } refused ? refused
            : default(Done);
    }

    /// <summary>Takes a shutdown back.</summary>
    /// <param name="cancellationToken">Cancelled by the caller or at the deadline.</param>
    /// <returns>Done when none is pending any more, or none was; <see cref="TransportFaultKind.Busy"/> when it is too late.</returns>
    public async ValueTask<TransportResult<Done>> AbortAsync(CancellationToken cancellationToken)
    {
        var answered = await CallAsync(AbortOperation, RegistryAbortOperation, Abort(), cancellationToken).ConfigureAwait(false);
        return !answered.TryGetValue(out var code, out var fault) ? fault
            : code != RpcFault.NoShutdownInProgress && RpcFault.FromWin32(code, isChange: true, "taking a shutdown back") is { } refused ? refused
            : default(Done);
    }

    /// <summary>BaseInitiateShutdownEx and BaseInitiateSystemShutdownEx (MS-RSP, 3.2.4.3 and 3.1.4.3), which have the same parameters.</summary>
    internal static byte[] Initiate(uint seconds, string message, bool force, bool reboot, uint reason)
    {
        var text = Clip(message);
        var writer = new NdrWriter(new byte[64 + (2 * text.Length)]);
        writer.WriteNullPointer();
        writer.WritePointer();
        writer.WriteCountedString(text);
        writer.WriteUInt32(seconds);
        writer.WriteBoolean(force);
        writer.WriteBoolean(reboot);
        writer.WriteUInt32(reason);
        return writer.ToArray();
    }

    /// <summary>BaseAbortShutdown and BaseAbortSystemShutdown (MS-RSP, 3.2.4.2 and 3.1.4.2).</summary>
    internal static byte[] Abort()
    {
        var writer = new NdrWriter(new byte[8]);
        writer.WriteNullPointer();
        return writer.ToArray();
    }

    private async ValueTask<TransportResult<uint>> CallAsync(ushort operation, ushort registryOperation, byte[] stub, CancellationToken cancellationToken)
    {
        var opened = await RpcConnection.OpenAsync(connection, RpcService.Shutdown, cancellationToken).ConfigureAwait(false);
        if (!opened.TryGetValue(out var rpc, out var fault))
        {
            // Not there, or something else is: the older way. A refusal is an answer.
            if (fault.Kind is not (TransportFaultKind.ServiceNotRunning or TransportFaultKind.Unsupported))
            {
                return fault;
            }

            operation = registryOperation;
            opened = await RpcConnection.OpenAsync(connection, RpcService.Registry, cancellationToken).ConfigureAwait(false);
            if (!opened.TryGetValue(out rpc, out fault))
            {
                return fault;
            }
        }

        await using (rpc.ConfigureAwait(false))
        {
            return await rpc.CallAsync<uint>(new(operation, RpcCall.SmallAnswer, IsChange: true), stub, ReadCode, cancellationToken).ConfigureAwait(false);
        }
    }

    private static bool ReadCode(ReadOnlySpan<byte> stub, out uint code)
    {
        var reader = new NdrReader(stub);
        code = reader.ReadUInt32();
        return reader.IsAtEnd;
    }

    // Not in the middle of a surrogate pair, and without what would end it early.
    private static string Clip(string message)
    {
        var length = Math.Min(message.Length, MaxMessage);
        if (length < message.Length && char.IsHighSurrogate(message[length - 1]))
        {
            length--;
        }

        return message[..length].Replace('\0', ' ');
    }
}
