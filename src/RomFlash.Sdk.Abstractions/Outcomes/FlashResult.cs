using System.Diagnostics.CodeAnalysis;

namespace RomFlash.Sdk.Outcomes;

/// <summary>A value, or the one <see cref="FlashFailure"/> that ended the operation. There is no success flag to forget.</summary>
/// <typeparam name="T">What the operation gives when it succeeds.</typeparam>
/// <remarks>Immutable and thread-safe. A <c>default</c> result is neither: every member of it but <see cref="IsDefault"/> throws <see cref="InvalidOperationException"/>.</remarks>
public readonly struct FlashResult<T>
    where T : notnull
{
    private readonly T? _value;
    private readonly FlashFailure? _failure;
    private readonly bool _isSet;

    private FlashResult(T? value, FlashFailure? failure)
    {
        _value = value;
        _failure = failure;
        _isSet = true;
    }

    /// <summary>True for a result that was never set: an answer that a broken plug-in gives.</summary>
    public bool IsDefault => !_isSet;

    /// <summary>Wraps a value.</summary>
    /// <param name="value">The value; not null.</param>
    public static implicit operator FlashResult<T>(T value)
    {
        ArgumentNullException.ThrowIfNull(value);
        return new(value, null);
    }

    /// <summary>Wraps a failure.</summary>
    /// <param name="failure">The failure; not null.</param>
    public static implicit operator FlashResult<T>(FlashFailure failure)
    {
        ArgumentNullException.ThrowIfNull(failure);
        return new(default, failure);
    }

    /// <summary>Wraps a value; for a <typeparamref name="T"/> that is an interface, where no conversion applies.</summary>
    /// <param name="value">The value; not null.</param>
    /// <returns>A successful result.</returns>
    public static FlashResult<T> From(T value)
    {
        ArgumentNullException.ThrowIfNull(value);
        return new(value, null);
    }

    /// <summary>Gives the value or the failure; exactly one of them is set.</summary>
    /// <param name="value">The value, when this returns true.</param>
    /// <param name="failure">The failure, when this returns false.</param>
    /// <returns>True when there is a value.</returns>
    public bool TryGetValue([MaybeNullWhen(false)] out T value, [NotNullWhen(false)] out FlashFailure? failure)
    {
        ThrowIfDefault();
        value = _value;
        failure = _failure;
        return failure is null;
    }

    /// <summary>Calls one of two functions.</summary>
    /// <typeparam name="TResult">What both functions give.</typeparam>
    /// <param name="success">Called with the value.</param>
    /// <param name="failure">Called with the failure.</param>
    /// <returns>What the called function gave.</returns>
    public TResult Match<TResult>(Func<T, TResult> success, Func<FlashFailure, TResult> failure)
    {
        ArgumentNullException.ThrowIfNull(success);
        ArgumentNullException.ThrowIfNull(failure);
        ThrowIfDefault();
        return _failure is null ? success(_value!) : failure(_failure);
    }

    /// <summary>The value, or an exception for callers that want one.</summary>
    /// <returns>The value.</returns>
    /// <exception cref="FlashException">There is a failure; the exception carries it.</exception>
    public T GetValueOrThrow()
    {
        ThrowIfDefault();
        return _failure is null ? _value! : throw new FlashException(_failure);
    }

    /// <summary>The value's or the failure's own text.</summary>
    /// <returns>Text for a log; no secret is in it.</returns>
    public override string ToString()
    {
        ThrowIfDefault();
        return _failure is null ? _value!.ToString() ?? string.Empty : _failure.ToString();
    }

    private void ThrowIfDefault()
    {
        if (!_isSet)
        {
            throw new InvalidOperationException("This FlashResult was never set: it is a default value.");
        }
    }
}
