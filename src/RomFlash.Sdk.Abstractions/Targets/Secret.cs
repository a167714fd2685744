using System.Diagnostics;

namespace RomFlash.Sdk.Targets;

/// <summary>A secret in memory. No text, debugger view or serialisation of it shows the content; disposing of it wipes it.</summary>
/// <remarks>Thread-safe. The runtime may have copied the characters before they got here; what this type holds itself is wiped.</remarks>
[DebuggerDisplay("***")]
public sealed class Secret : IDisposable
{
    [DebuggerBrowsable(DebuggerBrowsableState.Never)]
    private readonly char[] _characters;

    [DebuggerBrowsable(DebuggerBrowsableState.Never)]
    private readonly Lock _lock = new();

    [DebuggerBrowsable(DebuggerBrowsableState.Never)]
    private bool _disposed;

    /// <summary>Copies the characters.</summary>
    /// <param name="characters">The secret; the caller wipes its own copy.</param>
    public Secret(ReadOnlySpan<char> characters)
    {
        _characters = GC.AllocateUninitializedArray<char>(characters.Length, pinned: true);
        characters.CopyTo(_characters);
    }

    /// <summary>Gives the characters to a function for the length of the call; the span must not be kept.</summary>
    /// <typeparam name="TState">The type of what is handed through.</typeparam>
    /// <typeparam name="TResult">The type of what the function gives.</typeparam>
    /// <param name="state">Handed through, so that no closure is needed.</param>
    /// <param name="use">Called with the characters.</param>
    /// <returns>What the function gave.</returns>
    /// <exception cref="ObjectDisposedException">The secret was wiped.</exception>
    public TResult Use<TState, TResult>(TState state, Func<TState, ReadOnlySpan<char>, TResult> use)
        where TState : allows ref struct
    {
        ArgumentNullException.ThrowIfNull(use);
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            return use(state, _characters);
        }
    }

    /// <summary>Wipes the characters.</summary>
    public void Dispose()
    {
        lock (_lock)
        {
            _disposed = true;
            Array.Clear(_characters);
        }
    }

    /// <summary>Three asterisks, whatever the secret is.</summary>
    /// <returns><c>***</c>.</returns>
    public override string ToString() => "***";
}
