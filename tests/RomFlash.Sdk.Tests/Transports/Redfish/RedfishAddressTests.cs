using RomFlash.Sdk.Tests.Transports.Directory;
using RomFlash.Sdk.Transports;
using RomFlash.Sdk.Transports.Redfish;
using RomFlash.Sdk.Transports.Redfish.Http;

namespace RomFlash.Sdk.Tests.Transports.Redfish;

public sealed class RedfishAddressTests
{
    private const string Pin = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
    private const string Colons = "00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF";

    [Theory]
    [InlineData("redfish://bmc1", "bmc1", 443, "bmc1", false)]
    [InlineData("REDFISH://bmc1.example.com:8443/", "bmc1.example.com", 8443, "bmc1.example.com:8443", false)]
    [InlineData("redfish://10.0.0.1:443", "10.0.0.1", 443, "10.0.0.1", false)]
    [InlineData("redfish://[2001:db8::1]", "2001:db8::1", 443, "[2001:db8::1]", false)]
    [InlineData("redfish://[2001:db8::1]:8443", "2001:db8::1", 8443, "[2001:db8::1]:8443", false)]
    [InlineData("redfish://bmc1?sha256=" + Pin, "bmc1", 443, "bmc1", true)]
    [InlineData("redfish://bmc1/?SHA256=" + Colons, "bmc1", 443, "bmc1", true)]
    public void TryParse_Address_IsTaken(string text, string host, int port, string field, bool hasPin)
    {
        var address = RedfishAddress.TryParse(new Uri(text)).Ok();
        Assert.Equal((host, port, field), (address.Host, address.Port, address.HostField));
        Assert.Equal(Uri.UriSchemeHttps, address.Authority.Scheme);
        Assert.Equal(hasPin ? Pin : null, address.Pin is { } pin ? Convert.ToHexStringLower(pin) : null);
    }

    [Theory]
    [InlineData("redfish://bmc1/redfish/v1")]
    [InlineData("redfish://bmc1#x")]
    [InlineData("redfish://bmc1?sha1=00")]
    [InlineData("redfish://bmc1?sha256=")]
    [InlineData("redfish://bmc1?sha256=0011")]
    [InlineData("redfish://bmc1?sha256=" + Pin + "&x=1")]
    [InlineData("redfish://bmc1?sha256=zz112233445566778899aabbccddeeff00112233445566778899aabbccddeeff")]
    [InlineData("redfish://bmc1?sha256=00-11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF")]
    [InlineData("redfish://bmc1:0")]
    [InlineData("redfish:bmc1")]
    [InlineData("redfish:///x")]
    [InlineData("redfish://admin:canary@bmc1")]
    [InlineData("https://bmc1")]
    public void TryParse_AnythingElse_IsRefused(string text)
    {
        var fault = RedfishAddress.TryParse(new Uri(text)).Refused();
        Assert.Equal((TransportFaultKind.Unsupported, FaultEffect.NotSent), (fault.Kind, fault.Effect));
        Assert.NotEmpty(fault.Detail);
    }

    [Theory]
    [InlineData("/redfish/v1/Systems/1", "/redfish/v1/Systems/1")]
    [InlineData("/redfish/v1/Chassis/1#/Fans/0", "/redfish/v1/Chassis/1")]
    [InlineData("/redfish/v1/Systems?$top=1", "/redfish/v1/Systems?$top=1")]
    [InlineData("/redfish/v1/Systems/a b\r\nX: y", "/redfish/v1/Systems/a%20b%0D%0AX:%20y")]
    [InlineData("https://bmc1:8443/redfish/v1/Tasks/1", "/redfish/v1/Tasks/1")]
    [InlineData("https://BMC1:8443/redfish/v1/Tasks/1", "/redfish/v1/Tasks/1")]
    [InlineData("2", "/redfish/v1/Tasks/2")]
    [InlineData("https://bmc1/redfish/v1/Tasks/1", null)]
    [InlineData("http://bmc1:8443/redfish/v1/Tasks/1", null)]
    [InlineData("https://bmc2:8443/redfish/v1/Tasks/1", null)]
    [InlineData("//bmc2/redfish/v1/Tasks/1", null)]
    [InlineData("/\\bmc2/redfish/v1", null)]
    [InlineData("https://admin@bmc1:8443/redfish/v1/", null)]
    [InlineData("https://bmc1:8443//bmc2/redfish/v1", null)]
    [InlineData("file:///etc/passwd", null)]
    [InlineData("javascript:alert(1)", null)]
    [InlineData(" ", null)]
    [InlineData(null, null)]
    public void TryResolve_Reference_StaysOnTheHost(string? reference, string? target)
    {
        Assert.Equal(target is not null, SameHost.TryResolve(new Uri("https://bmc1:8443"), "/redfish/v1/Tasks/1", reference, out var found));
        Assert.Equal(target, found);
    }

    [Fact]
    public void TryResolve_LongReference_IsRefused() => Assert.False(SameHost.TryResolve(new Uri("https://bmc1"), "/", "/" + new string('a', 3000), out _));
}
