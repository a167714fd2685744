using RomFlash.Sdk.Transports;
using RomFlash.Sdk.Transports.Ssh.Connection;

namespace RomFlash.Sdk.Tests.Transports.Ssh.Connection;

public sealed class SshAddressTests
{
    private const string Pin = "SHA256:aF4qErzZIxiEbgRZ5G9+FVOAuIARiquMoTvTprg/Tb8";

    [Theory]
    [InlineData("ssh://server1", "server1", null, null, null, null)]
    [InlineData("ssh://server1/", "server1", null, null, null, null)]
    [InlineData("ssh://root@server1:2222/boot/efi", "server1", 2222, "root", "/boot/efi", null)]
    [InlineData("ssh://root@server1/boot/efi/", "server1", null, "root", "/boot/efi", null)]
    [InlineData("ssh://root@Web-1:2222/boot/efi", "Web-1", 2222, "root", "/boot/efi", null)]
    [InlineData("ssh://WEB-1?hostkey=" + Pin, "WEB-1", null, null, null, Pin)]
    [InlineData("ssh://rack_7.example.org/boot", "rack_7.example.org", null, null, "/boot", null)]
    [InlineData("ssh://admin%40corp.example@10.0.0.7/", "10.0.0.7", null, "admin@corp.example", null, null)]
    [InlineData("ssh://[2001:db8::7]:22/boot/efi", "2001:db8::7", 22, null, "/boot/efi", null)]
    [InlineData("ssh://server1/mnt/my%20esp%23%3F", "server1", null, null, "/mnt/my esp#?", null)]
    [InlineData("ssh://server1?hostkey=" + Pin, "server1", null, null, null, Pin)]
    [InlineData("ssh://server1/boot/efi?hostkey=SHA256%3AaF4qErzZIxiEbgRZ5G9%2BFVOAuIARiquMoTvTprg%2FTb8%3D", "server1", null, null, "/boot/efi", Pin)]
    public void TryParse_Address_HasItsParts(string text, string host, int? port, string? user, string? path, string? key)
    {
        Assert.True(SshAddress.TryParse(new Uri(text)).TryGetValue(out var address, out var fault), fault?.ToString());
        Assert.Equal((host, port, user, path, key), (address.Host, address.Port, address.User, address.Path, address.HostKey?.Text));
        Assert.True(SshAddress.TryParse(new Uri(address.ToString())).TryGetValue(out var again, out fault), fault?.ToString());
        Assert.Equal((host, port, user, path, key), (again.Host, again.Port, again.User, again.Path, again.HostKey?.Text));
    }

    [Theory]
    [InlineData("smb://server1/ESP")]
    [InlineData("ssh:server1")]
    [InlineData("ssh:///boot/efi")]
    [InlineData("ssh://server1:0/")]
    [InlineData("ssh://-v/")]
    [InlineData("ssh://-l@server1/")]
    [InlineData("ssh://%2DoProxyCommand=true@server1/")]
    [InlineData("ssh://%40a@server1/")]
    [InlineData("ssh://a%20b@server1/")]
    [InlineData("ssh://a%0Ab@server1/")]
    [InlineData("ssh://a%00b@server1/")]
    [InlineData("ssh://$(id)@server1/")]
    [InlineData("ssh://a;b@server1/")]
    [InlineData("ssh://a%60b@server1/")]
    [InlineData("ssh://a%25h@server1/")]
    [InlineData("ssh://a%5Cb@server1/")]
    [InlineData("ssh://server1/boot/%2E%2E/efi%2F..")]
    [InlineData("ssh://server1/boot%2F..%2Fetc")]
    [InlineData("ssh://server1/boot%0Aefi")]
    [InlineData("ssh://server1/boot//efi")]
    [InlineData("ssh://server1/boot#efi")]
    [InlineData("ssh://server1/?")]
    [InlineData("ssh://server1/?key=1")]
    [InlineData("ssh://server1/?hostkey=")]
    [InlineData("ssh://server1/?hostkey=MD5:aa:bb")]
    [InlineData("ssh://server1/?hostkey=SHA256:aF4qErzZIxiEbgRZ5G9")]
    [InlineData("ssh://server1/?hostkey=" + Pin + "==")]
    [InlineData("ssh://server1/?hostkey=" + Pin + "&hostkey=" + Pin)]
    [InlineData("ssh://server1/?hostkey=sha256:aF4qErzZIxiEbgRZ5G9+FVOAuIARiquMoTvTprg/Tb8")]
    [InlineData("ssh://server1/?hostkey=SHA256:aF4qErzZIxiEbgRZ5G9+FVOAuIARiquMoTvTprg/Tb9")]
    public void TryParse_OtherAddress_IsRefused(string text)
    {
        Assert.False(SshAddress.TryParse(new Uri(text)).TryGetValue(out var address, out var fault), address?.ToString());
        Assert.Equal((TransportFaultKind.Unsupported, FaultEffect.NotSent), (fault.Kind, fault.Effect));
    }

    [Fact]
    public void TryParse_Password_IsRefusedAndNotRepeated()
    {
        Assert.False(SshAddress.TryParse(new Uri("ssh://root:hunter2@server1/")).TryGetValue(out _, out var fault));
        Assert.DoesNotContain("hunter2", fault.ToString(), StringComparison.Ordinal);
    }
}
