using System.Diagnostics.CodeAnalysis;

namespace RomFlash.Sdk.Transports;

/// <summary>Stands for "nothing to give back".</summary>
public readonly record struct Done;

/// <summary>A value, or the <see cref="TransportFault"/> in its place.</summary>
/// <typeparam name="T">What the operation gives.</typeparam>
/// <remarks>Immutable and thread-safe. Every member of a <c>default</c> result but <see cref="IsDefault"/> throws <see cref="InvalidOperationException"/>.</remarks>
public readonly struct TransportResult<T>
    where T : notnull
{
    private readonly T? _value;
    private readonly TransportFault? _fault;
    private readonly bool _isSet;

    private TransportResult(T? value, TransportFault? fault)
    {
        _value = value;
        _fault = fault;
        _isSet = true;
    }

    /// <summary>True for a result that was never set: an answer that a broken transport gives.</summary>
    public bool IsDefault => !_isSet;

    /// <summary>Wraps a value.</summary>
    /// <param name="value">The value; not null.</param>
    public static implicit operator TransportResult<T>(T value)
    {
        ArgumentNullException.ThrowIfNull(value);
        return new(value, null);
    }

    /// <summary>Wraps a fault.</summary>
    /// <param name="fault">The fault; not null.</param>
    public static implicit operator TransportResult<T>(TransportFault fault)
    {
        ArgumentNullException.ThrowIfNull(fault);
        return new(default, fault);
    }

    /// <summary>Wraps a value; for a <typeparamref name="T"/> that is an interface, where no conversion applies.</summary>
    /// <param name="value">The value; not null.</param>
    /// <returns>A successful result.</returns>
    public static TransportResult<T> From(T value)
    {
        ArgumentNullException.ThrowIfNull(value);
        return new(value, null);
    }

    /// <summary>Gives the value or the fault; exactly one of them is set.</summary>
    /// <param name="value">The value, when this returns true.</param>
    /// <param name="fault">The fault, when this returns false.</param>
    /// <returns>True when there is a value.</returns>
    public bool TryGetValue([MaybeNullWhen(false)] out T value, [NotNullWhen(false)] out TransportFault? fault)
    {
        if (!_isSet)
        {
            throw new InvalidOperationException("This TransportResult was never set: it is a default value.");
        }

        value = _value;
        fault = _fault;
        return fault is null;
    }

    /// <summary>The value's or the fault's text.</summary>
    /// <returns>Text for a log.</returns>
    public override string ToString() => !_isSet ? throw new InvalidOperationException("This TransportResult was never set: it is a default value.") : _fault?.ToString() ?? _value!.ToString() ?? string.Empty;
}
