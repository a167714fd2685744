using System.Collections.Immutable;
using RomFlash.Sdk.Images.Signatures;
using RomFlash.Sdk.Outcomes;

namespace RomFlash.Sdk.Images;

/// <summary>What all readings of one image share: what was found, and how much may still be used.</summary>
internal sealed class ReadingState(ImmutableArray<IRomImageFormat> formats, RomInspectionDepth depth, ImageSignatureTrust? trust, CancellationToken cancellationToken)
{
    private readonly List<SignatureScope> _payloadScopes = [];
    private readonly SignatureScope _fileScope = new();
    private SignatureScope? _scope;
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

    /// <summary>Where signatures count now: in the file itself, or in one payload of a package.</summary>
    public SignatureScope Scope => _scope ?? _fileScope;

    public IEnumerable<RomImageSignature> Signatures => _payloadScopes.Aggregate(_fileScope.Signatures.AsEnumerable(), (all, next) => all.Concat(next.Signatures));

    public List<FoundPayload> Payloads { get; } = [];

    public int PartCount { get; set; }

    public int CheckCount { get; set; }

    public bool IsOver { get; private set; }

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

    /// <summary>Has signatures count for one payload of the package, until <see cref="EndPayload"/>: what vouches for one says nothing of another.</summary>
    public SignatureScope BeginPayload()
    {
        _scope = new();
        _payloadScopes.Add(_scope);
        return _scope;
    }

    public void EndPayload() => _scope = null;

    /// <summary>What all signatures together come to; of a package, for the payload that is vouched for the least.</summary>
    public ImageSignatureStatus Signature() =>
        _payloadScopes.Count == 0 || Signatures.Any(s => s.Status == ImageSignatureStatus.Invalid)
            ? SignatureScope.StatusOf([_fileScope, .. _payloadScopes], _fileScope.HasUnsignedPart)
            : _payloadScopes.Select(SignatureOf).Min();

    /// <summary>What the signatures of a payload, and those of its package as a whole, come to.</summary>
    public ImageSignatureStatus SignatureOf(SignatureScope payload) => SignatureScope.StatusOf([_fileScope, payload], payload.HasUnsignedPart);

    public IEnumerable<RomImageSignature> SignaturesOf(SignatureScope payload) => _fileScope.Signatures.Concat(payload.Signatures);
}

/// <summary>The signatures of one thing that a target takes.</summary>
internal sealed class SignatureScope
{
    private readonly List<RomImageSignature> _counting = [];

    /// <summary>All that were found.</summary>
    public List<RomImageSignature> Signatures { get; } = [];

    public bool HasUnsignedPart { get; set; }

    /// <summary>What signatures come to: the weakest that counts, unless one covers everything; and nothing, where any is wrong.</summary>
    public static ImageSignatureStatus StatusOf(ReadOnlySpan<SignatureScope> scopes, bool hasUnsignedPart)
    {
        var counting = new List<RomImageSignature>();
        foreach (var scope in scopes)
        {
            if (scope.Signatures.Exists(s => s.Status == ImageSignatureStatus.Invalid))
            {
                return ImageSignatureStatus.Invalid;
            }

            counting.AddRange(scope._counting);
        }

        var whole = counting.Where(s => s.CoversAll).Select(s => s.Status).DefaultIfEmpty().Max();
        var parts = hasUnsignedPart ? ImageSignatureStatus.Unsigned : counting.Where(s => !s.CoversAll).Select(s => s.Status).DefaultIfEmpty().Min();
        return whole > parts ? whole : parts;
    }

    /// <summary>Adds one that was found. What lies inside of something else is told, and refused when it is wrong, but vouches for nothing around it.</summary>
    public void Add(RomImageSignature signature, bool counts)
    {
        Signatures.Add(signature);
        if (counts)
        {
            _counting.Add(signature);
        }
    }
}

/// <summary>A payload that a package's format found.</summary>
internal sealed record FoundPayload(RomPartBuilder Part, RomPayload Payload, RomIdentity Identity, ContentDigest? Sha256, bool IsForTarget);
