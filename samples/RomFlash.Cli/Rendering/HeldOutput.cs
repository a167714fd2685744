using System.Text;

namespace RomFlash.Cli.Rendering;

/// <summary>Output that waits for a live view to end, in the order in which it came, whichever stream it is for. Thread-safe.</summary>
internal sealed class HeldOutput
{
    private readonly Lock _lock = new();
    private readonly List<(TextWriter To, string Text)> _waiting = [];
    private bool _isHolding;

    public void Hold()
    {
        lock (_lock)
        {
            _isHolding = true;
        }
    }

    public void Release()
    {
        lock (_lock)
        {
            _isHolding = false;
            foreach (var (to, text) in _waiting)
            {
                to.Write(text);
            }

            _waiting.Clear();
        }
    }

    public void Write(TextWriter to, string text)
    {
        lock (_lock)
        {
            if (_isHolding)
            {
                _waiting.Add((to, text));
            }
            else
            {
                to.Write(text);
            }
        }
    }
}

/// <summary>A stream of a terminal that may be held back.</summary>
internal sealed class HeldWriter(TextWriter inner, HeldOutput held) : TextWriter
{
    public override Encoding Encoding => inner.Encoding;

    public override void Write(char value) => held.Write(inner, value.ToString());

    public override void Write(string? value) => held.Write(inner, value ?? string.Empty);

    public override void Write(char[] buffer, int index, int count) => held.Write(inner, new string(buffer, index, count));

    public override void Write(ReadOnlySpan<char> buffer) => held.Write(inner, buffer.ToString());

    // In one piece, so that the lines of two threads never mix.
    public override void WriteLine(string? value) => held.Write(inner, value + NewLine);

    public override void WriteLine() => held.Write(inner, NewLine);

    public override void Flush() => inner.Flush();
}
