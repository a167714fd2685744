using System.Formats.Asn1;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Images.Signatures;
using RomFlash.Sdk.Tests.Compatibility.Trust;

namespace RomFlash.Sdk.Tests.Images.Signatures;

/// <summary>Structure and mathematics of signatures; who is trusted is in <see cref="SignatureRulesTests"/>.</summary>
public sealed class CmsSignatureTests
{
    private static readonly ImageSignatureTrust Trust = CmsBuilder.Trusting(Signers.Pinned, CmsBuilder.Rsa.Value);

    [Fact]
    public void Verify_SignedByPinned_IsTrustedAndNamesTheSigner()
    {
        var found = CmsBuilder.Check(new CmsBuilder().Build(), CmsBuilder.Image, Trust);

        Assert.Equal(
            new RomImageSignature
            {
                Kind = "test",
                Status = ImageSignatureStatus.Trusted,
                Signer = "CN=Catalog signer",
                SignerSha256 = Convert.ToHexStringLower(SHA256.HashData(Signers.Pinned.RawData)),
                DigestAlgorithm = "SHA-256",
            },
            found);
    }

    [Fact]
    public void Verify_WithAndWithoutWrapperAndAttributesByRsaAndEcdsa_IsTrusted()
    {
        foreach (var signer in (X509Certificate2[])[Signers.Pinned, CmsBuilder.Rsa.Value])
        {
            foreach (var (isWrapped, hasAttributes) in (ReadOnlySpan<(bool, bool)>)[(true, true), (true, false), (false, true), (false, false)])
            {
                AssertTrusted(new CmsBuilder { Signer = signer, IsWrapped = isWrapped, HasAttributes = hasAttributes }.Build());
            }
        }
    }

    [Fact]
    public void Verify_IndefiniteLengths_IsTrusted()
    {
        // The attributes as well: they are signed with a definite one.
        var signature = ToIndefinite(new CmsBuilder().Build(), 0);

        Assert.Equal([0x30, 0x80], signature[..2]);
        AssertTrusted(signature);
        AssertTrusted(ToIndefinite(new CmsBuilder { IsWrapped = false }.Build(), 2));
        for (var length = 0; length < signature.Length; length++)
        {
            AssertInvalid("", signature[..length]);
        }
    }

    [Fact]
    public void Verify_AnyByteOfTheContentChanged_IsInvalid()
    {
        foreach (var hasAttributes in (bool[])[true, false])
        {
            var signature = new CmsBuilder { HasAttributes = hasAttributes }.Build();
            for (var i = 0; i < CmsBuilder.Image.Length; i++)
            {
                var changed = CmsBuilder.Image.ToArray();
                changed[i] ^= 0x10;
                Assert.Equal(ImageSignatureStatus.Invalid, CmsBuilder.Check(signature, changed, Trust).Status);
            }

            AssertInvalid("content was changed", signature, CmsBuilder.Image[..^1]);
            AssertInvalid("content was changed", signature, [.. CmsBuilder.Image, 0]);
            AssertInvalid("content was changed", signature, []);
        }
    }

    [Fact]
    public void Verify_ContentInAnyPieces_IsTheSame()
    {
        Assert.True(CmsSignature.TryParse(new CmsBuilder().Build(), out var signature, out _));
        for (var size = 1; size <= CmsBuilder.Image.Length; size += 13)
        {
            using var digests = signature.CreateDigests();
            foreach (var piece in CmsBuilder.Image.Chunk(size))
            {
                digests.Append(piece);
                Assert.NotEqual(ImageSignatureStatus.Unsigned, signature.Verify("test", digests, Trust).Status);
            }

            Assert.Equal(ImageSignatureStatus.Trusted, signature.Verify("test", digests, Trust).Status);
        }
    }

    [Fact]
    public void Verify_TrailingBytes_IsInvalid() => AssertInvalid("follows", (byte[])[.. new CmsBuilder().Build(), 0]);

    [Fact]
    public void Verify_ContentOfItsOwn_IsInvalidEvenWhenItIsTheImage()
    {
        AssertInvalid("content of its own", new CmsBuilder { Embedded = CmsBuilder.Image }.Build());
        AssertInvalid("content of its own", new CmsBuilder { Embedded = [] }.Build());
    }

    [Fact]
    public void Verify_OfAnotherType_IsInvalid()
    {
        AssertInvalid("plain data", new CmsBuilder { ContentType = "1.3.6.1.4.1.311.2.1.4" }.Build());
        AssertInvalid("plain data", new CmsBuilder { ContentType = "1.3.6.1.4.1.311.2.1.4", HasAttributes = false }.Build());
        AssertInvalid("plain data", new CmsBuilder { AttributeContentType = "1.3.6.1.4.1.311.2.1.4" }.Build());
        AssertInvalid("another kind", new CmsBuilder { OuterType = "1.2.840.113549.1.7.3" }.Build());
    }

    [Theory]
    [InlineData(0, 1)]
    [InlineData(1, 0)]
    [InlineData(2, 1)]
    [InlineData(1, 2)]
    public void Verify_AttributesMissingOrTwice_IsInvalid(int types, int digests) =>
        AssertInvalid("one content type and one digest", new CmsBuilder { ContentTypes = types, MessageDigests = digests }.Build());

    [Fact]
    public void Verify_WeakDigest_IsInvalidAndNamesIt()
    {
        var found = CmsBuilder.Check(Signers.SignLoosely(CmsBuilder.Image, [Signers.Pinned], Signers.Sha1), CmsBuilder.Image, Trust);

        Assert.Equal(ImageSignatureStatus.Invalid, found.Status);
        Assert.Equal("sha1", found.DigestAlgorithm);
        Assert.Equal("CN=Catalog signer", found.Signer);
        Assert.Contains("the digest sha1", found.Why, StringComparison.Ordinal);
        Assert.Equal(ImageSignatureStatus.Invalid, CmsBuilder.Check(Signers.SignLoosely(CmsBuilder.Image, [CmsBuilder.Rsa.Value], "1.2.840.113549.2.5"), CmsBuilder.Image, Trust).Status);
    }

    [Fact]
    public void Verify_DigestThatIsNotListed_IsInvalid() => AssertInvalid("not among those", new CmsBuilder { Listed = [CmsBuilder.Sha384] }.Build());

    [Fact]
    public void Verify_AlgorithmOfAnotherDigest_IsInvalid() =>
        AssertInvalid("SHA-384", new CmsBuilder { Algorithm = CmsBuilder.AlgorithmOf("1.2.840.10045.4.3.3") }.Build());

    [Fact]
    public void Verify_UnknownAlgorithm_IsInvalid()
    {
        // ECDSA with SHA-1, Ed25519, RSA with SHA-1.
        foreach (var oid in (string[])["1.2.840.10045.4.1", "1.3.101.112", "1.2.840.113549.1.1.5"])
        {
            AssertInvalid("not accepted", new CmsBuilder { Algorithm = CmsBuilder.AlgorithmOf(oid) }.Build());
        }
    }

    [Fact]
    public void Verify_AlgorithmOfAnotherFamilyThanTheKey_IsInvalid()
    {
        AssertInvalid("wrong", new CmsBuilder { Algorithm = CmsBuilder.AlgorithmOf("1.2.840.113549.1.1.1") }.Build());
        AssertInvalid("wrong", new CmsBuilder { Signer = CmsBuilder.Rsa.Value, Algorithm = CmsBuilder.AlgorithmOf(CmsBuilder.EcdsaSha256) }.Build());
    }

    [Fact]
    public void Verify_PssWithItsDefaults_IsInvalid()
    {
        // Left out is SHA-1.
        byte[] defaults = CmsBuilder.AlgorithmOf("1.2.840.113549.1.1.10", w => w.PushSequence().Dispose());

        AssertInvalid("RSA-PSS", new CmsBuilder { Signer = CmsBuilder.Rsa.Value, Algorithm = defaults }.Build());
    }

    [Fact]
    public void Verify_WithoutItsCertificate_TakesTheTrustedOneThatFits()
    {
        var signature = new CmsBuilder { Certificates = [] }.Build();

        AssertTrusted(signature);
        var found = CmsBuilder.Check(signature, CmsBuilder.Image, CmsBuilder.Trusting(CmsBuilder.Rsa.Value));
        Assert.Equal(ImageSignatureStatus.Invalid, found.Status);
        Assert.Contains("no trusted certificate fits", found.Why, StringComparison.Ordinal);
        Assert.Equal(ImageSignatureStatus.Invalid, CmsBuilder.Check(signature, CmsBuilder.Image, null).Status);
    }

    [Fact]
    public void Verify_CertificateNamedByItsKey_IsTrusted()
    {
        AssertTrusted(new CmsBuilder { Signer = CmsBuilder.Rsa.Value, IsByKey = true }.Build());
        AssertTrusted(new CmsBuilder { Signer = CmsBuilder.Rsa.Value, IsByKey = true, Certificates = [] }.Build());
    }

    [Fact]
    public void Verify_CertificateOfTheSameNameAndNumberButAnotherKey_IsInvalid()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest(Signers.Pinned.SubjectName, key, HashAlgorithmName.SHA256);
        using var impostor = request.Create(Signers.Pinned.SubjectName, X509SignatureGenerator.CreateForECDsa(key), Signers.From, Signers.To, Signers.Pinned.SerialNumberBytes.ToArray());

        AssertInvalid("wrong", new CmsBuilder { Certificates = [impostor.RawData] }.Build());
    }

    [Fact]
    public void Verify_SeveralSigners_AllHaveToBeRightAndOneTrusted()
    {
        using var stranger = Signers.SelfSigned("CN=Somebody");
        using var other = Signers.SelfSigned("CN=Somebody else");
        var both = Signers.SignLoosely(CmsBuilder.Image, [stranger, Signers.Pinned]);
        var strangers = CmsBuilder.Check(Signers.SignLoosely(CmsBuilder.Image, [stranger, other]), CmsBuilder.Image, Trust);

        AssertTrusted(both);
        Assert.Equal(ImageSignatureStatus.SignerUntrusted, strangers.Status);
        Assert.Contains("CN=Somebody", strangers.Signer, StringComparison.Ordinal);
        Assert.Contains("CN=Somebody", strangers.Why, StringComparison.Ordinal);

        // The value of one of two, wherever it is.
        var wrong = both.ToArray();
        wrong[^1] ^= 1;
        AssertInvalid("wrong", wrong);
    }

    [Fact]
    public void Verify_SignersWithSeveralDigests_AreAllComputed()
    {
        var cms = new System.Security.Cryptography.Pkcs.SignedCms(new(CmsBuilder.Image), detached: true);
        foreach (var digest in (string[])[CmsBuilder.Sha256, CmsBuilder.Sha384, "2.16.840.1.101.3.4.2.3"])
        {
            cms.ComputeSignature(new(System.Security.Cryptography.Pkcs.SubjectIdentifierType.IssuerAndSerialNumber, CmsBuilder.Rsa.Value) { DigestAlgorithm = new(digest) }, silent: true);
        }

        AssertTrusted(cms.Encode());
    }

    [Fact]
    public void TryParse_Bounds_AreHeld()
    {
        AssertTrusted(new CmsBuilder { Signatures = CmsSignature.MaxSigners }.Build());
        AssertInvalid("signers", new CmsBuilder { Signatures = CmsSignature.MaxSigners + 1 }.Build());
        AssertInvalid("no signer", new CmsBuilder { Signatures = 0 }.Build());
        AssertTrusted(new CmsBuilder { Certificates = [.. Enumerable.Repeat(Signers.Pinned.RawData, CmsSignature.MaxCertificates)] }.Build());
        AssertInvalid("certificates", new CmsBuilder { Certificates = [.. Enumerable.Repeat(Signers.Pinned.RawData, CmsSignature.MaxCertificates + 1)] }.Build());
        AssertInvalid("digests", new CmsBuilder { Listed = [.. Enumerable.Repeat(CmsBuilder.Sha256, 9)] }.Build());

        // Revocation lists are not read, so that they can fill a signature up to the byte; RSA's values are all of one length.
        var plain = new CmsBuilder { Signer = CmsBuilder.Rsa.Value, Revocations = [0xA1, 0x83, .. Length(1 << 19), .. new byte[1 << 19]] }.Build().Length;
        AssertTrusted(Filled(CmsSignature.MaxLength - plain + (1 << 19)));
        AssertInvalid("larger", Filled(CmsSignature.MaxLength - plain + (1 << 19) + 8));

        static byte[] Filled(int count) => new CmsBuilder { Signer = CmsBuilder.Rsa.Value, Revocations = [0xA1, 0x83, .. Length(count), .. new byte[count]] }.Build();
        static byte[] Length(int count) => [(byte)(count >> 16), (byte)(count >> 8), (byte)count];
    }

    [Fact]
    public void Verify_CertificatesThatAreNone_IsInvalid()
    {
        AssertInvalid("can't be read", new CmsBuilder { Certificates = [Signers.Pinned.RawData, [0x30, 0]] }.Build());
        AssertInvalid("not X.509", new CmsBuilder { Certificates = [Signers.Pinned.RawData, [0xA1, 0]] }.Build());
    }

    [Fact]
    public void Verify_UnsignedAttributesAndRevocationLists_AreNotLookedAt() =>
        AssertTrusted(new CmsBuilder { Unsigned = [0xA1, 2, 0x30, 0], Revocations = [0xA1, 2, 0x30, 0] }.Build());

    [Fact]
    public void Verify_AttributesOfAnotherSignatureAsContent_IsInvalid()
    {
        // What was signed in the name of an image are its attributes. Nobody may pass them off as an image that was signed without any.
        var signature = new CmsBuilder().Build();
        var at = signature.AsSpan().IndexOf(new byte[] { 0xA0, 0x4B, 0x30, 0x18 });
        Assert.True(at > 0, "the attributes moved");
        byte[] attributes = [0x31, .. signature.AsSpan(at + 1, 0x4B + 1)];
        var stripped = Strip(signature, at, 0x4B + 2);

        AssertInvalid("set of attributes", stripped, attributes);
    }

    [Fact]
    public void Verify_ContentThatBeginsLikeASet_IsTrustedUnlessItIsOne()
    {
        foreach (var (content, isSet) in (ReadOnlySpan<(byte[], bool)>)
        [
            ([0x31], false), ([0x31, 0], true), ([0x31, 1], false), ([0x31, 0x80, 0, 0], false), ([0x31, 0x81, 3, 1, 2, 3], true), ([0x31, 0x81, 3, 1, 2, 3, 4], false),
            ([0x31, 0x88, 0, 0, 0, 0, 0, 0, 0, 1, 7], true), ([0x31, 0x89, 0, 0, 0, 0, 0, 0, 0, 0, 1, 7], false), ([0x31, 0x88, 255, 255, 255, 255, 255, 255, 255, 255, 7], false), ([0x30, 0], false),
        ])
        {
            var found = CmsBuilder.Check(new CmsBuilder { HasAttributes = false }.Build(content), content, Trust);
            Assert.Equal(isSet ? ImageSignatureStatus.Invalid : ImageSignatureStatus.Trusted, found.Status);
            Assert.Equal(ImageSignatureStatus.Trusted, CmsBuilder.Check(new CmsBuilder().Build(content), content, Trust).Status);
        }
    }

    [Fact]
    public void Verify_DigestsOfAnotherSignature_IsMisuse()
    {
        Assert.True(CmsSignature.TryParse(new CmsBuilder().Build(), out var signature, out _));
        using var digests = new SignedDigests(HashAlgorithmName.SHA512);

        Assert.Throws<ArgumentException>(() => signature.Verify("test", digests, Trust));
    }

    [Fact]
    public void TryAppend_LargeContent_HoldsNoneOfIt()
    {
        const long Length = (96 << 20) + 5;
        var content = new CountingContent(Length);
        using var digests = new SignedDigests(HashAlgorithmName.SHA256);
        using var expected = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Assert.True(digests.TryAppend(content, 0, 1 << 20, CancellationToken.None));
        var before = GC.GetAllocatedBytesForCurrentThread();

        Assert.True(digests.TryAppend(content, 1 << 20, Length - (1 << 20), CancellationToken.None));

        Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < 1 << 20);
        var piece = new byte[1 << 20];
        for (long offset = 0; offset < Length; offset += piece.Length)
        {
            var part = piece.AsSpan(0, (int)Math.Min(piece.Length, Length - offset));
            Assert.True(content.TryRead(offset, part));
            expected.AppendData(part);
        }

        Assert.Equal(expected.GetHashAndReset(), digests.Of(HashAlgorithmName.SHA256));
    }

    [Fact]
    public void TryAppend_RangeOutsideOrUnreadable_IsFalse()
    {
        using var digests = new SignedDigests(HashAlgorithmName.SHA256);
        var content = new CountingContent(1000);

        foreach (var (offset, length) in (ReadOnlySpan<(long, long)>)[(-1, 1), (0, -1), (0, 1001), (1000, 1), (1001, 0), (long.MaxValue, long.MaxValue), (1, long.MaxValue)])
        {
            Assert.False(digests.TryAppend(content, offset, length, CancellationToken.None));
        }

        Assert.False(digests.TryAppend(new CountingContent(1000) { IsBroken = true }, 0, 10, CancellationToken.None));
        Assert.Equal(0, digests.Length);
        Assert.True(digests.TryAppend(content, 1000, 0, CancellationToken.None));
    }

    // Certificates and attributes stay as they were signed: they are what is in a [0] below that of the ContentInfo. So do names, deeper down.
    private static byte[] ToIndefinite(ReadOnlyMemory<byte> der, int depth)
    {
        var node = new AsnReader(der, AsnEncodingRules.DER);
        var tag = node.PeekTag();
        if (!tag.IsConstructed)
        {
            return der.ToArray();
        }

        var content = new List<byte>();
        for (var inner = new AsnReader(node.PeekContentBytes(), AsnEncodingRules.DER); inner.HasData;)
        {
            var child = inner.ReadEncodedValue();
            content.AddRange(depth > 4 || (depth > 1 && tag.TagClass == TagClass.ContextSpecific) ? child.ToArray() : ToIndefinite(child, depth + 1));
        }

        return [der.Span[0], 0x80, .. content, 0, 0];
    }

    private static byte[] Strip(byte[] der, int at, int count)
    {
        // Every definite length that spans the place shrinks. Each of them has two bytes here, but for the signer's own.
        byte[] stripped = [.. der.AsSpan(0, at), .. der.AsSpan(at + count)];
        Shrink(new AsnReader(der, AsnEncodingRules.DER), 0);
        return stripped;

        void Shrink(AsnReader reader, int start)
        {
            while (reader.HasData)
            {
                var tag = reader.PeekTag();
                var whole = reader.PeekEncodedValue();
                var content = reader.PeekContentBytes();
                var header = whole.Length - content.Length;
                if (tag.IsConstructed && start < at && start + whole.Length > at)
                {
                    var length = content.Length - count;
                    if (header == 4)
                    {
                        (stripped[start + 2], stripped[start + 3]) = ((byte)(length >> 8), (byte)length);
                    }
                    else if (header == 3)
                    {
                        Assert.True(length >= 128, "the encoding would get shorter");
                        stripped[start + 2] = (byte)length;
                    }
                    else
                    {
                        stripped[start + 1] = (byte)length;
                    }

                    Shrink(new AsnReader(content, AsnEncodingRules.DER), start + header);
                }

                start += whole.Length;
                reader.ReadEncodedValue();
            }
        }
    }

    private static void AssertTrusted(ReadOnlyMemory<byte> signature)
    {
        var found = CmsBuilder.Check(signature, CmsBuilder.Image, Trust);
        Assert.True(found.Status == ImageSignatureStatus.Trusted, found.Why);
        Assert.Empty(found.Why);
    }

    private static void AssertInvalid(string why, ReadOnlyMemory<byte> signature, byte[]? content = null)
    {
        var found = CmsBuilder.Check(signature, content ?? CmsBuilder.Image, Trust);
        Assert.Equal(ImageSignatureStatus.Invalid, found.Status);
        Assert.Contains(why, found.Why, StringComparison.Ordinal);
    }

    /// <summary>A content that is computed where it is read.</summary>
    private sealed class CountingContent(long length) : IRomImageContent
    {
        public bool IsBroken { get; init; }

        public string Name => "counting";

        public long Length => length;

        public bool TryRead(long offset, Span<byte> destination)
        {
            for (var i = 0; i < destination.Length; i++)
            {
                destination[i] = (byte)((offset + i) * 31 >> 3);
            }

            return !IsBroken && offset >= 0 && destination.Length <= length - offset;
        }
    }
}
