using System.Buffers;
using System.Buffers.Binary;
using System.Numerics;

namespace RomFlash.Sdk.Journal;

/// <summary>
/// The journal file. A header of 48 bytes (magic 8, format version u32, zero u32, client id 16, highest sequence of records that were dropped i64, zero u32, CRC-32C of
/// the 44 bytes before), then frames: magic u32, record version u16, place in its write u16, payload length u32, sequence i64, CRC-32C of the 20 bytes
/// before; payload; CRC-32C of all that, end mark u32. All little-endian. Several frames may be written at
/// once, with sequences one behind the other: the first has place 1 (from record version 3 on; zero: unknown), and what is in front of it was on the disk before.
/// </summary>
internal static class JournalFormat
{
    public const int HeaderLength = 48;
    public const int FrameHeaderLength = 24;
    public const int FrameTrailerLength = 8;
    public const int MinimumFrameLength = FrameHeaderLength + FrameTrailerLength;
    public const int MaxPayload = 1 << 20;
    public const int FormatVersion = 1;

    private const int FirstWithPlaces = 3;

    /// <summary>The smallest unit that a disk writes or loses as a whole.</summary>
    public const int Sector = 512;

    public const uint FrameMagic = 0x31524652; // "RFR1"
    public const uint EndMark = 0xE5E0F1A6;

    private static ReadOnlySpan<byte> FileMagic => "RomFlJn\n"u8;

    public enum HeaderState
    {
        Good,
        Bad,
        Newer,
    }

    public static byte[] WriteHeader(Guid client, long droppedSequence)
    {
        var header = new byte[HeaderLength];
        FileMagic.CopyTo(header);
        BinaryPrimitives.WriteUInt32LittleEndian(header.AsSpan(8), FormatVersion);
        client.TryWriteBytes(header.AsSpan(16));
        BinaryPrimitives.WriteInt64LittleEndian(header.AsSpan(32), droppedSequence);
        BinaryPrimitives.WriteUInt32LittleEndian(header.AsSpan(44), Checksum(header.AsSpan(0, 44)));
        return header;
    }

    public static HeaderState ReadHeader(ReadOnlySpan<byte> header, out Guid client, out long droppedSequence)
    {
        client = default;
        droppedSequence = 0;
        if (header.Length < HeaderLength
            || !header.StartsWith(FileMagic)
            || BinaryPrimitives.ReadUInt32LittleEndian(header[44..]) != Checksum(header[..44]))
        {
            return HeaderState.Bad;
        }

        if (BinaryPrimitives.ReadUInt32LittleEndian(header[8..]) > FormatVersion)
        {
            return HeaderState.Newer;
        }

        client = new(header.Slice(16, 16));
        droppedSequence = BinaryPrimitives.ReadInt64LittleEndian(header[32..]);
        return droppedSequence < 0 ? HeaderState.Bad : HeaderState.Good;
    }

    /// <summary>Appends one frame to a buffer.</summary>
    public static void WriteFrame(ArrayBufferWriter<byte> output, long sequence, int place, ReadOnlySpan<byte> payload)
    {
        var frame = output.GetSpan(MinimumFrameLength + payload.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(frame, FrameMagic);
        BinaryPrimitives.WriteUInt16LittleEndian(frame[4..], FlashJournalRecord.CurrentVersion);
        BinaryPrimitives.WriteUInt16LittleEndian(frame[6..], place <= ushort.MaxValue ? (ushort)place : (ushort)0);
        BinaryPrimitives.WriteInt32LittleEndian(frame[8..], payload.Length);
        BinaryPrimitives.WriteInt64LittleEndian(frame[12..], sequence);
        BinaryPrimitives.WriteUInt32LittleEndian(frame[20..], Checksum(frame[..20]));
        payload.CopyTo(frame[FrameHeaderLength..]);
        var end = FrameHeaderLength + payload.Length;
        BinaryPrimitives.WriteUInt32LittleEndian(frame[end..], Checksum(frame[..end]));
        BinaryPrimitives.WriteUInt32LittleEndian(frame[(end + 4)..], EndMark);
        output.Advance(end + FrameTrailerLength);
    }

    public static bool TryReadFrameHeader(ReadOnlySpan<byte> header, out int version, out int payloadLength, out long sequence)
    {
        version = 0;
        payloadLength = 0;
        sequence = 0;
        if (header.Length < FrameHeaderLength
            || BinaryPrimitives.ReadUInt32LittleEndian(header) != FrameMagic
            || BinaryPrimitives.ReadUInt32LittleEndian(header[20..]) != Checksum(header[..20]))
        {
            return false;
        }

        version = BinaryPrimitives.ReadUInt16LittleEndian(header[4..]);
        payloadLength = BinaryPrimitives.ReadInt32LittleEndian(header[8..]);
        sequence = BinaryPrimitives.ReadInt64LittleEndian(header[12..]);
        return payloadLength is >= 0 and <= MaxPayload && version > 0 && sequence > 0;
    }

    /// <summary>The sequence of the first frame of the write that a frame belongs to; its own where that is not known.</summary>
    public static long FirstOfWrite(ReadOnlySpan<byte> header, long sequence) =>
        BinaryPrimitives.ReadUInt16LittleEndian(header[4..]) >= FirstWithPlaces && BinaryPrimitives.ReadUInt16LittleEndian(header[6..]) is > 0 and var place ? sequence - place + 1 : sequence;

    public static bool IsWhole(ReadOnlySpan<byte> frame) =>
        BinaryPrimitives.ReadUInt32LittleEndian(frame[^4..]) == EndMark
        && BinaryPrimitives.ReadUInt32LittleEndian(frame[^8..]) == Checksum(frame[..^8]);

    /// <summary>CRC-32C (Castagnoli, as in RFC 3720, B.4).</summary>
    public static uint Checksum(ReadOnlySpan<byte> bytes)
    {
        var crc = uint.MaxValue;
        while (bytes.Length >= 8)
        {
            crc = BitOperations.Crc32C(crc, BinaryPrimitives.ReadUInt64LittleEndian(bytes));
            bytes = bytes[8..];
        }

        foreach (var b in bytes)
        {
            crc = BitOperations.Crc32C(crc, b);
        }

        return ~crc;
    }
}
