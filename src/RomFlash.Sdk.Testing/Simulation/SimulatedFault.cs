using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Transports;

namespace RomFlash.Sdk.Testing.Simulation;

/// <summary>A remote operation: each passes one choke point, where it is numbered and where faults are injected.</summary>
public enum SimulatedOperation
{
    /// <summary><see cref="ITransport.ConnectAsync"/>.</summary>
    Connect = 0,

    /// <summary><see cref="IFactsCapability.ReadFactsAsync"/>.</summary>
    ReadFacts,

    /// <summary><see cref="IClaimCapability.ReadClaimAsync"/>.</summary>
    ReadClaim,

    /// <summary><see cref="IClaimCapability.AcquireClaimAsync"/>.</summary>
    AcquireClaim,

    /// <summary><see cref="IClaimCapability.ReleaseClaimAsync"/>.</summary>
    ReleaseClaim,

    /// <summary><see cref="IDepositCapability.ListDepositsAsync"/>.</summary>
    ListDeposits,

    /// <summary><see cref="IDepositCapability.OpenDepositAsync"/>.</summary>
    OpenDeposit,

    /// <summary><see cref="IDeposit.WriteAsync"/>.</summary>
    Write,

    /// <summary><see cref="IDeposit.ReadBackAsync"/>.</summary>
    ReadBack,

    /// <summary><see cref="IDeposit.DigestOnTargetAsync"/>.</summary>
    DigestOnTarget,

    /// <summary><see cref="IDeposit.CommitAsync"/>.</summary>
    Commit,

    /// <summary><see cref="IDepositCapability.DiscardDepositAsync"/>.</summary>
    DiscardDeposit,

    /// <summary><see cref="IArmingCapability.ReadArmedStateAsync"/>.</summary>
    ReadArmedState,

    /// <summary>The first half of <see cref="IArmingCapability.ArmAsync"/> where arming takes two steps: the file is in place, and inert.</summary>
    PrepareArm,

    /// <summary><see cref="IArmingCapability.ArmAsync"/>, or the half of it that is the commit point.</summary>
    Arm,

    /// <summary><see cref="IArmingCapability.DisarmAsync"/>.</summary>
    Disarm,

    /// <summary><see cref="IPowerCapability.ScheduleRebootAsync"/>.</summary>
    ScheduleReboot,

    /// <summary><see cref="IPowerCapability.AbortRebootAsync"/>.</summary>
    AbortReboot,
}

/// <summary>What goes wrong with an operation.</summary>
public enum SimulatedFaultKind
{
    /// <summary>The target refuses and changes nothing.</summary>
    Refuse = 0,

    /// <summary>The connection breaks before the operation takes effect; the session is dead.</summary>
    DisconnectBefore,

    /// <summary>The operation takes effect, then the connection breaks; the session is dead.</summary>
    DisconnectAfter,

    /// <summary>No answer and no effect, until the caller cancels.</summary>
    Hang,

    /// <summary>The operation takes effect, but no answer comes until the caller cancels.</summary>
    HangAfter,

    /// <summary>No answer and no effect, ever, whatever the caller cancels.</summary>
    HangIgnoringCancellation,

    /// <summary>A write stores a flipped byte; a read gives wrong content; anything else takes effect and gives an answer that can't be read.</summary>
    Corrupt,

    /// <summary>A write stores half of its bytes, then the connection breaks. Anything else: <see cref="DisconnectAfter"/>.</summary>
    ShortWrite,

    /// <summary>A write stores half of its bytes, fills the rest with zeros and says that it is done. Anything else: no fault.</summary>
    ShortWriteLying,

    /// <summary>The operation takes effect and is answered, later.</summary>
    Slow,

    /// <summary>The operation takes effect, and the answer breaks the protocol.</summary>
    Nonsense,

    /// <summary>The transport itself throws, without effect.</summary>
    Throw,

    /// <summary>The transport answers with a default result, without effect.</summary>
    ReturnsDefault,

    /// <summary>The client dies before the operation takes effect.</summary>
    CrashBefore,

    /// <summary>The client dies when the operation has taken effect.</summary>
    CrashAfter,
}

/// <summary>One fault to inject; see <see cref="SimulatedTarget.InjectAt"/> and <see cref="SimulatedTarget.Inject(SimulatedOperation, SimulatedFault)"/>.</summary>
/// <remarks>Immutable.</remarks>
public sealed record SimulatedFault
{
    private SimulatedFault(SimulatedFaultKind kind) => Kind = kind;

    /// <summary>What goes wrong.</summary>
    public SimulatedFaultKind Kind { get; }

    /// <summary>The fault that the transport reports, for <see cref="SimulatedFaultKind.Refuse"/>.</summary>
    public TransportFaultKind Reported { get; private init; } = TransportFaultKind.Lost;

    /// <summary>The effect that the transport reports where it can't know better.</summary>
    public FaultEffect Effect { get; private init; }

    /// <summary>How much later, for <see cref="SimulatedFaultKind.Slow"/>.</summary>
    public TimeSpan Delay { get; private init; }

    /// <summary>The peer's code, or null.</summary>
    public PeerCode? PeerCode { get; private init; }

    /// <summary>What the peer says. May be hostile.</summary>
    public string Detail { get; init; } = "injected";

    /// <summary>The connection breaks before the operation takes effect, and the client can't know that.</summary>
    public static SimulatedFault DisconnectBefore { get; } = new(SimulatedFaultKind.DisconnectBefore);

    /// <summary>The connection breaks before the operation is sent, and the client knows that.</summary>
    public static SimulatedFault DisconnectUnsent { get; } = new(SimulatedFaultKind.DisconnectBefore) { Effect = FaultEffect.NotSent };

    /// <summary>The connection breaks after the operation took effect.</summary>
    public static SimulatedFault DisconnectAfter { get; } = new(SimulatedFaultKind.DisconnectAfter);

    /// <summary>No answer and no effect until the caller cancels.</summary>
    public static SimulatedFault Hang { get; } = new(SimulatedFaultKind.Hang);

    /// <summary>The effect, but no answer until the caller cancels.</summary>
    public static SimulatedFault HangAfter { get; } = new(SimulatedFaultKind.HangAfter);

    /// <summary>No answer and no effect, whatever the caller cancels.</summary>
    public static SimulatedFault HangIgnoringCancellation { get; } = new(SimulatedFaultKind.HangIgnoringCancellation);

    /// <summary>Wrong bytes, in whichever direction they go.</summary>
    public static SimulatedFault Corrupt { get; } = new(SimulatedFaultKind.Corrupt);

    /// <summary>Half a write, then the connection breaks.</summary>
    public static SimulatedFault ShortWrite { get; } = new(SimulatedFaultKind.ShortWrite);

    /// <summary>Half a write, and the claim that it is done.</summary>
    public static SimulatedFault ShortWriteLying { get; } = new(SimulatedFaultKind.ShortWriteLying);

    /// <summary>An answer that breaks the protocol, after the effect.</summary>
    public static SimulatedFault Nonsense { get; } = new(SimulatedFaultKind.Nonsense);

    /// <summary>The transport throws <see cref="InvalidOperationException"/>.</summary>
    public static SimulatedFault Throw { get; } = new(SimulatedFaultKind.Throw);

    /// <summary>The transport answers with a default result.</summary>
    public static SimulatedFault ReturnsDefault { get; } = new(SimulatedFaultKind.ReturnsDefault);

    /// <summary>The client dies before the effect.</summary>
    public static SimulatedFault CrashBefore { get; } = new(SimulatedFaultKind.CrashBefore);

    /// <summary>The client dies after the effect.</summary>
    public static SimulatedFault CrashAfter { get; } = new(SimulatedFaultKind.CrashAfter);

    /// <summary>No space is left.</summary>
    public static SimulatedFault Full { get; } = Refuse(TransportFaultKind.NoSpace);

    /// <summary>The target refuses and changes nothing.</summary>
    /// <param name="kind">What the transport reports.</param>
    /// <param name="code">The peer's code, or null.</param>
    /// <returns>The fault.</returns>
    public static SimulatedFault Refuse(TransportFaultKind kind, PeerCode? code = null) =>
        new(SimulatedFaultKind.Refuse) { Reported = kind, Effect = FaultEffect.NotSent, PeerCode = code };

    /// <summary>The answer comes later.</summary>
    /// <param name="delay">How much later, on the target's clock.</param>
    /// <returns>The fault.</returns>
    public static SimulatedFault Slow(TimeSpan delay) => new(SimulatedFaultKind.Slow) { Delay = delay };
}

/// <summary>One operation that passed the choke point.</summary>
/// <param name="Number">Counted from 1.</param>
/// <param name="Operation">Which.</param>
public readonly record struct SimulatedOperationEntry(int Number, SimulatedOperation Operation);
