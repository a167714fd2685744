using RomFlash.Peers.Samba;
using RomFlash.Sdk.Targets;
using RomFlash.Sdk.Transports;
using RomFlash.Sdk.Transports.Smb;

namespace RomFlash.Sdk.Tests.Transports.Smb.Protocol.Samba;

/// <summary>The client, towards a private Samba.</summary>
internal static class SambaClient
{
    public const string Share = SambaServer.ShareName;

    public static readonly SmbOpen NewFile = new(SmbAccess.Read | SmbAccess.Write | SmbAccess.Delete, SmbSharing.All, SmbDisposition.Create, SmbNodeKind.File);

    public static async Task<TransportResult<ISmbConnection>> TryConnectAsync(
        int port, SambaAccount? account = null, SmbConnectorOptions? options = null, string? password = null, CancellationToken cancellationToken = default)
    {
        account ??= SambaAccount.Administrator;
        using var credentials = TargetCredentials.Password(account.Name, new Secret(password ?? account.Password));
        return await new SmbConnector(options ?? new()).ConnectAsync(new("127.0.0.1", port, credentials, TimeProvider.System), cancellationToken);
    }

    public static async Task<ISmbConnection> ConnectAsync(int port, SambaAccount? account = null, SmbConnectorOptions? options = null) => Value(await TryConnectAsync(port, account, options));

    public static T Value<T>(TransportResult<T> result)
        where T : notnull
    {
        Assert.True(result.TryGetValue(out var value, out var fault), fault?.ToString());
        return value!;
    }

    public static TransportFault Fault<T>(TransportResult<T> result)
        where T : notnull
    {
        Assert.False(result.TryGetValue(out _, out var fault), "a fault was expected");
        return fault!;
    }

    public static byte[] RandomBytes(int length, int seed = 1)
    {
        var bytes = new byte[length];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }
}
