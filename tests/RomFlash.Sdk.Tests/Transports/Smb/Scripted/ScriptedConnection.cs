using System.Buffers.Binary;
using System.Net.Sockets;
using System.Security.Cryptography;
using RomFlash.Sdk.Transports.Smb.Protocol.Security;

namespace RomFlash.Sdk.Tests.Transports.Smb.Scripted;

/// <summary>One connection of a scripted server: framing, negotiation, logon and protection. What shares do is in <see cref="ScriptedShares"/>.</summary>
internal sealed class ScriptedConnection(Socket socket, SmbScript script) : IDisposable
{
    private const ulong SessionId = 0x0000_1000_0000_0019;

    private const int MaxFrame = 17 << 20;

    private readonly NetworkStream _stream = new(socket, ownsSocket: true);
    private readonly ScriptedShares _shares = new(script);
    private readonly NtlmServer _logon = script.Logon(script);
    private readonly byte[] _preauth = new byte[SmbSessionKeys.PreauthHashBytes];
    private SmbSessionKeys? _keys;
    private SmbSigner? _signer;
    private SmbSigner? _verifier;
    private SmbSealer? _sealer;
    private bool _isLoggedOn;
    private int _replies;

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        var prefix = new byte[4];
        while (true)
        {
            if (await _stream.ReadAtLeastAsync(prefix, prefix.Length, throwOnEndOfStream: false, cancellationToken) < prefix.Length)
            {
                return;
            }

            var length = BinaryPrimitives.ReadInt32BigEndian(prefix);
            Assert.InRange(length, 64, MaxFrame);
            var frame = new byte[length];
            await _stream.ReadExactlyAsync(frame, cancellationToken);
            if (!await ServeAsync(frame, cancellationToken))
            {
                return;
            }
        }
    }

    public void Dispose()
    {
        _stream.Dispose();
        _signer?.Dispose();
        _verifier?.Dispose();
        _sealer?.Dispose();
        _keys?.Dispose();
    }

    private async Task<bool> ServeAsync(byte[] frame, CancellationToken cancellationToken)
    {
        var isSealed = frame[0] == 0xFD;
        if (isSealed)
        {
            Assert.True(_sealer is not null && _sealer.TryOpen(frame), "the client's seal is wrong");
            frame = frame[SmbSealer.HeaderBytes..];
        }

        List<ScriptedReply> replies = [];
        for (var rest = frame; ;)
        {
            Assert.Equal(0x424D_53FEu, BinaryPrimitives.ReadUInt32LittleEndian(rest));
            var next = BinaryPrimitives.ReadInt32LittleEndian(rest.AsSpan(20));
            var request = next == 0 ? rest : rest[..next];
            if (Answer(request, isSealed) is { } message)
            {
                var reply = new ScriptedReply(_replies++, request, message);
                script.OnReply?.Invoke(reply);
                replies.Add(reply);
            }

            if (next == 0)
            {
                break;
            }

            rest = rest[next..];
        }

        // A compound that the script leaves alone is answered as one.
        var isCompound = script.Compounds && replies.Count > 1
            && replies.All(r => r is { Protection: ReplyProtection.Right, Before: [], OnFrame: null, Times: 1, PieceBytes: int.MaxValue, EndsConnection: false });
        if (isCompound)
        {
            await SendAsync(Protect([.. replies.Select(r => r.Message)], ReplyProtection.Right, isSealed), int.MaxValue, default, cancellationToken);
            return true;
        }

        foreach (var reply in replies)
        {
            foreach (var before in reply.Before)
            {
                await SendAsync(Protect([before], reply.Protection, isSealed), int.MaxValue, default, cancellationToken);
            }

            if (reply.Times > 0)
            {
                var wire = Protect([reply.Message], reply.Protection, isSealed);
                wire = reply.OnFrame?.Invoke(wire) ?? wire;
                for (var i = 0; i < reply.Times; i++)
                {
                    await SendAsync(wire, reply.PieceBytes, reply.PieceDelay, cancellationToken);
                }
            }

            if (reply.EndsConnection)
            {
                return false;
            }
        }

        return true;
    }

    private async Task SendAsync(byte[] wire, int pieceBytes, TimeSpan delay, CancellationToken cancellationToken)
    {
        for (var offset = 0; offset < wire.Length; offset += pieceBytes)
        {
            if (delay > TimeSpan.Zero && offset > 0)
            {
                await Task.Delay(delay, TimeProvider.System, cancellationToken);
            }

            await _stream.WriteAsync(wire.AsMemory(offset, Math.Min(pieceBytes, wire.Length - offset)), cancellationToken);
            if (pieceBytes == int.MaxValue)
            {
                return;
            }
        }
    }

    // A frame with its length before it.
    private byte[] Protect(List<byte[]> messages, ReplyProtection protection, bool isSealed)
    {
        List<byte> all = [];
        var seals = isSealed && protection is ReplyProtection.Right or ReplyProtection.Wrong && isSealed;
        for (var i = 0; i < messages.Count; i++)
        {
            var message = messages[i];
            if (i + 1 < messages.Count)
            {
                Array.Resize(ref message, (message.Length + 7) & ~7);
                BinaryPrimitives.WriteInt32LittleEndian(message.AsSpan(20), message.Length);
            }

            if (!seals && protection is not ReplyProtection.None && _signer is not null && message.Length >= 64)
            {
                BinaryPrimitives.WriteUInt32LittleEndian(message.AsSpan(16), BinaryPrimitives.ReadUInt32LittleEndian(message.AsSpan(16)) | 8);
                _signer.Sign(message);
                message[48] ^= (byte)(protection is ReplyProtection.Wrong ? 1 : 0);
            }

            all.AddRange(message);
        }

        var offset = 4 + (seals ? SmbSealer.HeaderBytes : 0);
        var wire = new byte[offset + all.Count];
        all.CopyTo(wire, offset);
        if (seals)
        {
            _sealer!.Seal(wire.AsSpan(4));
            wire[8] ^= (byte)(protection is ReplyProtection.Wrong ? 1 : 0);
        }

        BinaryPrimitives.WriteInt32BigEndian(wire, wire.Length - 4);
        return wire;
    }

    private byte[]? Answer(byte[] request, bool isSealed)
    {
        switch (BinaryPrimitives.ReadUInt16LittleEndian(request.AsSpan(12)))
        {
            case 0:
                Mix(request);
                var salt = RandomNumberGenerator.GetBytes(32);
                var negotiated = SmbMessages.Answer(request, SmbMessages.Success, SmbMessages.Negotiate(script, salt));
                Mix(negotiated);
                return negotiated;
            case 1:
                return LogOn(request);
            case 12:
                return null;
        }

        if (!_isLoggedOn || BinaryPrimitives.ReadUInt64LittleEndian(request.AsSpan(40)) != SessionId)
        {
            return SmbMessages.Answer(request, SmbMessages.SessionDeleted, SmbMessages.ErrorBody());
        }

        Assert.True(isSealed || _verifier!.Verify(request), "the client's signature is wrong");
        return _shares.Answer(request);
    }

    private byte[] LogOn(byte[] request)
    {
        Mix(request);
        var blob = request.AsSpan(BinaryPrimitives.ReadUInt16LittleEndian(request.AsSpan(64 + 12)), BinaryPrimitives.ReadUInt16LittleEndian(request.AsSpan(64 + 14)));
        byte[] answer;
        if (_logon.Challenge.Length == 0)
        {
            answer = SmbMessages.Answer(request, SmbMessages.MoreProcessing, SmbMessages.SessionSetup(0, _logon.Start(blob)));
        }
        else if (_logon.Finish(blob) is { } token)
        {
            var hash = script.Dialect is SmbDialect.Smb311 ? _preauth : [];
            _keys = SmbSessionKeys.Derive(script.Dialect, script.Dialect is SmbDialect.Smb210 ? SmbCipher.None : script.Cipher, _logon.SessionKey, hash, SmbRole.Server);
            var signing = script.Dialect switch { SmbDialect.Smb210 => SmbSigningAlgorithm.HmacSha256, SmbDialect.Smb311 => script.Signing, _ => SmbSigningAlgorithm.AesCmac };
            (_signer, _verifier) = (_keys.CreateSigner(signing), _keys.CreateSigner(signing));
            _sealer = script.Dialect is SmbDialect.Smb210 || script.Cipher is SmbCipher.None ? null : _keys.CreateSealer(SessionId);
            _isLoggedOn = true;
            answer = SmbMessages.Answer(request, SmbMessages.Success, SmbMessages.SessionSetup((ushort)(script.SessionFlags | (script.EncryptsSession ? 4 : 0)), token));
            BinaryPrimitives.WriteUInt64LittleEndian(answer.AsSpan(40), SessionId);
            return answer;
        }
        else
        {
            answer = SmbMessages.Answer(request, SmbMessages.LogonFailure, SmbMessages.ErrorBody());
        }

        BinaryPrimitives.WriteUInt64LittleEndian(answer.AsSpan(40), SessionId);
        Mix(answer);
        return answer;
    }

    // The hash of 3.1.1 (MS-SMB2, 3.3.5.4 and 3.3.5.5), of what was right: a script that changes an answer shows in the client's keys.
    private void Mix(byte[] message) => SHA512.HashData([.. _preauth, .. message], _preauth);
}
