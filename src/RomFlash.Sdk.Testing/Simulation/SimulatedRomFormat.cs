using System.Buffers;
using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Outcomes;

namespace RomFlash.Sdk.Testing.Simulation;

/// <summary>Recognises and checks the images of the simulator; see <see cref="SimulatedRom"/> for the layout.</summary>
public sealed class SimulatedRomFormat : IRomImageFormat
{
    internal const string FormatName = "simulated-rom";
    private const int ChunkLength = 64 * 1024;

    /// <inheritdoc/>
    public string Name => FormatName;

    /// <inheritdoc/>
    public RomRecognition Recognize(IRomImageContent content)
    {
        ArgumentNullException.ThrowIfNull(content);
        Span<byte> magic = stackalloc byte[8];
        return content.TryRead(0, magic) && magic.SequenceEqual("RFSIMROM"u8) ? RomRecognition.Signature : RomRecognition.None;
    }

    /// <inheritdoc/>
    public void Read(RomImageReading reading)
    {
        ArgumentNullException.ThrowIfNull(reading);
        if (Read(reading.Content).TryGetValue(out var identity, out var failure))
        {
            reading.Identity = identity;
            reading.AddSignature(Signature);
        }
        else
        {
            reading.Report((ImageFailure)failure);
        }
    }

    // Who makes a simulated image is who simulates its vendor.
    internal static RomImageSignature Signature => new()
    {
        Kind = "simulated",
        Status = ImageSignatureStatus.Trusted,
        CoversAll = true,
        Signer = "CN=Simulated vendor",
        DigestAlgorithm = "SHA-256",
    };

    internal static FlashResult<RomIdentity> Read(IRomImageContent content)
    {
        Span<byte> head = stackalloc byte[SimulatedRom.HeaderLength];
        if (!content.TryRead(0, head))
        {
            return new ImageTruncated { Stage = FlashStage.Validate, Detail = $"{content.Name}: the header is not whole", ByteOffset = content.Length };
        }

        var length = SimulatedRom.HeaderLength + (long)BinaryPrimitives.ReadUInt32LittleEndian(head[36..]);
        if (SimulatedRom.CheckHeader(head, length) is { } wrong)
        {
            return new ImageMalformed { Stage = FlashStage.Validate, Detail = $"{content.Name}: {wrong}", ByteOffset = 0 };
        }

        if (content.Length < length)
        {
            return new ImageTruncated { Stage = FlashStage.Validate, Detail = $"{content.Name}: {content.Length} of {length} bytes", ByteOffset = content.Length };
        }

        if (content.Length > length)
        {
            return new ImageMalformed { Stage = FlashStage.Validate, Detail = $"{content.Name}: {content.Length - length} bytes follow the image", ByteOffset = length };
        }

        if (!SealHolds(content, head))
        {
            return new ImageChecksumWrong { Stage = FlashStage.Validate, Detail = $"{content.Name}: the seal in the header is not the content's", ByteOffset = 0 };
        }

        var vendor = BinaryPrimitives.ReadUInt16LittleEndian(head[88..]);
        var lowest = BinaryPrimitives.ReadUInt32LittleEndian(head[32..]);
        return new RomIdentity
        {
            Kind = (RomKind)BinaryPrimitives.ReadUInt16LittleEndian(head[10..]),
            FirmwareClasses = [new Guid(head.Slice(16, 16))],
            PciIds = vendor == 0 ? [] : [new PciId(vendor, BinaryPrimitives.ReadUInt16LittleEndian(head[90..]))],
            Version = RomVersion.Parse(Encoding.ASCII.GetString(head.Slice(41, head[40]))),
            LowestSupportedVersion = lowest == 0 ? null : RomVersion.FromPacked(lowest),
        };
    }

    private static bool SealHolds(IRomImageContent content, ReadOnlySpan<byte> head)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(head[..SimulatedRom.SealOffset]);
        var buffer = ArrayPool<byte>.Shared.Rent(ChunkLength);
        try
        {
            for (long offset = SimulatedRom.HeaderLength; offset < content.Length;)
            {
                var chunk = buffer.AsSpan(0, (int)Math.Min(ChunkLength, content.Length - offset));
                if (!content.TryRead(offset, chunk))
                {
                    return false;
                }

                hash.AppendData(chunk);
                offset += chunk.Length;
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }

        Span<byte> seal = stackalloc byte[ContentDigest.Size];
        hash.GetHashAndReset(seal);
        return seal.SequenceEqual(head.Slice(SimulatedRom.SealOffset, ContentDigest.Size));
    }
}
