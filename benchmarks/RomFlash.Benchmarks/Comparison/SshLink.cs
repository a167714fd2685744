using System.Globalization;
using RomFlash.Sdk.Probing;
using RomFlash.Sdk.Targets;
using RomFlash.Sdk.Transports;
using RomFlash.Sdk.Transports.Ssh;

namespace RomFlash.Benchmarks.Comparison;

/// <summary>Our side of the rows of SSH: a session with the private sshd under a claim, and whole files put there by deposits.</summary>
internal sealed class SshLink : IAsyncDisposable
{
    private readonly ITargetSession _session;
    private readonly IDepositCapability _deposits;
    private readonly TargetClaim _claim;
    private readonly byte[] _last = new byte[1];
    private byte[] _next;
    private byte[] _other;
    private int _number;

    private SshLink(ITargetSession session, TargetClaim claim)
    {
        _session = session;
        _claim = claim;
        _deposits = session.GetCapability<IDepositCapability>()!;
        (_next, _other) = (new byte[_deposits.Traits.PreferredWriteBytes], new byte[_deposits.Traits.PreferredWriteBytes]);
    }

    public static async Task<SshLink> OpenAsync(string configuration, string root, int port)
    {
        var session = await ConnectSessionAsync(configuration, root, port);
        return new(session, SmbLink.Value(await session.GetCapability<IClaimCapability>()!.AcquireClaimAsync(new("benchmark"), CancellationToken.None)));
    }

    /// <summary>A session with the private sshd, as the product opens one.</summary>
    public static async Task<ITargetSession> ConnectSessionAsync(string configuration, string root, int port)
    {
        var endpoint = TargetEndpoint.TryCreate(string.Create(CultureInfo.InvariantCulture, $"ssh://127.0.0.1:{port}/boot/efi")).GetValueOrThrow();
        var transport = new SshTransport(new() { ConfigurationFile = configuration, FactRoot = root });
        return SmbLink.Value(await transport.ConnectAsync(new(endpoint, TargetCredentials.CurrentUser, TimeProvider.System), CancellationToken.None));
    }

    /// <summary>Which boot the target says that it is.</summary>
    public static async Task<string> ReadBootAsync(ITargetSession session)
    {
        var facts = SmbLink.Value(await session.GetCapability<IFactsCapability>()!.ReadFactsAsync(FactKinds.Boot, CancellationToken.None));
        return facts.Boot.TryGet(out var boot) ? boot.Value : throw new InvalidOperationException(facts.Boot.ToString());
    }

    /// <summary>A new deposit for one file.</summary>
    public async Task<IDeposit> BeginAsync(DepositFile file) =>
        SmbLink.Value(await _deposits.OpenDepositAsync(new(string.Create(CultureInfo.InvariantCulture, $"benchmark-{++_number}"), _claim.Generation, [file]), CancellationToken.None));

    /// <summary>Stores the file: the next chunk is read while one is on its way, and the target says at the end that it has written everything.</summary>
    public async Task PutAsync(IDeposit deposit, string local)
    {
        using var source = File.OpenHandle(local);
        var length = deposit.Manifest.Files[0].Length;
        var writing = Task.FromResult<TransportResult<Done>>(default(Done));
        for (long offset = 0; offset < length;)
        {
            var count = RandomAccess.Read(source, _next, offset);
            SmbLink.Value(await writing);
            writing = deposit.WriteAsync(0, offset, _next.AsMemory(0, count), CancellationToken.None).AsTask();
            (_next, _other) = (_other, _next);
            offset += count > 0 ? count : throw new InvalidOperationException($"{local} is too short");
        }

        SmbLink.Value(await writing);

        // What is read back was written before, all of it, and flushed.
        if (SmbLink.Value(await deposit.ReadBackAsync(0, length - 1, _last, CancellationToken.None)) != 1)
        {
            throw new InvalidOperationException("the copy is too short");
        }
    }

    /// <summary>Has the target compare the copy, and completes the deposit.</summary>
    public static async Task CompleteAsync(IDeposit deposit)
    {
        if (SmbLink.Value(await deposit.DigestOnTargetAsync(0, CancellationToken.None)) != deposit.Manifest.Files[0].Sha256)
        {
            throw new InvalidOperationException("the copy is another one");
        }

        SmbLink.Value(await deposit.CommitAsync(CancellationToken.None));
    }

    /// <summary>Takes everything away again.</summary>
    public async Task EndAsync(IDeposit deposit)
    {
        await deposit.DisposeAsync();
        SmbLink.Value(await _deposits.DiscardDepositAsync(deposit.Manifest.Id, deposit.Manifest.Generation, CancellationToken.None));
    }

    public async ValueTask DisposeAsync()
    {
        SmbLink.Value(await _session.GetCapability<IClaimCapability>()!.ReleaseClaimAsync(_claim, CancellationToken.None));
        await _session.DisposeAsync();
    }
}
