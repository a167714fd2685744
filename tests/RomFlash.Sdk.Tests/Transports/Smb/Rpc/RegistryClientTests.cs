using System.Buffers.Binary;
using System.Text;
using RomFlash.Sdk.Transports;
using RomFlash.Sdk.Transports.Smb.Rpc;
using static RomFlash.Sdk.Tests.Transports.Smb.Rpc.RpcConnectionTests;

namespace RomFlash.Sdk.Tests.Transports.Smb.Rpc;

public sealed class RegistryClientTests
{
    private const string Bios = @"HARDWARE\DESCRIPTION\System\BIOS";

    [Fact]
    public async Task OpenAsync_NoPipe_TheServiceDoesNotRun()
    {
        var fault = Fault(await RegistryClient.OpenAsync(new FakeSmb(), default));

        Assert.Equal((TransportFaultKind.ServiceNotRunning, FaultEffect.NotSent, "RemoteRegistry"), (fault.Kind, fault.Effect, fault.Detail));
    }

    [Fact]
    public async Task OpenAsync_Refused_ClosesThePipe()
    {
        var (smb, registry) = Serve();
        registry.Operations[2] = _ => new WireBuilder().NoHandle().U32(5);

        Assert.Equal(TransportFaultKind.AccessDenied, Fault(await RegistryClient.OpenAsync(smb, default)).Kind);
        Assert.Equal(1, smb.Pipes[0].Disposed);
    }

    [Fact]
    public async Task ReadValueAsync_EveryType_IsReadAndAllIsClosed()
    {
        var (smb, registry) = Serve();
        registry.AddText(Bios, "BIOSVersion", "U32 v2.60")
            .Add(Bios, string.Empty, 1, Encoding.Unicode.GetBytes("default"))
            .Add(Bios, "Number", 4, [1, 2, 3, 4])
            .Add(Bios, "Big", 5, [1, 2, 3, 4])
            .Add(Bios, "Long", 11, [1, 2, 3, 4, 5, 6, 7, 8])
            .Add(Bios, "Bytes", 3, [1, 2, 3, 4, 5])
            .Add(Bios, "Nothing", 3, [])
            .Add(Bios, "Texts", 7, Encoding.Unicode.GetBytes("one\0two\0\0"));
        var client = Value(await RegistryClient.OpenAsync(smb, default));

        Assert.Equal("U32 v2.60", await TextAsync("BIOSVersion"));
        Assert.Equal("default", await TextAsync(string.Empty));
        Assert.Equal(0x04030201ul, await NumberAsync("Number"));
        Assert.Equal(0x01020304ul, await NumberAsync("Big"));
        Assert.Equal(0x0807060504030201ul, await NumberAsync("Long"));
        Assert.Equal([1, 2, 3, 4, 5], (await ReadAsync("Bytes")).Data.ToArray());
        Assert.Equal(0, (await ReadAsync("Nothing")).Data.Length);
        Assert.True((await ReadAsync("Texts")).TryGetTexts(out var texts));
        Assert.Equal(["one", "two"], texts.ToArray());
        Assert.Equal(1, registry.OpenHandles);
        await client.DisposeAsync();
        await client.DisposeAsync();
        Assert.Equal(0, registry.LeftOpen);

        async Task<RegistryValue> ReadAsync(string name) => Value(await client.ReadValueAsync(Bios, name, default));
        async Task<string> TextAsync(string name) => (await ReadAsync(name)).TryGetText(out var text) ? text : "no text";
        async Task<ulong> NumberAsync(string name) => (await ReadAsync(name)).TryGetNumber(out var number) ? number : ulong.MaxValue;
    }

    [Fact]
    public async Task ReadValueAsync_NotThere_IsNotFoundAndTheKeyIsClosed()
    {
        var (smb, registry) = Serve();
        registry.AddText(Bios, "BIOSVersion", "1");
        registry.Keys["SECURITY"] = [];
        registry.Forbidden.Add("SECURITY");
        await using var client = Value(await RegistryClient.OpenAsync(smb, default));

        var key = Fault(await client.ReadValueAsync(@"HARDWARE\NOTHING", "BIOSVersion", default));
        var value = Fault(await client.ReadValueAsync(Bios, "Other", default));

        Assert.Equal((TransportFaultKind.NotFound, FaultEffect.NotSent, 2ul), (key.Kind, key.Effect, key.PeerCode!.Value.Number));
        Assert.Equal((TransportFaultKind.NotFound, FaultEffect.NotSent, 2ul), (value.Kind, value.Effect, value.PeerCode!.Value.Number));
        Assert.Equal(TransportFaultKind.AccessDenied, Fault(await client.OpenKeyAsync("SECURITY", RegistryAccess.Read, default)).Kind);
        Assert.Equal(1, registry.OpenHandles);
    }

    [Theory]
    [InlineData(4095)]
    [InlineData(4096)]
    [InlineData(4097)]
    [InlineData(60 << 10)]
    [InlineData(64 << 10)]
    public async Task ReadAsync_ValueOfAnyLength_RoomGrows(int length)
    {
        var (smb, registry) = Serve();
        var expected = new byte[length];
        new Random(length).NextBytes(expected);
        registry.Add("A", "V", 3, expected);
        await using var client = Value(await RegistryClient.OpenAsync(smb, default));

        Assert.Equal(expected, Value(await client.ReadValueAsync("A", "V", default)).Data.ToArray());
        Assert.InRange(registry.LastRoom, (uint)length, 64u << 10);
        Assert.InRange(registry.Calls.Count(call => call.Operation == 17), 1, 2);
    }

    [Fact]
    public async Task ReadAsync_ValueThatIsTooLong_IsNotTakenAndSaidToBe()
    {
        var (smb, registry) = Serve();
        registry.Add("A", "V", 3, new byte[(64 << 10) + 1]);
        await using var client = Value(await RegistryClient.OpenAsync(smb, default));

        var fault = Fault(await client.ReadValueAsync("A", "V", default));
        Assert.True(fault.Kind is TransportFaultKind.Unsupported && RegistryKey.IsTooLong(fault), fault.ToString());
        Assert.Single(registry.Calls, call => call.Operation == 17);
    }

    [Theory]
    [InlineData(0u)]
    [InlineData(1u)]
    [InlineData(4097u)]
    public async Task ReadAsync_MoreDataForEver_EndsAtTheBound(uint said)
    {
        var (smb, registry) = Serve();
        registry.Add("A", "V", 3, [1]);
        registry.Operations[17] = _ => new WireBuilder().TooLong(3, said);
        await using var client = Value(await RegistryClient.OpenAsync(smb, default));

        Assert.True(RegistryKey.IsTooLong(Fault(await client.ReadValueAsync("A", "V", default))));
        Assert.InRange(registry.Calls.Count(call => call.Operation == 17), 2, 6);
    }

    public static TheoryData<string, byte[]> BadValues => new()
    {
        { "longer than its room", new WireBuilder().Value(3, new byte[5000], 0).ToArray() },
        { "another length in front", new WireBuilder().U32(1).U32(3).U32(2).U32(4).U32(0).U32(4).Raw(1, 2, 3, 4).U32(3).U32(4).U32(4).U32(5).U32(0).ToArray() },
        { "no length", new WireBuilder().U32(1).U32(3).U32(2).U32(4).U32(0).U32(4).Raw(1, 2, 3, 4).U32(3).U32(4).U32(0).U32(0).ToArray() },
        { "no type", new WireBuilder().U32(0).U32(2).U32(4).U32(0).U32(4).Raw(1, 2, 3, 4).U32(3).U32(4).U32(4).U32(4).U32(0).ToArray() },
        { "four gigabytes", new WireBuilder().U32(1).U32(3).U32(2).U32(0xFFFFFFFF).U32(0).U32(0xFFFFFFFF).Raw(1, 2, 3, 4).U32(3).U32(4).U32(4).U32(4).U32(0).ToArray() },
        { "with an offset", new WireBuilder().U32(1).U32(3).U32(2).U32(4).U32(4).U32(4).Raw(1, 2, 3, 4).U32(3).U32(4).U32(4).U32(4).U32(0).ToArray() },
        { "nothing", [] },
        { "only zeros", new byte[24] },
        { "more behind it", [.. new WireBuilder().Value(3, [1, 2, 3, 4], 0).ToArray(), .. new byte[8]] },
    };

    [Theory]
    [MemberData(nameof(BadValues))]
    public async Task ReadAsync_AnswerThatContradictsItself_IsAViolationAndTheKeyIsClosed(string what, byte[] stub)
    {
        var (smb, registry) = Serve();
        registry.Add("A", "V", 3, [1]);
        registry.Operations[17] = _ => new FakeAnswer(stub);
        await using var client = Value(await RegistryClient.OpenAsync(smb, default));

        var fault = Fault(await client.ReadValueAsync("A", "V", default));

        Assert.Equal((what, TransportFaultKind.ProtocolViolation, FaultEffect.NotSent), (what, fault.Kind, fault.Effect));
        Assert.Equal(1, registry.OpenHandles);
    }

    [Fact]
    public async Task OpenKeyAsync_NamesThatCantBeSent_AreRefusedHere()
    {
        var (smb, registry) = Serve();
        await using var client = Value(await RegistryClient.OpenAsync(smb, default));
        await using var root = Value(await client.OpenKeyAsync(string.Empty, RegistryAccess.Read, default));
        var calls = registry.Calls.Count;

        Assert.Equal(TransportFaultKind.Unsupported, Fault(await client.OpenKeyAsync("A\0B", RegistryAccess.Read, default)).Kind);
        Assert.Equal(TransportFaultKind.Unsupported, Fault(await client.OpenKeyAsync(new string('a', 40_000), RegistryAccess.Read, default)).Kind);
        Assert.Equal(TransportFaultKind.Unsupported, Fault(await root.ReadAsync("A\0B", default)).Kind);
        Assert.Equal(calls, registry.Calls.Count);

        // The longest name needs many fragments.
        Assert.Equal(TransportFaultKind.NotFound, Fault(await client.OpenKeyAsync(new string('a', 32_766), RegistryAccess.Read, default)).Kind);
        Assert.True(registry.Fragments.Count > 15);
    }

    [Fact]
    public async Task OpenKeyAsync_SuccessWithoutAHandle_IsAViolation()
    {
        var (smb, registry) = Serve();
        registry.Operations[15] = _ => new WireBuilder().NoHandle().U32(0);
        await using var client = Value(await RegistryClient.OpenAsync(smb, default));

        Assert.Equal(TransportFaultKind.ProtocolViolation, Fault(await client.OpenKeyAsync("A", RegistryAccess.Read, default)).Kind);
    }

    [Fact]
    public async Task ListKeysAsync_ManyKeys_AreListedInOrder()
    {
        var (smb, registry) = Serve();
        var expected = Enumerable.Range(0, 300).Select(i => $"{{00000000-0000-0000-0000-{i:D12}}}").ToArray();
        foreach (var name in expected)
        {
            registry.Add(@"HARDWARE\UEFI\ESRT\" + name, "Version", 4, [1, 0, 0, 0]);
        }

        await using var client = Value(await RegistryClient.OpenAsync(smb, default));
        await using var key = Value(await client.OpenKeyAsync(@"HARDWARE\UEFI\ESRT", RegistryAccess.Read, default));

        Assert.Equal(expected, Value(await key.ListKeysAsync(300, default)).ToArray());
        Assert.Equal(TransportFaultKind.ProtocolViolation, Fault(await key.ListKeysAsync(299, default)).Kind);
        Assert.Equal(new RegistryKeyInfo(300, 0, 0x0123456789ABCDEF), Value(await key.DescribeAsync(default)));
    }

    [Fact]
    public async Task ListKeysAsync_LongNames_RoomGrows()
    {
        var (smb, registry) = Serve();
        registry.Keys[new string('a', 255)] = [];
        registry.Keys[new string('b', 256)] = [];
        registry.Keys[new string('c', 32_766)] = [];
        await using var client = Value(await RegistryClient.OpenAsync(smb, default));
        await using var key = Value(await client.OpenKeyAsync(string.Empty, RegistryAccess.Read, default));

        Assert.Equal([255, 256, 32_766], Value(await key.ListKeysAsync(10, default)).Select(name => name.Length));
    }

    [Fact]
    public async Task ListKeysAsync_PeerThatNeverEnds_StopsAtEveryBound()
    {
        var (smb, registry) = Serve();
        await using var client = Value(await RegistryClient.OpenAsync(smb, default));
        await using var key = Value(await client.OpenKeyAsync(string.Empty, RegistryAccess.Read, default));

        registry.Operations[9] = _ => new WireBuilder().Text("again").U32(0).U32(0).U32(0);
        Assert.Equal(TransportFaultKind.ProtocolViolation, Fault(await key.ListKeysAsync(4096, default)).Kind);
        Assert.Equal(4097, registry.Calls.Count(call => call.Operation == 9));

        registry.Calls.Clear();
        registry.Operations[9] = _ => new WireBuilder().Text(new string('a', 30_000)).U32(0).U32(0).U32(0);
        Assert.Equal(TransportFaultKind.ProtocolViolation, Fault(await key.ListKeysAsync(4096, default)).Kind);
        Assert.InRange(registry.Calls.Count, 1, 20);

        registry.Calls.Clear();
        registry.Operations[9] = _ => new WireBuilder().U16(0).U16(0).U32(0).U32(0).U32(0).U32(234);
        Assert.Equal(TransportFaultKind.ProtocolViolation, Fault(await key.ListKeysAsync(4096, default)).Kind);
        Assert.InRange(registry.Calls.Count, 1, 20);

        registry.Operations[9] = _ => new WireBuilder().Text(string.Empty).U32(0).U32(0).U32(0);
        Assert.Equal(TransportFaultKind.ProtocolViolation, Fault(await key.ListKeysAsync(4096, default)).Kind);
    }

    [Fact]
    public async Task ListValuesAsync_ValuesOfAllLengths_AreListedAndBounded()
    {
        var (smb, registry) = Serve();
        registry.AddText("A", "name", "text").Add("A", string.Empty, 4, [1, 2, 3, 4]).Add("A", "long", 3, new byte[60 << 10]).Add("A", new string('n', 300), 3, [1]);
        await using var client = Value(await RegistryClient.OpenAsync(smb, default));
        await using var key = Value(await client.OpenKeyAsync("A", RegistryAccess.Read, default));

        var values = Value(await key.ListValuesAsync(4, default));

        Assert.Equal(["", "long", "name", new string('n', 300)], values.Select(value => value.Name));
        Assert.Equal([4, 60 << 10, 10, 1], values.Select(value => value.Value.Data.Length));
        Assert.Equal(TransportFaultKind.ProtocolViolation, Fault(await key.ListValuesAsync(3, default)).Kind);

        registry.Calls.Clear();
        registry.Operations[10] = _ => new WireBuilder().Text("again").Align(4).Value(3, new byte[60 << 10], 0);
        Assert.Equal(TransportFaultKind.ProtocolViolation, Fault(await key.ListValuesAsync(4096, default)).Kind);
        Assert.InRange(registry.Calls.Count, 1, 20);

        registry.Calls.Clear();
        registry.Operations[10] = _ => new WireBuilder().Text("again").Align(4).TooLong(3, 1);
        Assert.Equal(TransportFaultKind.ProtocolViolation, Fault(await key.ListValuesAsync(4096, default)).Kind);
        Assert.InRange(registry.Calls.Count, 1, 20);
    }

    [Fact]
    public async Task ReadValueAsync_CancelledAtAnyCall_ClosesWhatCanBeClosedAndTheRestWithThePipe()
    {
        for (var at = 1; at < 6; at++)
        {
            using var source = new CancellationTokenSource();
            var (smb, registry) = Serve();
            registry.AddText(Bios, "BIOSVersion", "1");
            var operations = 0;
            smb.Prepare = pipe => pipe.FailAfter = _ =>
            {
                if (++operations == at)
                {
                    source.Cancel();
                }

                return null;
            };
            var opened = await RegistryClient.OpenAsync(smb, source.Token);
            if (opened.TryGetValue(out var client, out var fault))
            {
                var read = await client.ReadValueAsync(Bios, "BIOSVersion", source.Token);
                await client.DisposeAsync();
                Assert.True(read.TryGetValue(out _, out fault) || fault.Kind == TransportFaultKind.Cancelled, $"{at}: {fault}");
                Assert.Equal(0, registry.LeftOpen);
            }
            else
            {
                Assert.Equal((TransportFaultKind.Cancelled, FaultEffect.NotSent), (fault.Kind, fault.Effect));
            }

            Assert.True(smb.Pipes[0].Disposed > 0);
        }
    }

    [Fact]
    public async Task ReadValueAsync_CancelledWhileTheKeyIsClosed_DoesNotWait()
    {
        using var source = new CancellationTokenSource();
        var (smb, registry) = Serve();
        registry.AddText(Bios, "BIOSVersion", "1");
        await using var client = Value(await RegistryClient.OpenAsync(smb, default));
        registry.Operations[5] = _ =>
        {
            source.Cancel();
            return new FakeAnswer(new byte[300]);
        };
        registry.AnswerPart = 100;

        var read = Value(await client.ReadValueAsync(Bios, "BIOSVersion", source.Token));

        // The rest of that answer was never read, so that the pipe is of no use.
        Assert.True(read.TryGetText(out _));
        Assert.Equal(TransportFaultKind.Lost, Fault(await client.ReadValueAsync(Bios, "BIOSVersion", default)).Kind);
    }

    [Fact]
    public async Task ReadValueAsync_PipeBrokenAtAnyOperation_IsAFaultAndThePipeIsClosed()
    {
        for (var at = 1; at < 8; at++)
        {
            var (smb, registry) = Serve();
            registry.AddText(Bios, "BIOSVersion", "1");
            smb.Prepare = pipe => pipe.Fail = number => number >= at ? new TransportFault(TransportFaultKind.Lost, FaultEffect.MayHaveApplied) : null;
            var opened = await RegistryClient.OpenAsync(smb, default);
            if (opened.TryGetValue(out var client, out var fault))
            {
                var read = await client.ReadValueAsync(Bios, "BIOSVersion", default);
                await client.DisposeAsync();
                Assert.Equal(at > 4, read.TryGetValue(out _, out fault));
            }

            Assert.True(fault is null || (fault.Kind, fault.Effect) == (TransportFaultKind.Lost, FaultEffect.NotSent));
            Assert.True(smb.Pipes[0].Disposed > 0);
        }
    }

    [Fact]
    public async Task ReadValueAsync_ManyAtOnce_WaitForEachOther()
    {
        var (smb, registry) = Serve();
        for (var i = 0; i < 20; i++)
        {
            registry.AddText("A" + i, "V", "text " + i);
        }

        await using var client = Value(await RegistryClient.OpenAsync(smb, default));
        var read = await Task.WhenAll(Enumerable.Range(0, 20).Select(i => Task.Run(async () => Value(await client.ReadValueAsync("A" + i, "V", default)).TryGetText(out var text) ? text : string.Empty)));

        Assert.Equal(Enumerable.Range(0, 20).Select(i => "text " + i), read);
        Assert.Equal(1, registry.OpenHandles);
    }

    [Fact]
    public async Task DisposeAsync_OfAKeyTwice_ClosesItOnce()
    {
        var (smb, registry) = Serve();
        await using var client = Value(await RegistryClient.OpenAsync(smb, default));
        var key = Value(await client.OpenKeyAsync(string.Empty, RegistryAccess.Read, default));

        await key.DisposeAsync();
        await key.DisposeAsync();

        Assert.Single(registry.Calls, call => call.Operation == 5);
        await client.DisposeAsync();
        await key.DisposeAsync();
        Assert.Equal(0, registry.LeftOpen);
    }

    private static (FakeSmb Smb, FakeRegistry Registry) Serve()
    {
        var registry = new FakeRegistry();
        return (new FakeSmb().Serve("winreg", () => registry), registry);
    }
}
