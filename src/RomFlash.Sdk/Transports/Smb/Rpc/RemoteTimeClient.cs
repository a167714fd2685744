namespace RomFlash.Sdk.Transports.Smb.Rpc;

/// <summary>Asks a peer's server service how long it has been up (MS-SRVS). Changes nothing.</summary>
/// <remarks>Thread-safe: each question has a pipe of its own.</remarks>
internal sealed class RemoteTimeClient(ISmbConnection connection)
{
    // MS-SRVS, 3.1.4.
    private const ushort RemoteTimeOperation = 28;

    /// <summary>Asks how long the peer has been up, and what time it has.</summary>
    /// <param name="cancellationToken">Cancelled by the caller or at the deadline.</param>
    /// <returns>The answer.</returns>
    public async ValueTask<TransportResult<RemoteTime>> QueryAsync(CancellationToken cancellationToken)
    {
        var opened = await RpcConnection.OpenAsync(connection, RpcService.Server, cancellationToken).ConfigureAwait(false);
        if (!opened.TryGetValue(out var rpc, out var fault))
        {
            return fault;
        }

        await using (rpc.ConfigureAwait(false))
        {
            var answered = await rpc.CallAsync<TimeAnswer>(new(RemoteTimeOperation, RpcCall.SmallAnswer), Query(), Read, cancellationToken).ConfigureAwait(false);
            return !answered.TryGetValue(out var answer, out fault) ? fault
                : RpcFault.FromWin32(answer.Code, isChange: false, "the time of day") is { } refused ? refused
                : answer.Time;
        }
    }

    /// <summary>NetrRemoteTOD (MS-SRVS, 3.1.4.21).</summary>
    internal static byte[] Query()
    {
        var writer = new NdrWriter(new byte[8]);
        writer.WriteNullPointer();
        return writer.ToArray();
    }

    // TIME_OF_DAY_INFO (MS-SRVS, 2.2.4.105): twelve integers, of which the first two are seconds since 1970 in UTC and milliseconds since the peer started.
    private static bool Read(ReadOnlySpan<byte> stub, out TimeAnswer answer)
    {
        var reader = new NdrReader(stub);
        var time = default(RemoteTime);
        if (reader.ReadPointer())
        {
            time = new(DateTimeOffset.FromUnixTimeSeconds(reader.ReadUInt32()), TimeSpan.FromMilliseconds(reader.ReadUInt32()));
            for (var i = 0; i < 10; i++)
            {
                _ = reader.ReadUInt32();
            }
        }

        answer = new(time, reader.ReadUInt32());
        return reader.IsAtEnd && (answer.Code != 0 || time != default);
    }

    private readonly record struct TimeAnswer(RemoteTime Time, uint Code);
}

/// <summary>What time a peer has.</summary>
/// <param name="Now">Its clock, in UTC, to the second.</param>
/// <param name="Up">How long it has been up; begins anew after 49.7 days, because it is said in 32 bits.</param>
internal readonly record struct RemoteTime(DateTimeOffset Now, TimeSpan Up);
