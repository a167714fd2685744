using System.Text;

namespace RomFlash.Sdk.Transports.Ssh.Connection;

/// <summary>The last bytes of what a process printed as errors, however much it prints.</summary>
internal sealed class SshErrorTail
{
    public const int Size = 64 * 1024;

    private readonly Lock _lock = new();
    private readonly byte[] _bytes = new byte[Size];
    private long _total;

    public void Append(ReadOnlySpan<byte> bytes)
    {
        lock (_lock)
        {
            if (bytes.Length > Size)
            {
                _total += bytes.Length - Size;
                bytes = bytes[^Size..];
            }

            var at = (int)(_total % Size);
            var first = Math.Min(bytes.Length, Size - at);
            bytes[..first].CopyTo(_bytes.AsSpan(at));
            bytes[first..].CopyTo(_bytes);
            _total += bytes.Length;
        }
    }

    public byte[] ToArray()
    {
        lock (_lock)
        {
            var at = (int)(_total % Size);
            return _total <= Size ? _bytes[..(int)_total] : [.. _bytes[at..], .. _bytes[..at]];
        }
    }

    public override string ToString() => Encoding.UTF8.GetString(ToArray());
}
