using System.Text;
using RomFlash.Sdk.Probing;
using RomFlash.Sdk.Tests.Transports.Smb.Rpc;
using RomFlash.Sdk.Transports.Smb.Facts;
using RomFlash.Sdk.Transports.Smb.Rpc;
using static RomFlash.Sdk.Tests.Transports.Smb.Rpc.RpcConnectionTests;

namespace RomFlash.Sdk.Tests.Transports.Smb.Facts;

/// <summary>What is made of a registry that does not tell everything: nothing that it did not say.</summary>
public sealed class RegistryFactsTests
{
    private const string SessionManager = @"SYSTEM\CurrentControlSet\Control\Session Manager";
    private const string Servicing = @"SOFTWARE\Microsoft\Windows\CurrentVersion\Component Based Servicing\RebootPending";
    private const string Esrt = @"HARDWARE\UEFI\ESRT";

    [Fact]
    public async Task PendingReboot_NothingThatSaysSo_IsNo() => Assert.Equal("False", await PendingAsync(_ => { }));

    [Fact]
    public async Task PendingReboot_KeyOfServicing_IsYes() => Assert.Equal("True", await PendingAsync(r => r.Add(Servicing, string.Empty, 1, [])));

    [Fact]
    public async Task PendingReboot_KeyThatMayNotBeOpened_IsUnknown() => Assert.Equal("unknown", await PendingAsync(r => r.Add(Servicing, string.Empty, 1, []).Forbidden.Add(Servicing)));

    [Fact]
    public async Task PendingReboot_RenamesOfAnInstaller_AreYes() =>
        Assert.Equal("True", await PendingAsync(r => r.Add(SessionManager, "PendingFileRenameOperations", 7, Encoding.Unicode.GetBytes("old\0\0"))));

    [Fact]
    public async Task PendingReboot_MoreRenamesThanAreRead_AreYes() =>
        Assert.Equal("True", await PendingAsync(r => r.Add(SessionManager, "PendingFileRenameOperations", 7, new byte[(64 << 10) + 2])));

    [Fact]
    public async Task PendingReboot_ValueOfAnotherType_IsUnknown() =>
        Assert.Equal("unknown", await PendingAsync(r => r.Add(SessionManager, "PendingFileRenameOperations", 4, [1, 0, 0, 0])));

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Roms_TableThatMayNotBeRead_AreUnknown(bool isForbidden)
    {
        var registry = new FakeRegistry().Add(Esrt + @"\{01234567-89ab-cdef-0123-456789abcdef}", "Type", 4, [1, 0, 0, 0]);
        if (isForbidden)
        {
            registry.Forbidden.Add(Esrt);
        }

        var roms = await ReadAsync(registry, r => RomFacts.ReadAsync(r, "U32 v2.50"));

        Assert.Equal(!isForbidden, roms.TryGet(out _));
    }

    private static async Task<string> PendingAsync(Action<FakeRegistry> change)
    {
        var registry = new FakeRegistry();
        change(registry);
        var readiness = await ReadAsync(registry, BootFacts.ReadReadinessAsync);
        return readiness.PendingReboot.TryGet(out var isPending) ? isPending.ToString() : "unknown";
    }

    private static async Task<T> ReadAsync<T>(FakeRegistry registry, Func<RegistryReader, ValueTask<T>> read)
    {
        await using var client = Value(await RegistryClient.OpenAsync(new FakeSmb().Serve("winreg", () => registry), default));
        return await read(new(client, CancellationToken.None));
    }
}
