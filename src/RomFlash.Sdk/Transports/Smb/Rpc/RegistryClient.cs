namespace RomFlash.Sdk.Transports.Smb.Rpc;

/// <summary>Reads HKEY_LOCAL_MACHINE of a peer (MS-RRP). Nothing here writes, so that the effect of all faults is <see cref="FaultEffect.NotSent"/>.</summary>
/// <remarks>Thread-safe; operations wait for each other. Disposing closes the pipe, and with it what is still open.</remarks>
internal sealed class RegistryClient : IAsyncDisposable
{
    // The longest answer holds a value, or a name and a class, of 64 KiB each at most.
    private const int MaxAnswer = 1 << 20;

    private readonly RpcConnection _rpc;
    private readonly ContextHandle _root;
    private int _isDisposed;

    private RegistryClient(RpcConnection rpc, ContextHandle root)
    {
        _rpc = rpc;
        _root = root;
    }

    /// <summary>Opens the remote registry.</summary>
    /// <param name="connection">The connection.</param>
    /// <param name="cancellationToken">Cancelled by the caller or at the deadline.</param>
    /// <returns>The client; <see cref="TransportFaultKind.ServiceNotRunning"/> when the service does not run, <see cref="TransportFaultKind.AccessDenied"/>, ….</returns>
    public static async ValueTask<TransportResult<RegistryClient>> OpenAsync(ISmbConnection connection, CancellationToken cancellationToken)
    {
        var opened = await RpcConnection.OpenAsync(connection, RpcService.Registry, cancellationToken).ConfigureAwait(false);
        if (!opened.TryGetValue(out var rpc, out var fault))
        {
            return fault;
        }

        var answered = await rpc.CallAsync<HandleAnswer>(
            new(RegistryStubs.OpenLocalMachineOperation, RpcCall.SmallAnswer), RegistryStubs.OpenLocalMachine(RegistryAccess.Read), HandleStubs.ReadOpened, cancellationToken).ConfigureAwait(false);
        if (answered.TryGetValue(out var answer, out fault) && (fault = RpcFault.FromWin32(answer.Code, isChange: false, "the local machine's registry")) is null)
        {
            return new RegistryClient(rpc, answer.Handle);
        }

        await rpc.DisposeAsync().ConfigureAwait(false);
        return fault;
    }

    /// <summary>Opens a key.</summary>
    /// <param name="path">Its path below HKEY_LOCAL_MACHINE, with backslashes; empty for that itself.</param>
    /// <param name="access">What for.</param>
    /// <param name="cancellationToken">Cancelled by the caller or at the deadline.</param>
    /// <returns>The key, which the caller disposes of; or <see cref="TransportFaultKind.NotFound"/>, <see cref="TransportFaultKind.AccessDenied"/>, ….</returns>
    public async ValueTask<TransportResult<RegistryKey>> OpenKeyAsync(string path, RegistryAccess access, CancellationToken cancellationToken)
    {
        if (!IsName(path))
        {
            return NoName();
        }

        var answered = await CallAsync<HandleAnswer>(RegistryStubs.OpenKeyOperation, RegistryStubs.OpenKey(_root, path, access), HandleStubs.ReadOpened, cancellationToken).ConfigureAwait(false);
        return !answered.TryGetValue(out var answer, out var fault) ? fault
            : RpcFault.FromWin32(answer.Code, isChange: false, path) is { } refused ? refused
            : new RegistryKey(this, answer.Handle, path);
    }

    /// <summary>Reads one value: opens its key, reads, and closes the key.</summary>
    /// <param name="path">The key's path below HKEY_LOCAL_MACHINE.</param>
    /// <param name="name">The value's name; empty for the key's own value.</param>
    /// <param name="cancellationToken">Cancelled by the caller or at the deadline.</param>
    /// <returns>The value, or <see cref="TransportFaultKind.NotFound"/> when there is no such key or value.</returns>
    public async ValueTask<TransportResult<RegistryValue>> ReadValueAsync(string path, string name, CancellationToken cancellationToken)
    {
        var opened = await OpenKeyAsync(path, RegistryAccess.QueryValues, cancellationToken).ConfigureAwait(false);
        if (!opened.TryGetValue(out var key, out var fault))
        {
            return fault;
        }

        var read = await key.ReadAsync(name, cancellationToken).ConfigureAwait(false);
        await key.CloseAsync(cancellationToken).ConfigureAwait(false);
        return read;
    }

    /// <summary>Closes everything. Done twice, it does nothing.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _isDisposed, 1) != 0)
        {
            return;
        }

        await CloseAsync(_root, CancellationToken.None).ConfigureAwait(false);
        await _rpc.DisposeAsync().ConfigureAwait(false);
    }

    internal static bool IsName(string name) => name.Length <= RegistryStubs.MaxName && !name.Contains('\0', StringComparison.Ordinal);

    internal static TransportFault NoName() => new(TransportFaultKind.Unsupported, FaultEffect.NotSent, "a name of the registry can't hold a terminator, or be that long");

    internal ValueTask<TransportResult<T>> CallAsync<T>(ushort operation, byte[] stub, StubReader<T> read, CancellationToken cancellationToken)
        where T : notnull =>
        _rpc.CallAsync(new(operation, MaxAnswer), stub, read, cancellationToken);

    internal ValueTask CloseAsync(ContextHandle handle, CancellationToken cancellationToken) =>
        _rpc.CloseAsync(RegistryStubs.CloseKeyOperation, handle, cancellationToken);
}
