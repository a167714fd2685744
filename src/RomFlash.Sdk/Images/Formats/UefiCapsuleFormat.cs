using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using RomFlash.Sdk.Images.Signatures;
using RomFlash.Sdk.Outcomes;

namespace RomFlash.Sdk.Images.Formats;

/// <summary>
/// UEFI capsules that carry Firmware Management Protocol images (UEFI 2.10, 8.5.3 and 23.3). Checks every length and offset that firmware
/// checks; verifies signatures, and reads what is inside where another format recognises it. Accept, revert and display capsules carry no ROM and are
/// refused by name; a capsule of a vendor's own kind is for the firmware class that its GUID is.
/// </summary>
/// <remarks>Thread-safe and without state. At most <see cref="MaxItems"/> items are read.</remarks>
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

    private const string SignatureKind = "fmp-pkcs7";

    // The opcodes from 3 on that take nothing with them (UEFI 2.10, 23.2).
    private static readonly string[] Operators = ["and", "or", "not", "true", "false", "==", ">", ">=", "<", "<="];

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

    // A description in JSON of what firmware is to set or to fetch (UEFI 2.10, 23.5).
    private static Guid JsonCapsule => new("67d6f4cd-d6b8-4573-bf4a-de5e252d61ae");

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
        return kind == FmpCapsule || WhatCarriesNoRom(kind) is not null ? RomRecognition.Signature
            : kind != Guid.Empty && LooksLikeCapsule(head, content.Length) ? RomRecognition.Envelope
            : RomRecognition.None;
    }

    /// <inheritdoc/>
    public void Read(RomImageReading reading)
    {
        ArgumentNullException.ThrowIfNull(reading);
        Span<byte> header = stackalloc byte[CapsuleHeaderSize];
        if (!reading.Content.TryRead(0, header))
        {
            reading.Truncated($"the capsule header has {CapsuleHeaderSize} bytes");
            return;
        }

        if (!IsHeaderRight(reading, header))
        {
            return;
        }

        var kind = new Guid(header[..HeaderSizeOffset]);
        var headerSize = BinaryPrimitives.ReadUInt32LittleEndian(header[HeaderSizeOffset..]);
        var part = reading.Add("capsule-header", 0, headerSize);
        part.Id = kind;
        var flags = BinaryPrimitives.ReadUInt32LittleEndian(header[FlagsOffset..]);
        part.Note(FormattableString.Invariant($"flags 0x{flags:X8}"));
        if (kind == FmpCapsule)
        {
            NoteFlags(reading, flags);
            new Capsule(reading, headerSize).Read();
        }
        else if (WhatCarriesNoRom(kind) is { } what)
        {
            part.Name = what;
            if (reading.Content.Length > headerSize)
            {
                ReadKnownBody(reading, kind, headerSize);
            }

            reading.Report(new ImageFormatUnknown { Detail = $"{what} ({kind}), which carries no ROM for the firmware management protocol" });
        }
        else
        {
            ReadVendorCapsule(reading, kind, headerSize, flags);
        }
    }

    // The kinds that are known, and that no ROM comes with.
    private static string? WhatCarriesNoRom(Guid kind) =>
        kind == AcceptCapsule ? "an accept capsule"
        : kind == RevertCapsule ? "a revert capsule"
        : kind == DisplayCapsule ? "a display capsule"
        : kind == JsonCapsule ? "a JSON capsule"
        : null;

    // Of an accept capsule: the image that it accepts (DEN0118, 3.3). Of a display capsule: a bitmap.
    private static void ReadKnownBody(RomImageReading reading, Guid kind, long headerSize)
    {
        var body = reading.Add(kind == AcceptCapsule ? "accepted-image" : "body", headerSize, reading.Content.Length - headerSize);
        Span<byte> id = stackalloc byte[16];
        if (kind == AcceptCapsule && reading.Content.TryRead(headerSize, id))
        {
            body.Id = new Guid(id);
        }
    }

    // A capsule that is no FMP capsule goes to whoever's firmware class its GUID is (UEFI 2.10, 23.4); what is in it is the vendor's.
    private static void ReadVendorCapsule(RomImageReading reading, Guid kind, long headerSize, uint flags)
    {
        NoteFlags(reading, flags);
        reading.Warn($"the capsule is of its vendor's own kind {kind}: only the firmware that it is for knows what is in it");
        reading.NoteUnsigned();
        var body = reading.Add("vendor-payload", headerSize, reading.Content.Length - headerSize);
        reading.Identity = new() { FirmwareClasses = [kind] };
        if (reading.Slice(body, headerSize, reading.Content.Length - headerSize) is { } inner && !inner.TryReadAsAny())
        {
            body.Note("opaque");
        }
    }

    private static void NoteFlags(RomImageReading reading, uint flags)
    {
        if ((flags & PersistAcrossReset) == 0)
        {
            reading.Warn("the capsule lacks the flag \"persist across reset\": firmware flashes it, but reports no result variable");
        }

        if ((flags & VendorFlags) != 0)
        {
            reading.Warn(string.Create(CultureInfo.InvariantCulture, $"the capsule has vendor flags 0x{flags & VendorFlags:X4}, whose meaning is the firmware's"));
        }
    }

    // No signature, but a length that is exactly the file's, and a header with nothing in it that contradicts: an envelope, so that a firmware volume inside is no rival.
    private static bool LooksLikeCapsule(ReadOnlySpan<byte> head, long length) =>
        head.Length >= CapsuleHeaderSize
        && BinaryPrimitives.ReadUInt32LittleEndian(head[ImageSizeOffset..]) == length
        && BinaryPrimitives.ReadUInt32LittleEndian(head[HeaderSizeOffset..]) is >= CapsuleHeaderSize and <= LargestPlausibleHeader
        && (BinaryPrimitives.ReadUInt32LittleEndian(head[FlagsOffset..]) & ~KnownFlags) == 0;

    private static bool IsHeaderRight(RomImageReading reading, ReadOnlySpan<byte> header)
    {
        var length = reading.Content.Length;
        var headerSize = BinaryPrimitives.ReadUInt32LittleEndian(header[HeaderSizeOffset..]);
        var flags = BinaryPrimitives.ReadUInt32LittleEndian(header[FlagsOffset..]);
        var imageSize = BinaryPrimitives.ReadUInt32LittleEndian(header[ImageSizeOffset..]);
        var carriesNothing = new Guid(header[..HeaderSizeOffset]) is var kind && (kind == AcceptCapsule || kind == RevertCapsule);
        if (headerSize < CapsuleHeaderSize)
        {
            return Malformed(reading, HeaderSizeOffset, $"the header size is {headerSize}, and a capsule header has at least 28 bytes");
        }

        if (headerSize > imageSize || (headerSize == imageSize && !carriesNothing))
        {
            return Malformed(reading, HeaderSizeOffset, $"the header size is {headerSize}, the capsule's size only {imageSize}");
        }

        if ((flags & ~KnownFlags) != 0)
        {
            return Malformed(reading, FlagsOffset, $"the flags 0x{flags:X8} have bits that mean nothing");
        }

        if ((flags & (PopulateSystemTable | InitiateReset)) != 0 && (flags & PersistAcrossReset) == 0)
        {
            return Malformed(reading, FlagsOffset, $"the flags 0x{flags:X8} ask for a system table or a reset without persisting across it, which firmware refuses");
        }

        if (imageSize > length)
        {
            reading.Truncated($"the capsule says it has {imageSize} bytes, the file has {length}");
            return false;
        }

        return imageSize >= length || Malformed(reading, ImageSizeOffset, $"the capsule says it has {imageSize} bytes, the file has {length}");
    }

    // Always false, so that whoever finds something can say so and stop.
    private static bool Malformed(RomImageReading reading, long offset, FormattableString what)
    {
        reading.Malformed(offset, what);
        return false;
    }

    // One reading. Offsets are of the file; FMP offsets are relative to the FMP header.
    private sealed class Capsule(RomImageReading reading, long fmpStart)
    {
        private readonly IRomImageContent _content = reading.Content;
        private readonly List<Guid> _classes = [];
        private readonly HashSet<(Guid Type, byte Index, ulong Instance)> _seen = [];
        private (uint Version, uint Lowest)? _versions;
        private bool _versionsDiffer;
        private bool _lacksVersion;

        public void Read()
        {
            if (ReadHeader())
            {
                Conclude();
            }
        }

        private bool Malformed(long offset, FormattableString what) => UefiCapsuleFormat.Malformed(reading, offset, what);

        private bool Truncated(FormattableString what)
        {
            reading.Truncated(what);
            return false;
        }

        private bool ReadHeader()
        {
            Span<byte> header = stackalloc byte[FmpHeaderSize];
            if (!_content.TryRead(fmpStart, header))
            {
                return Truncated($"the FMP capsule header at 0x{fmpStart:X} has at least 8 bytes");
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
                // They run, and no payload's signature is over them.
                reading.Warn(string.Create(CultureInfo.InvariantCulture, $"the capsule has {drivers} embedded driver(s), which the firmware runs before it flashes"));
                reading.NoteUnsigned();
            }

            return ReadItems(drivers, drivers + payloads);
        }

        private void Conclude()
        {
            _versionsDiffer |= _lacksVersion && _versions is not null;
            if (_versionsDiffer)
            {
                reading.Warn("the payloads carry different versions, or some of them none, so the capsule as a whole has none");
            }

            var versions = _versionsDiffer ? null : _versions;
            reading.Identity = new()
            {
                FirmwareClasses = [.. _classes.Distinct()],
                Version = versions is { } v ? RomVersion.FromPacked(v.Version) : null,
                LowestSupportedVersion = versions is { } l ? RomVersion.FromPacked(l.Lowest) : null,
            };
        }

        private bool ReadItems(int drivers, int items)
        {
            var list = new byte[items * sizeof(ulong)];
            var listStart = fmpStart + FmpHeaderSize;
            if (!_content.TryRead(listStart, list))
            {
                return Truncated($"the capsule has {items} item offsets from 0x{listStart:X} on");
            }

            var space = _content.Length - fmpStart;
            var previous = (ulong)(FmpHeaderSize + list.Length);
            if (BinaryPrimitives.ReadUInt64LittleEndian(list) is var first && first > previous && first < (ulong)space)
            {
                reading.Warn(string.Create(CultureInfo.InvariantCulture, $"{first - previous} bytes before the first item belong to nothing"));
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

            var fmp = reading.Add("fmp-header", fmpStart, FmpHeaderSize + list.Length);
            fmp.Note(FormattableString.Invariant($"{drivers} drivers, {items - drivers} payloads"));
            for (var i = 0; i < drivers; i++)
            {
                var start = (long)BinaryPrimitives.ReadUInt64LittleEndian(list.AsSpan(i * sizeof(ulong)));
                var end = i + 1 < items ? (long)BinaryPrimitives.ReadUInt64LittleEndian(list.AsSpan((i + 1) * sizeof(ulong))) : space;
                reading.Add("embedded-driver", fmpStart + start, end - start);
            }

            // What is wrong with one payload says nothing of the next, which begins where the list says.
            var areRight = true;
            for (var i = drivers; i < items && !reading.IsOver; i++)
            {
                var start = (long)BinaryPrimitives.ReadUInt64LittleEndian(list.AsSpan(i * sizeof(ulong)));
                var end = i + 1 < items ? (long)BinaryPrimitives.ReadUInt64LittleEndian(list.AsSpan((i + 1) * sizeof(ulong))) : space;
                areRight &= ReadPayload(fmpStart + start, end - start, i - drivers);
            }

            return areRight;
        }

        private bool ReadPayload(long start, long size, int number)
        {
            Span<byte> header = stackalloc byte[ImageHeaderSizeV3];
            header.Clear();
            if (size < ImageHeaderSizeV1)
            {
                return Malformed(start, $"the item has {size} bytes, and an image header at least 32");
            }

            if (!_content.TryRead(start, header[..(int)Math.Min(size, ImageHeaderSizeV3)]))
            {
                return Truncated($"the image header at 0x{start:X} is cut off");
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
                reading.Warn(string.Create(CultureInfo.InvariantCulture, $"a payload asks for support 0x{support:X} that is not known here"));
            }

            if (vendorSize > 0)
            {
                // It is behind the image, and the signature is over the image alone (UEFI 2.10, 23.1).
                reading.Warn("a payload has vendor code, which the firmware interprets");
                reading.NoteUnsigned();
            }

            _classes.Add(type);
            var part = reading.Add("fmp-payload", start, size);
            part.Id = type;
            part.Name = FormattableString.Invariant($"payload {number}");
            part.Note(FormattableString.Invariant($"image header version {version}, index {index}"));
            if (instance != 0)
            {
                part.Note(FormattableString.Invariant($"hardware instance 0x{instance:X}"));
            }

            var isRight = ReadImage(part, start + headerSize, imageSize, support);
            if (vendorSize > 0)
            {
                reading.Add("vendor-code", start + headerSize + imageSize, vendorSize, part);
            }

            return isRight;
        }

        private bool ReadImage(RomPartBuilder part, long start, long size, ulong support)
        {
            if (!ReadAuthentication(part, start, size, (support & SupportAuthentication) != 0, out var skipped))
            {
                return false;
            }

            start += skipped;
            size -= skipped;
            if ((support & SupportDependency) != 0)
            {
                if (!ReadDependency(part, start, size, out skipped))
                {
                    return false;
                }

                reading.Warn("a payload has a dependency expression, which the firmware evaluates; it is not evaluated here");
                start += skipped;
                size -= skipped;
            }

            return size == 0 ? Malformed(start, $"the image is empty behind its authentication and dependencies") : ReadContent(part, start, size);
        }

        private bool ReadAuthentication(RomPartBuilder part, long start, long size, bool isPromised, out long skipped)
        {
            skipped = 0;
            Span<byte> header = stackalloc byte[MonotonicCountSize + CertificateHeaderSize];
            var isThere = size >= header.Length
                && _content.TryRead(start, header)
                && BinaryPrimitives.ReadUInt16LittleEndian(header[12..]) == CertificateRevision
                && BinaryPrimitives.ReadUInt16LittleEndian(header[14..]) == CertificateTypeGuid
                && new Guid(header.Slice(16, 16)) == Pkcs7Certificate;
            if (!isThere)
            {
                if (isPromised)
                {
                    return Malformed(start, $"the payload says that it is authenticated, and has no authentication header");
                }

                reading.Warn("a payload is not signed");
                reading.NoteUnsigned();
                return true;
            }

            long length = BinaryPrimitives.ReadUInt32LittleEndian(header[8..]);
            if (length <= CertificateHeaderSize || MonotonicCountSize + length > size)
            {
                return Malformed(start + 8, $"the authentication has a length of {length}, the payload has {size} bytes");
            }

            skipped = MonotonicCountSize + length;
            if (skipped == size)
            {
                // Nothing is there that could be signed, which is told as what it is.
                return true;
            }

            var authentication = reading.Add("authentication", start, skipped, part);
            authentication.Note(FormattableString.Invariant($"monotonic count {BinaryPrimitives.ReadUInt64LittleEndian(header)}"));
            var signature = Verify(start + header.Length, length - CertificateHeaderSize, start + skipped, size - skipped, header[..MonotonicCountSize]);
            authentication.Note(FormattableString.Invariant($"PKCS#7, {signature.Status}"));
            reading.AddSignature(signature);
            return true;
        }

        // The signature is over everything behind it, and then the count in front of it (UEFI 2.10, 23.1, EFI_FIRMWARE_IMAGE_AUTHENTICATION).
        private RomImageSignature Verify(long start, long length, long signedStart, long signedLength, ReadOnlySpan<byte> count)
        {
            if (length > CmsSignature.MaxLength)
            {
                return SignatureVerdict.Invalid(SignatureKind, $"the signature has {length} bytes, at most {CmsSignature.MaxLength} are read");
            }

            var encoded = new byte[(int)length];
            if (!_content.TryRead(start, encoded))
            {
                return SignatureVerdict.Invalid(SignatureKind, "the signature can't be read");
            }

            if (!CmsSignature.TryParse(encoded, out var signature, out var why))
            {
                return SignatureVerdict.Invalid(SignatureKind, why);
            }

            using var digests = signature.CreateDigests();
            if (!digests.TryAppend(_content, signedStart, signedLength, reading.CancellationToken))
            {
                return SignatureVerdict.Invalid(SignatureKind, "what was signed can't be read");
            }

            digests.Append(count);
            return signature.Verify(SignatureKind, digests, reading.Trust);
        }

        // EFI_FIRMWARE_IMAGE_DEP (UEFI 2.10, 23.2): opcodes up to END.
        private bool ReadDependency(RomPartBuilder part, long start, long size, out long skipped)
        {
            skipped = 0;
            var bytes = new byte[(int)Math.Min(size, MaxDependencyLength)];
            if (!_content.TryRead(start, bytes))
            {
                return Truncated($"the dependency expression at 0x{start:X} is cut off");
            }

            var words = new List<string>();
            for (var i = 0; i < bytes.Length;)
            {
                var opcode = bytes[i];
                var operands = bytes.AsSpan(i + 1);
                switch (opcode)
                {
                    case 0x0D:
                        skipped = i + 1;
                        reading.Add("dependencies", start, skipped, part).Note(string.Join(' ', words));
                        return true;
                    case 0x00:
                        words.Add(operands.Length >= 16 ? new Guid(operands[..16]).ToString() : "guid");
                        i += 1 + 16;
                        break;
                    case 0x01 or 0x0E:
                        words.Add(operands.Length >= 4 ? FormattableString.Invariant($"{(opcode == 0x01 ? "version " : "length ")}0x{BinaryPrimitives.ReadUInt32LittleEndian(operands):X8}") : "version");
                        i += 1 + 4;
                        break;
                    case 0x02:
                        var end = operands.IndexOf((byte)0);
                        if (end < 0)
                        {
                            return Malformed(start + i, $"a text in the dependency expression does not end");
                        }

                        words.Add($"'{Encoding.ASCII.GetString(operands[..end])}'");
                        i += 1 + end + 1;
                        break;
                    case <= 0x0C:
                        words.Add(Operators[opcode - 3]);
                        i++;
                        break;
                    default:
                        return Malformed(start + i, $"the dependency expression has the unknown opcode 0x{opcode:X2}");
                }
            }

            return Malformed(start, $"the dependency expression does not end within {bytes.Length} bytes");
        }

        private bool ReadContent(RomPartBuilder part, long start, long size)
        {
            if (!ReadPayloadHeader(part, start, size, out var skipped))
            {
                return false;
            }

            if (size > skipped)
            {
                var image = reading.Add("payload", start + skipped, size - skipped, part);
                if (reading.Slice(image, start + skipped, size - skipped) is { } inner && !inner.TryReadAsAny())
                {
                    image.Note("opaque");
                }
            }

            return true;
        }

        private bool ReadPayloadHeader(RomPartBuilder part, long start, long size, out long skipped)
        {
            skipped = 0;
            Span<byte> header = stackalloc byte[PayloadHeaderSize];
            if (size < header.Length || !_content.TryRead(start, header) || !header.StartsWith(PayloadSignature))
            {
                _lacksVersion = true;
                return true;
            }

            var headerSize = BinaryPrimitives.ReadUInt32LittleEndian(header[4..]);
            if (headerSize < PayloadHeaderSize || headerSize > size)
            {
                return Malformed(start + 4, $"the payload header has a size of {headerSize}, the payload has {size} bytes");
            }

            var found = (Version: BinaryPrimitives.ReadUInt32LittleEndian(header[8..]), Lowest: BinaryPrimitives.ReadUInt32LittleEndian(header[12..]));
            _versionsDiffer |= _versions is { } before && before != found;
            _versions = found;
            skipped = headerSize;
            var payloadHeader = reading.Add("payload-header", start, headerSize, part);
            payloadHeader.Version = FormattableString.Invariant($"0x{found.Version:X8}");
            payloadHeader.Note(FormattableString.Invariant($"lowest supported version 0x{found.Lowest:X8}"));
            if (found.Lowest > found.Version)
            {
                reading.Warn("a payload carries a lowest supported version that is above its own: it could not be flashed again");
            }

            return true;
        }
    }
}
