using System.Buffers.Binary;
using System.Numerics;

namespace RomFlash.Sdk.Tests.Images.Compression;

/// <summary>Writes LZMA streams symbol by symbol (LZMA specification), so that a test says which: right ones, and wrong ones that no encoder would write.</summary>
internal sealed class LzmaWriter(int lc, int lp, int pb, uint dictionary = 1 << 16)
{
    private readonly ushort[] _isMatch = Model(12 << 4);
    private readonly ushort[] _isRep = Model(12);
    private readonly ushort[] _isRepG0 = Model(12);
    private readonly ushort[] _isRepG1 = Model(12);
    private readonly ushort[] _isRepG2 = Model(12);
    private readonly ushort[] _isRep0Long = Model(12 << 4);
    private readonly ushort[] _literals = Model(0x300 << (lc + lp));
    private readonly ushort[] _slots = Model(4 << 6);
    private readonly ushort[] _special = Model(10 << 6);
    private readonly ushort[] _align = Model(16);
    private readonly LengthModel _lengths = new();
    private readonly LengthModel _repLengths = new();
    private readonly List<byte> _body = [];
    private readonly uint[] _reps = new uint[4];
    private int _state;
    private ulong _low;
    private uint _range = uint.MaxValue;
    private byte _cache;
    private long _pending = 1;

    /// <summary>What it decodes to.</summary>
    public List<byte> Decoded { get; } = [];

    private int PositionState => Decoded.Count & ((1 << pb) - 1);

    public LzmaWriter Literal(byte value)
    {
        Bit(_isMatch, (_state << 4) + PositionState, 0);
        var before = Decoded.Count > 0 ? Decoded[^1] : 0;
        var table = 0x300 * (((Decoded.Count & ((1 << lp) - 1)) << lc) + (before >> (8 - lc)));
        var predicted = _state >= 7 ? Decoded[^((int)_reps[0] + 1)] : -1;
        var node = 1;
        for (var i = 7; i >= 0; i--)
        {
            var bit = (value >> i) & 1;
            if (predicted >= 0)
            {
                var guess = (predicted >> i) & 1;
                Bit(_literals, table + ((1 + guess) << 8) + node, bit);
                predicted = guess == bit ? predicted : -1;
            }
            else
            {
                Bit(_literals, table + node, bit);
            }

            node = (node << 1) | bit;
        }

        _state = _state < 4 ? 0 : _state < 10 ? _state - 3 : _state - 6;
        Decoded.Add(value);
        return this;
    }

    public LzmaWriter Literals(ReadOnlySpan<byte> values)
    {
        foreach (var value in values)
        {
            Literal(value);
        }

        return this;
    }

    /// <summary>A match; its distance counts from 1, and may be wrong.</summary>
    public LzmaWriter Match(uint distance, int length)
    {
        Bit(_isMatch, (_state << 4) + PositionState, 1);
        Bit(_isRep, _state, 0);
        Length(_lengths, length);
        (_reps[3], _reps[2], _reps[1], _reps[0]) = (_reps[2], _reps[1], _reps[0], distance - 1);
        Distance(Math.Min(length - 2, 3), distance - 1);
        _state = _state < 7 ? 7 : 10;
        return Copy(length);
    }

    public LzmaWriter Repeat(int index, int length)
    {
        Bit(_isMatch, (_state << 4) + PositionState, 1);
        Bit(_isRep, _state, 1);
        Bit(_isRepG0, _state, index > 0 ? 1 : 0);
        if (index == 0)
        {
            Bit(_isRep0Long, (_state << 4) + PositionState, 1);
        }
        else
        {
            Bit(_isRepG1, _state, index > 1 ? 1 : 0);
            if (index > 1)
            {
                Bit(_isRepG2, _state, index > 2 ? 1 : 0);
            }

            var distance = _reps[index];
            Array.Copy(_reps, 0, _reps, 1, index);
            _reps[0] = distance;
        }

        Length(_repLengths, length);
        _state = _state < 7 ? 8 : 11;
        return Copy(length);
    }

    public LzmaWriter ShortRepeat()
    {
        Bit(_isMatch, (_state << 4) + PositionState, 1);
        Bit(_isRep, _state, 1);
        Bit(_isRepG0, _state, 0);
        Bit(_isRep0Long, (_state << 4) + PositionState, 0);
        _state = _state < 7 ? 9 : 11;
        return Copy(1);
    }

    public LzmaWriter EndMarker() => Match(0, 2);

    /// <summary>Symbols of every kind, by chance.</summary>
    public LzmaWriter Random(Random random, int symbols)
    {
        for (; symbols > 0; symbols--)
        {
            var kind = Decoded.Count == 0 ? 0 : random.Next(8);
            var length = random.Next(3) switch { 0 => random.Next(2, 10), 1 => random.Next(10, 18), _ => random.Next(18, 274) };
            var rep = random.Next(4);
            if (kind is 5 or 6 && _reps[rep] < Decoded.Count)
            {
                Repeat(rep, length);
            }
            else if (kind == 7 && _reps[0] < Decoded.Count)
            {
                ShortRepeat();
            }
            else if (kind > 3)
            {
                Match((uint)random.Next((int)Math.Min(Math.Min(Decoded.Count, dictionary), 1 << random.Next(1, 21))) + 1, length);
            }
            else
            {
                Literal((byte)(random.Next(2) == 0 ? random.Next(256) : 'a'));
            }
        }

        return this;
    }

    /// <summary>The header and the stream. Nothing can be added behind.</summary>
    /// <param name="length">What the header says; null is "unknown".</param>
    public byte[] Finish(long? length)
    {
        for (var i = 0; i < 5; i++)
        {
            ShiftLow();
        }

        var header = new byte[13];
        header[0] = (byte)((((pb * 5) + lp) * 9) + lc);
        BinaryPrimitives.WriteUInt32LittleEndian(header.AsSpan(1), dictionary);
        BinaryPrimitives.WriteInt64LittleEndian(header.AsSpan(5), length ?? -1);
        return [.. header, .. _body];
    }

    public byte[] Finish() => Finish(Decoded.Count);

    private static ushort[] Model(int count)
    {
        var model = new ushort[count];
        Array.Fill(model, (ushort)1024);
        return model;
    }

    private LzmaWriter Copy(int length)
    {
        var distance = (long)_reps[0] + 1;
        for (; length > 0 && distance <= Decoded.Count && distance <= Math.Max(dictionary, 4096); length--)
        {
            Decoded.Add(Decoded[^(int)distance]);
        }

        return this;
    }

    private void Length(LengthModel model, int length)
    {
        length -= 2;
        Bit(model.Choices, 0, length < 8 ? 0 : 1);
        if (length < 8)
        {
            Tree(model.Low, PositionState << 3, 3, length);
            return;
        }

        Bit(model.Choices, 1, length < 16 ? 0 : 1);
        if (length < 16)
        {
            Tree(model.Middle, PositionState << 3, 3, length - 8);
        }
        else
        {
            Tree(model.High, 0, 8, length - 16);
        }
    }

    private void Distance(int lengthState, uint distance)
    {
        var top = distance < 4 ? 0 : BitOperations.Log2(distance);
        var slot = distance < 4 ? (int)distance : (top << 1) | (int)((distance >> (top - 1)) & 1);
        Tree(_slots, lengthState << 6, 6, slot);
        if (slot < 4)
        {
            return;
        }

        var bits = top - 1;
        if (slot < 14)
        {
            ReverseTree(_special, (slot - 4) << 6, bits, distance);
            return;
        }

        for (var i = bits - 1; i >= 4; i--)
        {
            _range >>= 1;
            _low += ((distance >> i) & 1) != 0 ? _range : 0;
            Normalize();
        }

        ReverseTree(_align, 0, 4, distance);
    }

    private void Tree(ushort[] model, int at, int depth, int value)
    {
        var node = 1;
        for (var i = depth - 1; i >= 0; i--)
        {
            var bit = (value >> i) & 1;
            Bit(model, at + node, bit);
            node = (node << 1) | bit;
        }
    }

    private void ReverseTree(ushort[] model, int at, int depth, uint value)
    {
        var node = 1;
        for (var i = 0; i < depth; i++)
        {
            var bit = (int)(value >> i) & 1;
            Bit(model, at + node, bit);
            node = (node << 1) | bit;
        }
    }

    private void Bit(ushort[] model, int at, int bit)
    {
        var bound = (_range >> 11) * model[at];
        if (bit == 0)
        {
            _range = bound;
            model[at] += (ushort)((2048 - model[at]) >> 5);
        }
        else
        {
            _low += bound;
            _range -= bound;
            model[at] -= (ushort)(model[at] >> 5);
        }

        Normalize();
    }

    private void Normalize()
    {
        while (_range < 1 << 24)
        {
            _range <<= 8;
            ShiftLow();
        }
    }

    private void ShiftLow()
    {
        if (_low is < 0xFF00_0000 or > uint.MaxValue)
        {
            var carry = (byte)(_low >> 32);
            for (; _pending > 0; _pending--)
            {
                _body.Add((byte)(_cache + carry));
                _cache = 0xFF;
            }

            _cache = (byte)(_low >> 24);
        }

        _pending++;
        _low = (_low & 0x00FF_FFFF) << 8;
    }

    private sealed class LengthModel
    {
        public ushort[] Choices { get; } = Model(2);

        public ushort[] Low { get; } = Model(16 << 3);

        public ushort[] Middle { get; } = Model(16 << 3);

        public ushort[] High { get; } = Model(1 << 8);
    }
}
