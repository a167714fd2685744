using System.Collections.Immutable;
using RomFlash.Sdk.Images.Signatures;
using RomFlash.Sdk.Outcomes;

namespace RomFlash.Sdk.Images;

/// <summary>What all readings of one image share: what was found, and how much may still be used.</summary>
internal sealed class ReadingState(ImmutableArray<IRomImageFormat> formats, RomInspectionDepth depth, ImageSignatureTrust? trust, CancellationToken cancellationToken)
{
    private readonly List<RomImageSignature> _counting = [];
    private long _atOnce;
    private long _inAll;

    public RomInspectionDepth Depth { get; } = depth;

    public ImageSignatureTrust? Trust { get; } = trust;

    public CancellationToken CancellationToken { get; } = cancellationToken;

    /// <summary>Where all readings of the image decode to.</summary>
    public DecodeBuffers Buffers { get; } = new();

    public List<ImageFailure> Problems { get; } = [];

    public List<string> Warnings { get; } = [];

    public HashSet<string> SeenWarnings { get; } = new(StringComparer.Ordinal);

    /// <summary>All that were found.</summary>
    public List<RomImageSignature> Signatures { get; } = [];

    public List<FoundPayload> Payloads { get; } = [];

    public bool HasUnsignedPart { get; set; }

    public int PartCount { get; set; }

    public int CheckCount { get; set; }

    public bool IsOver { get; private set; }

    public void Add(RomImageSignature signature, bool counts)
    {
        Signatures.Add(signature);
        if (counts)
        {
            _counting.Add(signature);
        }
    }

    public void Report(ImageFailure problem)
    {
        if (IsOver)
        {
            return;
        }

        Problems.Add(problem);
        IsOver = Problems.Count >= RomImageLimits.MaxProblems;
    }

    public void End(ImageFailure problem)
    {
        Report(problem);
        IsOver = true;
    }

    public bool TryTake(long atOnce, long decoded)
    {
        if (atOnce < 0 || decoded < 0 || atOnce > RomImageLimits.MaxDecodedAtOnce - _atOnce || decoded > RomImageLimits.MaxDecodedInAll - _inAll)
        {
            return false;
        }

        _atOnce += atOnce;
        _inAll += decoded;
        return true;
    }

    public void GiveBack(long atOnce) => _atOnce -= atOnce;

    /// <summary>The format that is surest, and another that is as sure.</summary>
    public IRomImageFormat? Find(IRomImageContent content, RomRecognition atLeast, out IRomImageFormat? rival)
    {
        rival = null;
        IRomImageFormat? best = null;
        var surest = atLeast - 1;
        foreach (var format in formats)
        {
            CancellationToken.ThrowIfCancellationRequested();
            var sure = format.Recognize(content);
            if (sure > surest)
            {
                (best, surest, rival) = (format, sure, null);
            }
            else if (sure == surest && best is not null)
            {
                rival ??= format;
            }
        }

        return best;
    }

    /// <summary>What all signatures together come to.</summary>
    public ImageSignatureStatus Signature()
    {
        if (Signatures.Exists(s => s.Status == ImageSignatureStatus.Invalid))
        {
            return ImageSignatureStatus.Invalid;
        }

        var whole = _counting.Where(s => s.CoversAll).Select(s => s.Status).DefaultIfEmpty().Max();
        var parts = HasUnsignedPart ? ImageSignatureStatus.Unsigned : _counting.Where(s => !s.CoversAll).Select(s => s.Status).DefaultIfEmpty().Min();
        return whole > parts ? whole : parts;
    }
}

/// <summary>A payload that a package's format found.</summary>
internal sealed record FoundPayload(RomPartBuilder Part, RomPayload Payload, RomIdentity Identity, ContentDigest? Sha256, bool IsForTarget);
