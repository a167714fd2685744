using System.Diagnostics;
using System.Globalization;
using RomFlash.Sdk.Transports.Smb.Protocol.Security;
using Xunit.Abstractions;

namespace RomFlash.Sdk.Tests.Transports.Smb.Protocol.Security;

/// <summary>What a message costs; how fast it is, is printed.</summary>
[Collection("Alone")]
public sealed class MessageSecurityAllocationTests(ITestOutputHelper output)
{
    private const int Messages = 64;

    [Theory]
    [InlineData("HmacSha256")]
    [InlineData("AesCmac")]
    [InlineData("AesGmac")]
    public void SignAndVerify_AMessage_AllocateNothing(string algorithm)
    {
        using var keys = SmbSessionKeys.Derive(SmbDialect.Smb311, SmbCipher.Aes128Gcm, new byte[16], new byte[64]);
        using var signer = keys.CreateSigner(Enum.Parse<SmbSigningAlgorithm>(algorithm));
        var message = SmbSessionKeysTests.Message(1 << 20);

        var allocated = Measure("signed by " + algorithm, message.Length, () => signer.Sign(message));
        allocated += Measure("verified by " + algorithm, message.Length, () => Assert.True(signer.Verify(message)));

        Assert.Equal(0, allocated);
    }

    [Theory]
    [InlineData("Aes128Gcm", 0)]
    [InlineData("Aes256Gcm", 0)]

    // The framework's CCM makes a handle of the native library's for each call.
    [InlineData("Aes128Ccm", 256)]
    [InlineData("Aes256Ccm", 256)]
    public void SealAndOpen_AMessage_AllocateNothingOfTheirOwn(string cipher, int bound)
    {
        using var keys = SmbSessionKeys.Derive(SmbDialect.Smb311, Enum.Parse<SmbCipher>(cipher), new byte[16], new byte[64]);
        using var others = SmbSessionKeys.Derive(SmbDialect.Smb311, Enum.Parse<SmbCipher>(cipher), new byte[16], new byte[64], SmbRole.Server);
        using var sealer = keys.CreateSealer(1);
        using var opener = others.CreateSealer(1);
        var message = new byte[SmbSealer.HeaderBytes + (1 << 20)];
        var copy = new byte[message.Length];

        var allocated = Measure("sealed by " + cipher, message.Length, () => sealer.Seal(message));
        message.CopyTo(copy, 0);
        allocated += Measure("opened by " + cipher, message.Length, () =>
        {
            copy.CopyTo(message, 0);
            Assert.True(opener.TryOpen(message));
        });

        Assert.InRange(allocated / (2 * Messages), 0, bound);
    }

    // The least and the fastest of several: what is compiled anew meanwhile allocates, too.
    private long Measure(string what, int length, Action action)
    {
        var (least, shortest) = (long.MaxValue, TimeSpan.MaxValue);
        for (var run = 0; run < 5; run++)
        {
            var (start, before) = (Stopwatch.GetTimestamp(), GC.GetAllocatedBytesForCurrentThread());
            for (var i = 0; i < Messages; i++)
            {
                action();
            }

            least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
            var elapsed = Stopwatch.GetElapsedTime(start);
            shortest = elapsed < shortest ? elapsed : shortest;
        }

        var rate = (double)Messages * length / (1 << 20) / shortest.TotalSeconds;
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"[romflash] SMB: {what} at {rate:F0} MiB/s, {least / Messages} bytes allocated for a message"));
        return least;
    }
}
