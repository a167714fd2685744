using System.Buffers.Binary;

namespace RomFlash.Sdk.Transports.Smb.Protocol.Wire;

/// <summary>FSCTL_VALIDATE_NEGOTIATE_INFO (MS-SMB2, 2.2.31.4 and 2.2.32.6).</summary>
internal static class ValidateNegotiateCodec
{
    private const int AnswerBytes = 24;

    /// <summary>What the question takes after the body of IOCTL.</summary>
    public static int RequestBytes => 24 + (NegotiateCodec.Dialects.Length * 2);

    public static void Write(Span<byte> body, Guid clientGuid)
    {
        Span<byte> input = stackalloc byte[RequestBytes];
        BinaryPrimitives.WriteUInt32LittleEndian(input, (uint)NegotiateCodec.ClientCapabilities);
        clientGuid.TryWriteBytes(input[4..]);
        BinaryPrimitives.WriteUInt16LittleEndian(input[20..], NegotiateCodec.SecurityMode);
        BinaryPrimitives.WriteUInt16LittleEndian(input[22..], (ushort)NegotiateCodec.Dialects.Length);
        for (var i = 0; i < NegotiateCodec.Dialects.Length; i++)
        {
            BinaryPrimitives.WriteUInt16LittleEndian(input[(24 + (2 * i))..], NegotiateCodec.Dialects[i]);
        }

        InfoCodec.WriteIoctl(body, SmbFileId.Previous, InfoCodec.ValidateNegotiateInfo, input, AnswerBytes);
    }

    /// <summary>Whether the peer says the same as it seemed to say before.</summary>
    public static bool Matches(ReadOnlySpan<byte> message, NegotiateAnswer answer) =>
        InfoCodec.TryReadIoctl(message, InfoCodec.ValidateNegotiateInfo, out var output)
        && output.Length == AnswerBytes
        && BinaryPrimitives.ReadUInt32LittleEndian(output) == (uint)answer.Capabilities
        && new Guid(output.Slice(4, 16)) == answer.ServerGuid
        && BinaryPrimitives.ReadUInt16LittleEndian(output[20..]) == answer.SecurityMode
        && BinaryPrimitives.ReadUInt16LittleEndian(output[22..]) == (ushort)answer.Dialect;
}
