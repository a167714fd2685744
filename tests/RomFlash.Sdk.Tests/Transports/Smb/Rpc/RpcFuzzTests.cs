using System.Text;
using RomFlash.Sdk.Tests.Images.Compression;
using RomFlash.Sdk.Transports;
using RomFlash.Sdk.Transports.Smb.Rpc;
using Xunit.Abstractions;

namespace RomFlash.Sdk.Tests.Transports.Smb.Rpc;

/// <summary>Whole conversations with a peer whose answers are damaged: each ends with values or faults, soon, and with everything closed.</summary>
public sealed class RpcFuzzTests(ITestOutputHelper output)
{
    private const int MostOperations = 2000;

    [Fact]
    public async Task Conversations_WithDamagedAnswers_EndWithValuesOrFaults()
    {
        var count = Mutants.Count(20_000);
        var ends = new SortedDictionary<string, int>(StringComparer.Ordinal);
        for (var i = 0; i < count; i++)
        {
            var seed = Mutants.Seed + i;
            try
            {
                foreach (var end in await TalkAsync(new Random(seed)))
                {
                    ends[end] = ends.GetValueOrDefault(end) + 1;
                }
            }
            catch (Exception e)
            {
                Assert.Fail($"seed {seed}: {e}");
            }
        }

        output.WriteLine($"[romflash] rpc: {count} conversations from seed {Mutants.Seed}, {string.Join(", ", ends.Select(end => $"{end.Key} {end.Value}"))}");
        Assert.True(ends["Value"] > count && ends["ProtocolViolation"] > count / 10);
    }

    private static async Task<List<string>> TalkAsync(Random random)
    {
        var registry = new FakeRegistry { MeetsDamagedHandles = true, AnswerPart = random.Next(3) == 0 ? random.Next(1, 200) : 4256 };
        registry.AddText("A", "T", "text").Add("A", "N", 4, [1, 2, 3, 4]).Add("A", "M", 7, Encoding.Unicode.GetBytes("one\0two\0\0")).Add("A", "B", 3, new byte[random.Next(6000)])
            .Add(@"A\K1", "V", 3, [1]).Add(@"A\K2", "V", 3, [1]);
        var services = new FakeServiceControl { MeetsDamagedHandles = true };
        var shutdown = new FakeRpcServer(new Guid("894de0c0-0d55-11d3-a322-00c04fa321a1"), 1, 0) { Operations = { [2] = _ => new WireBuilder().U32(0) } };
        var smb = new FakeSmb().Serve("winreg", () => registry).Serve("svcctl", () => services).Serve("InitShutdown", () => shutdown);
        var damageOneIn = random.Next(2, 40);
        var operations = 0;
        smb.Prepare = pipe =>
        {
            pipe.ReadSize = random.Next(2) == 0 ? null : () => random.Next(1, 300);
            pipe.Wire = answer => random.Next(damageOneIn) == 0 ? Damage(random, answer) : [answer];
            pipe.Endless = random.Next(20) != 0 ? null : () => FakeRpcServer.Pdu(2, 0, (uint)random.Next(5), new byte[random.Next(4000)]);
            pipe.Fail = _ => ++operations > MostOperations ? throw new InvalidOperationException("this never ends") : null;
        };
        var ends = new List<string>();

        var opened = await RegistryClient.OpenAsync(smb, default);
        if (Ended(opened) && opened.TryGetValue(out var client, out _))
        {
            var key = await client.OpenKeyAsync("A", RegistryAccess.Read, default);
            if (Ended(key) && key.TryGetValue(out var open, out _))
            {
                foreach (var name in new[] { "T", "N", "M", "B", "none" })
                {
                    var read = await open.ReadAsync(name, default);
                    if (Ended(read) && read.TryGetValue(out var value, out _))
                    {
                        Assert.True(value.Data.Length <= RegistryKey.MaxValue);
                        _ = (value.TryGetText(out _), value.TryGetTexts(out _), value.TryGetNumber(out _));
                    }
                }

                Ended(await open.ListKeysAsync(100, default));
                Ended(await open.ListValuesAsync(100, default));
                Ended(await open.DescribeAsync(default));
                await open.DisposeAsync();
            }

            Ended(await client.ReadValueAsync(@"A\K1", "V", default));
            await client.DisposeAsync();
        }

        Ended(await new ServiceControlClient(smb).QueryServiceAsync("RemoteRegistry", default));
        var asked = await new ShutdownClient(smb).InitiateAsync(TimeSpan.FromSeconds(5), "m", true, true, 0, default);
        Ended(asked, isChange: true);
        if (asked.TryGetValue(out _, out var fault) || fault.Effect == FaultEffect.Applied)
        {
            Assert.Single(shutdown.Calls);
        }
        else if (fault.Effect == FaultEffect.NotSent)
        {
            // What the peer did is never said not to have been done, but where the peer says so itself.
            Assert.True(shutdown.Calls.Count == 0 || fault.PeerCode is not null, fault.ToString());
        }

        Assert.All(smb.Pipes, pipe => Assert.True(pipe.Disposed > 0));
        return ends;

        bool Ended<T>(TransportResult<T> result, bool isChange = false)
            where T : notnull
        {
            if (result.TryGetValue(out _, out var fault))
            {
                ends.Add("Value");
                return true;
            }

            Assert.NotEqual(TransportFaultKind.TransportBroken, fault.Kind);
            Assert.True(isChange || fault.Effect == FaultEffect.NotSent);
            ends.Add(fault.Kind.ToString());
            return false;
        }
    }

    private static IEnumerable<byte[]> Damage(Random random, byte[] answer) => random.Next(8) switch
    {
        0 => [],
        1 => [answer, answer],
        2 => [answer[..random.Next(1, answer.Length)]],
        3 => [[.. answer, .. new byte[random.Next(1, 20)]]],
        4 => [Mutants.Create(random.Next(), answer, 24)],
        5 => [Mutants.Create(random.Next(), answer, 24)],
        6 => [FakeRpcServer.Fault((uint)random.Next(6), (uint)random.Next())],
        _ => [Mutants.Create(random.Next(), answer, 0)],
    };
}
