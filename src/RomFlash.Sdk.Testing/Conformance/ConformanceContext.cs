using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Probing;
using RomFlash.Sdk.Transports;

namespace RomFlash.Sdk.Testing.Conformance;

/// <summary>One rule of the kit.</summary>
internal sealed record ConformanceRule(string Name, string Requirement, Func<ConformanceContext, Task> CheckAsync);

/// <summary>Ends a rule that does not hold.</summary>
internal sealed class RuleBrokenException(string message) : Exception(message);

/// <summary>Ends a rule that says nothing here.</summary>
internal sealed class RuleNotApplicableException(string message) : Exception(message);

/// <summary>What rules are made of: bounded calls, and a look at the target's state through a session of its own.</summary>
internal sealed class ConformanceContext(ConformanceSubject subject) : IAsyncDisposable
{
    private readonly List<ITargetSession> _sessions = [];
    // One deposit after another is more than some targets take.
    private int _committing;
    private volatile bool _canBeBusy;
    private int _deposits;

    public ConformanceSubject Subject => subject;

    public static void Require(bool holds, string otherwise)
    {
        if (!holds)
        {
            throw new RuleBrokenException(otherwise);
        }
    }

    /// <summary>Cancels on this thread: under a clock that a test drives, a hop over the thread pool would let the patience run out first.</summary>
    public static void Cancel(CancellationTokenSource source) => source.Cancel();

    [DoesNotReturn]
    public static void Skip(string why) => throw new RuleNotApplicableException(why);

    public static T Hook<T>(T? hook, string name)
        where T : class => hook ?? throw new RuleNotApplicableException($"the subject has no {name}");

    public static TransportFault? FaultOf<T>(TransportResult<T> result, string what)
        where T : notnull
    {
        Require(!result.IsDefault, $"{what} answered with a default result");
        return result.TryGetValue(out _, out var fault) ? null : fault;
    }

    /// <summary>Awaits an answer, and no longer than the subject's patience.</summary>
    public async Task<TransportResult<T>> AnswerAsync<T>(ValueTask<TransportResult<T>> call, string what)
        where T : notnull
    {
        try
        {
            var result = await call.AsTask().WaitAsync(subject.Patience, subject.TimeProvider).ConfigureAwait(false);
            Require(!result.IsDefault, $"{what} answered with a default result");
            return result;
        }
        catch (TimeoutException)
        {
            throw new RuleBrokenException($"{what} did not answer within {subject.Patience}");
        }
        catch (Exception error) when (error is not (RuleBrokenException or RuleNotApplicableException))
        {
            throw new RuleBrokenException($"{what} threw {error.GetType().Name}: {error.Message}");
        }
    }

    public async Task<T> ValueAsync<T>(ValueTask<TransportResult<T>> call, string what)
        where T : notnull =>
        (await AnswerAsync(call, what).ConfigureAwait(false)).TryGetValue(out var value, out var fault)
            ? value
            : throw (_canBeBusy && fault.Kind == TransportFaultKind.Busy ? new RuleNotApplicableException("the target takes one deposit at a time") : new RuleBrokenException($"{what} failed: {fault}"));

    /// <summary>Requires a fault of one of some kinds that changed nothing; no kinds means any.</summary>
    public async Task<TransportFault> RefusalAsync<T>(ValueTask<TransportResult<T>> call, string what, params TransportFaultKind[] kinds)
        where T : notnull
    {
        var fault = await FaultAsync(call, what, kinds).ConfigureAwait(false);
        Require(fault.Effect == FaultEffect.NotSent, $"{what} was refused, but reports the effect {fault.Effect}");
        return fault;
    }

    public async Task<TransportFault> FaultAsync<T>(ValueTask<TransportResult<T>> call, string what, params TransportFaultKind[] kinds)
        where T : notnull
    {
        var fault = FaultOf(await AnswerAsync(call, what).ConfigureAwait(false), what);
        Require(fault is not null, $"{what} succeeded");
        Require(kinds.Length == 0 || kinds.Contains(fault!.Kind), $"{what} reports {fault!.Kind}, expected {string.Join(" or ", kinds)}");
        return fault;
    }

    public async Task<ITargetSession> ConnectAsync()
    {
        using var credentials = subject.Credentials();
        var session = await ValueAsync(
            subject.Transport.ConnectAsync(new(subject.Endpoint, credentials, subject.TimeProvider), CancellationToken.None),
            "connecting").ConfigureAwait(false);
        _sessions.Add(session);
        return session;
    }

    public async Task<T> CapabilityAsync<T>()
        where T : class, ITargetCapability => Need<T>(await ConnectAsync().ConfigureAwait(false));

    public static T Need<T>(ITargetSession session)
        where T : class, ITargetCapability =>
        session.GetCapability<T>() ?? throw new RuleNotApplicableException($"the transport has no {typeof(T).Name}");

    /// <summary>The deposit capability of a target where a committed deposit is inert; elsewhere the rule does not apply.</summary>
    public static IDepositCapability NeedInert(ITargetSession session) =>
        Need<IDepositCapability>(session) is { Traits.Effect: DepositEffect.Inert } deposits ? deposits : throw new RuleNotApplicableException("committing a deposit arms here");

    /// <summary>Acquires the claim where there are claims.</summary>
    /// <returns>The generation to deposit under.</returns>
    public async Task<long> ClaimAsync(ITargetSession session) =>
        session.GetCapability<IClaimCapability>() is { } claims
            ? (await ValueAsync(claims.AcquireClaimAsync(new("conformance"), CancellationToken.None), "acquiring the claim").ConfigureAwait(false)).Generation
            : 0;

    public DepositManifest Manifest(long generation)
    {
        _deposits++;
        var digest = new ContentDigest(SHA256.HashData(subject.Image.Span));
        return new($"conformance-{_deposits}", generation, [new("image.rom", subject.Image.Length, digest, subject.ComponentId)]);
    }

    public async Task<IDeposit> OpenAsync(IDepositCapability deposits, DepositManifest manifest) =>
        await ValueAsync(deposits.OpenDepositAsync(manifest, CancellationToken.None), "opening a deposit").ConfigureAwait(false);

    /// <summary>Writes the image in ascending pieces, the last of them short.</summary>
    public async Task WriteAsync(IDepositCapability deposits, IDeposit deposit)
    {
        var piece = Math.Clamp((subject.Image.Length / 3) + 1, 1, deposits.Traits.MaxWriteBytes);
        for (var offset = 0; offset < subject.Image.Length; offset += piece)
        {
            var data = subject.Image.Slice(offset, Math.Min(piece, subject.Image.Length - offset));
            await ValueAsync(deposit.WriteAsync(0, offset, data, CancellationToken.None), $"writing at {offset}").ConfigureAwait(false);
        }
    }

    public async Task<DepositManifest> CommittedAsync(ITargetSession session, long generation)
    {
        var deposits = NeedInert(session);
        return await CommittedAsync(deposits, generation).ConfigureAwait(false);
    }

    /// <summary>Deposits, whatever a commit means.</summary>
    public async Task<DepositManifest> CommittedAsync(IDepositCapability deposits, long generation)
    {
        var manifest = Manifest(generation);
        _canBeBusy = Interlocked.Increment(ref _committing) > 1;
        var deposit = await OpenAsync(deposits, manifest).ConfigureAwait(false);
        await using (deposit.ConfigureAwait(false))
        {
            await WriteAsync(deposits, deposit).ConfigureAwait(false);
            await ValueAsync(deposit.CommitAsync(CancellationToken.None), "committing").ConfigureAwait(false);
        }

        return manifest;
    }

    public async Task<ImmutableArray<DepositInfo>> ListAsync(IDepositCapability deposits)
    {
        var list = await ValueAsync(deposits.ListDepositsAsync(CancellationToken.None), "listing deposits").ConfigureAwait(false);
        Require(!list.IsDefault, "listing deposits gave a default array");
        return list;
    }

    /// <summary>Whether one deposit is listed, and this one.</summary>
    public static bool IsOnly(ImmutableArray<DepositInfo> list, string id, long generation, bool isCommitted) =>
        list is [var only] && (only.Id, only.Generation, only.IsCommitted) == (id, generation, isCommitted);

    public async Task<ArmedState> ArmedAsync(IArmingCapability arming)
    {
        var state = await ValueAsync(arming.ReadArmedStateAsync(true, CancellationToken.None), "reading the armed state").ConfigureAwait(false);
        Require(!state.Items.IsDefault && !state.Foreign.IsDefault && !state.Offers.IsDefault, "the armed state has a default array");
        return state;
    }

    /// <summary>An offer that does not flash by being armed.</summary>
    public async Task<ArmingOffer> OfferAsync(IArmingCapability arming)
    {
        var offers = (await ArmedAsync(arming).ConfigureAwait(false)).Offers;
        Require(offers.All(o => o.MaxComponents >= 1 && !string.IsNullOrEmpty(o.Method.Name)), "an offer has no method, or flashes no component");
        if (offers.IsEmpty)
        {
            Skip("the target offers no way to arm");
        }

        return offers.FirstOrDefault(o => !o.FlashesAtOnce) ?? throw new RuleNotApplicableException("arming is the flash here");
    }

    /// <summary>What a client can see of the target, through a new session.</summary>
    public async Task<string> LookAsync()
    {
        var session = await ConnectAsync().ConfigureAwait(false);
        var claim = session.GetCapability<IClaimCapability>() is { } claims
            ? (await ValueAsync(claims.ReadClaimAsync(CancellationToken.None), "reading the claim").ConfigureAwait(false)).ToString()
            : string.Empty;
        var list = session.GetCapability<IDepositCapability>() is { } deposits
            ? string.Join(", ", (await ListAsync(deposits).ConfigureAwait(false)).Where(d => d.IsCommitted || deposits.Traits.KeepsUncommitted).Select(d => d.ToString()).Order(StringComparer.Ordinal))
            : string.Empty;
        var armed = session.GetCapability<IArmingCapability>() is { } arming ? await ArmedAsync(arming).ConfigureAwait(false) : null;
        var boot = session.GetCapability<IFactsCapability>() is { } facts
            ? (await ValueAsync(facts.ReadFactsAsync(FactKinds.Boot, CancellationToken.None), "reading facts").ConfigureAwait(false)).Boot.ToString()
            : string.Empty;
        return $"claim {claim}; deposits {list}; armed {armed?.Phase} {armed?.DepositId}; boot {boot}";
    }

    /// <summary>Every operation of every capability that the session offers, each as a call that tells its fault, if any.</summary>
    public ImmutableArray<(string Name, Func<CancellationToken, Task<TransportFault?>> CallAsync)> Operations(ITargetSession session, IDeposit? deposit, DepositManifest manifest)
    {
        var calls = ImmutableArray.CreateBuilder<(string, Func<CancellationToken, Task<TransportFault?>>)>();
        if (session.GetCapability<IFactsCapability>() is { } facts)
        {
            Add("reading facts", t => facts.ReadFactsAsync(FactKinds.All, t));
        }

        if (session.GetCapability<IClaimCapability>() is { } claims)
        {
            Add("reading the claim", claims.ReadClaimAsync);
            Add("acquiring the claim", t => claims.AcquireClaimAsync(new("conformance"), t));
            Add("releasing the claim", t => claims.ReleaseClaimAsync(new("conformance", Math.Max(1, manifest.Generation)), t));
        }

        if (session.GetCapability<IDepositCapability>() is { } deposits)
        {
            var another = new DepositManifest("conformance-other", manifest.Generation, manifest.Files);
            Add("listing deposits", deposits.ListDepositsAsync);
            Add("opening a deposit", t => deposits.OpenDepositAsync(another, t));
            Add("discarding a deposit", t => deposits.DiscardDepositAsync(manifest.Id, manifest.Generation, t));
            if (deposit is not null)
            {
                Add("writing", t => deposit.WriteAsync(0, 0, subject.Image[..8], t));
                Add("committing", deposit.CommitAsync);
                if (deposits.Traits.Verification.Contains(VerificationMethod.ReadBack))
                {
                    Add("reading back", t => deposit.ReadBackAsync(0, 0, new byte[8], t));
                }

                if (deposits.Traits.Verification.Contains(VerificationMethod.DigestOnTarget))
                {
                    Add("digesting", t => deposit.DigestOnTargetAsync(0, t));
                }
            }
        }

        if (session.GetCapability<IArmingCapability>() is { } arming)
        {
            Add("reading the armed state", t => arming.ReadArmedStateAsync(true, t));
            Add("arming", t => arming.ArmAsync(new(manifest, ArmingMethod.CapsuleOnDisk), t));
            Add("disarming", t => arming.DisarmAsync(manifest.Id, t));
        }

        if (session.GetCapability<IPowerCapability>() is { RestartsAtOnce: false } power)
        {
            Add("scheduling a restart", t => power.ScheduleRebootAsync(new(TimeSpan.FromHours(8), "conformance", false), t));
            Add("aborting a restart", power.AbortRebootAsync);
        }

        return calls.ToImmutable();

        void Add<T>(string name, Func<CancellationToken, ValueTask<TransportResult<T>>> call)
            where T : notnull =>
            calls.Add((name, async token => FaultOf(await AnswerAsync(call(token), name).ConfigureAwait(false), name)));
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var session in _sessions)
        {
            await session.DisposeAsync().ConfigureAwait(false);
        }
    }
}
