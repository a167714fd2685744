using RomFlash.Sdk.Targets;
using RomFlash.Sdk.Testing;
using RomFlash.Sdk.Testing.Conformance;
using RomFlash.Sdk.Transports.Directory;

namespace RomFlash.Sdk.Tests.Transports.Directory;

public sealed class DirectoryConformanceTests
{
    private const string HostileSerial = "S/N\u001b[31m\r\n<b>&[x]\u202e";

    private const string Facts = """
        {
          "identity": { "smbiosUuid": "00112233-4455-6677-8899-aabbccddeeff", "serialNumber": "S/N\u001b[31m\r\n<b>&[x]\u202e" },
          "boot": "boot-1",
          "roms": [ { "id": "system", "kind": "system-rom", "versions": { "smbios": "1.0" } } ],
          "arming": ["capsule-file-only"]
        }
        """;

    [Fact]
    public async Task RunAsync_DirectoryTransport_IsConformant()
    {
        var report = await TransportConformance.RunAsync(
            _ =>
            {
                var esp = new EspFixture(Facts);
                return new(new ConformanceSubject
                {
                    Transport = new DirectoryTransport(),
                    Endpoint = Endpoint(esp.Root),
                    UnknownEndpoint = Endpoint(esp.Root + "-nobody"),
                    TimeProvider = new SimulatedClock(),
                    Image = Enumerable.Range(0, 9000).Select(i => (byte)(i * 7)).ToArray(),
                    HostileText = HostileSerial,
                    CleanUp = () =>
                    {
                        esp.Dispose();
                        return ValueTask.CompletedTask;
                    },
                });
            },
            CancellationToken.None);

        Assert.True(report.IsConformant, report.ToString());

        // What a folder cannot show, and nothing else: it has no digests, no power, no credentials, and no connection to cut.
        Assert.Equal(
            [
                "connect-wrong-credentials", "deposit-digest", "deposit-arms", "disarm-unsupported",
                "power-delay", "power-abort-of-nothing", "power-abort", "cancelled-while-hanging", "cut-connection", "cut-answer",
            ],
            report.Checks.Where(c => c.Result == ConformanceResult.NotApplicable).Select(c => c.Rule));
    }

    private static TargetEndpoint Endpoint(string folder) => TargetEndpoint.TryCreate("dir:" + folder).GetValueOrThrow();
}
