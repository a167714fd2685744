using System.Collections.Immutable;
using System.Formats.Asn1;
using System.Security.Cryptography;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Images.Signatures;
using RomFlash.Sdk.Tests.Compatibility.Trust;

namespace RomFlash.Sdk.Tests.Images.Signatures;

/// <summary>Bytes that anybody made up.</summary>
public sealed class MutatedSignatureTests
{
    private static readonly byte[] Masks = [1, 2, 0x04, 0x20, 0x80, 0xFF];

    // Nothing may read as trusted but by the one who signed; and then what was changed is something that nobody relies on.
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Verify_AnyByteOfAPinnedSignersSignatureChanged_IsTrustedOnlyWhereNobodyReliesOnIt(bool hasAttributes)
    {
        var signature = new CmsBuilder { HasAttributes = hasAttributes }.Build();
        var certificate = signature.AsSpan().IndexOf(Signers.Pinned.RawData);
        var trusted = Sweep(signature, CmsBuilder.Trusting(Signers.Pinned), Signers.Pinned.RawData);

        // The caller has the certificate, so that the copy in the signature is of no weight: where its number or its issuer no longer fit, it is no longer the
        // signer's; and where its tag ([0] before it) is another one, it is no certificate.
        var elsewhere = trusted.Where(i => i < certificate - 4 || i >= certificate + Signers.Pinned.RawData.Length).ToList();
        Assert.All(elsewhere, i => Assert.Contains(i, (IEnumerable<int>)Versions(signature)));
        Assert.True(trusted.Length < 120, $"{trusted.Length} of {signature.Length} bytes do not matter");
    }

    [Fact]
    public void Verify_AnyByteOfAChainedSignersSignatureChanged_IsTrustedOnlyWhereNobodyReliesOnIt()
    {
        using var intermediate = Signers.Issued(Signers.Root, "CN=Intermediate", usage: null, isAuthority: true);
        using var signer = Signers.Issued(intermediate);
        var signature = new CmsBuilder { Signer = signer, Certificates = [signer.RawData, intermediate.RawData] }.Build();

        var trusted = Sweep(signature, CmsBuilder.Trusting(Signers.Root), signer.RawData);

        Assert.All(trusted, i => Assert.Contains(i, (IEnumerable<int>)Versions(signature)));
    }

    [Fact]
    public void Verify_AnyByteOfAStrangersSignatureChanged_IsNeverBetter()
    {
        using var stranger = Signers.SelfSigned("CN=Somebody");

        Assert.Empty(Sweep(new CmsBuilder { Signer = stranger }.Build(), CmsBuilder.Trusting(Signers.Pinned, Signers.Root), stranger.RawData));
    }

    [Fact]
    public void Verify_AnyByteOfAWrongSignatureChanged_StaysInvalid()
    {
        var signature = new CmsBuilder().Build();
        var content = CmsBuilder.Image.ToArray();
        content[7] ^= 1;
        for (var i = 0; i < signature.Length; i++)
        {
            foreach (var mask in Masks)
            {
                var changed = signature.ToArray();
                changed[i] ^= mask;
                Assert.Equal(ImageSignatureStatus.Invalid, CmsBuilder.Check(changed, content, CmsBuilder.Trusting(Signers.Pinned)).Status);
            }
        }
    }

    [Fact]
    public void Verify_AnyByteOfAnRsaSignaturesValueChanged_IsInvalid()
    {
        var signature = new CmsBuilder { Signer = CmsBuilder.Rsa.Value }.Build();
        for (var i = signature.Length - 256; i < signature.Length; i++)
        {
            var changed = signature.ToArray();
            changed[i] ^= 1;
            Assert.Equal(ImageSignatureStatus.Invalid, CmsBuilder.Check(changed, CmsBuilder.Image, CmsBuilder.Trusting(CmsBuilder.Rsa.Value)).Status);
        }
    }

    [Fact]
    public void Verify_CutAnywhere_IsInvalid()
    {
        var signature = new CmsBuilder().Build();
        for (var length = 0; length < signature.Length; length++)
        {
            Assert.Equal(ImageSignatureStatus.Invalid, CmsBuilder.Check(signature.AsMemory(0, length), CmsBuilder.Image, CmsBuilder.Trusting(Signers.Pinned)).Status);
        }
    }

    [Fact]
    public void Verify_RandomChanges_NeverThrowAndNeverNameAnother()
    {
        const int Seed = 20_270;
        var random = new Random(Seed);
        var signature = new CmsBuilder { Signer = CmsBuilder.Rsa.Value }.Build();
        var statuses = new int[4];
        for (var round = 0; round < 4000; round++)
        {
            var changed = signature.ToList();
            for (var i = random.Next(1, 4); i > 0; i--)
            {
                var at = random.Next(changed.Count);
                switch (random.Next(4))
                {
                    case 0:
                        changed[at] = (byte)random.Next(256);
                        break;
                    case 1:
                        changed.RemoveAt(at);
                        break;
                    case 2:
                        changed.Insert(at, (byte)random.Next(256));
                        break;
                    default:
                        changed.InsertRange(at, changed.GetRange(random.Next(at + 1), Math.Min(40, changed.Count - at)));
                        break;
                }
            }

            var found = CmsBuilder.Check(changed.ToArray(), CmsBuilder.Image, CmsBuilder.Trusting(CmsBuilder.Rsa.Value));
            statuses[(int)found.Status]++;
            if (found.Status == ImageSignatureStatus.Trusted)
            {
                Assert.Equal(Convert.ToHexStringLower(SHA256.HashData(CmsBuilder.Rsa.Value.RawData)), found.SignerSha256);
            }
        }

        Assert.Equal(0, statuses[(int)ImageSignatureStatus.Unsigned]);
        Assert.True(statuses[(int)ImageSignatureStatus.Invalid] > 3000, string.Join(", ", statuses));
    }

    // Each of these takes seconds or the stack where it is read without care.
    [Theory]
    [InlineData("indefinite")]
    [InlineData("definite")]
    [InlineData("strings")]
    [InlineData("oid")]
    [InlineData("arcs")]
    [InlineData("integer")]
    [InlineData("certificates")]
    public void Verify_LargestHostileBytes_IsInvalid(string kind)
    {
        const int Length = CmsSignature.MaxLength;
        var bytes = new byte[Length];
        switch (kind)
        {
            case "indefinite":
                for (var i = 0; i + 1 < Length; i += 2)
                {
                    (bytes[i], bytes[i + 1]) = (0x30, 0x80);
                }

                break;
            case "definite":
                for (var i = 0; i + 5 < Length; i += 5)
                {
                    Put(bytes, i, 0x30, Length - i - 5);
                }

                break;
            case "strings":
                // The signer's key identifier, as a string of strings of strings.
                byte[] before = [0x30, 0x80, 2, 1, 1, 0x31, 0, 0x30, 0x0B, 6, 9, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 1, 7, 1, 0x31, 0x80, 0x30, 0x80, 2, 1, 3];
                before.CopyTo(bytes, 0);
                (bytes[before.Length], bytes[before.Length + 1]) = (0xA0, 0x80);
                for (var i = before.Length + 2; i + 1 < Length; i += 2)
                {
                    (bytes[i], bytes[i + 1]) = (0x24, 0x80);
                }

                break;
            case "oid":
            case "arcs":
                Put(bytes, 0, 0x30, Length - 5);
                Put(bytes, 5, 0x06, Length - 10);
                bytes.AsSpan(10).Fill(kind == "oid" ? (byte)0x81 : (byte)0x01);
                bytes[^1] = 1;
                break;
            case "integer":
                Put(bytes, 0, 0x30, Length - 5);
                Put(bytes, 5, 0x02, Length - 10);
                bytes.AsSpan(10).Fill(0x7F);
                break;
            default:
                bytes = new CmsBuilder { Certificates = [.. Enumerable.Range(0, 64).Select(i => Signers.Pinned.RawData)], Signatures = 8 }.Build();
                bytes[^1] ^= 1;
                break;
        }

        Assert.Equal(ImageSignatureStatus.Invalid, CmsBuilder.Check(bytes, CmsBuilder.Image, CmsBuilder.Trusting(Signers.Pinned)).Status);
    }

    private static void Put(byte[] bytes, int at, byte tag, int length)
    {
        (bytes[at], bytes[at + 1]) = (tag, 0x83);
        (bytes[at + 2], bytes[at + 3], bytes[at + 4]) = ((byte)(length >> 16), (byte)(length >> 8), (byte)length);
    }

    /// <summary>Changes each byte in several ways, and gives the places where the signature was trusted all the same.</summary>
    private static ImmutableArray<int> Sweep(byte[] signature, ImageSignatureTrust trust, byte[] signer)
    {
        var before = CmsBuilder.Check(signature, CmsBuilder.Image, trust).Status;
        var trusted = ImmutableArray.CreateBuilder<int>();
        for (var i = 0; i < signature.Length; i++)
        {
            foreach (var mask in Masks)
            {
                var changed = signature.ToArray();
                changed[i] ^= mask;
                var found = CmsBuilder.Check(changed, CmsBuilder.Image, trust);
                Assert.NotEqual(ImageSignatureStatus.Unsigned, found.Status);
                Assert.True(found.Status <= before, $"byte {i}: {found}");
                if (found.Status == ImageSignatureStatus.Trusted)
                {
                    Assert.Equal(Convert.ToHexStringLower(SHA256.HashData(signer)), found.SignerSha256);
                    trusted.Add(i);
                }
            }
        }

        return [.. trusted.Distinct()];
    }

    /// <summary>Where the two versions are, of the SignedData and of its one signer: several are in use, and nothing is read differently.</summary>
    private static ImmutableArray<int> Versions(byte[] signature)
    {
        var reader = new AsnReader(signature, AsnEncodingRules.DER).ReadSequence();
        reader.ReadObjectIdentifier();
        var data = reader.ReadSequence(new Asn1Tag(TagClass.ContextSpecific, 0)).ReadSequence();
        var first = data.PeekEncodedValue();
        var all = data.ReadEncodedValue();
        while (data.HasData)
        {
            all = data.ReadEncodedValue();
        }

        var signer = new AsnReader(all, AsnEncodingRules.DER).ReadSetOf().ReadSequence().ReadEncodedValue();
        return [At(first), At(signer)];

        int At(ReadOnlyMemory<byte> value) => signature.AsSpan().Overlaps(value.Span, out var offset) ? offset + 2 : throw new InvalidOperationException();
    }
}
