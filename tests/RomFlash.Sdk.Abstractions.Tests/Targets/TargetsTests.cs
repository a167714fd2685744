using System.Text.Json;
using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Targets;

namespace RomFlash.Sdk.Tests.Targets;

public sealed class TargetsTests
{
    private const string Canary = "c4n4ry-s3cret";

    [Theory]
    [InlineData("/mnt/esp")]
    [InlineData("relative")]
    [InlineData("")]
    [InlineData("://x")]
    public void TryCreate_NoAbsoluteUri_IsInvalid(string address) => Assert.Equal("RF1002", Evidence.FailureOf(FlashTarget.TryCreate(address)).Code);

    [Theory]
    [InlineData($"smb://admin:{Canary}@host/esp", "RF1005")]
    [InlineData($"redfish://{Canary}@host", "RF1005")]
    [InlineData($"ssh://user:{Canary}@host", "RF1005")]
    [InlineData($"ssh://user%3A{Canary}@host", "RF1005")]
    [InlineData($"ssh:user:{Canary}@host", "RF1005")]
    [InlineData($"smb://admin:{Canary}@[broken", "RF1002")]
    [InlineData($"admin:{Canary}@host", "RF1005")]
    [InlineData($"ssh://root:2024/{Canary}@host", "RF1005")]
    [InlineData($"smb://admin:2024?{Canary}@host/esp", "RF1005")]
    [InlineData($"redfish://admin:2024#{Canary}@bmc", "RF1005")]
    public void TryCreate_AddressWithSecret_IsRefusedAndNotRepeated(string address, string code)
    {
        var failure = Evidence.FailureOf(FlashTarget.TryCreate(address));

        Assert.Equal(code, failure.Code);
        Assert.DoesNotContain(Canary, failure.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain(Canary, failure.Detail, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("smb://host/share/a@b")]
    [InlineData("smb://[fe80::1]/share/a@b")]
    [InlineData("smb://host:445/share/a%40b")]
    [InlineData("dir:/mnt/a:b@c")]
    public void TryCreate_AtSignOfAPath_IsTaken(string address) => Assert.Equal(address, FlashTarget.Parse(address).Id);

    [Fact]
    public void TryCreate_UserAloneForSsh_IsTaken() => Assert.Equal("ssh://root@host/boot/efi", FlashTarget.Parse("ssh://root@host/boot/efi").Id);

    [Fact]
    public void TryCreate_Address_IsIdAndEndpoint()
    {
        var target = FlashTarget.Parse("dir:/mnt/esp");

        Assert.Equal("dir:/mnt/esp", target.Id);
        Assert.Equal("dir", Assert.Single(target.Endpoints).Scheme);
        Assert.Throws<FlashException>(() => FlashTarget.Parse("nonsense"));
    }

    [Theory]
    [InlineData("")]
    [InlineData(" ")]
    [InlineData("a\nb")]
    [InlineData(null)]
    public void TryCreate_BadId_IsInvalid(string? id)
    {
        var endpoint = TargetEndpoint.TryCreate("dir:/x").GetValueOrThrow();

        Assert.Equal("RF1002", Evidence.FailureOf(FlashTarget.TryCreate(id ?? new string('x', 257), [endpoint])).Code);
        Assert.Equal("RF1002", Evidence.FailureOf(FlashTarget.TryCreate("a", [])).Code);
    }

    [Fact]
    public void Secret_AnyText_ShowsNothingOfIt()
    {
        using var credentials = TargetCredentials.Password("admin", new Secret(Canary));
        using var secret = new Secret(Canary);

        Assert.Equal("***", secret.ToString());
        Assert.Equal("admin:***", credentials.ToString());
        Assert.DoesNotContain(Canary, Serialized(secret) + Serialized(credentials), StringComparison.Ordinal);
        Assert.Equal(Canary, credentials.UsePassword(0, static (_, s) => s.ToString()));
    }

    // A serialiser may refuse the type; what it says then must not show the secret either.
    private static string Serialized<T>(T value)
    {
        string text = string.Empty;
        var refusal = Record.Exception(() => text = JsonSerializer.Serialize(value));
        return text + refusal;
    }

    [Fact]
    public void Dispose_Credentials_WipesTheSecret()
    {
        var secret = new Secret(Canary);
        TargetCredentials.Password("admin", secret).Dispose();

        Assert.Throws<ObjectDisposedException>(() => secret.Use(0, static (_, s) => s.Length));
        Assert.Equal("current user", TargetCredentials.CurrentUser.ToString());
        Assert.Equal("none", TargetCredentials.None.ToString());
    }

    [Theory]
    [InlineData("S1", "S1", IdentityMatch.Same)]
    [InlineData("S1", "S2", IdentityMatch.Different)]
    [InlineData("S1", null, IdentityMatch.Unknown)]
    [InlineData("S1", " ", IdentityMatch.Unknown)]
    [InlineData(null, null, IdentityMatch.Unknown)]
    public void CompareWith_SerialNumbers_Decide(string? a, string? b, IdentityMatch expected)
    {
        var (x, y) = (new TargetIdentity { SerialNumber = a, Product = "P" }, new TargetIdentity { SerialNumber = b, Product = "P" });

        Assert.Equal(expected, x.CompareWith(y));
        Assert.Equal(expected, y.CompareWith(x));
    }

    [Fact]
    public void CompareWith_Uuids_PlaceholdersProveNothingAndAnyDifferenceDecides()
    {
        var (one, two) = (Guid.Parse("00000000-0000-0000-0000-000000000001"), Guid.Parse("00000000-0000-0000-0000-000000000002"));
        TargetIdentity Of(Guid? uuid, string? serial = null, string? product = null) => new() { SmbiosUuid = uuid, SerialNumber = serial, Product = product };

        Assert.Equal(IdentityMatch.Same, Of(one).CompareWith(Of(one)));
        Assert.Equal(IdentityMatch.Different, Of(one, "S").CompareWith(Of(two, "S")));
        Assert.Equal(IdentityMatch.Different, Of(one, "S").CompareWith(Of(one, "T")));
        Assert.Equal(IdentityMatch.Different, Of(one, "S", "P").CompareWith(Of(one, "S", "Q")));
        Assert.Equal(IdentityMatch.Unknown, Of(Guid.Empty).CompareWith(Of(Guid.Empty)));
        Assert.Equal(IdentityMatch.Unknown, Of(Guid.AllBitsSet).CompareWith(Of(Guid.AllBitsSet)));
        Assert.False(Of(Guid.AllBitsSet).IsIdentifying);
        Assert.True(Of(one).IsIdentifying);
    }
}
