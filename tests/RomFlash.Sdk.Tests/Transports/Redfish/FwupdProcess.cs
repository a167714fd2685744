using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace RomFlash.Sdk.Tests.Transports.Redfish;

/// <summary>fwupd's Redfish service for its own tests, as a process on the loopback address under a certificate of this test's.</summary>
public sealed class FwupdProcess : IAsyncDisposable
{
    public const string Password = "password2";

    private readonly string _folder = System.IO.Directory.CreateTempSubdirectory("romflash-fwupd-").FullName;
    private readonly ConcurrentQueue<string> _output = new();
    private readonly TaskCompletionSource _listening = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Action<string>? _onLine;
    private Process? _process;

    private FwupdProcess(Action<string>? onLine) => _onLine = onLine;

    public int Port { get; private set; }

    public string Fingerprint { get; private set; } = string.Empty;

    public string Address => $"redfish://127.0.0.1:{Port}/?sha256={Fingerprint}";

    /// <summary>Starts it.</summary>
    /// <param name="onLine">Called with each line that it writes, or null.</param>
    public static async Task<FwupdProcess> StartAsync(Action<string>? onLine = null)
    {
        var service = new FwupdProcess(onLine);
        try
        {
            await service.StartAsync();
            return service;
        }
        catch
        {
            await service.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_process is { } process)
        {
            process.Kill();
            await process.WaitForExitAsync();
            process.Dispose();
        }

        System.IO.Directory.Delete(_folder, recursive: true);
    }

    private async Task StartAsync()
    {
        // Where its text lies is told by test.sh.
        var script = Environment.GetEnvironmentVariable("ROMFLASH_FWUPD_REDFISH");
        Assert.True(File.Exists(script), "ROMFLASH_FWUPD_REDFISH names the service; eng/fwupd-redfish.sh fetches it");
        var (certificate, key) = (Path.Combine(_folder, "certificate.pem"), Path.Combine(_folder, "key.pem"));
        using (var pair = ECDsa.Create(ECCurve.NamedCurves.nistP256))
        {
            var request = new CertificateRequest("CN=localhost", pair, HashAlgorithmName.SHA256);
            using var made = request.CreateSelfSigned(new(2000, 1, 1, 0, 0, 0, TimeSpan.Zero), new(2049, 12, 31, 0, 0, 0, TimeSpan.Zero));
            Fingerprint = Convert.ToHexStringLower(SHA256.HashData(made.RawData));
            await File.WriteAllTextAsync(certificate, made.ExportCertificatePem());
            await File.WriteAllTextAsync(key, pair.ExportPkcs8PrivateKeyPem());
        }

        // A port that is free now; nobody else is given it so soon.
        using (var probe = new TcpListener(IPAddress.Loopback, 0))
        {
            probe.Start();
            Port = ((IPEndPoint)probe.LocalEndpoint).Port;
        }

        // The system's Python: it is the one that the package installs into.
        var start = new ProcessStartInfo("/usr/bin/python3", ["-m", "flask", "run", "-h", "127.0.0.1", "-p", Port.ToString(CultureInfo.InvariantCulture), "--cert", certificate, "--key", key])
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

        _onLine?.Invoke(line);
    }
}
