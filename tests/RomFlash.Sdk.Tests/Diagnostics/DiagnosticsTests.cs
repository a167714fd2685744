using System.Collections.Concurrent;
using System.Diagnostics;
using System.Diagnostics.Metrics;
using Microsoft.Extensions.Logging;
using RomFlash.Sdk.Diagnostics;
using RomFlash.Sdk.Journal;
using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Targets;
using RomFlash.Sdk.Testing.Simulation;
using RomFlash.Sdk.Tests.Pipeline;

namespace RomFlash.Sdk.Tests.Diagnostics;

/// <summary>What the outside sees of a run: logs, traces, measurements; and what it must never see.</summary>
public sealed class DiagnosticsTests
{
    private const string Canary = "c4n4ry-s3cret-7f1b";

    [Fact]
    public void FlashAsync_Success_LogsTheStableEvents()
    {
        var logs = new Lines();
        var bench = new Bench { Logs = logs };

        Bench.IsUpgraded(bench.Flash());

        Assert.Contains(1000, logs.Ids);
        Assert.Contains(3000, logs.Ids);
        Assert.Contains(1001, logs.Ids);
        Assert.DoesNotContain(logs.Ids, id => id is 1002 or 1003);
    }

    [Fact]
    public void FlashAsync_Blocked_LogsEachBlockerAndTheFailure()
    {
        var logs = new Lines();
        var bench = new Bench(change: o => o with { Readiness = o.Readiness with { ExternalPower = false, Healthy = false } }) { Logs = logs };

        bench.Flash();

        Assert.Equal(2, logs.Ids.Count(id => id == 1003));
        Assert.Contains(1002, logs.Ids);
    }

    [Fact]
    public void FlashAsync_HostileTextFromTheTarget_NeverBreaksALogLine()
    {
        const string Hostile = "[/]\u001b]0;x\a<script>\r\nFAKE LINE";
        var logs = new Lines();
        var bench = new Bench { Logs = logs };
        bench.Target.PlantForeignCapsule(Hostile, Bench.OldSystem.Content);
        bench.Target.PlantClaim(Hostile);
        bench.Target.Inject(SimulatedOperation.ReadFacts, SimulatedFault.DisconnectUnsent with { Detail = Hostile }, 0, int.MaxValue);
        bench.Flash();
        bench.Target.ClearFaults();

        var failure = Bench.FailureOf(bench.Flash().Result);

        Assert.True(failure is TargetClaimed or ForeignCapsulePending);
        Assert.NotEmpty(logs.Texts);
        Assert.All(logs.Texts.Append(failure.ToString()).Append(failure.Message), t => Assert.DoesNotContain(t, c => char.IsControl(c)));
    }

    [Fact]
    public async Task FlashAsync_PasswordThatIsRejected_IsInNoOutputOfAnyKind()
    {
        var path = Path.Combine(Directory.CreateTempSubdirectory().FullName, "journal");
        var logs = new Lines();
        var tags = new ConcurrentBag<string>();
        using var listener = new ActivityListener
        {
            ShouldListenTo = s => s.Name == RomFlashTelemetry.ActivitySourceName,
            Sample = (ref _) => ActivitySamplingResult.AllData,
            ActivityStopped = a => tags.Add(string.Join(' ', a.TagObjects.Select(t => $"{t.Key}={t.Value}"))),
        };
        ActivitySource.AddActivityListener(listener);
        var outputs = new List<string>();
        foreach (var account in new[] { new SimulatedAccount("admin", Canary), new SimulatedAccount("admin", "another") })
        {
            var bench = new Bench(change: o => o with { Accounts = [account] })
            {
                Logs = logs,
                Credentials = CredentialSources.From((_, _, _) => new(TargetCredentials.Password("admin", new Secret(Canary)))),
            };
            var report = bench.Flash();
            outputs.Add($"{report} {report.Result} {report.Probe?.Facts} {string.Join(' ', bench.Disk.Records)}");
            outputs.Add(report.Result.Match(o => o.ToString(), f => f + " " + new FlashException(f)));
            await using var journal = (await FileFlashJournal.OpenAsync(path, new FileFlashJournalOptions { TimeProvider = bench.Clock }, CancellationToken.None)).GetValueOrThrow();
            foreach (var record in bench.Disk.Records)
            {
                (await journal.AppendAsync(record, CancellationToken.None)).GetValueOrThrow();
            }
        }

        outputs.Add(System.Text.Encoding.Latin1.GetString(await File.ReadAllBytesAsync(path)));
        outputs.AddRange(logs.Texts);
        outputs.AddRange(tags);

        // The run with the right password went all the way, so that every output had its chance.
        Assert.Contains(1001, logs.Ids);
        Assert.Contains(1002, logs.Ids);
        Assert.NotEmpty(tags);
        Assert.All(outputs, o => Assert.DoesNotContain(Canary, o, StringComparison.Ordinal));
    }

    [Fact]
    public void FlashAsync_EveryEnd_IsCountedWithOutcomeAndCode()
    {
        var counted = new ConcurrentBag<string>();
        using var listener = new MeterListener
        {
            InstrumentPublished = (instrument, l) =>
            {
                if (instrument.Meter.Name == RomFlashTelemetry.MeterName && instrument.Name == "romflash.upgrades")
                {
                    l.EnableMeasurementEvents(instrument);
                }
            },
        };
        listener.SetMeasurementEventCallback<long>((_, value, tags, _) =>
        {
            var text = string.Empty;
            foreach (var tag in tags)
            {
                text += $"{tag.Key}={tag.Value};";
            }

            counted.Add($"{value}:{text}");
        });
        listener.Start();

        new Bench().Flash();
        var blocked = new Bench();
        blocked.Target.PlantClaim("client-b");
        blocked.Flash();

        Assert.Contains("1:outcome=Upgraded;code=none;", counted);
        Assert.Contains("1:outcome=NotFlashed;code=RF6008;", counted);
    }

    private sealed class Lines : ILoggerFactory, ILogger
    {
        public ConcurrentQueue<string> Texts { get; } = [];

        public ConcurrentQueue<int> Ids { get; } = [];

        public void AddProvider(ILoggerProvider provider)
        {
        }

        public ILogger CreateLogger(string categoryName) => this;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            Ids.Enqueue(eventId.Id);
            Texts.Enqueue(formatter(state, exception) + exception);
        }

        public void Dispose()
        {
        }
    }
}
