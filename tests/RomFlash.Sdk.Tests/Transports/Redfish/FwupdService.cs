using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using RomFlash.Sdk.Targets;
using RomFlash.Sdk.Transports;
using RomFlash.Sdk.Transports.Redfish;

namespace RomFlash.Sdk.Tests.Transports.Redfish;

/// <summary>
/// fwupd's Redfish service for its own tests, on the loopback address under a certificate of this test's. Its counters are those of the last session that was opened.
/// </summary>
public sealed class FwupdService : IAsyncLifetime
{
    private readonly ConcurrentQueue<string> _requests = new();
    private readonly ConditionalWeakTable<ITargetSession, StartingPoint> _starts = [];
    private readonly ConcurrentDictionary<string, TaskCompletionSource> _awaited = new(StringComparer.Ordinal);
    private FwupdProcess? _process;

    public async Task InitializeAsync() => _process = await FwupdProcess.StartAsync(Note);

    public async Task DisposeAsync()
    {
        if (_process is { } process)
        {
            await process.DisposeAsync();
        }
    }

    public async Task<ITargetSession> ConnectAsync(string user)
    {
        var start = new StartingPoint(_requests.Count);
        var session = FaceRig.Value(await TryConnectAsync(user, FwupdProcess.Password));
        _starts.Add(session, start);
        return session;
    }

    /// <summary>A transport of its own for each: the service forgets with every connection, and so has the client to.</summary>
    public async Task<TransportResult<ITargetSession>> TryConnectAsync(string user, string password)
    {
        using var credentials = FaceRig.Credentials(user, password);
        var endpoint = TargetEndpoint.TryCreate(_process!.Address).GetValueOrThrow();
        return await new RedfishTransport().ConnectAsync(new(endpoint, credentials, new HastyTime()), CancellationToken.None);
    }

    /// <summary>The requests since a session was opened, as "METHOD PATH".</summary>
    public async Task<ImmutableArray<string>> RequestsOfAsync(ITargetSession session)
    {
        // The service tells of requests in their order: once it tells of this one, it has told of all before it.
        var last = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var path = "/last/" + Guid.NewGuid().ToString("N");
        _awaited["GET " + path] = last;
        using var handler = new HttpClientHandler { ServerCertificateCustomValidationCallback = (_, found, _, _) => found is not null && Convert.ToHexStringLower(SHA256.HashData(found.RawData)) == _process!.Fingerprint };
        using var client = new HttpClient(handler);
        using var answer = await client.GetAsync(new Uri($"https://127.0.0.1:{_process!.Port}{path}"));
        await last.Task.WaitAsync(TimeSpan.FromMinutes(1));
        return [.. _requests.Skip(_starts.TryGetValue(session, out var start) ? start.Count : 0)];
    }

    private void Note(string line)
    {
        // 127.0.0.1 - - [date] "METHOD PATH HTTP/1.1" STATUS -, in colours where it is an error.
        var (path, end) = (line.IndexOf(" /", StringComparison.Ordinal), line.IndexOf(" HTTP/", StringComparison.Ordinal));
        if (path < 0 || end < path)
        {
            return;
        }

        var method = path;
        while (method > 0 && char.IsAsciiLetterUpper(line[method - 1]))
        {
            method--;
        }

        var request = line[method..end];
        _requests.Enqueue(request);
        if (_awaited.TryRemove(request, out var awaited))
        {
            awaited.TrySetResult();
        }
    }

    /// <summary>Pauses between looks at a task are short: this service's tasks move on by being looked at.</summary>
    private sealed class HastyTime : TimeProvider
    {
        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
            base.CreateTimer(callback, state, dueTime > TimeSpan.Zero ? dueTime / 100 : dueTime, period);
    }

    private sealed record StartingPoint(int Count);
}
