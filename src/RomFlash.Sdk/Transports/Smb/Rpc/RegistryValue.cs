using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;
using System.Text;

namespace RomFlash.Sdk.Transports.Smb.Rpc;

/// <summary>Types of values (MS-RRP, 3.1.1.5). A number that no member names is what the peer sent.</summary>
internal enum RegistryValueType : uint
{
    None = 0,
    Text = 1,
    ExpandableText = 2,
    Binary = 3,
    Number = 4,
    BigEndianNumber = 5,
    Link = 6,
    Texts = 7,
    LongNumber = 11,
}

/// <summary>A value of the registry. Nothing holds anybody to the form that a type asks for, so that reading it as one can fail.</summary>
/// <param name="Type">What the peer says that it is.</param>
/// <param name="Data">The bytes.</param>
internal sealed record RegistryValue(RegistryValueType Type, ReadOnlyMemory<byte> Data)
{
    /// <summary>Reads REG_SZ or REG_EXPAND_SZ, which is not expanded: the text up to its first terminator, or all of it where there is none.</summary>
    /// <param name="text">Untrusted text.</param>
    /// <returns>Whether it is text.</returns>
    public bool TryGetText([NotNullWhen(true)] out string? text)
    {
        text = null;
        if (Type is not (RegistryValueType.Text or RegistryValueType.ExpandableText) || Data.Length % 2 != 0)
        {
            return false;
        }

        var data = Data.Span;
        text = Encoding.Unicode.GetString(data[..(2 * LengthOf(data))]);
        return true;
    }

    /// <summary>Reads REG_MULTI_SZ: texts up to the first empty one, or the end.</summary>
    /// <param name="texts">Untrusted texts.</param>
    /// <returns>Whether it is a list of texts.</returns>
    public bool TryGetTexts(out ImmutableArray<string> texts)
    {
        texts = [];
        if (Type != RegistryValueType.Texts || Data.Length % 2 != 0)
        {
            return false;
        }

        var found = ImmutableArray.CreateBuilder<string>();
        for (var data = Data.Span; LengthOf(data) is > 0 and var length; data = data[Math.Min(data.Length, (2 * length) + 2)..])
        {
            found.Add(Encoding.Unicode.GetString(data[..(2 * length)]));
        }

        texts = found.DrainToImmutable();
        return true;
    }

    /// <summary>Reads REG_DWORD in either byte order, or REG_QWORD.</summary>
    /// <param name="number">The number.</param>
    /// <returns>Whether it is a number.</returns>
    public bool TryGetNumber(out ulong number)
    {
        var data = Data.Span;
        (var isNumber, number) = (Type, data.Length) switch
        {
            (RegistryValueType.Number, 4) => (true, BinaryPrimitives.ReadUInt32LittleEndian(data)),
            (RegistryValueType.BigEndianNumber, 4) => (true, BinaryPrimitives.ReadUInt32BigEndian(data)),
            (RegistryValueType.LongNumber, 8) => (true, BinaryPrimitives.ReadUInt64LittleEndian(data)),
            _ => (false, 0UL),
        };
        return isNumber;
    }

    // In characters, up to the first terminator. Both halves of one are zero in either byte order.
    private static int LengthOf(ReadOnlySpan<byte> data)
    {
        var characters = MemoryMarshal.Cast<byte, ushort>(data);
        return characters.IndexOf((ushort)0) is >= 0 and var end ? end : characters.Length;
    }
}

/// <summary>A value and its name.</summary>
/// <param name="Name">The name; empty for the key's own value. Untrusted text.</param>
/// <param name="Value">The value.</param>
internal sealed record RegistryNamedValue(string Name, RegistryValue Value);

/// <summary>What a key is like.</summary>
/// <param name="Keys">How many keys are below it.</param>
/// <param name="Values">How many values it has.</param>
/// <param name="LastWritten">When it was last changed, as a FILETIME (MS-DTYP, 2.3.3); 0 where the peer does not know.</param>
internal readonly record struct RegistryKeyInfo(uint Keys, uint Values, ulong LastWritten);
