using System.Collections.Immutable;
using RomFlash.Sdk.Probing;
using RomFlash.Sdk.Transports.Ssh.Facts;
using RomFlash.Sdk.Transports.Ssh.Firmware;
using RomFlash.Sdk.Transports.SystemPartitions;

namespace RomFlash.Sdk.Transports.Ssh;

/// <summary>A Linux target that somebody has logged on to.</summary>
internal sealed class SshSession : PartitionSession, IPowerCapability
{
    private static readonly ArmingOffer OnDisk = new(ArmingMethod.CapsuleOnDisk, CanDisarm: true, FlashesAtOnce: false, PartitionLayout.MaxFiles);
    private static readonly ArmingOffer FileOnly = new(ArmingMethod.CapsuleFileOnly, CanDisarm: true, FlashesAtOnce: false, PartitionLayout.MaxFiles);

    private readonly SshScripts _scripts;
    private readonly SshFacts _facts;
    private readonly SshPower _power;
    private readonly OsIndications _indications;
    private readonly Fact<SshVolume> _volume;
    private string _whyNoOffer = string.Empty;

    public SshSession(SshScripts scripts, Fact<SshVolume> volume, string shutdownProgram)
        : base(PartitionOf(scripts, volume))
    {
        _scripts = scripts;
        _facts = new(scripts);
        _power = new(scripts, shutdownProgram);
        _indications = new(new EfiVariables(scripts));
        _volume = volume;
    }

    // The target computes the digest, as administrators do by hand, and nothing travels twice; a policy that asks for more gets the copy itself.
    public override DepositTraits Traits { get; } = new()
    {
        Verification = [VerificationMethod.DigestOnTarget, VerificationMethod.ReadBack],
        Usual = VerificationMethod.DigestOnTarget,
        MaxWriteBytes = SshPartition.Chunk,
        PreferredWriteBytes = SshPartition.Chunk,
        UsesSystemPartition = true,
    };

    protected override string WhyNoOffer => _whyNoOffer;

    public override ValueTask<TransportResult<TargetFacts>> ReadFactsAsync(FactKinds kinds, CancellationToken cancellationToken) => RunAsync(layout => _facts.ReadAsync(_volume.IsKnown ? layout : null, _volume, kinds, layout.Token), cancellationToken);

    public TimeSpan DelayOf(TimeSpan asked) => SshPower.DelayOf(asked);

    public ValueTask<TransportResult<Done>> ScheduleRebootAsync(RebootRequest request, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(request);
        return request.Delay > SshPower.MaxDelay
            ? new(new TransportFault(TransportFaultKind.Unsupported, FaultEffect.NotSent, "a restart can't be asked for more than a month ahead"))
            : ChangeAsync(t => _power.ScheduleAsync(request, t), cancellationToken);
    }

    public ValueTask<TransportResult<Done>> AbortRebootAsync(CancellationToken cancellationToken) => ChangeAsync(_power.AbortAsync, cancellationToken);

    protected override async ValueTask<ImmutableArray<ArmingOffer>> ReadOffersAsync(PartitionLayout layout)
    {
        var supported = await _indications.IsSupportedAsync(layout.Token).ConfigureAwait(false);
        var (isFileOnly, isReadOnly) = await ArmingFacts.ReadAsync(_scripts, layout.Token).ConfigureAwait(false);
        var isOnDisk = supported.TryGet(out var isSupported) && isSupported && !isReadOnly;
        var why = isOnDisk ? string.Empty : isReadOnly ? $"{EfiVariables.Folder} can't be written" : supported.IsKnown ? "the firmware's OsIndicationsSupported does not name capsules on disk" : $"OsIndicationsSupported is unknown: {supported.WhyUnknown}";
        _whyNoOffer = $"{why}, and {ArmingFacts.Place} does not say that the firmware takes capsule files without OsIndications; a second endpoint could arm it: redfish: (its controller)";
        return (isOnDisk, isFileOnly) switch
        {
            (true, true) => [OnDisk, FileOnly],
            (true, false) => [OnDisk],
            (false, true) => [FileOnly],
            _ => [],
        };
    }

    protected override async ValueTask<ArmedState> ReadArmedAsync(PartitionLayout layout, ArmedState state)
    {
        state = await base.ReadArmedAsync(layout, state).ConfigureAwait(false);

        // Files alone are half of it where the firmware waits for the bit. Where nobody knows what it waits for, they count as armed.
        return state.Phase is ArmedPhase.Armed
            && Takes(state.Offers, ArmingMethod.CapsuleOnDisk)
            && !Takes(state.Offers, ArmingMethod.CapsuleFileOnly)
            && await IsBitClearAsync(layout).ConfigureAwait(false)
                ? state with { Phase = ArmedPhase.Prepared }
                : state;
    }

    protected override ValueTask<Done> ArmAsync(PartitionLayout layout, ArmRequest request) => PartitionArming.ArmAsync(
        layout,
        request.Manifest,
        request.Method == ArmingMethod.CapsuleOnDisk ? Bit(layout) : null);

    // Whoever set it: without files it is of no use.
    protected override ValueTask<Done> DisarmAsync(PartitionLayout layout, string depositId) => PartitionArming.DisarmAsync(layout, depositId, Bit(layout));

    protected override ValueTask CloseAsync() => _scripts.DisposeAsync();

    // A folder that is no mount point is told of, and not worked in.
    private static SshPartition PartitionOf(SshScripts scripts, Fact<SshVolume> volume) =>
        !volume.TryGet(out var found) ? new(scripts, null, volume.WhyUnknown)
        : found.FileSystem.IsKnown ? new(scripts, scripts.Root + found.MountPoint, string.Empty, VolumeFacts.Guard(scripts.Root, found))
        : new(scripts, null, found.FileSystem.WhyUnknown);

    private async ValueTask<bool> IsBitClearAsync(PartitionLayout layout)
    {
        try
        {
            return (await _indications.ReadAsync(layout.Token).ConfigureAwait(false)).TryGet(out var isSet) && !isSet;
        }
        catch (PartitionFaultException e) when (e.IsOwn || PartitionFaultException.IsOfTheTarget(e.Fault))
        {
            // Nobody can tell, so that it counts as set.
            return false;
        }
    }

    private ArmingBit Bit(PartitionLayout layout) => new(
        () => layout.Files.ChangeAsync(_indications.SetAsync(layout.Token)),
        async () =>
        {
            if ((await _indications.ReadAsync(layout.Token).ConfigureAwait(false)).TryGet(out var isSet) && isSet)
            {
                await layout.Files.ChangeAsync(_indications.ClearAsync(layout.Token)).ConfigureAwait(false);
            }
        });

    private static bool Takes(ImmutableArray<ArmingOffer> offers, ArmingMethod method) => offers.Any(o => o.Method == method);

    private ValueTask<TransportResult<Done>> ChangeAsync(Func<CancellationToken, ValueTask> change, CancellationToken cancellationToken) => RunAsync<Done>(
        async layout =>
        {
            await layout.Files.ChangeAsync(change(layout.Token)).ConfigureAwait(false);
            return default;
        },
        cancellationToken);
}
