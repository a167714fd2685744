using System.Security.Cryptography;

namespace RomFlash.Sdk.Transports.Smb.Protocol.Authentication;

/// <summary>RC4 (RFC 6229 has vectors), which the framework has not. Broken as a cipher; here because NTLM hands over a random key with it, and masks its checksums (MS-NLMP, 3.1.5.1.2 and 3.4.4.2).</summary>
internal sealed class Rc4 : IDisposable
{
    private readonly byte[] _state = GC.AllocateUninitializedArray<byte>(256, pinned: true);
    private byte _i;
    private byte _j;

    public Rc4(ReadOnlySpan<byte> key)
    {
        for (var i = 0; i < _state.Length; i++)
        {
            _state[i] = (byte)i;
        }

        byte j = 0;
        for (var i = 0; i < _state.Length; i++)
        {
            j += (byte)(_state[i] + key[i % key.Length]);
            (_state[i], _state[j]) = (_state[j], _state[i]);
        }
    }

    /// <summary>Goes on with the stream: the same for both ways.</summary>
    public void Transform(ReadOnlySpan<byte> from, Span<byte> to)
    {
        for (var at = 0; at < from.Length; at++)
        {
            _j += _state[++_i];
            (_state[_i], _state[_j]) = (_state[_j], _state[_i]);
            to[at] = (byte)(from[at] ^ _state[(byte)(_state[_i] + _state[_j])]);
        }
    }

    public void Dispose() => CryptographicOperations.ZeroMemory(_state);
}
