using System.Diagnostics;
using System.Globalization;
using RomFlash.Sdk.Transports.Smb.Protocol.Security;

namespace RomFlash.Sdk.Tests.Transports.Smb.Scripted;

/// <summary>smbclient as the judge of the scripted server: a server that does right what the client under test does wrong would hide it.</summary>
[Trait("Category", "Peer")]
public sealed class SmbclientTests
{
    [Theory]
    [InlineData("SMB2_10", (ushort)SmbDialect.Smb210, (ushort)SmbCipher.None, (ushort)SmbSigningAlgorithm.HmacSha256, false)]
    [InlineData("SMB3_00", (ushort)SmbDialect.Smb300, (ushort)SmbCipher.Aes128Ccm, (ushort)SmbSigningAlgorithm.AesCmac, false)]
    [InlineData("SMB3_02", (ushort)SmbDialect.Smb302, (ushort)SmbCipher.Aes128Ccm, (ushort)SmbSigningAlgorithm.AesCmac, true)]
    [InlineData("SMB3_11", (ushort)SmbDialect.Smb311, (ushort)SmbCipher.Aes128Gcm, (ushort)SmbSigningAlgorithm.AesGmac, true)]
    [InlineData("SMB3_11", (ushort)SmbDialect.Smb311, (ushort)SmbCipher.Aes256Ccm, (ushort)SmbSigningAlgorithm.AesCmac, true)]
    [InlineData("SMB3_11", (ushort)SmbDialect.Smb311, (ushort)SmbCipher.Aes128Gcm, (ushort)SmbSigningAlgorithm.AesGmac, false)]
    [InlineData("SMB3_11", (ushort)SmbDialect.Smb311, (ushort)SmbCipher.None, (ushort)SmbSigningAlgorithm.HmacSha256, false)]
    public async Task Server_SpokenToBySmbclient_DoesWhatItShould(string protocol, ushort dialect, ushort cipher, ushort signing, bool seals)
    {
        var script = new SmbScript { Dialect = (SmbDialect)dialect, Cipher = (SmbCipher)cipher, Signing = (SmbSigningAlgorithm)signing, EncryptsSession = seals };
        script.Tree.PutDirectory("EFI");
        script.Tree.Put(@"EFI\old.bin", "hello"u8);
        await using var server = new ScriptedSmbServer(script);
        var folder = System.IO.Directory.CreateTempSubdirectory("romflash-smb-").FullName;
        try
        {
            await File.WriteAllTextAsync(Path.Combine(folder, "new.bin"), "something new");
            var start = new ProcessStartInfo(
                "smbclient",
                [
                    "//127.0.0.1/ESP$", "-p", server.Port.ToString(CultureInfo.InvariantCulture), "-U", "admin%Passw0rd!", "--configfile=/dev/null", "--client-protection=" + (seals ? "encrypt" : "sign"),
                    "--option=client min protocol=" + protocol, "--option=client max protocol=" + protocol, "-c", "cd EFI; ls; put new.bin; rename new.bin next.bin; get old.bin; rm old.bin; mkdir more; rmdir more",
                ])
            {
                RedirectStandardError = true,
                RedirectStandardOutput = true,
                WorkingDirectory = folder,
            };
            using var process = Process.Start(start)!;
            var (output, errors) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
            await process.WaitForExitAsync().WaitAsync(TimeSpan.FromMinutes(1));

            Assert.True(process.ExitCode == 0, await output + await errors);
            Assert.Contains("old.bin", await output, StringComparison.Ordinal);
            Assert.Equal("something new"u8.ToArray(), script.Tree.Get(@"EFI\next.bin"));
            Assert.Null(script.Tree.Get(@"EFI\old.bin"));
            Assert.Null(script.Tree.Get(@"EFI\new.bin"));
            Assert.Equal("hello", await File.ReadAllTextAsync(Path.Combine(folder, "old.bin")));
        }
        finally
        {
            System.IO.Directory.Delete(folder, recursive: true);
        }
    }
}
