using RomFlash.Peers.Samba;
using RomFlash.Sdk.Transports;
using RomFlash.Sdk.Transports.Smb;
using static RomFlash.Sdk.Tests.Transports.Smb.Protocol.Samba.SambaClient;

namespace RomFlash.Sdk.Tests.Transports.Smb.Protocol.Samba;

/// <summary>Everything that the client does with files, with a real server in all its configurations.</summary>
[Trait("Category", "Peer")]
public sealed class SambaFileTests
{
    private static readonly (string Name, SambaOptions Options, SmbProtection Protection, string Dialect, string Signing, string? Encryption)[] Variants =
    [
        ("default", new(), SmbProtection.Encrypted, "3.1.1", "AES-128-GMAC", "AES-128-GCM"),
        ("signed", new(), SmbProtection.Signed, "3.1.1", "AES-128-GMAC", null),
        ("signing mandatory", new() { SigningMandatory = true, EncryptOff = true }, SmbProtection.Signed, "3.1.1", "AES-128-GMAC", null),
        ("encryption required", new() { EncryptRequired = true }, SmbProtection.Signed, "3.1.1", "AES-128-GMAC", "AES-128-GCM"),
        ("2.1", new() { MaxProtocol = "SMB2_10" }, SmbProtection.Encrypted, "2.1", "HMAC-SHA256", null),
        ("3.0", new() { MaxProtocol = "SMB3_00" }, SmbProtection.Encrypted, "3.0", "AES-128-CMAC", "AES-128-CCM"),
        ("3.0, signed", new() { MaxProtocol = "SMB3_00" }, SmbProtection.Signed, "3.0", "AES-128-CMAC", null),
        ("3.0.2", new() { MaxProtocol = "SMB3_02" }, SmbProtection.Encrypted, "3.0.2", "AES-128-CMAC", "AES-128-CCM"),
        ("AES-256-GCM", new() { Ciphers = ["AES-256-GCM"] }, SmbProtection.Encrypted, "3.1.1", "AES-128-GMAC", "AES-256-GCM"),
        ("AES-128-CCM", new() { Ciphers = ["AES-128-CCM"] }, SmbProtection.Encrypted, "3.1.1", "AES-128-GMAC", "AES-128-CCM"),
        ("AES-256-CCM", new() { Ciphers = ["AES-256-CCM"] }, SmbProtection.Encrypted, "3.1.1", "AES-128-GMAC", "AES-256-CCM"),
        ("AES-128-CMAC", new() { SigningAlgorithms = ["AES-128-CMAC"] }, SmbProtection.Signed, "3.1.1", "AES-128-CMAC", null),
        ("HMAC-SHA256", new() { SigningAlgorithms = ["HMAC-SHA256"] }, SmbProtection.Signed, "3.1.1", "HMAC-SHA256", null),
        ("8 credits", new() { MaxCredits = 8 }, SmbProtection.Encrypted, "3.1.1", "AES-128-GMAC", "AES-128-GCM"),
        ("small requests", new() { MaxRead = 65536, MaxWrite = 65536, MaxTransaction = 65536 }, SmbProtection.Signed, "3.1.1", "AES-128-GMAC", null),
        ("tiny requests", new() { MaxRead = 4096, MaxWrite = 4096, MaxTransaction = 4096, MaxCredits = 8 }, SmbProtection.Encrypted, "3.1.1", "AES-128-GMAC", "AES-128-GCM"),
    ];

    public static TheoryData<string> Names => [.. Variants.Select(v => v.Name)];

    [Theory]
    [MemberData(nameof(Names))]
    public async Task Everything_InAnyConfiguration_DoesWhatItSays(string name)
    {
        var (_, options, protection, dialect, signing, encryption) = Variants.Single(v => v.Name == name);
        await using var server = await SambaServer.StartAsync(options);
        await using var connection = await ConnectAsync(server.Port, options: new() { Protection = protection });
        Assert.Equal(new SmbSecurity(dialect, signing, encryption, false), connection.Security);

        var volume = Value(await connection.QueryVolumeAsync(Share, default));
        Assert.Equal(("FAT32", false), (volume.FileSystem, volume.IsReadOnly));
        Assert.InRange(volume.FreeBytes, 1, volume.TotalBytes);

        var content = RandomBytes((3 << 20) + 12345);
        await using var file = Value(await connection.OpenFileAsync(Share, @"EFI\rom.part", NewFile, default));
        Assert.Equal((true, new SmbEntry("rom.part", 0, false, false)), (file.IsNew, file.Entry));
        Value(await file.WriteAsync(0, content, default));
        Value(await file.FlushAsync(default));
        Assert.Equal(content, await File.ReadAllBytesAsync(Path.Combine(server.ShareFolder, "EFI", "rom.part")));
        var back = new byte[content.Length + 100_000];
        Assert.Equal(content.Length, Value(await file.ReadAsync(0, back, default)));
        Assert.Equal(content, back.AsSpan(0, content.Length));
        Assert.Equal(777, Value(await file.ReadAsync(content.Length - 777, back, default)));
        Assert.Equal(0, Value(await file.ReadAsync(content.Length, back, default)));

        Value(await file.RenameAsync(@"EFI\rom.cap", replace: false, default));
        Assert.Equal(new SmbEntry("rom.cap", content.Length, false, false), Value(await connection.LookAsync(Share, @"EFI\rom.cap", default)));
        Assert.Equal(TransportFaultKind.NotFound, Fault(await connection.LookAsync(Share, @"EFI\rom.part", default)).Kind);
        await using var directory = Value(await connection.OpenFileAsync(Share, "EFI", new(SmbAccess.Read, Kind: SmbNodeKind.Directory), default));
        Assert.Equal(new SmbEntry("rom.cap", content.Length, false, false), Assert.Single(Value(await directory.ListAsync(10, default))));
        Value(await file.DeleteAsync(default));
        Value(await file.CloseAsync(default));
        Value(await file.CloseAsync(default));
        Assert.Equal(TransportFaultKind.Lost, Fault(await file.FlushAsync(default)).Kind);
        Assert.Empty(System.IO.Directory.EnumerateFiles(Path.Combine(server.ShareFolder, "EFI")));
    }

    [Fact]
    public async Task Open_WhatCanNotBeOpened_SaysWhy()
    {
        await using var server = await SambaServer.StartAsync();
        await using var connection = await ConnectAsync(server.Port);
        await using var file = Value(await connection.OpenFileAsync(Share, "a", NewFile with { Sharing = SmbSharing.Read }, default));

        await AssertAsync("a", NewFile, TransportFaultKind.AlreadyExists);
        await AssertAsync("a", new(SmbAccess.Write), TransportFaultKind.Busy);
        await AssertAsync("a", new(SmbAccess.None, Kind: SmbNodeKind.Directory), TransportFaultKind.NotFound);
        await AssertAsync("EFI", new(SmbAccess.None, Kind: SmbNodeKind.File), TransportFaultKind.NotFound);
        await AssertAsync("b", new(SmbAccess.Read), TransportFaultKind.NotFound);
        await AssertAsync(@"none\b", NewFile, TransportFaultKind.NotFound);
        await AssertAsync(new string('x', 300), NewFile, TransportFaultKind.NotFound, TransportFaultKind.Unsupported);
        await AssertAsync(@"..\a", NewFile, TransportFaultKind.Unsupported);
        Assert.Equal(TransportFaultKind.NotFound, Fault(await connection.QueryVolumeAsync("none", default)).Kind);

        async Task AssertAsync(string path, SmbOpen how, params TransportFaultKind[] kinds)
        {
            var fault = Fault(await connection.OpenFileAsync(Share, path, how, default));
            Assert.Contains(fault.Kind, kinds);
            Assert.Equal(FaultEffect.NotSent, fault.Effect);
        }
    }

    [Fact]
    public async Task Open_OpenOrCreate_SaysWhetherItIsNew()
    {
        await using var server = await SambaServer.StartAsync();
        await using var connection = await ConnectAsync(server.Port);
        var how = NewFile with { Disposition = SmbDisposition.OpenOrCreate };

        await using (var first = Value(await connection.OpenFileAsync(Share, "a", how, default)))
        {
            Assert.True(first.IsNew);
        }

        await using var second = Value(await connection.OpenFileAsync(Share, "a", how, default));
        Assert.False(second.IsNew);
        await using var made = Value(await connection.OpenFileAsync(Share, "d", new(SmbAccess.Read, Disposition: SmbDisposition.Create, Kind: SmbNodeKind.Directory), default));
        Assert.True(made.IsNew && made.Entry.IsDirectory);
    }

    [Fact]
    public async Task RenameAndDelete_WhereSomethingIsInTheWay_SayWhat()
    {
        await using var server = await SambaServer.StartAsync();
        await using var connection = await ConnectAsync(server.Port);
        await File.WriteAllTextAsync(Path.Combine(server.ShareFolder, "old"), "old");
        await using var file = Value(await connection.OpenFileAsync(Share, "new", NewFile, default));

        var refused = Fault(await file.RenameAsync("old", replace: false, default));
        Assert.Equal((TransportFaultKind.AlreadyExists, FaultEffect.NotSent), (refused.Kind, refused.Effect));
        Value(await file.RenameAsync("old", replace: true, default));
        Assert.Empty(await File.ReadAllTextAsync(Path.Combine(server.ShareFolder, "old")));
        Value(await file.RenameAsync(@"EFI\x", replace: false, default));

        await using var directory = Value(await connection.OpenFileAsync(Share, "EFI", new(SmbAccess.Delete, Kind: SmbNodeKind.Directory), default));
        Assert.Equal(TransportFaultKind.Busy, Fault(await directory.DeleteAsync(default)).Kind);
    }

    [Fact]
    public async Task List_ManyEntries_GivesAllOrRefusesTooMany()
    {
        await using var server = await SambaServer.StartAsync();
        var names = Enumerable.Range(0, 3000).Select(i => $"a rather long name of a file, so that more than one answer is needed {i}.bin").ToHashSet();
        foreach (var name in names)
        {
            await File.WriteAllTextAsync(Path.Combine(server.ShareFolder, "EFI", name), string.Empty);
        }

        await using var connection = await ConnectAsync(server.Port);
        await using var directory = Value(await connection.OpenFileAsync(Share, "EFI", new(SmbAccess.Read, Kind: SmbNodeKind.Directory), default));
        var found = Value(await directory.ListAsync(3000, default));
        Assert.Equal(3000, found.Length);
        Assert.Equal(names, found.Select(e => e.Name).ToHashSet());
        Assert.Equal(found.Length, Value(await directory.ListAsync(3000, default)).Length);
        Assert.Equal(TransportFaultKind.ProtocolViolation, Fault(await directory.ListAsync(2999, default)).Kind);
    }

    [Fact]
    public async Task Write_FullDisk_HasNoSpaceAndSaysThatSomethingMayBeThere()
    {
        await using var server = await SambaServer.StartAsync(new() { DiskSize = 4 << 20 });
        await using var connection = await ConnectAsync(server.Port);
        await using var file = Value(await connection.OpenFileAsync(Share, "a", NewFile, default));

        var fault = Fault(await file.WriteAsync(0, RandomBytes(8 << 20), default));

        Assert.Equal((TransportFaultKind.NoSpace, FaultEffect.MayHaveApplied), (fault.Kind, fault.Effect));
        Assert.InRange(Value(await connection.QueryVolumeAsync(Share, default)).FreeBytes, 0, 4 << 20);
    }

    [Fact]
    public async Task Share_ReadOnly_SaysSoAndRefuses()
    {
        await using var server = await SambaServer.StartAsync(new() { ReadOnlyShare = true });
        await using var connection = await ConnectAsync(server.Port);

        Assert.True(Value(await connection.QueryVolumeAsync(Share, default)).IsReadOnly);
        Assert.Contains(Fault(await connection.OpenFileAsync(Share, "a", NewFile, default)).Kind, new[] { TransportFaultKind.AccessDenied, TransportFaultKind.ReadOnly });
    }

    [Theory]
    [InlineData(8)]
    [InlineData(null)]
    public async Task Write_ManyFilesAtOnceOverOneConnection_AreAllWhole(int? credits)
    {
        await using var server = await SambaServer.StartAsync(new() { MaxCredits = credits });
        await using var connection = await ConnectAsync(server.Port);

        await Parallel.ForAsync(0, 8, async (i, cancellationToken) =>
        {
            var content = RandomBytes(2_000_000 + i, i);
            await using var file = Value(await connection.OpenFileAsync(Share, $"f{i}", NewFile, cancellationToken));
            await Parallel.ForAsync(0, 4, cancellationToken, async (k, token) =>
            {
                var (from, to) = (content.Length / 4 * k, k == 3 ? content.Length : content.Length / 4 * (k + 1));
                Value(await file.WriteAsync(from, content.AsMemory(from, to - from), token));
            });
            var back = new byte[content.Length];
            Assert.Equal(back.Length, Value(await file.ReadAsync(0, back, cancellationToken)));
            Assert.Equal(content, back);
        });
    }

    [Fact]
    public async Task Share_ThatDemandsEncryption_GetsItInASignedSession()
    {
        await using var server = await SambaServer.StartAsync(new() { ExtraShares = [new("SECRET") { ExtraSettings = ["smb encrypt = required"] }] });
        await using var connection = await ConnectAsync(server.Port, options: new() { Protection = SmbProtection.Signed });
        var content = RandomBytes(1_500_000);

        await using var file = Value(await connection.OpenFileAsync("SECRET", "a", NewFile, default));
        Value(await file.WriteAsync(0, content, default));
        var back = new byte[content.Length];
        Value(await file.ReadAsync(0, back, default));

        Assert.Equal(content, back);
        Assert.Null(connection.Security.Encryption);
        Value(await connection.QueryVolumeAsync(Share, default));
    }

    [Fact]
    public async Task Transceive_Bind_IsAnsweredInPartsOfAnySize()
    {
        await using var server = await SambaServer.StartAsync();
        await using var connection = await ConnectAsync(server.Port);
        await using (var pipe = Value(await connection.OpenPipeAsync("winreg", default)))
        {
            var whole = new byte[4096];
            var length = Value(await pipe.TransceiveAsync(Bind, whole, default));
            Assert.Equal((5, 12), (whole[0], whole[2]));
            Assert.Equal(BitConverter.ToUInt16(whole, 8), length);
        }

        await using var again = Value(await connection.OpenPipeAsync("winreg", default));
        var all = new List<byte>();
        var part = new byte[10];
        all.AddRange(part.AsSpan(0, Value(await again.TransceiveAsync(Bind, part, default))));
        while (all.Count < 10 || all.Count < BitConverter.ToUInt16(all.ToArray(), 8))
        {
            all.AddRange(part.AsSpan(0, Value(await again.ReadAsync(part, default))));
        }

        Assert.Equal(12, all[2]);
    }

    [Fact]
    public async Task Read_PipeThatHasNothing_IsCancelledAtOnceAndTheConnectionGoesOn()
    {
        await using var server = await SambaServer.StartAsync();
        await using var connection = await ConnectAsync(server.Port);
        await using var pipe = Value(await connection.OpenPipeAsync("winreg", default));
        using var cancellation = new CancellationTokenSource();
        var read = pipe.ReadAsync(new byte[100], cancellation.Token);
        Assert.False(read.IsCompleted);

        await cancellation.CancelAsync();

        var fault = Fault(await read);
        Assert.Equal((TransportFaultKind.Cancelled, FaultEffect.NotSent), (fault.Kind, fault.Effect));
        Value(await connection.QueryVolumeAsync(Share, default));
    }

    [Fact]
    public async Task OpenPipe_NobodyServesIt_IsNotFound()
    {
        await using var server = await SambaServer.StartAsync(new() { RegistryPipes = false });
        await using var connection = await ConnectAsync(server.Port);

        Assert.Equal(TransportFaultKind.NotFound, Fault(await connection.OpenPipeAsync("winreg", default)).Kind);
    }

    // MS-RPCE, 2.2.2.3: bind to winreg (338cd001-2244-31f1-aaaa-900038001003, 1.0) in NDR.
    private static byte[] Bind =>
    [
        5, 0, 11, 3, 0x10, 0, 0, 0, 72, 0, 0, 0, 1, 0, 0, 0, 0xB8, 0x10, 0xB8, 0x10, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1, 0,
        .. new Guid("338cd001-2244-31f1-aaaa-900038001003").ToByteArray(), 1, 0, 0, 0, .. new Guid("8a885d04-1ceb-11c9-9fe8-08002b104860").ToByteArray(), 2, 0, 0, 0,
    ];
}
