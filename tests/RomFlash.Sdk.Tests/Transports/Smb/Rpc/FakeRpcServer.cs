using System.Buffers.Binary;

namespace RomFlash.Sdk.Tests.Transports.Smb.Rpc;

/// <summary>What an operation answers: a stub, or the status of a fault.</summary>
internal sealed record FakeAnswer(byte[] Stub, uint Fault = 0, byte FaultFlags = 0)
{
    public static implicit operator FakeAnswer(WireBuilder stub) => new(stub.ToArray());

    public static FakeAnswer Status(uint status, byte flags = 0) => new([], status, flags);
}

/// <summary>A server of one interface. Holds the client to the protocol, and answers after it; lies are told on the wire (<see cref="FakePipe.Wire"/>) or by an operation.</summary>
internal class FakeRpcServer(Guid served, int major, int minor)
{
    public static readonly Guid Ndr = new("8a885d04-1ceb-11c9-9fe8-08002b104860");

    private readonly List<byte> _stub = [];
    private readonly HashSet<uint> _open = [];
    private uint _callId;
    private bool _isInRequest;
    private bool _isBound;

    /// <summary>How much of a stub goes into one fragment of an answer.</summary>
    public int AnswerPart { get; set; } = 4280 - 24;

    /// <summary>The longest fragment that the server says it receives.</summary>
    public int Receives { get; set; } = 4280;

    /// <summary>What a bind is answered with, in place of what is right.</summary>
    public Func<uint, byte[]>? BindAnswer { get; set; }

    public List<(ushort Operation, byte[] Stub)> Calls { get; } = [];

    public List<byte[]> Fragments { get; } = [];

    public Dictionary<ushort, Func<byte[], FakeAnswer>> Operations { get; } = [];

    /// <summary>Whether handles are damaged on their way, so that one that is not open is the client's fault no more.</summary>
    public bool MeetsDamagedHandles { get; set; }

    /// <summary>How many handles are open.</summary>
    public int OpenHandles => _open.Count;

    /// <summary>How many were still open when the pipe was closed.</summary>
    public int? LeftOpen { get; private set; }

    public uint Opened { get; private set; }

    public IEnumerable<byte[]> Take(byte[] pdu)
    {
        Fragments.Add(pdu);
        Assert.True(pdu.Length >= 16 && BinaryPrimitives.ReadUInt16LittleEndian(pdu.AsSpan(8)) == pdu.Length, "a fragment is one message");
        Assert.Equal([5, 0], pdu[..2]);
        Assert.Equal([0x10, 0, 0, 0], pdu[4..8]);
        Assert.Equal([0, 0], pdu[10..12]);
        var (flags, callId) = (pdu[3], BinaryPrimitives.ReadUInt32LittleEndian(pdu.AsSpan(12)));
        switch (pdu[2])
        {
            case 11:
                Assert.False(_isBound);
                Assert.Equal(3, flags);
                CheckBind(pdu);
                _isBound = true;
                return [BindAnswer?.Invoke(callId) ?? BindAck(callId)];
            case 0:
                Assert.True(_isBound);
                Assert.True(pdu.Length <= Receives, "a fragment is longer than the server receives");
                return Request(pdu, flags, callId);
            default:
                throw new InvalidOperationException("no client sends this");
        }
    }

    public byte[] BindAck(uint callId, ushort result = 0, ushort reason = 0, Guid? syntax = null, string address = "\\PIPE\\winreg") => Pdu(12, 3, callId, new WireBuilder()
        .U16(4280).U16(Receives).U32(0x53f0).U16(address.Length + 1).Raw(System.Text.Encoding.ASCII.GetBytes(address + "\0")).Align(4)
        .U8(1).Raw(0, 0, 0).U16(result).U16(reason).Id(syntax ?? Ndr).U32(2).ToArray());

    public static byte[] BindNak(uint callId, ushort reason) => Pdu(13, 3, callId, new WireBuilder().U16(reason).Raw(1, 5, 0).ToArray());

    public static byte[] Fault(uint callId, uint status, byte flags = 0) => Pdu(3, (byte)(3 | flags), callId, new WireBuilder().U32(32).U16(0).Raw(0, 0).U32(status).U32(0).ToArray());

    public static byte[] Pdu(byte type, byte flags, uint callId, ReadOnlySpan<byte> body) =>
        new WireBuilder().Raw(5, 0, type, flags, 0x10, 0, 0, 0).U16(16 + body.Length).U16(0).U32(callId).Raw(body).ToArray();

    public static IEnumerable<byte[]> Response(uint callId, byte[] stub, int part)
    {
        for (var offset = 0; offset == 0 || offset < stub.Length; offset += part)
        {
            var length = Math.Min(part, stub.Length - offset);
            var flags = (offset == 0 ? 1 : 0) | (offset + length == stub.Length ? 2 : 0);
            yield return Pdu(2, (byte)flags, callId, new WireBuilder().U32((uint)(stub.Length - offset)).U16(0).Raw(0, 0).Raw(stub.AsSpan(offset, length)).ToArray());
        }
    }

    /// <summary>Opens a handle.</summary>
    public uint Open()
    {
        _open.Add(++Opened);
        return Opened;
    }

    /// <summary>The number in a handle at the beginning of a stub, which has to be open.</summary>
    public uint HandleOf(byte[] stub)
    {
        var number = BinaryPrimitives.ReadUInt32LittleEndian(stub.AsSpan(4));
        var isOpen = _open.Contains(number) && stub.AsSpan(0, 20).SequenceEqual(new WireBuilder().Handle(number).ToArray());
        return isOpen ? number : MeetsDamagedHandles ? throw new UnknownHandleException() : throw new InvalidOperationException("a handle that is not open");
    }

    public void Close(uint number) => Assert.True(_open.Remove(number));

    /// <summary>The pipe is closed, and with it what is open.</summary>
    public void RunDown()
    {
        LeftOpen = _open.Count;
        _open.Clear();
    }

    private IEnumerable<byte[]> Request(byte[] pdu, byte flags, uint callId)
    {
        var isFirst = (flags & 1) != 0;
        Assert.Equal(!_isInRequest, isFirst);
        Assert.True(isFirst ? callId > _callId : callId == _callId, "each call has a number of its own");
        Assert.Equal(0, BinaryPrimitives.ReadUInt16LittleEndian(pdu.AsSpan(20)));
        if (isFirst)
        {
            _stub.Clear();
        }

        (_callId, _isInRequest) = (callId, (flags & 2) == 0);
        _stub.AddRange(pdu[24..]);
        if (_isInRequest)
        {
            Assert.Equal(0, (pdu.Length - 24) % 8);
            return [];
        }

        var (operation, stub) = (BinaryPrimitives.ReadUInt16LittleEndian(pdu.AsSpan(22)), _stub.ToArray());
        Calls.Add((operation, stub));
        FakeAnswer answer;
        try
        {
            answer = Operations.TryGetValue(operation, out var handler) ? handler(stub) : FakeAnswer.Status(0x1C010002, 0x20);
        }
        catch (UnknownHandleException)
        {
            answer = FakeAnswer.Status(0x1C00001A);
        }

        return answer.Fault != 0 ? [Fault(callId, answer.Fault, answer.FaultFlags)] : Response(callId, answer.Stub, AnswerPart);
    }

    private sealed class UnknownHandleException : Exception;

    private void CheckBind(byte[] pdu)
    {
        var expected = new WireBuilder().U16(4280).U16(4280).U32(0).Raw(1, 0, 0, 0).U16(0).Raw(1, 0).Id(served).U16(major).U16(minor).Id(Ndr).U32(2).ToArray();
        Assert.Equal(expected, pdu[16..]);
    }
}
