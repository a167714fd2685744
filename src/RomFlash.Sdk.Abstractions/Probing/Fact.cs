using System.Diagnostics.CodeAnalysis;

namespace RomFlash.Sdk.Probing;

/// <summary>Something that the target told, or did not: unknown is a value of its own, and never "good". A <c>default</c> fact is unknown.</summary>
/// <typeparam name="T">The type of the value.</typeparam>
public readonly struct Fact<T> : IEquatable<Fact<T>>
    where T : notnull
{
    private readonly T? _value;
    private readonly string? _why;

    private Fact(T? value, bool isKnown, string? why)
    {
        _value = value;
        IsKnown = isKnown;
        _why = why;
    }

    /// <summary>True when there is a value.</summary>
    public bool IsKnown { get; }

    /// <summary>Why the value is unknown; empty when it is known. Untrusted text.</summary>
    public string WhyUnknown => IsKnown ? string.Empty : _why ?? "not read";

    /// <summary>Makes a known fact.</summary>
    /// <param name="value">The value; not null.</param>
    public static implicit operator Fact<T>(T value)
    {
        ArgumentNullException.ThrowIfNull(value);
        return new(value, true, null);
    }

    /// <summary>Compares values; unknown equals unknown.</summary>
    /// <param name="left">One fact.</param>
    /// <param name="right">The other.</param>
    /// <returns>True when equal.</returns>
    public static bool operator ==(Fact<T> left, Fact<T> right) => left.Equals(right);

    /// <summary>Compares values; unknown equals unknown.</summary>
    /// <param name="left">One fact.</param>
    /// <param name="right">The other.</param>
    /// <returns>True when different.</returns>
    public static bool operator !=(Fact<T> left, Fact<T> right) => !left.Equals(right);

    /// <summary>Makes an unknown fact.</summary>
    /// <param name="why">Why it is unknown.</param>
    /// <returns>The fact.</returns>
    public static Fact<T> Unknown(string why) => new(default, false, why);

    /// <summary>Gives the value, when there is one.</summary>
    /// <param name="value">The value, when this returns true.</param>
    /// <returns>False when the fact is unknown.</returns>
    public bool TryGet([MaybeNullWhen(false)] out T value)
    {
        value = _value;
        return IsKnown;
    }

    /// <inheritdoc/>
    public bool Equals(Fact<T> other) => IsKnown == other.IsKnown && (!IsKnown || EqualityComparer<T>.Default.Equals(_value, other._value));

    /// <inheritdoc/>
    public override bool Equals([NotNullWhen(true)] object? obj) => obj is Fact<T> other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => IsKnown ? _value!.GetHashCode() : 0;

    /// <summary>The value's text, or <c>unknown</c> and why.</summary>
    /// <returns>Text that may hold untrusted characters.</returns>
    public override string ToString() => IsKnown ? _value!.ToString() ?? string.Empty : $"unknown ({WhyUnknown})";
}
