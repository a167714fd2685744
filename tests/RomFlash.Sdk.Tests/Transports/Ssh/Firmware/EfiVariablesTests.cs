using RomFlash.Sdk.Probing;
using RomFlash.Sdk.Transports;
using RomFlash.Sdk.Transports.Ssh.Firmware;
using RomFlash.Sdk.Transports.SystemPartitions;

namespace RomFlash.Sdk.Tests.Transports.Ssh.Firmware;

/// <summary>EFI variables in a folder that looks like efivarfs, through this machine's own shell.</summary>
[Trait("Category", "Peer")]
public sealed class EfiVariablesTests : IDisposable
{
    private const string Folder = "/sys/firmware/efi/efivars";

    private readonly StagedTarget _target = new();

    private EfiVariables Variables => new(_target.Scripts);

    private OsIndications Indications => new(Variables);

    public void Dispose() => _target.Dispose();

    [Fact]
    public async Task ReadAsync_WhatIsNotThere_IsNull()
    {
        Assert.Null(await Variables.ReadAsync("BootNext", default));
        Assert.False(await Variables.IsThereAsync(default));
        _target.Folder(Folder);
        Assert.Null(await Variables.ReadAsync("BootNext", default));
        Assert.False(await Variables.IsThereAsync(default));
        _target.Variable("BootOrder", 7, 1, 0);
        Assert.Null(await Variables.ReadAsync("BootNext", default));
        Assert.True(await Variables.IsThereAsync(default));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(256)]
    [InlineData(EfiVariable.MaxBytes - 4)]
    public async Task WriteAsync_AnyBytes_AreReadBack_AndWereOneWrite(int length)
    {
        var value = Enumerable.Range(0, length).Select(i => (byte)i).ToArray();
        _target.Folder(Folder);
        await Variables.WriteAsync("Test0", new(0x8000_0007, value), default);
        Assert.Equal([7, 0, 0, 0x80, .. value], _target.VariableBytes("Test0"));
        Assert.Contains("0+1 records out", _target.Scripts.Ran[^1].Reply.ErrorText.Replace("1+0", "0+1", StringComparison.Ordinal), StringComparison.Ordinal);
        var read = await Variables.ReadAsync("Test0", default);
        Assert.NotNull(read);
        Assert.Equal(0x8000_0007, read.Attributes);
        Assert.Equal(value, read.Value);
    }

    [Fact]
    public async Task WriteAsync_ShellThatBuffersByLines_IsOneWriteNevertheless()
    {
        // What bash does: a write before each byte 0a, here with time between.
        _target.Folder(Folder);
        _target.Scripts.Before = "printf() { command printf '\\007\\000\\000\\000\\012'; sleep 0.2; command printf '\\001\\012'; }\n";
        await Variables.WriteAsync("Test0", new(7, [10, 1, 10]), default);
        Assert.Equal([7, 0, 0, 0, 10, 1, 10], _target.VariableBytes("Test0"));
        Assert.Contains("0+2 records in", _target.Scripts.Ran[^1].Reply.ErrorText, StringComparison.Ordinal);
        Assert.Contains("0+1 records out", _target.Scripts.Ran[^1].Reply.ErrorText, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(EfiVariable.MaxBytes + 1)]
    [InlineData(3_000_000)]
    public async Task ReadAsync_NoVariable_IsAFault(int length)
    {
        _target.Put(EfiVariables.PathOf("Test"), new byte[length]);
        Assert.Equal(TransportFaultKind.ProtocolViolation, (await Assert.ThrowsAsync<PartitionFaultException>(async () => await Variables.ReadAsync("Test", default))).Kind);
    }

    [Fact]
    public async Task ReadAsync_VariableThatWasNeverWritten_IsNotThere()
    {
        _target.Put(EfiVariables.PathOf("Test"), []);
        Assert.Null(await Variables.ReadAsync("Test", default));
    }

    [Fact]
    public async Task ReadAsync_FolderOrLinkToNothing_IsAFault()
    {
        _target.Folder(EfiVariables.PathOf("Test")).Link(EfiVariables.PathOf("Test2"), "/nowhere/at/all");
        foreach (var name in new[] { "Test", "Test2" })
        {
            Assert.Equal(TransportFaultKind.ProtocolViolation, (await Assert.ThrowsAsync<PartitionFaultException>(async () => await Variables.ReadAsync(name, default))).Kind);
        }
    }

    [Theory]
    [InlineData("Permission denied", TransportFaultKind.AccessDenied)]
    [InlineData("Operation not permitted", TransportFaultKind.AccessDenied)]
    [InlineData("Read-only file system", TransportFaultKind.ReadOnly)]
    [InlineData("No space left on device", TransportFaultKind.NoSpace)]
    [InlineData("Invalid argument", TransportFaultKind.Rejected)]
    [InlineData("what is this", TransportFaultKind.Unmapped)]
    public async Task WriteAndRead_Refused_AreNamedByTheErrorsText(string text, TransportFaultKind kind)
    {
        _target.Variable("Test", 7, 1);
        _target.Scripts.Before = $"dd() {{ cat >/dev/null; echo \"dd: x: {text}\" >&2; return 1; }}\nhead() {{ echo \"head: x: {text}\" >&2; return 1; }}\n";
        var fault = await Assert.ThrowsAsync<PartitionFaultException>(async () => await Variables.WriteAsync("Test", new(7, [2]), default));
        Assert.Equal((kind, FaultEffect.MayHaveApplied), (fault.Kind, fault.Fault.Effect));
        fault = await Assert.ThrowsAsync<PartitionFaultException>(async () => await Variables.ReadAsync("Test", default));
        Assert.Equal((kind, FaultEffect.NotSent), (fault.Kind, fault.Fault.Effect));
    }

    // Whoever writes into a pipe that nobody reads any more says so; what was refused is told by who was refused.
    [Fact]
    public async Task WriteAsync_RefusedBeforeAnythingIsWrittenThere_IsNamedByWhoWasRefused()
    {
        _target.Folder(EfiVariables.PathOf("Test"));
        _target.Scripts.Before = "printf() { sleep 0.1; echo 'sh: 1: printf: I/O error' >&2; sleep 0.1; return 1; }\n";
        var fault = await Assert.ThrowsAsync<PartitionFaultException>(async () => await Variables.WriteAsync("Test", new(7, [1]), default));
        Assert.Equal(TransportFaultKind.ProtocolViolation, fault.Kind);
        Assert.DoesNotContain("printf", fault.Fault.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task WriteAsync_NoFolderOrAFolderInItsPlace_IsAFault()
    {
        Assert.Equal(TransportFaultKind.NotFound, (await Assert.ThrowsAsync<PartitionFaultException>(async () => await Variables.WriteAsync("Test", new(7, [1]), default))).Kind);
        _target.Folder(EfiVariables.PathOf("Test"));
        Assert.Equal(TransportFaultKind.ProtocolViolation, (await Assert.ThrowsAsync<PartitionFaultException>(async () => await Variables.WriteAsync("Test", new(7, [1]), default))).Kind);
    }

    [Theory]
    [InlineData("")]
    [InlineData("../x")]
    [InlineData("Boot*")]
    [InlineData("Böot")]
    [InlineData("a b")]
    public async Task AnyOperation_NameThatIsNone_IsMisuse(string name)
    {
        await Assert.ThrowsAsync<ArgumentException>(async () => await Variables.ReadAsync(name, default));
        await Assert.ThrowsAsync<ArgumentException>(async () => await Variables.WriteAsync(name, new(7, [1]), default));
        Assert.Empty(_target.Scripts.Ran);
    }

    [Fact]
    public async Task IsSupportedAsync_SaysWhatTheFirmwareSays()
    {
        Assert.Contains("no EFI variables", (await Indications.IsSupportedAsync(default)).WhyUnknown, StringComparison.Ordinal);
        _target.Variable("BootOrder", 7, 1, 0);
        Assert.Contains("OsIndicationsSupported", (await Indications.IsSupportedAsync(default)).WhyUnknown, StringComparison.Ordinal);
        foreach (var (bits, isSupported) in new[] { ((byte)4, true), ((byte)0xFF, true), ((byte)0xFB, false), ((byte)0, false) })
        {
            _target.Variable("OsIndicationsSupported", 6, bits, 0, 0, 0, 0, 0, 0, 0);
            Assert.Equal((Fact<bool>)isSupported, await Indications.IsSupportedAsync(default));
        }

        foreach (var length in new[] { 1, 4, 7, 9 })
        {
            _target.Variable("OsIndicationsSupported", 6, [.. Enumerable.Repeat((byte)4, length)]);
            Assert.Contains("not 8", (await Indications.IsSupportedAsync(default)).WhyUnknown, StringComparison.Ordinal);
        }

        _target.Remove(EfiVariables.PathOf("OsIndicationsSupported")).Folder(EfiVariables.PathOf("OsIndicationsSupported"));
        Assert.Contains("not a plain file", (await Indications.IsSupportedAsync(default)).WhyUnknown, StringComparison.Ordinal);
    }

    [Fact]
    public async Task OsIndications_RoundTrip_KeepsOtherBitsAndAttributes()
    {
        _target.Variable("BootOrder", 7, 1, 0);
        Assert.Equal((Fact<bool>)false, await Indications.ReadAsync(default));
        await Indications.ClearAsync(default);
        Assert.False(File.Exists(_target.PathOf(EfiVariables.PathOf("OsIndications"))));
        await Indications.SetAsync(default);
        Assert.Equal([7, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0], _target.VariableBytes("OsIndications"));
        Assert.Equal((Fact<bool>)true, await Indications.ReadAsync(default));
        await Indications.ClearAsync(default);
        Assert.Equal([7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], _target.VariableBytes("OsIndications"));

        _target.Variable("OsIndications", 0x47, 0x0A, 0, 0, 0, 0, 0, 0, 0x80);
        await Indications.SetAsync(default);
        Assert.Equal([0x47, 0, 0, 0, 0x0E, 0, 0, 0, 0, 0, 0, 0x80], _target.VariableBytes("OsIndications"));
        await Indications.ClearAsync(default);
        Assert.Equal([0x47, 0, 0, 0, 0x0A, 0, 0, 0, 0, 0, 0, 0x80], _target.VariableBytes("OsIndications"));
    }

    [Fact]
    public async Task OsIndications_AlreadyAsWanted_IsNotWritten()
    {
        _target.Variable("OsIndications", 7, 4, 0, 0, 0, 0, 0, 0, 0);
        await Indications.SetAsync(default);
        Assert.DoesNotContain(_target.Scripts.Ran, r => r.Script.Contains("dd ", StringComparison.Ordinal));
    }

    [Fact]
    public async Task OsIndications_NoVariablesAtAll_IsUnknown() => Assert.False((await Indications.ReadAsync(default)).IsKnown);

    [Fact]
    public async Task OsIndications_NotUnderstood_IsNeverOverwritten()
    {
        _target.Variable("OsIndications", 7, 1, 2, 3);
        await Assert.ThrowsAsync<PartitionFaultException>(async () => await Indications.SetAsync(default));
        await Assert.ThrowsAsync<PartitionFaultException>(async () => await Indications.ReadAsync(default));
        Assert.Equal([7, 0, 0, 0, 1, 2, 3], _target.VariableBytes("OsIndications"));
    }

    [Fact]
    public async Task SetAsync_RefusedAndUnchanged_HadNoEffect_AndOtherwiseMayHave()
    {
        _target.Variable("OsIndications", 7, 1, 0, 0, 0, 0, 0, 0, 0);
        _target.Scripts.Before = "dd() { cat >/dev/null; echo 'dd: x: Permission denied' >&2; return 1; }\n";
        var fault = await Assert.ThrowsAsync<PartitionFaultException>(async () => await Indications.SetAsync(default));
        Assert.Equal((TransportFaultKind.AccessDenied, FaultEffect.NotSent), (fault.Kind, fault.Fault.Effect));

        _target.Scripts.Before = "dd() { command dd \"$@\"; echo 'dd: x: Permission denied' >&2; return 1; }\n";
        fault = await Assert.ThrowsAsync<PartitionFaultException>(async () => await Indications.SetAsync(default));
        Assert.Equal((TransportFaultKind.AccessDenied, FaultEffect.MayHaveApplied), (fault.Kind, fault.Fault.Effect));
    }

    [Fact]
    public async Task SetAsync_FirmwareThatKeepsSomethingElse_IsAFaultThatMayHaveApplied()
    {
        _target.Variable("OsIndications", 7, 1, 0, 0, 0, 0, 0, 0, 0);
        _target.Scripts.Before = "dd() { cat >/dev/null; }\n";
        var fault = await Assert.ThrowsAsync<PartitionFaultException>(async () => await Indications.SetAsync(default));
        Assert.Equal((TransportFaultKind.ProtocolViolation, FaultEffect.MayHaveApplied), (fault.Kind, fault.Fault.Effect));
    }
}
