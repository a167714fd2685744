using System.Buffers;
using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using RomFlash.Sdk.Transports.Smb.Protocol.Security;
using RomFlash.Sdk.Transports.Smb.Protocol.Wire;

namespace RomFlash.Sdk.Transports.Smb.Protocol.Flow;

/// <summary>
/// A request on its way, or a compound of requests (MS-SMB2, 3.2.4.1.4): one buffer with room before the messages for what protects and frames them, so that nothing is copied once it is written.
/// </summary>
internal sealed class SmbFrame
{
    public const int MaxMessages = 4;

    /// <summary>The length field of direct TCP (MS-SMB2, 2.1).</summary>
    public const int LengthBytes = 4;

    private const int Prefix = LengthBytes + SmbSealer.HeaderBytes;

    private Entries _entries;
    private byte[] _buffer = [];
    private int _end;
    private int _begin;

    /// <summary>How many messages there are.</summary>
    public int Count { get; private set; }

    /// <summary>The id of the first message; the others follow.</summary>
    public ulong FirstMessageId { get; private set; }

    /// <summary>The frame behind this one in the queue.</summary>
    public SmbFrame? Next { get; set; }

    /// <summary>What goes to the socket; after <see cref="Close"/>.</summary>
    public ReadOnlyMemory<byte> Wire => _buffer.AsMemory(_begin, _end - _begin);

    /// <summary>The messages and the room of a TRANSFORM_HEADER before them.</summary>
    public Span<byte> WithTransformHeader => _buffer.AsSpan(LengthBytes, _end - LengthBytes);

    /// <summary>Takes a buffer.</summary>
    /// <param name="bodyBytes">The length of all bodies together.</param>
    /// <param name="messages">How many messages.</param>
    public void Open(int bodyBytes, int messages)
    {
        _buffer = ArrayPool<byte>.Shared.Rent(Prefix + bodyBytes + (messages * (SmbHeader.Bytes + 8)));
        _end = Prefix;
        Count = 0;
        Next = null;
    }

    /// <summary>Gives the buffer back.</summary>
    public void Release()
    {
        ArrayPool<byte>.Shared.Return(_buffer);
        _buffer = [];
        Count = 0;
    }

    /// <summary>Adds a message.</summary>
    /// <param name="command">The command.</param>
    /// <param name="treeId">The tree's id.</param>
    /// <param name="bodyBytes">The body's length.</param>
    /// <param name="isCleared">Whether the body is zero; a large one is written as a whole anyway.</param>
    /// <returns>The body, to be written.</returns>
    public Span<byte> Add(SmbCommand command, uint treeId, int bodyBytes, bool isCleared = true)
    {
        if (Count > 0)
        {
            // The next message begins at a multiple of 8; what is between belongs to the one before (MS-SMB2, 2.2.1.2, NextCommand).
            var aligned = Prefix + ((_end - Prefix + 7) & ~7);
            _buffer.AsSpan(_end, aligned - _end).Clear();
            _end = aligned;
        }

        _entries[Count++] = new(_end, command, treeId);
        var body = _buffer.AsSpan(_end + SmbHeader.Bytes, bodyBytes);
        if (isCleared)
        {
            body.Clear();
        }

        _end += SmbHeader.Bytes + bodyBytes;
        return body;
    }

    public SmbCommand CommandOf(int index) => _entries[index].Command;

    public uint TreeIdOf(int index) => _entries[index].TreeId;

    /// <summary>A message from its header on, with its padding.</summary>
    public Span<byte> MessageOf(int index)
    {
        var start = _entries[index].Start;
        return _buffer.AsSpan(start, (index + 1 < Count ? _entries[index + 1].Start : _end) - start);
    }

    /// <summary>Writes the headers.</summary>
    /// <param name="lease">The credits: all for a single message, one for each of a compound.</param>
    /// <param name="ask">How many credits are asked for.</param>
    /// <param name="isSigned">Whether signatures follow.</param>
    /// <param name="sessionId">The session's id.</param>
    public void Address(in CreditLease lease, int ask, bool isSigned, ulong sessionId)
    {
        FirstMessageId = lease.MessageId;
        for (var i = 0; i < Count; i++)
        {
            var message = MessageOf(i);
            var flags = (isSigned ? SmbHeaderFlags.Signed : 0) | (i > 0 ? SmbHeaderFlags.Related : 0);
            var isLast = i + 1 == Count;
            SmbHeader.Write(
                message,
                _entries[i].Command,
                flags,
                Count == 1 ? lease.Count : 1,
                isLast ? ask - (Count - 1) : 1,
                isLast ? 0 : message.Length,
                lease.MessageId + (ulong)i,
                _entries[i].TreeId,
                sessionId);
        }
    }

    /// <summary>Writes the header of a CANCEL, which takes no credit and has the id of what it cancels (MS-SMB2, 3.2.4.24).</summary>
    public void AddressCancel(ulong messageId, ulong asyncId, bool isSigned, ulong sessionId)
    {
        FirstMessageId = SmbHeader.UnsolicitedMessageId;
        var flags = (isSigned ? SmbHeaderFlags.Signed : 0) | (asyncId != 0 ? SmbHeaderFlags.Async : 0);
        SmbHeader.Write(MessageOf(0), SmbCommand.Cancel, flags, 0, 0, 0, messageId, asyncId != 0 ? asyncId : _entries[0].TreeId, sessionId);
    }

    /// <summary>Writes the length field before what is to be sent.</summary>
    /// <param name="isSealed">Whether the TRANSFORM_HEADER belongs to it.</param>
    public void Close(bool isSealed)
    {
        _begin = isSealed ? 0 : SmbSealer.HeaderBytes;
        BinaryPrimitives.WriteInt32BigEndian(_buffer.AsSpan(_begin), _end - _begin - LengthBytes);
    }

    [StructLayout(LayoutKind.Auto)]
    private readonly record struct Entry(int Start, SmbCommand Command, uint TreeId);

    [InlineArray(MaxMessages)]
    private struct Entries
    {
        private Entry _first;
    }
}
