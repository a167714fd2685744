using System.Globalization;

namespace RomFlash.Sdk.Transports.SystemPartitions;

/// <summary>Ends a step with a fault; caught at the session's border, and never seen by a caller.</summary>
internal sealed class PartitionFaultException : Exception
{
    public PartitionFaultException(TransportFaultKind kind, string message)
        : this(new TransportFault(kind, FaultEffect.NotSent, message)) => IsOwn = true;

    public PartitionFaultException(TransportFault fault)
        : base(fault.Detail) => Fault = fault;

    /// <summary>The fault; its effect is that of the one operation that failed.</summary>
    public TransportFault Fault { get; }

    public TransportFaultKind Kind => Fault.Kind;

    /// <summary>Whether it was concluded here from what lies on the partition, and not by the transport that was asked for it.</summary>
    public bool IsOwn { get; }

    /// <summary>The value of a result, or its fault, thrown.</summary>
    public static T Need<T>(TransportResult<T> result)
        where T : notnull => result.TryGetValue(out var value, out var fault) ? value : throw new PartitionFaultException(fault);

    public static PartitionFaultException Violation(string message) => new(TransportFaultKind.ProtocolViolation, message);

    public static PartitionFaultException At(string file, long line, long column, string what) =>
        Violation(string.Create(CultureInfo.InvariantCulture, $"{file}, line {line}, column {column}: {what}"));

    /// <summary>Whether a fault tells something of the target, and not that nobody can tell anything any more.</summary>
    public static bool IsOfTheTarget(TransportFault fault) => fault.Kind
        is TransportFaultKind.NotFound or TransportFaultKind.AccessDenied or TransportFaultKind.Unsupported or TransportFaultKind.ServiceNotRunning or TransportFaultKind.Busy
        or TransportFaultKind.Rejected or TransportFaultKind.Unmapped or TransportFaultKind.NoSpace or TransportFaultKind.ReadOnly;
}
