using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using RomFlash.Sdk.Targets;
using RomFlash.Sdk.Transports;
using RomFlash.Sdk.Transports.Redfish;

namespace RomFlash.Sdk.Tests.Transports.Redfish;

/// <summary>
/// fwupd's Redfish service for its own tests, on the loopback address under a certificate of this test's. Its counters are those of the last session that was opened.
/// </summary>
public sealed class FwupdService : IAsyncLifetime
{
    public const string Password = "password2";

    private readonly ConcurrentQueue<string> _requests = new();
    private readonly ConditionalWeakTable<ITargetSession, StartingPoint> _starts = [];
    private readonly TaskCompletionSource _listening = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly ConcurrentQueue<string> _output = new();
    private readonly ConcurrentDictionary<string, TaskCompletionSource> _awaited = new(StringComparer.Ordinal);
    private Process? _process;
    private string _folder = string.Empty;
    private string _fingerprint = string.Empty;
    private int _port;

    public async Task InitializeAsync()
    {
        // Where its text lies is told by test.sh.
        var script = Environment.GetEnvironmentVariable("ROMFLASH_FWUPD_REDFISH");
        Assert.True(File.Exists(script), "ROMFLASH_FWUPD_REDFISH names the service; eng/fwupd-redfish.sh fetches it");
        _folder = System.IO.Directory.CreateTempSubdirectory("romflash-fwupd-").FullName;
        var (certificate, key) = (Path.Combine(_folder, "certificate.pem"), Path.Combine(_folder, "key.pem"));
        using (var pair = ECDsa.Create(ECCurve.NamedCurves.nistP256))
        {
            var request = new CertificateRequest("CN=localhost", pair, HashAlgorithmName.SHA256);
            using var made = request.CreateSelfSigned(new(2000, 1, 1, 0, 0, 0, TimeSpan.Zero), new(2049, 12, 31, 0, 0, 0, TimeSpan.Zero));
            _fingerprint = Convert.ToHexStringLower(SHA256.HashData(made.RawData));
            await File.WriteAllTextAsync(certificate, made.ExportCertificatePem());
            await File.WriteAllTextAsync(key, pair.ExportPkcs8PrivateKeyPem());
        }

        // A port that is free now; nobody else is given it so soon.
        using (var probe = new TcpListener(IPAddress.Loopback, 0))
        {
            probe.Start();
            _port = ((IPEndPoint)probe.LocalEndpoint).Port;
        }

        // The system's Python: it is the one that the package installs into.
        var start = new ProcessStartInfo("/usr/bin/python3", ["-m", "flask", "run", "-h", "127.0.0.1", "-p", _port.ToString(System.Globalization.CultureInfo.InvariantCulture), "--cert", certificate, "--key", key])
        {
            RedirectStandardError = true,
            RedirectStandardOutput = true,
            WorkingDirectory = _folder,
        };
        start.Environment["FLASK_APP"] = script;
        start.Environment["PYTHONDONTWRITEBYTECODE"] = "1";
        start.Environment["PYTHONUNBUFFERED"] = "1";
        _process = Process.Start(start)!;
        _process.OutputDataReceived += (_, line) => Note(line.Data);
        _process.ErrorDataReceived += (_, line) => Note(line.Data);
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
        await _listening.Task.WaitAsync(TimeSpan.FromMinutes(1));
    }

    public async Task DisposeAsync()
    {
        if (_process is { } process)
        {
            process.Kill();
            await process.WaitForExitAsync();
            process.Dispose();
        }

        if (_folder.Length > 0)
        {
            System.IO.Directory.Delete(_folder, recursive: true);
        }
    }

    public async Task<ITargetSession> ConnectAsync(string user)
    {
        var start = new StartingPoint(_requests.Count);
        var session = FaceRig.Value(await TryConnectAsync(user, Password));
        _starts.Add(session, start);
        return session;
    }

    /// <summary>A transport of its own for each: the service forgets with every connection, and so has the client to.</summary>
    public async Task<TransportResult<ITargetSession>> TryConnectAsync(string user, string password)
    {
        using var credentials = FaceRig.Credentials(user, password);
        var endpoint = TargetEndpoint.TryCreate($"redfish://127.0.0.1:{_port}/?sha256={_fingerprint}").GetValueOrThrow();
        return await new RedfishTransport().ConnectAsync(new(endpoint, credentials, new HastyTime()), CancellationToken.None);
    }

    /// <summary>The requests since a session was opened, as "METHOD PATH".</summary>
    public async Task<ImmutableArray<string>> RequestsOfAsync(ITargetSession session)
    {
        // The service tells of requests in their order: once it tells of this one, it has told of all before it.
        var last = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var path = "/last/" + Guid.NewGuid().ToString("N");
        _awaited["GET " + path] = last;
        using var handler = new HttpClientHandler { ServerCertificateCustomValidationCallback = (_, found, _, _) => found is not null && Convert.ToHexStringLower(SHA256.HashData(found.RawData)) == _fingerprint };
        using var client = new HttpClient(handler);
        using var answer = await client.GetAsync(new Uri($"https://127.0.0.1:{_port}{path}"));
        await last.Task.WaitAsync(TimeSpan.FromMinutes(1));
        return [.. _requests.Skip(_starts.TryGetValue(session, out var start) ? start.Count : 0)];
    }

    private void Note(string? line)
    {
        if (line is null)
        {
            _listening.TrySetException(new InvalidOperationException("the service did not start: " + string.Join('\n', _output)));
            return;
        }

        _output.Enqueue(line);
        if (line.Contains("Running on", StringComparison.Ordinal))
        {
            _listening.TrySetResult();
        }

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
