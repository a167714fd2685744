using System.Buffers.Binary;
using System.Globalization;
using RomFlash.Sdk.Transports;
using RomFlash.Sdk.Transports.Smb;
using RomFlash.Sdk.Transports.Smb.Protocol.Security;
using Xunit.Abstractions;

namespace RomFlash.Sdk.Tests.Transports.Smb.Scripted;

/// <summary>
/// Answers that are wrong in a few places: changed before they are signed or sealed, so that what reads them is hit, or after, so that the protection is. Each walk ends in its end or in a
/// typed fault, in bounded time; what was changed after it was protected is never believed. ROMFLASH_SEED replays one walk, ROMFLASH_LONG takes a hundred times as many.
/// </summary>
public sealed class MutatedAnswerTests(ITestOutputHelper output)
{
    private const int First = 20261126;
    private const int InAll = 50_000;

    // So that those that wait for what never comes are out of the way soon; a fault of its own is as good as any.
    private static readonly SmbConnectorOptions s_options = new()
    {
        ConnectTimeout = TimeSpan.FromSeconds(5),
        OperationTimeout = TimeSpan.FromMilliseconds(300),
        MaxPendingTime = TimeSpan.FromMilliseconds(300),
    };

    private static readonly (SmbDialect Dialect, SmbCipher Cipher, SmbSigningAlgorithm Signing, SmbProtection Protection)[] s_protections =
    [
        (SmbDialect.Smb311, SmbCipher.Aes128Gcm, SmbSigningAlgorithm.AesGmac, SmbProtection.Encrypted),
        (SmbDialect.Smb311, SmbCipher.Aes128Gcm, SmbSigningAlgorithm.AesGmac, SmbProtection.Signed),
        (SmbDialect.Smb311, SmbCipher.Aes256Ccm, SmbSigningAlgorithm.AesCmac, SmbProtection.Encrypted),
        (SmbDialect.Smb302, SmbCipher.Aes128Ccm, SmbSigningAlgorithm.AesCmac, SmbProtection.Signed),
        (SmbDialect.Smb210, SmbCipher.None, SmbSigningAlgorithm.HmacSha256, SmbProtection.Signed),
    ];

    [Fact]
    [Trait("Category", "Slow")]
    public async Task Walk_AnyMutantOfAnyAnswer_EndsInTimeAndInATypedFault()
    {
        int? replayed = int.TryParse(Environment.GetEnvironmentVariable("ROMFLASH_SEED"), NumberStyles.Integer, CultureInfo.InvariantCulture, out var given) ? given : null;
        var wanted = Environment.GetEnvironmentVariable("ROMFLASH_LONG") == "1" ? 100 * InAll : InAll;
        var first = replayed ?? First;
        var (walks, mutants, whole) = (0, 0, 0);
        var kinds = new Dictionary<TransportFaultKind, int>();
        var gate = new Lock();

        // Several at once: most of what one takes is waiting for the other end.
        await Parallel.ForEachAsync(Seeds(), new ParallelOptions { MaxDegreeOfParallelism = 32 }, async (seed, _) =>
        {
            var walk = await RunAsync(seed);
            lock (gate)
            {
                walks++;
                mutants += walk.Mutants;
                whole += walk.Fault is null ? 1 : 0;
                if (walk.Fault is { } fault)
                {
                    kinds[fault.Kind] = kinds.GetValueOrDefault(fault.Kind) + 1;
                }
            }
        }).WaitAsync(TimeSpan.FromMinutes(replayed is null && wanted == InAll ? 10 : 600));

        output.WriteLine($"[romflash] SMB: {mutants} mutated answers in {walks} walks from seed {first}, {whole} walks to their end, {string.Join(", ", kinds.OrderByDescending(k => k.Value).Select(k => $"{k.Key} {k.Value}"))}");
        if (replayed is null)
        {
            Assert.True(mutants >= wanted);
            Assert.InRange(whole, 1, walks - 1);
            Assert.Superset(new HashSet<TransportFaultKind> { TransportFaultKind.ProtocolViolation, TransportFaultKind.PeerNotTrusted }, kinds.Keys.ToHashSet());
        }

        IEnumerable<int> Seeds()
        {
            for (var seed = first; replayed is null ? Volatile.Read(ref mutants) < wanted : seed == first; seed++)
            {
                yield return seed;
            }
        }
    }

    private static async Task<(int Mutants, TransportFault? Fault)> RunAsync(int seed)
    {
        var random = new Random(seed);
        var (dialect, cipher, signing, protection) = s_protections[random.Next(s_protections.Length)];
        var isAfter = random.Next(4) == 0;

        // Some from the first answer on, most from somewhere within, so that all of the walk is reached.
        var (from, every) = (random.Next(3) == 0 ? 0 : random.Next(3, 32), random.Next(1, 4));
        var mutants = 0;
        await using var server = new ScriptedSmbServer(new()
        {
            Dialect = dialect,
            Cipher = cipher,
            Signing = signing,
            Tree = ScriptedClient.Tree(),
            OnReply = reply =>
            {
                if (reply.Number < from || reply.Number % every != 0)
                {
                    return;
                }

                mutants++;
                if (isAfter)
                {
                    reply.OnFrame = frame =>
                    {
                        // A length that is too large is waited for: a few of those are enough.
                        var mutant = Mutate(random, frame, kept: 4);
                        BinaryPrimitives.WriteInt32BigEndian(mutant, random.Next(16) == 0 ? frame.Length - 4 : mutant.Length - 4);
                        return mutant;
                    };
                }
                else
                {
                    // The beginning of a header is left alone most of the time: it would be all that is ever looked at.
                    reply.Message = Mutate(random, reply.Message, kept: random.Next(8) == 0 ? 0 : 64);
                }
            },
        });
        try
        {
            var fault = await ScriptedClient.WalkAsync(server, s_options with { Protection = protection }, isTrusted: isAfter).WaitAsync(ScriptedClient.Bound);
            return (mutants, fault);
        }
#pragma warning disable CA1031 // Whatever is thrown is what is looked for.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            throw new InvalidOperationException($"seed {seed} (ROMFLASH_SEED): {exception}", exception);
        }
    }

    private static byte[] Mutate(Random random, byte[] bytes, int kept)
    {
        var mutant = bytes.ToArray();
        for (var times = random.Next(1, 4); times > 0; times--)
        {
            // Most of what can be wrong is in the first bytes of a structure.
            var room = mutant.Length - kept;
            if (room < 1)
            {
                break;
            }

            var place = kept + (random.Next(3) == 0 ? random.Next(room) : random.Next(Math.Min(room, 128)));
            switch (random.Next(6))
            {
                case 0:
                    mutant[place] = (byte)random.Next(256);
                    break;
                case 1:
                    random.NextBytes(mutant.AsSpan(place, Math.Min(mutant.Length - place, random.Next(1, 9))));
                    break;
                case 2 when place + 4 <= mutant.Length:
                    uint[] edges = [0, 1, 7, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFF8, 0xFFFF_FFFF, (uint)mutant.Length];
                    BinaryPrimitives.WriteUInt32LittleEndian(mutant.AsSpan(place), edges[random.Next(edges.Length)]);
                    break;
                case 3:
                    mutant = mutant[..Math.Max(place, Math.Max(kept, 1))];
                    break;
                case 4 when place < mutant.Length:
                    mutant = [.. mutant[..place], .. mutant[Math.Min(mutant.Length, place + random.Next(1, 5))..]];
                    break;
                default:
                    mutant[place] ^= (byte)(1 << random.Next(8));
                    break;
            }
        }

        return mutant is [] ? [0] : mutant;
    }
}
