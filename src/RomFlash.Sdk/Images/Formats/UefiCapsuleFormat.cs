using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Globalization;
using RomFlash.Sdk.Outcomes;

namespace RomFlash.Sdk.Images.Formats;

/// <summary>
/// UEFI capsules that carry Firmware Management Protocol images (UEFI 2.10, 8.5.3 and 23.3). Checks every length and offset that firmware
/// checks; signatures are noted, not verified. Capsules of other kinds (accept, revert, a vendor's own) are recognised and refused by name.
/// </summary>
/// <remarks>Thread-safe and without state. Reads headers alone: at most a few KiB for each of at most <see cref="MaxItems"/> items.</remarks>
public sealed class UefiCapsuleFormat : IRomImageFormat
{
    /// <summary>The most drivers and payloads, together, that a capsule may hold here. Capsules in use hold one or two.</summary>
    public const int MaxItems = 256;

    /// <summary>The longest dependency expression that is walked, in bytes.</summary>
    public const int MaxDependencyLength = 4096;

    // EFI_CAPSULE_HEADER (UEFI 2.10, 8.5.3.1): GUID, HeaderSize, Flags, CapsuleImageSize.
    private const int CapsuleHeaderSize = 28;
    private const int HeaderSizeOffset = 16;
    private const int FlagsOffset = 20;
    private const int ImageSizeOffset = 24;
    private const uint PersistAcrossReset = 0x0001_0000;
    private const uint PopulateSystemTable = 0x0002_0000;
    private const uint InitiateReset = 0x0004_0000;
    private const uint VendorFlags = 0x0000_FFFF;
    private const uint KnownFlags = PersistAcrossReset | PopulateSystemTable | InitiateReset | VendorFlags;

    // What a header of a kind that is not known here may plausibly have.
    private const uint LargestPlausibleHeader = 4096;

    // EFI_FIRMWARE_MANAGEMENT_CAPSULE_HEADER (UEFI 2.10, 23.3.2): Version, EmbeddedDriverCount, PayloadItemCount, ItemOffsetList.
    private const int FmpHeaderSize = 8;

    // EFI_FIRMWARE_MANAGEMENT_CAPSULE_IMAGE_HEADER (UEFI 2.10, 23.3.2), whose length grew with its version.
    private const int ImageHeaderSizeV1 = 32;
    private const int ImageHeaderSizeV2 = 40;
    private const int ImageHeaderSizeV3 = 48;
    private const ulong SupportAuthentication = 1;
    private const ulong SupportDependency = 2;

    // EFI_FIRMWARE_IMAGE_AUTHENTICATION (UEFI 2.10, 23.1): MonotonicCount, then WIN_CERTIFICATE_UEFI_GUID without its data.
    private const int MonotonicCountSize = 8;
    private const int CertificateHeaderSize = 24;
    private const ushort CertificateRevision = 0x0200;
    private const ushort CertificateTypeGuid = 0x0EF1;

    // FMP_PAYLOAD_HEADER of EDK II (FmpDevicePkg): 'MSS1', HeaderSize, FwVersion, LowestSupportedVersion.
    private const int PayloadHeaderSize = 16;

    private static ReadOnlySpan<byte> PayloadSignature => "MSS1"u8;

    /// <inheritdoc/>
    public string Name => "uefi-capsule";

    private static Guid FmpCapsule => new("6dcbd5ed-e82d-4c44-bda1-7194199ad92a");

    private static Guid Pkcs7Certificate => new("4aafd29d-68df-49ee-8aa9-347d375665a7");

    // The guids of the firmware update specification for A/B updates (DEN0118), as U-Boot's mkeficapsule writes them.
    private static Guid AcceptCapsule => new("0c996046-bcc0-4d04-85ec-e1fcedf1c6f8");

    private static Guid RevertCapsule => new("acd58b4b-c0e8-475f-99b5-6b3f7e07aaf0");

    // The boot logo that Windows sends along (Windows UEFI firmware update platform).
    private static Guid DisplayCapsule => new("3b8c8162-188c-46a4-aec9-be43f1d65697");

    /// <inheritdoc/>
    public RomRecognition Recognize(IRomImageContent content)
    {
        ArgumentNullException.ThrowIfNull(content);
        Span<byte> head = stackalloc byte[CapsuleHeaderSize];
        head = head[..(int)Math.Min(head.Length, content.Length)];
        if (head.Length < HeaderSizeOffset || !content.TryRead(0, head))
        {
            return RomRecognition.None;
        }

        var kind = new Guid(head[..HeaderSizeOffset]);
        return kind == FmpCapsule || kind == AcceptCapsule || kind == RevertCapsule || kind == DisplayCapsule ? RomRecognition.Signature
            : LooksLikeCapsule(head, content.Length) ? RomRecognition.Structure
            : RomRecognition.None;
    }

    /// <inheritdoc/>
    public void Read(RomImageReading reading)
    {
        ArgumentNullException.ThrowIfNull(reading);
        if (!Read(reading.Content).TryGetValue(out var evidence, out var failure))
        {
            reading.Report((ImageFailure)failure);
            return;
        }

        reading.Identity = evidence.Identity;
        foreach (var warning in evidence.Warnings)
        {
            reading.Warn(warning);
        }
    }

    private static FlashResult<Found> Read(IRomImageContent content)
    {
        Span<byte> header = stackalloc byte[CapsuleHeaderSize];
        if (!content.TryRead(0, header))
        {
            return Truncated(content.Length, $"the capsule header has {CapsuleHeaderSize} bytes");
        }

        if (ReadCapsuleHeader(header, content.Length) is { } failure)
        {
            return failure;
        }

        var kind = new Guid(header[..HeaderSizeOffset]);
        if (kind != FmpCapsule)
        {
            var what = kind == AcceptCapsule ? "an accept capsule" : kind == RevertCapsule ? "a revert capsule" : kind == DisplayCapsule ? "a display capsule" : "a capsule of another kind";
            return new ImageFormatUnknown { Detail = $"{what} ({kind}), which carries no ROM for the firmware management protocol" };
        }

        var state = new Capsule(content, BinaryPrimitives.ReadUInt32LittleEndian(header[HeaderSizeOffset..]));
        state.NoteFlags(BinaryPrimitives.ReadUInt32LittleEndian(header[FlagsOffset..]));
        return state.Read() is { } found ? found : state.ToEvidence();
    }

    private static bool LooksLikeCapsule(ReadOnlySpan<byte> head, long length) =>
        head.Length >= CapsuleHeaderSize
        && BinaryPrimitives.ReadUInt32LittleEndian(head[ImageSizeOffset..]) == length
        && BinaryPrimitives.ReadUInt32LittleEndian(head[HeaderSizeOffset..]) is >= CapsuleHeaderSize and <= LargestPlausibleHeader
        && (BinaryPrimitives.ReadUInt32LittleEndian(head[FlagsOffset..]) & ~KnownFlags) == 0;

    private static FlashFailure? ReadCapsuleHeader(ReadOnlySpan<byte> header, long length)
    {
        var headerSize = BinaryPrimitives.ReadUInt32LittleEndian(header[HeaderSizeOffset..]);
        var flags = BinaryPrimitives.ReadUInt32LittleEndian(header[FlagsOffset..]);
        var imageSize = BinaryPrimitives.ReadUInt32LittleEndian(header[ImageSizeOffset..]);
        var carriesNothing = new Guid(header[..HeaderSizeOffset]) is var kind && (kind == AcceptCapsule || kind == RevertCapsule);
        if (headerSize < CapsuleHeaderSize)
        {
            return Malformed(HeaderSizeOffset, $"the header size is {headerSize}, and a capsule header has at least 28 bytes");
        }

        if (headerSize > imageSize || (headerSize == imageSize && !carriesNothing))
        {
            return Malformed(HeaderSizeOffset, $"the header size is {headerSize}, the capsule's size only {imageSize}");
        }

        if ((flags & ~KnownFlags) != 0)
        {
            return Malformed(FlagsOffset, $"the flags 0x{flags:X8} have bits that mean nothing");
        }

        if ((flags & (PopulateSystemTable | InitiateReset)) != 0 && (flags & PersistAcrossReset) == 0)
        {
            return Malformed(FlagsOffset, $"the flags 0x{flags:X8} ask for a system table or a reset without persisting across it, which firmware refuses");
        }

        if (imageSize > length)
        {
            return Truncated(length, $"the capsule says it has {imageSize} bytes, the file has {length}");
        }

        return imageSize < length ? Malformed(ImageSizeOffset, $"the capsule says it has {imageSize} bytes, the file has {length}") : null;
    }

    private static ImageMalformed Malformed(long offset, FormattableString what)
    {
        var text = FormattableString.Invariant(what);
        return new() { ByteOffset = offset, Detail = string.Create(CultureInfo.InvariantCulture, $"at offset 0x{offset:X}: {text}") };
    }

    private static ImageTruncated Truncated(long offset, FormattableString what)
    {
        var text = FormattableString.Invariant(what);
        return new() { ByteOffset = offset, Detail = string.Create(CultureInfo.InvariantCulture, $"it ends at offset 0x{offset:X}: {text}") };
    }

    // One reading. Offsets are of the file; FMP offsets are relative to the FMP header.
    private sealed class Capsule(IRomImageContent content, long fmpStart)
    {
        private readonly ImmutableArray<string>.Builder _warnings = ImmutableArray.CreateBuilder<string>();
        private readonly List<Guid> _classes = [];
        private readonly HashSet<(Guid Type, byte Index, ulong Instance)> _seen = [];
        private (uint Version, uint Lowest)? _versions;
        private bool _versionsDiffer;

        public void NoteFlags(uint flags)
        {
            if ((flags & PersistAcrossReset) == 0)
            {
                Warn("the capsule lacks the flag \"persist across reset\": firmware flashes it, but reports no result variable");
            }

            if ((flags & VendorFlags) != 0)
            {
                Warn(string.Create(CultureInfo.InvariantCulture, $"the capsule has vendor flags 0x{flags & VendorFlags:X4}, whose meaning is the firmware's"));
            }
        }

        public FlashFailure? Read()
        {
            Span<byte> header = stackalloc byte[FmpHeaderSize];
            if (!content.TryRead(fmpStart, header))
            {
                return Truncated(content.Length, $"the FMP capsule header at 0x{fmpStart:X} has at least 8 bytes");
            }

            var version = BinaryPrimitives.ReadUInt32LittleEndian(header);
            int drivers = BinaryPrimitives.ReadUInt16LittleEndian(header[4..]);
            int payloads = BinaryPrimitives.ReadUInt16LittleEndian(header[6..]);
            if (version != 1)
            {
                return Malformed(fmpStart, $"the FMP capsule header has version {version}, and 1 is the only one");
            }

            if (payloads == 0)
            {
                return Malformed(fmpStart + 6, $"the capsule has no payload");
            }

            if (drivers + payloads > MaxItems)
            {
                return Malformed(fmpStart + 4, $"the capsule has {drivers} drivers and {payloads} payloads, more than {MaxItems} together");
            }

            if (drivers > 0)
            {
                Warn(string.Create(CultureInfo.InvariantCulture, $"the capsule has {drivers} embedded driver(s), which the firmware runs before it flashes"));
            }

            return ReadItems(drivers, drivers + payloads);
        }

        public Found ToEvidence()
        {
            if (_versionsDiffer)
            {
                Warn("the payloads carry different versions, so the capsule as a whole has none");
            }

            var versions = _versionsDiffer ? null : _versions;
            return new()
            {
                Identity = new()
                {
                    FirmwareClasses = [.. _classes.Distinct()],
                    Version = versions is { } v ? RomVersion.FromPacked(v.Version) : null,
                    LowestSupportedVersion = versions is { } l ? RomVersion.FromPacked(l.Lowest) : null,
                },
                Warnings = [.. _warnings.Distinct(StringComparer.Ordinal)],
            };
        }

        private void Warn(string what) => _warnings.Add(what);

        private FlashFailure? ReadItems(int drivers, int items)
        {
            var list = new byte[items * sizeof(ulong)];
            var listStart = fmpStart + FmpHeaderSize;
            if (!content.TryRead(listStart, list))
            {
                return Truncated(content.Length, $"the capsule has {items} item offsets from 0x{listStart:X} on");
            }

            var space = content.Length - fmpStart;
            var previous = (ulong)(FmpHeaderSize + list.Length);
            if (BinaryPrimitives.ReadUInt64LittleEndian(list) is var first && first > previous && first < (ulong)space)
            {
                Warn(string.Create(CultureInfo.InvariantCulture, $"{first - previous} bytes before the first item belong to nothing"));
            }

            // All offsets before any item: then an item's end is known to lie in the file.
            for (var i = 0; i < items; i++)
            {
                var offset = BinaryPrimitives.ReadUInt64LittleEndian(list.AsSpan(i * sizeof(ulong)));
                var at = listStart + (i * sizeof(ulong));
                if (offset >= (ulong)space)
                {
                    return Malformed(at, $"item {i} begins at 0x{offset:X}, beyond the capsule's 0x{space:X} bytes");
                }

                if (i == 0 ? offset < previous : offset <= previous)
                {
                    return Malformed(at, $"item {i} begins at 0x{offset:X}, inside of what lies before it");
                }

                previous = offset;
            }

            for (var i = drivers; i < items; i++)
            {
                var start = (long)BinaryPrimitives.ReadUInt64LittleEndian(list.AsSpan(i * sizeof(ulong)));
                var end = i + 1 < items ? (long)BinaryPrimitives.ReadUInt64LittleEndian(list.AsSpan((i + 1) * sizeof(ulong))) : space;
                if (ReadPayload(fmpStart + start, end - start) is { } failure)
                {
                    return failure;
                }
            }

            return null;
        }

        private FlashFailure? ReadPayload(long start, long size)
        {
            Span<byte> header = stackalloc byte[ImageHeaderSizeV3];
            header.Clear();
            if (size < ImageHeaderSizeV1)
            {
                return Malformed(start, $"the item has {size} bytes, and an image header at least 32");
            }

            if (!content.TryRead(start, header[..(int)Math.Min(size, ImageHeaderSizeV3)]))
            {
                return Truncated(content.Length, $"the image header at 0x{start:X} is cut off");
            }

            var version = BinaryPrimitives.ReadUInt32LittleEndian(header);
            var headerSize = version switch
            {
                1 => ImageHeaderSizeV1,
                2 => ImageHeaderSizeV2,
                3 => ImageHeaderSizeV3,
                _ => 0,
            };
            if (headerSize == 0)
            {
                return Malformed(start, $"the image header has version {version}, and only 1 to 3 are known");
            }

            var type = new Guid(header.Slice(4, 16));
            var index = header[20];
            long imageSize = BinaryPrimitives.ReadUInt32LittleEndian(header[24..]);
            long vendorSize = BinaryPrimitives.ReadUInt32LittleEndian(header[28..]);
            if (headerSize + imageSize + vendorSize != size)
            {
                return Malformed(start + 24, $"header ({headerSize}), image ({imageSize}) and vendor code ({vendorSize}) do not fill the item's {size} bytes");
            }

            if (imageSize == 0)
            {
                return Malformed(start + 24, $"the image is empty");
            }

            if (type == Guid.Empty)
            {
                return Malformed(start + 4, $"the image type id is empty");
            }

            var instance = version >= 2 ? BinaryPrimitives.ReadUInt64LittleEndian(header[32..]) : 0;
            var support = version >= 3 ? BinaryPrimitives.ReadUInt64LittleEndian(header[40..]) : 0;
            if (!_seen.Add((type, index, instance)))
            {
                return Malformed(start + 4, $"two payloads are for the same image of the same device");
            }

            if ((support & ~(SupportAuthentication | SupportDependency)) != 0)
            {
                Warn(string.Create(CultureInfo.InvariantCulture, $"a payload asks for support 0x{support:X} that is not known here"));
            }

            if (vendorSize > 0)
            {
                Warn("a payload has vendor code, which the firmware interprets");
            }

            _classes.Add(type);
            return ReadImage(start + headerSize, imageSize, support);
        }

        private FlashFailure? ReadImage(long start, long size, ulong support)
        {
            if (ReadAuthentication(start, size, (support & SupportAuthentication) != 0, out var skipped) is { } failure)
            {
                return failure;
            }

            start += skipped;
            size -= skipped;
            if ((support & SupportDependency) != 0)
            {
                if (ReadDependency(start, size, out skipped) is { } wrong)
                {
                    return wrong;
                }

                Warn("a payload has a dependency expression, which the firmware evaluates; it is not evaluated here");
                start += skipped;
                size -= skipped;
            }

            return size == 0 ? Malformed(start, $"the image is empty behind its authentication and dependencies") : ReadPayloadHeader(start, size);
        }

        private ImageMalformed? ReadAuthentication(long start, long size, bool isPromised, out long skipped)
        {
            skipped = 0;
            Span<byte> header = stackalloc byte[MonotonicCountSize + CertificateHeaderSize];
            var isThere = size >= header.Length
                && content.TryRead(start, header)
                && BinaryPrimitives.ReadUInt16LittleEndian(header[12..]) == CertificateRevision
                && BinaryPrimitives.ReadUInt16LittleEndian(header[14..]) == CertificateTypeGuid
                && new Guid(header.Slice(16, 16)) == Pkcs7Certificate;
            if (!isThere)
            {
                if (isPromised)
                {
                    return Malformed(start, $"the payload says that it is authenticated, and has no authentication header");
                }

                Warn("a payload is not signed");
                return null;
            }

            long length = BinaryPrimitives.ReadUInt32LittleEndian(header[8..]);
            if (length <= CertificateHeaderSize || MonotonicCountSize + length > size)
            {
                return Malformed(start + 8, $"the authentication has a length of {length}, the payload has {size} bytes");
            }

            Warn("a payload is signed; the signature was not checked here, the firmware checks it");
            skipped = MonotonicCountSize + length;
            return null;
        }

        // EFI_FIRMWARE_IMAGE_DEP (UEFI 2.10, 23.2): opcodes up to END.
        private FlashFailure? ReadDependency(long start, long size, out long skipped)
        {
            skipped = 0;
            var bytes = new byte[(int)Math.Min(size, MaxDependencyLength)];
            if (!content.TryRead(start, bytes))
            {
                return Truncated(content.Length, $"the dependency expression at 0x{start:X} is cut off");
            }

            for (var i = 0; i < bytes.Length;)
            {
                var opcode = bytes[i];
                switch (opcode)
                {
                    case 0x0D:
                        skipped = i + 1;
                        return null;
                    case 0x00:
                        i += 1 + 16;
                        break;
                    case 0x01 or 0x0E:
                        i += 1 + 4;
                        break;
                    case 0x02:
                        var end = bytes.AsSpan(i + 1).IndexOf((byte)0);
                        if (end < 0)
                        {
                            return Malformed(start + i, $"a text in the dependency expression does not end");
                        }

                        i += 1 + end + 1;
                        break;
                    case <= 0x0C:
                        i++;
                        break;
                    default:
                        return Malformed(start + i, $"the dependency expression has the unknown opcode 0x{opcode:X2}");
                }
            }

            return Malformed(start, $"the dependency expression does not end within {bytes.Length} bytes");
        }

        private ImageMalformed? ReadPayloadHeader(long start, long size)
        {
            Span<byte> header = stackalloc byte[PayloadHeaderSize];
            if (size < header.Length || !content.TryRead(start, header) || !header.StartsWith(PayloadSignature))
            {
                return null;
            }

            var headerSize = BinaryPrimitives.ReadUInt32LittleEndian(header[4..]);
            if (headerSize < PayloadHeaderSize || headerSize > size)
            {
                return Malformed(start + 4, $"the payload header has a size of {headerSize}, the payload has {size} bytes");
            }

            var found = (Version: BinaryPrimitives.ReadUInt32LittleEndian(header[8..]), Lowest: BinaryPrimitives.ReadUInt32LittleEndian(header[12..]));
            _versionsDiffer |= _versions is { } before && before != found;
            _versions = found;
            if (found.Lowest > found.Version)
            {
                Warn("a payload carries a lowest supported version that is above its own: it could not be flashed again");
            }

            return null;
        }
    }

    private sealed record Found
    {
        public RomIdentity Identity { get; init; } = RomIdentity.None;

        public ImmutableArray<string> Warnings { get; init; } = [];
    }
}
