using System.Collections.Immutable;
using System.Globalization;
using RomFlash.Sdk.Images.Signatures;
using RomFlash.Sdk.Outcomes;

namespace RomFlash.Sdk.Images;

/// <summary>
/// One reading of an image, or of a part of one: the content, and the report that grows while it is read. All offsets that are given to it count from
/// the beginning of <see cref="Content"/>.
/// </summary>
/// <remarks>Not thread-safe; lives as long as the call of <see cref="IRomImageFormat.Read"/>.</remarks>
public sealed class RomImageReading
{
    private readonly ReadingState _state;
    private readonly long _origin;
    private readonly bool _isInFile;

    // Of a stretch of another content, or of what one decodes to, and not of a file or payload as a target takes it.
    private bool _isInside;

    internal RomImageReading(ReadingState state, IRomImageContent content, RomPartBuilder part, long origin, bool isInFile, int nesting)
    {
        _state = state;
        _origin = origin;
        _isInFile = isInFile;
        Content = content;
        Part = part;
        Nesting = nesting;
    }

    /// <summary>The bytes.</summary>
    public IRomImageContent Content { get; }

    /// <summary>The part of the report that stands for all of <see cref="Content"/>.</summary>
    public RomPartBuilder Part { get; }

    /// <summary>How deep to look.</summary>
    public RomInspectionDepth Depth => _state.Depth;

    /// <summary>How many contents this one lies in; 0 for the file itself.</summary>
    public int Nesting { get; }

    /// <summary>The format that reads it, or empty before one was found.</summary>
    public string Format { get; private set; } = string.Empty;

    /// <summary>What the content says that it is for. Of an inner content it is whoever reads the outer one that takes it over, or not.</summary>
    public RomIdentity Identity { get; set; } = RomIdentity.None;

    /// <summary>Whom the caller trusts to sign images, or null: then nobody.</summary>
    public ImageSignatureTrust? Trust => _state.Trust;

    /// <summary>Stops the reading; look at it in long loops. Reading from <see cref="Content"/> looks at it as well.</summary>
    public CancellationToken CancellationToken => _state.CancellationToken;

    /// <summary>Whether a bound was reached, and reading on is of no use.</summary>
    public bool IsOver => _state.IsOver;

    /// <summary>How many problems were reported so far, in all of the image.</summary>
    public int ProblemCount => _state.Problems.Count;

    /// <summary>Memory to decode to, within what <see cref="TryTake"/> allows.</summary>
    internal DecodeBuffers Buffers => _state.Buffers;

    /// <summary>Adds a part.</summary>
    /// <param name="kind">What it is; see <see cref="RomImagePart.Kind"/>.</param>
    /// <param name="offset">Where it begins in <see cref="Content"/>, in bytes.</param>
    /// <param name="length">How long it is, in bytes.</param>
    /// <param name="parent">What it is a part of, or null for <see cref="Part"/>.</param>
    /// <returns>The part. Beyond <see cref="RomImageLimits.MaxParts"/> it is in no report, and the reading is over.</returns>
    public RomPartBuilder Add(string kind, long offset, long length, RomPartBuilder? parent = null)
    {
        var part = new RomPartBuilder(kind, _origin + offset, length, _isInFile);
        if (_state.PartCount >= RomImageLimits.MaxParts)
        {
            _state.End(TooLarge(offset, $"it has more than {RomImageLimits.MaxParts} parts"));
            return part;
        }

        _state.PartCount++;
        (parent ?? Part).Add(part);
        return part;
    }

    /// <summary>Adds a part of what a part decodes to, where nothing is decoded yet.</summary>
    /// <param name="kind">What it is.</param>
    /// <param name="offset">Where it begins in what <paramref name="parent"/> decodes to.</param>
    /// <param name="length">How long it is there.</param>
    /// <param name="parent">What is decoded; its <see cref="RomPartBuilder.DecodedLength"/> is set.</param>
    /// <returns>The part; beyond the limit it is in no report.</returns>
    internal RomPartBuilder AddDecoded(string kind, long offset, long length, RomPartBuilder parent) =>
        new RomImageReading(_state, Content, parent, 0, isInFile: false, Nesting).Add(kind, offset, length);

    /// <summary>Records a check; one that does not hold is reported as <see cref="ImageChecksumWrong"/>.</summary>
    /// <param name="part">What it is a check of.</param>
    /// <param name="name">What was checked, such as <c>header sum8</c>.</param>
    /// <param name="offset">Where the checked range begins in <see cref="Content"/>.</param>
    /// <param name="length">How long the checked range is.</param>
    /// <param name="expected">What it has to be.</param>
    /// <param name="found">What it is.</param>
    /// <param name="digits">How many hexadecimal digits to show.</param>
    /// <returns>Whether it holds.</returns>
    public bool Check(RomPartBuilder part, string name, long offset, long length, ulong expected, ulong found, int digits)
    {
        var text = Hexadecimal.Of(expected, digits);
        return Check(part, name, offset, length, text, expected == found ? text : Hexadecimal.Of(found, digits));
    }

    /// <summary>Records a check whose values are texts, such as digests.</summary>
    /// <param name="part">What it is a check of.</param>
    /// <param name="name">What was checked.</param>
    /// <param name="offset">Where the checked range begins in <see cref="Content"/>.</param>
    /// <param name="length">How long the checked range is.</param>
    /// <param name="expected">What it has to be.</param>
    /// <param name="found">What it is; compared to the letter.</param>
    /// <returns>Whether it holds.</returns>
    public bool Check(RomPartBuilder part, string name, long offset, long length, string expected, string found)
    {
        ArgumentNullException.ThrowIfNull(part);
        var check = new RomImageCheck(name, _origin + offset, length, expected, found);
        if (_state.CheckCount >= RomImageLimits.MaxChecks)
        {
            _state.End(TooLarge(offset, $"it has more than {RomImageLimits.MaxChecks} checksums"));
        }
        else
        {
            _state.CheckCount++;
            part.Add(check);
        }

        if (!check.Holds)
        {
            Report(new ImageChecksumWrong { ByteOffset = ByteOffset(offset), Detail = $"{Where(offset)}: {Describe(part)}: {name} is {found}, it has to be {expected}" });
        }

        return check.Holds;
    }

    /// <summary>Says what a person should know although it is no mistake. The same text twice counts once.</summary>
    /// <param name="what">A statement. Untrusted text.</param>
    public void Warn(string what)
    {
        if (_state.Warnings.Count < RomImageLimits.MaxWarnings && _state.SeenWarnings.Add(what))
        {
            _state.Warnings.Add(what);
        }
    }

    /// <summary>Reports that the structure contradicts the format (<see cref="ImageMalformed"/>).</summary>
    /// <param name="offset">Where in <see cref="Content"/>.</param>
    /// <param name="what">What is wrong.</param>
    public void Malformed(long offset, FormattableString what) =>
        Report(new ImageMalformed { ByteOffset = ByteOffset(offset), Detail = $"{Where(offset)}: {FormattableString.Invariant(what)}" });

    /// <summary>Reports that the content ends too early (<see cref="ImageTruncated"/>).</summary>
    /// <param name="what">What is missing.</param>
    public void Truncated(FormattableString what) =>
        Report(new ImageTruncated { ByteOffset = ByteOffset(Content.Length), Detail = $"it ends {Where(Content.Length)}: {FormattableString.Invariant(what)}" });

    /// <summary>Reports a problem of any kind. Reading on is allowed: further problems are reported as well.</summary>
    /// <param name="problem">The problem.</param>
    public void Report(ImageFailure problem)
    {
        ArgumentNullException.ThrowIfNull(problem);
        _state.Report(problem with { Stage = FlashStage.Validate });
    }

    /// <summary>Reports that a bound was reached (<see cref="ImageTooLarge"/>), and ends the reading.</summary>
    /// <param name="offset">Where in <see cref="Content"/>.</param>
    /// <param name="what">Which bound.</param>
    public void GiveUp(long offset, FormattableString what) => _state.End(TooLarge(offset, what));

    /// <summary>Whether a signature was added that is over what a target takes, or a part of it.</summary>
    internal bool HasSignature { get; private set; }

    /// <summary>
    /// Adds a signature that was found and checked; one that is wrong is reported as <see cref="ImageSignatureInvalid"/>. Of a reading inside of another it is shown,
    /// and does not count otherwise: it says nothing of what is around it.
    /// </summary>
    /// <param name="signature">The signature; what it covers is meant of this reading's content.</param>
    public void AddSignature(RomImageSignature signature)
    {
        ArgumentNullException.ThrowIfNull(signature);
        signature = Nesting > 0 ? signature with { CoversAll = false } : signature;
        HasSignature |= !_isInside;
        _state.Scope.Add(signature, counts: !_isInside);
        if (signature.Status == ImageSignatureStatus.Invalid)
        {
            Report(new ImageSignatureInvalid { Detail = $"{signature.Kind}: {signature.Why}" });
        }
    }

    /// <summary>
    /// Says that a part which ought to have a signature has none. Then the image counts as unsigned, unless another signature covers everything. Of a reading inside of
    /// another it does not count: what is around it has a signature over it, or none.
    /// </summary>
    public void NoteUnsigned() => _state.Scope.HasUnsignedPart |= !_isInside;

    /// <summary>Adds something that a target takes out of this package. It is extracted and read afterwards. Only of the file itself: in another image a package is data, and nothing is taken out of it.</summary>
    /// <param name="part">The part that stands for it; what it is made of is added there.</param>
    /// <param name="payload">How to get at it.</param>
    /// <param name="identity">What it is for, by the package's word.</param>
    /// <param name="sha256">The SHA-256 that it has to have by the package's word, or null when the package gives none.</param>
    public void AddPayload(RomPartBuilder part, RomPayload payload, RomIdentity identity, ContentDigest? sha256 = null) =>
        Add(part, payload, identity, sha256, isForTarget: true);

    /// <summary>Adds something that belongs to this package and that no target takes. It only has to be there, and whole.</summary>
    /// <param name="part">The part that stands for it.</param>
    /// <param name="payload">How to get at it.</param>
    /// <param name="sha256">The SHA-256 that it has to have.</param>
    public void AddCompanion(RomPartBuilder part, RomPayload payload, ContentDigest sha256) => Add(part, payload, RomIdentity.None, sha256, isForTarget: false);

    private void Add(RomPartBuilder part, RomPayload payload, RomIdentity identity, ContentDigest? sha256, bool isForTarget)
    {
        ArgumentNullException.ThrowIfNull(part);
        ArgumentNullException.ThrowIfNull(payload);
        ArgumentNullException.ThrowIfNull(identity);
        if (Nesting > 0)
        {
            // Payloads are extracted from the file, and places in this content are none in the file.
            return;
        }

        if (_state.Payloads.Count >= RomImageLimits.MaxPayloads)
        {
            _state.End(TooLarge(0, $"it has more than {RomImageLimits.MaxPayloads} payloads"));
            return;
        }

        _state.Payloads.Add(new(part, payload, identity, sha256, isForTarget));
    }

    /// <summary>A reading of a stretch of this content as it is.</summary>
    /// <param name="part">The part that stands for it.</param>
    /// <param name="offset">Where it begins, in bytes.</param>
    /// <param name="length">How long it is; it lies in <see cref="Content"/>.</param>
    /// <returns>The inner reading, or null when it would nest too deep; that is reported.</returns>
    public RomImageReading? Slice(RomPartBuilder part, long offset, long length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, Content.Length - offset);
        return MayNest(offset) ? new(_state, new ContentSlice(Content, offset, length), part, _origin + offset, _isInFile, Nesting + 1) { _isInside = true } : null;
    }

    /// <summary>A reading of what a part decodes to. The caller has taken the memory with <see cref="TryTake"/>.</summary>
    /// <param name="part">The part that was decoded; its <see cref="RomPartBuilder.DecodedLength"/> is set.</param>
    /// <param name="decoded">The decoded bytes; nobody keeps them after the reading.</param>
    /// <returns>The inner reading, or null when it would nest too deep; that is reported.</returns>
    public RomImageReading? Decoded(RomPartBuilder part, ReadOnlyMemory<byte> decoded)
    {
        ArgumentNullException.ThrowIfNull(part);
        part.DecodedLength = decoded.Length;
        return MayNest(0) ? new(_state, new MemoryContent(Content.Name, decoded), part, 0, isInFile: false, Nesting + 1) { _isInside = true } : null;
    }

    /// <summary>Has the content read by the format that recognises it. Mere conventions do not count inside of another image.</summary>
    /// <returns>False when no format recognises it: then it is somebody's own data.</returns>
    public bool TryReadAsAny()
    {
        if (_state.Find(Content, Nesting == 0 ? RomRecognition.Convention : RomRecognition.Structure, out var rival) is not { } format)
        {
            return false;
        }

        if (rival is not null)
        {
            Report(new ImageAmbiguous { Detail = $"{Where(0)}: {format.Name} and {rival.Name} both recognise it" });
            return true;
        }

        Format = format.Name;
        format.Read(this);
        return true;
    }

    /// <summary>Takes memory for something compressed and what it decodes to, out of what one image may use at one time and in all.</summary>
    /// <param name="offset">Where the compressed part begins in <see cref="Content"/>, for the message.</param>
    /// <param name="atOnce">How many bytes it holds in memory, at least 0; give them back with <see cref="GiveBack"/>.</param>
    /// <param name="decoded">How many of them it decodes to, at least 0.</param>
    /// <returns>False when that is too much; it is reported, and the reading is over.</returns>
    public bool TryTake(long offset, long atOnce, long decoded)
    {
        if (_state.TryTake(atOnce, decoded))
        {
            return true;
        }

        _state.End(TooLarge(offset, $"what is compressed here decodes to {decoded} bytes; {RomImageLimits.MaxDecodedAtOnce} at one time and {RomImageLimits.MaxDecodedInAll} in all are the limits"));
        return false;
    }

    /// <summary>Gives back what <see cref="TryTake"/> took.</summary>
    /// <param name="atOnce">How many bytes.</param>
    public void GiveBack(long atOnce) => _state.GiveBack(atOnce);

    /// <summary>Says where an offset is, for a message.</summary>
    /// <param name="offset">An offset in <see cref="Content"/>.</param>
    /// <returns>Such as <c>at offset 0x1000</c>.</returns>
    public string Where(long offset) => _isInFile
        ? string.Create(CultureInfo.InvariantCulture, $"at offset 0x{_origin + offset:X}")
        : string.Create(CultureInfo.InvariantCulture, $"at offset 0x{_origin + offset:X} of what is decoded");

    private static string Describe(RomPartBuilder part) => part.Name.Length > 0 ? $"{part.Kind} {part.Name}" : part.Id is { } id ? $"{part.Kind} {id}" : part.Kind;

    // Offsets into something decoded are none of the file.
    private long? ByteOffset(long offset) => _isInFile ? _origin + offset : null;

    private ImageTooLarge TooLarge(long offset, FormattableString what) =>
        new() { Stage = FlashStage.Validate, Detail = $"{Where(offset)}: {FormattableString.Invariant(what)}" };

    private bool MayNest(long offset)
    {
        if (Nesting < RomImageLimits.MaxNesting)
        {
            return true;
        }

        _state.End(TooLarge(offset, $"it nests deeper than {RomImageLimits.MaxNesting} levels"));
        return false;
    }
}
