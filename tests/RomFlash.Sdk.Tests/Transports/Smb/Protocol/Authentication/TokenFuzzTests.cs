using RomFlash.Sdk.Tests.Images.Compression;
using RomFlash.Sdk.Tests.Transports.Smb.Scripted;
using RomFlash.Sdk.Transports.Smb.Protocol.Authentication;
using Xunit.Abstractions;

namespace RomFlash.Sdk.Tests.Transports.Smb.Protocol.Authentication;

/// <summary>Tokens that are wrong in a few places: each gets a token or a problem, and never a logon that the right one would not have got.</summary>
public sealed class TokenFuzzTests(ITestOutputHelper output)
{
    [Fact]
    public void Step_AnyMutantOfAnyToken_EndsInATokenOrAProblem()
    {
        var count = Mutants.Count(6000);
        var (problems, tokens) = (0, 0);
        for (var i = 0; i < count; i++)
        {
            var server = new NtlmServer();
            using var client = NtlmAuthenticatorTests.Client();
            var seed = Mutants.Seed + i;
            try
            {
                // Which of the three blobs, and whether it is the whole blob or the message within.
                var (target, inner) = (i % 3, i % 2 == 0);
                var step = client.Step(target == 0 ? Mutants.Create(seed, NtlmServer.Offer(), 0) : NtlmServer.Offer());
                if (step.Token is { } initial && target > 0)
                {
                    var server2 = new NtlmServer { OnChallenge = target == 1 && inner ? c => Mutants.Create(seed, c, 12) : static c => c };
                    var challenge = server2.Start(initial);
                    step = client.Step(target == 1 && !inner ? Mutants.Create(seed, challenge, 0) : challenge);
                    if (target == 2)
                    {
                        var right = server2.Finish(step.Token!)!;
                        var mutant = Mutants.Create(seed, right, 0);
                        step = client.Step(mutant);
                        Assert.True(step.Problem is not null || mutant is [] || mutant.AsSpan().IndexOf(right.AsSpan()[^16..]) >= 0, "the checksum was changed, and taken");
                    }
                }

                Assert.True(step.Token is null != step.Problem is null, "neither, or both");
                problems += step.Problem is null ? 0 : 1;
                tokens += step.Token is null ? 0 : 1;
            }
#pragma warning disable CA1031 // Whatever is thrown is what is looked for.
            catch (Exception e)
#pragma warning restore CA1031
            {
                Assert.Fail($"seed {seed}: {e}");
            }
        }

        output.WriteLine($"[romflash] SMB logon: {count} mutants from seed {Mutants.Seed}, {problems} problems, {tokens} tokens");
        Assert.True(problems > count / 4 && tokens > 0, $"{problems} problems, {tokens} tokens");
    }

    [Fact]
    public void TryRead_Noise_IsRefusedOrRead()
    {
        // What begins like a token, and goes on as anything.
        var random = new Random(Mutants.Seed);
        for (var i = 0; i < Mutants.Count(20_000); i++)
        {
            var bytes = new byte[random.Next(1, 200)];
            random.NextBytes(bytes);
            byte[] start = (i % 3) switch { 0 => [0x60, 0x80, 0x06, 0x06, 0x2B, 0x06, 0x01, 0x05, 0x05, 0x02, 0xA0, 0x80, 0x30, 0x80], 1 => [0xA1, 0x80, 0x30, 0x80, 0xA0], _ => [] };
            byte[] blob = [.. start, .. bytes];
            _ = SpnegoTokens.TryReadOffer(blob, out _) | SpnegoTokens.TryReadResponse(blob, out _);
            _ = NtlmChallenge.Parse(bytes, out _);
        }

        // Indefinite lengths within one another, as many as fit.
        Assert.False(SpnegoTokens.TryReadOffer(Enumerable.Range(0, 65534).Select(i => (byte)(i % 2 == 0 ? 0x60 : 0x80)).ToArray(), out _));
        Assert.False(SpnegoTokens.TryReadResponse((byte[])[0xA1, 0x80, 0x30, 0x80, .. Enumerable.Range(0, 65530).Select(i => (byte)(i % 2 == 0 ? 0xA0 : 0x80))], out _));
    }
}
