using System.Security.Cryptography;
using System.Text;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Probing;
using RomFlash.Sdk.Transports;
using RomFlash.Sdk.Transports.Directory;
using static RomFlash.Sdk.Tests.Transports.Directory.EspFixture;

namespace RomFlash.Sdk.Tests.Transports.Directory;

public sealed class DirectoryTransportTests : IDisposable
{
    private readonly EspFixture _esp = new();

    public void Dispose() => _esp.Dispose();

    [Theory]
    [InlineData("dir:/a/b", "/a/b")]
    [InlineData("dir:///a/b/", "/a/b")]
    [InlineData("dir:/a/b%20c%3F%23%25", "/a/b c?#%")]
    [InlineData("dir:/a/%2541", "/a/%41")]
    [InlineData("DIR:/a/ä", "/a/ä")]
    [InlineData("dir:/a?b", null)]
    [InlineData("dir:/a#b", null)]
    [InlineData("dir://host/a", null)]
    [InlineData("dir:a/b", null)]
    [InlineData("dir:/a%00b", null)]
    [InlineData("dir:/", null)]
    public void TryGetFolder_Address_IsDecodedOnceOrRefused(string address, string? folder)
    {
        Assert.Equal(folder is not null, DirectoryTransport.TryGetFolder(new Uri(address), out var found, out var why));
        Assert.Equal(folder ?? string.Empty, found);
        Assert.Equal(folder is null, why.Length > 0);
    }

    [Fact]
    public async Task ConnectAsync_NoFolder_IsNotFoundAndNothingElse()
    {
        var transport = new DirectoryTransport();
        Assert.Equal("dir", transport.Scheme);
        foreach (var (address, kind) in new[] { ($"dir:{_esp.Root}/none", TransportFaultKind.NotFound), ($"dir:{_esp.FactsFile}", TransportFaultKind.NotFound), ("dir:relative", TransportFaultKind.Unsupported) })
        {
            var fault = (await transport.ConnectAsync(Request(address), default)).Fault();
            Assert.Equal((kind, FaultEffect.NotSent), (fault.Kind, fault.Effect));
        }

        Assert.Equal(TransportFaultKind.Cancelled, (await transport.ConnectAsync(Request("dir:" + _esp.Root), new(true))).Fault().Kind);
    }

    [Fact]
    public async Task GetCapability_Folder_HasNoPower()
    {
        ITargetSession session = await _esp.Connect();
        Assert.Null(session.GetCapability<IPowerCapability>());
        Assert.NotNull(session.GetCapability<IFactsCapability>());
        Assert.NotNull(session.GetCapability<IClaimCapability>());
        Assert.NotNull(session.GetCapability<IArmingCapability>());
        Assert.Equal([VerificationMethod.ReadBack], session.GetCapability<IDepositCapability>()!.Traits.Verification.ToArray());
    }

    [Fact]
    public async Task Deposit_WrittenAndCommitted_ReadsBackAndIsListed()
    {
        await using var session = await _esp.Connect();
        var claim = (await session.AcquireClaimAsync(new("me"), default)).Ok();
        var (manifest, contents) = Sample("d-1", claim.Generation, 10_000, 5);
        await using var deposit = (await session.OpenDepositAsync(manifest, default)).Ok();
        Assert.Same(manifest, deposit.Manifest);
        Assert.Equal([("d-1", 1L, false)], (await session.ListDepositsAsync(default)).Ok().Select(d => (d.Id, d.Generation, d.IsCommitted)).ToArray());
        Assert.Equal(0, (await deposit.ReadBackAsync(0, 0, new byte[10], default)).Ok());

        (await deposit.WriteAsync(0, 0, contents[0].AsMemory(0, 9_000), default)).Ok();
        var fault = (await deposit.CommitAsync(default)).Fault();
        Assert.Equal((TransportFaultKind.Rejected, FaultEffect.NotSent), (fault.Kind, fault.Effect));
        Assert.Equal(9_000, (await deposit.ReadBackAsync(0, 0, new byte[20_000], default)).Ok());
        (await deposit.WriteAsync(0, 9_000, contents[0].AsMemory(9_000), default)).Ok();
        (await deposit.WriteAsync(1, 0, contents[1], default)).Ok();
        await AssertContent(deposit, 0, contents[0]);

        (await deposit.CommitAsync(default)).Ok();
        (await deposit.CommitAsync(default)).Ok();
        await AssertContent(deposit, 0, contents[0]);
        await AssertContent(deposit, 1, contents[1]);
        Assert.Equal([("d-1", 1L, true)], (await session.ListDepositsAsync(default)).Ok().Select(d => (d.Id, d.Generation, d.IsCommitted)).ToArray());
        Assert.Equal(TransportFaultKind.Unsupported, (await deposit.DigestOnTargetAsync(0, default)).Fault().Kind);
        Assert.False(System.IO.Directory.Exists(_esp.Capsules));
    }

    [Fact]
    public async Task WriteAsync_OutOfPlace_IsRefusedAndChangesNothing()
    {
        await using var session = await _esp.Connect();
        var claim = (await session.AcquireClaimAsync(new("me"), default)).Ok();
        var (manifest, contents) = Sample("d-1", claim.Generation, 2_000_000);
        await using var deposit = (await session.OpenDepositAsync(manifest, default)).Ok();
        var before = _esp.Tree();
        foreach (var (index, offset, length) in new[] { (0, 1L, 5), (0, 0L, (1 << 20) + 1), (0, -1L, 1), (1, 0L, 1), (-1, 0L, 1) })
        {
            var fault = (await deposit.WriteAsync(index, offset, contents[0].AsMemory(0, length), default)).Fault();
            Assert.Equal((TransportFaultKind.ProtocolViolation, FaultEffect.NotSent), (fault.Kind, fault.Effect));
        }

        Assert.Equal(before, _esp.Tree());
        (await deposit.WriteAsync(0, 0, contents[0].AsMemory(0, 1 << 20), default)).Ok();
        Assert.Equal(TransportFaultKind.ProtocolViolation, (await deposit.WriteAsync(0, 0, contents[0].AsMemory(0, 1), default)).Fault().Kind);
        Assert.Equal(TransportFaultKind.ProtocolViolation, (await deposit.WriteAsync(0, 1 << 20, contents[0].AsMemory(0, 1 << 20), default)).Fault().Kind);
    }

    [Fact]
    public async Task OpenDepositAsync_TakenOrFencedOrTooMany_SaysWhich()
    {
        await using var session = await _esp.Connect();
        var (manifest, _) = Sample("d-1", 1, 5);
        Assert.Equal(TransportFaultKind.Fenced, (await session.OpenDepositAsync(manifest, default)).Fault().Kind);
        Assert.Equal("EFI/", _esp.Tree());

        await _esp.Commit(session);
        Assert.Equal(TransportFaultKind.AlreadyExists, (await session.OpenDepositAsync(manifest, default)).Fault().Kind);
        Assert.Equal(TransportFaultKind.Fenced, (await session.OpenDepositAsync(Sample("d-2", 7, 5).Manifest, default)).Fault().Kind);
        Assert.Equal(TransportFaultKind.Unsupported, (await session.OpenDepositAsync(Sample("d-3", 1, new int[17].Select((_, i) => i + 1).ToArray()).Manifest, default)).Fault().Kind);

        // Also when the deposit with this id is one of an older generation.
        var claim = (await session.AcquireClaimAsync(new("me"), default)).Ok();
        Assert.Equal(TransportFaultKind.AlreadyExists, (await session.OpenDepositAsync(Sample("d-1", claim.Generation, 5).Manifest, default)).Fault().Kind);
    }

    [Fact]
    public async Task DiscardDepositAsync_Anything_LeavesNothingAndCanBeRepeated()
    {
        await using var session = await _esp.Connect();
        (await session.DiscardDepositAsync("none", 1, default)).Ok();
        Assert.Equal("EFI/", _esp.Tree());
        await _esp.Commit(session);
        var claim = (await session.AcquireClaimAsync(new("me"), default)).Ok();
        await using (var open = (await session.OpenDepositAsync(Sample("d-2", claim.Generation, 5).Manifest, default)).Ok())
        {
            (await open.WriteAsync(0, 0, new byte[3], default)).Ok();
        }

        await using var next = await _esp.Connect();
        Assert.Equal([("d-1", 1, true), ("d-2", 2, false)], (await next.ListDepositsAsync(default)).Ok().Select(d => (d.Id, d.Generation, d.IsCommitted)).Order());
        foreach (var found in (await next.ListDepositsAsync(default)).Ok())
        {
            (await next.DiscardDepositAsync(found.Id, found.Generation, default)).Ok();
            (await next.DiscardDepositAsync(found.Id, found.Generation, default)).Ok();
        }

        Assert.Empty((await next.ListDepositsAsync(default)).Ok());
        Assert.DoesNotContain("g1", _esp.Tree(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task ArmAsync_CommittedDeposit_LiesWhereFirmwareLooksAndNothingElseDoes(bool emptyFolderIsThere)
    {
        if (emptyFolderIsThere)
        {
            System.IO.Directory.CreateDirectory(Path.Combine(_esp.Root, "EFI", "updatecapsule"));
        }

        await using var session = await _esp.Connect();
        var manifest = await _esp.Commit(session);
        (await session.ArmAsync(new(manifest, ArmingMethod.CapsuleFileOnly), default)).Ok();

        Assert.Equal(["romflash-d-1-00-rom0.cap", "romflash-d-1-01-rom1.cap"], System.IO.Directory.GetFileSystemEntries(_esp.Capsules).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        var state = (await session.ReadArmedStateAsync(true, default)).Ok();
        Assert.Equal((ArmedPhase.Armed, "d-1", 1L), (state.Phase, state.DepositId, state.Generation));
        Assert.Equal(manifest.Files.Select(f => (Fact<ContentDigest>)f.Sha256), state.Items.Select(i => i.Sha256));
        Assert.Equal(manifest.Files.Select(f => (Fact<long>)f.Length), state.Items.Select(i => i.Length));
        Assert.Empty(state.Foreign);
        Assert.Equal([new ArmingOffer(ArmingMethod.CapsuleFileOnly, true, false, 16)], state.Offers.ToArray());
        Assert.All((await session.ReadArmedStateAsync(false, default)).Ok().Items, i => Assert.False(i.Sha256.IsKnown));
        Assert.Empty((await session.ListDepositsAsync(default)).Ok());
        Assert.Equal(TransportFaultKind.Busy, (await session.DiscardDepositAsync("d-1", 1, default)).Fault().Kind);
        Assert.Equal(TransportFaultKind.Busy, (await session.ArmAsync(new(manifest, ArmingMethod.CapsuleFileOnly), default)).Fault().Kind);

        (await session.DisarmAsync("another", default)).Ok();
        Assert.Equal(ArmedPhase.Armed, (await session.ReadArmedStateAsync(false, default)).Ok().Phase);
        (await session.DisarmAsync("d-1", default)).Ok();
        (await session.DisarmAsync("d-1", default)).Ok();
        state = (await session.ReadArmedStateAsync(false, default)).Ok();
        Assert.Equal((ArmedPhase.None, (string?)null), (state.Phase, state.DepositId));
        Assert.Empty((await session.ListDepositsAsync(default)).Ok());
        Assert.DoesNotContain("d-1", _esp.Tree(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task ArmAsync_UncommittedOrUnknownOrChanged_IsRefusedAndInert()
    {
        await using var session = await _esp.Connect();
        var manifest = await _esp.Commit(session);
        await using var open = (await session.OpenDepositAsync(Sample("d-2", 1, 5).Manifest, default)).Ok();
        Assert.Equal(TransportFaultKind.NotFound, (await Arm(session, open.Manifest)).Fault().Kind);
        Assert.Equal(TransportFaultKind.NotFound, (await Arm(session, Sample("d-9", 1, 5).Manifest)).Fault().Kind);
        Assert.Equal(TransportFaultKind.ContentDiffers, (await Arm(session, Sample("d-1", 1, 5).Manifest)).Fault().Kind);
        Assert.Equal(TransportFaultKind.Unsupported, (await session.ArmAsync(new(manifest, ArmingMethod.CapsuleOnDisk), default)).Fault().Kind);

        var extra = Path.Combine(_esp.RomFlash, "g1", "d-1", "extra.cap");
        await File.WriteAllTextAsync(extra, "x");
        var fault = (await Arm(session, manifest)).Fault();
        Assert.Equal((TransportFaultKind.ContentDiffers, FaultEffect.NotSent), (fault.Kind, fault.Effect));
        Assert.False(System.IO.Directory.Exists(_esp.Capsules));
        File.Delete(extra);

        // As long as before, and of another content.
        var file = System.IO.Directory.GetFiles(Path.Combine(_esp.RomFlash, "g1", "d-1"))[0];
        var content = await File.ReadAllBytesAsync(file);
        await File.WriteAllBytesAsync(file, [.. content[..^1], (byte)~content[^1]]);
        fault = (await Arm(session, manifest)).Fault();
        Assert.Equal((TransportFaultKind.ContentDiffers, FaultEffect.NotSent), (fault.Kind, fault.Effect));
        Assert.False(System.IO.Directory.Exists(_esp.Capsules));
        await File.WriteAllBytesAsync(file, content);
        (await Arm(session, manifest)).Ok();
    }

    [Fact]
    public async Task ArmAsync_FirmwareTakesNoFiles_IsUnsupportedAndNothingIsOffered()
    {
        await File.WriteAllTextAsync(_esp.FactsFile, "{}");
        await using var session = await _esp.Connect();
        var manifest = await _esp.Commit(session);
        Assert.Equal(TransportFaultKind.Unsupported, (await Arm(session, manifest)).Fault().Kind);
        Assert.Empty((await session.ReadArmedStateAsync(false, default)).Ok().Offers);
    }

    [Fact]
    public async Task ArmAsync_ForeignCapsule_IsBusyAndTheCapsuleStays()
    {
        System.IO.Directory.CreateDirectory(_esp.Capsules);
        var foreign = Path.Combine(_esp.Capsules, "\u001b]0;x.cap");
        await File.WriteAllTextAsync(foreign, "abc");
        await using var session = await _esp.Connect();
        var manifest = await _esp.Commit(session);
        var fault = (await Arm(session, manifest)).Fault();
        Assert.Equal((TransportFaultKind.Busy, FaultEffect.NotSent), (fault.Kind, fault.Effect));
        var state = (await session.ReadArmedStateAsync(true, default)).Ok();
        Assert.Equal(ArmedPhase.None, state.Phase);
        Assert.Equal("\u001b]0;x.cap", Assert.Single(state.Foreign).Name);
        (await session.DisarmAsync("d-1", default)).Ok();
        Assert.True(File.Exists(foreign));
    }

    [Fact]
    public async Task DisarmAsync_ForeignCapsuleAmongOurs_TakesOnlyOurs()
    {
        await using var session = await _esp.Connect();
        (await Arm(session, await _esp.Commit(session))).Ok();
        await File.WriteAllTextAsync(Path.Combine(_esp.Capsules, "other.cap"), "abc");
        var state = (await session.ReadArmedStateAsync(false, default)).Ok();
        Assert.Equal((2, 1), (state.Items.Length, state.Foreign.Length));
        (await session.DisarmAsync("d-1", default)).Ok();
        Assert.Equal(["other.cap"], System.IO.Directory.GetFileSystemEntries(_esp.Capsules).Select(Path.GetFileName));
        Assert.Equal(ArmedPhase.None, (await session.ReadArmedStateAsync(false, default)).Ok().Phase);
    }

    [Fact]
    public async Task ReadArmedStateAsync_CopyChangedAfterArming_ShowsWhatLiesThere()
    {
        await using var session = await _esp.Connect();
        var manifest = await _esp.Commit(session);
        (await Arm(session, manifest)).Ok();
        var changed = new byte[500];
        await File.WriteAllBytesAsync(Path.Combine(_esp.Capsules, "romflash-d-1-01-rom1.cap"), changed);
        await File.WriteAllTextAsync(Path.Combine(_esp.Capsules, "romflash-d-1-00-rom0.cap"), "short");
        var state = (await session.ReadArmedStateAsync(true, default)).Ok();
        Assert.Equal(new ContentDigest(SHA256.HashData(changed)), state.Items[1].Sha256);
        Assert.False(state.Items[0].Sha256.IsKnown);
    }

    [Fact]
    public async Task ListDepositsAsync_AfterABootThatConsumedTheCapsules_NamesWhatIsLeftAndItCanBeRemoved()
    {
        await using var session = await _esp.Connect();
        (await Arm(session, await _esp.Commit(session))).Ok();
        foreach (var file in System.IO.Directory.GetFiles(_esp.Capsules))
        {
            File.Delete(file);
        }

        Assert.Equal(ArmedPhase.None, (await session.ReadArmedStateAsync(true, default)).Ok().Phase);
        Assert.Equal([("d-1", 1L, false)], (await session.ListDepositsAsync(default)).Ok().Select(d => (d.Id, d.Generation, d.IsCommitted)).ToArray());
        (await session.DiscardDepositAsync("d-1", 1, default)).Ok();
        Assert.Empty((await session.ListDepositsAsync(default)).Ok());
        (await Arm(session, await _esp.Commit(session, "d-2"))).Ok();
    }

    [Fact]
    public async Task AcquireClaimAsync_HeldAndTakenOver_FencesTheOldOwnerOnTheTarget()
    {
        await using var old = await _esp.Connect();
        await using var young = await _esp.Connect();
        Assert.Equal(new ClaimState(null, 0), (await old.ReadClaimAsync(default)).Ok());
        var manifest = await _esp.Commit(old, owner: "old");
        await using var half = (await old.OpenDepositAsync(Sample("d-2", 1, 5).Manifest, default)).Ok();
        (await half.WriteAsync(0, 0, Sample("x", 1, 5).Contents[0], default)).Ok();

        var before = _esp.Tree();
        var fault = (await young.AcquireClaimAsync(new("young"), default)).Fault();
        Assert.Equal((TransportFaultKind.ClaimHeld, FaultEffect.NotSent), (fault.Kind, fault.Effect));
        Assert.Equal(TransportFaultKind.ClaimHeld, (await young.AcquireClaimAsync(new("young", 9), default)).Fault().Kind);
        Assert.Equal(before, _esp.Tree());
        Assert.Equal(new TargetClaim("young", 2), (await young.AcquireClaimAsync(new("young", 1), default)).Ok());

        Assert.Contains((await Arm(old, manifest)).Fault().Kind, new[] { TransportFaultKind.Fenced, TransportFaultKind.NotFound });
        Assert.Contains((await half.CommitAsync(default)).Fault().Kind, new[] { TransportFaultKind.Fenced, TransportFaultKind.NotFound });
        Assert.Equal(TransportFaultKind.Fenced, (await old.OpenDepositAsync(Sample("d-3", 1, 5).Manifest, default)).Fault().Kind);
        (await old.ReleaseClaimAsync(new("old", 1), default)).Ok();
        Assert.Equal(new ClaimState(new("young", 2), 2), (await young.ReadClaimAsync(default)).Ok());
        Assert.Equal(["d-1", "d-2"], (await young.ListDepositsAsync(default)).Ok().Select(d => d.Id).Order());
        Assert.False(System.IO.Directory.Exists(_esp.Capsules));

        (await young.ReleaseClaimAsync(new("young", 2), default)).Ok();
        (await young.ReleaseClaimAsync(new("young", 2), default)).Ok();
        Assert.Equal(new ClaimState(null, 2), (await young.ReadClaimAsync(default)).Ok());
        Assert.Equal(3, (await old.AcquireClaimAsync(new("old"), default)).Ok().Generation);
        Assert.Equal(4, (await old.AcquireClaimAsync(new("old"), default)).Ok().Generation);
    }

    [Fact]
    public async Task AcquireClaimAsync_ManyAtOnce_OneOwnerGetsIt()
    {
        var results = await Task.WhenAll(Enumerable.Range(0, 8).Select(async i =>
        {
            await using var session = await _esp.Connect();
            return await session.AcquireClaimAsync(new($"owner-{i}"), default);
        }));
        Assert.Single(results, r => r.TryGetValue(out _, out _));

        // On a slow disk one that waits for the winner's flushes may be told that somebody is busy there.
        Assert.All(results.Where(r => !r.TryGetValue(out _, out _)), r => Assert.True(r.Fault().Kind is TransportFaultKind.ClaimHeld or TransportFaultKind.Busy, r.Fault().ToString()));
    }

    [Fact]
    public async Task AcquireClaimAsync_LockHeldForLong_IsBusyInBoundedTime()
    {
        await using var session = await _esp.Connect();
        (await session.AcquireClaimAsync(new("me"), default)).Ok();
        await using var held = new FileStream(Path.Combine(_esp.RomFlash, "lock"), FileMode.Open, FileAccess.ReadWrite, FileShare.None);
        var fault = (await session.AcquireClaimAsync(new("me"), default)).Fault();
        Assert.Equal((TransportFaultKind.Busy, FaultEffect.NotSent), (fault.Kind, fault.Effect));

        // Looking needs no lock.
        Assert.Equal(1, (await session.ReadClaimAsync(default)).Ok().LastGeneration);
    }

    [Fact]
    public async Task WriteAsync_LinkInThePlaceOfTheDeposit_IsNotFollowed()
    {
        if (OperatingSystem.IsWindows())
        {
            return;
        }

        await using var session = await _esp.Connect();
        var claim = (await session.AcquireClaimAsync(new("me"), default)).Ok();
        await using var deposit = (await session.OpenDepositAsync(Sample("d-1", claim.Generation, 5).Manifest, default)).Ok();
        var outside = System.IO.Directory.CreateDirectory(_esp.Root + "-outside").FullName;
        var folder = Path.Combine(_esp.RomFlash, "g1", "d-1");
        System.IO.Directory.Delete(folder);
        System.IO.Directory.CreateSymbolicLink(folder, outside);
        Assert.Equal(FaultEffect.NotSent, (await deposit.WriteAsync(0, 0, new byte[5], default)).Fault().Effect);
        Assert.Empty(System.IO.Directory.GetFileSystemEntries(outside));
    }

    [Theory]
    [InlineData("")]
    [InlineData("\0\0\0\0")]
    [InlineData("{}")]
    [InlineData("""{"owner":"x","generation":-1}""")]
    [InlineData("""{"owner":"x","generation":99999999999999999999}""")]
    [InlineData("""{"owner":"x","generation":1,"more":1}""")]
    [InlineData("[[[[[[[[[[[[[[[[[[[[")]
    [InlineData("huge")]
    public async Task AcquireClaimAsync_HostileClaimFile_IsHeldByAnUnknownOwnerUntilTakenOver(string content)
    {
        await using var session = await _esp.Connect();
        (await session.AcquireClaimAsync(new("me"), default)).Ok();
        await File.WriteAllTextAsync(Path.Combine(_esp.RomFlash, "claim.json"), content == "huge" ? new string(' ', 100_000) : content);
        Assert.Equal(TransportFaultKind.ProtocolViolation, (await session.ReadClaimAsync(default)).Fault().Kind);
        Assert.Equal(TransportFaultKind.ClaimHeld, (await session.AcquireClaimAsync(new("me"), default)).Fault().Kind);
        Assert.Equal(new TargetClaim("me", 2), (await session.AcquireClaimAsync(new("me", 1), default)).Ok());
    }

    [Fact]
    public async Task ReadArmedStateAsync_HostileArmedFile_MakesWhatLiesThereForeign()
    {
        await using var session = await _esp.Connect();
        (await Arm(session, await _esp.Commit(session))).Ok();
        foreach (var content in new[] { string.Empty, "{", """{"id":"../x","generation":1,"files":[]}""", """{"id":"d-1","generation":1,"files":[{"name":"../../x","length":1,"sha256":"00","componentId":""}]}""" })
        {
            await File.WriteAllTextAsync(Path.Combine(_esp.RomFlash, "armed.json"), content);
            var state = (await session.ReadArmedStateAsync(true, default)).Ok();
            Assert.Equal((ArmedPhase.None, 2), (state.Phase, state.Foreign.Length));
        }
    }

    [Theory]
    [InlineData("EFI")]
    [InlineData("EFI/RomFlash")]
    [InlineData("EFI/UpdateCapsule")]
    public async Task EveryOperation_LinkInThePlaceOfAFolder_IsNotFollowed(string place)
    {
        if (OperatingSystem.IsWindows())
        {
            return;
        }

        var outside = _esp.Root + "-outside";
        System.IO.Directory.CreateDirectory(Path.Combine(outside, "RomFlash"));
        if (place == "EFI")
        {
            System.IO.Directory.Delete(Path.Combine(_esp.Root, "EFI"));
        }

        System.IO.Directory.CreateSymbolicLink(Path.Combine(_esp.Root, place), outside);
        await using var session = await _esp.Connect();
        Assert.Equal(TransportFaultKind.ProtocolViolation, (await session.ReadArmedStateAsync(true, default)).Fault().Kind);
        Assert.Equal(TransportFaultKind.ProtocolViolation, (await session.ListDepositsAsync(default)).Fault().Kind);
        if (place != "EFI/UpdateCapsule")
        {
            Assert.Equal(TransportFaultKind.ProtocolViolation, (await session.AcquireClaimAsync(new("me"), default)).Fault().Kind);
        }
        else
        {
            Assert.Equal(TransportFaultKind.ProtocolViolation, (await Arm(session, await _esp.Commit(session))).Fault().Kind);
        }

        Assert.Empty(System.IO.Directory.GetFileSystemEntries(Path.Combine(outside, "RomFlash")));
        Assert.Equal([Path.Combine(outside, "RomFlash")], System.IO.Directory.GetFileSystemEntries(outside));
    }

    [Fact]
    public async Task EveryOperation_NamesThatDifferInCase_AreTheSameOrRefused()
    {
        System.IO.Directory.Move(Path.Combine(_esp.Root, "EFI"), Path.Combine(_esp.Root, "efi"));
        await using var session = await _esp.Connect();
        (await Arm(session, await _esp.Commit(session))).Ok();
        Assert.Equal(["efi"], System.IO.Directory.GetFileSystemEntries(_esp.Root).Select(Path.GetFileName));
        System.IO.Directory.CreateDirectory(Path.Combine(_esp.Root, "EFI"));
        if (System.IO.Directory.GetFileSystemEntries(_esp.Root).Length == 2)
        {
            Assert.Equal(TransportFaultKind.ProtocolViolation, (await session.ReadArmedStateAsync(false, default)).Fault().Kind);
        }
    }

    [Fact]
    public async Task EveryOperation_CancelledOrDisposed_IsNotSentAndChangesNothing()
    {
        var session = await _esp.Connect();
        var manifest = await _esp.Commit(session);
        var deposit = (await session.OpenDepositAsync(Sample("d-2", 1, 5).Manifest, default)).Ok();
        var before = _esp.Tree();
        foreach (var (token, kind) in new[] { (new CancellationToken(true), TransportFaultKind.Cancelled), (CancellationToken.None, TransportFaultKind.Lost) })
        {
            var faults = new List<TransportFault>
            {
                (await session.ReadFactsAsync(FactKinds.All, token)).Fault(),
                (await session.ListDepositsAsync(token)).Fault(),
                (await session.OpenDepositAsync(Sample("d-3", 1, 5).Manifest, token)).Fault(),
                (await session.DiscardDepositAsync("d-1", 1, token)).Fault(),
                (await session.ReadArmedStateAsync(true, token)).Fault(),
                (await session.ArmAsync(new(manifest, ArmingMethod.CapsuleFileOnly), token)).Fault(),
                (await session.DisarmAsync("d-1", token)).Fault(),
                (await session.ReadClaimAsync(token)).Fault(),
                (await session.AcquireClaimAsync(new("me"), token)).Fault(),
                (await session.ReleaseClaimAsync(new("me", 1), token)).Fault(),
                (await deposit.WriteAsync(0, 0, new byte[5], token)).Fault(),
                (await deposit.ReadBackAsync(0, 0, new byte[5], token)).Fault(),
                (await deposit.DigestOnTargetAsync(0, token)).Fault(),
                (await deposit.CommitAsync(token)).Fault(),
            };
            Assert.All(faults, f => Assert.Equal((kind, FaultEffect.NotSent), (f.Kind, f.Effect)));
            if (kind is TransportFaultKind.Cancelled)
            {
                await deposit.DisposeAsync();
                await deposit.DisposeAsync();
                Assert.Equal(TransportFaultKind.Lost, (await deposit.CommitAsync(default)).Fault().Kind);
                await session.DisposeAsync();
                await session.DisposeAsync();
            }
        }

        Assert.Equal(before, _esp.Tree());
    }

    [Fact]
    public async Task EveryStep_ClientEndsAfterIt_TargetIsUntouchedOrArmedAndTheNextClientCleansUp()
    {
        var armedAt = -1;
        for (var steps = 0; ; steps++)
        {
            using var esp = new EspFixture();
            System.IO.Directory.CreateDirectory(esp.Capsules);
            var broken = new BrokenFolder(steps);
            var reached = await Upgrade(esp, broken);

            await using var next = await esp.Connect();
            var state = (await next.ReadArmedStateAsync(true, default)).Ok();
            var lying = System.IO.Directory.Exists(esp.Capsules) ? System.IO.Directory.GetFileSystemEntries(esp.Capsules) : [];
            Assert.Empty(state.Foreign);
            Assert.Contains(lying.Length, new[] { 0, 2 });
            Assert.Equal(lying.Length == 2, state.Phase is ArmedPhase.Armed);
            if (state.Phase is ArmedPhase.Armed)
            {
                armedAt = armedAt < 0 ? steps : armedAt;
                Assert.All(state.Items, i => Assert.True(i.Sha256.IsKnown));
                Assert.Equal(2, state.Items.Length);
            }
            else
            {
                // Either it was not armed yet, or it was disarmed: never in between.
                Assert.True(armedAt < 0 || reached is "disarm" or "end");
            }

            if (state.DepositId is { } id)
            {
                (await next.DisarmAsync(id, default)).Ok();
            }

            var view = (await next.ReadClaimAsync(default)).Ok();
            (await next.AcquireClaimAsync(new("next", view.Current?.Generation), default)).Ok();
            foreach (var found in (await next.ListDepositsAsync(default)).Ok())
            {
                (await next.DiscardDepositAsync(found.Id, found.Generation, default)).Ok();
            }

            Assert.Empty((await next.ListDepositsAsync(default)).Ok());
            Assert.DoesNotContain("d-1", esp.Tree(), StringComparison.Ordinal);
            var manifest = await esp.Commit(next, "d-again", "next");
            (await Arm(next, manifest)).Ok();
            Assert.Equal(ArmedPhase.Armed, (await next.ReadArmedStateAsync(false, default)).Ok().Phase);
            if (reached is "end")
            {
                Assert.InRange(armedAt, 20, steps - 1);
                return;
            }
        }
    }

    [Theory]
    [InlineData(28, TransportFaultKind.NoSpace)]
    [InlineData(122, TransportFaultKind.NoSpace)]
    [InlineData(30, TransportFaultKind.ReadOnly)]
    [InlineData(13, TransportFaultKind.AccessDenied)]
    [InlineData(2, TransportFaultKind.NotFound)]
    [InlineData(17, TransportFaultKind.AlreadyExists)]
    [InlineData(16, TransportFaultKind.Busy)]
    [InlineData(5, TransportFaultKind.Lost)]
    [InlineData(12345, TransportFaultKind.Unmapped)]
    [InlineData(unchecked((int)0x80070070), TransportFaultKind.NoSpace)]
    [InlineData(unchecked((int)0x80070013), TransportFaultKind.ReadOnly)]
    public async Task WriteAsync_SystemRefuses_IsAFaultWithItsCode(int code, TransportFaultKind kind)
    {
        var broken = new BrokenFolder();
        await using var session = await _esp.Connect(broken);
        var claim = (await session.AcquireClaimAsync(new("me"), default)).Ok();
        await using var deposit = (await session.OpenDepositAsync(Sample("d-1", claim.Generation, 5).Manifest, default)).Ok();
        broken.Refuse = (step, _) => step == "Write" ? new IOException("refused", code) : null;
        var fault = (await deposit.WriteAsync(0, 0, new byte[5], default)).Fault();
        Assert.Equal((kind, FaultEffect.MayHaveApplied), (fault.Kind, fault.Effect));
        Assert.Equal(new PeerCode(PeerCode.HResult, unchecked((uint)code)), fault.PeerCode);
    }

    [Fact]
    public async Task EveryException_BecomesAFault_NoneGetsOut()
    {
        var broken = new BrokenFolder();
        await using var session = await _esp.Connect(broken);
        foreach (var (exception, kind) in new (Exception, TransportFaultKind)[]
        {
            (new UnauthorizedAccessException(), TransportFaultKind.AccessDenied),
            (new DirectoryNotFoundException(), TransportFaultKind.NotFound),
            (new PathTooLongException(), TransportFaultKind.Unsupported),
            (new InvalidOperationException(), TransportFaultKind.TransportBroken),
            (new OperationCanceledException(), TransportFaultKind.TransportBroken),
            (new UnauthorizedAccessException("x", new IOException("y", 30)), TransportFaultKind.ReadOnly),
        })
        {
            broken.Refuse = (_, _) => exception;
            Assert.Equal(kind, (await session.AcquireClaimAsync(new("me"), default)).Fault().Kind);
        }
    }

    [Fact]
    public async Task OpenDepositAsync_NoEfiFolder_IsNotFoundAndNothingIsMade()
    {
        System.IO.Directory.Delete(Path.Combine(_esp.Root, "EFI"));
        await using var session = await _esp.Connect();
        Assert.Equal(TransportFaultKind.NotFound, (await session.AcquireClaimAsync(new("me"), default)).Fault().Kind);
        Assert.Equal(TransportFaultKind.NotFound, (await session.OpenDepositAsync(Sample("d-1", 1, 5).Manifest, default)).Fault().Kind);
        Assert.Equal(string.Empty, _esp.Tree());

        // It may be the empty folder below a mount point: nothing armed is not what it says, nor that anything was taken away.
        Assert.Equal(TransportFaultKind.NotFound, (await session.ReadArmedStateAsync(true, default)).Fault().Kind);
        Assert.Equal(TransportFaultKind.NotFound, (await session.DisarmAsync("d-1", default)).Fault().Kind);
        Assert.Equal(TransportFaultKind.NotFound, (await session.DiscardDepositAsync("d-1", 1, default)).Fault().Kind);
    }

    private static ValueTask<TransportResult<Done>> Arm(DirectorySession session, DepositManifest manifest) =>
        session.ArmAsync(new(manifest, ArmingMethod.CapsuleFileOnly), default);

    private static async Task AssertContent(IDeposit deposit, int index, byte[] expected)
    {
        var content = new MemoryStream();
        var buffer = new byte[777];
        int count;
        while ((count = (await deposit.ReadBackAsync(index, content.Length, buffer, default)).Ok()) > 0)
        {
            content.Write(buffer, 0, count);
        }

        Assert.Equal(expected, content.ToArray());
        Assert.Equal(0, (await deposit.ReadBackAsync(index, expected.Length, buffer, default)).Ok());
    }

    // The whole way, up to where the client ends.
    private static async Task<string> Upgrade(EspFixture esp, BrokenFolder broken)
    {
        await using var session = await esp.Connect(broken);
        if (!(await session.AcquireClaimAsync(new("me"), default)).TryGetValue(out var claim, out _))
        {
            return "claim";
        }

        var (manifest, contents) = Sample("d-1", claim.Generation, 5_000, 500);
        if (!(await session.OpenDepositAsync(manifest, default)).TryGetValue(out var deposit, out _))
        {
            return "open";
        }

        await using (deposit)
        {
            if (!(await Fill(deposit, contents)).TryGetValue(out _, out _))
            {
                return "fill";
            }
        }

        if (!(await Arm(session, manifest)).TryGetValue(out _, out _))
        {
            return "arm";
        }

        return (await session.DisarmAsync("d-1", default)).TryGetValue(out _, out _) ? "end" : "disarm";
    }
}
