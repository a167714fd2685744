namespace RomFlash.Sdk.Transports.Smb.Rpc;

/// <summary>Asks a peer's service control manager (MS-SCMR). Starts, stops and changes nothing, so that the effect of all faults is <see cref="FaultEffect.NotSent"/>.</summary>
/// <remarks>Thread-safe: each question has a pipe of its own.</remarks>
internal sealed class ServiceControlClient(ISmbConnection connection)
{
    // Numbers of operations (RCloseServiceHandle, RQueryServiceStatus, ROpenSCManagerW, ROpenServiceW) and rights: MS-SCMR, 3.1.4.
    private const ushort CloseHandleOperation = 0;
    private const ushort QueryStatusOperation = 6;
    private const ushort OpenManagerOperation = 15;
    private const ushort OpenServiceOperation = 16;
    private const uint ConnectRight = 0x0001;
    private const uint CreateServiceRight = 0x0002;
    private const uint QueryStatusRight = 0x0004;

    /// <summary>The longest name of a service, in characters (MS-SCMR, 3.1.4: SC_MAX_NAME_LENGTH with its terminator).</summary>
    public const int MaxName = 256;

    /// <summary>Asks what a service does.</summary>
    /// <param name="name">The service's name, not its display name.</param>
    /// <param name="cancellationToken">Cancelled by the caller or at the deadline.</param>
    /// <returns>Its state; <see cref="TransportFaultKind.NotFound"/> when there is no such service.</returns>
    public async ValueTask<TransportResult<ServiceState>> QueryServiceAsync(string name, CancellationToken cancellationToken)
    {
        if (name.Length is 0 or > MaxName || name.Contains('\0', StringComparison.Ordinal))
        {
            return new TransportFault(TransportFaultKind.Unsupported, FaultEffect.NotSent, "the name of a service has 1 to 256 characters");
        }

        var opened = await RpcConnection.OpenAsync(connection, RpcService.ServiceControl, cancellationToken).ConfigureAwait(false);
        if (!opened.TryGetValue(out var rpc, out var fault))
        {
            return fault;
        }

        await using (rpc.ConfigureAwait(false))
        {
            var manager = await OpenAsync(rpc, OpenManagerOperation, OpenManager(ConnectRight), "the service control manager", cancellationToken).ConfigureAwait(false);
            if (!manager.TryGetValue(out var managerHandle, out fault))
            {
                return fault;
            }

            var service = await OpenAsync(rpc, OpenServiceOperation, OpenService(managerHandle, name, QueryStatusRight), name, cancellationToken).ConfigureAwait(false);
            if (!service.TryGetValue(out var serviceHandle, out fault))
            {
                await rpc.CloseAsync(CloseHandleOperation, managerHandle, cancellationToken).ConfigureAwait(false);
                return fault;
            }

            var state = await QueryStatusAsync(rpc, serviceHandle, name, cancellationToken).ConfigureAwait(false);
            await rpc.CloseAsync(CloseHandleOperation, serviceHandle, cancellationToken).ConfigureAwait(false);
            await rpc.CloseAsync(CloseHandleOperation, managerHandle, cancellationToken).ConfigureAwait(false);
            return state;
        }
    }

    /// <summary>
    /// Asks whether the account is an administrator of the peer: opens the service control manager with the right to create services, which administrators alone get
    /// (MS-SCMR, 3.1.4.15), and closes it. Nothing is created.
    /// </summary>
    /// <param name="cancellationToken">Cancelled by the caller or at the deadline.</param>
    /// <returns>Whether it is; a fault when that can't be found out.</returns>
    public async ValueTask<TransportResult<bool>> ProbeAdministratorAsync(CancellationToken cancellationToken)
    {
        var opened = await RpcConnection.OpenAsync(connection, RpcService.ServiceControl, cancellationToken).ConfigureAwait(false);
        if (!opened.TryGetValue(out var rpc, out var fault))
        {
            return fault;
        }

        await using (rpc.ConfigureAwait(false))
        {
            var manager = await OpenAsync(rpc, OpenManagerOperation, OpenManager(ConnectRight | CreateServiceRight), "the service control manager", cancellationToken).ConfigureAwait(false);
            if (manager.TryGetValue(out var handle, out fault))
            {
                await rpc.CloseAsync(CloseHandleOperation, handle, cancellationToken).ConfigureAwait(false);
                return true;
            }

            // The operation's own answer alone: what refuses the pipe or the call says nothing about the account's rights.
            return fault.PeerCode is { Dialect: Outcomes.PeerCode.Win32, Number: RpcFault.AccessDenied } ? false : fault;
        }
    }

    /// <summary>ROpenSCManagerW (MS-SCMR, 3.1.4.15), of the active database.</summary>
    internal static byte[] OpenManager(uint access)
    {
        var writer = new NdrWriter(new byte[64]);
        writer.WriteNullPointer();
        writer.WriteNullPointer();
        writer.WriteUInt32(access);
        return writer.ToArray();
    }

    /// <summary>ROpenServiceW (MS-SCMR, 3.1.4.16).</summary>
    internal static byte[] OpenService(ContextHandle manager, string name, uint access)
    {
        var writer = new NdrWriter(new byte[64 + (2 * name.Length)]);
        writer.WriteContextHandle(manager);
        writer.WriteWideString(name);
        writer.WriteUInt32(access);
        return writer.ToArray();
    }

    private static async ValueTask<TransportResult<ContextHandle>> OpenAsync(RpcConnection rpc, ushort operation, byte[] stub, string what, CancellationToken cancellationToken)
    {
        var answered = await rpc.CallAsync<HandleAnswer>(new(operation, RpcCall.SmallAnswer), stub, HandleStubs.ReadOpened, cancellationToken).ConfigureAwait(false);
        return !answered.TryGetValue(out var answer, out var fault) ? fault
            : RpcFault.FromWin32(answer.Code, isChange: false, what) is { } refused ? refused
            : answer.Handle;
    }

    private static async ValueTask<TransportResult<ServiceState>> QueryStatusAsync(RpcConnection rpc, ContextHandle service, string name, CancellationToken cancellationToken)
    {
        var answered = await rpc.CallAsync<StateAnswer>(new(QueryStatusOperation, RpcCall.SmallAnswer), HandleStubs.Only(service), ReadState, cancellationToken).ConfigureAwait(false);
        return !answered.TryGetValue(out var answer, out var fault) ? fault
            : RpcFault.FromWin32(answer.Code, isChange: false, name) is { } refused ? refused
            : answer.State;
    }

    private static bool ReadState(ReadOnlySpan<byte> stub, out StateAnswer answer)
    {
        // SERVICE_STATUS (MS-SCMR, 2.2.47): seven integers, of which the second is the state.
        var reader = new NdrReader(stub);
        _ = reader.ReadUInt32();
        var state = (ServiceState)reader.ReadUInt32();
        for (var i = 0; i < 5; i++)
        {
            _ = reader.ReadUInt32();
        }

        answer = new(state, reader.ReadUInt32());
        return reader.IsAtEnd && (answer.Code != 0 || state is >= ServiceState.Stopped and <= ServiceState.Paused);
    }

    private readonly record struct StateAnswer(ServiceState State, uint Code);
}
