using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using RomFlash.Sdk.Compatibility;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Probing;

namespace RomFlash.Sdk.Testing.Simulation;

/// <summary>
/// A ROM image in the simulator's own format: a header of 128 bytes, then the payload. Its bytes are shared: any number of
/// <see cref="SimulatedTarget"/>s that hold the same image refer to one array.
/// </summary>
/// <remarks>
/// Immutable and thread-safe. The header, little-endian: 0 magic <c>RFSIMROM</c>; 8 format (1); 10 kind; 12 packed version; 16 firmware
/// class; 32 lowest supported version; 36 payload length; 40 length of the version text, then up to 47 ASCII characters; 88 and 90 PCI
/// vendor and device, 0 for none; 92 zero; 96 SHA-256 over the bytes 0 to 95 and the payload.
/// </remarks>
public sealed class SimulatedRom
{
    /// <summary>The length of the header in bytes: the smallest image.</summary>
    public const int HeaderLength = 128;

    /// <summary>The largest payload in bytes.</summary>
    public const int MaxPayloadLength = 1 << 28;

    internal const int SealOffset = 96;
    private const int MaxVersionLength = 47;

    private readonly byte[] _content;
    private RomImage? _image;

    private SimulatedRom(byte[] content, ContentDigest sha256)
    {
        _content = content;
        Sha256 = sha256;
        ReadOnlySpan<byte> head = content;
        Kind = (RomKind)BinaryPrimitives.ReadUInt16LittleEndian(head[10..]);
        PackedVersion = BinaryPrimitives.ReadUInt32LittleEndian(head[12..]);
        FirmwareClass = new Guid(head.Slice(16, 16));
        LowestSupported = BinaryPrimitives.ReadUInt32LittleEndian(head[32..]);
        Version = RomVersion.Parse(Encoding.ASCII.GetString(head.Slice(41, head[40])));
        var vendor = BinaryPrimitives.ReadUInt16LittleEndian(head[88..]);
        Pci = vendor == 0 ? null : new PciId(vendor, BinaryPrimitives.ReadUInt16LittleEndian(head[90..]));
        var esrt = new ReportedVersion(FactSource.Esrt, RomVersion.FromPacked(PackedVersion));
        ReportedAs = [new(Kind == RomKind.SystemRom ? FactSource.Smbios : FactSource.Device, Version), esrt];
        Lowest = RomVersion.FromPacked(LowestSupported);
    }

    /// <summary>The kind of ROM.</summary>
    public RomKind Kind { get; }

    /// <summary>The firmware class.</summary>
    public Guid FirmwareClass { get; }

    /// <summary>The PCI ids of the device, or null.</summary>
    public PciId? Pci { get; }

    /// <summary>The version as text sources report it.</summary>
    public RomVersion Version { get; }

    /// <summary>The version as the ESRT reports it.</summary>
    public uint PackedVersion { get; }

    /// <summary>The lowest packed version that a target accepts once this image runs; 0 for any.</summary>
    public uint LowestSupported { get; }

    /// <summary>The SHA-256 of all bytes.</summary>
    public ContentDigest Sha256 { get; }

    /// <summary>The bytes; shared.</summary>
    public ReadOnlyMemory<byte> Content => _content;

    /// <summary>What the sources report once this image runs: SMBIOS (a system ROM) or the device (any other), and the ESRT.</summary>
    public ImmutableArray<ReportedVersion> ReportedAs { get; }

    /// <summary>The validated image, as the pipeline takes it; made once, with this image's bytes as its source.</summary>
    public RomImage Image => _image ??= ToImage(_content, $"{Version}.rom");

    internal RomVersion Lowest { get; }

    internal byte[] Bytes => _content;

    /// <summary>Creates an image.</summary>
    /// <param name="firmwareClass">The firmware class.</param>
    /// <param name="kind">The kind of ROM.</param>
    /// <param name="version">The version as text: 1 to 47 ASCII characters that <see cref="RomVersion.Parse"/> takes.</param>
    /// <param name="packedVersion">The version as the ESRT reports it.</param>
    /// <param name="payloadLength">The payload's length in bytes, 0 to <see cref="MaxPayloadLength"/>.</param>
    /// <param name="seed">Decides the payload's bytes.</param>
    /// <param name="lowestSupported">The lowest packed version that a target accepts once this image runs.</param>
    /// <param name="pci">The PCI ids of the device, or null.</param>
    /// <returns>The image.</returns>
    public static SimulatedRom Create(
        Guid firmwareClass,
        RomKind kind,
        string version,
        uint packedVersion,
        int payloadLength = 0,
        uint seed = 1,
        uint lowestSupported = 0,
        PciId? pci = null)
    {
        var content = CreateImage(firmwareClass, kind, version, packedVersion, payloadLength, seed, lowestSupported, pci);
        return new(content, new ContentDigest(SHA256.HashData(content)));
    }

    /// <summary>Creates the bytes of an image; parameters as for <see cref="Create"/>.</summary>
    /// <param name="firmwareClass">The firmware class.</param>
    /// <param name="kind">The kind of ROM.</param>
    /// <param name="version">The version as text.</param>
    /// <param name="packedVersion">The version as the ESRT reports it.</param>
    /// <param name="payloadLength">The payload's length in bytes.</param>
    /// <param name="seed">Decides the payload's bytes.</param>
    /// <param name="lowestSupported">The lowest packed version that a target accepts once this image runs.</param>
    /// <param name="pci">The PCI ids of the device, or null.</param>
    /// <returns>A new array.</returns>
    public static byte[] CreateImage(
        Guid firmwareClass,
        RomKind kind,
        string version,
        uint packedVersion,
        int payloadLength = 0,
        uint seed = 1,
        uint lowestSupported = 0,
        PciId? pci = null)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(version);
        ArgumentOutOfRangeException.ThrowIfNegative(payloadLength);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(payloadLength, MaxPayloadLength);
        if (version.Length > MaxVersionLength || !Ascii.IsValid(version) || !RomVersion.TryParse(version, out _))
        {
            throw new ArgumentException("A simulated ROM's version is 1 to 47 printable ASCII characters.", nameof(version));
        }

        var content = new byte[HeaderLength + payloadLength];
        var head = content.AsSpan(0, HeaderLength);
        "RFSIMROM"u8.CopyTo(head);
        BinaryPrimitives.WriteUInt16LittleEndian(head[8..], 1);
        BinaryPrimitives.WriteUInt16LittleEndian(head[10..], (ushort)kind);
        BinaryPrimitives.WriteUInt32LittleEndian(head[12..], packedVersion);
        firmwareClass.TryWriteBytes(head[16..]);
        BinaryPrimitives.WriteUInt32LittleEndian(head[32..], lowestSupported);
        BinaryPrimitives.WriteUInt32LittleEndian(head[36..], (uint)payloadLength);
        head[40] = (byte)version.Length;
        Encoding.ASCII.GetBytes(version, head[41..]);
        BinaryPrimitives.WriteUInt16LittleEndian(head[88..], pci?.Vendor ?? 0);
        BinaryPrimitives.WriteUInt16LittleEndian(head[90..], pci?.Device ?? 0);
        Fill(content.AsSpan(HeaderLength), seed);
        Seal(content);
        return content;
    }

    /// <summary>Computes the seal in the header anew, for tests that change a header and want it to be consistent.</summary>
    /// <param name="content">An image; its bytes 96 to 127 are overwritten.</param>
    public static void Seal(Span<byte> content)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(content.Length, HeaderLength);
        ComputeSeal(content, content[SealOffset..HeaderLength]);
    }

    /// <summary>Reads an image as the simulated firmware does.</summary>
    /// <param name="content">The bytes; kept, not copied.</param>
    /// <param name="rom">The image, when this returns true.</param>
    /// <param name="status">The UEFI last-attempt status that the firmware gives (UEFI 2.10, 23.4): success, invalid format or authentication error.</param>
    /// <returns>False when the content is no whole image.</returns>
    public static bool TryRead(byte[] content, [NotNullWhen(true)] out SimulatedRom? rom, out UefiAttemptStatus status)
    {
        ArgumentNullException.ThrowIfNull(content);
        rom = null;
        status = UefiAttemptStatus.InvalidFormat;
        if (CheckHeader(content, content.Length) is not null)
        {
            return false;
        }

        Span<byte> seal = stackalloc byte[ContentDigest.Size];
        ComputeSeal(content, seal);
        if (!seal.SequenceEqual(content.AsSpan(SealOffset, ContentDigest.Size)))
        {
            status = UefiAttemptStatus.AuthenticationError;
            return false;
        }

        status = UefiAttemptStatus.Success;
        rom = new(content, new ContentDigest(SHA256.HashData(content)));
        return true;
    }

    /// <summary>Makes an image source of bytes in memory; they are shared, not copied.</summary>
    /// <param name="content">The bytes.</param>
    /// <param name="name">The name for people.</param>
    /// <returns>The source.</returns>
    public static IRomImageSource Source(ReadOnlyMemory<byte> content, string name) => new MemorySource(content, name);

    /// <summary>Makes a validated image of bytes in memory, as a validator would.</summary>
    /// <param name="content">The bytes of a simulated image.</param>
    /// <param name="name">The name for people.</param>
    /// <returns>The image.</returns>
    /// <exception cref="FlashException">The content is no whole image.</exception>
    public static RomImage ToImage(ReadOnlyMemory<byte> content, string name)
    {
        var identity = SimulatedRomFormat.Read(new MemoryContent(content, name)).GetValueOrThrow();
        return RomImage.TryCreate(
            Source(content, name),
            new ImageEvidence
            {
                Format = SimulatedRomFormat.FormatName,
                Length = content.Length,
                Sha256 = new(SHA256.HashData(content.Span)),
                Identity = identity,
                Signature = SimulatedRomFormat.Signature.Status,
                Signatures = [SimulatedRomFormat.Signature],
            }).GetValueOrThrow();
    }

    /// <summary>Describes this image as a catalog does.</summary>
    /// <param name="requiredMinimum">What must be installed before; empty when any version will do.</param>
    /// <returns>The release.</returns>
    public RomRelease ToRelease(params ImmutableArray<ReportedVersion> requiredMinimum) => new()
    {
        Sha256 = Sha256,
        Length = _content.Length,
        Version = Version,
        ReportedAs = ReportedAs,
        RequiredMinimum = requiredMinimum.IsDefault ? [] : requiredMinimum,
    };

    /// <summary>The version and the digest.</summary>
    /// <returns>Text for a test's output.</returns>
    public override string ToString() => $"{Kind} {Version} ({Sha256})";

    /// <summary>Finds what is wrong with a header; null when nothing is.</summary>
    internal static string? CheckHeader(ReadOnlySpan<byte> head, long length)
    {
        if (length < HeaderLength || head.Length < HeaderLength)
        {
            return "the header is not whole";
        }

        if (!head.StartsWith("RFSIMROM"u8) || BinaryPrimitives.ReadUInt16LittleEndian(head[8..]) != 1)
        {
            return "the magic or the format number is wrong";
        }

        if (BinaryPrimitives.ReadUInt16LittleEndian(head[10..]) > (ushort)RomKind.Other)
        {
            return "the kind is unknown";
        }

        if (head[40] is 0 or > MaxVersionLength
            || !Ascii.IsValid(head.Slice(41, head[40]))
            || !RomVersion.TryParse(Encoding.ASCII.GetString(head.Slice(41, head[40])), out _))
        {
            return "the version is no version";
        }

        return HeaderLength + (long)BinaryPrimitives.ReadUInt32LittleEndian(head[36..]) == length ? null : "the length is not the header's";
    }

    private static void ComputeSeal(ReadOnlySpan<byte> content, Span<byte> seal)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(content[..SealOffset]);
        hash.AppendData(content[HeaderLength..]);
        hash.GetHashAndReset(seal);
    }

    private static void Fill(Span<byte> payload, uint seed)
    {
        // xorshift32: the same seed gives the same bytes on every machine.
        var state = seed == 0 ? 0x9E3779B9 : seed;
        foreach (ref var b in payload)
        {
            state ^= state << 13;
            state ^= state >> 17;
            state ^= state << 5;
            b = (byte)state;
        }
    }

    private sealed class MemorySource(ReadOnlyMemory<byte> content, string name) : IRomImageSource
    {
        public string Name => name;

        public ValueTask<FlashResult<Stream>> OpenReadAsync(CancellationToken cancellationToken)
        {
            if (cancellationToken.IsCancellationRequested)
            {
                return new(new OperationCancelled { Detail = name });
            }

            var stream = MemoryMarshal.TryGetArray(content, out var array)
                ? new MemoryStream(array.Array!, array.Offset, array.Count, writable: false)
                : new MemoryStream(content.ToArray(), writable: false);
            return new(FlashResult<Stream>.From(stream));
        }
    }

    private sealed class MemoryContent(ReadOnlyMemory<byte> content, string name) : IRomImageContent
    {
        public string Name => name;

        public long Length => content.Length;

        public bool TryRead(long offset, Span<byte> destination)
        {
            if (offset < 0 || offset > content.Length || destination.Length > content.Length - offset)
            {
                return false;
            }

            content.Span.Slice((int)offset, destination.Length).CopyTo(destination);
            return true;
        }
    }
}

/// <summary>The last-attempt status of a firmware update (UEFI 2.10, 23.4, EFI_SYSTEM_RESOURCE_ENTRY.LastAttemptStatus).</summary>
public enum UefiAttemptStatus
{
    /// <summary>LAST_ATTEMPT_STATUS_SUCCESS.</summary>
    Success = 0,

    /// <summary>LAST_ATTEMPT_STATUS_ERROR_UNSUCCESSFUL.</summary>
    Unsuccessful = 1,

    /// <summary>LAST_ATTEMPT_STATUS_ERROR_INSUFFICIENT_RESOURCES.</summary>
    InsufficientResources = 2,

    /// <summary>LAST_ATTEMPT_STATUS_ERROR_INCORRECT_VERSION.</summary>
    IncorrectVersion = 3,

    /// <summary>LAST_ATTEMPT_STATUS_ERROR_INVALID_FORMAT.</summary>
    InvalidFormat = 4,

    /// <summary>LAST_ATTEMPT_STATUS_ERROR_AUTH_ERROR.</summary>
    AuthenticationError = 5,

    /// <summary>LAST_ATTEMPT_STATUS_ERROR_PWR_EVT_AC: no external power.</summary>
    PowerEventExternal = 6,

    /// <summary>LAST_ATTEMPT_STATUS_ERROR_PWR_EVT_BATT: the battery does not hold enough.</summary>
    PowerEventBattery = 7,

    /// <summary>LAST_ATTEMPT_STATUS_ERROR_UNSATISFIED_DEPENDENCIES.</summary>
    UnsatisfiedDependencies = 8,
}
