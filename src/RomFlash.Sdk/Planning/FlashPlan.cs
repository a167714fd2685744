using System.Collections.Immutable;
using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Serialization;
using RomFlash.Sdk.Compatibility;
using RomFlash.Sdk.Documents;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Pipeline;
using RomFlash.Sdk.Targets;

namespace RomFlash.Sdk.Planning;

/// <summary>An image that a plan uses.</summary>
/// <param name="Sha256">Its SHA-256.</param>
/// <param name="Length">Its length in bytes.</param>
/// <param name="Name">Its name when the plan was made. Untrusted text.</param>
/// <param name="Format">The name of its format.</param>
public sealed record PlannedImage(ContentDigest Sha256, long Length, string Name, string Format)
{
    /// <summary>The package that it was taken from, or null when the file is the image. It is what was at hand; what is flashed is bound by <see cref="Sha256"/>, whichever package it comes from.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public RomImageWrapper? Package { get; init; }
}

/// <summary>
/// What will be done to which targets: made once, shown, compared, approved by its hash, and carried out as it is or not at all. A value: it is
/// written to a file and read back; a file that was edited is refused.
/// </summary>
/// <remarks>
/// Immutable and thread-safe. The hash binds content, not a person: who can write the file can make another plan with another hash. Whoever approves
/// a plan keeps its hash, and gives it when the plan is carried out.
/// </remarks>
public sealed class FlashPlan
{
    /// <summary>The version of the file format.</summary>
    public const int FormatVersion = 1;

    /// <summary>The largest file in bytes: 256 MiB, some hundred thousand targets.</summary>
    public const int MaxLength = 256 << 20;

    private const int MaxNameLength = 256;

    private readonly PlanBody _body;

    private FlashPlan(PlanBody body)
    {
        _body = body;
        Hash = new ContentDigest(SHA256.HashData(JsonSerializer.SerializeToUtf8Bytes(body, PlanJson.Default.PlanBody)));
    }

    /// <summary>The SHA-256 of everything that the plan says, the catalogs' digests included.</summary>
    public ContentDigest Hash { get; }

    /// <summary>When it was made, in UTC.</summary>
    public DateTimeOffset CreatedAt => _body.CreatedAt;

    /// <summary>Who made it. Untrusted text.</summary>
    public string CreatedBy => _body.CreatedBy;

    /// <summary>The catalogs that decided; what each lacks and was accepted is with it.</summary>
    public ImmutableArray<CatalogProvenance> Catalogs => _body.Catalogs;

    /// <summary>The images at hand when it was made.</summary>
    public ImmutableArray<PlannedImage> Images => _body.Images;

    /// <summary>What is allowed.</summary>
    public PlannedPolicy Policy => _body.Policy;

    /// <summary>The targets, in the order in which they are begun.</summary>
    public ImmutableArray<PlannedTarget> Targets => _body.Targets;

    /// <summary>Makes a plan of what preflights found. <see cref="RomFlashClient.PlanAsync"/> runs them.</summary>
    /// <param name="request">What was asked for.</param>
    /// <param name="found">One report for each target, in the order of the request.</param>
    /// <param name="createdAt">The time.</param>
    /// <returns>The plan; <see cref="DuplicateTarget"/>, <see cref="InvalidParameter"/>, or <see cref="CatalogUnusable"/> when no digest of the catalog is known, or it changed in between.</returns>
    public static FlashResult<FlashPlan> TryCreate(PlanRequest request, ImmutableArray<PreflightReport> found, DateTimeOffset createdAt)
    {
        ArgumentNullException.ThrowIfNull(request);
        if (FindMisuse(request, found) is { } misuse)
        {
            return misuse;
        }

        var verdicts = found.Select(f => f.Verdict).OfType<CompatibilityVerdict>().ToList();
        var catalogs = verdicts.Count == 0 || verdicts[0].Catalogs.IsDefault ? [] : verdicts[0].Catalogs;
        if (verdicts.Count > 0 && (catalogs.IsEmpty || catalogs.Any(c => c.Sha256.IsEmpty)))
        {
            return new CatalogUnusable { Stage = FlashStage.Check, Detail = "the catalog does not tell its digest, so no plan can be bound to it" };
        }

        if (verdicts.Any(v => v.Catalogs.IsDefault || !v.Catalogs.Select(c => c.Sha256).SequenceEqual(catalogs.Select(c => c.Sha256))))
        {
            return new CatalogUnusable { Stage = FlashStage.Check, Detail = "the catalog changed while the plan was made" };
        }

        return new FlashPlan(new PlanBody
        {
            CreatedAt = createdAt.ToUniversalTime(),
            CreatedBy = request.CreatedBy,
            Catalogs = catalogs,
            Images = [.. request.Images.Select(i => new PlannedImage(i.Sha256, i.Length, i.Source.Name, i.Evidence.Format) { Package = i.Evidence.Wrapper })],
            Policy = PlannedPolicy.Of(request.Policy),
            Targets = [.. found.Select(f => PlannedTarget.Of(f, request.Policy, request.WindowOf(f.Target)))],
        });
    }

    /// <summary>Reads a plan.</summary>
    /// <param name="utf8">The content of a plan's file; kept by nobody.</param>
    /// <param name="name">A name for messages, such as the file's path.</param>
    /// <returns>The plan, or <see cref="PlanUnusable"/>: no plan, or its content is not what its hash was made of.</returns>
    public static FlashResult<FlashPlan> TryParse(ReadOnlySpan<byte> utf8, string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        if (utf8.Length > MaxLength)
        {
            return Unusable(name, $"it is larger than {MaxLength} bytes");
        }

        PlanFile? file;
        FlashPlan? plan;
        try
        {
            // To write it again finds what reading lets through: a text that is missing.
            file = JsonSerializer.Deserialize(utf8, PlanJson.Default.PlanFile);
            plan = file is { Plan: { } content } ? new FlashPlan(content) : null;
        }
        catch (JsonException e)
        {
            var problem = Problem(e);
            return new PlanUnusable { Stage = FlashStage.Request, Detail = $"{name}: {problem}", Problems = [problem] };
        }
        catch (Exception e) when (e is ArgumentException or FormatException or InvalidOperationException)
        {
            // Text with half a surrogate pair, for one.
            return Unusable(name, $"a value can't be read ({e.GetType().Name})");
        }

        if (file is null || plan is null)
        {
            return Unusable(name, "it is no plan");
        }

        if (file.Version != FormatVersion)
        {
            return Unusable(name, string.Create(CultureInfo.InvariantCulture, $"it has version {file.Version} of the format, and {FormatVersion} is known"));
        }

        if (FindNonsense(plan._body) is { } nonsense)
        {
            return Unusable(name, nonsense);
        }

        return plan.Hash == file.Hash
            ? plan
            : Unusable(name, $"its content has the hash {plan.Hash}, it says {file.Hash}: it was edited after it was made");
    }

    /// <summary>Reads a plan from a regular file.</summary>
    /// <param name="path">The path.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    /// <returns>The plan, or <see cref="PlanUnusable"/>.</returns>
    public static async ValueTask<FlashResult<FlashPlan>> LoadAsync(string path, CancellationToken cancellationToken)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        var content = await DocumentFile.ReadAsync(path, MaxLength, cancellationToken).ConfigureAwait(false);
        return content.Bytes is { } bytes
            ? TryParse(bytes.Span, path)
            : new PlanUnusable { Stage = FlashStage.Request, Detail = content.WhyNot, PeerCode = content.PeerCode };
    }

    /// <summary>The plan's file: indented JSON in UTF-8, the same bytes for the same plan.</summary>
    /// <returns>What <see cref="TryParse"/> reads.</returns>
    public byte[] ToJson()
    {
        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream, new JsonWriterOptions { Indented = true, NewLine = "\n" }))
        {
            JsonSerializer.Serialize(writer, new PlanFile { Version = FormatVersion, Hash = Hash, Plan = _body }, PlanJson.Default.PlanFile);
        }

        stream.WriteByte((byte)'\n');
        return stream.ToArray();
    }

    /// <summary>Tells what differs from an older plan. When and by whom each was made is no difference.</summary>
    /// <param name="older">The older plan.</param>
    /// <returns>The differences in the order of the older plan, then what is new; empty when both say the same.</returns>
    public ImmutableArray<PlanDifference> CompareWith(FlashPlan older)
    {
        ArgumentNullException.ThrowIfNull(older);
        return PlanComparison.Compare(Element(older), Element(this), string.Empty);

        static JsonElement Element(FlashPlan plan) => JsonSerializer.SerializeToElement(plan._body with { CreatedAt = default, CreatedBy = string.Empty }, PlanJson.Default.PlanBody);
    }

    /// <summary>Makes the requests that carry the plan out, in its order. Each is bound: what differs from the plan right before the first write is refused with <see cref="PlanOutdated"/>.</summary>
    /// <param name="images">The images, validated anew; those of the plan, and no other.</param>
    /// <param name="deadlines">How long things may take, or null for the default.</param>
    /// <returns>One request for each target; <see cref="PlanOutdated"/> with the difference when the images are not the plan's, or <see cref="PlanUnusable"/>.</returns>
    public FlashResult<ImmutableArray<FlashRequest>> ToRequests(ImmutableArray<RomImage> images, FlashDeadlines? deadlines = null)
    {
        images = images.IsDefault ? [] : images;
        if (FindDifferences(images) is { IsEmpty: false } differences)
        {
            return Outdated(FlashStage.Request, string.Empty, differences);
        }

        var requests = ImmutableArray.CreateBuilder<FlashRequest>(Targets.Length);
        foreach (var target in Targets)
        {
            if (!target.ToTarget().TryGetValue(out var flashTarget, out var failure))
            {
                return new PlanUnusable { Stage = FlashStage.Request, Detail = failure.Detail };
            }

            requests.Add(new FlashRequest(flashTarget, images, Policy.ToPolicy(target.Window, deadlines)) { Plan = new PlanBinding(this, target) });
        }

        return requests.MoveToImmutable();
    }

    /// <summary>The hash and the number of targets.</summary>
    /// <returns>Text for a log.</returns>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"plan {Hash} over {Targets.Length} targets");

    /// <summary>Which images are missing, and which ones the plan does not know.</summary>
    internal ImmutableArray<PlanDifference> FindDifferences(ImmutableArray<RomImage> images)
    {
        var given = images.Select(i => i.Sha256).ToHashSet();
        var planned = Images.Select(i => i.Sha256).ToHashSet();
        return
        [
            .. Images.Where(i => !given.Contains(i.Sha256)).Select(i => new PlanDifference($"images/{i.Sha256}", i.Name, null)),
            .. images.Where(i => !planned.Contains(i.Sha256)).Select(i => new PlanDifference($"images/{i.Sha256}", null, i.Source.Name)),
        ];
    }

    internal static PlanOutdated Outdated(FlashStage stage, string targetId, ImmutableArray<PlanDifference> differences)
    {
        const int Shown = 10;
        var texts = differences.Select(d => d.ToString()).ToImmutableArray();
        return new PlanOutdated
        {
            Stage = stage,
            TargetId = targetId,
            Differences = texts,
            Detail = string.Join("; ", texts.Take(Shown)) + (texts.Length > Shown ? string.Create(CultureInfo.InvariantCulture, $"; and {texts.Length - Shown} more") : string.Empty),
        };
    }

    private static FlashFailure? FindMisuse(PlanRequest request, ImmutableArray<PreflightReport> found)
    {
        if (request.Targets.IsDefaultOrEmpty || request.Images.IsDefaultOrEmpty || string.IsNullOrWhiteSpace(request.CreatedBy) || request.CreatedBy.Length > MaxNameLength)
        {
            return new InvalidParameter { Parameter = "request", Detail = "a plan has at least one target, at least one image, and somebody who makes it" };
        }

        if (request.Targets.GroupBy(t => t.Id, StringComparer.Ordinal).FirstOrDefault(g => g.Count() > 1) is { } twice)
        {
            return new DuplicateTarget { TargetId = twice.Key, Detail = twice.Key };
        }

        if (found.IsDefault || !found.Select(f => f.Target.Id).SequenceEqual(request.Targets.Select(t => t.Id), StringComparer.Ordinal))
        {
            return new InvalidParameter { Parameter = "found", Detail = "there is one preflight for each target, in the order of the request" };
        }

        if (request.Windows.Keys.FirstOrDefault(k => !request.Targets.Any(t => string.Equals(t.Id, k, StringComparison.Ordinal))) is { } stranger)
        {
            return new InvalidParameter { Parameter = "windows", Detail = $"there is a window for '{stranger}', which is no target of the plan" };
        }

        // Two names of one machine: the second would be refused in mid-flight.
        var byKey = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var report in found)
        {
            if (report.Probe.TryGetValue(out var probed, out _) && probed.Facts.Identity.TryGet(out var identity) && identity.IsIdentifying
                && KeyOf(identity) is var key && !byKey.TryAdd(key, report.Target.Id))
            {
                return new DuplicateTarget { TargetId = report.Target.Id, Detail = $"'{byKey[key]}' and '{report.Target.Id}' are the same machine" };
            }
        }

        return null;
    }

    private static string KeyOf(TargetIdentity identity) => $"{identity.SmbiosUuid}/{identity.SerialNumber}/{identity.Manufacturer}/{identity.Product}";

    // The hash vouches for none of this: whoever makes a file can make its hash.
    private static string? FindNonsense(PlanBody body)
    {
        if (IsHollow(body.Targets) || body.Targets.IsEmpty || IsHollow(body.Images) || body.Images.IsEmpty || IsHollow(body.Catalogs) || body.Catalogs.Any(c => c.Name is null || c.Accepted.IsDefault))
        {
            return "it has no targets or no images, or a list with nothing in a place";
        }

        if (body.Targets.Any(IsHollow))
        {
            return "a target lacks something";
        }

        if (body.Targets.GroupBy(t => t.Id, StringComparer.Ordinal).FirstOrDefault(g => g.Count() > 1) is { } twice)
        {
            return $"target '{twice.Key}' is there twice";
        }

        foreach (var target in body.Targets)
        {
            if (!target.ToTarget().TryGetValue(out _, out var failure))
            {
                return $"target '{target.Id}': {failure.Detail}";
            }

            if (target.Window is { } window && window.Closes <= window.Opens)
            {
                return $"target '{target.Id}' has a window that closes before it opens";
            }
        }

        return IsHollow(body.Policy.Waivers) || body.Policy.RebootMessage is null || double.IsNaN(body.Policy.RebootDelaySeconds) || body.Policy.RebootDelaySeconds is < 0 or > 3_456_000 ? "its policy can't be used" : null;
    }

    private static bool IsHollow<T>(ImmutableArray<T> list)
        where T : class => list.IsDefault || list.Contains(null!);

    private static bool IsHollow(PlannedTarget target) =>
        target.Id is null
        || IsHollow(target.Endpoints)
        || target.Endpoints.Any(e => e.Address is null)
        || IsHollow(target.Blockers)
        || IsHollow(target.Waived)
        || IsHollow(target.ArmingMethods)
        || IsHollow(target.Roms)
        || target.Roms.Any(r => r.Id is null || IsHollow(r.Installed) || IsHollow(r.Path) || r.Path.Any(p => IsHollow(p.ReportedAs)));

    private static PlanUnusable Unusable(string name, string why) => new() { Stage = FlashStage.Request, Detail = $"{name}: {why}" };

    // The serializer's message may quote the path of a type, not the content.
    private static DocumentProblem Problem(JsonException e)
    {
        var message = e.Message.AsSpan();
        var end = message.IndexOf(" Path:", StringComparison.Ordinal);
        end = end < 0 ? message.IndexOf(" LineNumber:", StringComparison.Ordinal) : end;
        return new((int)(e.LineNumber ?? 0) + 1, (int)(e.BytePositionInLine ?? 0) + 1, (end < 0 ? message : message[..end]).ToString());
    }
}
