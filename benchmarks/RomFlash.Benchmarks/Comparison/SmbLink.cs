using System.Globalization;
using RomFlash.Peers.Samba;
using RomFlash.Sdk.Targets;
using RomFlash.Sdk.Transports;
using RomFlash.Sdk.Transports.Smb;

namespace RomFlash.Benchmarks.Comparison;

/// <summary>Our side of the rows of SMB: a connection to the private Samba, and whole files through it.</summary>
internal sealed class SmbLink(ISmbConnection connection) : IAsyncDisposable
{
    /// <summary>What is read or written by one call, in bytes.</summary>
    public const int Piece = 16 << 20;

    private static readonly SmbOpen ForWriting = new(SmbAccess.Write, SmbSharing.Read, SmbDisposition.OpenOrCreate, SmbNodeKind.File);
    private static readonly SmbOpen ForReading = new(SmbAccess.Read, SmbSharing.Read, SmbDisposition.Open, SmbNodeKind.File);

    public static async Task<SmbLink> ConnectAsync(int port, bool isEncrypted)
    {
        using var credentials = TargetCredentials.Password(SambaAccount.Administrator.Name, new Secret(SambaAccount.Administrator.Password));
        var connector = new SmbConnector(new() { Protection = isEncrypted ? SmbProtection.Encrypted : SmbProtection.Signed });
        var link = new SmbLink(Value(await connector.ConnectAsync(new("127.0.0.1", port, credentials, TimeProvider.System), CancellationToken.None)));
        return link.Security.Encryption is not null == isEncrypted ? link : throw new InvalidOperationException($"{link.Security} is not what was asked for");
    }

    /// <summary>A session with the private Samba, as the product opens one.</summary>
    public static async Task<ITargetSession> ConnectSessionAsync(int port)
    {
        using var credentials = TargetCredentials.Password(SambaAccount.Administrator.Name, new Secret(SambaAccount.Administrator.Password));
        var endpoint = TargetEndpoint.TryCreate(string.Create(CultureInfo.InvariantCulture, $"smb://127.0.0.1:{port}/{SambaServer.ShareName}")).GetValueOrThrow();
        return Value(await new SmbTransport().ConnectAsync(new(endpoint, credentials, TimeProvider.System), CancellationToken.None));
    }

    public static T Value<T>(TransportResult<T> result)
        where T : notnull => result.TryGetValue(out var value, out var fault) ? value : throw new InvalidOperationException(fault.ToString());

    public SmbSecurity Security => connection.Security;

    /// <summary>Writes the piece again and again.</summary>
    public async Task WriteAsync(string name, long length, ReadOnlyMemory<byte> piece)
    {
        await using var file = Value(await connection.OpenFileAsync(SambaServer.ShareName, name, ForWriting, CancellationToken.None));
        for (long offset = 0; offset < length; offset += piece.Length)
        {
            Value(await file.WriteAsync(offset, piece[..(int)Math.Min(piece.Length, length - offset)], CancellationToken.None));
        }

        Value(await file.CloseAsync(CancellationToken.None));
    }

    /// <summary>Stores a file, as smbclient does: create, write, close.</summary>
    public async Task PutAsync(string local, string name, Memory<byte> piece)
    {
        using var source = File.OpenHandle(local);
        await using var file = Value(await connection.OpenFileAsync(SambaServer.ShareName, name, ForWriting, CancellationToken.None));

        // Two writes at once, so that there is no pause between one and the next: a file is safe for that.
        var (next, other) = (piece[..(piece.Length / 2)], piece[(piece.Length / 2)..]);
        var writing = Task.FromResult<TransportResult<Done>>(default(Done));
        for (long offset = 0; RandomAccess.Read(source, next.Span, offset) is > 0 and var count; offset += count)
        {
            var last = writing;
            writing = file.WriteAsync(offset, next[..count], CancellationToken.None).AsTask();
            Value(await last);
            (next, other) = (other, next);
        }

        Value(await writing);
        Value(await file.CloseAsync(CancellationToken.None));
    }

    /// <summary>Fetches a file and drops it.</summary>
    public async Task<long> GetAsync(string name, Memory<byte> piece)
    {
        long offset = 0;
        await using var file = Value(await connection.OpenFileAsync(SambaServer.ShareName, name, ForReading, CancellationToken.None));
        while (Value(await file.ReadAsync(offset, piece, CancellationToken.None)) is > 0 and var count)
        {
            offset += count;
        }

        Value(await file.CloseAsync(CancellationToken.None));
        return offset;
    }

    public ValueTask DisposeAsync() => connection.DisposeAsync();
}
