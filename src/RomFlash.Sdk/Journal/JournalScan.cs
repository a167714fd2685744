using System.Buffers.Binary;
using System.Globalization;

namespace RomFlash.Sdk.Journal;

/// <summary>
/// Reads a journal file from its beginning to its last good record, and judges what follows: nothing, a torn end, or damage. Memory is
/// bounded by one record, time by the length of the file.
/// </summary>
internal sealed class JournalScan
{
    private const int Chunk = 1 << 16;

    private readonly IJournalFile _file;
    private readonly long _length;
    private byte[] _buffer = new byte[Chunk];

    private JournalScan(IJournalFile file, long length)
    {
        _file = file;
        _length = length;
    }

    public Guid Client { get; private set; }

    public long LastSequence { get; private set; }

    /// <summary>Where the last good record ends.</summary>
    public long GoodLength { get; private set; }

    /// <summary>What makes the file unfit for use, or null.</summary>
    public string? Damage { get; private set; }

    /// <summary>Reads all records.</summary>
    /// <param name="file">The file.</param>
    /// <param name="visit">Called with each record, its offset and the length of its frame.</param>
    /// <param name="cancellationToken">Stops the reading with an exception.</param>
    /// <returns>What was found.</returns>
    public static JournalScan Run(IJournalFile file, Action<FlashJournalRecord, long, int> visit, CancellationToken cancellationToken)
    {
        var scan = new JournalScan(file, file.Length);
        scan.Run(visit, cancellationToken);
        return scan;
    }

    /// <summary>Reads one record at a place where there is known to be one.</summary>
    public static FlashJournalRecord? ReadAt(IJournalFile file, long offset, long end, out int frameLength) =>
        new JournalScan(file, end).TryFrame(offset, out frameLength, out _, out var record) ? record : null;

    private void Run(Action<FlashJournalRecord, long, int> visit, CancellationToken cancellationToken)
    {
        var header = new byte[JournalFormat.HeaderLength];
        _file.Read(0, header);
        switch (JournalFormat.ReadHeader(header, out var client, out var dropped))
        {
            case JournalFormat.HeaderState.Bad:
                Damage = "this is not a journal, or its header is damaged";
                return;
            case JournalFormat.HeaderState.Newer:
                Damage = "the journal was written by a newer version of this library";
                return;
        }

        Client = client;
        var last = 0L;
        var offset = (long)JournalFormat.HeaderLength;
        while (offset < _length)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (!TryFrame(offset, out var frameLength, out var trouble, out var record))
            {
                Damage = trouble ?? JudgeTail(offset, last, dropped, cancellationToken);
                break;
            }

            if (record!.Sequence <= last)
            {
                Damage = At(offset, "a record is out of order");
                break;
            }

            visit(record, offset, frameLength);
            last = record.Sequence;
            offset += frameLength;
        }

        LastSequence = Math.Max(last, dropped);
        GoodLength = offset;
    }

    private static string At(long offset, string what) => string.Create(CultureInfo.InvariantCulture, $"{what}, at offset {offset}");

    // False with trouble: a whole frame that can't be used. False without: no whole frame is here.
    private bool TryFrame(long offset, out int frameLength, out string? trouble, out FlashJournalRecord? record)
    {
        frameLength = 0;
        trouble = null;
        record = null;
        Span<byte> header = stackalloc byte[JournalFormat.FrameHeaderLength];
        if (_length - offset < JournalFormat.MinimumFrameLength
            || _file.Read(offset, header) < header.Length
            || !JournalFormat.TryReadFrameHeader(header, out var version, out var payloadLength, out var sequence)
            || payloadLength > _length - offset - JournalFormat.MinimumFrameLength)
        {
            return false;
        }

        frameLength = JournalFormat.MinimumFrameLength + payloadLength;
        if (_buffer.Length < frameLength)
        {
            _buffer = new byte[frameLength];
        }

        var frame = _buffer.AsSpan(0, frameLength);
        if (_file.Read(offset, frame) < frameLength || !JournalFormat.IsWhole(frame))
        {
            return false;
        }

        if (version > FlashJournalRecord.CurrentVersion)
        {
            trouble = At(offset, "a record was written by a newer version of this library");
            return false;
        }

        if (RecordCodec.TryRead(frame.Slice(JournalFormat.FrameHeaderLength, payloadLength), version, sequence, out record))
        {
            return true;
        }

        trouble = At(offset, "a record passes its checksum and makes no sense");
        return false;
    }

    // A writer that lost power leaves a part of what it wrote last, which may have been several records: a shorter end, or sectors that
    // hold nothing, while later ones are there. Anything else was whole once, may have been acknowledged, and must not be cut off.
    private string? JudgeTail(long offset, long last, long dropped, CancellationToken cancellationToken)
    {
        switch (FindWholeFrame(offset + 1, last, dropped, out var whole, cancellationToken))
        {
            case Follower.OfALaterWrite:
            case Follower.OfTheSameWrite when !HasEmptySector(offset, whole, cancellationToken):
                return At(offset, "a damaged record is followed by good ones");
            case Follower.OfTheSameWrite:
                return null;
        }

        Span<byte> header = stackalloc byte[JournalFormat.FrameHeaderLength];
        var isHeader = _file.Read(offset, header) == header.Length && JournalFormat.TryReadFrameHeader(header, out _, out _, out _);
        var length = isHeader ? JournalFormat.MinimumFrameLength + BinaryPrimitives.ReadInt32LittleEndian(header[8..]) : _length - offset;
        var reachesItsEnd = isHeader && length <= _length - offset;
        if (!reachesItsEnd)
        {
            Span<byte> end = stackalloc byte[4];
            length = _length - offset;
            reachesItsEnd = length >= JournalFormat.MinimumFrameLength
                && _file.Read(_length - 4, end) == 4
                && BinaryPrimitives.ReadUInt32LittleEndian(end) == JournalFormat.EndMark;
        }

        return reachesItsEnd && !HasEmptySector(offset, offset + length, cancellationToken) ? At(offset, "the last record is damaged, not torn") : null;
    }

    private enum Follower
    {
        None,
        OfTheSameWrite,
        OfALaterWrite,
    }

    // The first one, unless one comes behind it of which something in front was on the disk before, and is not among what is good: that of a later write, and what a
    // compaction copied, or saw.
    private Follower FindWholeFrame(long from, long last, long dropped, out long first, CancellationToken cancellationToken)
    {
        (first, var found) = (-1, Follower.None);
        var chunk = new byte[Chunk];
        Span<byte> magic = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32LittleEndian(magic, JournalFormat.FrameMagic);

        // A hostile file can hold a header at every few bytes, each with a long payload. Whoever needs more work than four readings of
        // the file holds headers that are meant to be found, and is damaged for that.
        var budget = (4 * _length) + JournalFormat.MaxPayload;
        for (var at = from; at < _length; at += Chunk - JournalFormat.FrameHeaderLength)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var bytes = chunk.AsSpan(0, _file.Read(at, chunk));
            for (var i = 0; ; i++)
            {
                var next = bytes[i..].IndexOf(magic);
                if (next < 0)
                {
                    break;
                }

                i += next;
                if (!JournalFormat.TryReadFrameHeader(bytes[i..], out _, out var payloadLength, out var sequence))
                {
                    continue;
                }

                budget -= payloadLength;
                if (budget >= 0 && !TryFrame(at + i, out _, out var trouble, out _) && trouble is null)
                {
                    continue;
                }

                if (budget < 0 || sequence <= dropped || JournalFormat.FirstOfWrite(bytes[i..], sequence) > last + 1)
                {
                    return Follower.OfALaterWrite;
                }

                (first, found) = (found is Follower.None ? at + i : first, Follower.OfTheSameWrite);
            }
        }

        return found;
    }

    private bool HasEmptySector(long from, long to, CancellationToken cancellationToken)
    {
        Span<byte> sector = stackalloc byte[JournalFormat.Sector];
        while (from < to)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var end = Math.Min(to, ((from / JournalFormat.Sector) + 1) * JournalFormat.Sector);
            var part = sector[..(int)(end - from)];
            _file.Read(from, part);
            if (!part.ContainsAnyExcept((byte)0))
            {
                return true;
            }

            from = end;
        }

        return false;
    }
}
