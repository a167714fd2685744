using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using RomFlash.Sdk.Compatibility;
using RomFlash.Sdk.Compatibility.Trust;
using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Testing;

namespace RomFlash.Sdk.Tests.Compatibility.Trust;

/// <summary>Who vouches for a catalog: right and wrong signatures, certificates, expiry, older editions.</summary>
public sealed class CatalogFileTests : IDisposable
{
    private static CatalogTrust Strict => new() { Certificates = [Signers.Pinned], History = new InMemoryCatalogHistory(), TimeProvider = new FixedTime(Signers.Now) };

    private readonly string _folder = Directory.CreateTempSubdirectory("romflash-trust-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Read_SignedByPinnedCertificate_IsTrustedAndNamesItsSigner()
    {
        var catalog = Catalog(7, expires: "2026-12-31T00:00:00Z");

        var layer = Accepted(await Read(catalog, Signers.Sign(catalog)));

        Assert.Equal("rack 7", layer.Provenance.Name);
        Assert.Equal(7, layer.Provenance.Serial);
        Assert.Equal(new DateTimeOffset(2026, 12, 31, 0, 0, 0, TimeSpan.Zero), layer.Provenance.Expires);
        Assert.Equal(Convert.ToHexStringLower(SHA256.HashData(catalog)), layer.Provenance.Sha256.ToString());
        Assert.Equal($"CN=Catalog signer, SHA-256 {Convert.ToHexStringLower(SHA256.HashData(Signers.Pinned.RawData))}", layer.Provenance.SignedBy);
        Assert.Empty(layer.Provenance.Accepted);
    }

    [Fact]
    public async Task Read_PemSignature_IsTrusted()
    {
        var catalog = Catalog(1);

        Accepted(await Read(catalog, Encoding.ASCII.GetBytes("text before\n" + PemEncoding.WriteString("PKCS7", Signers.Sign(catalog)) + "\n")));
        Accepted(await Read(catalog, Encoding.ASCII.GetBytes(PemEncoding.WriteString("CMS", Signers.Sign(catalog)))));
        Refused<CatalogUntrusted>(await Read(catalog, Encoding.ASCII.GetBytes(PemEncoding.WriteString("CERTIFICATE", Signers.Sign(catalog)))));
        Refused<CatalogUntrusted>(await Read(catalog, Encoding.ASCII.GetBytes(PemEncoding.WriteString("CMS", Signers.Sign(catalog)) + "\nmore")));
    }

    [Fact]
    public async Task Read_AnyByteOfTheCatalogChanged_IsRefusedEvenWithEveryOption()
    {
        var catalog = Catalog(1);
        var signature = Signers.Sign(catalog);
        for (var i = 0; i < catalog.Length; i++)
        {
            var changed = catalog.ToArray();
            changed[i] ^= 1;
            Refused<CatalogUntrusted>(await Read(changed, signature, Lenient()));
        }

        Refused<CatalogUntrusted>(await Read([.. catalog, (byte)'\n'], signature, Lenient()));
        Refused<CatalogUntrusted>(await Read(catalog[..^1], signature, Lenient()));
    }

    [Fact]
    public async Task Read_WrongSignatureOverMalformedCatalog_IsUntrustedAndNotParsed()
    {
        byte[] garbage = [.. "{\"romflashCatalog\":"u8];

        var failure = Refused<CatalogUntrusted>(await Read(garbage, Signers.Sign(Catalog(1)), Lenient()));

        Assert.DoesNotContain("line 1", failure.Detail, StringComparison.Ordinal);
        Refused<CatalogUnusable>(await Read(garbage, Signers.Sign(garbage)));
    }

    [Fact]
    public async Task Read_SignatureCutAtEveryByte_IsRefusedAndNeverThrows()
    {
        var catalog = Catalog(1);
        var signature = Signers.Sign(catalog);
        for (var length = 0; length < signature.Length; length++)
        {
            Refused<CatalogUntrusted>(await Read(catalog, signature[..length], Lenient()));
        }

        Refused<CatalogUntrusted>(await Read(catalog, [.. signature, 0], Lenient()));
    }

    [Fact]
    public async Task Read_SignatureWithOneByteChanged_NeverThrowsAndNeverNamesAnotherSigner()
    {
        var catalog = Catalog(1);
        var signature = Signers.Sign(catalog);
        var expected = Accepted(await Read(catalog, signature)).Provenance.SignedBy;
        var refused = 0;
        for (var i = 0; i < signature.Length; i++)
        {
            foreach (var mask in (byte[])[1, 0x20, 0x80, 0xFF])
            {
                var changed = signature.ToArray();
                changed[i] ^= mask;
                var result = await Read(catalog, changed, Fresh(Strict));
                if (result.TryGetValue(out var layer, out var failure))
                {
                    Assert.Equal(expected, layer.Provenance.SignedBy);
                }
                else
                {
                    Assert.Equal("RF4015", failure.Code);
                    refused++;
                }
            }
        }

        Assert.True(refused > signature.Length * 3, $"only {refused} of {signature.Length * 4} changes were noticed");
    }

    [Fact]
    public async Task Read_RandomBytesAsSignature_AreRefused()
    {
        const int Seed = 815;
        var random = new Random(Seed);
        for (var i = 0; i < 300; i++)
        {
            var bytes = new byte[random.Next(200)];
            random.NextBytes(bytes);
            if (bytes.Length > 0 && i % 2 == 0)
            {
                bytes[0] = 0x30;
            }

            Refused<CatalogUntrusted>(await Read(Catalog(1), bytes, Lenient()));
        }
    }

    [Fact]
    public async Task Read_SignedByStranger_IsRefusedEvenWhenUnsignedWouldPass()
    {
        var catalog = Catalog(1);
        using var stranger = Signers.SelfSigned("CN=Somebody");

        var failure = Refused<CatalogUntrusted>(await Read(catalog, Signers.Sign(catalog, stranger), Lenient()));

        Assert.Contains("CN=Somebody", failure.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Read_StrangerWithTheNameOfThePinnedSigner_IsRefused()
    {
        var catalog = Catalog(1);
        using var impostor = Signers.SelfSigned(Signers.Pinned.Subject);

        Refused<CatalogUntrusted>(await Read(catalog, Signers.Sign(catalog, impostor)));
    }

    [Fact]
    public async Task Read_AttachedSignature_IsRefused()
    {
        // It is right over the content that it holds, which is not the file.
        var catalog = Catalog(1);
        Refused<CatalogUntrusted>(await Read(Catalog(2), Signers.SignLoosely(catalog, [Signers.Pinned], detached: false)));
        Refused<CatalogUntrusted>(await Read(catalog, Signers.SignLoosely(catalog, [Signers.Pinned], detached: false)));
    }

    [Fact]
    public async Task Read_Sha1Signature_IsRefused()
    {
        var catalog = Catalog(1);

        var failure = Refused<CatalogUntrusted>(await Read(catalog, Signers.SignLoosely(catalog, [Signers.Pinned], Signers.Sha1)));

        Assert.Contains("digest", failure.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Read_SmallRsaKey_IsRefusedAndSignRefusesItToo()
    {
        var catalog = Catalog(1);
        using var small = Signers.SmallRsa(1024);

        var failure = Refused<CatalogUntrusted>(await Read(catalog, Signers.SignLoosely(catalog, [small]), Strict with { Certificates = [small] }));

        Assert.Contains("1024 bits", failure.Detail, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => Signers.Sign(catalog, small));
    }

    [Fact]
    public async Task Read_TwoSigners_OneTrustedIsEnoughAndTheOtherHasToBeRightToo()
    {
        var catalog = Catalog(1);
        using var stranger = Signers.SelfSigned("CN=Somebody");
        var signature = Signers.SignLoosely(catalog, [stranger, Signers.Pinned]);

        Assert.StartsWith("CN=Catalog signer", Accepted(await Read(catalog, signature)).Provenance.SignedBy, StringComparison.Ordinal);
        Refused<CatalogUntrusted>(await Read(catalog, Signers.SignLoosely(catalog, [stranger, Signers.Pinned], Signers.Sha1)));
    }

    [Fact]
    public async Task Read_SignatureWithoutItsCertificate_IsTrustedWhenThePinnedOneFits()
    {
        var catalog = Catalog(1);
        using var stranger = Signers.SelfSigned("CN=Somebody");

        Accepted(await Read(catalog, Signers.SignLoosely(catalog, [Signers.Pinned], include: X509IncludeOption.None), Strict with { Certificates = [stranger, Signers.Pinned] }));
        Refused<CatalogUntrusted>(await Read(catalog, Signers.SignLoosely(catalog, [stranger], include: X509IncludeOption.None)));
    }

    [Fact]
    public async Task Read_PinnedCertificateOutsideItsValidity_IsRefused()
    {
        var catalog = Catalog(1);
        foreach (var now in (DateTimeOffset[])[Signers.From.AddSeconds(-1), Signers.To.AddSeconds(1)])
        {
            Refused<CatalogUntrusted>(await Read(catalog, Signers.Sign(catalog), Lenient() with { TimeProvider = new FixedTime(now) }));
        }
    }

    [Fact]
    public async Task Read_SignerUnderTrustedRoot_NeedsCodeSigning()
    {
        var catalog = Catalog(1);
        var trust = Strict with { Certificates = [Signers.Root] };
        using var good = Signers.Issued(Signers.Root);
        using var server = Signers.Issued(Signers.Root, usage: "1.3.6.1.5.5.7.3.1");
        using var any = Signers.Issued(Signers.Root, usage: null);
        using var noSignatures = Signers.Issued(Signers.Root, keyUsage: X509KeyUsageFlags.KeyCertSign);

        Assert.StartsWith("CN=Issued", Accepted(await Read(catalog, Signers.Sign(catalog, good), trust)).Provenance.SignedBy, StringComparison.Ordinal);
        foreach (var wrong in (X509Certificate2[])[server, any, noSignatures])
        {
            Refused<CatalogUntrusted>(await Read(catalog, Signers.Sign(catalog, wrong), trust));
        }
    }

    [Fact]
    public async Task Read_SignerUnderTrustedRoot_OutsideItsValidityIsRefused()
    {
        var catalog = Catalog(1);
        using var shortLived = Signers.Issued(Signers.Root, to: Signers.Now.AddDays(-1));

        Refused<CatalogUntrusted>(await Read(catalog, Signers.Sign(catalog, shortLived), Lenient() with { Certificates = [Signers.Root] }));
    }

    [Fact]
    public async Task Read_SignerUnderIntermediate_NeedsTheIntermediateInTheSignature()
    {
        var catalog = Catalog(1);
        using var intermediate = Signers.Issued(Signers.Root, "CN=Intermediate", usage: null, isAuthority: true);
        using var signer = Signers.Issued(intermediate);
        var trust = Strict with { Certificates = [Signers.Root] };

        Accepted(await Read(catalog, Signers.SignLoosely(catalog, [signer], others: [intermediate]), trust));
        Refused<CatalogUntrusted>(await Read(catalog, Signers.Sign(catalog, signer), trust));
    }

    [Fact]
    public async Task Read_SignerUnderAnotherRootOfTheSameName_IsRefused()
    {
        var catalog = Catalog(1);
        using var other = Signers.Authority(Signers.Root.Subject);
        using var signer = Signers.Issued(other);

        Refused<CatalogUntrusted>(await Read(catalog, Signers.SignLoosely(catalog, [signer], others: [other]), Lenient() with { Certificates = [Signers.Root] }));
    }

    [Fact]
    public async Task Read_IssuedByAPinnedSigner_IsRefused()
    {
        // A pinned signer vouches for catalogs, not for other signers, even where another authority is trusted as well.
        var catalog = Catalog(1);
        using var issued = Signers.Issued(Signers.Pinned);

        Refused<CatalogUntrusted>(await Read(catalog, Signers.SignLoosely(catalog, [issued], others: [Signers.Pinned]), Strict with { Certificates = [Signers.Pinned, Signers.Root] }));
    }

    [Fact]
    public async Task Read_IssuedByASignerUnderTheRoot_IsRefused()
    {
        var catalog = Catalog(1);
        using var signer = Signers.Issued(Signers.Root, "CN=Signer");
        using var issued = Signers.Issued(signer);

        Refused<CatalogUntrusted>(await Read(catalog, Signers.SignLoosely(catalog, [issued], others: [signer]), Strict with { Certificates = [Signers.Root] }));
    }

    [Fact]
    public async Task Read_Unsigned_NeedsItsOwnOption()
    {
        var catalog = Catalog(1);

        Refused<CatalogUntrusted>(await Read(catalog, null, Lenient() with { AllowUnsigned = false }));
        var layer = Accepted(await Read(catalog, null, Strict with { AllowUnsigned = true }));
        AssertAccepts([CatalogWeakness.Unsigned], layer.Provenance);
        Assert.Empty(layer.Provenance.SignedBy);
    }

    [Fact]
    public async Task Read_Expired_NeedsItsOwnOptionFromTheVeryMoment()
    {
        var catalog = Catalog(1, expires: "2026-06-01T00:00:00Z");
        var signature = Signers.Sign(catalog);

        Accepted(await Read(catalog, signature, Strict with { TimeProvider = new FixedTime(Signers.Now.AddTicks(-1)) }));
        Refused<CatalogExpired>(await Read(catalog, signature, Lenient() with { AllowExpired = false }));
        AssertAccepts([CatalogWeakness.Expired], Accepted(await Read(catalog, signature, Lenient())).Provenance);
    }

    [Fact]
    public async Task Read_OlderThanSeen_NeedsItsOwnOption()
    {
        var trust = Fresh(Strict);
        var (older, newer) = (Catalog(41), Catalog(42));
        Accepted(await Read(older, Signers.Sign(older), trust));
        Accepted(await Read(newer, Signers.Sign(newer), trust));

        var failure = Refused<CatalogRolledBack>(await Read(older, Signers.Sign(older), trust with { AllowUnsigned = true, AllowExpired = true }));
        Assert.Contains("has the serial 41, and 42 was seen before", failure.Detail, StringComparison.Ordinal);
        AssertAccepts([CatalogWeakness.OlderThanSeen], Accepted(await Read(older, Signers.Sign(older), trust with { AllowOlder = true })).Provenance);
        Accepted(await Read(newer, Signers.Sign(newer), trust));
    }

    [Fact]
    public async Task Read_SameSerialWithOtherContent_IsRolledBackAndSignedAnewIsNot()
    {
        var trust = Fresh(Strict);
        var (one, other) = (Catalog(5), Catalog(5, expires: "2026-12-31T00:00:00Z"));
        Accepted(await Read(one, Signers.Sign(one), trust));

        Refused<CatalogRolledBack>(await Read(other, Signers.Sign(other), trust));
        Accepted(await Read(one, Signers.Sign(one), trust));
    }

    [Fact]
    public async Task Read_SignedWithoutSerial_NeedsTheOptionForOlderOnes()
    {
        var catalog = Catalog(null);

        Refused<CatalogRolledBack>(await Read(catalog, Signers.Sign(catalog), Fresh(Strict) with { AllowUnsigned = true, AllowExpired = true }));
        AssertAccepts([CatalogWeakness.OlderThanSeen], Accepted(await Read(catalog, Signers.Sign(catalog), Fresh(Strict) with { AllowOlder = true })).Provenance);
    }

    [Fact]
    public async Task Read_UnsignedWithoutSerial_IsUnsignedAloneUnlessASerialWasSeen()
    {
        var trust = Fresh(Strict) with { AllowUnsigned = true };
        var catalog = Catalog(3);

        AssertAccepts([CatalogWeakness.Unsigned], Accepted(await Read(Catalog(null), null, trust)).Provenance);
        Accepted(await Read(catalog, Signers.Sign(catalog), trust));
        Refused<CatalogRolledBack>(await Read(Catalog(null), null, trust));
    }

    [Fact]
    public async Task Read_UnsignedWithHugeSerial_DoesNotLockOutTheSignedOnes()
    {
        // Anybody can write a serial. One that nobody signed must not make the maker's catalogs look old.
        var trust = Fresh(Strict) with { AllowUnsigned = true };
        var signed = Catalog(3);
        Accepted(await Read(Catalog(long.MaxValue), null, trust));

        Accepted(await Read(signed, Signers.Sign(signed), trust));
        Refused<CatalogRolledBack>(await Read(Catalog(3), null, trust));
    }

    [Fact]
    public async Task Read_CatalogThatDidNotPass_LeavesTheHistoryAlone()
    {
        var trust = Fresh(Strict) with { AllowUnsigned = false };
        var expired = Catalog(99, expires: "2026-05-01T00:00:00Z");
        var malformed = Encoding.UTF8.GetBytes("{\"romflashCatalog\":1,\"name\":\"rack 7\",\"serial\":98,\"systems\":[7]}");
        Refused<CatalogExpired>(await Read(expired, Signers.Sign(expired), trust));
        Refused<CatalogUnusable>(await Read(malformed, Signers.Sign(malformed), trust));
        Refused<CatalogUntrusted>(await Read(Catalog(97), null, trust));
        Refused<CatalogUntrusted>(await Read(Catalog(96), Signers.Sign(Catalog(95)), trust));

        var catalog = Catalog(1);
        Accepted(await Read(catalog, Signers.Sign(catalog), trust));
    }

    [Fact]
    public async Task Load_FileWithItsSignatureBesideIt_IsTrusted()
    {
        var path = Write("catalog.json", Catalog(1));
        File.WriteAllBytes(path + ".p7s", Signers.Sign(Catalog(1)));

        Assert.Equal("rack 7", Accepted(await CatalogFile.LoadAsync(path, Fresh(Strict), CancellationToken.None)).Document.Name);
    }

    [Fact]
    public async Task Load_SignatureThatCannotBeRead_IsNotTakenForUnsigned()
    {
        var path = Write("catalog.json", Catalog(1));
        Directory.CreateDirectory(path + ".p7s");
        Refused<CatalogUntrusted>(await CatalogFile.LoadAsync(path, Lenient(), CancellationToken.None));

        Directory.Delete(path + ".p7s");
        using (var file = File.Create(path + ".p7s"))
        {
            file.SetLength(1L << 30);
        }

        Refused<CatalogUntrusted>(await CatalogFile.LoadAsync(path, Lenient(), CancellationToken.None));
    }

    [Fact]
    public async Task Load_HugeCatalog_IsRefusedBeforeItIsRead()
    {
        var path = Write("catalog.json", []);
        using (var file = File.OpenWrite(path))
        {
            file.SetLength(1L << 40);
        }

        Refused<CatalogUnusable>(await CatalogFile.LoadAsync(path, Lenient(), CancellationToken.None));
    }

    [Fact]
    public async Task LoadAll_TwoEditionsOfOneCatalog_AreNotMixed()
    {
        var trust = Fresh(Strict) with { AllowUnsigned = true };
        var (five, six, other) = (Write("5.json", Catalog(5)), Write("6.json", Catalog(6)), Write("other.json", Catalog(1, name: "other")));

        Assert.Equal(["rack 7", "other"], (await CatalogFile.LoadAllAsync([five, other], trust, CancellationToken.None)).GetValueOrThrow().Select(l => l.Document.Name));
        Assert.True((await CatalogFile.LoadAllAsync([five, other, six], trust, CancellationToken.None)).TryGetValue(out _, out var failure) is false);
        Assert.IsType<CatalogUnusable>(failure);
    }

    [Fact]
    public async Task LoadAsync_TrustedCatalog_DecidesAndNamesItsProvenance()
    {
        var path = Write("catalog.json", Catalog(1));

        var catalog = (await JsonCompatibilityCatalog.LoadAsync(path, Fresh(Strict) with { AllowUnsigned = true }, CancellationToken.None)).GetValueOrThrow();

        AssertAccepts([CatalogWeakness.Unsigned], Assert.Single(catalog.Catalogs));
        Assert.False((await JsonCompatibilityCatalog.LoadAsync(path, Fresh(Strict), CancellationToken.None)).TryGetValue(out _, out var failure));
        Assert.IsType<CatalogUntrusted>(failure);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task LoadAsync_ExpiresWhileInUse_IsRefusedOrNamedFromThatMomentOn(bool allow)
    {
        var clock = new SimulatedClock();
        var expires = clock.GetUtcNow().AddHours(1);
        var (mayfly, evergreen) = (Write("mayfly.json", Catalog(1, expires.UtcDateTime.ToString("s", System.Globalization.CultureInfo.InvariantCulture) + "Z")), Write("evergreen.json", Catalog(1, name: "evergreen")));
        var trust = new CatalogTrust { AllowUnsigned = true, AllowExpired = allow, History = new InMemoryCatalogHistory(), TimeProvider = clock };
        var catalog = (await JsonCompatibilityCatalog.LoadAsync([mayfly, evergreen], trust, CancellationToken.None)).GetValueOrThrow();

        clock.Advance(expires - clock.GetUtcNow() - TimeSpan.FromTicks(1));
        Assert.All(CatalogQuestions.Verdict(catalog, CatalogQuestions.Ask("A", 1, 3)).Catalogs, c => AssertAccepts([CatalogWeakness.Unsigned], c));

        clock.Advance(TimeSpan.FromTicks(1));
        var result = CatalogQuestions.Evaluate(catalog, CatalogQuestions.Ask("A", 1, 3));
        if (!allow)
        {
            Assert.IsType<CatalogExpired>(CatalogQuestions.Failure(result));
            Assert.All(catalog.Catalogs, c => AssertAccepts([CatalogWeakness.Unsigned], c));
            return;
        }

        var catalogs = result.GetValueOrThrow().Catalogs;
        AssertAccepts([CatalogWeakness.Unsigned, CatalogWeakness.Expired], catalogs[0]);
        AssertAccepts([CatalogWeakness.Unsigned], catalogs[1]);
        AssertAccepts([CatalogWeakness.Unsigned, CatalogWeakness.Expired], catalog.Catalogs[0]);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Read_HistoryDamaged_NeedsTheOptionForOlderOnesAndLeavesTheFileAsItIs(bool isSigned)
    {
        var path = Write("catalogs.json", Encoding.UTF8.GetBytes("{"));
        var trust = Strict with { AllowUnsigned = !isSigned, AllowExpired = true, History = new FileCatalogHistory(path, TimeProvider.System) };
        var catalog = Catalog(1);
        var signature = isSigned ? Signers.Sign(catalog) : null;

        var failure = Refused<CatalogRolledBack>(await Read(catalog, signature, trust));
        Assert.Contains("nobody can tell", failure.Detail, StringComparison.Ordinal);
        var layer = Accepted(await Read(catalog, signature, trust with { AllowOlder = true }));

        AssertAccepts(isSigned ? [CatalogWeakness.OlderThanSeen] : [CatalogWeakness.Unsigned, CatalogWeakness.OlderThanSeen], layer.Provenance);
        Assert.Equal("{", await File.ReadAllTextAsync(path));
    }

    [Fact]
    public async Task Read_HistoryCannotBeWritten_NeedsTheOptionForOlderOnes()
    {
        // Nothing was seen, and nothing can be remembered: the next older one would pass as well.
        var trust = Strict with { History = new FileCatalogHistory(Path.Combine(_folder, "missing", "catalogs.json"), TimeProvider.System) };
        var catalog = Catalog(1);

        Refused<CatalogRolledBack>(await Read(catalog, Signers.Sign(catalog), trust));
        AssertAccepts([CatalogWeakness.OlderThanSeen], Accepted(await Read(catalog, Signers.Sign(catalog), trust with { AllowOlder = true })).Provenance);
    }

    [Fact]
    public void Sign_CertificateWithoutKey_IsMisuse()
    {
        using var bare = X509CertificateLoader.LoadCertificate(Signers.Pinned.RawData);

        Assert.Throws<ArgumentException>(() => Signers.Sign(Catalog(1), bare));
    }

    [Theory]
    [InlineData(2048)]
    [InlineData(3072)]
    public async Task Sign_Rsa_IsTrusted(int bits)
    {
        var catalog = Catalog(1);
        using var rsa = Signers.SmallRsa(bits);

        Accepted(await Read(catalog, Signers.Sign(catalog, rsa), Strict with { Certificates = [rsa] }));
    }

    internal static byte[] Catalog(long? serial, string? expires = null, string name = "rack 7") =>
        Encoding.UTF8.GetBytes($"{{\"romflashCatalog\":1,\"name\":\"{name}\",{(serial is null ? "" : $"\"serial\":{serial},")}{(expires is null ? "" : $"\"expires\":\"{expires}\",")}\"systems\":[]}}");

    private static CatalogTrust Fresh(CatalogTrust trust) => trust with { History = new InMemoryCatalogHistory() };

    private static CatalogTrust Lenient() => Fresh(Strict) with { AllowUnsigned = true, AllowExpired = true, AllowOlder = true };

    private static ValueTask<FlashResult<CatalogLayer>> Read(byte[] catalog, byte[]? signature, CatalogTrust? trust = null) =>
        CatalogFile.ReadAsync(catalog, signature is null ? default(ReadOnlyMemory<byte>?) : signature, "catalog.json", trust ?? Fresh(Strict), CancellationToken.None);

    private static CatalogLayer Accepted(FlashResult<CatalogLayer> result)
    {
        Assert.True(result.TryGetValue(out var layer, out var failure), failure?.ToString());
        return layer!;
    }

    private static void AssertAccepts(CatalogWeakness[] expected, CatalogProvenance provenance) => Assert.Equal(expected, provenance.Accepted.ToArray());

    private static T Refused<T>(FlashResult<CatalogLayer> result)
        where T : FlashFailure
    {
        Assert.False(result.TryGetValue(out _, out var failure), "it was accepted");
        return Assert.IsType<T>(failure);
    }

    private string Write(string name, byte[] content)
    {
        var path = Path.Combine(_folder, name);
        File.WriteAllBytes(path, content);
        return path;
    }
}

internal sealed class FixedTime(DateTimeOffset now) : TimeProvider
{
    public override DateTimeOffset GetUtcNow() => now;
}
