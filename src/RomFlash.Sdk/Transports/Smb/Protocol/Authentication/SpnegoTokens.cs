using System.Formats.Asn1;

namespace RomFlash.Sdk.Transports.Smb.Protocol.Authentication;

/// <summary>How far the peer is (RFC 4178, 4.2.2).</summary>
internal enum SpnegoState
{
    AcceptCompleted = 0,
    AcceptIncomplete = 1,
    Reject = 2,
    RequestMic = 3,
}

/// <summary>A NegTokenResp (RFC 4178, 4.2.2).</summary>
internal readonly record struct SpnegoResponse(SpnegoState? State, bool IsOtherMechanism, ReadOnlyMemory<byte> Token, ReadOnlyMemory<byte>? Mic);

/// <summary>The tokens of SPNEGO (RFC 4178; MS-SPNG, 2.2.1), as far as one mechanism alone is offered.</summary>
/// <remarks>Object identifiers are compared as they are encoded, so that no peer's numbers are ever computed with.</remarks>
internal static class SpnegoTokens
{
    /// <summary>The blob's length in SESSION_SETUP has 16 bits (MS-SMB2, 2.2.6).</summary>
    public const int MaxBytes = ushort.MaxValue;

    private const int MaxMechanisms = 64;

    private static readonly Asn1Tag s_initial = new(TagClass.Application, 0, isConstructed: true);

    /// <summary>NTLM alone, as a MechTypeList: what the mechListMIC is computed of.</summary>
    public static ReadOnlySpan<byte> Mechanisms => [0x30, 0x0C, 0x06, 0x0A, 0x2B, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37, 0x02, 0x02, 0x0A];

    // 1.3.6.1.4.1.311.2.2.10 (MS-NLMP, 3.1.5).
    private static ReadOnlySpan<byte> Ntlm => Mechanisms[2..];

    // 1.3.6.1.5.5.2 (RFC 4178, 3).
    private static ReadOnlySpan<byte> Spnego => [0x06, 0x06, 0x2B, 0x06, 0x01, 0x05, 0x05, 0x02];

    /// <summary>Whether it is NTLM without SPNEGO around it.</summary>
    public static bool IsRawNtlm(ReadOnlySpan<byte> blob) => blob.StartsWith(NtlmMessages.Signature);

    /// <summary>Reads what a peer offers: NegTokenInit, or Windows' NegTokenInit2 (MS-SPNG, 2.2.1).</summary>
    /// <param name="blob">Hostile; at most <see cref="MaxBytes"/>.</param>
    /// <param name="hasNtlm">Whether NTLM is among it.</param>
    /// <returns>Whether it is well-formed.</returns>
    public static bool TryReadOffer(ReadOnlyMemory<byte> blob, out bool hasNtlm)
    {
        hasNtlm = false;
        try
        {
            var whole = new AsnReader(blob, AsnEncodingRules.BER);
            var initial = whole.ReadSequence(s_initial);
            if (whole.HasData || !initial.ReadEncodedValue().Span.SequenceEqual(Spnego))
            {
                return false;
            }

            var choice = initial.ReadSequence(Context(0));
            var token = choice.ReadSequence();
            if (initial.HasData || choice.HasData)
            {
                return false;
            }

            var wrapper = token.ReadSequence(Context(0));
            var mechanisms = wrapper.ReadSequence();
            for (var count = 0; mechanisms.HasData; count++)
            {
                var mechanism = mechanisms.ReadEncodedValue().Span;
                if (count == MaxMechanisms || mechanism[0] != 0x06)
                {
                    return false;
                }

                hasNtlm |= mechanism.SequenceEqual(Ntlm);
            }

            // Flags, hints, a first token of another mechanism: of no interest, as long as they are something.
            while (token.HasData)
            {
                token.ReadEncodedValue();
            }

            return !wrapper.HasData;
        }
        catch (AsnContentException)
        {
            return false;
        }
    }

    /// <summary>Reads an answer.</summary>
    /// <param name="blob">Hostile; at most <see cref="MaxBytes"/>.</param>
    /// <param name="response">Its parts.</param>
    /// <returns>Whether it is well-formed.</returns>
    public static bool TryReadResponse(ReadOnlyMemory<byte> blob, out SpnegoResponse response)
    {
        response = default;
        try
        {
            var whole = new AsnReader(blob, AsnEncodingRules.BER);
            var choice = whole.ReadSequence(Context(1));
            var token = choice.ReadSequence();
            if (whole.HasData || choice.HasData)
            {
                return false;
            }

            SpnegoState? state = null;
            ReadOnlyMemory<byte>? mic = null;
            var isOther = false;
            var inner = ReadOnlyMemory<byte>.Empty;
            if (Next(token, 0) is { } stateField)
            {
                var number = stateField.ReadEnumeratedBytes().Span;
                if (stateField.HasData || number.Length != 1 || number[0] > (byte)SpnegoState.RequestMic)
                {
                    return false;
                }

                state = (SpnegoState)number[0];
            }

            if (Next(token, 1) is { } mechanism)
            {
                isOther = !mechanism.ReadEncodedValue().Span.SequenceEqual(Ntlm) || mechanism.HasData;
            }

            if (Next(token, 2) is { } innerField)
            {
                inner = innerField.ReadOctetString();
                if (innerField.HasData)
                {
                    return false;
                }
            }

            if (Next(token, 3) is { } micField)
            {
                mic = micField.ReadOctetString();
                if (micField.HasData)
                {
                    return false;
                }
            }

            response = new(state, isOther, inner, mic);
            return !token.HasData;
        }
        catch (AsnContentException)
        {
            return false;
        }
    }

    /// <summary>Makes the client's first token, NegTokenInit: NTLM alone, and its first message at once.</summary>
    public static byte[] Initial(ReadOnlySpan<byte> token)
    {
        var writer = new AsnWriter(AsnEncodingRules.DER);
        using (writer.PushSequence(s_initial))
        {
            writer.WriteEncodedValue(Spnego);
            using (writer.PushSequence(Context(0)))
            using (writer.PushSequence())
            {
                using (writer.PushSequence(Context(0)))
                {
                    writer.WriteEncodedValue(Mechanisms);
                }

                using (writer.PushSequence(Context(2)))
                {
                    writer.WriteOctetString(token);
                }
            }
        }

        return writer.Encode();
    }

    /// <summary>Makes a NegTokenResp.</summary>
    /// <param name="state">How far the sender is.</param>
    /// <param name="isFirst">Whether it names the mechanism, as a peer's first one does.</param>
    /// <param name="token">The mechanism's own token, or empty.</param>
    /// <param name="mic">The mechListMIC, or empty.</param>
    public static byte[] Response(SpnegoState state, bool isFirst, ReadOnlySpan<byte> token, ReadOnlySpan<byte> mic)
    {
        var writer = new AsnWriter(AsnEncodingRules.DER);
        using (writer.PushSequence(Context(1)))
        using (writer.PushSequence())
        {
            using (writer.PushSequence(Context(0)))
            {
                writer.WriteEncodedValue([0x0A, 1, (byte)state]);
            }

            if (isFirst)
            {
                using (writer.PushSequence(Context(1)))
                {
                    writer.WriteEncodedValue(Ntlm);
                }
            }

            if (!token.IsEmpty)
            {
                using (writer.PushSequence(Context(2)))
                {
                    writer.WriteOctetString(token);
                }
            }

            if (!mic.IsEmpty)
            {
                using (writer.PushSequence(Context(3)))
                {
                    writer.WriteOctetString(mic);
                }
            }
        }

        return writer.Encode();
    }

    // The fields are optional, and in this order.
    private static AsnReader? Next(AsnReader token, int number) =>
        token.HasData && token.PeekTag().HasSameClassAndValue(Context(number)) ? token.ReadSequence(Context(number)) : null;

    private static Asn1Tag Context(int number) => new(TagClass.ContextSpecific, number, isConstructed: true);
}
